"""Lab 04's checks: right answers pass, and each planted mistake is told apart."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import Any

import pytest

from kit.checks import SeenRecord, names, verdict
from kit.lessons.load_test import Load, LoadTest, Second
from kit.lessons.sizing import partitions_needed
from tests.support.fake_evidence import FakeEvidence

BEGIN_MS = 1_700_000_000_123


def played(load: Load) -> tuple[FakeEvidence, LoadTest]:
    """A load test as a cluster would hold it, and what `load_test` would have returned."""
    topic, ends = "load.t", [itertools.count() for _ in range(load.partitions)]
    records, done, written = [], [0] * load.partitions, [0] * load.partitions
    for second, numbers in enumerate(load.written()):
        for number in numbers:
            at = load.partition(number)
            time_ms, headers = BEGIN_MS + load.made_ms(number), (("second", b"%d" % second),)
            records.append(SeenRecord(topic, at, next(ends[at]), time_ms, None, b"record %d" % number, headers))
            written[at] += 1
        backlog = [end - so_far for end, so_far in zip(written, done, strict=True)]
        done = [so_far + more for so_far, more in zip(done, load.worked_off(backlog), strict=True)]
    evidence = FakeEvidence(records, {("readers", topic): dict(enumerate(done))}, num_partitions=load.partitions)
    return evidence, LoadTest(load, topic, "readers", (Second(0, 0, 0, 0),))


@pytest.mark.parametrize("name", [name for name in names() if name.startswith("04.")])
@pytest.mark.parametrize(
    "answer", [None, "", "14", [], {}, [None], b"\xff", float("nan"), True, object(), lambda: None]
)
def test_strange_answers_fail_in_words(name: str, answer: object) -> None:
    """Whatever is handed in gets a next step and no exception."""
    result = verdict(name, FakeEvidence(), answer)

    assert not result
    assert result.happened
    assert result.where
    assert result.try_next


def test_formula_passes_for_the_rule() -> None:
    """The kit's own, and a student's."""
    assert verdict("04.formula", FakeEvidence(), partitions_needed)
    assert verdict("04.formula", FakeEvidence(), lambda t, p, c: math.ceil(max(t / p, t / c)))
    assert verdict("04.formula", FakeEvidence(), lambda t, p, c: math.ceil(t / min(p, c)))


@pytest.mark.parametrize(
    ("function", "told"),
    [
        (lambda t, p, c: math.ceil(max(t / (4 * p), t / (6 * c))), "slide's 4"),
        (lambda _t, _p, _c: 14, "rounded up"),
        (lambda t, p, c: math.floor(max(t / p, t / c)), "rounded down"),
        (lambda t, p, c: int(max(t / p, t / c)), "rounded down"),
        (lambda t, p, c: round(max(t / p, t / c)), "nearest"),
        (lambda t, p, c: max(t / p, t / c), "math.ceil"),
        (lambda t, p, c: math.ceil(min(t / p, t / c)), "max, not min"),
        (lambda t, p, c: math.ceil(t / p + t / c), "do not add"),
        (lambda t, p, _c: math.ceil(t / p), "Reading can be"),
        (lambda t, _p, c: math.ceil(t / c), "Writing can be"),
        (lambda t, p, c: float(math.ceil(max(t / p, t / c))), "math.ceil gives one"),
        (lambda _t, _p, _c: None, "rounded up"),
        (lambda _t, _p, _c: "14", "rounded up"),
        (lambda _t: 14, "three numbers"),
        (14, "function itself"),
    ],
)
def test_formula_tells_each_mistake_apart(function: Any, told: str) -> None:
    """The slide's way, wrong rounding, the wrong end, a sum, a constant, and what is no such function."""
    result = verdict("04.formula", FakeEvidence(), function)

    assert not result
    assert told in result.try_next


@pytest.mark.parametrize(("partitions", "clients"), [(14, 14), (20, 14), (15, 15), (30, 30)])
def test_load_passes_when_nothing_waits(partitions: int, clients: int) -> None:
    """With 14 and with more."""
    evidence, test = played(Load(partitions, clients, clients))
    result = verdict("04.load", evidence, test)

    assert result, str(result)
    assert ("14 would have been enough" in result.happened) == (partitions > 14)


@pytest.mark.parametrize(
    ("load", "told"),
    [
        (Load(4, 4, 6), "more partitions are needed"),
        (Load(4, 14, 14), "more partitions are needed"),
        (Load(1, 14, 14), "more partitions are needed"),
        (Load(13, 14, 14), "more partitions are needed"),
        (Load(14, 13, 14), "more producers are needed"),
        (Load(14, 14, 10), "consumer of its own"),
        (Load(14, 14, 14, target=60), "Keep the slide's rates"),
        (Load(4, 4, 6, producer_rate=50), "Keep the slide's rates"),
        (Load(14, 14, 10, consumer_rate=40), "Keep the slide's rates"),
    ],
)
def test_load_tells_what_is_missing(load: Load, told: str) -> None:
    """Too few partitions, producers or consumers; or other rates than the slide's, as the log shows."""
    evidence, test = played(load)
    result = verdict("04.load", evidence, test)

    assert not result
    assert told in result.try_next


def test_load_believes_the_log_and_not_the_object() -> None:
    """Whoever paints the figures of the object gains nothing."""
    evidence, test = played(Load(4, 4, 6))
    painted = replace(test, seconds=(Second(9, 2_000, 2_000, 2_000),), load=Load(14, 14, 14))

    assert painted.keeps_up
    assert not verdict("04.load", evidence, painted)
    assert "not in this cluster" in verdict("04.load", FakeEvidence(), painted).try_next


@pytest.mark.parametrize("name", ["04.load", "04.ten"])
@pytest.mark.parametrize(
    "painted", [Load(14, 14, 10), Load(14, 14, 10, seconds=1), Load(14, 14, 10, consumer_rate=20), Load(1, 1, 1)]
)
def test_consumers_are_those_that_the_commits_allow(name: str, painted: Load) -> None:
    """Played with 14 consumers or with fast ones, and handed in as a test of ten: the commits say otherwise."""
    for played_with in (Load(14, 14, 14), Load(14, 14, 10, consumer_rate=40)):
        evidence, test = played(played_with)
        result = verdict(name, evidence, replace(test, load=painted))

        assert not result
        assert "can have worked off" in result.happened


def test_strange_test_objects_fail_in_words() -> None:
    """A test without a load, records that do not say their second, commits of another group."""
    evidence, test = played(Load(14, 14, 14))
    silent = FakeEvidence([replace(each, headers=()) for each in evidence.all_records], num_partitions=14)

    assert "Your answer is" in verdict("04.load", evidence, replace(test, load=None)).happened
    assert "in which second" in verdict("04.load", silent, test).happened
    assert "not read" in verdict("04.load", evidence, replace(test, group_id="others")).happened


ABSURD = {
    "too large for a float": 10**400, "and below zero": -(10**400), "too long to print": 10**5000,
    "too long, below zero": -(10**5000), "huge": 1e300, "infinite": float("inf"), "no number": float("nan"),
    "nothing": 0, "below zero": -3,
}  # fmt: skip


@pytest.mark.parametrize("words", ABSURD)
def test_absurd_numbers_are_answered_in_words(words: str) -> None:
    """Numbers that no float holds, or that Python does not print."""
    for name, answer in (("04.storage", ABSURD[words]), ("04.formula", lambda _t, _p, _c: ABSURD[words])):
        result = verdict(name, FakeEvidence(), answer)

        assert not result
        assert len(result.happened) < 300


def test_fraction_that_carries_it_is_told_why_it_is_wrong() -> None:
    """200 of 200 is enough, and 13.33 partitions cannot be had."""
    result = verdict("04.formula", FakeEvidence(), lambda t, p, c: max(t / p, t / c))

    assert "take 200 of 200 MB/s, but it is not whole" in result.happened


@pytest.mark.parametrize("partitions", [20, 30, 40, 60])
def test_ten_passes_with_equal_shares(partitions: int) -> None:
    """Any number that ten consumers share out evenly, and small enough portions."""
    evidence, test = played(Load(partitions, 14, 10))

    assert verdict("04.ten", evidence, test)


@pytest.mark.parametrize(
    ("load", "told"),
    [
        (Load(14, 14, 10), "share out evenly"),
        (Load(16, 14, 10), "share out evenly"),
        (Load(10, 14, 10), "more partitions are needed"),
        (Load(20, 10, 10), "more producers are needed"),
        (Load(14, 14, 14), "Leave consumers=10"),
        (Load(20, 14, 9), "share out evenly"),
    ],
)
def test_ten_tells_what_is_missing(load: Load, told: str) -> None:
    """Uneven shares, too few partitions to write to, too few producers, more consumers than the team has."""
    evidence, test = played(load)
    result = verdict("04.ten", evidence, test)

    assert not result
    assert told in result.try_next


@pytest.mark.parametrize(("answer", "passed"), [(363, True), (362.88, True), (360, True), (121, False), (400, False)])
def test_storage_allows_rounding(answer: float, passed: bool) -> None:
    """Within two hundredths."""
    assert verdict("04.storage", FakeEvidence(), answer).passed == passed


@pytest.mark.parametrize(
    ("answer", "told"),
    [(120.96, "replicas"), (51.84, "one day"), (17.28, "one replica"), (362_880, "GB"), (362_880_000, "MB"),
     (45.36, "divide by 8"), (0, "86,400|seconds"), (-1, "seconds")],
)  # fmt: skip
def test_storage_tells_each_mistake_apart(answer: float, told: str) -> None:
    """The replicas or the days forgotten, another unit, bits."""
    hint = verdict("04.storage", FakeEvidence(), answer).try_next

    assert any(each in hint for each in told.split("|"))
