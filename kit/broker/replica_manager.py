"""The partitions that one broker keeps: opens their logs, keeps the disk bounded, closes them cleanly.

Source: Kafka's ``ReplicaManager`` and ``LogManager``.
"""

from __future__ import annotations

import logging
from pathlib import Path

from kit.broker.clock import Clock, Timer
from kit.broker.configs import BrokerConfig, TopicConfig
from kit.broker.metadata import METADATA_TOPIC, TOPIC_RESOURCE, MetadataImage, TopicPartition, TopicState
from kit.broker.partition import Partition
from kit.broker.storage import LogConfig, LogDirectory
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

    Attributes:
        partitions: the open ones, by (topic, partition).
        offline: those that should be open and cannot, because of their folders.
    """

    def __init__(self, *, node_id: int, directory: Path, clock: Clock, image: MetadataImage) -> None:
        self.partitions: dict[tuple[str, int], Partition] = {}
        self.offline: set[tuple[str, int]] = set()
        self.log_directory = LogDirectory(directory, clock=clock)
        self._node_id = node_id
        self._clock = clock
        self._image = image
        self._config: BrokerConfig | None = None
        self._retention_timer: Timer | None = None
        self._checkpoint_timer: Timer | None = None
        self._retention_due_soon = False
        self._is_full = False
        self._unchecked_bytes = 0  # appended since the total was last looked at

    def configure(self, config: BrokerConfig) -> None:
        """Take over the broker's settings; every open partition sees its new effective settings."""
        self._config = config
        for partition in self.partitions.values():
            self._configure_partition(partition)
        if self._retention_timer is None:
            self._schedule_retention()
            self._schedule_checkpoint()

    def topic_config(self, topic: str) -> TopicConfig:
        """The settings in force for a topic: its own, else this broker's, else Kafka's defaults."""
        assert self._config is not None
        return TopicConfig(self._config, self._image.config(TOPIC_RESOURCE, topic))

    def _configure_partition(self, partition: Partition) -> None:
        config = self.topic_config(partition.topic_partition.topic)
        partition.configure(config)
        partition.log.config = log_config(config)

    def apply(self, topic_partition: TopicPartition) -> Partition | None:
        """Bring one partition in step with the image; None when this broker keeps no replica, or cannot open it."""
        state = self._image.partition(*topic_partition)
        if state is None or self._node_id not in state.replicas:
            return None
        config = self.topic_config(topic_partition.topic)
        partition = self.partitions.get(topic_partition)
        if partition is None:
            try:
                opened = self.log_directory.open_log(str(topic_partition), log_config(config))
                opened.set_topic_id(self._image.topics[topic_partition.topic].topic_id)
            except BrokerError as error:
                log.error("broker %d: %s is offline: %s", self._node_id, topic_partition, error)
                self.offline.add(topic_partition)
                return None
            partition = Partition(topic_partition, node_id=self._node_id, log=opened, clock=self._clock)
            self.partitions[topic_partition] = partition
            self.offline.discard(topic_partition)
        partition.apply(state, config)
        return partition

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
            partition = self.partitions.pop((topic.name, index), None)
            if partition is not None:
                partition.is_leader = False
                self.log_directory.delete_log(str(partition.topic_partition))
                removed.append(partition)
        for partition in removed:  # now that none is left, so that nobody finds half a topic
            partition.wake()

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
        if self._is_full and partition.is_kept_for_ever:
            raise BrokerError(
                ErrorCode.POLICY_VIOLATION,
                f"This broker's logs exceed kit.log.total.bytes, and {partition.topic_partition} never deletes: "
                "delete a topic, or start the cluster with a larger kit.log.total.bytes.",
            )

    def _enforce_soon(self) -> None:
        self._retention_due_soon = False
        self._unchecked_bytes = 0
        self.enforce_retention()

    def _schedule_retention(self) -> None:
        assert self._config is not None
        interval_ms = self._config["log.retention.check.interval.ms"]
        self._retention_timer = self._clock.call_later(interval_ms, self._retention_tick)

    def _schedule_checkpoint(self) -> None:
        assert self._config is not None
        interval_ms = self._config["log.flush.offset.checkpoint.interval.ms"]
        self._checkpoint_timer = self._clock.call_later(interval_ms, self._checkpoint_tick)

    def _checkpoint_tick(self) -> None:
        """Note how far the logs are on the disk itself, so that the start after a crash has less to check."""
        self._schedule_checkpoint()  # first: a disk that refuses now may not refuse the next time
        self._note_high_watermarks()
        self.log_directory.checkpoint()

    def _note_high_watermarks(self) -> None:
        for partition in self.partitions.values():
            self.log_directory.high_watermarks[str(partition.topic_partition)] = partition.high_watermark

    def _retention_tick(self) -> None:
        assert self._config is not None
        self._schedule_retention()
        self.enforce_retention()
        for partition in self.partitions.values():
            partition.log.producers.expire(self._config["producer.id.expiration.ms"])

    def enforce_retention(self) -> None:
        """Delete whole closed segments that are too old or too many, then keep the broker's total below its cap."""
        now_ms = self._clock.time_ms()
        for partition in list(self.partitions.values()):
            partition.log.delete_old_segments(now_ms, high_watermark=partition.high_watermark)
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
        candidates = [partition for partition in self.partitions.values() if not partition.is_kept_for_ever]
        total = sum(partition.log.size_bytes for partition in self.partitions.values())
        while total > allowed and candidates:
            fullest = max(candidates, key=lambda partition: partition.log.size_bytes)
            freed = fullest.log.delete_oldest_segment()
            if freed == 0:
                candidates.remove(fullest)
                continue
            total -= freed
            log.warning(
                "%s: deleted its oldest segment, because this broker's logs exceed kit.log.total.bytes=%d",
                fullest.topic_partition,
                allowed,
            )
        self._is_full = total > allowed

    def close(self) -> None:
        """Close every log cleanly."""
        for timer in (self._retention_timer, self._checkpoint_timer):
            if timer is not None:
                timer.cancel()
        self._note_high_watermarks()
        self.log_directory.close()
