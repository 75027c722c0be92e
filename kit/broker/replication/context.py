"""What all partitions of one broker share when they replicate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kit.broker.clock import Clock
from kit.broker.metadata import MetadataImage, TopicPartition
from kit.broker.patience import extra_ms
from kit.broker.replication.alter_partition import AlterPartitionQueue
from kit.broker.timeline import Timeline


@dataclass(slots=True)
class ReplicationContext:
    """One broker, as its partitions see it.

    Attributes:
        alter_partition: takes changes of the in-sync replicas to the controller.
        lag_time_max_ms: ``replica.lag.time.max.ms``.
        slack_ms: how much longer than usual a fetch may take now; see `kit.broker.patience`.
    """

    node_id: int
    clock: Clock
    image: MetadataImage
    alter_partition: AlterPartitionQueue
    timeline: Timeline | None = None
    lag_time_max_ms: float = 30_000
    slack_ms: Callable[[], float] = lambda: 0.0

    @property
    def patience_ms(self) -> float:
        """How long a follower may lag before it is out of sync."""
        limit_ms = self.lag_time_max_ms
        return limit_ms + extra_ms("replica.lag.time.max.ms", limit_ms, self.slack_ms())

    def may_join_isr(self, node_id: int, known_epoch: int) -> bool:
        """Whether a broker may be in sync: alive, not about to leave, and the one that fetched, not one before it.

        Args:
            known_epoch: the broker epoch in its last fetch; -1 when it did not say (KIP-841, KIP-903).
        """
        broker = self.image.brokers.get(node_id)
        return broker is not None and broker.is_active and known_epoch in (-1, broker.epoch)

    def is_alive(self, node_id: int) -> bool:
        """Whether a broker is registered and not fenced."""
        broker = self.image.brokers.get(node_id)
        return broker is not None and not broker.fenced

    def tell(self, kind: str, topic_partition: TopicPartition, **details: Any) -> None:
        """Note in the timeline what happened to one of this broker's partitions."""
        if self.timeline is not None:
            self.timeline.add(kind, self.node_id, topic_partition.topic, topic_partition.partition, **details)
