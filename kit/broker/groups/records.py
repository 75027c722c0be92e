"""What the coordinator writes to ``__consumer_offsets``, in Kafka's own format, and how it is read back.

The key's first two bytes say what a record is: 0 or 1 an offset, 2 a group. A record without value (a tombstone)
deletes what an earlier one said. Other keys are passed over, as Kafka does, so that a log with newer records in it can
still be read.
Source: ``OffsetCommitKey/Value.json``, ``GroupMetadataKey/Value.json``, ``GroupCoordinatorRecordHelpers``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from kit.broker.groups.group import Group, GroupState
from kit.broker.groups.member import Member
from kit.wire import codec
from kit.wire import messages as m
from kit.wire.batch_builder import build_batch
from kit.wire.records import Record, iter_headers, read_records

_OFFSET_KEY_VERSION = 1
_GROUP_KEY_VERSION = 2
_GROUP_VALUE_VERSION = 3
_OFFSET_VALUE_VERSION = 3
_OFFSET_VALUE_VERSION_WITH_EXPIRY = 1  # the last one that has a time of its own to expire at


class OffsetKey(NamedTuple):
    """A group's place in one partition."""

    group_id: str
    topic: str
    partition: int


@dataclass(frozen=True, slots=True)
class CommittedOffset:
    """What a group has committed for one partition.

    Args:
        leader_epoch: of the last record that was read; -1 when the client did not say.
        expire_timestamp_ms: set by old clients that asked for a retention of their own; -1 for the broker's.
    """

    offset: int
    leader_epoch: int
    metadata: str
    commit_timestamp_ms: int
    expire_timestamp_ms: int = -1


class OffsetChange(NamedTuple):
    """An offset was committed, or deleted (``committed`` is None)."""

    key: OffsetKey
    committed: CommittedOffset | None

    def to_record(self, timestamp_ms: int) -> Record:
        """The record that says so."""
        key = m.OffsetCommitKey(group=self.key.group_id, topic=self.key.topic, partition=self.key.partition)
        value = None if self.committed is None else _offset_value(self.committed)
        return Record(0, timestamp_ms, codec.encode_versioned(key, _OFFSET_KEY_VERSION), value)


class GroupChange(NamedTuple):
    """A group changed, or was deleted (``value`` is None)."""

    group_id: str
    value: m.GroupMetadataValue | None

    def to_record(self, timestamp_ms: int) -> Record:
        """The record that says so."""
        key = codec.encode_versioned(m.GroupMetadataKey(group=self.group_id), _GROUP_KEY_VERSION)
        value = None if self.value is None else codec.encode_versioned(self.value, _GROUP_VALUE_VERSION)
        return Record(0, timestamp_ms, key, value)


class Change(Protocol):
    """Either of the two."""

    def to_record(self, timestamp_ms: int) -> Record:
        """The record that says so."""


def to_batch(changes: Sequence[Change], timestamp_ms: int) -> bytearray:
    """One record batch with all ``changes``: they are committed together or not at all."""
    return build_batch([change.to_record(timestamp_ms) for change in changes])


def read_changes(batches: bytes | bytearray | memoryview) -> Iterator[OffsetChange | GroupChange]:
    """The changes in one batch or several on end, in order; control batches hold none."""
    view = memoryview(batches)
    for position, header in iter_headers(view):
        if header.is_control:
            continue
        for record in read_records(view, position):
            change = _read_change(record)
            if change is not None:
                yield change


def group_snapshot(group: Group, assignments: dict[str, bytes]) -> GroupChange:
    """All of a group that a new coordinator needs, with what each member (by member_id) is assigned."""
    members = [
        m.MemberMetadata(
            member_id=member.member_id,
            group_instance_id=member.group_instance_id,
            client_id=member.client_id,
            client_host=member.client_host,
            rebalance_timeout=member.rebalance_timeout_ms,
            session_timeout=member.session_timeout_ms,
            subscription=member.metadata(group.protocol_name),
            assignment=assignments.get(member.member_id, b""),
        )
        for member in group.members.values()
    ]
    value = m.GroupMetadataValue(
        protocol_type=group.protocol_type or "",
        generation=group.generation_id,
        protocol=group.protocol_name,
        leader=group.leader_id,
        current_state_timestamp=-1 if group.state_timestamp_ms is None else group.state_timestamp_ms,
        members=members,
    )
    return GroupChange(group.group_id, value)


def restore_group(group_id: str, value: m.GroupMetadataValue) -> Group:
    """The group as `group_snapshot` saw it: Stable if it has members, else Empty."""
    state = GroupState.STABLE if value.members else GroupState.EMPTY
    timestamp_ms = None if value.current_state_timestamp == -1 else value.current_state_timestamp
    group = Group(group_id, state, timestamp_ms)
    group.generation_id = value.generation
    group.protocol_type = value.protocol_type or None
    group.protocol_name = value.protocol
    group.leader_id = value.leader
    for saved in value.members:
        group.add(_restore_member(saved, value))
    group.subscribed_topics = group.find_subscribed_topics()
    return group


def _restore_member(saved: m.MemberMetadata, value: m.GroupMetadataValue) -> Member:
    return Member(
        saved.member_id,
        saved.group_instance_id,
        saved.client_id,
        saved.client_host,
        saved.rebalance_timeout,
        saved.session_timeout,
        value.protocol_type,
        {value.protocol or "": saved.subscription},
        assignment=saved.assignment,
    )


def _offset_value(committed: CommittedOffset) -> bytes:
    version = _OFFSET_VALUE_VERSION if committed.expire_timestamp_ms == -1 else _OFFSET_VALUE_VERSION_WITH_EXPIRY
    value = m.OffsetCommitValue(
        offset=committed.offset,
        leader_epoch=committed.leader_epoch,
        metadata=committed.metadata,
        commit_timestamp=committed.commit_timestamp_ms,
        expire_timestamp=committed.expire_timestamp_ms,
    )
    return codec.encode_versioned(value, version)


def _read_change(record: Record) -> OffsetChange | GroupChange | None:
    if record.key is None or len(record.key) < 2:
        return None
    (key_version,) = struct.unpack_from(">h", record.key)
    if key_version <= _OFFSET_KEY_VERSION:
        return _read_offset(record.key, record.value)
    if key_version == _GROUP_KEY_VERSION:
        _, key = codec.decode_versioned(m.GroupMetadataKey, record.key)
        value = None if record.value is None else codec.decode_versioned(m.GroupMetadataValue, record.value)[1]
        return GroupChange(key.group, value)
    return None


def _read_offset(key: bytes, value: bytes | None) -> OffsetChange:
    _, saved_key = codec.decode_versioned(m.OffsetCommitKey, key)
    offset_key = OffsetKey(saved_key.group, saved_key.topic, saved_key.partition)
    if value is None:
        return OffsetChange(offset_key, None)
    _, saved = codec.decode_versioned(m.OffsetCommitValue, value)
    committed = CommittedOffset(
        saved.offset, saved.leader_epoch, saved.metadata, saved.commit_timestamp, saved.expire_timestamp
    )
    return OffsetChange(offset_key, committed)
