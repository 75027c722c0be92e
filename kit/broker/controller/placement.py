"""Which brokers keep the replicas of a partition, and who leads it at first.

Source: Kafka classes ``StripedReplicaPlacer`` and ``ReplicationControlManager.validateManualPartitionAssignment``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from kit.broker.metadata import MetadataImage
from kit.wire.errors import BrokerError, ErrorCode


class ReplicaPlacer:
    """Spreads leaders and replicas evenly, in a way that can be foreseen.

    Kafka begins at a random broker; here the broker that leads least begins, so that small topics spread as well and
    a lab looks the same each time.
    """

    def __init__(self, image: MetadataImage) -> None:
        self._brokers = [broker.node_id for broker in image.alive_brokers() if broker.is_active]
        self._away = sorted(broker.node_id for broker in image.brokers.values() if broker.fenced)
        self._leaderships = Counter(state.leader for _, state in image.partitions())

    def place(self, num_partitions: int, replication_factor: int) -> list[list[int]]:
        """The replicas of each new partition, its first leader first.

        Brokers that are away get what the others cannot take, and begin when they are back.

        Raises:
            BrokerError: INVALID_REPLICATION_FACTOR when not that many brokers can take one, or when all are away.
        """
        self._check(replication_factor)
        placed = []
        start = self._least_leading()
        for index in range(num_partitions):
            alive = _replicas(self._brokers, start + index, index // len(self._brokers), replication_factor)
            replicas = alive + self._away[: replication_factor - len(alive)]
            self._leaderships[replicas[0]] += 1
            placed.append(replicas)
        return placed

    def _check(self, replication_factor: int) -> None:
        if not self._brokers:
            raise BrokerError(ErrorCode.INVALID_REPLICATION_FACTOR, "No broker is alive to lead a partition.")
        registered = len(self._brokers) + len(self._away)
        if replication_factor > registered:
            raise BrokerError(
                ErrorCode.INVALID_REPLICATION_FACTOR,
                f"Unable to replicate the partition {replication_factor} time(s): The target replication factor of "
                f"{replication_factor} cannot be reached because only {registered} broker(s) are registered or some "
                "brokers have all their log directories cordoned.",
            )

    def _least_leading(self) -> int:
        return min(range(len(self._brokers)), key=lambda index: self._leaderships[self._brokers[index]])


def _replicas(brokers: Sequence[int], leader: int, shift: int, replication_factor: int) -> list[int]:
    """The leader, then the others from a place that moves on each time round, so that followers spread too."""
    others = [brokers[(leader + step) % len(brokers)] for step in range(1, len(brokers))]
    first = shift % max(1, len(others))
    followers = others[first:] + others[:first]
    return [brokers[leader % len(brokers)], *followers[: replication_factor - 1]]


def check_manual(image: MetadataImage, assignments: Sequence[Sequence[int]], replication_factor: int | None) -> None:
    """Make sure that replicas chosen by hand are possible.

    Args:
        replication_factor: how many each partition must have; None when the first one decides.

    Raises:
        BrokerError: INVALID_REPLICA_ASSIGNMENT.
    """
    for partition, replicas in enumerate(assignments):
        reason = assignment_objection(image, replicas)
        if reason is None and not any(image.brokers[node_id].is_active for node_id in replicas):
            reason = "names no broker that is alive"
        expected = len(assignments[0]) if replication_factor is None else replication_factor
        if reason is None and len(replicas) != expected:
            reason = f"has {len(replicas)} replica(s), the other partitions have {expected}"
        if reason is not None:
            raise BrokerError(
                ErrorCode.INVALID_REPLICA_ASSIGNMENT, f"The manual assignment of new partition {partition} {reason}."
            )


def assignment_objection(image: MetadataImage, replicas: Sequence[int]) -> str | None:
    """Why these brokers, alive or not, cannot be the replicas of one partition; None when they can."""
    if not replicas:
        return "is empty"
    repeated = [node_id for node_id, times in Counter(replicas).items() if times > 1]
    if repeated:
        return f"names broker {repeated[0]} more than once"
    unknown = [node_id for node_id in replicas if node_id not in image.brokers]
    if unknown:
        return f"names broker {unknown[0]}, which is not registered"
    return None
