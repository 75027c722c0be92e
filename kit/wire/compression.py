"""The compression codecs of record batches, each by its library.

Rules for the file: a library is imported when its codec is first used, so that a broker that never sees compressed
records starts without them; nothing is ever decompressed beyond a limit, so a small batch cannot fill the memory.
Source: Kafka protocol guide, "Record Batch"; KIP-110 (zstd); xerial snappy-java for snappy's framing.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from typing import Any, NamedTuple

Buffer = bytes | bytearray | memoryview

MAX_DECOMPRESSED_BYTES = 100 * 1024 * 1024
"""How much `decompress` makes of one batch unless told otherwise: as large as the largest request Kafka accepts."""

_GZIP_WBITS = 31  # zlib's number for "deflate in a gzip wrapper"

# The library cannot be told to stop, so it is fed in pieces: 1 KiB holds 256 blocks of at most 128 KiB, 32 MiB in all.
_ZSTD_PIECE_BYTES = 1024

# Kafka's producers write snappy in the blocks of xerial's library, each up to 32 KiB before compression.
_XERIAL_MAGIC = b"\x82SNAPPY\x00"
_XERIAL_HEADER = struct.Struct(">8sii")  # magic, version, lowest compatible version
_XERIAL_BLOCK_BYTES = 32 * 1024
_XERIAL_LENGTH = struct.Struct(">i")


class DecompressionError(ValueError):
    """Compressed bytes are damaged, or would become larger than allowed."""


class MissingCodecError(RuntimeError):
    """The library of a codec is not installed."""

    def __init__(self, codec: str, package: str) -> None:
        super().__init__(f"{codec} compression needs the package {package}: pip install {package}")
        self.codec = codec
        self.package = package


def compress(codec: str, data: Buffer) -> bytes:
    """The bytes of ``data`` as a Kafka producer would compress them.

    Args:
        codec: "none", "gzip", "snappy", "lz4" or "zstd".

    Raises:
        KeyError: there is no such codec.
        MissingCodecError: its library is not installed.
    """
    return _CODECS[codec].compress(data)


def decompress(codec: str, data: Buffer, *, max_bytes: int = MAX_DECOMPRESSED_BYTES) -> bytes:
    """The bytes that `compress` was given.

    Args:
        codec: as for `compress`.
        max_bytes: refuse to make more than this.

    Raises:
        DecompressionError: the data are damaged, cut short, or larger than ``max_bytes`` once decompressed.
        KeyError: there is no such codec.
        MissingCodecError: its library is not installed.
    """
    return _CODECS[codec].decompress(data, max_bytes)


def _too_large(max_bytes: int) -> DecompressionError:
    return DecompressionError(f"decompresses to more than {max_bytes} bytes")


def _copy_bounded(data: Buffer, max_bytes: int) -> bytes:
    if len(data) > max_bytes:
        raise _too_large(max_bytes)
    return bytes(data)


def _gzip(data: Buffer) -> bytes:
    return zlib.compress(data, wbits=_GZIP_WBITS)


def _gunzip(data: Buffer, max_bytes: int) -> bytes:
    try:
        return _run_bounded(zlib.decompressobj(_GZIP_WBITS), data, max_bytes)
    except zlib.error as error:
        raise DecompressionError(f"not gzip: {error}") from error


def _lz4_frame() -> Any:
    try:
        import lz4.frame
    except ImportError as error:
        raise MissingCodecError("lz4", "lz4") from error
    return lz4.frame


def _lz4_compress(data: Buffer) -> bytes:
    frame = _lz4_frame()
    # Kafka's Java client refuses frames whose blocks refer to one another.
    compressed: bytes = frame.compress(data, block_size=frame.BLOCKSIZE_MAX64KB, block_linked=False, store_size=False)
    return compressed


def _lz4_decompress(data: Buffer, max_bytes: int) -> bytes:
    decompressor = _lz4_frame().LZ4FrameDecompressor()
    try:
        return _run_bounded(decompressor, data, max_bytes)
    except RuntimeError as error:  # the library has no class of its own
        raise DecompressionError(f"not lz4: {error}") from error


def _run_bounded(decompressor: Any, data: Buffer, max_bytes: int) -> bytes:
    """Drive an object with the interface of ``zlib.decompressobj`` over one whole stream."""
    # One byte more than allowed tells "exactly full" from "too large".
    made: bytes = decompressor.decompress(data, max_bytes + 1)
    if len(made) > max_bytes:
        raise _too_large(max_bytes)
    if not decompressor.eof:
        raise DecompressionError("the compressed data end too early")
    return made


def _zstandard() -> Any:
    try:
        import zstandard
    except ImportError as error:
        raise MissingCodecError("zstd", "zstandard") from error
    return zstandard


def _zstd_compress(data: Buffer) -> bytes:
    compressed: bytes = _zstandard().ZstdCompressor().compress(data)
    return compressed


def _zstd_decompress(data: Buffer, max_bytes: int) -> bytes:
    zstandard = _zstandard()
    stream = zstandard.ZstdDecompressor().decompressobj()
    view = memoryview(data)
    made = bytearray()
    try:
        for start in range(0, len(view), _ZSTD_PIECE_BYTES):
            made += stream.decompress(view[start : start + _ZSTD_PIECE_BYTES])
            if len(made) > max_bytes:
                raise _too_large(max_bytes)
            if stream.eof:
                return bytes(made)
    except zstandard.ZstdError as error:
        raise DecompressionError(f"not zstd: {error}") from error
    raise DecompressionError("the compressed data end too early")


def _snappy_library() -> Any:
    try:
        import snappy
    except ImportError as error:
        raise MissingCodecError("snappy", "python-snappy") from error
    return snappy


def _snappy_compress(data: Buffer) -> bytes:
    library = _snappy_library()
    view = memoryview(data)
    out = bytearray(_XERIAL_HEADER.pack(_XERIAL_MAGIC, 1, 1))
    for start in range(0, len(view), _XERIAL_BLOCK_BYTES):
        block = library.compress(bytes(view[start : start + _XERIAL_BLOCK_BYTES]))
        out += _XERIAL_LENGTH.pack(len(block))
        out += block
    return bytes(out)


def _snappy_decompress(data: Buffer, max_bytes: int) -> bytes:
    """Xerial's blocks or, as librdkafka writes it, one bare snappy block."""
    view = memoryview(data)
    if bytes(view[: len(_XERIAL_MAGIC)]) != _XERIAL_MAGIC:
        return _snappy_block(view, 0, max_bytes)
    out = bytearray()
    position = _XERIAL_HEADER.size
    while position + _XERIAL_LENGTH.size <= len(view):
        (length,) = _XERIAL_LENGTH.unpack_from(view, position)
        position += _XERIAL_LENGTH.size
        if not 0 < length <= len(view) - position:
            raise DecompressionError(f"not snappy: a block says it has {length} bytes")
        out += _snappy_block(view[position : position + length], len(out), max_bytes)
        position += length
    if position != len(view):
        raise DecompressionError("the compressed data end too early")
    return bytes(out)


def _snappy_block(block: memoryview, made_bytes: int, max_bytes: int) -> bytes:
    # A block begins with its own size as a varint; the library allocates that much, so look at it first.
    size = 0
    for index, byte in enumerate(bytes(block[:5])):
        size |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            break
    else:
        raise DecompressionError("not snappy: no size at the start of a block")
    if made_bytes + size > max_bytes:
        raise _too_large(max_bytes)
    library = _snappy_library()
    try:
        made: bytes = library.decompress(bytes(block))
    except library.UncompressError as error:
        raise DecompressionError(f"not snappy: {error.__cause__ or error}") from error
    return made


class _Codec(NamedTuple):
    compress: Callable[[Buffer], bytes]
    decompress: Callable[[Buffer, int], bytes]


_CODECS = {
    "none": _Codec(bytes, _copy_bounded),
    "gzip": _Codec(_gzip, _gunzip),
    "snappy": _Codec(_snappy_compress, _snappy_decompress),
    "lz4": _Codec(_lz4_compress, _lz4_decompress),
    "zstd": _Codec(_zstd_compress, _zstd_decompress),
}
