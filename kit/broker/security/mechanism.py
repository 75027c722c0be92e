"""What the mechanisms of SASL have in common."""

from __future__ import annotations

from typing import Protocol


class LoginRefused(Exception):
    """The client is not let in.

    Args:
        for_client: the reason as the client may know it; None for Kafka's sentence that tells nothing.
        reason: for the broker's log, when it is another.
    """

    def __init__(self, for_client: str | None, reason: str | None = None) -> None:
        super().__init__(reason or for_client)
        self.for_client = for_client


class Mechanism(Protocol):
    """The server's side of one login, sans-I/O.

    Attributes:
        user: who has come in; None until then.
    """

    user: str | None

    def answer(self, token: bytes) -> bytes:
        """Take a message of the client's; returns the answer.

        Raises:
            LoginRefused: that was it.
        """
