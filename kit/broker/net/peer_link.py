"""One node's connection to another, and what is under way on it; see `kit.broker.net.peers`.

Requests wait for the handshake, then go out one behind the other. When the connection breaks, all that was under way is
answered with None, and the next request opens a new one.
"""

from __future__ import annotations

import contextlib
import itertools
import logging
import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kit.broker.clock import Clock, Timer
from kit.broker.deferred import Deferred
from kit.broker.faults import Links
from kit.broker.net.connection import READABLE, WRITABLE, ClientSocket, Loop
from kit.broker.net.framing import FrameBuffer, InvalidFrame, MemoryBudget
from kit.broker.net.handshake import Caller, HandshakeError
from kit.broker.net.outbox import Outbox
from kit.wire import codec

log = logging.getLogger(__name__)

RECONNECT_BACKOFF_MS = 50  # reconnect.backoff.ms of Kafka's clients
_MAX_FRAME_BYTES = 2**31 - 1  # the nodes trust each other; the budget still holds
NO_ANSWER = struct.Struct(">ii")  # a frame with nothing behind the correlation id, which no response of Kafka's is
_CORRELATION_ID = struct.Struct(">i")


@dataclass(frozen=True, slots=True)
class LinkSettings:
    """What the links of one node share.

    Args:
        node_id: this node's.
        loop: watches the sockets.
        links: what is wrong with them, as this process knows it.
        budget: memory for replies.
    """

    node_id: int
    secret: bytes
    loop: Loop
    clock: Clock
    links: Links
    budget: MemoryBudget


class _Call:
    """One request under way."""

    __slots__ = ("answer", "api_key", "api_version", "is_reply_lost", "is_request_lost", "timer")

    def __init__(self, api_key: int, api_version: int, timer: Timer) -> None:
        self.answer: Deferred[Any] = Deferred()
        self.api_key = api_key
        self.api_version = api_version
        self.is_request_lost = self.is_reply_lost = False
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


class PeerLink:
    """The connection to one other node.

    Args:
        target: the other node's id.
        connect: opens a socket on its way to it, or raises ``OSError``.
    """

    def __init__(self, settings: LinkSettings, target: int, connect: Callable[[], ClientSocket]) -> None:
        self._node_id = settings.node_id
        self._secret = settings.secret
        self._loop = settings.loop
        self._clock = settings.clock
        self._links = settings.links
        self._target = target
        self._connect_to_target = connect
        self._sock: ClientSocket | None = None
        self._caller: Caller | None = None  # until the handshake is over
        self._outbox = Outbox()
        self._frames = FrameBuffer(settings.budget, _MAX_FRAME_BYTES)
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
        """Send a request; see `kit.broker.network.Network.call`."""
        number = next(self._correlation_ids) & 0x7FFF_FFFF
        frame = codec.encode_request(api_key, api_version, number, client_id, request)
        timer = self._clock.call_later(timeout_ms, lambda: self._finish(number, None))
        call = self._calls[number] = _Call(api_key, api_version, timer)
        if self._is_lost(api_key, is_reply=False):
            call.is_request_lost = True
            return call.answer
        self._out.put(self._delay_ms(is_reply=False), lambda: self._send(frame))
        return call.answer

    def reset_lost(self) -> None:
        """Answer what was lost with None, soon, where nothing gets lost any more."""
        for number, call in self._calls.items():
            if (call.is_request_lost and not self._may_lose(call.api_key, is_reply=False)) or (
                call.is_reply_lost and not self._may_lose(call.api_key, is_reply=True)
            ):
                self._finish_soon(number)

    def _is_lost(self, api_key: int, *, is_reply: bool) -> bool:
        if self._links.is_quiet:
            return False
        source, target = self._ends(is_reply=is_reply)
        return not self._links.passes(source, target, api_key=api_key, is_reply=is_reply)

    def _may_lose(self, api_key: int, *, is_reply: bool) -> bool:
        source, target = self._ends(is_reply=is_reply)
        return self._links.may_lose(source, target, api_key=api_key, is_reply=is_reply)

    def _delay_ms(self, *, is_reply: bool) -> float:
        return 0.0 if self._links.is_quiet else self._links.delay_ms(*self._ends(is_reply=is_reply))

    def _ends(self, *, is_reply: bool) -> tuple[int, int]:
        return (self._target, self._node_id) if is_reply else (self._node_id, self._target)

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
        if call is None or call.is_request_lost:
            return
        if self._is_lost(call.api_key, is_reply=True):
            call.is_reply_lost = True
            return
        delay_ms = self._delay_ms(is_reply=True)
        if delay_ms or not self._in.is_empty:
            frame = memoryview(bytearray(frame))
        self._in.put(delay_ms, lambda: self._deliver(number, frame))

    def _deliver(self, number: int, frame: memoryview) -> None:
        call = self._calls.get(number)
        if call is None:
            return
        if len(frame) == _CORRELATION_ID.size:
            self._finish(number, None)
            return
        try:
            _, response = codec.decode_response(call.api_key, call.api_version, frame)
            self._finish(number, response)
        except Exception:  # of the one who asked, or of the one who answered: the other replies must go on
            log.exception("node %d: the reply of node %d to API %d", self._node_id, self._target, call.api_key)
            self._finish(number, None)

    # -- the connection ------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Close the connection; what is under way stays without an answer."""
        for call in self._calls.values():
            call.timer.cancel()
        self._calls.clear()
        if self._retry is not None:
            self._retry.cancel()
        self._disconnect()

    def trim(self) -> None:
        """Give unused memory back."""
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
            sock = self._connect_to_target()
        except OSError as error:
            self._broke(error)
            return
        self._sock = sock
        self._caller = Caller(self._secret, self._node_id, self._target)
        self._outbox.put([self._caller.hello()])
        self._mask = READABLE | WRITABLE
        self._loop.watch(sock.fileno(), self._mask, self._on_event)

    def _on_event(self, mask: int) -> None:
        try:
            if mask & WRITABLE:
                self._flush()
            if mask & ~WRITABLE:
                self._read()
        except (OSError, InvalidFrame, HandshakeError) as error:
            self._broke(error)

    def _read(self) -> None:
        if self._sock is None or not self._frames.receive_from(self._sock):
            return
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
            log.info("node %d reaches node %d again", self._node_id, self._target)
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
            self._loop.change(self._sock.fileno(), mask)

    def _broke(self, error: Exception) -> None:
        if not self._was_refused:
            level = logging.WARNING if isinstance(error, HandshakeError | InvalidFrame) else logging.INFO
            log.log(level, "node %d lost node %d: %s", self._node_id, self._target, error)
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
                self._loop.unwatch(self._sock.fileno())
            self._sock.close()
            self._sock = None
