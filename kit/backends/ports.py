"""Ports on this computer that stay ours while nobody of ours listens on them, so that a killed broker finds its own."""

from __future__ import annotations

import errno
import socket
import sys

from kit.errors import StartError

# Where a port may be bound twice as long as one of the two does not listen. Elsewhere it is only looked for.
_CAN_KEEP = sys.platform == "linux"
_ATTEMPTS = 20  # a free IPv4 port may be taken on IPv6


class ReservedPort:
    """A port of the loopback, IPv4 and IPv6.

    Args:
        port: 0 for a free one.

    Raises:
        StartError: it is in use, or cannot be used.
    """

    def __init__(self, port: int = 0) -> None:
        self._sockets: list[socket.socket] = []
        for attempt in range(_ATTEMPTS):
            try:
                self._bind(port)
                break
            except OSError as error:
                self.release()
                if port or attempt == _ATTEMPTS - 1:
                    raise StartError(_refusal(port, error)) from error
        if not _CAN_KEEP:
            self.release()

    def release(self) -> None:
        """Let others have it; harmless when called again."""
        for sock in self._sockets:
            sock.close()
        self._sockets.clear()

    def _bind(self, port: int) -> None:
        self._sockets.append(_bound(socket.AF_INET, "127.0.0.1", port))
        self.port: int = self._sockets[0].getsockname()[1]
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


def _refusal(port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} is in use already, perhaps by another Kafka or by a cluster of another notebook: "
            "close that, or leave port out and the kit finds free ones."
        )
    return f"Port {port} cannot be used ({error.strerror}): choose another one above 1023."
