"""What the compiled encoders and decoders call: the two errors, varints, tagged fields, records, UUIDs.

Source: the protocol guide, "Protocol Primitive Types"; KIP-482 for varint lengths and tagged fields.
"""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import Any
from uuid import UUID

LONGEST_STRING_BYTES = 0x7FFF
_MAX_VARINT_BYTES = 5


class DecodeError(ValueError):
    """The bytes are not what the table says: cut off, a length that cannot be, something left over."""


class EncodeError(ValueError):
    """The message cannot be sent: a value of the wrong type or size, or in a version that has no field for it."""


def read_uvarint(buf: memoryview, pos: int) -> tuple[int, int]:
    """An unsigned varint and the position after it.

    Raises:
        DecodeError: it has more than five bytes.
        IndexError: the buffer ends in it.
    """
    value = shift = 0
    for index in range(pos, pos + _MAX_VARINT_BYTES):
        byte = buf[index]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, index + 1
        shift += 7
    raise DecodeError(f"a varint of more than {_MAX_VARINT_BYTES} bytes at byte {pos}")


def uvarint(value: int) -> bytes:
    """An unsigned varint."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def skip_tags(buf: memoryview, pos: int, count: int, size: int) -> int:
    """The position after ``count`` (its first byte, at ``pos``, read as ``count``) tagged fields that are not known."""
    if count > 0x7F:
        count, pos = read_uvarint(buf, pos)
    else:
        pos += 1
    for _ in range(count):
        _, pos = read_uvarint(buf, pos)
        length, pos = read_uvarint(buf, pos)
        pos += length
        if pos > size:
            raise DecodeError("a tagged field is longer than what is left")
    return pos


def put_records(value: Any, out: bytearray, chunks: list[Any], compact: bool) -> None:
    """Append a length and hand the records on uncopied: what ``out`` holds and then ``value`` become chunks."""
    parts = value if isinstance(value, list) else [value]
    length = sum(chunk_bytes(part) for part in parts)
    out += uvarint(length + 1) if compact else struct.pack(">i", length)
    if length:
        chunks.append(bytes(out))
        out.clear()
        chunks += parts


def chunk_bytes(chunk: Any) -> int:
    """The size of a bytes-like object, or of one that says so itself (a range of a file)."""
    if isinstance(chunk, bytes | bytearray):
        return len(chunk)
    if isinstance(chunk, memoryview):
        return chunk.nbytes
    return chunk.size_bytes  # type: ignore[no-any-return]


@lru_cache(4096)
def read_uuid(data: bytes) -> UUID:
    """A UUID; the ids of topics come again and again."""
    return UUID(bytes=data)
