"""SASL PLAIN: name and password in one message, as they are.

Source: RFC 4616; Kafka class ``PlainSaslServer``, whose sentences clients get.
"""

from __future__ import annotations

from kit.broker.security.credentials import CredentialStore
from kit.broker.security.mechanism import LoginRefused


class PlainServer:
    """The server's side of one login."""

    def __init__(self, credentials: CredentialStore) -> None:
        self._credentials = credentials
        self.user: str | None = None

    def answer(self, token: bytes) -> bytes:
        """Take the client's only message; the answer is empty, and `user` has come in.

        Raises:
            LoginRefused: for the client's eyes, and no hint whether the user exists.
        """
        parts = token.decode("utf-8", "replace").split("\0")
        if len(parts) != 3:
            raise LoginRefused(f"Invalid SASL/PLAIN response: expected 3 tokens, got {len(parts)}")
        acts_as, user, password = parts
        if not user:
            raise LoginRefused("Authentication failed: username not specified")
        if not password:
            raise LoginRefused("Authentication failed: password not specified")
        if not self._credentials.accepts(user, password.encode()):
            raise LoginRefused("Authentication failed: Invalid username or password")
        if acts_as not in ("", user):
            raise LoginRefused(
                "Authentication failed: Client requested an authorization id that is different from username"
            )
        self.user = user
        return b""
