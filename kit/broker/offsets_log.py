"""The group coordinator and ``__consumer_offsets`` on its broker: what it may do with it, and hears of it."""

from __future__ import annotations

from kit.broker.config.configs import BrokerConfig
from kit.broker.deferred import Deferred
from kit.broker.groups import GroupConfig, GroupCoordinator
from kit.broker.metadata import CONSUMER_OFFSETS_TOPIC, MetadataImage
from kit.broker.partition import Partition
from kit.broker.replica_manager import ReplicaManager
from kit.broker.timeline import Timeline
from kit.wire.errors import BrokerError, ErrorCode

_FOR_CLIENTS = {ErrorCode.NOT_LEADER_OR_FOLLOWER: ErrorCode.NOT_COORDINATOR}


def group_config(config: BrokerConfig) -> GroupConfig:
    """What the coordinator needs to know of the broker's settings."""
    return GroupConfig(
        min_session_timeout_ms=config["group.min.session.timeout.ms"],
        max_session_timeout_ms=config["group.max.session.timeout.ms"],
        initial_rebalance_delay_ms=config["group.initial.rebalance.delay.ms"],
        max_size=config["group.max.size"],
        offset_metadata_max_bytes=config["offset.metadata.max.bytes"],
        offsets_retention_ms=config["offsets.retention.minutes"] * 60_000,
        offsets_retention_check_interval_ms=config["offsets.retention.check.interval.ms"],
        offset_commit_timeout_ms=config["offsets.commit.timeout.ms"],
    )


class LocalOffsetsLog:
    """The ``__consumer_offsets`` partitions that this broker leads (the coordinator's `OffsetsLog`)."""

    topic = CONSUMER_OFFSETS_TOPIC

    def __init__(self, replicas: ReplicaManager, image: MetadataImage, default_partitions: int) -> None:
        self._replicas = replicas
        self._image = image
        self._default_partitions = default_partitions

    @property
    def num_partitions(self) -> int:
        """How many partitions the topic has, or will have once it is made."""
        topic = self._image.topics.get(self.topic)
        return self._default_partitions if topic is None else len(topic.partitions)

    def leads(self, partition: int) -> bool:
        """Whether this broker is the coordinator for groups of this partition."""
        local = self._replicas.partitions.get((self.topic, partition))
        return local is not None and local.is_leader

    def append(self, partition: int, batch: bytearray) -> Deferred[ErrorCode]:
        """Append a batch as with acks=all; resolves once it is committed, or with the error that kept it out.

        NOT_COORDINATOR when this broker leads the partition no more: the batch may be committed all the same.
        """
        done: Deferred[ErrorCode] = Deferred()
        local = self._replicas.partitions.get((self.topic, partition))
        if local is None or local.leader is None:
            done.resolve(ErrorCode.NOT_COORDINATOR)
            return done
        leader = local.leader
        try:
            appended = local.append_internal(batch)
        except BrokerError as error:
            done.resolve(error.code)
            return done
        self._replicas.appended(len(batch), rolled=appended.rolled)
        if local.high_watermark > appended.last_offset:
            done.resolve(leader.commit_code())
        else:
            leader.wait_for_commit(appended.last_offset + 1, lambda code: done.resolve(_FOR_CLIENTS.get(code, code)))
        return done


def tell_coordinator(coordinator: GroupCoordinator, partition: Partition, timeline: Timeline, node_id: int) -> None:
    """Let a broker's coordinator take over or give up a partition, if it is one of ``__consumer_offsets``."""
    topic, index = partition.topic_partition
    if topic != LocalOffsetsLog.topic:
        return
    num_groups = coordinator.num_groups(index)
    if partition.is_leader:
        coordinator.on_elected(index, partition.leader_epoch, partition.read_all())
        num_loaded = coordinator.num_groups(index)
        if num_loaded and not num_groups:
            details = {"groups": num_loaded, "leader_epoch": partition.leader_epoch}
            timeline.add("coordinator_loaded", node_id, topic, index, **details)
    else:
        coordinator.on_resigned(index)
        if num_groups:
            timeline.add("coordinator_resigned", node_id, topic, index)
