"""How clients choose partitions: hashes as the clients have them, and three habits without a key."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.cluster import ClusterMetadata
from kafka.partitioner import DefaultPartitioner

from kit.lessons.partition_choice import (
    CRC32,
    MURMUR2,
    choice,
    counted,
    habit,
    moved,
    partition_of,
    random_choices,
    round_robin_choices,
    sample_keys,
    skew,
    skewed_round_robin_choices,
    sticky_choices,
)
from kit.lessons.partitioners import three_clients
from kit.practice.partitioners import partitioner


class _Cluster(ClusterMetadata):  # type: ignore[misc]  # kafka-python has no types
    """The cluster as a partitioner sees it: one topic."""

    def __init__(self, num_partitions: int) -> None:
        self._numbers = set(range(num_partitions))

    def topics(self, *_args: Any) -> set[str]:
        """See kafka-python."""
        return {"t"}

    def partitions_for_topic(self, _topic: str) -> set[int]:
        """See kafka-python."""
        return self._numbers

    available_partitions_for_topic = partitions_for_topic


@given(st.binary(min_size=1), st.integers(1, 200))
def test_hashes_are_those_of_the_clients(key: bytes, num_partitions: int) -> None:
    """kafka-python's default partitioner, and librdkafka's as the practice CLI has it."""
    cluster = _Cluster(num_partitions)
    by_kafka_python = DefaultPartitioner().partition("t", key, key, None, None, cluster)
    by_librdkafka = partitioner("consistent_random").partition("t", key, key, None, None, cluster)

    assert partition_of(key, num_partitions) == by_kafka_python
    assert partition_of(key, num_partitions, CRC32) == by_librdkafka


@given(st.binary(), st.integers(1, 200), st.sampled_from([MURMUR2, CRC32]))
def test_arithmetic_is_python_and_true(key: bytes, num_partitions: int, name: str) -> None:
    """What is shown can be pasted into a cell."""
    left, right = choice(key, num_partitions, name).arithmetic.split(" = ")

    assert eval(left) == int(right) == partition_of(key, num_partitions, name)


@pytest.mark.parametrize(("count", "name"), [(0, MURMUR2), (-1, CRC32), (3, "md5"), (3, "")])
def test_senseless_choices_are_refused(count: int, name: str) -> None:
    """No partition, no such hash."""
    with pytest.raises(ValueError, match=r"at least one|no hash"):
        choice(b"ana", count, name)


def test_moved_keys() -> None:
    """None when the number stays, none when it becomes one that everything fits; most otherwise."""
    keys = sample_keys()

    assert len(set(keys)) == 200
    assert moved(keys, 6, 6) == []
    assert moved(keys, 1, 1) == []
    assert 120 < len(moved(keys, 6, 8)) < 180
    assert 80 < len(moved(keys, 3, 6)) < 120


def test_skew_is_the_fullest_by_the_mean() -> None:
    """Even is 1, all in one is the number of partitions, nothing at all is even."""
    assert skew([5, 5, 5]) == 1
    assert skew([9, 0, 0]) == 3
    assert skew([0, 0]) == skew([]) == 1


def taken(choices: Any, count: int = 600) -> list[int]:
    """The first partitions of an endless choice."""
    return list(itertools.islice(choices, count))


@given(st.integers(3, 24), st.integers(0, 1_000))
def test_habits_are_recognised(num_partitions: int, seed: int) -> None:
    """From what was chosen alone."""
    assert habit(taken(random_choices(num_partitions, seed))) == "random"
    assert habit(taken(round_robin_choices(num_partitions))) == "round-robin"
    assert habit(taken(sticky_choices(num_partitions, 10, 400, seed))) in ("sticky", None)


def test_too_little_shows_no_habit() -> None:
    """A few records, or one partition only."""
    assert habit([]) is habit([0, 1, 2]) is habit([0] * 100) is None


def test_choices_are_seeded() -> None:
    """The same on every computer."""
    assert taken(random_choices(6, 1), 12) == taken(random_choices(6, 1), 12) != taken(random_choices(6, 2), 12)


@pytest.mark.parametrize("num_partitions", [2, 4, 6, 24])
def test_skewed_round_robin_leaves_half_out(num_partitions: int) -> None:
    """With an even number of partitions every second one stays empty; with an odd number none does."""
    counts = counted(taken(skewed_round_robin_choices(num_partitions)), num_partitions)

    assert counts.count(0) == num_partitions // 2
    odd = counted(taken(skewed_round_robin_choices(num_partitions + 1)), num_partitions + 1)
    assert 0 not in odd


def test_round_robin_takes_back_an_unused_turn() -> None:
    """The mended partitioner of the lab goes on where it was when it is asked twice."""
    in_turn: Any = three_clients()["b"]
    chosen = []
    for number in range(12):
        chosen.append(in_turn.partition("t", None, None, None, None, _Cluster(6)))
        if number % 3 == 0:
            in_turn.on_new_batch("t", None, chosen[-1])
            chosen[-1] = in_turn.partition("t", None, None, None, None, _Cluster(6))

    assert chosen == [0, 1, 2, 3, 4, 5] * 2
