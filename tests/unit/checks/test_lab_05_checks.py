"""The checks of lab 05 on evidence made by hand: right and wrong answers, and feedback that names the place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from kit.checks import SeenMember, SeenRecord, names, verdict
from kit.checks.lab_05 import DUE, LISTENS, PAID_AFTER, PAID_BEFORE, PAID_ONCE, ROYALTIES
from kit.lessons.commit_log import TOPIC
from kit.wire import codec
from kit.wire import messages as m
from tests.support.fake_evidence import FakeEvidence

NAMES = [f"payment-{number}" for number in range(12)]


def seen(topic: str, offset: int, name: str = "ana", partition: int = 0, **noted: int) -> SeenRecord:
    """Give a record; a payment has numbers in its headers."""
    headers = tuple((key.replace("_", "."), str(number).encode()) for key, number in noted.items())
    return SeenRecord(topic, partition, offset, 1_000 + offset, name.encode(), b"0.004 EUR", headers)


def payments(topic: str, *runs: Sequence[str], cut_after: int = 6, batch: int = 4) -> list[SeenRecord]:
    """All that is due, and what each run paid: its first life as many as told, its second one the rest."""
    records = [seen(DUE, at, name) for at, name in enumerate(NAMES)]
    for run, paid in enumerate(runs, 1):
        for at, name in enumerate(paid):
            due = NAMES.index(name) if name in NAMES else 99
            noted = {"due_partition": 0, "due_offset": due, "batch_offset": due // batch * batch}
            records.append(seen(topic, len(records), name, run=run, life=1 + (at >= cut_after), **noted))
    return records


LOST = [name for name in NAMES if name not in ("payment-6", "payment-7")]
DOUBLED = [*NAMES[:6], *NAMES[4:]]


@pytest.mark.parametrize("name", [name for name in names() if name.startswith("05.")])
@pytest.mark.parametrize("answer", [None, "", "none", [], [1, None], {"a": 1}, 7, -1, True, print, lambda *_: None])
def test_check_on_an_empty_cluster_says_what_to_do(name: str, answer: Any) -> None:
    """Whatever is handed in, a check on a cluster with nothing in it fails with a next step and no exception."""
    result = verdict(name, FakeEvidence(), answer)

    assert not result
    assert result.happened
    assert result.where
    assert result.try_next


def five(*held: int) -> FakeEvidence:
    """A group whose members hold so many partitions each."""
    members = [
        SeenMember(f"royalties-{at}", tuple((LISTENS, n) for n in range(count))) for at, count in enumerate(held, 1)
    ]
    return FakeEvidence(members={ROYALTIES: members})


@pytest.mark.parametrize(("answer", "passed"), [(0, True), (1, False), (0.8, False), (False, False), ("0", False)])
def test_fifth_judges_the_guess(answer: Any, passed: bool) -> None:
    """Only 0 passes, and whoever is idle is named."""
    result = verdict("05.fifth", five(1, 1, 1, 1, 0), answer)

    assert result.passed == passed
    assert passed is ("It waits" in result.happened)


@pytest.mark.parametrize(("held", "told"), [((2, 2), "not five"), ((), "nobody"), ((0, 0, 0, 0, 0), "handing out")])
def test_fifth_wants_five_members_that_hold_something(held: tuple[int, ...], told: str) -> None:
    """Too few members, and a rebalance under way, are no evidence for either answer."""
    result = verdict("05.fifth", five(*held), 0)

    assert not result
    assert told in result.happened


RECORDS = [seen(LISTENS, offset, partition=partition) for partition in (0, 1) for offset in range(5)]
LAGGING = FakeEvidence(RECORDS, {(ROYALTIES, LISTENS): {0: 2}})


def right_lag(committed: dict[int, int], starts: dict[int, int], ends: dict[int, int]) -> int:
    """The lesson's answer."""
    return sum(max(0, ends[at] - max(committed.get(at, 0), starts[at])) for at in ends)


def test_lag_passes_a_right_function() -> None:
    """The lag of the cluster is told."""
    result = verdict("05.lag", LAGGING, right_lag)

    assert result.passed
    assert "lags by 8 records" in result.happened


@pytest.mark.parametrize(
    "wrong",
    [
        lambda c, _s, e: max(e.values()) - max(c.values()),  # as shipped
        lambda c, _s, e: sum(e.values()) - sum(c.values()),  # forgets retention
        lambda c, _s, e: sum(e[at] - c[at] for at in e),  # KeyError without a commit
        lambda c, _s, e: sum(e[at] - c.get(at, e[at]) for at in e),  # no commit is no lag
        lambda c, _s, e: e.clear() or c.clear() or 8,
        lambda c, s, e: str(right_lag(c, s, e)),
        lambda: 8,
    ],
)
def test_lag_refuses_wrong_functions(wrong: Any) -> None:
    """Each planted mistake meets a case that shows it, and the case is told."""
    result = verdict("05.lag", LAGGING, wrong)

    assert not result
    assert "committed {" in result.happened
    assert result.try_next


def test_lost_and_doubled_judge_the_prediction_by_the_topics() -> None:
    """Names in any order pass, numbers count as names; one too many and one too few are told apart."""
    before = FakeEvidence(payments(PAID_BEFORE, NAMES, LOST))
    after = FakeEvidence(payments(PAID_AFTER, DOUBLED))

    assert verdict("05.lost", before, ["payment-7", "payment-6"]).passed
    assert verdict("05.lost", before, [6, 7]).passed
    assert verdict("05.doubled", after, ["payment-4", "payment-5"]).passed
    wrong = verdict("05.doubled", after, ["payment-5", "payment-6"])
    assert wrong.happened == "payment-4 was paid twice, and not in your list. payment-6 was not paid twice."


@pytest.mark.parametrize("paid", [NAMES, DOUBLED])
def test_lost_wants_a_run_that_loses(paid: list[str]) -> None:
    """A run without a loss (the line moved, no power cut) proves nothing, whatever is predicted."""
    result = verdict("05.lost", FakeEvidence(payments(PAID_BEFORE, paid)), [])

    assert not result
    assert "commit_first" in result.try_next


@pytest.mark.parametrize("paid", [NAMES, LOST])
def test_doubled_wants_a_run_that_doubles(paid: list[str]) -> None:
    """The same the other way round."""
    assert "commit_last" in verdict("05.doubled", FakeEvidence(payments(PAID_AFTER, paid)), []).try_next


@pytest.mark.parametrize(
    ("runs", "passed", "told"),
    [
        ([DOUBLED, NAMES], True, "each exactly once"),
        ([NAMES, DOUBLED], False, "done more than once: payment-4"),
        ([LOST], False, "lost: payment-6"),
        ([[*NAMES, "payment-99"]], False, "never due: payment-99"),
    ],
)
def test_once_judges_the_last_run(runs: list[list[str]], passed: bool, told: str) -> None:
    """Exactly once, in the run that was made last."""
    result = verdict("05.once", FakeEvidence(payments(PAID_ONCE, *runs)))

    assert result.passed == passed
    assert told in result.happened


@pytest.mark.parametrize(
    ("cut_after", "batch", "told"),
    [
        (100, 4, "The power was not cut in this run"),
        (12, 4, "The power was not cut in this run"),
        (0, 4, "before anything was paid"),
        (6, 1, "No payment of the successor shows that something was delivered once more"),
        (8, 4, "No payment of the successor shows that something was delivered once more"),
    ],
)
def test_once_wants_a_cut_and_a_repeat_in_the_log(cut_after: int, batch: int, told: str) -> None:
    """Twelve payments made once prove nothing when nothing was delivered twice."""
    result = verdict("05.once", FakeEvidence(payments(PAID_ONCE, NAMES, cut_after=cut_after, batch=batch)))

    assert not result
    assert told in result.happened
    assert "cut_after=6" in result.try_next


def test_once_wants_the_place_of_what_was_paid_for() -> None:
    """A payment that somebody sent by hand does not say by partition and offset what it is for."""
    records = payments(PAID_ONCE, NAMES)
    by_hand = [seen(each.topic, each.offset, each.key.decode(), run=1) for each in records[-1:] if each.key]

    result = verdict("05.once", FakeEvidence([*records[:-1], *by_hand]))

    assert not result
    assert "by partition and offset" in result.happened


def generation(at_ms: int, number: int, *client_ids: str, group: str = ROYALTIES) -> SeenRecord:
    """A record of the coordinator about who is in the group."""
    members = [
        m.MemberMetadata(
            member_id=f"{each}-id", group_instance_id=None, client_id=each, client_host="/127.0.0.1",
            rebalance_timeout=60_000, session_timeout=3_000, subscription=b"abc", assignment=b"defg",
        )
        for each in client_ids
    ]  # fmt: skip
    value = m.GroupMetadataValue(
        protocol_type="consumer", generation=number, protocol="range", leader="a", current_state_timestamp=at_ms,
        members=members,
    )  # fmt: skip
    key = codec.encode_versioned(m.GroupMetadataKey(group=group), 2)
    return SeenRecord(TOPIC, 7, number, at_ms, key, codec.encode_versioned(value, 3))


FOUR_TO_TWO = [
    generation(1_000, 5, "w-1", "w-2", "w-3", "w-4"),
    generation(9_000, 6, "w-1", "w-2", "w-3"),
    generation(9_050, 6, "other", group="another"),
    generation(9_100, 7, "w-1", "w-2", "w-3"),
    generation(12_100, 8, "w-1", "w-2"),
]


@pytest.mark.parametrize(
    ("answer", "passed"),
    [([0, 3], True), ((0.3, 2.8), True), ([3, 0], False), ([0, 45], False), ([3, 3], False), ([0, 0], False)],
)
def test_takeover_judges_both_times(answer: Any, passed: bool) -> None:
    """Who has left is replaced at once, who crashed after the session timeout; who it was is told."""
    result = verdict("05.takeover", FakeEvidence(FOUR_TO_TWO), answer)

    assert result.passed == passed
    assert "w-4 left" in result.happened
    assert "w-3 crashed" in result.happened
    assert "came 3.1 s later. Its session timeout is 3 s." in result.happened


@pytest.mark.parametrize(
    "records",
    [
        FOUR_TO_TWO[:4],
        [*FOUR_TO_TWO[:2], generation(9_300, 7, "w-1", "w-2")],  # both left
        [*FOUR_TO_TWO[:2], generation(99_000, 7, "w-1", "w-2")],  # a minute between them
        [FOUR_TO_TWO[0], generation(9_000, 6, "w-1", "w-2", "w-5"), generation(12_100, 7, "w-1", "w-2")],
    ],
)
def test_takeover_wants_one_that_left_and_one_that_crashed(records: list[SeenRecord]) -> None:
    """Anything else is no evidence for either answer."""
    result = verdict("05.takeover", FakeEvidence(records), [0, 3])

    assert not result
    assert "Run the cell before" in result.try_next


@pytest.mark.parametrize("answer", ["03", [1], [1, 2, 3], [True, 3], [0, "3"], [-1, 3], {0: 3}])
def test_takeover_wants_two_numbers(answer: Any) -> None:
    """What is no pair of seconds is said."""
    assert "two numbers" in verdict("05.takeover", FakeEvidence(FOUR_TO_TWO), answer).try_next


SKEWED = FakeEvidence(
    [seen(LISTENS, at, partition=p) for p, count in enumerate((64, 44, 62, 30)) for at in range(count)],
    num_partitions=4,
)


@pytest.mark.parametrize(
    ("answer", "passed", "told"),
    [
        (4, True, "With 4 the busiest worker has partition 0: 32 per second. It can do 45."),
        (3, False, "With 3 the busiest worker has partitions 0 and 1: 54 per second."),
        (1, False, "With 1 the busiest worker has partitions 0, 1, 2 and 3: 100 per second."),
        (10**30, False, "the busiest worker has partition 0: 32 per second."),
        (0, False, "Your answer is 0."),
        ("4", False, "Your answer is '4'."),
    ],
)
def test_enough_judges_by_the_busiest_worker(answer: Any, passed: bool, told: str) -> None:
    """How the log's records are spread decides, not what one laptop did in four seconds."""
    result = verdict("05.enough", SKEWED, answer)

    assert result.passed == passed
    assert told in result.happened
    assert passed or result.try_next


@pytest.mark.parametrize(("at", "passed"), [(10, True), (0, False), (20, False)])
def test_rewind_wants_the_commit_at_10(at: int, passed: bool) -> None:
    """The committed offset decides; what there is to read again is told."""
    records = [seen(LISTENS, offset, partition=2) for offset in range(20)]
    result = verdict("05.rewind", FakeEvidence(records, {(ROYALTIES, LISTENS): {2: at}}))

    assert result.passed == passed
    assert str(at) in result.happened


def test_rewind_sees_that_somebody_is_still_in_the_group() -> None:
    """While there are members, nobody else can commit: that is the hint then."""
    records = [seen(LISTENS, offset, partition=2) for offset in range(20)]
    evidence = FakeEvidence(records, {(ROYALTIES, LISTENS): {2: 20}}, members={ROYALTIES: [SeenMember("royalties-1")]})

    result = verdict("05.rewind", evidence)

    assert "royalties-1" in result.happened
    assert "workers first" in result.try_next
