"""The partitions that one broker keeps: opens their logs, lets them lead or follow, keeps the disk bounded.

What a partition is to do is in the image; `ReplicaManager.apply` brings it in step.
Source: Kafka's ``ReplicaManager`` and ``LogManager``.
"""

from __future__ import annotations

import logging
import random
import uuid
from collections.abc import Callable
from pathlib import Path

from kit.broker.clock import Clock, Timer
from kit.broker.config.configs import BrokerConfig, TopicConfig
from kit.broker.metadata import METADATA_TOPIC, TOPIC_RESOURCE, MetadataImage, TopicPartition, TopicState
from kit.broker.network import Network
from kit.broker.partition import Partition
from kit.broker.replication.alter_partition import AlterPartitionQueue, ControllerCall
from kit.broker.replication.context import ReplicationContext
from kit.broker.replication.fetch_sessions import FetchSessions
from kit.broker.replication.fetchers import FetcherOwner, Fetchers, FetchSettings
from kit.broker.storage import LogConfig, LogDirectory
from kit.broker.storage.files import SHARED_POOL, FilePool
from kit.broker.timeline import Timeline
from kit.wire import messages as m
from kit.wire.errors import BrokerError, ErrorCode

log = logging.getLogger(__name__)

_UNCHECKED_BYTES = 16 << 20  # as much as a segment of the kit's default size


def log_config(topic: TopicConfig) -> LogConfig:
    """What the log needs to know of a topic's settings."""
    return LogConfig(
        segment_bytes=topic["segment.bytes"],
        segment_ms=topic["segment.ms"],
        retention_bytes=topic["retention.bytes"],
        retention_ms=topic["retention.ms"],
        index_interval_bytes=topic["index.interval.bytes"],
        max_message_bytes=topic["max.message.bytes"],
        file_delete_delay_ms=topic["file.delete.delay.ms"],
        timestamp_type=topic["message.timestamp.type"],
        cleanup_policy=topic["cleanup.policy"],
    )


class ReplicaManager:
    """All partitions of one broker.

    Args:
        network: the links to the other nodes; without it no partition can follow.
        controller_call: reaches the active controller; without it the in-sync replicas stay as they are.
        broker_epoch: of this broker's registration, now; -1 before it is known.
        rng: the only source of chance.

    Attributes:
        partitions: the open ones, by (topic, partition).
        offline: those that should be open and cannot, because of their folders.
        fetch_sessions: what the followers of this broker's partitions fetch.
    """

    def __init__(
        self,
        *,
        node_id: int,
        directory: Path,
        clock: Clock,
        image: MetadataImage,
        network: Network | None = None,
        controller_call: ControllerCall | None = None,
        broker_epoch: Callable[[], int] = lambda: -1,
        timeline: Timeline | None = None,
        rng: random.Random | None = None,
        pool: FilePool = SHARED_POOL,
    ) -> None:
        self.partitions: dict[tuple[str, int], Partition] = {}
        self.offline: set[tuple[str, int]] = set()
        self.log_directory = LogDirectory(directory, clock=clock, pool=pool)
        self.context = ReplicationContext(
            node_id=node_id,
            clock=clock,
            image=image,
            alter_partition=AlterPartitionQueue(node_id, clock=clock, call=controller_call, broker_epoch=broker_epoch),
            timeline=timeline,
            slack_ms=lambda: 0.0 if network is None else network.slack_ms,
        )
        self.fetch_sessions = FetchSessions(clock=clock, find=self.find_by_id, rng=rng or random.Random(node_id))
        self._fetchers: Fetchers | None = None
        self._network = network
        self._broker_epoch = broker_epoch
        self._node_id = node_id
        self._clock = clock
        self._image = image
        self._config: BrokerConfig | None = None
        self._timers: dict[str, Timer] = {}  # by the setting that says how often
        self._retention_due_soon = False
        self._is_full = False
        self._unchecked_bytes = 0  # appended since the total was last looked at

    def configure(self, config: BrokerConfig) -> None:
        """Take over the broker's settings; every open partition sees its new effective settings."""
        self._config = config
        self.context.lag_time_max_ms = config["replica.lag.time.max.ms"]
        if self._fetchers is not None:
            self._fetchers.owner.settings = FetchSettings.of(config)
        elif self._network is not None:
            self._fetchers = Fetchers(
                FetcherOwner(
                    node_id=self._node_id,
                    clock=self._clock,
                    network=self._network,
                    broker_epoch=self._broker_epoch,
                    on_append=lambda num_bytes: self.appended(num_bytes, rolled=False),
                    on_storage_error=self._take_offline,
                    settings=FetchSettings.of(config),
                )
            )
        for partition in self.partitions.values():
            self._configure_partition(partition)
        if not self._timers:
            self._repeat("log.retention.check.interval.ms", self._retention_tick)
            self._repeat("log.flush.offset.checkpoint.interval.ms", self._checkpoint_tick)
            self._repeat("replica.high.watermark.checkpoint.interval.ms", self._high_watermark_tick)
            self._repeat("replica.lag.time.max.ms", self._lag_tick, share=0.5)

    def _repeat(self, setting: str, tick: Callable[[], None], *, share: float = 1.0) -> None:
        """Call ``tick`` again and again, every so many milliseconds as ``setting`` says (or a share of that)."""
        assert self._config is not None

        def run() -> None:
            self._repeat(setting, tick, share=share)  # first: what fails now may not fail the next time
            tick()

        self._timers[setting] = self._clock.call_later(self._config[setting] * share, run)

    def topic_config(self, topic: str) -> TopicConfig:
        """The settings in force for a topic: its own, else this broker's, else Kafka's defaults."""
        assert self._config is not None
        return TopicConfig(self._config, self._image.config(TOPIC_RESOURCE, topic))

    def _configure_partition(self, partition: Partition) -> None:
        config = self.topic_config(partition.topic_partition.topic)
        partition.configure(config)
        partition.log.config = log_config(config)

    # -- what the metadata says ----------------------------------------------------------------------------------

    def apply(self, topic_partition: TopicPartition) -> Partition | None:
        """Bring one partition in step with the image; None when this broker keeps no replica, or cannot open it."""
        state = self._image.partition(*topic_partition)
        if state is None or self._node_id not in state.replicas:
            if topic_partition in self.partitions:
                self._remove(topic_partition).close()
            self.offline.discard(topic_partition)
            return None
        config = self.topic_config(topic_partition.topic)
        partition = self.partitions.get(topic_partition)
        try:
            if partition is None:
                partition = self._open(topic_partition, config)
            partition.apply(state, config)
        except BrokerError as error:
            self._note_offline(topic_partition, error)
            return None
        if self._fetchers is not None:
            if partition.is_leader:
                self._fetchers.stop(partition)
            else:
                self._fetchers.follow(partition)
        return partition

    def _open(self, topic_partition: TopicPartition, config: TopicConfig) -> Partition:
        name, topic_id = str(topic_partition), self._image.topics[topic_partition.topic].topic_id
        opened = self.log_directory.open_log(name, log_config(config))
        opened.set_topic_id(topic_id)
        high_watermark = self.log_directory.high_watermarks.get(name, 0)
        partition = Partition(
            topic_partition, log=opened, context=self.context, topic_id=topic_id, high_watermark=high_watermark
        )
        self.partitions[topic_partition] = partition
        self.offline.discard(topic_partition)
        return partition

    def _remove(self, topic_partition: tuple[str, int]) -> Partition:
        """Delete a partition's log; who waits on it has still to be told, by `Partition.close`."""
        partition = self.partitions.pop(topic_partition)
        if self._fetchers is not None:
            self._fetchers.stop(partition)
        self.log_directory.delete_log(str(partition.topic_partition))
        return partition

    def _take_offline(self, partition: Partition, error: BrokerError) -> None:
        """Serve a partition no more because its disk refuses; the others go on."""
        self._note_offline(partition.topic_partition, error)
        partition.close()

    def _note_offline(self, topic_partition: TopicPartition, error: BrokerError) -> None:
        log.error("broker %d: %s is offline: %s", self._node_id, topic_partition, error)
        self.offline.add(topic_partition)
        partition = self.partitions.pop(topic_partition, None)
        if partition is not None and self._fetchers is not None:
            self._fetchers.stop(partition)

    def find(self, topic: str, partition: int, *, leader_only: bool = True) -> Partition:
        """A partition that this broker leads, or at least keeps.

        Raises:
            BrokerError: UNKNOWN_TOPIC_OR_PARTITION, NOT_LEADER_OR_FOLLOWER when another broker leads it, or
                KAFKA_STORAGE_ERROR when its log cannot be opened.
        """
        local = self.partitions.get((topic, partition))
        if local is not None and (local.is_leader or not leader_only):
            return local
        if self._image.partition(topic, partition) is None:
            raise BrokerError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION)
        if (topic, partition) in self.offline:
            raise BrokerError(ErrorCode.KAFKA_STORAGE_ERROR)
        raise BrokerError(ErrorCode.NOT_LEADER_OR_FOLLOWER)

    def find_by_id(self, topic_id: uuid.UUID, topic: str, partition: int) -> Partition:
        """As `find`, by the topic's id unless that is null.

        Raises:
            BrokerError: as `find`, and UNKNOWN_TOPIC_ID.
        """
        if topic_id != m.NULL_UUID:
            state = self._image.topic_by_id(topic_id)
            if state is None:
                raise BrokerError(ErrorCode.UNKNOWN_TOPIC_ID)
            topic = state.name
        return self.find(topic, partition)

    def set_aside_strays(self) -> None:
        """Rename the folders of partitions that the image does not give to this broker (any more).

        A crash between the deletion of a topic and that of its folder leaves one. Nothing is lost: the folder stays.
        Source: Kafka's ``LogManager.isStrayReplica``.
        """
        for name, topic_id in self.log_directory.partitions().items():
            topic, _, index = name.rpartition("-")
            if topic == METADATA_TOPIC:
                continue
            state = self._image.partition(topic, int(index))
            is_ours = state is not None and self._node_id in state.replicas
            if not is_ours or topic_id not in (None, self._image.topics[topic].topic_id):
                self.log_directory.set_aside(name)

    def remove_topic(self, topic: TopicState) -> None:
        """Delete the topic's logs here; whoever waits on them is told that they are gone."""
        removed = []
        for index in topic.partitions:
            self.offline.discard((topic.name, index))
            if (topic.name, index) in self.partitions:
                removed.append(self._remove((topic.name, index)))
        for partition in removed:  # now that none is left, so that nobody finds half a topic
            partition.close()

    def _lag_tick(self) -> None:
        """Look for followers that lag, twice in the time that they may."""
        for partition in list(self.partitions.values()):
            if partition.leader is not None:
                partition.leader.maybe_shrink()

    # -- bounded disk --------------------------------------------------------------------------------------------

    def appended(self, num_bytes: int, *, rolled: bool) -> None:
        """Told after each append: the disk may be too full when a segment was rolled, or when much was appended.

        The latter because many partitions can fill a disk before any of them fills a segment.
        """
        self._unchecked_bytes += num_bytes
        if (rolled or self._unchecked_bytes > _UNCHECKED_BYTES) and not self._retention_due_soon:
            self._retention_due_soon = True
            self._clock.call_later(0, self._enforce_soon)

    def check_room(self, partition: Partition) -> None:
        """Refuse what could only make a disk fuller that is too full already.

        Raises:
            BrokerError: POLICY_VIOLATION.
        """
        if self._is_full and not partition.is_deletable:
            raise BrokerError(
                ErrorCode.POLICY_VIOLATION,
                f"This broker's logs exceed kit.log.total.bytes, and {partition.topic_partition} never deletes: "
                "delete a topic, or start the cluster with a larger kit.log.total.bytes.",
            )

    def _enforce_soon(self) -> None:
        self._retention_due_soon = False
        self._unchecked_bytes = 0
        self.enforce_retention()

    def _checkpoint_tick(self) -> None:
        """Note how far the logs are on the disk itself, so that the start after a crash has less to check."""
        self._note_high_watermarks()
        self.log_directory.checkpoint()

    def _high_watermark_tick(self) -> None:
        self._note_high_watermarks()
        self.log_directory.write_high_watermarks()

    def _note_high_watermarks(self) -> None:
        for partition in self.partitions.values():
            self.log_directory.high_watermarks[str(partition.topic_partition)] = partition.high_watermark

    def _retention_tick(self) -> None:
        assert self._config is not None
        self.enforce_retention()
        for partition in self.partitions.values():
            partition.log.producers.expire(self._config["producer.id.expiration.ms"])

    def enforce_retention(self) -> None:
        """Delete whole closed segments that are too old or too many, then keep the broker's total below its cap."""
        now_ms = self._clock.time_ms()
        for partition in list(self.partitions.values()):
            if partition.log.delete_old_segments(now_ms, high_watermark=partition.high_watermark):
                partition.log_start_moved()
        self._enforce_total()

    def _enforce_total(self) -> None:
        """Our own bound (``kit.log.total.bytes``): a forgotten producer must not fill a laptop's disk.

        The fullest partition gives its oldest segment first. Topics without "delete" in their cleanup.policy are left
        alone, but take no more records from clients while the disk is too full (`check_room`).
        """
        assert self._config is not None
        allowed: int = self._config["kit.log.total.bytes"]
        if allowed < 0:
            self._is_full = False
            return
        candidates = [partition for partition in self.partitions.values() if partition.is_deletable]
        total = sum(partition.log.size_bytes for partition in self.partitions.values())
        while total > allowed and candidates:
            fullest = max(candidates, key=lambda partition: partition.log.size_bytes)
            freed = fullest.log.delete_oldest_segment(high_watermark=fullest.high_watermark)
            if freed == 0:
                candidates.remove(fullest)
                continue
            fullest.log_start_moved()
            total -= freed
            log.warning(
                "%s: deleted its oldest segment, because this broker's logs exceed kit.log.total.bytes=%d",
                fullest.topic_partition,
                allowed,
            )
        self._is_full = total > allowed

    def close(self, broker_epoch: int = -1) -> None:
        """Close every log cleanly.

        Args:
            broker_epoch: of the registration that ends with this, for the next start (KIP-966).
        """
        for timer in self._timers.values():
            timer.cancel()
        if self._fetchers is not None:
            self._fetchers.close()
        self.fetch_sessions.close()
        self._note_high_watermarks()
        self.log_directory.close(broker_epoch)
