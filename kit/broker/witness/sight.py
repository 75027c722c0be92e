"""What the logs of a cluster hold and who leads, seen from inside: no client is asked, and none can be in the way."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kit.broker.groups.records import OffsetChange, read_changes
from kit.broker.metadata import CONSUMER_OFFSETS_TOPIC, NO_LEADER, MetadataImage
from kit.broker.partition import Partition
from kit.broker.witness.describe import batches_in, shown
from kit.wire import messages as m

if TYPE_CHECKING:
    from kit.broker.embedded import EmbeddedCluster


MAX_LOG_RECORDS = 50_000  # of one partition


def newest_image(cluster: EmbeddedCluster) -> MetadataImage:
    """The metadata of the broker that has followed furthest; an empty one when none is up."""
    brokers = cluster.brokers.values()
    return max(brokers, key=lambda broker: broker.metadata_offset).image if brokers else MetadataImage()


def leader_of(cluster: EmbeddedCluster, topic: str, partition: int) -> int | None:
    """The node that leads a partition; None when none does, or there is no such partition."""
    state = newest_image(cluster).partition(topic, partition)
    return None if state is None or state.leader == NO_LEADER else state.leader


def led_partition(cluster: EmbeddedCluster, topic: str, partition: int) -> Partition | None:
    """The leader's replica of a partition; None while nobody up leads it and knows so."""
    broker = cluster.brokers.get(leader_of(cluster, topic, partition) or NO_LEADER)
    found = None if broker is None else broker.replicas.partitions.get((topic, partition))
    return found if found is not None and found.is_leader else None


def is_settled(cluster: EmbeddedCluster) -> bool:
    """Whether every partition has a leader whose records are all committed."""
    found = [led_partition(cluster, topic.name, state.partition) for topic, state in newest_image(cluster).partitions()]
    return all(each is not None and each.high_watermark == each.log.log_end_offset for each in found)


def logs(cluster: EmbeddedCluster) -> dict[str, Any]:
    """By "topic-partition" what consumers can read of each log, internal topics left out; null where nobody leads.

    ``records`` are [offset, key, value, producer_id, producer_epoch, sequence, leader_epoch]; ``is_whole`` is False if
    there are more than `MAX_LOG_RECORDS`.
    """
    found: dict[str, Any] = {}
    for topic, state in newest_image(cluster).partitions():
        if topic.name == CONSUMER_OFFSETS_TOPIC:
            continue
        partition = led_partition(cluster, topic.name, state.partition)
        found[f"{topic.name}-{state.partition}"] = None if partition is None else _log(partition)
    return found


def topics(cluster: EmbeddedCluster) -> dict[str, Any]:
    """By name what there is of each topic, internal ones left out: its partitions, and the settings that hold for it.

    ``partitions`` are [partition, leader, leader_epoch, replicas, isr].
    """
    brokers = list(cluster.brokers.values())
    if not brokers:
        return {}
    broker = max(brokers, key=lambda each: each.metadata_offset)
    found: dict[str, Any] = {}
    for topic, state in broker.image.partitions():
        if topic.name == CONSUMER_OFFSETS_TOPIC:
            continue
        if topic.name not in found:
            configs = {each.name: each.value for each in broker.replicas.topic_config(topic.name).describe()}
            found[topic.name] = {"partitions": [], "configs": configs}
        place = [state.partition, state.leader, state.leader_epoch, list(state.replicas), list(state.isr)]
        found[topic.name]["partitions"].append(place)
    return found


def _log(partition: Partition) -> dict[str, Any]:
    return log_of(partition.read_all(), partition.log.log_start_offset, partition.high_watermark)


def log_of(data: Iterable[bytes | memoryview], log_start_offset: int, high_watermark: int) -> dict[str, Any]:
    """One of `logs`, from the batches of a log."""
    records = list(itertools.islice(_records(data, log_start_offset, high_watermark), MAX_LOG_RECORDS + 1))
    return {
        "log_start_offset": log_start_offset,
        "high_watermark": high_watermark,
        "records": records[:MAX_LOG_RECORDS],
        "is_whole": len(records) <= MAX_LOG_RECORDS,
    }


def _records(data: Iterable[bytes | memoryview], log_start_offset: int, high_watermark: int) -> Iterator[list[Any]]:
    for batch in itertools.chain.from_iterable(map(batches_in, data)):
        if batch["is_control"]:
            continue
        writer = [batch["producer_id"], batch["producer_epoch"]]
        first, epoch = batch["base_sequence"], batch["leader_epoch"]
        for offset, key, value in batch["records"]:
            if log_start_offset <= offset < high_watermark:
                sequence = first if first < 0 else first + offset - batch["base_offset"]
                yield [offset, key, value, *writer, sequence, epoch]


def commits(cluster: EmbeddedCluster) -> list[list[Any]]:
    """What groups committed, as ``__consumer_offsets`` has it: [time_ms, group, topic, partition, offset], in order.

    The offset of a commit that was deleted is null.
    """
    topic = newest_image(cluster).topics.get(CONSUMER_OFFSETS_TOPIC)
    led = [led_partition(cluster, CONSUMER_OFFSETS_TOPIC, index) for index in (topic.partitions if topic else ())]
    return commits_in(data for partition in led if partition is not None for data in partition.read_all())


def commits_in(offsets_log: Iterable[bytes | memoryview]) -> list[list[Any]]:
    """`commits`, from the batches of ``__consumer_offsets``."""
    found: list[list[Any]] = []
    for change in itertools.chain.from_iterable(map(read_changes, offsets_log)):
        if isinstance(change, OffsetChange):
            committed = change.committed
            time_ms = None if committed is None else committed.commit_timestamp_ms
            offset = None if committed is None else committed.offset
            group = shown(change.key.group_id.encode())
            found.append([time_ms, group, change.key.topic, change.key.partition, offset])
    return found


@dataclass(frozen=True, slots=True)
class _Nobody:
    api_version: int = 5
    client_id: str | None = None
    client_host: str = ""


def forget_members(cluster: EmbeddedCluster) -> None:
    """Let the session of every group's members be over, as when their time had passed: they were killed."""
    for broker in cluster.brokers.values():
        coordinator = broker.coordinator
        listed = [group.group_id for group in coordinator.list_groups(m.ListGroupsRequest()).groups]
        described = coordinator.describe_groups(m.DescribeGroupsRequest(groups=listed), _Nobody())
        for group in described.groups:
            members = [m.MemberIdentity(member_id=member.member_id) for member in group.members]
            if members:
                coordinator.leave_group(m.LeaveGroupRequest(group_id=group.group_id, members=members))


class EmbeddedGround:
    """The kit's own cluster, as a `kit.broker.witness.ground.Ground`."""

    def __init__(self, cluster: EmbeddedCluster) -> None:
        self._cluster = cluster

    def topic_name(self, topic_id: uuid.UUID) -> str | None:
        """See `Ground.topic_name`."""
        return newest_image(self._cluster).topic_names.get(topic_id)

    def is_up(self, node_id: int) -> bool:
        """See `Ground.is_up`."""
        return node_id in self._cluster.nodes

    def leader(self, topic: str, partition: int) -> int | None:
        """See `Ground.leader`."""
        return leader_of(self._cluster, topic, partition)

    def high_watermark(self, topic: str, partition: int) -> int:
        """See `Ground.high_watermark`."""
        found = led_partition(self._cluster, topic, partition)
        return -1 if found is None else found.high_watermark

    def controller(self) -> int | None:
        """See `Ground.controller`."""
        return self._cluster.active_controller

    def brokers(self) -> list[int]:
        """See `Ground.brokers`."""
        return list(self._cluster.layout.endpoints)

    def harm(self, fault: str, node_id: int) -> None:
        """See `Ground.harm`."""
        getattr(self._cluster, fault)(node_id)

    def cut(self, groups: list[list[int]]) -> None:
        """See `Ground.cut`."""
        self._cluster.cut(groups)

    def heal(self) -> None:
        """See `Ground.heal`."""
        self._cluster.heal()

    def dump(self) -> dict[str, Any]:
        """See `Ground.dump`."""
        return {"logs": logs(self._cluster), "described": topics(self._cluster), "commits": commits(self._cluster)}
