"""The part of a reply that the socket has not taken yet.

A reply is a list of bytes-like objects and file ranges, so record batches go from the page cache to the socket
without passing through Python (``sendfile``). Where the system lacks the calls, or KIT_FORCE_PORTABLE=1, ranges are
read in bounded pieces and sent with plain ``send``.
"""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from kit.broker.storage.files import FORCE_PORTABLE, FileRange
from kit.wire.errors import BrokerError, ErrorCode

Buffer = bytes | bytearray | memoryview

PORTABLE = FORCE_PORTABLE or not hasattr(os, "sendfile")  # where one is missing (Windows), sendmsg is too
_SMALL_RANGE_BYTES = 16_384  # below this one read and one send are cheaper than a sendfile of its own
_PIECE_BYTES = 262_144  # how much of a range the portable way holds in memory
_MAX_BUFFERS = 64  # far below IOV_MAX
_MORE = 0x8000 if sys.platform == "linux" else 0  # MSG_MORE: the next call fills up the same packet


class StreamSocket(Protocol):
    """The calls of a non-blocking socket that sending needs."""

    def fileno(self) -> int:
        """The descriptor, for ``os.sendfile``."""

    def send(self, data: Buffer, /) -> int:
        """Take some of ``data``; how many bytes. ``BlockingIOError`` when full."""

    def sendmsg(self, buffers: Iterable[Buffer], ancillary: Iterable[Any], flags: int, /) -> int:
        """Take some bytes of ``buffers``; how many. ``BlockingIOError`` when full."""


class Outbox:
    """What still has to be sent on one connection.

    Args:
        portable: send without ``sendmsg`` and ``sendfile``.
    """

    __slots__ = ("_chunks", "_portable")

    def __init__(self, *, portable: bool = PORTABLE) -> None:
        self._portable = portable
        self._chunks: deque[Buffer | FileRange] = deque()

    def put(self, chunks: Sequence[Buffer | FileRange]) -> None:
        """Add a reply.

        Raises:
            BrokerError: KAFKA_STORAGE_ERROR, a file range is no longer there.
        """
        for chunk in chunks:
            if isinstance(chunk, FileRange) and chunk.size_bytes < _SMALL_RANGE_BYTES:
                self._chunks.append(chunk.read())
            else:
                self._chunks.append(chunk)

    def flush(self, sock: StreamSocket) -> bool:
        """Send until the socket takes no more; whether nothing is left.

        Raises:
            OSError: the connection is broken.
            BrokerError: KAFKA_STORAGE_ERROR, a file range is no longer there.
        """
        chunks = self._chunks
        try:
            while chunks:
                head = chunks[0]
                if not isinstance(head, FileRange):
                    self._send_buffers(sock)
                elif self._portable:
                    self._read_ahead(head)
                else:
                    self._send_file(sock, head)
        except BlockingIOError:
            return False
        return True

    def _send_buffers(self, sock: StreamSocket) -> None:
        chunks = self._chunks
        if self._portable:
            num_sent = sock.send(chunks[0])  # type: ignore[arg-type]
        else:
            buffers: list[Buffer] = []
            more = 0
            for chunk in chunks:
                if isinstance(chunk, FileRange):
                    more = _MORE
                    break
                buffers.append(chunk)
                if len(buffers) == _MAX_BUFFERS:
                    break
            num_sent = sock.sendmsg(buffers, (), more)
        self._drop(num_sent)

    def _drop(self, num_sent: int) -> None:
        chunks = self._chunks
        while chunks:
            head = chunks[0]
            size = len(head)
            if num_sent < size:
                if num_sent:
                    chunks[0] = memoryview(head)[num_sent:]  # type: ignore[arg-type]
                return
            chunks.popleft()
            num_sent -= size
            if num_sent == 0:
                return

    def _send_file(self, sock: StreamSocket, head: FileRange) -> None:
        num_sent = os.sendfile(sock.fileno(), head.file.fileno(), head.position, head.size_bytes)
        if num_sent == 0:
            raise BrokerError(ErrorCode.KAFKA_STORAGE_ERROR, f"the log file was cut below a range of a reply: {head}")
        self._advance(head, num_sent)

    def _read_ahead(self, head: FileRange) -> None:
        piece = head if head.size_bytes <= _PIECE_BYTES else head.sub(0, _PIECE_BYTES)
        data = piece.read()
        self._advance(head, len(data))
        self._chunks.appendleft(data)

    def _advance(self, head: FileRange, num_bytes: int) -> None:
        if num_bytes == head.size_bytes:
            self._chunks.popleft()
        else:
            self._chunks[0] = head.sub(num_bytes, head.size_bytes - num_bytes)
