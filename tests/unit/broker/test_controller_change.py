"""What brokers do when the active controller is gone, under simulated time."""

from __future__ import annotations

from collections.abc import Callable

from kit.broker.config.cluster_defaults import KAFKA_TIMERS
from tests.support.memory_cluster import MemoryCluster


def test_brokers_that_waited_for_the_old_controller_are_not_fenced_by_the_new_one(
    make_cluster: Callable[..., MemoryCluster],
) -> None:
    """A heartbeat to a controller that was cut off is given up in time for another one to the next controller."""
    cluster = make_cluster(brokers=3, **{name.replace(".", "_"): value for name, value in KAFKA_TIMERS.items()})
    old = cluster.cluster.active_controller
    assert old is not None
    others = {1, 2, 3} - {old}
    before = len(cluster.cluster.timeline)

    cluster.cluster.cut([{old}, others])
    cluster.clock.advance(30_000)

    fenced = [event.node_id for event in list(cluster.cluster.timeline)[before:] if event.kind == "broker_fenced"]
    assert fenced == [old]
