"""Whatever comes to the port: its connection ends with a logged reason, the others go on, memory stays bounded."""

from __future__ import annotations

import contextlib
import socket
import struct
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit.broker.handlers import load_all
from kit.wire import codec
from tests.fuzz.conftest import Target, examples
from tests.support import wire_messages
from tests.support.wait import wait_until

pytestmark = [pytest.mark.fuzz, pytest.mark.portable]

MEGABYTE = 1_000_000
# One broker for all examples of a test: that is the point, and a fresh one each would take minutes.
ONE_BROKER = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]

_requests = [
    (key, version)
    for key, handler in sorted(load_all().items())
    for version in range(handler.min_version, handler.max_version + 1)
]


# Random names hit nothing; these lead a request to something that exists, or to itself from an earlier example.
_AIM = {
    "name": "target",
    "topic": "target",
    "topic_name": "target",
    "group_id": "group",
    "partition": 0,
    "partition_index": 0,
    "partition_indexes": [0, 1],
    "leader_epoch": 0,
    "current_leader_epoch": 0,
    "generation_id": 1,
}


def aimed(message: Any) -> Any:
    """The message with its names and numbers led to something that exists."""
    for field in message.SCHEMA.fields:
        value = getattr(message, field.name)
        if field.struct is not None:
            for each in value if isinstance(value, list) else [value]:
                if each is not None:
                    aimed(each)
        elif field.name in _AIM:
            setattr(message, field.name, _AIM[field.name])
    return message


def request_frame(data: st.DataObject, api_key: int, api_version: int) -> bytes:
    """A request that the tables allow, with any values in it, as a frame."""
    message = data.draw(wire_messages.filled(codec.api(api_key).request))
    if data.draw(st.booleans()):
        aimed(message)
    return codec.encode_request(api_key, api_version, 11, "fuzz", wire_messages.for_version(message, api_version))


def header(api_key: int, api_version: int, rest: bytes = b"") -> bytes:
    """A frame with the fixed start of a request header."""
    body = struct.pack(">hhi", api_key, api_version, 1) + rest
    return struct.pack(">i", len(body)) + body


@settings(max_examples=examples(300), suppress_health_check=ONE_BROKER)
@given(data=st.binary(max_size=300))
def test_random_bytes(target: Target, data: bytes) -> None:
    """Noise is refused; the witness notices nothing."""
    target.send(data)
    target.check()


@settings(max_examples=examples(300), suppress_health_check=ONE_BROKER)
@given(api_key=st.integers(0, 100), api_version=st.integers(-1, 20), rest=st.binary(max_size=200))
def test_random_bodies_behind_a_header(target: Target, api_key: int, api_version: int, rest: bytes) -> None:
    """A frame that begins like a request and goes on as noise is refused as a request."""
    target.send(header(api_key, api_version, b"\x00\x02me" + rest))
    target.check()


@settings(max_examples=examples(300), suppress_health_check=ONE_BROKER)
@given(data=st.data(), request_version=st.sampled_from(_requests))
def test_random_requests(target: Target, data: st.DataObject, request_version: tuple[int, int]) -> None:
    """Every request that the tables allow, with any values in it, is answered or refused, never a failure inside."""
    api_key, api_version = request_version
    reply = target.send(request_frame(data, api_key, api_version))
    target.check()
    if reply:
        assert struct.unpack_from(">ii", reply) == (len(reply) - 4, 11)


@settings(max_examples=examples(300), suppress_health_check=ONE_BROKER)
@given(
    data=st.data(),
    request_version=st.sampled_from(_requests),
    damage=st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 255)), min_size=1, max_size=5),
    cut=st.integers(0, 50),
)
def test_damaged_requests(
    target: Target,
    data: st.DataObject,
    request_version: tuple[int, int],
    damage: list[tuple[int, int]],
    cut: int,
) -> None:
    """A true request with some bytes changed and its end cut off does no harm."""
    api_key, api_version = request_version
    frame = bytearray(request_frame(data, api_key, api_version))
    for position, value in damage:
        frame[4 + position % (len(frame) - 4)] = value
    del frame[max(len(frame) - cut, 4) :]
    struct.pack_into(">i", frame, 0, len(frame) - 4)
    target.send(bytes(frame))
    target.check()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (struct.pack(">i", 2**31 - 1), "larger than socket.request.max.bytes"),
        (struct.pack(">i", 104_857_601), "larger than socket.request.max.bytes"),
        (struct.pack(">i", -1), "-1 bytes cannot be"),
        (struct.pack(">i", 0), "0 bytes cannot be"),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "an HTTP request"),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", "a TLS handshake"),
        (struct.pack(">i", 3) + b"\x00\x12\x00", "too short"),
        (header(999, 0), "999"),
        (header(3, 99), "99"),
    ],
    ids=str,
)
def test_reason_is_in_the_log(target: Target, data: bytes, reason: str) -> None:
    """The broker's log says why a connection was closed."""
    assert target.send(data) == b""
    seen = ""

    def is_logged() -> bool:
        nonlocal seen
        seen += target.log()
        return reason in seen

    wait_until(is_logged, f"{reason!r} in the broker's log")


def test_claimed_sizes_take_no_memory(target: Target) -> None:
    """200 connections that announce 100 MB each and send little cost what they sent, not what they announced."""
    before = target.memory_bytes()
    with contextlib.ExitStack() as stack:
        for _ in range(200):
            client = stack.enter_context(target.connect())
            client.sendall(struct.pack(">i", 104_857_600) + bytes(100_000))
        target.check()

        assert target.memory_bytes() - before < 100 * MEGABYTE
    target.check()


def test_large_unfinished_frames_share_one_budget(target: Target) -> None:
    """Connections that really send hundreds of megabytes of unfinished frames are cut off at the shared limit."""
    before = target.memory_bytes()
    piece = bytes(MEGABYTE)
    num_refused = 0
    with contextlib.ExitStack() as stack:
        for _ in range(14):
            client = stack.enter_context(target.connect())
            try:
                client.sendall(struct.pack(">i", 104_857_600))
                for _ in range(40):
                    client.sendall(piece)
                client.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    num_refused += client.recv(1) == b""
            except (ConnectionResetError, BrokenPipeError):
                num_refused += 1
        target.check()

        assert num_refused > 0
        assert target.memory_bytes() - before < 600 * MEGABYTE, "twice the budget: a buffer is copied while it grows"
    wait_until(lambda: target.memory_bytes() - before < 100 * MEGABYTE, "the memory to be given back")


def test_slow_loris(target: Target) -> None:
    """A request that arrives byte by byte on many connections is answered on each in the end."""
    request = header(18, 0, b"\x00\x02me")
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(target.connect()) for _ in range(50)]
        for position in range(len(request)):
            for client in clients:
                client.sendall(request[position : position + 1])
            if position % 5 == 0:
                target.check()

        for client in clients:
            with client.makefile("rb") as replies:
                (size,) = struct.unpack(">i", replies.read(4))
                assert codec.decode_response(18, 0, memoryview(replies.read(size)))[0] == 1


def test_reader_that_never_reads(target: Target) -> None:
    """A client that asks on and on and reads no reply is held back by TCP, and costs no memory."""
    before = target.memory_bytes()
    requests = header(18, 0, b"\x00\x02me") * 2_000
    with target.connect() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        client.setblocking(False)
        sent = 0
        with contextlib.suppress(BlockingIOError):
            while sent < 200 * MEGABYTE:
                sent += client.send(requests)
        target.check()
        with contextlib.suppress(BlockingIOError):
            while sent < 200 * MEGABYTE:
                sent += client.send(requests)

        assert sent < 50 * MEGABYTE
        assert target.memory_bytes() - before < 50 * MEGABYTE
    target.check()


def test_connections_that_come_and_go(target: Target) -> None:
    """Thousands of short connections leave no descriptor and no memory behind."""
    for _ in range(50):
        target.send(b"")
    before, descriptors = target.memory_bytes(), target.process.num_fds()
    for number in range(2_000):
        with target.connect() as client:
            if number % 2:
                client.send(b"\x00\x00")
    target.check()

    wait_until(lambda: target.process.num_fds() <= descriptors, "the descriptors to be given back")
    assert target.memory_bytes() - before < 10 * MEGABYTE
