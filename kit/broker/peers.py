"""The links of one node to the others when each node is a process of its own: Kafka's protocol over TCP.

To every node there is one connection, opened when it is first needed. Requests go out one behind the other, and a reply
finds its request by the correlation id, so a Fetch that waits holds nothing else up. Rules for the file: nothing
resolves before `PeerNetwork.call` has returned; a connection that breaks answers all that was under way with None;
after a fault that loses messages nothing happens until the timeout, or until `PeerNetwork.reset_lost`.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import struct
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from kit.broker.clock import Clock, Timer
from kit.broker.connection import READABLE, WRITABLE, ClientSocket, Loop
from kit.broker.deferred import Deferred
from kit.broker.faults import Links
from kit.broker.framing import FrameBuffer, InvalidFrame, MemoryBudget
from kit.broker.handshake import Caller, HandshakeError
from kit.broker.outbox import Outbox
from kit.wire import codec

log = logging.getLogger(__name__)

RECONNECT_BACKOFF_MS = 50  # reconnect.backoff.ms of Kafka's clients
_TRIM_MS = 5_000
_MAX_FRAME_BYTES = 2**31 - 1  # the nodes trust each other; the budget still holds
_REPLY_BYTES = 268_435_456  # receive buffers of all links together
_CORRELATION_ID = struct.Struct(">i")


class Receiver(Protocol):
    """A node as the others see it; see `kit.broker.node.Node`."""

    node_id: int

    def receive_call(
        self, source: int, api_key: int, api_version: int, request: Any, client_id: str | None
    ) -> Deferred[Any]:
        """Answer a request of another node; resolves with None when there is no answer."""


class PeerNetwork:
    """`kit.broker.network.Network` over TCP.

    Args:
        ports: where each node listens for the others, by node id.
        secret: what all nodes of the cluster know and nobody else.
        loop: watches the sockets.
        links: what is wrong with the links, as this process knows it.
        connect: opens a socket, as `kit.broker.server.connect`.
    """

    def __init__(
        self,
        *,
        node_id: int,
        ports: Mapping[int, int],
        secret: bytes,
        loop: Loop,
        clock: Clock,
        links: Links,
        connect: Callable[[int], ClientSocket],
    ) -> None:
        self.node_id = node_id
        self.links = links
        self.clock = clock
        self.loop = loop
        self.budget = MemoryBudget(_REPLY_BYTES)
        self._connect = connect
        self._secret = secret
        self._ports = dict(ports)
        self._node: Receiver | None = None
        self._links_to: dict[int, _Link] = {}
        self._trimmer: Timer = clock.call_later(_TRIM_MS, self._trim)

    def attach(self, node: Receiver) -> None:
        """Name the node that this network belongs to: calls to itself go there without a socket."""
        self._node = node

    def call(
        self,
        target: int,
        api_key: int,
        request: Any,
        *,
        timeout_ms: float,
        api_version: int | None = None,
        client_id: str | None = None,
    ) -> Deferred[Any]:
        """Send a request to a node; resolves with its response, or with None when none came.

        ``records`` in a response are views that are valid only until the callback returns.
        """
        version = codec.api(api_key).max_version if api_version is None else api_version
        if target == self.node_id:
            return self._call_self(api_key, version, request, client_id, timeout_ms)
        if target not in self._ports:
            answer: Deferred[Any] = Deferred()
            self.clock.call_soon(lambda: answer.resolve(None))
            return answer
        link = self._links_to.get(target)
        if link is None:
            link = self._links_to[target] = _Link(self, target)
        return link.call(api_key, version, request, client_id, timeout_ms)

    def _call_self(
        self, api_key: int, api_version: int, request: Any, client_id: str | None, timeout_ms: float
    ) -> Deferred[Any]:
        answer: Deferred[Any] = Deferred()
        timer = self.clock.call_later(timeout_ms, lambda: answer.resolve(None))
        answer.then(lambda _: timer.cancel())

        def arrive() -> None:
            if self._node is None:
                answer.resolve(None)
            else:
                reply = self._node.receive_call(self.node_id, api_key, api_version, request, client_id)
                reply.then(lambda response: self.clock.call_soon(lambda: answer.resolve(response)))

        self.clock.call_soon(arrive)
        return answer

    def reset_lost(self) -> None:
        """The network was healed: what was lost on it is found out now, not by a timeout."""
        for link in self._links_to.values():
            link.reset_lost()

    def close(self) -> None:
        """Close every connection; what is under way stays without an answer."""
        self._trimmer.cancel()
        self._node = None
        for link in self._links_to.values():
            link.close()
        self._links_to.clear()
        self._ports.clear()

    def open_socket(self, target: int) -> ClientSocket:
        """A socket on its way to a node.

        Raises:
            OSError: it is down.
        """
        return self._connect(self._ports[target])

    def caller(self, target: int) -> Caller:
        """This node's side of the handshake with another."""
        return Caller(self._secret, self.node_id, target)

    def _trim(self) -> None:
        for link in self._links_to.values():
            link.trim()
        self._trimmer = self.clock.call_later(_TRIM_MS, self._trim)


class _Call:
    """One request under way."""

    __slots__ = ("answer", "api_key", "api_version", "is_lost", "timer")

    def __init__(self, api_key: int, api_version: int, timer: Timer) -> None:
        self.answer: Deferred[Any] = Deferred()
        self.api_key = api_key
        self.api_version = api_version
        self.is_lost = False
        self.timer = timer


class _DelayLine:
    """Lets messages pass in their order, each not before its delay is over."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: deque[Callable[[], None]] = deque()
        self._free_at_ms = 0.0  # when the last message may pass

    @property
    def is_empty(self) -> bool:
        """Whether the next message need not wait for an earlier one."""
        return not self._waiting

    def put(self, delay_ms: float, deliver: Callable[[], None]) -> None:
        """Call ``deliver``, now if nothing speaks against it."""
        if not self._waiting and delay_ms <= 0:
            deliver()
            return
        now_ms = self._clock.monotonic_ms()
        self._free_at_ms = max(self._free_at_ms, now_ms + delay_ms)
        self._waiting.append(deliver)
        waiting = self._waiting
        # Whichever of these timers fires first, the message that has waited longest passes.
        self._clock.call_later(self._free_at_ms - now_ms, lambda: waiting.popleft()() if waiting else None)

    def clear(self) -> None:
        """Forget the messages that wait."""
        self._waiting.clear()
        self._waiting = deque()
        self._free_at_ms = 0.0


class _Link:
    """The connection to one other node, and what is under way on it."""

    def __init__(self, network: PeerNetwork, target: int) -> None:
        self._network = network
        self._clock = network.clock
        self._target = target
        self._sock: ClientSocket | None = None
        self._caller: Caller | None = None  # until the handshake is over
        self._outbox = Outbox()
        self._frames = FrameBuffer(network.budget, _MAX_FRAME_BYTES)
        self._mask = 0
        self._waiting: list[bytes] = []  # requests for the time after the handshake
        self._is_flushing = False
        self._retry: Timer | None = None
        self._retry_at_ms = 0.0
        self._was_refused = False
        self._calls: dict[int, _Call] = {}
        self._correlation_ids = itertools.count(1)
        self._out = _DelayLine(self._clock)
        self._in = _DelayLine(self._clock)

    # -- calls ---------------------------------------------------------------------------------------------------

    def call(
        self, api_key: int, api_version: int, request: Any, client_id: str | None, timeout_ms: float
    ) -> Deferred[Any]:
        number = next(self._correlation_ids) & 0x7FFF_FFFF
        frame = codec.encode_request(api_key, api_version, number, client_id, request)
        timer = self._clock.call_later(timeout_ms, lambda: self._finish(number, None))
        call = self._calls[number] = _Call(api_key, api_version, timer)
        if self._is_lost(call, is_reply=False):
            return call.answer
        self._out.put(self._delay_ms(is_reply=False), lambda: self._send(frame))
        return call.answer

    def reset_lost(self) -> None:
        for number in [number for number, call in self._calls.items() if call.is_lost]:
            self._finish_soon(number)

    def _is_lost(self, call: _Call, *, is_reply: bool) -> bool:
        links, ends = self._network.links, (self._network.node_id, self._target)
        if not links.is_quiet:
            source, target = reversed(ends) if is_reply else ends
            call.is_lost = not links.passes(source, target, api_key=call.api_key, is_reply=is_reply)
        return call.is_lost

    def _delay_ms(self, *, is_reply: bool) -> float:
        links, ends = self._network.links, (self._network.node_id, self._target)
        if links.is_quiet:
            return 0.0
        source, target = reversed(ends) if is_reply else ends
        return links.delay_ms(source, target)

    def _finish_soon(self, number: int) -> None:
        self._clock.call_soon(lambda: self._finish(number, None))

    def _finish(self, number: int, response: Any) -> None:
        call = self._calls.pop(number, None)
        if call is not None:
            call.timer.cancel()
            call.answer.resolve(response)

    def _received(self, frame: memoryview) -> None:
        (number,) = _CORRELATION_ID.unpack_from(frame)
        call = self._calls.get(number)
        if call is None or self._is_lost(call, is_reply=True):
            return
        delay_ms = self._delay_ms(is_reply=True)
        if delay_ms or not self._in.is_empty:
            frame = memoryview(bytes(frame))
        self._in.put(delay_ms, lambda: self._deliver(number, frame))

    def _deliver(self, number: int, frame: memoryview) -> None:
        call = self._calls.get(number)
        if call is None:
            return
        try:
            _, response = codec.decode_response(call.api_key, call.api_version, frame)
            self._finish(number, response)
        except Exception:  # of the one who asked, or of the one who answered: the other replies must go on
            log.exception("node %d: the reply of node %d to API %d", self._network.node_id, self._target, call.api_key)
            self._finish(number, None)

    # -- the connection ------------------------------------------------------------------------------------------

    def close(self) -> None:
        for call in self._calls.values():
            call.timer.cancel()
        self._calls.clear()
        if self._retry is not None:
            self._retry.cancel()
        self._disconnect()

    def trim(self) -> None:
        self._frames.trim()

    def _send(self, frame: bytes) -> None:
        if self._sock is not None and self._caller is None:
            self._outbox.put([frame])
            self._flush_soon()
            return
        self._waiting.append(frame)
        if self._sock is None and self._retry is None:
            self._retry = self._clock.call_later(self._retry_at_ms - self._clock.monotonic_ms(), self._connect)

    def _connect(self) -> None:
        self._retry = None
        if not self._waiting:
            return
        try:
            sock = self._network.open_socket(self._target)
        except OSError as error:
            self._broke(error)
            return
        self._sock = sock
        self._caller = self._network.caller(self._target)
        self._outbox.put([self._caller.hello()])
        self._mask = READABLE | WRITABLE
        self._network.loop.watch(sock.fileno(), self._mask, self._on_event)

    def _on_event(self, mask: int) -> None:
        try:
            if mask & WRITABLE:
                self._flush()
            if mask & ~WRITABLE:
                self._read()
        except (OSError, InvalidFrame, HandshakeError) as error:
            self._broke(error)

    def _read(self) -> None:
        if self._sock is None:
            return
        try:
            num_bytes = self._sock.recv_into(self._frames.free_space())
        except BlockingIOError:
            return
        if num_bytes == 0:
            raise ConnectionResetError("closed by the peer")
        self._frames.received(num_bytes)
        while (frame := self._frames.next_frame()) is not None:
            if self._caller is None:
                self._received(frame)
            else:
                self._greeted(self._caller, frame)

    def _greeted(self, caller: Caller, frame: memoryview) -> None:
        self._outbox.put([caller.answer(frame), *self._waiting])
        self._waiting.clear()
        self._caller = None
        if self._was_refused:
            log.info("node %d reaches node %d again", self._network.node_id, self._target)
        self._was_refused = False
        self._flush()

    def _flush_soon(self) -> None:
        """Send at the end of this turn: what is asked in one turn leaves together."""
        if not self._is_flushing:
            self._is_flushing = True
            self._clock.call_soon(self._flush_now)

    def _flush_now(self) -> None:
        self._is_flushing = False
        try:
            self._flush()
        except OSError as error:
            self._broke(error)

    def _flush(self) -> None:
        if self._sock is None:
            return
        is_empty = self._outbox.flush(self._sock)
        mask = READABLE if is_empty else READABLE | WRITABLE
        if mask != self._mask:
            self._mask = mask
            self._network.loop.change(self._sock.fileno(), mask)

    def _broke(self, error: Exception) -> None:
        if not self._was_refused:
            level = logging.WARNING if isinstance(error, HandshakeError | InvalidFrame) else logging.INFO
            log.log(level, "node %d lost node %d: %s", self._network.node_id, self._target, error)
        self._was_refused = True
        self._disconnect()
        self._retry_at_ms = self._clock.monotonic_ms() + RECONNECT_BACKOFF_MS
        for number in list(self._calls):
            self._finish_soon(number)

    def _disconnect(self) -> None:
        self._frames.release()
        self._outbox = Outbox()
        self._waiting.clear()
        self._out.clear()
        self._in.clear()
        self._caller = None
        if self._sock is not None:
            with contextlib.suppress(OSError, KeyError):
                self._network.loop.unwatch(self._sock.fileno())
            self._sock.close()
            self._sock = None
