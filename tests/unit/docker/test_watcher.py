"""What the timeline tells of a cluster that can only be asked."""

from __future__ import annotations

from kit.backends.docker.watcher import PartitionView, View, changes

KEY = ("orders", 0)
BEFORE = View((1, 1), frozenset({1, 2, 3}), {KEY: PartitionView(2, 0, (2, 3, 1))})


def told(before: View, after: View) -> list[str]:
    """The sentences between two looks."""
    return [event.text for event in changes(before, after, 1000)]


def test_first_look_tells_who_is_there() -> None:
    """The active controller and the living brokers, as on the other backends; topics are no news."""
    assert told(View(), BEFORE) == [
        "Node 1 is the active controller in epoch 1.",
        *(f"Broker {node_id} is alive: it may lead and be in sync." for node_id in (1, 2, 3)),
    ]


def test_death_of_a_leader_is_told_causes_first() -> None:
    """The fencing, then the new leader because of it, then who is in sync."""
    after = View((1, 1), frozenset({1, 3}), {KEY: PartitionView(3, 1, (3, 1))})

    assert told(BEFORE, after) == [
        "Broker 2 was fenced: the controller no longer counts it among the living.",
        "orders-0: broker 3 leads in epoch 1 (before: 2; broker 2 was fenced).",
        "orders-0: the in-sync replicas are [3, 1] (before: [2, 3, 1]).",
    ]


def test_partition_without_a_leader_is_told() -> None:
    """Nobody in sync is alive."""
    after = View((1, 1), frozenset({1, 3}), {KEY: PartitionView(-1, 1, (2,))})

    assert "orders-0: no leader; no replica that may lead is alive." in told(BEFORE, after)


def test_same_replicas_in_another_order_are_no_news() -> None:
    """A set has no order."""
    assert told(BEFORE, View((1, 1), BEFORE.alive, {KEY: PartitionView(2, 0, (1, 2, 3))})) == []


def test_view_of_an_older_epoch_is_no_news() -> None:
    """A broker that comes out of a cut may answer before it has caught up."""
    now = View((1, 1), BEFORE.alive, {KEY: PartitionView(3, 4, (3,))})

    assert told(now, BEFORE) == []


def test_look_that_reached_nobody_tells_nothing() -> None:
    """That nobody answers does not mean that all are dead."""
    assert told(BEFORE, View()) == []


def test_new_controller_is_told_with_its_epoch() -> None:
    """Even when no broker answers."""
    assert told(BEFORE, View((2, 3))) == ["Node 3 is the active controller in epoch 2."]
