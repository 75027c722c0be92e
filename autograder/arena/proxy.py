"""Stands between clients and Apache's brokers: passes frames on, and has a witness see each of them.

A client connects to the proxy's port of a broker, which that broker advertises, so that no answer has to be changed.
All of it runs in one thread, the loop's: while a fault is being made, no request and no answer passes.
"""

from __future__ import annotations

import contextlib
import functools
import logging
import socket
import struct
import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import TypeVar

from kit.broker.broker import Chunks, Farewell, InvalidRequest, Peer
from kit.broker.deferred import Deferred
from kit.broker.net.connection import READABLE, WRITABLE, Service
from kit.broker.net.framing import FrameBuffer, InvalidFrame, MemoryBudget
from kit.broker.net.loop import EventLoop
from kit.broker.net.outbox import Outbox
from kit.broker.net.server import Server, connect

log = logging.getLogger(__name__)

T = TypeVar("T")
Reply = Chunks | Deferred[Chunks | None] | None
Receive = Callable[[int, memoryview, Peer], Reply]

_SIZE = struct.Struct(">i")
_BUDGET_BYTES = 256 << 20
_MAX_FRAME_BYTES = 104_857_600
_SWEEP_MS = 100
_END_S = 10.0


class _Upstream:
    """One client's connection, from the proxy on to the broker.

    Args:
        broke: called once when the broker has ended it.

    Attributes:
        has_answered: whether the broker has, ever.
        waiting: for the broker's answers, in order.

    Raises:
        OSError: nobody listens there.
    """

    def __init__(self, loop: EventLoop, port: int, budget: MemoryBudget, broke: Callable[[], None]) -> None:
        self._loop = loop
        self._broke = broke
        self._sock: socket.socket | None = connect(port)
        self._frames = FrameBuffer(budget, _MAX_FRAME_BYTES)
        self._outbox = Outbox()
        self._mask = READABLE
        self.has_answered = False
        self.waiting: deque[Deferred[Chunks | None]] = deque()
        loop.watch(self._sock.fileno(), READABLE, self._on_event)

    def ask(self, frame: memoryview, *, has_answer: bool) -> Deferred[Chunks | None] | None:
        """Send a request on; None when the broker will not answer it."""
        answer = Deferred[Chunks | None]() if has_answer else None
        if answer is not None:
            self.waiting.append(answer)
        self._outbox.put([_SIZE.pack(len(frame)), bytes(frame)])
        self._guarded(self._flush)
        return answer

    def close(self) -> None:
        """End it; harmless when it is over."""
        sock, self._sock = self._sock, None
        if sock is not None:
            self._loop.unwatch(sock.fileno())
            sock.close()
            self._frames.release()

    def _on_event(self, mask: int) -> None:
        if mask & WRITABLE:
            self._guarded(self._flush)
        if mask & ~WRITABLE:
            self._guarded(self._read)

    def _guarded(self, deed: Callable[[], None]) -> None:
        try:
            deed()
        except (OSError, InvalidFrame) as error:
            log.info("a broker ended a connection: %s", error)
            if self._sock is not None:
                self.close()
                self._loop.call_soon(self._broke)

    def _flush(self) -> None:
        if self._sock is None:
            return
        try:
            is_empty = self._outbox.flush(self._sock)
        except (BlockingIOError, BrokenPipeError):  # not connected yet, or no more: reading tells
            is_empty = False
        mask = READABLE if is_empty else READABLE | WRITABLE
        if mask != self._mask:
            self._mask = mask
            self._loop.change(self._sock.fileno(), mask)

    def _read(self) -> None:
        if self._sock is None or not self._frames.receive_from(self._sock):
            return
        while (frame := self._frames.next_frame()) is not None:
            self.has_answered = True
            if self.waiting:
                self.waiting.popleft().resolve([_SIZE.pack(len(frame)), bytes(frame)])


class Proxy:
    """The proxy of all brokers of a cluster; it works from `open` to `close`.

    Args:
        ports: where the brokers listen for it, by node id.
        receive: takes each frame of a client first, and may give it to `forward`.
    """

    def __init__(self, ports: Mapping[int, int], receive: Receive) -> None:
        self._ports = dict(ports)
        self._receive = receive
        self.loop = EventLoop()
        self._budget = MemoryBudget(_BUDGET_BYTES)
        self._upstreams: dict[Peer, tuple[int, _Upstream]] = {}
        self._refused: set[int] = set()
        self._servers: list[Server] = []
        self._services: dict[int, Service] = {}
        self._thread = threading.Thread(target=self.loop.run, name="arena: proxy", daemon=True)

    def open(self, doors: Mapping[int, socket.socket]) -> None:
        """Let clients in, each broker's through a listening socket, which is closed in the end."""
        for node_id, door in doors.items():
            receive = functools.partial(self._on_frame, node_id)
            self._services[node_id] = Service(f"proxy of broker {node_id}", receive, self._budget)
            self._servers.append(Server(self.loop, self._services[node_id], [door]))
        for server in self._servers:
            server.start()
        self._sweep()
        self._thread.start()

    def close(self) -> None:
        """Let nobody in any more, and end what is under way."""
        if not self._thread.is_alive():
            return
        with contextlib.suppress(TimeoutError):
            self.call(self._end)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(_END_S)
        if not self._thread.is_alive():
            self.loop.close()

    def _end(self) -> None:
        for server in self._servers:
            server.close()
        for _, upstream in self._upstreams.values():
            upstream.close()
        self._upstreams.clear()

    def call(self, deed: Callable[[], T], timeout_s: float = 120.0) -> T:
        """Do something in the loop's thread, and wait for what it returns.

        Raises:
            TimeoutError: the loop is busy with something else.
            Exception: whatever ``deed`` raises.
        """
        found: list[T] = []
        failed: list[BaseException] = []
        is_done = threading.Event()

        def run() -> None:
            try:
                found.append(deed())
            except Exception as error:  # noqa: BLE001 - raised in the thread that asked
                failed.append(error)
            is_done.set()

        self.loop.call_soon_threadsafe(run)
        if not is_done.wait(timeout_s):
            raise TimeoutError("the proxy of the arena does not answer")
        if failed:
            raise failed[0]
        return found[0]

    # -- in the loop's thread --------------------------------------------------------------------------------------

    @property
    def num_clients(self) -> int:
        """How many connections go on to brokers."""
        return len(self._upstreams)

    def forward(self, _node_id: int, frame: memoryview, peer: Peer, *, has_answer: bool) -> Reply:
        """Let the client's broker serve a frame."""
        return self._upstreams[peer][1].ask(frame, has_answer=has_answer)

    def refuse(self, node_id: int) -> None:
        """End every connection to a broker, and let nobody through to it any more."""
        self._refused.add(node_id)
        for peer in [peer for peer, (found, _) in self._upstreams.items() if found == node_id]:
            self._forget(peer)

    def admit(self, node_id: int) -> None:
        """Let clients through to a broker again."""
        self._refused.discard(node_id)

    def _on_frame(self, node_id: int, frame: memoryview, peer: Peer) -> Reply:
        if node_id in self._refused:
            raise InvalidRequest("the broker is down")
        if peer not in self._upstreams:
            try:
                made = _Upstream(self.loop, self._ports[node_id], self._budget, lambda: self._broke(node_id, peer))
            except OSError as error:
                raise InvalidRequest(f"the broker does not listen: {error}") from error
            self._upstreams[peer] = node_id, made
        return self._receive(node_id, frame, peer)

    def _broke(self, node_id: int, peer: Peer) -> None:
        """The broker has ended a connection: because it is gone, or because it refuses what it was sent."""
        _, upstream = self._upstreams.get(peer, (node_id, None))
        if upstream is None:
            return
        if upstream.waiting and upstream.has_answered and node_id not in self._refused:
            upstream.waiting.popleft().resolve(Farewell(reason="the broker closed the connection"))
        self._forget(peer)

    def _forget(self, peer: Peer) -> None:
        node_id, upstream = self._upstreams.pop(peer)
        upstream.close()
        for connection in list(self._services[node_id].connections):
            if connection.peer is peer:
                self.loop.call_soon(functools.partial(connection.close, "its broker is gone", logging.INFO))

    def _sweep(self) -> None:
        """End what clients have left."""
        here = {connection.peer for service in self._services.values() for connection in service.connections}
        for peer in [peer for peer in self._upstreams if peer not in here]:
            self._upstreams.pop(peer)[1].close()
        self.loop.clock.call_later(_SWEEP_MS, self._sweep)
