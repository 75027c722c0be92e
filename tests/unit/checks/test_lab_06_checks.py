"""The checks of lab 06 on evidence made by hand: planted wrong answers fail, and the feedback says what was seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from kit.checks import SeenPartition, SeenRecord, names, verdict
from kit.checks.lab_06 import FIGURE, LEDGER, PAYMENTS
from kit.lessons.failure_matrix import KEPT, LOST, REFUSED, RESULTS_TOPIC, ROWS, Seen
from tests.support.fake_evidence import FakeEvidence

RIGHT = {
    1: KEPT, 2: REFUSED, 3: REFUSED, 4: REFUSED, 5: KEPT, 6: KEPT,
    7: LOST, 8: LOST, 9: KEPT, 10: KEPT, 11: KEPT, 12: LOST,
}  # fmt: skip
# What somebody predicts who believes that replicas vote, and that any follower is promoted.
MAJORITY = RIGHT | {5: REFUSED, 6: REFUSED, 11: LOST}


def partition(isr: tuple[int, ...], leader: int | None = 1, replicas: tuple[int, ...] = (1, 2, 3)) -> SeenPartition:
    """Give partition 0 with these in-sync replicas."""
    return SeenPartition(0, leader, 0, replicas, isr)


def record(topic: str, offset: int, value: bytes) -> SeenRecord:
    """Give a record of partition 0."""
    return SeenRecord(topic, 0, offset, 1_000 + offset, None, value)


def result(number: int, word: str) -> Seen:
    """Give what a run saw when a row came out like this."""
    error = "NOT_ENOUGH_REPLICAS" if word == REFUSED else ""
    return Seen(number, f"matrix-{number}", "row #2", error, 1, (1,), 1, 2, in_log=word == KEPT)


def ran(came: Mapping[int, str]) -> FakeEvidence:
    """Give the cluster after runs: results, and the logs of their topics."""
    seen = [result(number, word) for number, word in came.items()]
    results = [record(RESULTS_TOPIC, place, each.as_json().encode()) for place, each in enumerate(seen)]
    logs = [record(each.topic, 0, b"row #1") for each in seen]
    logs += [record(each.topic, 1, b"row #2") for each in seen if each.in_log]
    return FakeEvidence([*results, *logs], num_partitions=1)


@pytest.mark.parametrize("name", [name for name in names() if name.startswith("06.")])
@pytest.mark.parametrize("answer", [None, "", "kept", [], [[]], 7, {1: KEPT}, {"x": object()}, b"\xff", float("nan")])
def test_check_on_an_empty_cluster_says_what_to_do(name: str, answer: object) -> None:
    """Whatever is handed in, a check on a cluster with nothing in it fails with a next step and no exception."""
    result = verdict(name, FakeEvidence(), answer)

    assert not result
    assert result.happened
    assert result.where
    assert result.try_next


def two_in_the_ledger() -> FakeEvidence:
    """Two records that consumers can read, and one replica in sync of the two that a write would need."""
    return FakeEvidence(
        [record(LEDGER, 0, b"safe"), record(LEDGER, 1, b"safe")],
        num_partitions=1,
        described={LEDGER: [partition((1,))]},
        configs={LEDGER: {"min.insync.replicas": "2"}},
    )


@pytest.mark.parametrize(("answer", "passed"), [(2, True), (5, False), (0, False), ("2", False), (True, False)])
def test_visible_is_the_high_watermark(answer: object, passed: bool) -> None:
    """Only what consumers can read counts, not what the leader acknowledged alone."""
    result = verdict("06.visible", two_in_the_ledger(), answer)

    assert result.passed == passed
    assert "high watermark 2" in result.where


def test_visible_needs_too_few_replicas() -> None:
    """With all brokers back there is nothing to see, and the right number does not pass."""
    evidence = FakeEvidence(
        [record(LEDGER, 0, b"safe")],
        num_partitions=1,
        described={LEDGER: [partition((1, 2, 3))]},
        configs={LEDGER: {"min.insync.replicas": "2"}},
    )

    result = verdict("06.visible", evidence, 1)

    assert not result
    assert "Run the whole cell again" in result.try_next


@pytest.mark.parametrize(
    ("answer", "passed", "word"),
    [
        ([2], True, "Only broker 2"),
        ({2}, True, "Only broker 2"),
        (2, True, "Only broker 2"),
        ([2, 3], False, "The replica on broker 3 is not in sync"),
        ([2, 3, 4], False, "No replica of this partition lies on broker 4"),
        ([1, 2], False, "Broker 1 is the one that dies"),
        ([], False, "0 of 1"),
        ("broker 2", False, "no list of numbers"),
        ("2", False, "no list of numbers"),
        (["2"], False, "no list of numbers"),
        ([True], False, "no list of numbers"),
        ([[2]], False, "no list of numbers"),
        (None, False, "no list of numbers"),
    ],
)
def test_candidates_are_in_sync(answer: object, passed: bool, word: str) -> None:
    """Neither a stranger, nor one that is behind, nor the dying leader may lead."""
    evidence = FakeEvidence(described={FIGURE: [partition((1, 2))]})

    result = verdict("06.candidates", evidence, answer)

    assert result.passed == passed
    assert word in result.happened


def test_candidates_may_be_nobody() -> None:
    """Where the leader is the only one in sync, an empty list is right, and every other one is wrong."""
    evidence = FakeEvidence(described={FIGURE: [partition((1,))]})

    assert "Nobody" in verdict("06.candidates", evidence, []).happened
    assert verdict("06.candidates", evidence, [])
    assert not verdict("06.candidates", evidence, [2])


@pytest.mark.parametrize("answer", ["2", b"2", None, [2], True])
def test_visible_asks_for_a_number(answer: object) -> None:
    """Two in quotation marks is told to be no number, and not that it is wrong."""
    result = verdict("06.visible", two_in_the_ledger(), answer)

    assert not result
    assert "no number" in result.happened
    assert "as a number" in result.try_next


def test_candidates_need_one_out_of_sync() -> None:
    """With all in sync, naming all followers does not pass."""
    evidence = FakeEvidence(described={FIGURE: [partition((1, 2, 3))]})

    assert not verdict("06.candidates", evidence, [2, 3])


@pytest.mark.parametrize(
    ("copies", "min_isr", "unclean", "paid", "word"),
    [
        (3, "2", "false", 3, "3 payments were taken"),
        (4, "3", "false", 3, "3 payments were taken"),
        (3, "1", "false", 3, "content with the leader alone"),
        (3, "3", "false", 0, "every payment is refused"),
        (2, "2", "false", 0, "every payment is refused"),
        (3, "2", "true", 3, "unclean election"),
        (3, "2", "false", 2, "2 of 3 payments"),
        (1, "1", "false", 3, "content with the leader alone"),
        (3, "many", "false", 3, "content with the leader alone"),
    ],
)
def test_payments_are_judged_by_the_topic(copies: int, min_isr: str, unclean: str, paid: int, word: str) -> None:
    """Too few in sync demanded, too many, an unclean election, or nothing paid: each has its own words."""
    evidence = FakeEvidence(
        [record(PAYMENTS, offset, b"9.90") for offset in range(paid)],
        num_partitions=1,
        described={PAYMENTS: [partition((4,), 4, tuple(range(1, copies + 1)))]},
        configs={PAYMENTS: {"min.insync.replicas": min_isr, "unclean.leader.election.enable": unclean}},
    )

    result = verdict("06.payments", evidence)

    assert result.passed == ("were taken with one broker down" in result.happened) == (word == "3 payments were taken")
    assert word in result.happened


def test_matrix_passes_when_all_rows_are_right() -> None:
    """Keys may be numbers or text, as a widget's or a file's are."""
    assert verdict("06.matrix", ran(RIGHT), RIGHT)
    assert verdict("06.matrix", ran(RIGHT), {str(number): word.upper() for number, word in RIGHT.items()})


def test_matrix_tells_how_many_and_one_reason() -> None:
    """The majority's believer gets nine rows, the numbers of the others, and why the first of them is wrong."""
    result = verdict("06.matrix", ran(RIGHT), MAJORITY)

    assert not result
    assert "9 of 12 rows came out as you said, and not: rows 5, 6 and 11" in result.happened
    assert "you said “refused”, it was “taken and kept”" in result.happened
    assert "do not vote" in result.happened
    assert result.where == "topic matrix-5, partition 0"


def test_matrix_counts_what_is_missing() -> None:
    """Rows without a prediction, and rows that were not run, are named."""
    some = {number: word for number, word in RIGHT.items() if number < 11}

    assert "Missing: rows 11 and 12" in verdict("06.matrix", ran(RIGHT), some).happened
    assert "Not run yet: rows 11 and 12" in verdict("06.matrix", ran(some), RIGHT).happened
    assert "0 of 12 rows are predicted. Missing: all rows" in verdict("06.matrix", ran(RIGHT), "all kept").happened


def test_matrix_believes_the_log_and_not_the_note() -> None:
    """A result that claims what the log does not have is judged by the log."""
    evidence = ran(RIGHT)
    forged = replace(result(8, KEPT), error="")
    noted = record(RESULTS_TOPIC, len(ROWS), forged.as_json().encode())

    result_ = verdict("06.matrix", FakeEvidence([*evidence.all_records, noted], num_partitions=1), RIGHT | {8: KEPT})

    assert not result_
    assert "and not: row 8" in result_.happened
