"""The facts of a first pipeline: right work has them all, each planted mistake breaks exactly its own."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

import kit
from kit.checks import pipeline_facts
from kit.checks.evidence import SeenPartition, SeenRecord
from kit.checks.pipeline_facts import TOPIC, Fact, consume_facts, counted_first_fact, member_fact, topic_facts
from kit.checks.producer_facts import acknowledged_fact, produce_facts
from kit.lessons.partition_choice import partition_of

LISTENS = [{"id": each.id, **each.fields()} for each in kit.datagen.listens(seed=3).take(60)]
CONFIGS = {"min.insync.replicas": "2", "retention.ms": "86400000"}


def log_of(
    listens: list[dict[str, Any]],
    *,
    key: Callable[[dict[str, Any]], bytes | None] = lambda each: each["user"].encode(),
    value: Callable[[dict[str, Any]], bytes] = lambda each: json.dumps(each).encode(),
    partition: Callable[[bytes], int] = lambda each: partition_of(each, 6),
) -> list[SeenRecord]:
    """The records that a producer leaves in an empty topic."""
    made: list[SeenRecord] = []
    for each in listens:
        chosen = key(each)
        place = partition(chosen or b"")
        offset = sum(record.partition == place for record in made)
        made.append(SeenRecord(TOPIC, place, offset, 0, chosen, value(each)))
    return sorted(made, key=lambda record: (record.partition, record.offset))


def broken(facts: list[Fact]) -> set[str]:
    """The names of the facts that do not hold; each of them says what to try."""
    wrong = [fact for fact in facts if not fact.holds]
    assert all(fact.try_next for fact in wrong)
    return {fact.name for fact in wrong}


def replicas(number: int, each: int = 3) -> list[SeenPartition]:
    """Partitions of a topic."""
    nodes = tuple(range(1, each + 1))
    return [SeenPartition(partition, 1, 0, nodes, nodes) for partition in range(number)]


class TestTopic:
    """Four facts."""

    @pytest.mark.parametrize(
        ("partitions", "configs", "wrong"),
        [
            (replicas(6), CONFIGS, set()),
            (replicas(1), CONFIGS, {"partitions"}),
            (replicas(6, 1), CONFIGS, {"replication factor"}),
            (replicas(6), {**CONFIGS, "min.insync.replicas": "1"}, {"min.insync.replicas"}),
            (replicas(6), {**CONFIGS, "retention.ms": "604800000"}, {"retention.ms"}),
            (replicas(6), {**CONFIGS, "cleanup.policy": "delete", "retention.bytes": "-1"}, set()),
            (replicas(6), {**CONFIGS, "retention.bytes": "268435456"}, set()),
            (replicas(6), {**CONFIGS, "cleanup.policy": "compact"}, {"retention.ms"}),
            (replicas(6), {**CONFIGS, "cleanup.policy": "compact,delete"}, {"retention.ms"}),
            (replicas(6), {**CONFIGS, "retention.bytes": "1"}, {"retention.ms"}),
            ([], {}, {"partitions", "replication factor", "min.insync.replicas", "retention.ms"}),
        ],
    )
    def test_each_mistake_breaks_its_own_fact(
        self, partitions: list[SeenPartition], configs: dict[str, str], wrong: set[str]
    ) -> None:
        """And no other."""
        assert broken(topic_facts(partitions, configs)) == wrong


class TestProduce:
    """Five facts."""

    def test_right_work_has_all_of_them(self) -> None:
        """No fact is broken by luck of hashing."""
        assert broken(produce_facts(log_of(LISTENS), LISTENS, 6)) == set()

    @pytest.mark.parametrize(
        ("records", "wrong"),
        [
            ([], {"complete", "key", "value", "partition", "order"}),
            (log_of(LISTENS[:-1]), {"complete"}),
            (log_of([*LISTENS, LISTENS[-1]]), {"complete"}),
            (log_of(LISTENS, key=lambda each: each["song"].encode()), {"key", "order"}),
            (log_of(LISTENS, value=lambda each: json.dumps({**each, "song": "x"}).encode()), {"value"}),
            (log_of(LISTENS, partition=lambda key: (partition_of(key, 6) + 1) % 6), {"partition"}),
            (log_of(LISTENS[::-1]), {"order"}),
            (log_of([*LISTENS, {"id": "mine", "user": "me"}]), {"complete", "value"}),
            (log_of(LISTENS[:1]), {"complete", "key", "value", "partition", "order"}),
            (log_of(LISTENS, value=lambda each: str(each).encode()), {"value"}),
            (log_of(LISTENS, value=lambda each: each["id"].encode()), {"value"}),
            (log_of(LISTENS, value=lambda each: each["song"].encode()), {"complete", "value", "order"}),
            (
                log_of(LISTENS, value=lambda _: b"x", key=lambda each: each["song"].encode()),
                {"complete", "key", "value", "order"},
            ),
        ],
        ids=[
            "nothing",
            "one missing",
            "one twice",
            "another key",
            "another value",
            "partition",
            "backwards",
            "one more",
            "one alone",
            "not JSON",
            "only the id",
            "only the song",
            "nothing of the listen",
        ],
    )
    def test_each_mistake_breaks_its_own_fact(self, records: list[SeenRecord], wrong: set[str]) -> None:
        """Planted mistakes."""
        assert broken(produce_facts(records, LISTENS, 6)) == wrong

    def test_listens_in_another_topic_are_told(self) -> None:
        """A name that was written in another way is the cause, and no lost listen."""
        complete, key, *_ = produce_facts([], LISTENS, 6, {"music.listen": 60})
        assert complete.happened == f"Nothing is in topic {TOPIC}, and 60 listens are in topic music.listen."
        assert TOPIC in complete.try_next
        assert TOPIC in key.try_next

    def test_what_is_no_json_is_a_proof_and_no_error(self) -> None:
        """Bytes that nobody can read."""
        facts = produce_facts(log_of(LISTENS, value=lambda _: b"\xff\xfe"), LISTENS, 6)
        assert "complete" in broken(facts)
        assert "\\\\xff" in next(fact for fact in facts if fact.name == "value").proof[0]


class TestConsume:
    """Three facts about two runs."""

    ENDS: ClassVar = {
        partition: sum(record.partition == partition for record in log_of(LISTENS)) for partition in range(6)
    }

    @pytest.mark.parametrize(
        ("first", "second", "committed", "wrong"),
        [
            ("right", {}, "ends", set()),
            ("right", {}, "one less", {"committed"}),
            ("right", "right", "ends", {"nothing twice"}),
            ({}, {}, "ends", {"counts", "nothing twice"}),
            (None, None, {}, {"counts", "committed", "nothing twice"}),
            ({1: 2}, {}, "ends", {"counts"}),
        ],
    )
    def test_each_mistake_breaks_its_own_fact(self, first: Any, second: Any, committed: Any, wrong: set[str]) -> None:
        """And no other; values of any type are taken."""
        right = dict(Counter(each["song"] for each in LISTENS))
        first, second = (right if each == "right" else each for each in (first, second))
        done = {"ends": self.ENDS, "one less": {**self.ENDS, 0: self.ENDS[0] - 1}}.get(str(committed), {})
        assert broken(consume_facts((first, second), right, self.ENDS, done, "g")) == wrong


class TestAcknowledged:
    """One fact: what was asked for, and what the function said."""

    @pytest.mark.parametrize(
        ("acks", "returned", "words"),
        [
            ({-1}, (60, 0), ""),
            ({1}, (60, 0), "asked for acks=1"),
            ({-1, 0}, (60, 0), "asked for acks=0"),
            (set(), (60, 0), "sent nothing"),
            ({-1}, (59, 0), "were taken, your function returned 59; 60 were"),
            ({-1}, (60, 6), "were refused for good, your function returned 6; 0 were"),
            ({-1}, (None, 0), "returned None"),
        ],
    )
    def test_each_mistake_is_told(self, acks: set[int], returned: tuple[Any, Any], words: str) -> None:
        """By what the requests asked for, and both numbers."""
        fact = acknowledged_fact(acks, returned, 60)
        assert fact.holds is (not words)
        assert words in fact.happened
        assert fact.holds or fact.try_next


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        ({"a": 2}, {"a": 2}, "counted 2 plays again"),
        ({"a": 2}, None, "returned None, and an empty dictionary was expected"),
    ],
)
def test_a_second_run_is_told_as_it_was(first: Any, second: Any, words: str) -> None:
    """Who returned nothing has counted nothing."""
    *_, again = consume_facts((first, second), {}, {}, {}, "g")
    assert not again.holds
    assert words in again.happened


@pytest.mark.parametrize(
    ("num_joined", "num_left", "words"),
    [(2, 1, "joined its group, and left it"), (2, 0, "still a member"), (0, 0, "joined no group")],
)
def test_a_consumer_is_a_member_until_it_is_closed(num_joined: int, num_left: int, words: str) -> None:
    """assign() joins nothing, and who does not close stays."""
    fact = member_fact(num_joined, num_left)
    assert fact.holds is bool(num_joined and num_left)
    assert words in fact.happened
    assert fact.holds or fact.try_next


@pytest.mark.parametrize(
    ("used", "committed", "words"),
    [
        (True, None, ""),
        (True, 7, ""),
        (True, 8, "offset 8 was committed"),
        (False, 9, "does not count with your function plays"),
        ("yes", 7, "does not count with your function plays"),
    ],
)
def test_counting_comes_before_the_commit(used: Any, committed: int | None, words: str) -> None:
    """Offset 7 is the next to be read when counting stopped there; who does not count with plays is told that."""
    fact = counted_first_fact(used, (2, 7), committed)
    assert fact.holds is (not words)
    assert words in fact.happened


def test_proof_is_short_whatever_was_written() -> None:
    """A record of a megabyte does not fill a feedback page."""
    long = {"key": lambda _: b"k" * 1_000_000, "value": lambda _: b"v" * 1_000_000, "partition": lambda _: 0}
    records = log_of(LISTENS, **long)
    facts = produce_facts(records, LISTENS, 6)
    assert max(len(line) for fact in facts for line in fact.proof) < 500
    assert pipeline_facts.NUM_PARTITIONS == 6
