"""The event loop and real sockets on the loopback."""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from kit.broker.broker import Peer
from kit.broker.net.connection import READABLE, WRITABLE, Limits, Service
from kit.broker.net.framing import MemoryBudget
from kit.broker.net.loop import EventLoop, LoopClock
from kit.broker.net.server import ClientPort, Server, connect, listen, listen_for_nodes
from tests.support.wait import wait_until

pytestmark = pytest.mark.portable


@pytest.fixture(params=[False, True], ids=["epoll", "selectors"])
def loop(request: pytest.FixtureRequest) -> Iterator[EventLoop]:
    """An event loop of each kind."""
    made = EventLoop(portable=request.param)
    yield made
    made.close()


@contextlib.contextmanager
def serving(loop: EventLoop, limits: Limits | None = None) -> Iterator[tuple[int, Service]]:
    """A server in a thread of its own that answers each frame with its peer's host and the frame."""

    def receive(frame: memoryview, peer: Peer) -> list[bytes]:
        answer = peer.client_host.encode() + b" " + bytes(frame)
        return [struct.pack(">i", len(answer)), answer]

    sockets = listen(0)
    service = Service("broker 1", receive, MemoryBudget(10_000_000), limits or Limits())
    server = Server(loop, service, sockets)
    server.start()
    thread = threading.Thread(target=loop.run)
    thread.start()
    try:
        yield sockets[0].getsockname()[1], service
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()


def ask(client: socket.socket, payload: bytes) -> bytes:
    """Send one frame and return the reply's."""
    client.sendall(struct.pack(">i", len(payload)) + payload)
    with client.makefile("rb") as replies:
        (size,) = struct.unpack(">i", replies.read(4))
        return replies.read(size)


def run_until(loop: EventLoop, condition: Callable[[], Any]) -> None:
    """Run the loop until the condition holds."""

    def check() -> None:
        if condition():
            loop.stop()
        else:
            loop.clock.call_later(1, check)

    check()
    loop.run()


def test_server_answers_on_both_loopbacks(loop: EventLoop) -> None:
    """Whatever a client takes "localhost" for, it finds the same broker."""
    with serving(loop) as (port, _):
        for host in ["127.0.0.1", "::1"]:
            if host == "::1" and not socket.has_ipv6:
                continue
            with socket.create_connection((host, port), timeout=10) as client:
                assert ask(client, b"hello") == host.encode() + b" hello"
                large = b"x" * 300_000
                is_same = ask(client, large) == host.encode() + b" " + large
                assert is_same


def test_connections_do_not_disturb_one_another(loop: EventLoop) -> None:
    """A client that claims 2 GB is disconnected; the others do not notice."""
    with serving(loop) as (port, service), socket.create_connection(("127.0.0.1", port), timeout=10) as good:
        assert ask(good, b"before") == b"127.0.0.1 before"
        with socket.create_connection(("127.0.0.1", port), timeout=10) as bad:
            bad.sendall(struct.pack(">i", 2**31 - 1))
            assert bad.recv(1) == b""

        assert ask(good, b"after") == b"127.0.0.1 after"
        assert len(service.connections) == 1


def test_accepted_connections_have_the_buffers_that_are_set(loop: EventLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    """socket.send.buffer.bytes reaches the socket; -1 leaves the receive buffer alone."""
    asked: list[tuple[int, int]] = []
    original = socket.socket.setsockopt

    def spy(sock: socket.socket, level: int, option: int, value: int) -> None:
        if level == socket.SOL_SOCKET and option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
            asked.append((option, value))
        original(sock, level, option, value)

    monkeypatch.setattr(socket.socket, "setsockopt", spy)
    with (
        serving(loop, Limits(send_buffer_bytes=102_400)) as (port, _),
        socket.create_connection(("127.0.0.1", port), timeout=10) as client,
    ):
        ask(client, b"hello")

    assert asked == [(socket.SO_SNDBUF, 102_400)]


def test_connections_above_the_limit_are_refused(loop: EventLoop) -> None:
    """The connection after the last allowed one is closed; a place that becomes free can be taken."""
    with serving(loop, Limits(max_connections=2)) as (port, service):
        with contextlib.ExitStack() as stack:
            for _ in range(2):
                client = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
                ask(client, b"hello")
            refused = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=10))
            with contextlib.suppress(ConnectionResetError):
                assert refused.recv(1) == b""
        wait_until(lambda: not service.connections, "the server to forget its clients")
        with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
            assert ask(client, b"hello") == b"127.0.0.1 hello"


def test_server_goes_on_when_descriptors_run_out(loop: EventLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Accepting pauses when the process has no descriptor left, and goes on afterwards."""
    num_failures = 0
    real_accept = socket.socket.accept

    def accept(listener: socket.socket) -> tuple[socket.socket, Any]:
        nonlocal num_failures
        if num_failures < 3:
            num_failures += 1
            raise OSError([errno.ECONNABORTED, errno.EMFILE, errno.ENFILE][num_failures - 1], "no more")
        return real_accept(listener)

    monkeypatch.setattr(socket.socket, "accept", accept)
    with serving(loop) as (port, _), socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        assert ask(client, b"hello") == b"127.0.0.1 hello"
    assert num_failures == 3


def test_client_port_comes_and_goes(loop: EventLoop) -> None:
    """Closed, it disconnects who is there and refuses who comes; opened again, it is the same port."""
    service = Service("broker 1", lambda *_: [b"\0\0\0\2ok"], MemoryBudget(1_000_000), Limits())
    port = ClientPort(loop, service, sockets := listen(0))
    number = sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run)
    port.open()
    thread.start()
    in_loop = _in_thread_of(loop)
    try:
        with socket.create_connection(("127.0.0.1", number), timeout=10) as client:
            assert ask(client, b"hello") == b"ok"
            in_loop(port.close)
            assert client.recv(1) == b""
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", number), timeout=10)
        in_loop(port.close)  # once more: nothing to do

        in_loop(port.open)
        with socket.create_connection(("127.0.0.1", number), timeout=10) as client:
            assert ask(client, b"hello again") == b"ok"
        in_loop(port.release)
        for sock in listen(number):
            sock.close()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()


def test_port_that_was_taken_meanwhile_cannot_be_opened(loop: EventLoop) -> None:
    """Whoever opens it hears of it."""
    service = Service("broker 1", lambda *_: [], MemoryBudget(1_000_000), Limits())
    port = ClientPort(loop, service, sockets := listen(0))
    number = sockets[0].getsockname()[1]
    port.open()
    port.close()
    thieves = listen(number)

    with pytest.raises(OSError, match="in use"):
        port.open()

    for sock in thieves:
        sock.close()
    port.open()
    port.release()


def _in_thread_of(loop: EventLoop) -> Callable[[Callable[[], None]], None]:
    """What runs a function in the loop's thread, and waits for it."""

    def run(function: Callable[[], None]) -> None:
        done = threading.Event()
        loop.call_soon_threadsafe(lambda: (function(), done.set())[1])
        assert done.wait(10)

    return run


def test_listen_says_when_a_port_is_taken() -> None:
    """No two servers share a port, on either loopback."""
    first = listen(0)
    port = first[0].getsockname()[1]
    assert {sock.getsockname()[1] for sock in first} == {port}
    with pytest.raises(OSError, match="in use") as refusal:
        listen(port)
    assert refusal.value.errno == errno.EADDRINUSE
    for sock in first:
        sock.close()

    for sock in listen(port):
        sock.close()


def test_timers_fire_in_the_order_they_are_due(loop: EventLoop) -> None:
    """Due time decides, then the order of setting; a cancelled one never fires."""
    fired: list[str] = []
    loop.clock.call_later(30, lambda: fired.append("late"))
    loop.clock.call_later(0, lambda: fired.append("first"))
    loop.clock.call_later(0, lambda: fired.append("second"))
    loop.clock.call_later(10, lambda: fired.append("cancelled")).cancel()
    assert fired == [], "a timer never fires at once"
    run_until(loop, lambda: "late" in fired)

    assert fired == ["first", "second", "late"]


def test_failing_callbacks_leave_the_loop_running(loop: EventLoop, caplog: pytest.LogCaptureFixture) -> None:
    """An exception in a timer, a callback or a handler is logged, and the rest goes on."""
    done: list[str] = []

    def fail(*_: object) -> None:
        raise RuntimeError(f"number {len(done)}")

    near, far = socket.socketpair()
    with near, far:
        loop.watch(near.fileno(), WRITABLE, lambda _: (loop.unwatch(near.fileno()), fail())[0])
        loop.call_soon(fail)
        loop.clock.call_later(0, fail)
        loop.clock.call_later(5, lambda: done.append("still here"))
        run_until(loop, lambda: done)

    assert caplog.text.count("RuntimeError: number 0") == 3


def test_changed_mask_decides_what_is_reported(loop: EventLoop) -> None:
    """A descriptor that waits for nothing stays silent, and speaks again when asked."""
    masks: list[int] = []
    turns: list[int] = []

    def count() -> None:
        turns.append(len(masks))
        loop.clock.call_later(0, count)

    near, far = socket.socketpair()
    with near, far:
        far.send(b"x")
        loop.watch(near.fileno(), 0, masks.append)
        count()
        loop.clock.call_later(5, lambda: loop.change(near.fileno(), READABLE | WRITABLE))
        run_until(loop, lambda: masks)
        loop.unwatch(near.fileno())

    assert turns.count(0) > 1
    assert masks[0] == READABLE | WRITABLE


def test_other_threads_wake_the_loop(loop: EventLoop) -> None:
    """A sleeping loop runs what another thread asks for."""
    seen: list[str] = []
    loop.call_soon(
        lambda: threading.Thread(target=loop.call_soon_threadsafe, args=[lambda: seen.append("thread")]).start()
    )
    run_until(loop, lambda: seen)
    assert seen == ["thread"]


@pytest.mark.skipif(os.name != "posix", reason="Windows has no signals between processes")
def test_signal_stops_the_loop(loop: EventLoop) -> None:
    """The handler runs in the loop, which sleeps without a timer otherwise."""
    previous = signal.getsignal(signal.SIGTERM)
    try:
        loop.on_signal(signal.SIGTERM, loop.stop)
        loop.call_soon(lambda: os.kill(os.getpid(), signal.SIGTERM))
        loop.run()
    finally:
        signal.signal(signal.SIGTERM, previous)


def test_lines_come_one_by_one_and_then_the_end(loop: EventLoop) -> None:
    """However the bytes arrive, each callback has one line; an empty one says that there will be no more."""
    reader, writer = os.pipe()
    lines: list[bytes] = []
    loop.on_lines(reader, lines.append)
    os.write(writer, b"one\ntwo\nthr")
    run_until(loop, lambda: len(lines) == 2)
    os.write(writer, b"ee\n")
    os.close(writer)
    run_until(loop, lambda: b"" in lines)
    os.close(reader)

    assert lines == [b"one\n", b"two\n", b"three\n", b""]


def test_writer_does_not_wait_for_its_reader(loop: EventLoop) -> None:
    """More than a pipe holds is taken at once, and arrives in order when somebody reads."""
    reader, writer = os.pipe()
    write = loop.writer(writer)
    sent = [bytes([65 + number]) * 100_000 for number in range(5)]
    for data in sent:
        write(data)
    arrived = bytearray()
    while len(arrived) < 500_000:
        arrived += os.read(reader, 65_536)
    is_same = arrived == b"".join(sent)
    assert is_same
    os.close(reader)
    os.close(writer)


def test_connect_reaches_who_listens_and_says_when_nobody_does(loop: EventLoop) -> None:
    """The socket can be written to when it has arrived; a refusal shows at once or at the first send."""
    (listener,) = listen_for_nodes(0)
    port = listener.getsockname()[1]
    masks: list[int] = []
    with connect(port) as client:
        loop.watch(client.fileno(), WRITABLE, masks.append)
        run_until(loop, lambda: masks)
        loop.unwatch(client.fileno())
        assert client.send(b"hello") == 5
    listener.close()

    masks.clear()
    with contextlib.suppress(ConnectionRefusedError), connect(port) as client:
        loop.watch(client.fileno(), WRITABLE, masks.append)
        run_until(loop, lambda: masks)
        loop.unwatch(client.fileno())
        with pytest.raises(OSError, match=r"refused|reset|[Bb]roken"):
            client.send(b"hello")


def test_cancelled_timers_do_not_pile_up() -> None:
    """Thousands of requests with long timeouts that end in time leave next to nothing behind."""
    clock = LoopClock(lambda callback: callback())
    keep = clock.call_later(60_000, lambda: None)
    for _ in range(10_000):
        clock.call_later(30_000, lambda: None).cancel()

    assert len(clock._timers) < 500  # noqa: SLF001 - memory is what this is about
    keep.cancel()
    assert clock.run_due() is None or clock.run_due()
