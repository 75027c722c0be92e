"""One accepted connection: frames in, replies out, one request in progress (see `Service.in_order`).

Knows neither sockets nor the event loop themselves, only the few calls of each that it needs, so a test can play both.
"""

from __future__ import annotations

import contextlib
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from kit.broker.broker import Chunks, Farewell, InvalidRequest, Peer, Receive
from kit.broker.deferred import Deferred
from kit.broker.endpoints import PLAINTEXT
from kit.broker.net.framing import FrameBuffer, InvalidFrame, MemoryBudget
from kit.broker.net.outbox import Outbox, StreamSocket
from kit.wire.errors import BrokerError

if TYPE_CHECKING:
    from kit.broker.net.guarded import Guard

log = logging.getLogger(__name__)

READABLE, WRITABLE = 1, 4  # EPOLLIN and EPOLLOUT
_FRAMES_PER_TURN = 64  # then other connections get their turn
_MAX_PIPELINED = 64
_PRODUCE = b"\0\0"  # how a Produce request begins: its api_key


class Loop(Protocol):
    """What a connection needs of the event loop; see `kit.broker.net.loop.EventLoop`."""

    def watch(self, fd: int, mask: int, handler: Callable[[int], None]) -> None:
        """Call ``handler(mask)`` whenever ``fd`` is ready for something in ``mask``, or broken."""

    def change(self, fd: int, mask: int) -> None:
        """Wait for something else on a watched ``fd`` from now on."""

    def unwatch(self, fd: int) -> None:
        """Forget ``fd``."""

    def call_soon(self, callback: Callable[[], None]) -> None:
        """Call back in this turn, after the events at hand; never at once."""


class ClientSocket(StreamSocket, Protocol):
    """A connected, non-blocking socket."""

    def recv_into(self, buffer: memoryview, /) -> int:
        """Fill some of ``buffer``; how many bytes, 0 at the end. ``BlockingIOError`` when nothing is there."""

    def close(self) -> None:
        """Give the descriptor back."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the connections of one broker may use.

    Args:
        max_frame_bytes: ``socket.request.max.bytes``.
        max_connections: ``max.connections``.
        max_idle_ms: ``connections.max.idle.ms``.
        send_buffer_bytes: ``socket.send.buffer.bytes``; -1 leaves it to the operating system.
        receive_buffer_bytes: ``socket.receive.buffer.bytes``; likewise.
    """

    max_frame_bytes: int = 104_857_600
    max_connections: int = 1_000
    max_idle_ms: int = 600_000
    send_buffer_bytes: int = -1
    receive_buffer_bytes: int = -1


@dataclass(slots=True)
class Service:
    """What the connections of one broker share.

    Args:
        name: the broker in log lines.
        receive: handles one frame, as `kit.broker.broker.Broker.receive`.
        budget: memory for receive buffers; may be shared by several brokers.
        in_order: finish one request before the next of its connection, as Kafka does for clients. Otherwise replies
            leave as they come, and the correlation id says whose they are: no node's heartbeat waits for its Fetch.
        peer_class: of the other ends; a subclass may remember more of each.
        listener: the name of the listener that they come in by.
        guard: what they have to prove first; None for nothing.
    """

    name: str
    receive: Receive
    budget: MemoryBudget
    limits: Limits = Limits()
    in_order: bool = True
    peer_class: type[Peer] = Peer
    listener: str = PLAINTEXT
    guard: Guard | None = None
    connections: set[Connection] = field(default_factory=set)

    def disconnect(self, user: str) -> None:
        """Close every connection that somebody has logged in on."""
        for connection in list(self.connections):
            if connection.peer.user == user and connection.peer.login is None:
                connection.close("its user was removed", logging.INFO)


class _Reply:
    """A reply that is to be sent after those before it."""

    __slots__ = ("chunks", "is_there")

    def __init__(self) -> None:
        self.chunks: Chunks | None = None
        self.is_there = False


class Connection:
    """One client's connection, or another node's.

    Source: Kafka's ``SocketServer.Processor``, which mutes a channel while its request is in progress.
    """

    def __init__(self, service: Service, loop: Loop, sock: ClientSocket, peer: Peer) -> None:
        self._service = service
        self._loop = loop
        self._sock = sock
        self._peer = peer
        self._frames = FrameBuffer(service.budget, service.limits.max_frame_bytes)
        self._outbox = Outbox()
        self._is_open = True
        self._replies: deque[_Reply] = deque()  # of requests in progress, and those that wait behind them
        self._is_pipelined = False  # all of them are Produce requests
        self._is_due = False  # `_go_on` will be called
        self._is_blocked = False  # replies are there that the socket does not take yet
        self._is_active = True  # since the last housekeeping
        self._idle_ms = 0
        self._mask = READABLE
        loop.watch(sock.fileno(), READABLE, self._on_event)
        service.connections.add(self)

    @property
    def peer(self) -> Peer:
        """Who is at the other end."""
        return self._peer

    def close(self, reason: str, level: int = logging.WARNING) -> None:
        """Close the connection and log why; harmless when it is closed already."""
        if not self._is_open:
            return
        log.log(level, "%s closes the connection from %s: %s", self._service.name, self._peer, reason)
        self._is_open = False
        self._loop.unwatch(self._sock.fileno())
        self._sock.close()
        self._frames.release()
        self._service.connections.discard(self)

    def housekeep(self, elapsed_ms: int) -> None:
        """Give unused memory back; close the connection when it was idle for too long.

        Args:
            elapsed_ms: since the last call.
        """
        if self._replies or self._is_due or self._is_blocked:
            return
        self._frames.trim()
        self._idle_ms = 0 if self._is_active else self._idle_ms + elapsed_ms
        self._is_active = False
        if self._idle_ms >= self._service.limits.max_idle_ms:
            self.close(f"idle for connections.max.idle.ms={self._service.limits.max_idle_ms}", logging.INFO)

    def _on_event(self, mask: int) -> None:
        self._is_active = True
        try:
            if mask & WRITABLE and self._is_blocked:
                self._flush()
                self._handle_frames()
            if mask & ~WRITABLE and self._is_open:
                self._read(mask)
        except Exception as error:  # noqa: BLE001 - _fail logs it; one connection's failure must not end the broker
            self._fail(error)

    def _fail(self, error: Exception) -> None:
        if isinstance(error, InvalidFrame | InvalidRequest):
            with contextlib.suppress(OSError, BrokerError):  # requests before the bad one have their replies
                self._outbox.flush(self._sock)
            self.close(str(error))
        elif isinstance(error, ConnectionError | TimeoutError):
            self.close(f"the connection broke: {error}", logging.INFO)
        else:
            log.error("%s failed on a request from %s", self._service.name, self._peer, exc_info=error)
            self.close("an error inside the broker, logged above")

    def _read(self, mask: int) -> None:
        space = self._frames.free_space()
        if not space:
            if mask & ~(READABLE | WRITABLE):
                raise ConnectionResetError("the peer hung up")
            # Pipelined requests fill the buffer while one is in progress: let TCP hold the rest back.
            self._wait_for(self._mask & ~READABLE)
            return
        try:
            num_bytes = self._sock.recv_into(space)
        except BlockingIOError:
            return
        if num_bytes == 0:
            self.close("closed by the peer", logging.DEBUG)
            return
        self._frames.received(num_bytes)
        self._handle_frames()

    def _handle_frames(self) -> None:
        """Handle whole frames until one has to wait; the replies leave together, which saves a system call each."""
        if self._is_blocked or self._is_due or (self._replies and not self._is_pipelined):
            return
        next_frame, receive, peer = self._frames.next_frame, self._service.receive, self._peer
        for _ in range(_FRAMES_PER_TURN):
            if self._replies and not self._may_take_another():
                break
            frame = next_frame()
            if frame is None:
                break
            is_produce = frame[:2] == _PRODUCE
            reply = receive(frame, peer)
            if not isinstance(reply, Deferred):
                self._put(reply)
            elif reply.done:
                self._put(reply.value)
            elif self._service.in_order:
                self._is_pipelined = is_produce
                self._put_later(reply)
            else:
                reply.then(self._send_soon)
        else:
            self._go_on_soon()
        self._flush()

    def _may_take_another(self) -> bool:
        return self._is_pipelined and len(self._replies) < _MAX_PIPELINED and self._frames.next_begins_with(_PRODUCE)

    def _put(self, chunks: Chunks | None) -> None:
        """Send a reply, behind those that are not there yet."""
        if chunks is None:
            return
        if self._replies:
            reply = _Reply()
            reply.chunks, reply.is_there = chunks, True
            self._replies.append(reply)
        else:
            self._outbox.put(chunks)

    def _put_later(self, deferred: Deferred[Chunks | None]) -> None:
        reply = _Reply()
        self._replies.append(reply)

        def arrived(chunks: Chunks | None) -> None:
            reply.chunks, reply.is_there = chunks, True
            if self._replies and self._replies[0] is reply:
                self._go_on_soon()

        deferred.then(arrived)

    def _go_on_soon(self) -> None:
        # Never at once: the reply may be ready in the middle of another connection's request.
        if not self._is_due:
            self._is_due = True
            self._loop.call_soon(self._go_on)

    def _go_on(self) -> None:
        """Send the replies that are there, then handle what has come meanwhile."""
        self._is_due = False
        if not self._is_open:
            return
        try:
            while self._replies and self._replies[0].is_there:
                chunks = self._replies.popleft().chunks
                if isinstance(chunks, Farewell):
                    self._outbox.put(chunks)
                    self._outbox.flush(self._sock)
                    self.close(chunks.reason, logging.INFO)
                    return
                if chunks is not None:
                    self._outbox.put(chunks)
            self._handle_frames()
            self._flush()
        except Exception as error:  # noqa: BLE001 - _fail logs it; one connection's failure must not end the broker
            self._fail(error)

    def _send_soon(self, chunks: Chunks | None) -> None:
        if chunks is not None:
            self._loop.call_soon(lambda: self._send(chunks))

    def _send(self, chunks: Chunks) -> None:
        if not self._is_open:
            return
        try:
            self._outbox.put(chunks)
            if not self._is_blocked:
                self._flush()
        except Exception as error:  # noqa: BLE001 - _fail logs it; one connection's failure must not end the broker
            self._fail(error)

    def _flush(self) -> None:
        self._is_blocked = not self._outbox.flush(self._sock)
        self._wait_for(READABLE | WRITABLE if self._is_blocked else READABLE)

    def _wait_for(self, mask: int) -> None:
        if mask != self._mask:
            self._mask = mask
            self._loop.change(self._sock.fileno(), mask)
