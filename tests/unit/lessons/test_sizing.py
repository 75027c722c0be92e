"""Sizing: the rule, whole partitions, exact arithmetic, and words for what makes no sense."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.errors import KitError
from kit.lessons.load_test import Load
from kit.lessons.sizing import (
    SizingError,
    consumers_needed,
    estimate,
    lectures_way,
    partitions_needed,
    producers_needed,
    size_in_words,
    stored,
    why_not_the_lectures_way,
)

RATES = st.integers(1, 1_000)


def test_lectures_example_needs_fourteen() -> None:
    """And the slide's own way says four, with the reason why not."""
    found = estimate(200, 15, 20)

    assert (found.partitions, found.producers, found.consumers, found.consumers_by_rate) == (14, 14, 14, 10)
    assert "13.33" in found.sentence
    assert "whole partitions" in found.clients_sentence
    assert found.storage_sentence == "362.9 TB on all disks together."
    assert lectures_way(200, 4, 15, 6, 20) == 4
    told = why_not_the_lectures_way(200, 4, 15, 6, 20)
    assert "carry 60 of 200" in told
    assert "2 consumers of 6" in told


def test_slides_way_is_not_called_enough_when_reading_falls_behind() -> None:
    """Everything is written, and six consumers read 30 of 200."""
    told = why_not_the_lectures_way(200, 4, 50, 6, 5)

    assert "happens to be enough" not in told
    assert "everything is written, and its 6 consumers read 30 of 200." in told


@given(st.integers(20, 200), st.integers(1, 20), st.integers(5, 50), st.integers(1, 20), st.integers(5, 50))
def test_slides_way_is_called_enough_as_the_load_test_finds(
    target: int, producers: int, written: int, consumers: int, read: int
) -> None:
    """What the words say of the slide's answer, a load test of it shows."""
    partitions = lectures_way(target, producers, written, consumers, read)
    told = why_not_the_lectures_way(target, producers, written, consumers, read)
    if partitions > 100:
        return
    backlog = _backlog(Load(partitions, producers, consumers, target, written, read, seconds=8))

    # One record of slack for each partition: whole records cannot be shared out as evenly as MB/s.
    assert backlog <= 2 * partitions if "happens to be enough" in told else backlog > 0


@given(RATES, RATES, RATES)
def test_partitions_are_the_fewest_that_carry_it(target: int, written: int, read: int) -> None:
    """They carry the target at both ends, and one fewer does not."""
    number = partitions_needed(target, written, read)

    assert number * min(written, read) >= target
    assert (number - 1) * min(written, read) < target


@given(st.integers(1, 10_000), st.integers(1, 1_000))
def test_arithmetic_is_exact(tenths: int, rate_tenths: int) -> None:
    """A decimal fraction is what it looks like: 1.1 / 0.1 is 11 and not 12."""
    expected = math.ceil(Fraction(tenths, rate_tenths))

    assert partitions_needed(tenths / 10, rate_tenths / 10, 1_000_000) == expected
    assert producers_needed(tenths / 10, rate_tenths / 10) == expected


@given(st.integers(1, 200), st.integers(1, 50), st.integers(1, 60))
def test_consumers_with_whole_partitions_keep_up(target: int, rate: int, partitions: int) -> None:
    """The busiest of them has no more than it can read, and with one fewer somebody would."""
    share = Fraction(target, partitions)
    if share > rate:
        with pytest.raises(SizingError, match="no number of consumers"):
            consumers_needed(target, rate, partitions)
        return
    number = consumers_needed(target, rate, partitions)

    assert math.ceil(partitions / number) * share <= rate
    assert number == 1 or math.ceil(partitions / (number - 1)) * share > rate


@given(st.integers(20, 300), st.integers(5, 50), st.integers(5, 50))
def test_estimate_passes_the_load_test_and_one_partition_less_does_not(target: int, written: int, read: int) -> None:
    """Formula and model agree: the backlog stays small with the estimate, and grows with less."""
    found = estimate(target, written, read)
    if found.partitions > 100 or found.partitions < 2:
        return
    # One record of slack for each partition: whole records cannot be shared out as evenly as MB/s.
    backlog = _backlog(Load(found.partitions, found.producers, found.partitions, target, written, read, seconds=8))
    assert backlog <= 2 * found.partitions
    fewer = Load(found.partitions - 1, found.producers, found.partitions, target, written, read, seconds=8)
    missing = target - (found.partitions - 1) * min(written, read)
    assert _backlog(fewer) >= 8 * missing - 2 * found.partitions


def _backlog(load: Load) -> int:
    written, done = [0] * load.partitions, [0] * load.partitions
    for numbers in load.written():
        for number in numbers:
            written[load.partition(number)] += 1
        more = load.worked_off([end - so_far for end, so_far in zip(written, done, strict=True)])
        done = [so_far + new for so_far, new in zip(done, more, strict=True)]
    return load.target * load.seconds - sum(done)


@pytest.mark.parametrize(
    "value",
    [
        None,
        "15",
        0,
        -1,
        float("nan"),
        float("inf"),
        True,
        [],
        1j,
        1e300,
        10**400,
        pytest.param(10**5000, id="10**5000"),
        b"1",
        {},
    ],
)
def test_senseless_numbers_are_refused_in_words(value: Any) -> None:
    """Whichever of the three it is, the sentence names it."""
    for place, name in enumerate(("target", "producer_rate", "consumer_rate")):
        arguments: list[Any] = [200, 15, 20]
        arguments[place] = value
        with pytest.raises(SizingError, match=f"^{name} is "):
            partitions_needed(*arguments)


@pytest.mark.parametrize("value", [None, 2.5, 0, -3, True, "3", 10**9])
def test_senseless_counts_are_refused_in_words(value: Any) -> None:
    """Half a replica, no producer, a million consumers."""
    with pytest.raises(SizingError, match="whole number"):
        stored(200, 7, value)
    with pytest.raises(SizingError, match="whole number"):
        lectures_way(200, value, 15, 6, 20)
    with pytest.raises(SizingError):
        Load(value, 1, 1)


def test_a_load_test_has_an_end() -> None:
    """Too many records are refused before any is written."""
    with pytest.raises(SizingError, match="20,000"):
        Load(14, 14, 14, target=5_000)


def test_impossible_estimates_are_refused() -> None:
    """More partitions than any cluster has are a slip of the unit."""
    with pytest.raises(SizingError, match="another unit"):
        estimate(1_000_000, 0.001, 1)


@pytest.mark.parametrize(
    ("size_mb", "words"),
    [
        (0.0005, "500 bytes"),
        (0.5, "500.0 kB"),
        (1.5, "1.5 MB"),
        (1_500, "1.5 GB"),
        (362_880_000, "362.9 TB"),
        (5e12, "5,000.0 PB"),
    ],
)
def test_sizes_are_told_in_the_largest_unit(size_mb: float, words: str) -> None:
    """From bytes up to petabytes."""
    assert size_in_words(size_mb) == words


@pytest.mark.parametrize(
    ("target", "told"), [(0.001, "0.001 / 15 = 0.000067"), (0.05, "0.05 / 15 = 0.0033"), (1_500, "1,500 / 15 = 100")]
)
def test_small_rates_are_not_written_as_nothing(target: float, told: str) -> None:
    """A number near zero keeps two of its digits."""
    assert told in estimate(target, 15, 20).sentence


@pytest.mark.parametrize("value", [0, 14.0, 2.5])
def test_load_refuses_in_a_sentence_without_frames(value: Any) -> None:
    """In a notebook the refusal is a sentence, as all that the kit refuses; a float that is whole is told how."""
    with pytest.raises(KitError) as told:
        Load(value, 14, 14)
    assert "partitions is" in str(told.value)
    assert ("Write 14." in str(told.value)) == (value == 14.0)
