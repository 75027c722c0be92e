"""The metadata image: what a node knows of the cluster, and how each record changes it.

Rules for the file: an image changes by `MetadataImage.apply` alone, with the records of KRaft's metadata log, and
`apply` is a pure function of the image and the record. So every node that applied the same records knows the same.
Source: KIP-500, KIP-631 (the records), Kafka's ``org.apache.kafka.image``.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from kit.wire import messages as m

NO_LEADER = -1
LEADER_UNCHANGED = -2  # PartitionChangeRecord.leader: the leader stays and its epoch too
RECOVERING = 1  # PartitionChangeRecord.leader_recovery_state; 0 is recovered
RECOVERY_UNCHANGED = -1
TOPIC_RESOURCE = 2
BROKER_RESOURCE = 4

METADATA_TOPIC = "__cluster_metadata"
CONSUMER_OFFSETS_TOPIC = "__consumer_offsets"
INTERNAL_TOPICS = frozenset({CONSUMER_OFFSETS_TOPIC, "__transaction_state"})


class TopicPartition(NamedTuple):
    """A topic's name and a partition's number."""

    topic: str
    partition: int

    def __str__(self) -> str:
        return f"{self.topic}-{self.partition}"


@dataclass(slots=True)
class PartitionState:
    """Who serves a partition, as the controller has decided.

    Attributes:
        replicas: node ids, the preferred leader first.
        isr: the in-sync replicas.
        elr: the eligible leader replicas: out of sync, but with every committed record (KIP-966).
        last_known_elr: those that were eligible when the last of them was lost by an unclean shutdown.
        adding, removing: what a reassignment in progress changes about ``replicas``.
        is_recovering: the leader was elected uncleanly and has not said yet that it has recovered.
        leader_epoch: counts the leaders.
        partition_epoch: counts the changes.
    """

    partition: int
    replicas: list[int]
    isr: list[int]
    leader: int
    leader_epoch: int
    partition_epoch: int
    elr: list[int] = field(default_factory=list)
    last_known_elr: list[int] = field(default_factory=list)
    adding: list[int] = field(default_factory=list)
    removing: list[int] = field(default_factory=list)
    is_recovering: bool = False

    @property
    def is_reassigning(self) -> bool:
        """Whether its replicas are being moved."""
        return bool(self.adding or self.removing)

    def changed_by(self, record: m.PartitionChangeRecord) -> PartitionState:
        """The state after the change; this one stays as it is."""
        is_recovering = self.is_recovering
        if record.leader_recovery_state != RECOVERY_UNCHANGED:
            is_recovering = record.leader_recovery_state == RECOVERING
        is_elected = record.leader != LEADER_UNCHANGED
        return PartitionState(
            self.partition,
            _or_else(record.replicas, self.replicas),
            _or_else(record.isr, self.isr),
            record.leader if is_elected else self.leader,
            self.leader_epoch + is_elected,
            self.partition_epoch + 1,
            _or_else(record.eligible_leader_replicas, self.elr),
            _or_else(record.last_known_elr, self.last_known_elr),
            _or_else(record.adding_replicas, self.adding),
            _or_else(record.removing_replicas, self.removing),
            is_recovering,
        )


def _or_else(changed: list[int] | None, unchanged: list[int]) -> list[int]:
    return list(unchanged if changed is None else changed)


@dataclass(slots=True)
class TopicState:
    """A topic and its partitions, by partition number."""

    name: str
    topic_id: uuid.UUID
    partitions: dict[int, PartitionState] = field(default_factory=dict)

    @property
    def is_internal(self) -> bool:
        """Whether Kafka itself keeps its state in this topic."""
        return self.name in INTERNAL_TOPICS


@dataclass(slots=True)
class BrokerState:
    """A registered broker and where clients reach it.

    Attributes:
        epoch: of its registration, the offset of that in the metadata log; grows with each one.
        incarnation_id: new for each start of the process.
        fenced: it may neither lead nor be in sync, and clients are not sent to it.
        in_controlled_shutdown: it hands over its partitions and gets no new ones.
        last_alive_epoch: the newest of its epochs in which it was unfenced, -1 if there was none.
        end_points: where clients reach it by each listener; ``host`` and ``port`` are those of the first.
    """

    node_id: int
    epoch: int
    host: str
    port: int
    rack: str | None = None
    fenced: bool = False
    incarnation_id: uuid.UUID = m.NULL_UUID
    in_controlled_shutdown: bool = False
    last_alive_epoch: int = -1
    end_points: Sequence[m.BrokerEndpoint] = ()

    def __post_init__(self) -> None:
        """A broker that is not fenced is alive."""
        self._note_alive()

    def address(self, listener: str) -> tuple[str, int]:
        """Host and port for clients that came in by a listener; those of the first one if it has no such listener."""
        for each in self.end_points:
            if each.name == listener:
                return each.host, each.port
        return self.host, self.port

    def set_fenced(self, fenced: bool) -> None:
        """Fence or unfence it."""
        self.fenced = fenced
        self._note_alive()

    def _note_alive(self) -> None:
        if not self.fenced:
            self.last_alive_epoch = self.epoch

    @property
    def is_active(self) -> bool:
        """Whether it may become in sync and lead: neither fenced nor about to leave."""
        return not self.fenced and not self.in_controlled_shutdown


class MetadataImage:
    """Brokers, topics, configs and the next producer id, as of the last applied record."""

    def __init__(self) -> None:
        self.brokers: dict[int, BrokerState] = {}
        self.topics: dict[str, TopicState] = {}
        self.topic_names: dict[uuid.UUID, str] = {}
        self.configs: dict[tuple[int, str], dict[str, str]] = {}
        self.next_producer_id = 0
        self._appliers: dict[type, Callable[[Any], None]] = {
            m.RegisterBrokerRecord: self._register_broker,
            m.BrokerRegistrationChangeRecord: self._change_registration,
            m.TopicRecord: self._add_topic,
            m.PartitionRecord: self._add_partition,
            m.PartitionChangeRecord: self._change_partition,
            m.RemoveTopicRecord: self._remove_topic,
            m.ConfigRecord: self._set_config,
            m.ProducerIdsRecord: self._set_next_producer_id,
            m.NoOpRecord: lambda _: None,
        }

    def apply(self, record: Any) -> None:
        """Change the image by one metadata record; ``KeyError`` for a record that this code does not know."""
        self._appliers[type(record)](record)

    def alive_brokers(self) -> list[BrokerState]:
        """The brokers that are registered and not fenced, by node id."""
        return [self.brokers[node_id] for node_id in sorted(self.brokers) if not self.brokers[node_id].fenced]

    def topic_by_id(self, topic_id: uuid.UUID) -> TopicState | None:
        """The topic with this id, if it exists."""
        name = self.topic_names.get(topic_id)
        return None if name is None else self.topics[name]

    def partition(self, topic: str, partition: int) -> PartitionState | None:
        """The state of one partition, if it exists."""
        state = self.topics.get(topic)
        return None if state is None else state.partitions.get(partition)

    def offline_replicas(self, state: PartitionState) -> list[int]:
        """The replicas of a partition whose brokers are not registered or fenced."""
        return [node_id for node_id in state.replicas if not self._is_alive(node_id)]

    def _is_alive(self, node_id: int) -> bool:
        broker = self.brokers.get(node_id)
        return broker is not None and not broker.fenced

    def partitions(self) -> Iterator[tuple[TopicState, PartitionState]]:
        """Every partition of every topic."""
        for topic in self.topics.values():
            for partition in topic.partitions.values():
                yield topic, partition

    def config(self, resource_type: int, name: str) -> dict[str, str]:
        """The settings put on one resource (defaults not included)."""
        return self.configs.get((resource_type, name), {})

    def _register_broker(self, record: m.RegisterBrokerRecord) -> None:
        known = self.brokers.get(record.broker_id)
        end_point = record.end_points[0]
        self.brokers[record.broker_id] = BrokerState(
            record.broker_id,
            record.broker_epoch,
            end_point.host,
            end_point.port,
            record.rack,
            record.fenced,
            record.incarnation_id,
            record.in_controlled_shutdown,
            -1 if known is None else known.last_alive_epoch,
            tuple(record.end_points),
        )

    def _change_registration(self, record: m.BrokerRegistrationChangeRecord) -> None:
        broker = self.brokers[record.broker_id]
        if record.fenced:
            broker.set_fenced(record.fenced > 0)
        if record.in_controlled_shutdown:
            broker.in_controlled_shutdown = record.in_controlled_shutdown > 0

    def _add_topic(self, record: m.TopicRecord) -> None:
        self.topics[record.name] = TopicState(record.name, record.topic_id)
        self.topic_names[record.topic_id] = record.name

    def _add_partition(self, record: m.PartitionRecord) -> None:
        topic = self.topics[self.topic_names[record.topic_id]]
        topic.partitions[record.partition_id] = PartitionState(
            record.partition_id,
            list(record.replicas),
            list(record.isr),
            record.leader,
            record.leader_epoch,
            record.partition_epoch,
            list(record.eligible_leader_replicas or ()),
            list(record.last_known_elr or ()),
            list(record.adding_replicas),
            list(record.removing_replicas),
            record.leader_recovery_state == RECOVERING,
        )

    def _change_partition(self, record: m.PartitionChangeRecord) -> None:
        partitions = self.topics[self.topic_names[record.topic_id]].partitions
        partitions[record.partition_id] = partitions[record.partition_id].changed_by(record)

    def _remove_topic(self, record: m.RemoveTopicRecord) -> None:
        name = self.topic_names.pop(record.topic_id)
        del self.topics[name]
        self.configs.pop((TOPIC_RESOURCE, name), None)

    def _set_config(self, record: m.ConfigRecord) -> None:
        key = (record.resource_type, record.resource_name)
        settings = self.configs.setdefault(key, {})
        if record.value is None:
            settings.pop(record.name, None)
        else:
            settings[record.name] = record.value
        if not settings:
            del self.configs[key]

    def _set_next_producer_id(self, record: m.ProducerIdsRecord) -> None:
        self.next_producer_id = record.next_producer_id
