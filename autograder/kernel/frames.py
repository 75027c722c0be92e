"""JSON objects over a stream socket, each after its length in 4 bytes: all that crosses the wall of the jail."""

from __future__ import annotations

import json
import select
import socket
import struct
import threading
import time
from typing import Any, NoReturn

_HEAD = struct.Struct(">I")
_READ_BYTES = 1 << 18


class FrameError(Exception):
    """The other side sent something that is no frame, or a frame that is too large."""


class Frames:
    """One end of a socket.

    Args:
        end: a connected stream socket; closed by `close`.
        most_bytes: the largest frame to accept.
    """

    def __init__(self, end: socket.socket, most_bytes: int) -> None:
        self._socket = end
        self._most_bytes = most_bytes
        self._read = bytearray()
        self._ended: bool = False
        self._writing = threading.Lock()

    def fileno(self) -> int:
        """The descriptor, to wait for."""
        return self._socket.fileno()

    def send(self, message: dict[str, Any]) -> None:
        """Send one object.

        Raises:
            OSError: the other side has gone, or does not read within the socket's timeout.
        """
        self.send_bytes(json.dumps(message, separators=(",", ":")).encode())

    def send_bytes(self, content: bytes) -> None:
        """Send one object that is JSON already."""
        with self._writing:
            self._socket.sendall(_HEAD.pack(len(content)) + content)

    def fill(self) -> bool:
        """Read what is there, without waiting; False when the other side has gone."""
        try:
            piece = self._socket.recv(_READ_BYTES, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return True
        except OSError:
            piece = b""
        self._read += piece
        self._ended = self._ended or not piece
        return not self._ended

    def next(self) -> dict[str, Any] | None:
        """The next object of what was read, or None when it has not arrived in full.

        Raises:
            FrameError: it is none, or it is too large.
        """
        content = self.next_bytes()
        return None if content is None else decode(content)

    def next_bytes(self) -> bytes | None:
        """The next frame as it is.

        Raises:
            FrameError: it is too large.
        """
        if len(self._read) < _HEAD.size:
            return None
        (length,) = _HEAD.unpack_from(self._read)
        if length > self._most_bytes:
            raise FrameError(f"a message of {length:,} bytes")
        end = _HEAD.size + length
        if len(self._read) < end:
            return None
        content = bytes(self._read[_HEAD.size : end])
        del self._read[:end]
        return content

    def receive(self, timeout_s: float) -> dict[str, Any] | None:
        """Wait for the next object; None when the other side has gone.

        Raises:
            FrameError: it is none, or it is too large.
            TimeoutError: nothing came in time.
        """
        deadline = time.monotonic() + timeout_s
        while (message := self.next()) is None:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            if wait(self, timeout_s=left) and not self.fill() and self.next_is_missing():
                return None
        return message

    def next_is_missing(self) -> bool:
        """Whether the other side has gone and left no whole frame behind."""
        if not self._ended:
            return False
        if len(self._read) < _HEAD.size:
            return True
        (length,) = _HEAD.unpack_from(self._read)
        return len(self._read) < _HEAD.size + int(length)

    def close(self) -> None:
        """End the connection."""
        self._socket.close()


def wait(*ends: Frames, timeout_s: float) -> list[Frames]:
    """Wait until one of them has something to read."""
    poll = select.poll()
    by_fd = {end.fileno(): end for end in ends}
    for fd in by_fd:
        poll.register(fd, select.POLLIN)
    return [by_fd[fd] for fd, _ in poll.poll(max(0, int(timeout_s * 1000) + 1))]


def decode(content: bytes) -> dict[str, Any]:
    """Read one object, from somebody who may wish us ill.

    Raises:
        FrameError: it is no JSON object, or has what JSON has not (NaN, numbers without end).
    """
    try:
        message = json.loads(content, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise FrameError(f"a message that is no JSON ({type(error).__name__})") from None
    if not isinstance(message, dict):
        raise FrameError("a message that is no JSON object")
    return message


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)
