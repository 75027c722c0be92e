"""Sockets: listening, accepting, connecting. Only this file of the broker and `kit.broker.net.loop` know them."""

from __future__ import annotations

import errno
import functools
import logging
import os
import socket
from typing import Any

from kit.broker.broker import Peer
from kit.broker.clock import Timer
from kit.broker.net.connection import READABLE, Connection, Service
from kit.broker.net.guarded import Guard
from kit.broker.net.loop import EventLoop

log = logging.getLogger(__name__)

LOOPBACK = ("127.0.0.1", "::1")  # librdkafka may take "localhost" for either
_BACKLOG = 512
_ACCEPTS_PER_TURN = 64
_HOUSEKEEPING_MS = 5_000
_ACCEPT_PAUSE_MS = 200
_UNDER_WAY = (errno.EINPROGRESS, errno.EWOULDBLOCK, getattr(errno, "WSAEWOULDBLOCK", errno.EWOULDBLOCK))
_OUT_OF_RESOURCES = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}


def listen_for_nodes(port: int) -> list[socket.socket]:
    """Listen on a port that only the nodes of the cluster connect to, as `connect` does.

    Raises:
        OSError: as `listen`.
    """
    return [_listening(socket.AF_INET, LOOPBACK[0], port)]


def listen(port: int, host: str = LOOPBACK[0]) -> list[socket.socket]:
    """Listen on one port of an address; of the IPv4 loopback and, where it exists, of the IPv6 loopback for either.

    Clients that connect before `Server.start` wait in the backlog.

    Args:
        port: 0 for a free one, the same for both.

    Raises:
        OSError: EADDRINUSE, EACCES and the like; ``filename`` is not set, so say yourself which port it was.
    """
    if host not in (*LOOPBACK, "localhost"):
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return [_listening(family, str(address[0]), port)]
    for _ in range(20):  # a free IPv4 port may be taken on IPv6
        first = _listening(socket.AF_INET, LOOPBACK[0], port)
        chosen: int = first.getsockname()[1]
        try:
            return [first, _listening(socket.AF_INET6, LOOPBACK[1], chosen)]
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                return [first]  # no IPv6 here
            first.close()
            if port:
                raise
    raise OSError(errno.EADDRINUSE, "no port is free on both 127.0.0.1 and ::1")


def is_unknown_name(error: OSError) -> bool:
    """Whether nobody knows an address for the host's name."""
    return isinstance(error, socket.gaierror)


def connect(port: int) -> socket.socket:
    """A non-blocking socket on its way to a port of the IPv4 loopback; when it can be written to, it has arrived.

    Raises:
        OSError: nobody listens there. It may also show in the first ``send``.
    """
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        error = sock.connect_ex((LOOPBACK[0], port))
        if error not in (0, *_UNDER_WAY):
            raise OSError(error, os.strerror(error))
    except OSError:
        sock.close()
        raise
    return sock


def _listening(family: int, host: str, port: int) -> socket.socket:
    sock = _bound(family, host, port)
    try:
        sock.listen(_BACKLOG)  # only now is the port ours: two programs can bind one that neither listens on
    except OSError:
        sock.close()
        raise
    return sock


def _bound(family: int, host: str, port: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name == "nt":  # there SO_REUSEADDR would let two programs share the port
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)  # type: ignore[attr-defined,unused-ignore]
        else:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((host, port))
        sock.setblocking(False)
    except OSError:
        sock.close()
        raise
    return sock


class ClientPort:
    """The port of one broker, which comes and goes: who connects while it is down is refused.

    The port stays taken meanwhile, as far as the operating system has a way to, so that the broker finds it again.

    Args:
        sockets: listening ones, as `listen` makes them.
    """

    def __init__(self, loop: EventLoop, service: Service, sockets: list[socket.socket]) -> None:
        self._loop = loop
        self._service = service
        self._sockets = sockets
        self._addresses = [(sock.family, *sock.getsockname()[:2]) for sock in sockets]
        self._server: Server | None = None
        self._is_listening = True

    def open(self) -> None:
        """Let clients in.

        Raises:
            OSError: another program has taken the port meanwhile.
        """
        if not self._is_listening:
            for sock in self._sockets:
                sock.close()
            self._sockets = [_listening(*address) for address in self._addresses]
            self._is_listening = True
        self._server = Server(self._loop, self._service, self._sockets)
        self._server.start()

    def close(self) -> None:
        """Disconnect every client at once, and refuse them from now on."""
        if self._server is not None:
            self._server.close()
            self._server = None
            self._is_listening = False
            self._sockets = [sock for address in self._addresses if (sock := _held(*address)) is not None]

    def release(self) -> None:
        """`close`, and give the port away."""
        self.close()
        for sock in self._sockets:
            sock.close()


def _held(family: int, host: str, port: int) -> socket.socket | None:
    """A socket that has the port without listening, so that nobody else gets it by chance."""
    try:
        return _bound(family, host, port)
    except OSError:  # Windows, as long as a connection lingers
        return None


class Server:
    """Accepts the connections of one broker.

    Args:
        sockets: listening ones, as `listen` makes them.
    """

    def __init__(self, loop: EventLoop, service: Service, sockets: list[socket.socket]) -> None:
        self._loop = loop
        self._service = service
        self._sockets = sockets
        self._housekeeping: Timer | None = None

    def start(self) -> None:
        """Accept connections from now on."""
        for sock in self._sockets:
            self._loop.watch(sock.fileno(), READABLE, functools.partial(self._accept, sock))
        self._housekeeping = self._loop.clock.call_later(_HOUSEKEEPING_MS, self._housekeep)

    def close(self) -> None:
        """Close every connection and stop listening."""
        if self._housekeeping is not None:
            self._housekeeping.cancel()
        for sock in self._sockets:
            self._loop.unwatch(sock.fileno())
            sock.close()
        for connection in list(self._service.connections):
            connection.close("the broker is gone", logging.INFO)

    def _housekeep(self) -> None:
        for connection in list(self._service.connections):
            connection.housekeep(_HOUSEKEEPING_MS)
        self._housekeeping = self._loop.clock.call_later(_HOUSEKEEPING_MS, self._housekeep)

    def _accept(self, listener: socket.socket, _mask: int) -> None:
        for _ in range(_ACCEPTS_PER_TURN):
            try:
                sock, address = listener.accept()
            except BlockingIOError:
                return
            except OSError as error:
                self._accept_failed(listener, error)
                return
            self._open(sock, address)

    def _accept_failed(self, listener: socket.socket, error: OSError) -> None:
        log.warning("%s cannot accept a connection: %s", self._service.name, error)
        if error.errno in _OUT_OF_RESOURCES:  # the listener stays readable: look away, or the loop would spin
            fd = listener.fileno()
            self._loop.change(fd, 0)
            self._loop.clock.call_later(_ACCEPT_PAUSE_MS, lambda: self._accept_again(listener))

    def _accept_again(self, listener: socket.socket) -> None:
        if listener.fileno() >= 0:
            self._loop.change(listener.fileno(), READABLE)

    def _open(self, sock: socket.socket, address: tuple[Any, ...]) -> None:
        service = self._service
        peer = service.peer_class(client_host=address[0], client_port=address[1], listener=service.listener)
        if len(self._service.connections) >= self._service.limits.max_connections:
            log.warning("%s refuses %s: max.connections=%d", self._service.name, peer, len(self._service.connections))
            sock.close()
            return
        try:
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for option, num_bytes in (
                (socket.SO_SNDBUF, self._service.limits.send_buffer_bytes),
                (socket.SO_RCVBUF, self._service.limits.receive_buffer_bytes),
            ):
                if num_bytes > 0:
                    sock.setsockopt(socket.SOL_SOCKET, option, num_bytes)
        except OSError as error:  # the client has gone again (macOS says EINVAL)
            log.info("%s lost %s at once: %s", self._service.name, peer, error)
            sock.close()
            return
        if service.guard is None:
            Connection(service, self._loop, sock, peer)
        else:
            self._admit(service.guard, sock, peer)

    def _admit(self, guard: Guard, sock: socket.socket, peer: Peer) -> None:
        try:
            guard.admit(self._service, self._loop, sock, peer)
        except OSError as error:
            log.info("%s lost %s at once: %s", self._service.name, peer, error)
            sock.close()
