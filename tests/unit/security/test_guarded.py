"""Connections with TLS and with a login: over a real pair of sockets, with the loop played."""

from __future__ import annotations

import functools
import logging
import select
import socket
import ssl
import struct
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kit.backends.x509 import Authority, Validity
from kit.broker.broker import Peer
from kit.broker.clock import VirtualClock
from kit.broker.deferred import Deferred
from kit.broker.net.connection import READABLE, WRITABLE, Limits, Service
from kit.broker.net.framing import MemoryBudget
from kit.broker.net.guarded import LOGIN_FRAME_BYTES, LOGIN_TIMEOUT_MS, Guard
from kit.broker.net.tls import TlsError, server_context
from kit.broker.security.credentials import CredentialStore, salted
from kit.broker.security.sasl import SaslListener, guarded
from kit.broker.storage.files import FileRange, OpenFile
from kit.wire import codec
from kit.wire import messages as m

BIG_BYTES = 300_000  # more than a socket takes at once, and many TLS records
SASL_HANDSHAKE, SASL_AUTHENTICATE = 17, 36
# A key with a password, and for nothing but this test.
ENCRYPTED = """\
-----BEGIN ENCRYPTED PRIVATE KEY-----
MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAgsdSVZw2MTuAICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEJTvpwq8hZqoKyNXfjgm5pYEgZDr
FBnxqFi8o5Sr1F9xm2qfg+NxlKdgw/TdretP+XTT+IDRYGwSV/HfsS97wNEah5N5
8LHMiv+jdJdpX24shl4NWYmKxoVEFpGgiXkpU00NxPbzCbZfHrfvctP3l+S5NPf2
eTyaDMgEYY4s2weVLibwyZ3gce0qmjcFpt5NZmoeucxI3e59mNGwyZCaL6zjc1g=
-----END ENCRYPTED PRIVATE KEY-----
"""


class Papers:
    """Files of an authority, of a server that it vouches for, and of a client likewise."""

    def __init__(self, folder: Path) -> None:
        now = datetime.now(UTC)
        validity = Validity(now - timedelta(days=1), now + timedelta(days=1))
        authority = Authority("tests", validity)
        self.ca, self.certificate, self.key = (str(folder / name) for name in ("ca.pem", "cert.pem", "key.pem"))
        self.client = (str(folder / "client.pem"), str(folder / "client-key.pem"))
        texts = [authority.certificate, *authority.issue("localhost", ["localhost"], validity)]
        texts += authority.issue("ann, of the tests", [], validity)
        for path, text in zip((self.ca, self.certificate, self.key, *self.client), texts, strict=True):
            Path(path).write_text(text, encoding="ascii")

    def trusting(self, *, with_certificate: bool = False) -> ssl.SSLContext:
        """The context of a client that trusts the authority."""
        context = ssl.create_default_context(cafile=self.ca)
        if with_certificate:
            context.load_cert_chain(*self.client)
        return context


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> Papers:
    """Give certificates and keys."""
    return Papers(tmp_path_factory.mktemp("papers"))


def echo(frame: memoryview, _peer: Peer) -> Any:
    """A broker that answers with what it got."""
    return [struct.pack(">i", len(frame)) + bytes(frame)]


class Play:
    """A listener with a guard, in a loop that turns when the test says so."""

    def __init__(self, guard: Guard, receive: Callable[[memoryview, Peer], Any] = echo) -> None:
        self._handlers: dict[int, Callable[[int], None]] = {}
        self._masks: dict[int, int] = {}
        self._ready: list[Callable[[], None]] = []
        self.ends: list[socket.socket] = []
        self.guard = guard
        self.service = Service("broker 1", guarded(receive), MemoryBudget(100_000_000), Limits(), guard=guard)

    def connect(self) -> socket.socket:
        """The other end of a new connection, non-blocking."""
        ours, theirs = socket.socketpair()
        for sock in (ours, theirs):
            sock.setblocking(False)
        self.ends.append(theirs)
        self.guard.admit(self.service, self, ours, Peer("127.0.0.1", 50_000, "SSL"))
        return theirs

    def watch(self, fd: int, mask: int, handler: Callable[[int], None]) -> None:
        """Play the loop."""
        self._handlers[fd], self._masks[fd] = handler, mask

    def change(self, fd: int, mask: int) -> None:
        """Play the loop."""
        self._masks[fd] = mask

    def unwatch(self, fd: int) -> None:
        """Play the loop."""
        del self._handlers[fd], self._masks[fd]

    def call_soon(self, callback: Callable[[], None]) -> None:
        """Play the loop."""
        self._ready.append(callback)

    def turn(self) -> None:
        """One turn of the loop."""
        reading = [fd for fd, mask in self._masks.items() if mask & READABLE]
        writing = [fd for fd, mask in self._masks.items() if mask & WRITABLE]
        readable, writable, _ = select.select(reading, writing, [], 0)
        for fd in {*readable, *writable}:
            if fd in self._handlers:
                self._handlers[fd]((READABLE if fd in readable else 0) | (WRITABLE if fd in writable else 0))
        ready, self._ready = self._ready, []
        for callback in ready:
            callback()

    def is_idle(self) -> bool:
        """Whether a turn would do nothing: a loop that is not idle while nothing comes would spin."""
        writing = [fd for fd, mask in self._masks.items() if mask & WRITABLE]
        return not self._ready and not select.select([], writing, [], 0)[1]

    def close(self) -> None:
        """Close both ends of everything."""
        for connection in list(self.service.connections):
            connection.close("the test is over", logging.DEBUG)
        for sock in self.ends:
            sock.close()

    @property
    def peer(self) -> Peer:
        """The other end of the only connection."""
        (connection,) = self.service.connections
        return connection.peer


@pytest.fixture
def play(papers: Papers) -> Iterator[Play]:
    """Give a listener with TLS."""
    play = Play(Guard(tls=server_context(papers.certificate, papers.key, None), sasl=None))
    yield play
    play.close()


class TlsClient:
    """The client's end of TLS."""

    def __init__(self, play: Play, context: ssl.SSLContext, host: str = "localhost") -> None:
        self._play = play
        self.sock = context.wrap_socket(play.connect(), server_hostname=host, do_handshake_on_connect=False)
        play.ends.append(self.sock)
        self._until_done(self.sock.do_handshake)

    def _until_done(self, act: Callable[[], Any]) -> Any:
        for _ in range(10_000):
            try:
                return act()
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                self._play.turn()
        raise AssertionError("it came to no end")

    def send(self, data: bytes) -> None:
        """Send all of it."""
        num_sent = 0
        while num_sent < len(data):
            num_sent += self._until_done(functools.partial(self.sock.send, data[num_sent:]))

    def receive(self, num_bytes: int) -> bytes:
        """Receive so much."""
        data = bytearray()
        while len(data) < num_bytes:
            data += self._until_done(lambda: self.sock.recv(65_536)) or b"?" * num_bytes
        return bytes(data)


def framed(payload: bytes) -> bytes:
    """The payload behind its size."""
    return struct.pack(">i", len(payload)) + payload


@pytest.mark.parametrize("size", [1, 16_383, 16_384, 16_385, BIG_BYTES])
def test_frames_pass_both_ways(play: Play, papers: Papers, size: int) -> None:
    """Frames of any size, smaller and larger than a TLS record, come back as they went; then the loop rests."""
    client = TlsClient(play, papers.trusting())
    data = framed(bytes(range(256)) * (size // 256) + b"." * (size % 256)) * 2
    client.send(data)
    assert client.receive(len(data)) == data
    assert play.is_idle()
    assert play.guard.strangers == {}


def test_requests_behind_one_that_waits_are_not_forgotten(papers: Papers) -> None:
    """Frames that OpenSSL has decrypted are handled when the one in progress is done: no event tells of them."""
    waiting: list[Deferred[Any]] = []

    def receive(frame: memoryview, peer: Peer) -> Any:
        if bytes(frame) != b"wait":
            return echo(frame, peer)
        waiting.append(Deferred())
        return waiting[-1]

    play = Play(Guard(tls=server_context(papers.certificate, papers.key, None), sasl=None), receive)
    client = TlsClient(play, papers.trusting())
    rest = framed(b"x" * 9_000) * 8  # fills the 64 KiB of the buffer in the middle of the last TLS record
    client.send(framed(b"wait"))
    while not waiting:
        play.turn()
    for start in range(0, len(rest), 16_000):
        client.sock.send(rest[start : start + 16_000])
        for _ in range(3):
            play.turn()
    waiting[0].resolve([framed(b"done")])
    assert client.receive(len(rest) + 8) == framed(b"done") + rest
    play.close()


def test_parts_of_files_are_encrypted(papers: Papers, tmp_path: Path) -> None:
    """What plain connections send from file to socket is read and encrypted here."""
    path = tmp_path / "segment"
    content = bytes(range(256)) * 2_000
    path.write_bytes(content)
    reply = [struct.pack(">i", len(content)), FileRange(OpenFile(path), 0, len(content))]
    play = Play(Guard(tls=server_context(papers.certificate, papers.key, None), sasl=None), lambda *_: list(reply))
    client = TlsClient(play, papers.trusting())
    client.send(framed(b"please"))
    assert client.receive(4 + len(content))[4:] == content
    play.close()


def test_client_without_trust_is_one_line_in_the_log(
    play: Play, papers: Papers, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says who ended it and why, and the connection is gone."""
    with pytest.raises(ssl.SSLCertVerificationError):
        TlsClient(play, ssl.create_default_context())
    play.turn()
    assert play.service.connections == set()
    (line,) = caplog.messages
    assert "the client ended the TLS handshake: unknown ca" in line


_BROKEN_OFF = "the client broke off the TLS handshake, or garbled it"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", "does not speak TLS"),
        (framed(b"\0\x12\0\0\0\0\0\1\xff\xff"), "does not speak TLS"),
        (b"\0" * 100, "does not speak TLS"),
        (b"\xff" * 9, "does not speak TLS"),
        (b"\x16\x03\x01\0\x05hello", _BROKEN_OFF),
        (b"\x15\x03\x01\0\x02\x02P", _BROKEN_OFF),  # internal error: what kcat 1.7.1 sends when it gives up at once
    ],
)
def test_what_is_no_handshake_is_one_line_in_the_log(
    play: Play, data: bytes, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever does not begin TLS closes the connection, with advice where somebody else than TLS speaks."""
    sock = play.connect()
    sock.send(data)
    for _ in range(3):
        play.turn()
    assert play.service.connections == set()
    assert play.guard.strangers == {}
    (line,) = caplog.messages
    assert said in line


def test_certificate_of_the_client_says_who_it_is(papers: Papers, caplog: pytest.LogCaptureFixture) -> None:
    """With a client authority, a client with a certificate is known by it, and one without is refused."""
    play = Play(Guard(tls=server_context(papers.certificate, papers.key, papers.ca), sasl=None))
    client = TlsClient(play, papers.trusting(with_certificate=True))
    client.send(framed(b"x"))
    client.receive(5)
    assert play.peer.principal == "User:CN=ann\\, of the tests"
    stranger = TlsClient(play, papers.trusting())  # with TLS 1.3 it learns of its refusal later
    with pytest.raises(ssl.SSLError):
        stranger.receive(1)
    assert "showed no certificate" in caplog.messages[-1]
    play.close()


def test_login_that_takes_too_long_ends(play: Play, caplog: pytest.LogCaptureFixture) -> None:
    """A client that connects and says nothing has half a minute; one that came in has the usual ten."""
    play.connect()
    (connection,) = play.service.connections
    connection.housekeep(LOGIN_TIMEOUT_MS - 1)
    assert play.service.connections
    connection.housekeep(1)
    assert play.service.connections == set()
    assert "no TLS handshake within 30 seconds" in caplog.text


def test_strangers_are_few(play: Play, caplog: pytest.LogCaptureFixture) -> None:
    """When too many have not logged in, the oldest of them goes: newcomers still have a chance."""
    first = play.connect()
    for _ in range(249):
        play.connect()
    assert not _is_readable(first)
    play.connect()
    assert len(play.guard.strangers) == 250
    assert first.recv(1) == b""
    assert "the oldest of them" in caplog.text


def _is_readable(sock: socket.socket) -> bool:
    return bool(select.select([sock], [], [], 0)[0])


@pytest.fixture
def entrance() -> Iterator[tuple[Play, VirtualClock]]:
    """Give a listener with logins and without TLS, and its clock."""
    clock = VirtualClock()
    store = CredentialStore({"ann": salted("secret")})
    play = Play(Guard(tls=None, sasl=SaslListener(["PLAIN"], store, clock, 100)))
    yield play, clock
    play.close()


def _login(play: Play, password: str) -> socket.socket:
    sock = play.connect()
    for api_key, version, request in (
        (SASL_HANDSHAKE, 1, m.SaslHandshakeRequest(mechanism="PLAIN")),
        (SASL_AUTHENTICATE, 1, m.SaslAuthenticateRequest(auth_bytes=f"\0ann\0{password}".encode())),
    ):
        sock.send(bytes(codec.encode_request(api_key, version, 1, "tests", request)))
        play.turn()
    return sock


def test_failed_login_is_answered_late_and_closed(entrance: tuple[Play, VirtualClock], caplog: Any) -> None:
    """The error comes when the delay is over, then the end of the connection; nothing is left of it."""
    caplog.set_level(logging.INFO)
    play, clock = entrance
    sock = _login(play, "wrong")
    assert b"Invalid username" not in sock.recv(1_000)
    clock.advance(100)
    play.turn()
    assert b"Invalid username or password" in sock.recv(1_000)
    assert sock.recv(1) == b""
    assert (play.service.connections, play.guard.strangers, play.service.budget.used_bytes) == (set(), {}, 0)
    assert "authentication failed" in caplog.messages[-1]
    assert "wrong" not in caplog.text


def test_client_that_leaves_during_the_delay_is_forgotten(entrance: tuple[Play, VirtualClock]) -> None:
    """The connection goes at once, and its late answer goes nowhere."""
    play, clock = entrance
    _login(play, "wrong").close()
    play.turn()
    assert play.service.connections == set()
    clock.advance(100)
    play.turn()
    assert play.is_idle()


def test_large_frames_only_after_the_login(entrance: tuple[Play, VirtualClock], caplog: Any) -> None:
    """Before it a frame has to be small, so that strangers cost little memory; afterwards the usual limit holds."""
    play, _ = entrance
    play.connect().send(struct.pack(">i", LOGIN_FRAME_BYTES + 1))
    play.turn()
    assert play.service.connections == set()
    assert "the limit before a login" in caplog.text
    sock = _login(play, "secret")
    sock.recv(1_000)
    data = framed(b"x" * (LOGIN_FRAME_BYTES + 1))
    sock.send(data)
    play.turn()
    assert sock.recv(len(data)) == data
    assert play.guard.strangers == {}


def test_removed_user_is_disconnected(entrance: tuple[Play, VirtualClock]) -> None:
    """Every connection of that user closes, and nobody else's."""
    play, _ = entrance
    sock, stranger = _login(play, "secret"), play.connect()
    play.service.disconnect("bob")
    assert len(play.service.connections) == 2
    play.service.disconnect("ann")
    assert list(play.service.connections) == list(play.guard.strangers)
    sock.recv(1_000)
    assert sock.recv(1) == b""
    assert not _is_readable(stranger)


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        (("missing.pem", "key", None), "ssl_certificate='.*missing.pem' cannot be read"),
        (("certificate", "missing.pem", None), "ssl_key='.*missing.pem' cannot be read"),
        (("certificate", "client_key", None), "is not the key of"),
        (("key", "key", None), "no certificate and key in PEM form"),
        (("certificate", "key", "key"), "ssl_client_ca='.*' holds no certificate"),
        (("certificate", "encrypted.pem", None), "is encrypted"),
    ],
)
def test_files_that_cannot_be_used(
    papers: Papers, tmp_path: Path, files: tuple[str, str, str | None], sentence: str
) -> None:
    """One sentence names the file and what is wrong with it."""
    (tmp_path / "encrypted.pem").write_text(ENCRYPTED, encoding="ascii")
    known = {"certificate": papers.certificate, "key": papers.key, "client_key": papers.client[1]}
    paths = [None if name is None else known.get(name, str(tmp_path / name)) for name in files]
    with pytest.raises(TlsError, match=sentence):
        server_context(*paths)  # type: ignore[arg-type]
