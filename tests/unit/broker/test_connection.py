"""Which requests are in progress per connection, and every way for one to end; the socket and the loop are played."""

from __future__ import annotations

import logging
import struct
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.broker.broker import DISCONNECT, InvalidRequest, Peer
from kit.broker.deferred import Deferred
from kit.broker.net.connection import READABLE, WRITABLE, Connection, Limits, Service
from kit.broker.net.framing import INITIAL_BYTES, MemoryBudget
from kit.broker.net.outbox import Buffer

HANG_UP = 16  # EPOLLHUP


class PlayedSocket:
    """Hands out what the test puts in ``incoming``; takes at most ``appetite`` bytes before it is full."""

    def __init__(self) -> None:
        self.incoming = bytearray()
        self.is_at_end = False
        self.sent = bytearray()
        self.appetite = 1 << 30
        self.is_closed = False

    def fileno(self) -> int:
        """Any number."""
        return 7

    def recv_into(self, buffer: memoryview, /) -> int:
        """Give what is there."""
        if not self.incoming and not self.is_at_end:
            raise BlockingIOError
        num_bytes = min(len(buffer), len(self.incoming))
        buffer[:num_bytes] = self.incoming[:num_bytes]
        del self.incoming[:num_bytes]
        return num_bytes

    def send(self, data: Buffer, /) -> int:
        """Take what still fits."""
        return self.sendmsg([data], (), 0)

    def sendmsg(self, buffers: Iterable[Buffer], _ancillary: Iterable[Any], _flags: int, /) -> int:
        """Take what still fits."""
        taken = b"".join(bytes(buffer) for buffer in buffers)[: self.appetite]
        if not taken:
            raise BlockingIOError
        self.appetite -= len(taken)
        self.sent += taken
        return len(taken)

    def close(self) -> None:
        """Note it."""
        self.is_closed = True


class Play:
    """A connection between a played client and a played broker."""

    def __init__(self, receive: Callable[[memoryview, Peer], Any], limits: Limits | None = None) -> None:
        self.sock = PlayedSocket()
        self.mask = 0
        self._handler: Callable[[int], None] | None = None
        self._ready: list[Callable[[], None]] = []
        self.service = Service("broker 1", receive, MemoryBudget(10_000_000), limits or Limits())
        self.connection = Connection(self.service, self, self.sock, Peer("127.0.0.1", 50_000))

    def watch(self, _fd: int, mask: int, handler: Callable[[int], None]) -> None:
        """Play the loop."""
        self.mask, self._handler = mask, handler

    def change(self, _fd: int, mask: int) -> None:
        """Play the loop."""
        self.mask = mask

    def unwatch(self, _fd: int) -> None:
        """Play the loop."""
        self._handler = None

    def call_soon(self, callback: Callable[[], None]) -> None:
        """Play the loop."""
        self._ready.append(callback)

    def turn(self, extra_mask: int = 0) -> None:
        """One turn of the loop, as epoll would have it."""
        mask = extra_mask
        if self.mask & READABLE and (self.sock.incoming or self.sock.is_at_end):
            mask |= READABLE
        if self.mask & WRITABLE and self.sock.appetite:
            mask |= WRITABLE
        if mask and self._handler is not None:
            self._handler(mask)
        ready, self._ready = self._ready, []
        for callback in ready:
            callback()

    def turns(self) -> None:
        """Turns until nothing happens any more."""
        while self._ready or (self.sock.incoming and self.mask & READABLE) or self.mask & WRITABLE:
            self.turn()


def framed(payload: bytes) -> bytes:
    """The payload behind its size."""
    return struct.pack(">i", len(payload)) + payload


def echo(frame: memoryview, _peer: Peer) -> list[bytes]:
    """A broker that answers with what it got."""
    return [framed(bytes(frame))]


@given(
    requests=st.lists(
        st.tuples(st.sampled_from(["at once", "done", "later", "none"]), st.binary(min_size=1)), max_size=40
    ),
    appetites=st.lists(st.integers(1, 200), min_size=1),
)
def test_replies_keep_the_order_of_requests(requests: list[tuple[str, bytes]], appetites: list[int]) -> None:
    """However replies come to be, and however slowly the client reads, they leave in the order of the requests."""
    kinds = iter([kind for kind, _ in requests])
    waiting: list[tuple[Deferred[Any], list[bytes]]] = []

    def receive(frame: memoryview, peer: Peer) -> Any:
        kind, reply = next(kinds), echo(frame, peer)
        if kind == "at once":
            return reply
        if kind == "none":
            return None
        deferred: Deferred[Any] = Deferred()
        if kind == "done":
            deferred.resolve(reply)
        else:
            waiting.append((deferred, reply))
        return deferred

    play = Play(receive)
    play.sock.incoming += b"".join(framed(payload) for _, payload in requests)
    expected = b"".join(framed(payload) for kind, payload in requests if kind != "none")
    turn = 0
    while len(play.sock.sent) < len(expected):
        play.sock.appetite = appetites[turn % len(appetites)]
        play.turn()
        assert len(waiting) <= 1, "a second request was handled before the reply to the first"
        if waiting and turn % 3 == 0:
            deferred, reply = waiting.pop()
            deferred.resolve(reply)
        turn += 1

    assert expected == bytes(play.sock.sent)
    assert not play.sock.is_closed


def test_deferred_reply_is_not_sent_inside_resolve() -> None:
    """A reply that another connection's request makes ready waits for that request to be through."""
    deferred: Deferred[Any] = Deferred()
    play = Play(lambda *_: deferred)
    play.sock.incoming += framed(b"wait for it")
    play.turn()
    deferred.resolve([framed(b"here")])

    assert play.sock.sent == b""

    play.turn()
    assert play.sock.sent == framed(b"here")


def test_pipelined_requests_are_held_back_while_one_waits() -> None:
    """A client that sends on and on meets TCP's own back pressure, not our memory."""
    deferred: Deferred[Any] = Deferred()
    replies = iter([deferred])
    play = Play(lambda *_: next(replies, None))
    play.sock.incoming += framed(b"x" * 96) * 10_000
    for _ in range(20):
        play.turn()

    assert play.service.budget.used_bytes == INITIAL_BYTES
    assert len(play.sock.incoming) > 900_000
    assert play.mask == 0, "the loop would spin on a connection that it cannot read"

    deferred.resolve(None)
    play.turns()
    assert not play.sock.incoming, "reading went on after the reply"


def deferring() -> tuple[list[tuple[Deferred[Any], list[bytes]]], Callable[[memoryview, Peer], Any]]:
    """A broker that answers when the test says so; the list has what waits, in the order of the requests."""
    waiting: list[tuple[Deferred[Any], list[bytes]]] = []

    def receive(frame: memoryview, peer: Peer) -> Deferred[Any]:
        waiting.append((Deferred(), echo(frame, peer)))
        return waiting[-1][0]

    return waiting, receive


@pytest.mark.parametrize(("second", "num_taken"), [(b"\0\0 more", 2), (b"\0\1 a fetch", 1)])
def test_only_produce_requests_follow_a_waiting_produce(second: bytes, num_taken: int) -> None:
    """So that their batches reach the followers together; whatever else comes waits its turn, as in Kafka."""
    waiting, receive = deferring()
    play = Play(receive)
    play.sock.incoming += framed(b"\0\0 produce") + framed(second)

    play.turns()

    assert len(waiting) == num_taken


def test_nothing_follows_another_waiting_request() -> None:
    """Not even a Produce request."""
    waiting, receive = deferring()
    play = Play(receive)
    play.sock.incoming += framed(b"\0\1 a fetch") + framed(b"\0\0 produce")

    play.turns()

    assert len(waiting) == 1


def test_pipelined_produce_requests_are_answered_in_their_order() -> None:
    """A reply that is there early waits for those before it; then all of them leave at once."""
    waiting, receive = deferring()
    play = Play(receive)
    requests = [b"\0\0 %d" % number for number in range(3)]
    for request in requests:
        play.sock.incoming += framed(request)
    play.turns()

    for deferred, reply in (waiting[2], waiting[1]):
        deferred.resolve(reply)
        play.turns()
        assert not play.sock.sent
    waiting[0][0].resolve(waiting[0][1])
    play.turns()

    assert bytes(play.sock.sent) == b"".join(map(framed, requests))


def test_pipelined_produce_requests_are_bounded() -> None:
    """The rest stays in the buffer and with the client, until some are answered."""
    waiting, receive = deferring()
    play = Play(receive)
    play.sock.incoming += framed(b"\0\0 produce") * 100

    play.turns()
    assert len(waiting) == 64
    waiting[0][0].resolve(waiting[0][1])
    play.turns()

    assert len(waiting) == 65


def test_broken_link_closes_the_connection_behind_the_replies_before_it() -> None:
    """What was answered before the link broke is sent."""
    waiting, receive = deferring()
    play = Play(receive)
    play.sock.incoming += framed(b"\0\0 1") + framed(b"\0\0 2")
    play.turns()

    waiting[1][0].resolve(DISCONNECT)
    play.turns()
    assert not play.sock.is_closed
    waiting[0][0].resolve(waiting[0][1])
    play.turns()

    assert play.sock.is_closed
    assert bytes(play.sock.sent) == framed(b"\0\0 1")


def test_unsent_reply_holds_the_next_request_back() -> None:
    """A client that reads no replies gets no further requests handled, so replies cannot pile up."""
    num_handled = 0

    def receive(frame: memoryview, peer: Peer) -> Any:
        nonlocal num_handled
        num_handled += 1
        return [framed(b"r" * 1_000)]

    play = Play(receive)
    play.sock.appetite = 0
    for _ in range(200):
        play.sock.incoming += framed(b"request")
        play.turn()

    assert num_handled == 1

    play.sock.appetite = 1 << 30
    play.turns()
    assert num_handled == 200
    assert len(play.sock.sent) == 200 * 1_004


def test_many_frames_in_one_buffer_leave_turns_to_others() -> None:
    """One connection's flood of tiny requests is handled in several turns of the loop."""
    num_handled = 0

    def receive(frame: memoryview, peer: Peer) -> None:
        nonlocal num_handled
        num_handled += 1

    play = Play(receive)
    play.sock.incoming += framed(b"tiny") * 1_000
    play.turn()
    after_one_turn = num_handled
    play.turns()

    assert 0 < after_one_turn < 200
    assert num_handled == 1_000


@pytest.mark.parametrize(
    ("raised", "logged"),
    [(InvalidRequest("API key 99 is not served here"), "API key 99"), (ZeroDivisionError("oops"), "ZeroDivisionError")],
)
def test_failing_request_closes_its_connection(
    raised: Exception, logged: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The reason is logged, and replies to earlier requests still leave."""

    def receive(frame: memoryview, peer: Peer) -> Any:
        if bytes(frame) == b"bad":
            raise raised
        return echo(frame, peer)

    play = Play(receive)
    play.sock.incoming += framed(b"good") + framed(b"bad") + framed(b"never seen")
    play.turn()

    assert play.sock.is_closed
    assert not play.service.connections
    assert play.service.budget.used_bytes == 0
    assert logged in caplog.text
    if isinstance(raised, InvalidRequest):
        assert play.sock.sent == framed(b"good")


def test_client_that_hangs_up_while_a_reply_is_due_is_forgotten() -> None:
    """The reply to nobody is dropped when it comes."""
    deferred: Deferred[Any] = Deferred()
    play = Play(lambda *_: deferred)
    play.sock.incoming += framed(b"wait for it")
    play.turn()
    play.sock.is_at_end = True
    play.turn()
    assert play.sock.is_closed

    deferred.resolve([framed(b"too late")])
    play.turns()
    assert play.sock.sent == b""


def test_hang_up_on_a_muted_connection_closes_it() -> None:
    """Where no more can be read, the hang-up itself ends the connection."""
    play = Play(lambda *_: Deferred())
    play.sock.incoming += framed(b"x" * 96) * 10_000
    while play.mask:
        play.turn()
    play.turn(HANG_UP)

    assert play.sock.is_closed


def test_idle_connection_is_closed_but_a_waiting_one_is_not(caplog: pytest.LogCaptureFixture) -> None:
    """Silence ends a connection after connections.max.idle.ms; a long poll is not silence."""
    caplog.set_level(logging.INFO)
    idle = Play(echo, Limits(max_idle_ms=60_000))
    waiting = Play(lambda *_: Deferred(), Limits(max_idle_ms=60_000))
    waiting.sock.incoming += framed(b"poll")
    waiting.turn()
    for _ in range(13):
        idle.connection.housekeep(5_000)
        waiting.connection.housekeep(5_000)

    assert idle.sock.is_closed
    assert "connections.max.idle.ms=60000" in caplog.text
    assert not waiting.sock.is_closed
