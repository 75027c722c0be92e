"""Frames: objects come out as they went in, whatever pieces they travel in; anything else is refused."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.kernel.frames import FrameError, Frames, decode

MOST_BYTES = 10_000


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, Frames]]:
    """A raw end, and a framed one."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield ours, Frames(theirs, MOST_BYTES)


def framed(content: bytes) -> bytes:
    """A frame with this content."""
    return struct.pack(">I", len(content)) + content


def test_object_comes_out_as_it_went_in(ends: tuple[socket.socket, Frames]) -> None:
    """Both directions speak the same way."""
    raw, frames = ends
    other = Frames(raw, MOST_BYTES)
    other.send({"a": [1, "ö", None]})
    assert frames.receive(1) == {"a": [1, "ö", None]}


@given(st.lists(st.dictionaries(st.text(max_size=5), st.integers()), min_size=1, max_size=5), st.integers(1, 9))
def test_pieces_make_whole_objects(objects: list[dict[str, int]], size: int) -> None:
    """However the bytes arrive, the objects are the same."""
    raw, theirs = socket.socketpair()
    with raw, theirs:
        frames, got = Frames(theirs, MOST_BYTES), []
        sent = b"".join(framed(json.dumps(each).encode()) for each in objects)
        for start in range(0, len(sent), size):
            raw.sendall(sent[start : start + size])
            assert frames.fill()
            while (message := frames.next()) is not None:
                got.append(message)
    assert got == objects


def test_large_frame_is_refused_before_it_is_read(ends: tuple[socket.socket, Frames]) -> None:
    """Its length is enough to know."""
    raw, frames = ends
    raw.sendall(struct.pack(">I", MOST_BYTES + 1))
    with pytest.raises(FrameError, match="10,001 bytes"):
        frames.receive(1)


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[1]", b"null", b'{"a": NaN}', b'{"a": -Infinity}', b"[" * 5000, b"\xff", b'{"a":' + b"9" * 5000],
)
def test_what_is_no_object_is_refused(content: bytes) -> None:
    """No reading goes wrong in any other way."""
    with pytest.raises(FrameError):
        decode(content)


def test_end_in_the_middle_of_a_frame_is_an_end(ends: tuple[socket.socket, Frames]) -> None:
    """Half a frame is never an object."""
    raw, frames = ends
    raw.sendall(framed(b'{"whole": 1}') + framed(b'{"half": 1}')[:-3])
    raw.close()
    assert frames.receive(1) == {"whole": 1}
    assert frames.receive(1) is None


def test_silence_times_out(ends: tuple[socket.socket, Frames]) -> None:
    """Nobody waits for ever."""
    with pytest.raises(TimeoutError):
        ends[1].receive(0.01)
