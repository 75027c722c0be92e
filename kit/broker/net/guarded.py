"""Connections that have to prove something first: that they speak TLS, who they are.

Until then a connection is a stranger: it may send small requests only, has not for ever, and there are not many of
them. With no guard a listener makes plain `Connection`s, which know nothing of all this.
"""

from __future__ import annotations

import logging
import ssl
from typing import Any

from kit.broker.broker import Peer
from kit.broker.net.connection import READABLE, WRITABLE, ClientSocket, Connection, Loop, Service
from kit.broker.net.tls import TlsOutbox, TlsSocket
from kit.broker.security.sasl import SaslListener, SaslLogin

LOGIN_TIMEOUT_MS = 30_000
LOGIN_FRAME_BYTES = 16_384  # Kafka allows sasl.server.max.receive.size, for tickets that our mechanisms do not have
_STRANGERS_SHARE = 4  # one in so many connections may be a stranger's
_FEWEST_STRANGERS = 16


class Guard:
    """What stands before one listener of one broker.

    Args:
        tls: the context of its TLS; None for none.
        sasl: its logins; None for none.
    """

    def __init__(self, *, tls: ssl.SSLContext | None, sasl: SaslListener | None) -> None:
        self.tls = tls
        self.sasl = sasl
        self.strangers: dict[GuardedConnection, None] = {}

    def admit(self, service: Service, loop: Loop, sock: Any, peer: Peer) -> None:
        """Take over an accepted, non-blocking socket.

        Raises:
            OSError: the client has gone again.
        """
        tls = None
        if self.tls is not None:
            tls = self.tls.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        most = max(_FEWEST_STRANGERS, service.limits.max_connections // _STRANGERS_SHARE)
        if len(self.strangers) >= most:
            oldest = next(iter(self.strangers))
            oldest.close(f"{most} connections have not logged in yet, and it is the oldest of them")
        GuardedConnection(self, service, loop, sock if tls is None else tls, peer)


class GuardedConnection(Connection):
    """A connection by a listener that has a guard."""

    def __init__(self, guard: Guard, service: Service, loop: Loop, sock: Any, peer: Peer) -> None:
        self._guard = guard
        self._stranger_ms = 0
        self._tls = None if guard.tls is None else TlsSocket(sock, self._established)
        inner: ClientSocket = sock if self._tls is None else self._tls  # type: ignore[assignment]
        super().__init__(service, loop, inner, peer)
        if self._tls is not None:
            self._outbox = TlsOutbox()
        if guard.sasl is not None:
            self._frames.limit(LOGIN_FRAME_BYTES, "the limit before a login")
            peer.login = SaslLogin(guard.sasl, self._came_in)
        guard.strangers[self] = None

    def close(self, reason: str, level: int = logging.WARNING) -> None:
        """Close the connection and log why; harmless when it is closed already."""
        self._guard.strangers.pop(self, None)
        super().close(reason, level)

    def housekeep(self, elapsed_ms: int) -> None:
        """As for every connection; and close it when its login takes too long."""
        if self in self._guard.strangers:
            self._stranger_ms += elapsed_ms
            if self._stranger_ms >= LOGIN_TIMEOUT_MS:
                what = "TLS handshake" if self._guard.sasl is None else "login"
                self.close(f"no {what} within {LOGIN_TIMEOUT_MS // 1000} seconds")
                return
        super().housekeep(elapsed_ms)

    def _established(self) -> None:
        """The TLS handshake is done."""
        if self._guard.sasl is None and self._tls is not None:
            self._peer.user = self._tls.client_name or self._peer.user
            self._came_in()

    def _came_in(self) -> None:
        self._guard.strangers.pop(self, None)
        self._frames.limit(self._service.limits.max_frame_bytes)

    # -- what TLS needs besides ----------------------------------------------------------------------------------

    def _on_event(self, mask: int) -> None:
        if mask & WRITABLE and self._tls is not None and self._tls.wants_write:
            mask |= READABLE  # the handshake goes on by reading
        super()._on_event(mask)

    def _read(self, mask: int) -> None:
        super()._read(mask)
        if self._tls is None or not self._is_open:
            return
        if self._tls.wants_write:
            self._wait_for(READABLE | WRITABLE)
        elif self._mask & WRITABLE and not self._is_blocked:
            self._wait_for(self._mask & ~WRITABLE)
        self._read_pending_soon()

    def _wait_for(self, mask: int) -> None:
        super()._wait_for(mask)
        self._read_pending_soon()

    def _read_pending_soon(self) -> None:
        """Read on what OpenSSL has decrypted already: the poller knows nothing of it."""
        if self._mask & READABLE and self._tls is not None and self._tls.has_pending:
            self._loop.call_soon(self._read_on)

    def _read_on(self) -> None:
        if self._is_open and self._mask & READABLE and self._tls is not None and self._tls.has_pending:
            self._on_event(READABLE)
