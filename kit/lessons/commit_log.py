"""Read what a group commits where it lies: in the records of ``__consumer_offsets``.

Source: Kafka's record schemas OffsetCommitKey (versions 0 and 1) and OffsetCommitValue (0 to 4). Version 2 of the key
marks a record about the group's members instead, which is not read here.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

TOPIC = "__consumer_offsets"
_COMMIT_KEYS = (0, 1)
_VALUES = range(5)
_WITH_LEADER_EPOCH = 3
_FLEXIBLE = 4


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
