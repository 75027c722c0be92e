"""What the partition chart says of a topic's counts."""

from __future__ import annotations

import pytest

from kit.widgets.partition_chart import MAX_ROWS, bars


@pytest.mark.parametrize(
    ("counts", "told"),
    [
        ({}, "there is no such topic yet"),
        ({0: 0, 1: 0}, "no records yet"),
        ({0: 5, 1: 5}, "10 records, the fullest partition has 1.00 times the mean"),
        ({0: 9, 1: 0, 2: 0}, "9 records, the fullest partition has 3.00 times the mean, 2 of 3 partitions are empty"),
        ({1: 0, 0: 1_000}, "1,000 records, the fullest partition has 2.00 times the mean, 1 of 2 partitions is empty"),
    ],
)
def test_sentence_says_how_uneven_a_topic_is(counts: dict[int, int], told: str) -> None:
    """No topic, no records, even, uneven."""
    assert bars("t", counts)["sentence"] == told


def test_many_partitions_are_cut_and_counted() -> None:
    """The first ones are shown in their order, the others are a number; the total is of all."""
    found = bars("t", dict.fromkeys(reversed(range(1000)), 1))

    assert [number for number, _ in found["counts"]] == list(range(MAX_ROWS))
    assert (found["left_out"], found["total"]) == (1_000 - MAX_ROWS, 1_000)
