"""Ports on this computer that stay ours while nobody of ours listens on them, so that a killed broker finds its own."""

from __future__ import annotations

import errno
import socket
import sys

from kit.errors import StartError

# Where a port may be bound twice as long as one of the two does not listen. Elsewhere it is only looked for.
_CAN_KEEP = sys.platform == "linux"
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_SOMEWHERE = ("192.0.2.1", 9)  # an address that nobody has (RFC 5737)
_ATTEMPTS = 20  # a free IPv4 port may be taken on IPv6


class ReservedPort:
    """A port of an address of this computer; for the loopback, of the one of IPv4 and the one of IPv6.

    Args:
        port: 0 for a free one.

    Raises:
        StartError: it is in use, or cannot be used.
    """

    def __init__(self, port: int = 0, host: str = "127.0.0.1") -> None:
        self._host = host
        self._sockets: list[socket.socket] = []
        for attempt in range(_ATTEMPTS):
            try:
                self._bind(port)
                break
            except OSError as error:
                self.release()
                if port or attempt == _ATTEMPTS - 1:
                    raise StartError(_refusal(host, port, error)) from error
            except UnicodeError as error:  # no computer can have that name
                raise StartError(_no_address(host)) from error
        if not _CAN_KEEP:
            self.release()

    def release(self) -> None:
        """Let others have it; harmless when called again."""
        for sock in self._sockets:
            sock.close()
        self._sockets.clear()

    def _bind(self, port: int) -> None:
        is_loopback = self._host in _LOOPBACK
        family, host = (socket.AF_INET, _LOOPBACK[0]) if is_loopback else _found(self._host)
        self._sockets.append(_bound(family, host, port))
        self.port: int = self._sockets[0].getsockname()[1]
        if not is_loopback:
            return
        try:
            self._sockets.append(_bound(socket.AF_INET6, "::1", self.port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise  # any other reason: there is no IPv6 here


def _bound(family: int, host: str, port: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        if sys.platform != "win32":  # there it would let two programs listen
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock


def _found(host: str) -> tuple[int, str]:
    family, _, _, _, address = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
    return family, str(address[0])


def own_address() -> str:
    """This computer's address in its network, as others there reach it.

    Raises:
        StartError: it is in none.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_SOMEWHERE)  # sends nothing: it only asks which way a packet would go
        except OSError as error:
            raise StartError(
                f"This computer is in no network that others could reach it by ({error.strerror}): connect it, or say "
                "with advertised_host= how clients reach it."
            ) from error
        address: str = probe.getsockname()[0]
        return address


def _no_address(host: str) -> str:
    return (
        f"host={host!r} is no address of this computer: '127.0.0.1' is for programs on this computer, and '0.0.0.0' is "
        "every address that it has."
    )


def _refusal(host: str, port: int, error: OSError) -> str:
    if isinstance(error, socket.gaierror) or error.errno in (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT):
        return _no_address(host)
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} is in use already, perhaps by another Kafka or by a cluster of another notebook: "
            "close that, or leave port out and the kit finds free ones."
        )
    return f"Port {port} cannot be used ({error.strerror}): choose another one above 1023."
