"""Frames come out as they went in, and memory follows the bytes that truly arrive."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.broker.net.framing import INITIAL_BYTES, FrameBuffer, InvalidFrame, MemoryBudget

MAX_FRAME_BYTES = 1_000_000


def framed(payload: bytes) -> bytes:
    """The payload behind its size."""
    return struct.pack(">i", len(payload)) + payload


def feed(buffer: FrameBuffer, data: bytes | memoryview) -> int:
    """Put as much of ``data`` into the buffer as one receive call would; how many bytes."""
    space = buffer.free_space()
    num_bytes = min(len(space), len(data))
    space[:num_bytes] = data[:num_bytes]
    buffer.received(num_bytes)
    return num_bytes


def frames_of(buffer: FrameBuffer) -> list[bytes]:
    """All whole frames, as copies."""
    found = []
    while (frame := buffer.next_frame()) is not None:
        found.append(bytes(frame))
    return found


def payload(size: int) -> bytes:
    """Bytes in which a shift or a gap shows."""
    return (bytes(range(251)) * (size // 251 + 1))[:size]


@given(
    sizes=st.lists(
        st.integers(1, 3_000) | st.sampled_from([INITIAL_BYTES - 4, INITIAL_BYTES - 3, 200_000]), max_size=8
    ),
    cuts=st.lists(st.integers(1, 80_000)).map(lambda cuts: [*cuts, 30_000]),  # one large one, to get on
)
def test_frames_come_out_as_they_went_in(sizes: list[int], cuts: list[int]) -> None:
    """Any frames, received in pieces of any size, are handed out unchanged and in order."""
    payloads = [payload(size) for size in sizes]
    stream = memoryview(b"".join(framed(each) for each in payloads))
    buffer = FrameBuffer(MemoryBudget(10_000_000), MAX_FRAME_BYTES)
    found: list[bytes] = []
    turn = 0
    while stream:
        stream = stream[feed(buffer, stream[: cuts[turn % len(cuts)]]) :]
        found += frames_of(buffer)
        turn += 1

    assert payloads == found


@pytest.mark.parametrize("size", [0, -1, -(2**31), MAX_FRAME_BYTES + 1, 2**31 - 1])
def test_frame_size_out_of_range_is_refused(size: int) -> None:
    """A size that no request can have ends the connection, whatever follows it."""
    buffer = FrameBuffer(MemoryBudget(10_000_000), MAX_FRAME_BYTES)
    feed(buffer, struct.pack(">i", size))

    with pytest.raises(InvalidFrame, match=str(size)):
        buffer.next_frame()


@pytest.mark.parametrize(
    ("first_bytes", "named"),
    [(b"GET / HTTP/1.1\r\n", "HTTP"), (b"POST /topics HTTP/1.1\r\n", "HTTP"), (b"\x16\x03\x01\x02\x00\x01\x00", "TLS")],
)
def test_foreign_protocol_is_named(first_bytes: bytes, named: str) -> None:
    """Whoever points a browser or a TLS client at the port finds that in the log."""
    buffer = FrameBuffer(MemoryBudget(10_000_000), 104_857_600)
    feed(buffer, first_bytes)

    with pytest.raises(InvalidFrame, match=named):
        buffer.next_frame()


def test_claimed_size_takes_no_memory() -> None:
    """A size prefix alone costs no more than the first buffer; memory doubles as bytes arrive."""
    budget = MemoryBudget(10_000_000)
    buffer = FrameBuffer(budget, MAX_FRAME_BYTES)
    feed(buffer, struct.pack(">i", MAX_FRAME_BYTES))
    assert buffer.next_frame() is None
    buffer.free_space()

    assert budget.used_bytes == INITIAL_BYTES

    while (received := MAX_FRAME_BYTES // 4) > budget.used_bytes:
        feed(buffer, bytes(INITIAL_BYTES))
        assert budget.used_bytes <= 2 * (received + INITIAL_BYTES)


def test_budget_is_shared_and_given_back() -> None:
    """What one connection holds another cannot have; releasing makes room again."""
    budget = MemoryBudget(INITIAL_BYTES)
    first, second = FrameBuffer(budget, MAX_FRAME_BYTES), FrameBuffer(budget, MAX_FRAME_BYTES)
    feed(first, b"\0\0")

    with pytest.raises(InvalidFrame, match="share"):
        second.free_space()

    first.release()
    assert feed(second, framed(b"hello")) == 9
    assert frames_of(second) == [b"hello"]


def test_trim_gives_back_what_recent_frames_did_not_need() -> None:
    """After a big frame the memory goes when only small ones follow, and all of it when none do."""
    budget = MemoryBudget(10_000_000)
    buffer = FrameBuffer(budget, MAX_FRAME_BYTES)
    stream = framed(payload(900_000))
    while stream:
        stream = stream[feed(buffer, stream) :]
    assert len(frames_of(buffer)) == 1
    buffer.trim()
    assert budget.used_bytes >= 900_000, "the big frame was needed lately"

    feed(buffer, framed(b"small"))
    assert frames_of(buffer) == [b"small"]
    buffer.trim()

    assert budget.used_bytes == 0
    feed(buffer, framed(b"again"))
    assert frames_of(buffer) == [b"again"]


def test_trim_keeps_a_frame_that_has_begun() -> None:
    """Half a frame survives the housekeeping, however long it takes."""
    buffer = FrameBuffer(MemoryBudget(10_000_000), MAX_FRAME_BYTES)
    whole = framed(b"slow and steady")
    feed(buffer, whole[:7])
    assert frames_of(buffer) == []
    buffer.trim()
    buffer.trim()
    feed(buffer, whole[7:])

    assert frames_of(buffer) == [b"slow and steady"]


def test_free_space_is_empty_when_full_of_whole_frames() -> None:
    """While nobody takes frames out, a connection cannot make the buffer grow."""
    budget = MemoryBudget(10_000_000)
    buffer = FrameBuffer(budget, MAX_FRAME_BYTES)
    stream = framed(b"x" * 60) * 5_000
    while num_bytes := feed(buffer, stream):
        stream = stream[num_bytes:]

    assert budget.used_bytes == INITIAL_BYTES
    assert len(frames_of(buffer)) == INITIAL_BYTES // 64
