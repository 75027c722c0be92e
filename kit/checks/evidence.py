"""Where checks look: what is in the cluster, never what a variable claims.

A check sees only the `Evidence` protocol. `ClusterEvidence` reads it through an ordinary Kafka client; a test or a
grader can hand in the same facts from a list or from the broker's log.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Protocol, Self

from kit.errors import KitError

# Enough for any lab, and small enough to read in about a second when somebody left a producer running.
MAX_RECORDS_PER_PARTITION = 2_000
# A closed cluster should be reported while the student still remembers the question.
_PATIENCE_MS = 5_000


@dataclass(frozen=True)
class SeenRecord:
    """One record as it lies in a partition. ``timestamp_ms`` counts from 1970-01-01 UTC."""

    topic: str
    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class SeenPartition:
    """Who leads a partition and who is in sync; node ids. ``leader`` is None while nobody leads."""

    partition: int
    leader: int | None
    leader_epoch: int
    replicas: tuple[int, ...]
    isr: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SeenMember:
    """A member of a consumer group, and the topics and partitions that it holds; none while the group rebalances."""

    client_id: str
    holds: tuple[tuple[str, int], ...] = ()


class SeenEvent(Protocol):
    """One event of a cluster's timeline, see `kit.Event`."""

    @property
    def time_ms(self) -> int:
        """When, in milliseconds since 1970."""

    @property
    def kind(self) -> str:
        """What happened, such as "kill" or "truncated"."""

    @property
    def node_id(self) -> int | None:
        """The node that it happened to."""

    @property
    def topic(self) -> str | None:
        """The topic that it happened to."""

    @property
    def partition(self) -> int | None:
        """The partition that it happened to."""

    @property
    def details(self) -> Mapping[str, Any]:
        """The rest, by name."""

    @property
    def text(self) -> str:
        """The same in one sentence."""


class Evidence(Protocol):
    """What a check may ask."""

    def topic_names(self) -> list[str]:
        """The topics that there are, Kafka's own included."""

    def records(self, topic: str) -> Sequence[SeenRecord]:
        """The retained records (the newest `MAX_RECORDS_PER_PARTITION` of each partition), in offset order."""

    def log_start_offsets(self, topic: str) -> dict[int, int]:
        """Partition to its first retained offset; empty when there is no such topic."""

    def log_end_offsets(self, topic: str) -> dict[int, int]:
        """Partition to the offset that its next record will get; empty when there is no such topic."""

    def committed_offsets(self, group_id: str, topic: str) -> dict[int, int]:
        """Partition to the offset that the group committed; partitions without one are left out."""

    def group_ids(self) -> list[str]:
        """The consumer groups that the cluster knows."""

    def group_members(self, group_id: str) -> Sequence[SeenMember]:
        """Who is in a group now, by client id; nobody when there is no such group."""

    def data_dir(self) -> str | None:
        """The folder of the brokers' logs on this computer; None when they are elsewhere."""

    def partitions(self, topic: str) -> Sequence[SeenPartition]:
        """Who leads and who is in sync, by partition; empty when there is no such topic."""

    def topic_configs(self, topic: str) -> Mapping[str, str]:
        """The settings that hold for a topic, defaults included; empty when there is no such topic."""

    def timeline(self) -> Sequence[SeenEvent] | None:
        """What happened in the cluster, in order; None when the cluster does not tell."""


class ClusterEvidence:
    """Evidence read from a running cluster with kafka-python. A context manager: leaving it closes the clients.

    Args:
        client_settings: how clients reach it, in kafka-python's names.
        data_dir: where its brokers keep their logs, if that is on this computer.
        timeline: tells what happened in it, and may raise `kit.KitError`; None when nobody can.

    Raises:
        kafka.errors.KafkaError: no broker answered.
    """

    def __init__(
        self,
        client_settings: Mapping[str, Any],
        data_dir: str | None = None,
        timeline: Callable[[], Sequence[SeenEvent]] | None = None,
    ) -> None:
        from kafka import KafkaAdminClient, KafkaConsumer

        self._data_dir = data_dir
        self._timeline = timeline

        _knock(client_settings["bootstrap_servers"])
        configs = {**client_settings, "bootstrap_timeout_ms": _PATIENCE_MS}
        with contextlib.ExitStack() as opened:
            self._admin: Any = opened.enter_context(contextlib.closing(KafkaAdminClient(**configs)))
            # No group and no topic: the check reads beside the student's groups and leaves no trace in them.
            self._consumer: Any = KafkaConsumer(
                auto_offset_reset="earliest", enable_auto_commit=False, allow_auto_create_topics=False, **configs
            )
            opened.callback(self._consumer.close)
            self._clients = opened.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._clients.close()

    def topic_names(self) -> list[str]:
        """See `Evidence.topic_names`."""
        return sorted(self._admin.list_topics())

    def records(self, topic: str) -> list[SeenRecord]:
        """See `Evidence.records`.

        Raises:
            kafka.errors.KafkaTimeoutError: a partition could not be read to its end.
        """
        from kafka.errors import KafkaTimeoutError

        first, end = self.log_start_offsets(topic), self.log_end_offsets(topic)
        unread = {partition for partition, offset in end.items() if offset > first[partition]}
        self._consumer.assign([self._partition(topic, partition) for partition in sorted(unread)])
        for partition in unread:
            start = max(first[partition], end[partition] - MAX_RECORDS_PER_PARTITION)
            self._consumer.seek(self._partition(topic, partition), start)
        seen: list[SeenRecord] = []
        deadline_s = time.monotonic() + 4 * _PATIENCE_MS / 1000
        # position, not the last record: transaction markers and compaction leave offsets without a record.
        while any(self._consumer.position(self._partition(topic, p)) < end[p] for p in unread):
            if time.monotonic() > deadline_s:
                raise KafkaTimeoutError(f"{topic} could not be read to its end: has one of its partitions no leader?")
            for batch in self._consumer.poll(timeout_ms=500).values():
                seen += [_seen(record) for record in batch if record.offset < end[record.partition]]
        return sorted(seen, key=lambda record: (record.partition, record.offset))

    def log_start_offsets(self, topic: str) -> dict[int, int]:
        """See `Evidence.log_start_offsets`."""
        offsets = self._consumer.beginning_offsets(self._partitions(topic))
        return {partition.partition: offset for partition, offset in offsets.items()}

    def log_end_offsets(self, topic: str) -> dict[int, int]:
        """See `Evidence.log_end_offsets`."""
        offsets = self._consumer.end_offsets(self._partitions(topic))
        return {partition.partition: offset for partition, offset in offsets.items()}

    def committed_offsets(self, group_id: str, topic: str) -> dict[int, int]:
        """See `Evidence.committed_offsets`."""
        offsets = self._admin.list_group_offsets({group_id: None})[group_id]
        return {at.partition: found.offset for at, found in offsets.items() if at.topic == topic and found.offset >= 0}

    def group_ids(self) -> list[str]:
        """See `Evidence.group_ids`."""
        return sorted(group["group_id"] for group in self._admin.list_groups())

    def group_members(self, group_id: str) -> list[SeenMember]:
        """See `Evidence.group_members`."""
        members = self._admin.describe_groups([group_id])[group_id]["members"]
        return sorted((_member(each) for each in members), key=lambda each: each.client_id)

    def data_dir(self) -> str | None:
        """See `Evidence.data_dir`."""
        return self._data_dir

    def partitions(self, topic: str) -> list[SeenPartition]:
        """See `Evidence.partitions`."""
        if topic not in self._admin.list_topics():
            return []
        found = [
            SeenPartition(
                each["partition_index"],
                each["leader_id"] if each["leader_id"] >= 0 else None,
                each["leader_epoch"],
                tuple(each["replica_nodes"]),
                tuple(each["isr_nodes"]),
            )
            for each in self._admin.describe_topics([topic])[0]["partitions"]
        ]
        return sorted(found, key=lambda each: each.partition)

    def topic_configs(self, topic: str) -> dict[str, str]:
        """See `Evidence.topic_configs`."""
        from kafka.admin import ConfigResource

        if topic not in self._admin.list_topics():
            return {}
        described = self._admin.describe_configs([ConfigResource("TOPIC", topic)], config_filter="all")
        return {name: str(each["value"]) for name, each in described["topic"][topic].items()}

    def timeline(self) -> Sequence[SeenEvent] | None:
        """See `Evidence.timeline`."""
        if self._timeline is None:
            return None
        try:
            return self._timeline()
        except KitError:  # a cluster of others keeps none
            return None

    def _partitions(self, topic: str) -> list[Any]:
        if topic not in self._admin.list_topics():
            return []
        partitions = self._admin.describe_topics([topic])[0]["partitions"]
        return [self._partition(topic, each["partition_index"]) for each in partitions]

    @staticmethod
    def _partition(topic: str, partition: int) -> Any:
        from kafka import TopicPartition

        return TopicPartition(topic, partition)


def _knock(bootstrap_servers: str) -> None:
    """See whether anybody listens: a closed cluster is noticed at once, and kafka-python not left with open sockets."""
    from kafka.errors import KafkaConnectionError

    for address in bootstrap_servers.split(","):
        host, _, port = address.strip().rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE_MS / 1000).close()
        except OSError:
            continue
        return
    raise KafkaConnectionError(f"nobody listens at {bootstrap_servers}")


def _seen(record: Any) -> SeenRecord:
    headers = tuple((name, value) for name, value in record.headers)
    return SeenRecord(
        record.topic, record.partition, record.offset, record.timestamp, record.key, record.value, headers
    )


def _member(described: Mapping[str, Any]) -> SeenMember:
    # Other programs than consumers put bytes of their own where a consumer's partitions stand.
    assignment = described["member_assignment"]
    topics = assignment["assigned_partitions"] if isinstance(assignment, Mapping) else ()
    return SeenMember(
        described["client_id"], tuple((each["topic"], number) for each in topics for number in each["partitions"])
    )
