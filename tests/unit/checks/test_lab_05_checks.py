"""The checks of lab 05 on evidence made by hand: right and wrong answers, and feedback that names the place."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from kit.checks import SeenMember, SeenRecord, names, verdict
from kit.checks.lab_05 import DUE, LISTENS, PAID_AFTER, PAID_BEFORE, PAID_ONCE, ROYALTIES
from tests.support.fake_evidence import FakeEvidence

NAMES = [f"payment-{number}" for number in range(12)]


def seen(topic: str, offset: int, name: str = "ana", run: int | None = None, partition: int = 0) -> SeenRecord:
    """Give a record; a payment belongs to a run."""
    headers = () if run is None else (("run", str(run).encode()),)
    return SeenRecord(topic, partition, offset, 1_000 + offset, name.encode(), b"0.004 EUR", headers)


def payments(topic: str, *runs: Sequence[str]) -> list[SeenRecord]:
    """All that is due, and what each run paid."""
    made = [(name, run) for run, paid in enumerate(runs, 1) for name in paid]
    due = [seen(DUE, at, name) for at, name in enumerate(NAMES)]
    return due + [seen(topic, at, name, run) for at, (name, run) in enumerate(made)]


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
