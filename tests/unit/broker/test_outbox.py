"""Replies reach the socket complete and in order, however little it takes at a time."""

from __future__ import annotations

import itertools
import os
import socket
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.broker.net.outbox import Buffer, Outbox
from kit.broker.storage.files import FileRange
from kit.wire.errors import BrokerError

pytestmark = pytest.mark.portable


class StingySocket:
    """Takes a few bytes at a time, and nothing at all now and then."""

    def __init__(self, appetites: Iterable[int]) -> None:
        self._appetites = itertools.cycle(appetites)
        self.received = bytearray()

    def fileno(self) -> int:
        """Refuse: only a real socket can be the target of ``sendfile``."""
        raise AssertionError("the stingy socket has no descriptor")

    def send(self, data: Buffer, /) -> int:
        """Take some of the bytes."""
        return self.sendmsg([data], (), 0)

    def sendmsg(self, buffers: Iterable[Buffer], _ancillary: Iterable[Any], _flags: int, /) -> int:
        """Take some of the bytes."""
        appetite = next(self._appetites)
        if appetite == 0:
            raise BlockingIOError
        taken = b"".join(bytes(buffer) for buffer in buffers)[:appetite]
        self.received += taken
        return len(taken)


@pytest.fixture
def log_file(tmp_path: Path) -> Iterator[Any]:
    """A file of 600,000 bytes."""
    path = tmp_path / "00000000000000000000.log"
    path.write_bytes(os.urandom(600_000))
    with path.open("rb") as file:
        yield file


def file_range(file: Any, position: int, size_bytes: int) -> FileRange:
    """A range of an ordinary file; `FileRange` asks it for ``fileno`` and ``fd`` only."""

    class _File:
        fd = file.fileno()

        def fileno(self) -> int:
            return self.fd

    return FileRange(_File(), position, size_bytes)  # type: ignore[arg-type]


@given(
    chunks=st.lists(st.binary(max_size=50), min_size=1, max_size=100),
    appetites=st.lists(st.integers(0, 60), min_size=1).filter(any),
    portable=st.booleans(),
)
def test_bytes_arrive_complete_and_in_order(chunks: list[bytes], appetites: list[int], portable: bool) -> None:
    """Whatever is put in comes out once and in order, however often the socket is full."""
    outbox, sock = Outbox(portable=portable), StingySocket(appetites)
    outbox.put(chunks[: len(chunks) // 2])
    outbox.put(chunks[len(chunks) // 2 :])
    for _ in range(100_000):
        if outbox.flush(sock):
            break

    assert b"".join(chunks) == bytes(sock.received)


@pytest.mark.parametrize("portable", [False, True])
def test_file_ranges_and_bytes_arrive_in_order(log_file: Any, portable: bool) -> None:
    """Small ranges, large ranges and bytes between them keep their order through a real, slow socket."""
    content = Path(log_file.name).read_bytes()
    near, far = socket.socketpair()
    with near, far:
        near.setblocking(False)
        near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 20_000)
        outbox = Outbox(portable=portable)
        outbox.put([b"head", file_range(log_file, 10, 100), b"middle", file_range(log_file, 5_000, 590_000), b"tail"])
        expected = b"head" + content[10:110] + b"middle" + content[5_000:595_000] + b"tail"
        received = bytearray()
        num_blocked = 0
        while not outbox.flush(near):
            num_blocked += 1
            received += far.recv(8_192)
        near.shutdown(socket.SHUT_WR)
        while data := far.recv(65_536):
            received += data

    assert expected == bytes(received)
    assert num_blocked > 5, "the socket was never full: the test proves nothing about partial sends"


@pytest.mark.parametrize("portable", [False, True])
@pytest.mark.parametrize("size_bytes", [100, 500_000])
def test_file_that_was_cut_shorter_is_an_error(log_file: Any, portable: bool, size_bytes: int) -> None:
    """A range that is no longer there raises instead of sending nothing for ever."""
    os.truncate(log_file.name, 50)
    near, far = socket.socketpair()
    with near, far:
        near.setblocking(False)
        outbox = Outbox(portable=portable)

        def answer() -> None:
            outbox.put([b"head", file_range(log_file, 0, size_bytes)])
            while not outbox.flush(near):
                far.recv(65_536)

        with pytest.raises(BrokerError, match="KAFKA_STORAGE_ERROR"):
            answer()
