"""Bytes that make no sense: one exception for all of them, and no more memory than they are worth."""

from __future__ import annotations

import contextlib
import struct
import tracemalloc

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit.wire import codec
from kit.wire import messages as m
from tests.support.wire_messages import filled, for_version


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "the bytes end in the middle of a field"),
        (b"\x00\x05ab", "cut off"),
        (b"\xff\xff", "null or a negative length"),
        (b"\x00\x02\xff\xfe" + bytes(8), "utf-8"),
        (b"\x00\x01g" + bytes(4) + b"\x00\x01m" + b"left over", "9 bytes are left over"),
    ],
)
def test_malformed_body_is_refused_with_a_reason(body: bytes, text: str) -> None:
    """The reason is for a log line: what is wrong, and in which message."""
    with pytest.raises(codec.DecodeError, match=f"HeartbeatRequest v0: .*{text}"):
        codec.decode(m.HeartbeatRequest, 0, body)


@pytest.mark.parametrize(
    ("version", "body"),
    [
        (0, struct.pack(">i", 0x7FFFFFFF)),
        (0, struct.pack(">i", 2) + b"\x00"),
        (9, b"\xff\xff\xff\xff\x0f"),
        (9, b"\xff\xff\xff\xff\xff\xff\xff"),
        (9, b"\x80"),
    ],
)
def test_array_longer_than_the_frame_is_refused(version: int, body: bytes) -> None:
    """A length is checked against the bytes that are left before any element is made."""
    with pytest.raises(codec.DecodeError):
        codec.decode(m.MetadataRequest, version, body)


def test_decoding_takes_memory_in_proportion_to_the_frame() -> None:
    """The smallest elements there are: 3 bytes make one topic object, and no length makes more than its bytes can."""
    num_topics = 20_000
    body = b"\x00" + bytes(6) + b"\xa1\x9c\x01" + b"\x01\x01\x00" * num_topics + b"\x00"

    tracemalloc.start()
    request = codec.decode(m.ProduceRequest, 9, body)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert len(request.topic_data) == num_topics
    assert peak_bytes < 100 * len(body)


@settings(max_examples=300, derandomize=True, database=None)
@given(data=st.data())
def test_any_bytes_decode_or_are_refused(data: st.DataObject) -> None:
    """Whatever arrives, the only exception is DecodeError."""
    frame = data.draw(st.binary(max_size=60) | _frames())
    try:
        header, body_offset = codec.decode_request_header(memoryview(frame))
        codec.decode_request(header.api_key, header.api_version, memoryview(frame), body_offset)
    except codec.DecodeError:
        pass


@pytest.mark.parametrize("api_key", sorted(codec.apis()))
def test_damaged_frames_decode_or_are_refused(api_key: int) -> None:
    """A valid body with bytes changed, cut or added: DecodeError or some message, nothing else."""
    api = codec.api(api_key)

    @settings(max_examples=40, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(data=st.data(), version=st.integers(api.min_version, api.max_version))
    def damage(data: st.DataObject, version: int) -> None:
        message_class = data.draw(st.sampled_from([api.request, api.response]))
        body = bytearray(codec.encode(for_version(data.draw(filled(message_class)), version), version))
        for _ in range(data.draw(st.integers(1, 3))):
            place = data.draw(st.integers(0, len(body)))
            removed = data.draw(st.integers(0, 4))
            body[place : place + removed] = data.draw(st.binary(max_size=4) | st.just(b"\xff\xff\xff\xff"))
        with contextlib.suppress(codec.DecodeError):
            codec.decode(message_class, version, body)

    damage()


def _frames() -> st.SearchStrategy[bytes]:
    """Bytes with a valid start of a header, so that all decoders are reached."""
    starts = st.sampled_from(
        [(key, v) for key, api in codec.apis().items() for v in range(api.min_version, api.max_version + 1)]
    ).map(lambda start: struct.pack(">hhih", *start, 1, -1))
    return st.builds(bytes.__add__, starts, st.binary(max_size=80))
