"""Codecs: round trips, foreign implementations, damage and decompression bombs."""

import struct
import sys
import zlib

import kafka.codec
import lz4.frame
import pytest
import snappy
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from kit.wire.compression import DecompressionError, MissingCodecError, compress, decompress

CODECS = ["none", "gzip", "snappy", "lz4", "zstd"]
COMPRESSING = CODECS[1:]
KAFKA_PYTHON_ENCODE = {
    "gzip": kafka.codec.gzip_encode,
    "snappy": kafka.codec.snappy_encode,
    "lz4": kafka.codec.lz4_encode,
    "zstd": kafka.codec.zstd_encode,
}
KAFKA_PYTHON_DECODE = {
    "gzip": kafka.codec.gzip_decode,
    "snappy": kafka.codec.snappy_decode,
    "lz4": kafka.codec.lz4_decode,
    "zstd": kafka.codec.zstd_decode,
}
TEXT = b"partition leader epoch " * 5000  # 115 kB: several blocks of every codec


@pytest.mark.parametrize("codec", CODECS)
@given(data=st.binary(max_size=2000), repeat=st.integers(1, 200))
def test_decompress_gives_back_what_was_compressed(codec: str, data: bytes, repeat: int) -> None:
    """Any bytes, repeated so that blocks fill up, survive every codec."""
    assert decompress(codec, compress(codec, data * repeat)) == data * repeat


@pytest.mark.parametrize("codec", COMPRESSING)
@pytest.mark.parametrize("data", [b"x", TEXT], ids=["one byte", "many blocks"])
def test_kafka_python_reads_what_we_compress(codec: str, data: bytes) -> None:
    """A student's consumer understands the broker's own compression."""
    assert KAFKA_PYTHON_DECODE[codec](compress(codec, data)) == data


@pytest.mark.parametrize("codec", COMPRESSING)
@pytest.mark.parametrize("data", [b"x", TEXT], ids=["one byte", "many blocks"])
def test_we_read_what_kafka_python_compresses(codec: str, data: bytes) -> None:
    """The broker understands a student's producer."""
    assert decompress(codec, KAFKA_PYTHON_ENCODE[codec](data)) == data


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("buffer", [bytes, bytearray, memoryview])
def test_codecs_take_any_buffer(codec: str, buffer: type) -> None:
    """Batches lie in receive buffers, so memoryviews work without a copy by the caller."""
    assert decompress(codec, buffer(compress(codec, buffer(TEXT)))) == TEXT


def test_snappy_has_xerials_framing() -> None:
    """Java's consumers need xerial's header: magic, version 1, compatible with 1, then blocks with their length."""
    made = compress("snappy", b"kafka")
    assert made[:16] == b"\x82SNAPPY\x00\x00\x00\x00\x01\x00\x00\x00\x01"
    assert struct.unpack_from(">i", made, 16) == (len(made) - 20,)


def test_snappy_reads_a_bare_block() -> None:
    """A bare block, as librdkafka writes it, comes without xerial's framing and is read too."""
    assert decompress("snappy", snappy.compress(TEXT)) == TEXT


def test_lz4_blocks_are_independent() -> None:
    """Java's clients refuse a frame whose blocks depend on one another."""
    info = lz4.frame.get_frame_info(compress("lz4", TEXT))
    assert (info["block_linked"], info["block_size"]) == (False, 65536)


def test_zstd_reads_a_stream_that_does_not_say_its_size() -> None:
    """Java's producers stream into zstd, so the frame's header has no content size."""
    stream = zstandard.ZstdCompressor().compressobj()
    streamed = stream.compress(TEXT) + stream.flush()
    assert zstandard.frame_content_size(streamed) == -1
    assert decompress("zstd", streamed) == TEXT


@pytest.mark.parametrize("codec", COMPRESSING)
def test_decompress_refuses_every_truncation(codec: str) -> None:
    """A prefix of compressed data is an error, never a shorter answer and never a library's own exception."""
    whole = compress(codec, b"offset 1, offset 2, offset 3 " * 4)
    for length in range(len(whole)):
        try:
            made = decompress(codec, whole[:length])
        except DecompressionError:
            continue
        # xerial's framing has no end mark: what is cut off behind a whole block cannot be missed.
        assert (codec, made) == ("snappy", b"")


@pytest.mark.parametrize("codec", COMPRESSING)
@given(data=st.binary(max_size=300))
def test_decompress_survives_any_bytes(codec: str, data: bytes) -> None:
    """Random bytes are decompressed or refused with the one exception that callers know."""
    try:
        made = decompress(codec, data, max_bytes=10_000)
    except DecompressionError:
        return
    assert len(made) <= 10_000


@pytest.mark.parametrize("codec", COMPRESSING)
@given(position=st.integers(0, 10_000), mask=st.integers(1, 255))
def test_decompress_survives_a_flipped_byte(codec: str, position: int, mask: int) -> None:
    """Damage deep inside valid data never leaks a library's own exception."""
    damaged = bytearray(compress(codec, TEXT[:3000]))
    damaged[position % len(damaged)] ^= mask
    try:
        made = decompress(codec, damaged, max_bytes=100_000)
    except DecompressionError:
        return
    assert len(made) <= 100_000


def snappy_bomb() -> bytes:
    """A bare block that says it holds 2 GiB."""
    return b"\x80\x80\x80\x80\x08" + bytes(snappy.compress(b"a" * 100))[1:]


@pytest.mark.parametrize("codec", CODECS)
def test_decompress_stops_at_the_limit(codec: str) -> None:
    """Exactly the limit passes, one byte more is refused."""
    made = compress(codec, bytes(50_000))
    assert decompress(codec, made, max_bytes=50_000) == bytes(50_000)
    with pytest.raises(DecompressionError, match="more than 49999 bytes"):
        decompress(codec, made, max_bytes=49_999)


@pytest.mark.parametrize(
    ("codec", "bomb"),
    [
        ("gzip", zlib.compress(bytes(200_000_000), wbits=31)),
        ("lz4", lz4.frame.compress(bytes(200_000_000))),
        ("zstd", zstandard.ZstdCompressor().compress(bytes(200_000_000))),
        ("snappy", snappy_bomb()),
    ],
    ids=["gzip", "lz4", "zstd", "snappy"],
)
def test_decompress_refuses_a_bomb(codec: str, bomb: bytes) -> None:
    """A megabyte or less that would become hundreds is refused."""
    assert len(bomb) < 1_000_000
    with pytest.raises(DecompressionError, match="more than 1048576 bytes"):
        decompress(codec, bomb, max_bytes=1 << 20)


@pytest.mark.parametrize(
    ("codec", "module", "package"),
    [("snappy", "snappy", "python-snappy"), ("lz4", "lz4.frame", "lz4"), ("zstd", "zstandard", "zstandard")],
)
def test_missing_library_is_named(codec: str, module: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever lacks a library learns which package to install."""
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingCodecError, match=f"pip install {package}"):
        compress(codec, b"x")
    with pytest.raises(MissingCodecError, match=f"pip install {package}"):
        decompress(codec, b"\x03abc")


def test_unknown_codec_is_refused() -> None:
    """A codec that Kafka does not have is a mistake of the caller."""
    with pytest.raises(KeyError, match="brotli"):
        compress("brotli", b"x")
