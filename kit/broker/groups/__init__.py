"""The group coordinator: who is a member of which group, and what each group has committed.

Everything that must survive a failover is written to ``__consumer_offsets`` first; a new coordinator is the old one's
log, read again. Source: KIP-62, KIP-394 (member ids), KIP-345 (static members), KIP-211 (expiry of offsets),
``GroupMetadataManager`` and ``OffsetMetadataManager`` of Kafka 4.
"""

from kit.broker.groups.config import GroupConfig
from kit.broker.groups.coordinator import GroupCoordinator
from kit.broker.groups.shard import OffsetsLog, Requester

__all__ = ["GroupConfig", "GroupCoordinator", "OffsetsLog", "Requester"]
