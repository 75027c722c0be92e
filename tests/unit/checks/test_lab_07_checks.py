"""The checks of lab 07 on evidence made by hand: both histories, and everything that is none of the two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from kit.broker.timeline import Event
from kit.checks import SeenPartition, SeenRecord, names, verdict
from kit.checks.lab_07 import LIKES, LOSING, ORDERS, REFUSING
from kit.history import History
from tests.support.fake_evidence import FakeEvidence

CUT_MS, SENT_MS, HEAL_MS = 1_000, 2_000, 3_000
WHOLE = SeenPartition(0, 2, 1, (1, 2, 3), (2, 3, 1))


@dataclass
class Story:
    """What was sent around a cut, and what the cluster looked like in the end.

    Attributes:
        sent: value, when it began, and the acknowledged offset or Kafka's error.
        log: the values in the end.
        events: kind and time, and details where the topic is meant.
    """

    topic: str
    sent: Sequence[tuple[str, int, int | str]]
    log: Sequence[str]
    events: Sequence[tuple[str, int, dict[str, Any] | None]]
    isr: SeenPartition = WHOLE
    history: History = field(default_factory=History)

    def __post_init__(self) -> None:
        for value, start_ms, answer in self.sent:
            operation = self.history.invoke(
                "near", "send", self.topic, 0, None, value.encode(), time_ms=start_ms
            )  # fmt: skip
            if isinstance(answer, int):
                operation.ok(offset=answer)
            else:
                operation.unknown(answer)

    @property
    def evidence(self) -> FakeEvidence:
        """What a check sees of it."""
        records = [SeenRecord(self.topic, 0, place, 1, None, value.encode()) for place, value in enumerate(self.log)]
        events = [
            Event(time_ms, kind, 1, self.topic, 0, details) if details is not None else Event(time_ms, kind)
            for kind, time_ms, details in self.events
        ]
        return FakeEvidence(records, num_partitions=1, described={self.topic: [self.isr]}, events=events)


NETWORK = [("cut", CUT_MS, None), ("heal", HEAL_MS, None)]
TIMED_OUT = ("write_timed_out", SENT_MS + 500, {"offset": 1})
TRUNCATED = ("truncated", HEAL_MS + 100, {"offset": 1, "end_offset": 3})
REFUSED = [("before", 500, 0), ("alone", SENT_MS, "RequestTimedOutError"), ("far", SENT_MS + 900, 1)]
LOST = [("before", 500, 0), ("one", SENT_MS, 1), ("two", SENT_MS + 1, 2), ("far", SENT_MS + 900, 1)]


def refusing(**changes: Any) -> Story:
    """Give the story in which the leader refuses, changed as told."""
    story: dict[str, Any] = {"sent": REFUSED, "log": ["before", "far"], "events": [*NETWORK, TIMED_OUT]}
    return Story(REFUSING, **{**story, **changes})


def losing(**changes: Any) -> Story:
    """Give the story in which the leader goes on alone, changed as told."""
    story: dict[str, Any] = {"sent": LOST, "log": ["before", "far"], "events": [*NETWORK, TRUNCATED]}
    return Story(LOSING, **{**story, **changes})


@pytest.mark.parametrize("name", [name for name in names() if name.startswith("07.")])
@pytest.mark.parametrize("answer", [None, "", [], {}, 7, History()])
def test_check_on_an_empty_cluster_says_what_to_do(name: str, answer: object) -> None:
    """Whatever is handed in, a check on a cluster with nothing in it fails with a next step and no exception."""
    result = verdict(name, FakeEvidence(), answer)

    assert not result
    assert result.happened
    assert result.where
    assert result.try_next


def test_refusal_passes_and_loss_passes() -> None:
    """Each check passes on its own story, and quotes the cluster."""
    refused, lost = refusing(), losing()

    first = verdict("07.refuse", refused.evidence, refused.history)
    second = verdict("07.lose", lost.evidence, lost.history)

    assert first
    assert "1 record was refused on the minority's side (RequestTimedOutError), 1 taken on the other" in first.happened
    assert "was not replicated in time" in first.where
    assert second
    assert second.happened.startswith("2 records were acknowledged during the cut and lost")
    assert "offsets 1 to 3 (exclusive) were cut off" in second.where


def test_no_check_speaks_of_letters_that_kafka_does_not_keep() -> None:
    """Refusing is not the theorem's C, for reads beside the old leader are old; going on is not its A."""
    refused, lost = refusing(), losing()
    told = [
        verdict("07.refuse", refused.evidence, refused.history),
        verdict("07.lose", lost.evidence, lost.history),
        verdict("07.topics", shop(SAFE, OPEN)),
    ]

    assert all(told)
    assert not [each.happened for each in told if "consistent" in each.happened or "available" in each.happened]
    assert "producers' half is acks" in told[2].happened


def test_refusal_is_seen_in_the_old_log_too() -> None:
    """A leader that was healed before its own time was up shows what it did not acknowledge by cutting it off."""
    story = refusing(events=[*NETWORK, ("truncated", HEAL_MS + 100, {"offset": 1, "end_offset": 2})])

    assert verdict("07.refuse", story.evidence, story.history)


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"sent": [("one", SENT_MS, 1)], "log": ["before"]}, "acknowledged and then lost"),
        ({"sent": [("far", SENT_MS, 1)]}, "Nothing was refused: 1 kept"),
        ({"events": NETWORK}, "did not reach the leader"),
        ({"events": []}, "Nothing was sent while the network was cut"),
        ({"events": [("cut", CUT_MS, None), TIMED_OUT]}, "still cut"),
        ({"events": [("cut", 100, None), ("heal", 200, None), TIMED_OUT]}, "Nothing was sent while"),
        ({"isr": SeenPartition(0, 2, 1, (1, 2, 3), (2, 3))}, "not caught up"),
        ({"sent": []}, "Nothing in the history was sent"),
        ({"sent": [("same", SENT_MS, 1), ("same", SENT_MS, 2)]}, "cannot be judged"),
    ],
)
def test_what_is_no_refusal_is_told(changes: dict[str, Any], word: str) -> None:
    """A loss, no refusal, no cut, a cut that is not over: each has its own words and a next step."""
    story = refusing(**changes)

    result = verdict("07.refuse", story.evidence, story.history)

    assert not result
    assert word in result.happened
    assert result.try_next


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"log": ["before", "one", "two", "far"]}, "Nothing that was acknowledged is lost: 3 kept"),
        ({"sent": REFUSED}, "Nothing that was acknowledged is lost: 1 kept, 1 refused"),
        ({"sent": [("far", SENT_MS, 1)]}, "Nothing that was acknowledged is lost: 1 kept"),
        ({"events": NETWORK}, "no broker's log was cut off there"),
        ({"events": [*NETWORK, ("truncated", HEAL_MS, {"offset": 7, "end_offset": 9})]}, "no broker's log"),
        ({"events": [*NETWORK, ("truncated", HEAL_MS, {})]}, "no broker's log"),
        ({"events": [*NETWORK, ("truncated", 100, {"offset": 1, "end_offset": 3})]}, "no broker's log"),
        ({"events": [TRUNCATED]}, "Nothing was sent while the network was cut"),
    ],
)
def test_what_is_no_loss_is_told(changes: dict[str, Any], word: str) -> None:
    """A history that claims a loss is held against the log and the brokers' own words."""
    story = losing(**changes)

    result = verdict("07.lose", story.evidence, story.history)

    assert not result
    assert word in result.happened
    assert result.try_next


def test_cluster_without_timeline_is_said() -> None:
    """A cluster that does not tell what happened cannot be judged by it."""
    story = losing()
    evidence = story.evidence
    evidence.events = None

    assert "does not tell" in verdict("07.lose", evidence, story.history).happened


def shop(orders: tuple[int, str, str], likes: tuple[int, str, str]) -> FakeEvidence:
    """Give both topics by replicas, min.insync.replicas and unclean election."""
    both = {ORDERS: orders, LIKES: likes}
    return FakeEvidence(
        described={
            topic: [SeenPartition(0, 1, 0, tuple(range(1, copies + 1)), (1,))] for topic, (copies, _, _) in both.items()
        },
        configs={
            topic: {"min.insync.replicas": min_isr, "unclean.leader.election.enable": unclean}
            for topic, (_, min_isr, unclean) in both.items()
        },
    )


SAFE, OPEN = (3, "2", "false"), (3, "1", "true")


@pytest.mark.parametrize(
    ("orders", "likes", "word"),
    [
        (SAFE, OPEN, ""),
        ((3, "2", "true"), OPEN, "unclean election loses them"),
        ((3, "1", "false"), OPEN, "the leader alone has it"),
        ((3, "3", "false"), OPEN, "no order with acks=all is taken"),
        ((3, "", "false"), OPEN, "the leader alone has it"),
        (SAFE, (1, "1", "true"), "nobody to go on"),
        (SAFE, (3, "2", "true"), "refused or hidden"),
        (SAFE, (3, "1", "false"), "has no leader"),
    ],
)
def test_topics_are_judged_by_their_settings(
    orders: tuple[int, str, str], likes: tuple[int, str, str], word: str
) -> None:
    """One pair of settings passes; every other one is told what it would do."""
    result = verdict("07.topics", shop(orders, likes))

    assert result.passed == (not word)
    assert word in result.happened
