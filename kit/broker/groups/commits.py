"""OffsetCommit, OffsetFetch and OffsetDelete, and offsets that expire.

Source: KIP-211 (expiry), KIP-496 (OffsetDelete), KIP-709 (several groups in one OffsetFetch), KIP-848 (v9 of commit and
fetch), ``OffsetMetadataManager``, ``ClassicGroup.validateOffsetCommit``.
"""

from __future__ import annotations

from kit.broker.groups.group import Group, GroupState
from kit.broker.groups.records import Change, CommittedOffset, GroupChange, OffsetChange, OffsetKey
from kit.broker.groups.shard import Shard
from kit.wire import messages as m
from kit.wire.errors import BrokerError, ErrorCode

# A client that does not know the new error of a missing group is told that its generation is over.
_GROUP_ID_NOT_FOUND_SINCE = 9
_BROKERS_RETENTION = -1


def validate_commit(shard: Shard, request: m.OffsetCommitRequest, api_version: int) -> None:
    """Check that the sender may commit for the group; a member's commit keeps its session alive.

    Raises:
        BrokerError: UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, ILLEGAL_GENERATION, REBALANCE_IN_PROGRESS,
            GROUP_ID_NOT_FOUND.
    """
    generation_id = request.generation_id_or_member_epoch
    group = shard.groups.get(request.group_id)
    if group is None:
        if generation_id >= 0:
            known = api_version >= _GROUP_ID_NOT_FOUND_SINCE
            raise BrokerError(ErrorCode.GROUP_ID_NOT_FOUND if known else ErrorCode.ILLEGAL_GENERATION)
        return
    if generation_id < 0 and group.state is GroupState.EMPTY:
        return  # an admin client, or a consumer that assigns partitions to itself
    member = group.validate_member(request.member_id, request.group_instance_id)
    if generation_id != group.generation_id:
        raise BrokerError(ErrorCode.ILLEGAL_GENERATION)
    if group.state is GroupState.COMPLETING_REBALANCE:
        # The member has the new generation already, but not its assignment: it cannot have read anything in it.
        raise BrokerError(ErrorCode.REBALANCE_IN_PROGRESS)
    member.keep_alive()


def commit_change(
    shard: Shard, request: m.OffsetCommitRequest, topic: str, partition: m.OffsetCommitRequestPartition
) -> OffsetChange:
    """The change that commits one partition's offset.

    Raises:
        BrokerError: OFFSET_METADATA_TOO_LARGE.
    """
    metadata = partition.committed_metadata or ""
    if len(metadata.encode("utf-16-le")) // 2 > shard.config.offset_metadata_max_bytes:  # Kafka counts Java chars
        raise BrokerError(ErrorCode.OFFSET_METADATA_TOO_LARGE)
    now_ms = shard.clock.time_ms()
    own_retention = request.retention_time_ms != _BROKERS_RETENTION
    committed = CommittedOffset(
        partition.committed_offset,
        partition.committed_leader_epoch,
        metadata,
        now_ms,
        now_ms + request.retention_time_ms if own_retention else -1,
    )
    return OffsetChange(OffsetKey(request.group_id, topic, partition.partition_index), committed)


def fetch_offset(shard: Shard, key: OffsetKey) -> m.OffsetFetchResponsePartitions:
    """What is committed for one partition: offset -1 and no error when nothing is."""
    committed = shard.offsets.get(key)
    if committed is None:
        return absent_offset(key.partition)
    return m.OffsetFetchResponsePartitions(
        partition_index=key.partition,
        committed_offset=committed.offset,
        committed_leader_epoch=committed.leader_epoch,
        metadata=committed.metadata,
    )


def absent_offset(partition: int, code: ErrorCode = ErrorCode.NONE) -> m.OffsetFetchResponsePartitions:
    """The answer for a partition without committed offset."""
    return m.OffsetFetchResponsePartitions(
        partition_index=partition, committed_offset=-1, committed_leader_epoch=-1, metadata="", error_code=code
    )


def validate_delete(shard: Shard, group_id: str) -> Group:
    """The group, when its offsets may be deleted.

    Raises:
        BrokerError: GROUP_ID_NOT_FOUND; NON_EMPTY_GROUP when it has members and is no consumer group, so that it is
            not known what they read.
    """
    group = shard.group(group_id, ErrorCode.GROUP_ID_NOT_FOUND)
    if group.state is not GroupState.EMPTY and not group.uses_consumer_protocol:
        raise BrokerError(ErrorCode.NON_EMPTY_GROUP)
    return group


def delete_group_changes(shard: Shard, group: Group) -> list[Change]:
    """The tombstones that delete a group and all its offsets."""
    offsets = [OffsetChange(key, None) for key in shard.offsets.of_group(group.group_id)]
    return [*offsets, GroupChange(group.group_id, None)]


def forget_group(shard: Shard, group: Group) -> None:
    """A group's tombstone is in the log: forget it, unless somebody has joined meanwhile."""
    if group.state is GroupState.EMPTY:
        shard.bury(group, ErrorCode.COORDINATOR_NOT_AVAILABLE)


def expired_changes(shard: Shard, group: Group) -> list[Change]:
    """The tombstones of a group's expired offsets, and of the group itself when nothing is left of it."""
    offsets = shard.offsets.of_group(group.group_id)
    expired = [key for key, committed in offsets.items() if _is_expired(shard, group, key, committed)]
    if len(expired) == len(offsets) and group.state is GroupState.EMPTY:
        return delete_group_changes(shard, group)
    return [OffsetChange(key, None) for key in expired]


def _is_expired(shard: Shard, group: Group, key: OffsetKey, committed: CommittedOffset) -> bool:
    since_ms = _unused_since_ms(group, committed)
    if since_ms is None or group.is_subscribed_to(key.topic):
        return False
    now_ms = shard.clock.time_ms()
    if committed.expire_timestamp_ms >= 0:
        return now_ms >= committed.expire_timestamp_ms
    return now_ms - since_ms >= shard.config.offsets_retention_ms


def _unused_since_ms(group: Group, committed: CommittedOffset) -> int | None:
    """From when on the retention of an offset counts; None while it must be kept."""
    if group.protocol_type is None:  # a simple group: nobody knows whether it is in use but by its commits
        return committed.commit_timestamp_ms
    if group.state is GroupState.EMPTY:
        return committed.commit_timestamp_ms if group.state_timestamp_ms is None else group.state_timestamp_ms
    if group.state is GroupState.STABLE and group.subscribed_topics is not None:
        return committed.commit_timestamp_ms
    return None
