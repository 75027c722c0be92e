"""Replicas: spread evenly by the controller, or checked when chosen by hand."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.broker.controller.placement import ReplicaPlacer, check_manual
from kit.wire.errors import BrokerError, ErrorCode
from tests.support.metadata import image_of, topic, with_topics


@given(data=st.data(), num_brokers=st.integers(1, 7), num_partitions=st.integers(1, 60))
def test_place_spreads_leaders_and_replicas(data: st.DataObject, num_brokers: int, num_partitions: int) -> None:
    """No broker twice in a partition; leaderships differ by at most one, replicas by few."""
    replication_factor = data.draw(st.integers(1, num_brokers))
    placed = ReplicaPlacer(image_of(*range(1, num_brokers + 1))).place(num_partitions, replication_factor)
    assert [len(set(replicas)) for replicas in placed] == [replication_factor] * num_partitions
    leaders = Counter(dict.fromkeys(range(1, num_brokers + 1), 0))
    leaders.update(replicas[0] for replicas in placed)
    assert max(leaders.values()) - min(leaders.values()) <= 1
    kept = Counter(dict.fromkeys(range(1, num_brokers + 1), 0))
    kept.update(node_id for replicas in placed for node_id in replicas)
    assert max(kept.values()) - min(kept.values()) <= replication_factor


def test_place_begins_where_least_is_led() -> None:
    """Topics of one partition spread over the brokers too."""
    image = with_topics(image_of(1, 2, 3), topic("a"), topic("b"), topic("c"), topic("d"))
    assert [state.leader for _, state in image.partitions()] == [1, 2, 3, 1]
    assert ReplicaPlacer(image).place(2, 1) == [[2], [3]]


def test_place_varies_the_followers() -> None:
    """A leader's followers change from round to round, so that its load spreads when it fails."""
    assert ReplicaPlacer(image_of(1, 2, 3)).place(6, 2) == [[1, 2], [2, 3], [3, 1], [1, 3], [2, 1], [3, 2]]


def test_place_leaves_out_fenced_brokers() -> None:
    """A broker that is away, or about to go, gets nothing new."""
    image = image_of(1, 2, 3, 4, fenced=(2,))
    image.brokers[4].in_controlled_shutdown = True
    placed = ReplicaPlacer(image).place(4, 2)
    assert placed == [[1, 3], [3, 1], [1, 3], [3, 1]]


def test_place_takes_fenced_brokers_where_the_others_are_too_few() -> None:
    """A topic can be made while a broker is away; it never leads, and one that is about to go gets nothing."""
    image = image_of(1, 2, 3, 4, fenced=(2,))
    image.brokers[4].in_controlled_shutdown = True
    assert ReplicaPlacer(image).place(2, 3) == [[1, 3, 2], [3, 1, 2]]
    with pytest.raises(BrokerError, match=r"only 3 broker\(s\) are registered"):
        ReplicaPlacer(image).place(1, 4)


@pytest.mark.parametrize(
    ("fenced", "replication_factor", "text"),
    [((), 4, r"only 3 broker\(s\) are registered"), ((2,), 4, "only 3"), ((1, 2, 3), 1, "No broker is alive")],
)
def test_place_refuses_more_replicas_than_brokers(fenced: tuple[int, ...], replication_factor: int, text: str) -> None:
    """Each replica needs a broker of its own; with no broker at all nothing can be placed."""
    with pytest.raises(BrokerError, match=text) as refused:
        ReplicaPlacer(image_of(1, 2, 3, fenced=fenced)).place(1, replication_factor)
    assert refused.value.code is ErrorCode.INVALID_REPLICATION_FACTOR


def test_check_manual_accepts_what_is_possible() -> None:
    """Alive brokers, the same number everywhere, a fenced one among others."""
    check_manual(image_of(1, 2, 3, fenced=(3,)), [[1, 2], [2, 3]], None)
    check_manual(image_of(1, 2, 3), [[2, 1]], 2)


@pytest.mark.parametrize(
    ("assignments", "replication_factor", "text"),
    [
        ([[1], []], None, "partition 1 is empty"),
        ([[1, 1]], None, "partition 0 names broker 1 more than once"),
        ([[1, 7]], None, "partition 0 names broker 7, which is not registered"),
        ([[3]], None, "partition 0 names no broker that is alive"),
        ([[1, 2], [1]], None, r"partition 1 has 1 replica\(s\), the other partitions have 2"),
        ([[1, 2]], 1, r"partition 0 has 2 replica\(s\), the other partitions have 1"),
    ],
)
def test_check_manual_refuses(assignments: list[list[int]], replication_factor: int | None, text: str) -> None:
    """Each impossible assignment is INVALID_REPLICA_ASSIGNMENT with its reason."""
    with pytest.raises(BrokerError, match=text) as refused:
        check_manual(image_of(1, 2, 3, fenced=(3,)), assignments, replication_factor)
    assert refused.value.code is ErrorCode.INVALID_REPLICA_ASSIGNMENT
