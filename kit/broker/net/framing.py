"""Cutting a connection's bytes into frames, with memory that follows what truly arrives.

A frame is an int32 size and as many bytes. A peer can claim any size: the buffer grows only when the bytes are there,
never beyond the largest allowed frame, and all connections together stay below one `MemoryBudget`.
Source: Kafka's ``NetworkReceive`` and the setting ``socket.request.max.bytes``.
"""

from __future__ import annotations

import struct
from typing import Protocol

INITIAL_BYTES = 65_536
MAX_BYTES = "socket.request.max.bytes"
_PREFIX = struct.Struct(">i")

# What people point at a Kafka port by mistake, by the first bytes that it sends.
_FOREIGN = {
    b"GET ": "an HTTP request",
    b"POST": "an HTTP request",
    b"HEAD": "an HTTP request",
    b"\x16\x03\x01": "a TLS handshake, which this listener does not speak (set security.protocol to one without SSL)",
}


class InvalidFrame(Exception):
    """The bytes cannot be a request; the connection must be closed, with this reason in the log."""


class MemoryBudget:
    """Bytes that the receive buffers of all connections share."""

    def __init__(self, limit_bytes: int) -> None:
        self.limit_bytes = limit_bytes
        self.used_bytes = 0

    def take(self, num_bytes: int) -> None:
        """Count ``num_bytes`` as used.

        Raises:
            InvalidFrame: they do not fit.
        """
        if self.used_bytes + num_bytes > self.limit_bytes:
            raise InvalidFrame(
                f"{num_bytes} more bytes of receive buffer would exceed the {self.limit_bytes} bytes "
                f"that all connections share ({self.used_bytes} are in use)"
            )
        self.used_bytes += num_bytes

    def give_back(self, num_bytes: int) -> None:
        """Count ``num_bytes`` as free again."""
        self.used_bytes -= num_bytes


class Readable(Protocol):
    """What bytes come from: a socket, or TLS over one."""

    def recv_into(self, buffer: memoryview, /) -> int:
        """As of a socket that does not block."""


class FrameBuffer:
    """What one connection has sent and the broker has not handled yet.

    Args:
        max_frame_bytes: largest frame, without its size prefix.
    """

    __slots__ = ("_budget", "_capacity", "_end", "_largest", "_limit", "_max_frame_bytes", "_start", "_view")

    def __init__(self, budget: MemoryBudget, max_frame_bytes: int) -> None:
        self._budget = budget
        self._max_frame_bytes = max_frame_bytes
        self._limit = MAX_BYTES
        self._view = memoryview(b"")
        self._capacity = 0
        self._start = 0  # the first byte not yet handed out
        self._end = 0  # where the next bytes go
        self._largest = 0  # bytes of the largest frame since the last trim

    def limit(self, max_frame_bytes: int, name: str = MAX_BYTES) -> None:
        """Allow larger frames, or only smaller ones, from now on.

        Args:
            name: of this limit, for whoever exceeds it.
        """
        self._max_frame_bytes = max_frame_bytes
        self._limit = name

    def free_space(self) -> memoryview:
        """Where the next bytes go; empty when the buffer is full of whole frames.

        Bytes may move: a frame handed out earlier is no longer valid.

        Raises:
            InvalidFrame: the shared memory budget is spent.
        """
        if self._start == self._end:
            self._start = self._end = 0
        needed = self._bytes_needed()
        if self._start and (self._start + needed > self._capacity or self._end == self._capacity):
            self._move_to_front()
        if self._end == self._capacity and needed > self._capacity:
            self._grow(needed)
        return self._view[self._end :]

    def received(self, num_bytes: int) -> None:
        """Note that ``num_bytes`` were written into `free_space`."""
        self._end += num_bytes

    def receive_from(self, sock: Readable) -> bool:
        """Take what has come over a socket that does not block; False when nothing has.

        Raises:
            ConnectionResetError: the other side has ended the connection.
            InvalidFrame: the shared memory budget is spent.
        """
        try:
            num_bytes = sock.recv_into(self.free_space())
        except BlockingIOError:
            return False
        if num_bytes == 0:
            raise ConnectionResetError("closed by the peer")
        self.received(num_bytes)
        return True

    def next_frame(self) -> memoryview | None:
        """The next whole frame without its size prefix, or None; valid until the next `free_space`.

        Raises:
            InvalidFrame: the size prefix cannot be one.
        """
        start = self._start
        num_received = self._end - start
        if num_received < 4:
            return None
        (size,) = _PREFIX.unpack_from(self._view, start)
        if not 0 < size <= self._max_frame_bytes:
            raise InvalidFrame(self._explain(size))
        if num_received < 4 + size:
            return None
        self._largest = max(self._largest, size)
        self._start = start + 4 + size
        return self._view[start + 4 : self._start]

    def next_begins_with(self, prefix: bytes) -> bool:
        """Whether the next frame is there as far as ``prefix`` reaches, and begins with it."""
        start = self._start + _PREFIX.size
        return start + len(prefix) <= self._end and self._view[start : start + len(prefix)] == prefix

    def trim(self) -> None:
        """Give memory back when the frames since the last call did not need it; for a now-and-then call."""
        unused = self._largest == 0 or (self._capacity > INITIAL_BYTES and self._largest * 4 < self._capacity)
        if self._start == self._end and unused:
            self.release()
        self._largest = 0

    def release(self) -> None:
        """Drop all bytes and give all memory back."""
        self._budget.give_back(self._capacity)
        self._view = memoryview(b"")
        self._capacity = self._start = self._end = 0

    def _bytes_needed(self) -> int:
        if self._end - self._start < 4:
            return 4
        (size,) = _PREFIX.unpack_from(self._view, self._start)
        return 4 + int(size)

    def _move_to_front(self) -> None:
        num_received = self._end - self._start
        self._view[:num_received] = self._view[self._start : self._end]
        self._start, self._end = 0, num_received

    def _grow(self, needed: int) -> None:
        # Doubling keeps the copying linear; rounding up lets frames of nearly the same size share one buffer.
        rounded = -(-needed // INITIAL_BYTES) * INITIAL_BYTES
        capacity = min(max(INITIAL_BYTES, 2 * self._capacity), rounded)
        self._budget.take(capacity - self._capacity)
        view = memoryview(bytearray(capacity))
        view[: self._end] = self._view
        self._view, self._capacity = view, capacity

    def _explain(self, size: int) -> str:
        first = bytes(self._view[self._start : self._start + 4])
        for sign, foreign in _FOREIGN.items():
            if first.startswith(sign):
                return f"the peer sent {foreign}, not a Kafka request"
        if size <= 0:
            return f"a frame of {size} bytes cannot be"
        return f"a frame of {size} bytes is larger than {self._limit}={self._max_frame_bytes}"
