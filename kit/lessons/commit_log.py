"""Read what a group commits, and who is in it, where both lie: in the records of ``__consumer_offsets``.

Source: Kafka's record schemas OffsetCommitKey (versions 0 and 1) and OffsetCommitValue (0 to 4), GroupMetadataKey (2)
and GroupMetadataValue (0 to 3; version 4 is in the schema, and no broker writes it).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

TOPIC = "__consumer_offsets"
_COMMIT_KEYS = (0, 1)
_VALUES = range(5)
_WITH_LEADER_EPOCH = 3
_FLEXIBLE = 4
_GROUP_KEY = 2
_GROUP_VALUES = range(4)
_WITH_REBALANCE_TIMEOUT, _WITH_STATE_TIME, _WITH_INSTANCE_ID = 1, 2, 3


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit.

    Attributes:
        offset: where the group goes on; None when the commit was removed (by deletion, or because it has expired).
        time_ms: when, milliseconds since 1970; None for a removal.
    """

    group_id: str
    topic: str
    partition: int
    offset: int | None
    time_ms: int | None = None

    def __str__(self) -> str:
        place = f"group {self.group_id}: {self.topic}-{self.partition}"
        return f"{place} -> {self.offset}" if self.offset is not None else f"{place} removed"


@dataclass(frozen=True, slots=True)
class Generation:
    """A group after a rebalance.

    Attributes:
        client_ids: of its members, sorted.
        session_timeouts_ms: after how much silence each of them is given up, in the same order.
    """

    group_id: str
    number: int
    client_ids: tuple[str, ...]
    session_timeouts_ms: tuple[int, ...]


def generation_of(key: bytes | None, value: bytes | None) -> Generation | None:
    """The generation that a record of ``__consumer_offsets`` notes; None for one that notes something else."""
    try:
        return _read_generation(key or b"", value or b"")
    except (struct.error, UnicodeDecodeError):
        return None


def commit_of(key: bytes | None, value: bytes | None) -> Commit | None:
    """The commit that a record of ``__consumer_offsets`` notes; None for one that notes something else."""
    try:
        return _read(key or b"", value)
    except (struct.error, UnicodeDecodeError):  # cut short, or a version that came after this was written
        return None


def _read(key: bytes, value: bytes | None) -> Commit | None:
    (version,) = struct.unpack_from(">h", key)
    if version not in _COMMIT_KEYS:
        return None
    group_id, at = _text(key, 2)
    topic, at = _text(key, at)
    (partition,) = struct.unpack_from(">i", key, at)
    if value is None:
        return Commit(group_id, topic, partition, None)
    version, offset = struct.unpack_from(">hq", value)
    if version not in _VALUES:
        return None
    at = 10 + (4 if version >= _WITH_LEADER_EPOCH else 0)
    _, at = _compact_text(value, at) if version >= _FLEXIBLE else _text(value, at)
    (time_ms,) = struct.unpack_from(">q", value, at)
    return Commit(group_id, topic, partition, offset, time_ms)


def _read_generation(key: bytes, value: bytes) -> Generation | None:
    (key_version,) = struct.unpack_from(">h", key)
    (version,) = struct.unpack_from(">h", value)
    if key_version != _GROUP_KEY or version not in _GROUP_VALUES:
        return None
    group_id, _ = _text(key, 2)
    _, at = _text(value, 2)  # the kind of group
    (number,) = struct.unpack_from(">i", value, at)
    _, at = _text(value, at + 4)  # how partitions are assigned
    _, at = _text(value, at)  # the member that assigns them
    at += 8 if version >= _WITH_STATE_TIME else 0
    (count,) = struct.unpack_from(">i", value, at)
    members, at = [], at + 4
    for _ in range(count):
        _, at = _text(value, at)  # its id
        if version >= _WITH_INSTANCE_ID:
            _, at = _text(value, at)
        client_id, at = _text(value, at)
        _, at = _text(value, at)  # its host
        at += 4 if version >= _WITH_REBALANCE_TIMEOUT else 0
        (session_timeout_ms,) = struct.unpack_from(">i", value, at)
        at = _after_bytes(value, _after_bytes(value, at + 4))  # what it subscribes to, what it is assigned
        members.append((client_id, session_timeout_ms))
    members.sort()
    return Generation(group_id, number, tuple(name for name, _ in members), tuple(each for _, each in members))


def _after_bytes(data: bytes, at: int) -> int:
    length: int = struct.unpack_from(">i", data, at)[0]
    return at + 4 + max(0, length)


def _text(data: bytes, at: int) -> tuple[str, int]:
    """A text with its length before it, and where it ends."""
    (length,) = struct.unpack_from(">h", data, at)
    return _cut(data, at + 2, length)


def _compact_text(data: bytes, at: int) -> tuple[str, int]:
    """The same with one more than its length as a number of variable size."""
    length, shift = 0, 0
    while True:
        (byte,) = struct.unpack_from(">B", data, at)
        at += 1
        length |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return _cut(data, at, length - 1)


def _cut(data: bytes, at: int, length: int) -> tuple[str, int]:
    end = at + max(0, length)
    if end > len(data):
        raise struct.error("the text is cut short")
    return data[at:end].decode(), end
