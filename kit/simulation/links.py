"""The links of one simulated client: connections that carry real frames, in order, with delay, and that can break.

Like a client over TCP: a broker answers the requests of one connection one after another; a request without answer
in time closes the connection; a broker that dies resets it at once. What was sent to produce still arrives after a
close, as it does over TCP, so a broker may write what its producer has given up on.
"""

from __future__ import annotations

import itertools
from collections import deque
from random import Random
from typing import Any

from kit.broker.broker import InvalidRequest, Peer
from kit.broker.clock import Clock, Timer
from kit.broker.deferred import Deferred
from kit.simulation.cluster import DISCONNECT, SimCluster
from kit.wire import codec

MIN_LATENCY_MS = 0.2
MAX_LATENCY_MS = 2.0
PRODUCE_CHANNEL = "produce"


class _Pending:
    """A request that the client waits for."""

    __slots__ = ("answer", "api_key", "api_version", "timer")

    def __init__(self, api_key: int, api_version: int) -> None:
        self.api_key = api_key
        self.api_version = api_version
        self.answer: Deferred[Any] = Deferred()
        self.timer: Timer | None = None


class _Connection:
    """One connection to one broker."""

    def __init__(self, links: Links, node_id: int, peer: Peer, *, outlives_close: bool) -> None:
        self._links = links
        self._outlives_close = outlives_close
        self._node_id = node_id
        self._peer = peer
        self._pending: dict[int, _Pending] = {}
        self._arrived: deque[bytes] = deque()  # at the broker, not looked at yet
        self._is_busy = False
        self._last_there_ms = self._last_back_ms = 0.0
        self.is_open = True

    def send(self, correlation_id: int, frame: bytes, pending: _Pending, timeout_ms: float) -> None:
        self._pending[correlation_id] = pending
        pending.timer = self._links.clock.call_later(timeout_ms, self.close)
        self._links.cluster.num_client_messages += 1
        delay_ms, self._last_there_ms = self._links.delay(self._last_there_ms)
        self._links.clock.call_later(delay_ms, lambda: self._arrive(frame))

    def _arrive(self, frame: bytes) -> None:
        if not self._links.cluster.is_running(self._node_id):
            self._links.clock.call_later(MIN_LATENCY_MS, self.close)  # nobody listens: refused, or reset
            return
        if not self.is_open and not self._outlives_close:
            return
        self._arrived.append(frame)
        if not self._is_busy:
            self._serve()

    def _serve(self) -> None:
        while self._arrived and not self._is_busy:
            frame = self._arrived.popleft()
            self._is_busy = True
            try:
                reply = self._links.cluster.receive(self._node_id, memoryview(bytearray(frame))[4:], self._peer)
            except InvalidRequest as error:
                raise AssertionError(f"broker {self._node_id} refuses a request of {self._links.name}") from error
            if isinstance(reply, Deferred):
                reply.then(self._replied_later)
            else:
                self._replied(reply)

    def _replied_later(self, chunks: list[Any] | None) -> None:
        self._replied(chunks)
        self._serve()

    def _replied(self, chunks: list[Any] | None) -> None:
        self._is_busy = False
        if chunks is DISCONNECT:
            self._links.clock.call_later(MIN_LATENCY_MS, self.close)
            return
        if chunks is None or not self.is_open:
            return
        data = b"".join(chunk if isinstance(chunk, bytes) else _bytes_of(chunk) for chunk in chunks)
        self._links.cluster.num_client_messages += 1
        delay_ms, self._last_back_ms = self._links.delay(self._last_back_ms)
        self._links.clock.call_later(delay_ms, lambda: self._take(data))

    def _take(self, data: bytes) -> None:
        pending = self._pending.pop(int.from_bytes(data[4:8], "big"), None)
        if pending is None:
            return  # the connection was closed meanwhile
        if pending.timer is not None:
            pending.timer.cancel()
        _, response = codec.decode_response(pending.api_key, pending.api_version, memoryview(data), 4)
        pending.answer.resolve(response)

    def close(self) -> None:
        """Give up on everything that is in flight."""
        self.is_open = False
        if not self._outlives_close:
            self._arrived.clear()
        pending, self._pending = self._pending, {}
        for each in pending.values():
            if each.timer is not None:
                each.timer.cancel()
        for each in pending.values():
            each.answer.resolve(None)

    def abandon(self) -> None:
        """The client is dead: nobody hears an answer any more."""
        self.is_open = False
        for each in self._pending.values():
            if each.timer is not None:
                each.timer.cancel()
        self._pending.clear()

    def reset(self) -> None:
        """The broker is dead: what it had not looked at is gone, and the client soon knows."""
        self._arrived.clear()
        self._is_busy = True  # nothing is served any more, whatever still arrives
        self._links.clock.call_later(MIN_LATENCY_MS, self.close)


def _bytes_of(chunk: Any) -> bytes:
    return bytes(chunk) if isinstance(chunk, bytearray | memoryview) else chunk.read()


class Links:
    """All connections of one client.

    Args:
        name: the client id.
        random: decides about delays.
    """

    def __init__(self, name: str, cluster: SimCluster, clock: Clock, random: Random) -> None:
        self.name = name
        self.cluster = cluster
        self.clock = clock
        self.random = random
        self._connections: dict[tuple[int, str], _Connection] = {}
        self._correlation_ids = itertools.count(1)
        self._ports = itertools.count(40_000)
        self.is_closed = False
        cluster.on_down(self._node_is_down)

    def delay(self, not_before_ms: float) -> tuple[float, float]:
        """How long the next frame takes, and when it is there: never before the one sent last."""
        now_ms = self.clock.monotonic_ms()
        latency_ms = MIN_LATENCY_MS + (MAX_LATENCY_MS - MIN_LATENCY_MS) * self.random.random() ** 2
        there_ms = max(now_ms + latency_ms, not_before_ms)
        return there_ms - now_ms, there_ms

    def call(
        self, node_id: int, api_key: int, api_version: int, request: Any, timeout_ms: float, *, channel: str = ""
    ) -> Deferred[Any]:
        """Send a request; resolves with the response, or with None when the connection breaks or time is up.

        Args:
            channel: requests on different channels do not wait for one another.
        """
        pending = _Pending(api_key, api_version)
        if self.is_closed:
            return pending.answer  # the client is dead
        connection = self._connections.get((node_id, channel))
        if connection is None or not connection.is_open:
            peer = Peer("127.0.0.1", next(self._ports))
            connection = _Connection(self, node_id, peer, outlives_close=channel == PRODUCE_CHANNEL)
            self._connections[node_id, channel] = connection
        correlation_id = next(self._correlation_ids)
        frame = codec.encode_request(api_key, api_version, correlation_id, self.name, request)
        connection.send(correlation_id, frame, pending, timeout_ms)
        return pending.answer

    def close(self) -> None:
        """Fall silent, as a process that was killed: nothing is sent any more, and nobody hears an answer."""
        self.is_closed = True
        for connection in self._connections.values():
            connection.abandon()

    def _node_is_down(self, node_id: int) -> None:
        for (target, _), connection in list(self._connections.items()):
            if target == node_id and connection.is_open:
                connection.reset()
