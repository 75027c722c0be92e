"""The client's side of SCRAM, written from RFC 5802 alone, to play against the server's."""

from __future__ import annotations

import base64
import hashlib
import hmac

HASHES = {"SCRAM-SHA-256": "sha256", "SCRAM-SHA-512": "sha512"}


class ScramClient:
    """One login.

    Args:
        gs2: the header about channel binding and the authorization id.
    """

    def __init__(self, mechanism: str, name: str, password: str, nonce: str = "fyko", gs2: str = "n,,") -> None:
        self._hash = HASHES[mechanism]
        self._password = password.encode()
        self._gs2 = gs2
        self._bare = f"n={name.replace('=', '=3D').replace(',', '=2C')},r={nonce}"
        self._signature = b""

    def first(self) -> bytes:
        """The first message."""
        return (self._gs2 + self._bare).encode()

    def final(self, server_first: bytes, *, nonce: str | None = None, binding: str | None = None) -> bytes:
        """The final message, in answer to the server's first.

        Args:
            nonce, binding: false ones to send.
        """
        values = dict(part.split("=", 1) for part in server_first.decode().split(","))
        salted = hashlib.pbkdf2_hmac(self._hash, self._password, base64.b64decode(values["s"]), int(values["i"]))
        channel = base64.b64encode((self._gs2 if binding is None else binding).encode()).decode()
        without_proof = f"c={channel},r={values['r'] if nonce is None else nonce}"
        message = f"{self._bare},{server_first.decode()},{without_proof}".encode()
        client_key = hmac.digest(salted, b"Client Key", self._hash)
        signature = hmac.digest(hashlib.new(self._hash, client_key).digest(), message, self._hash)
        proof = bytes(a ^ b for a, b in zip(client_key, signature, strict=True))
        self._signature = hmac.digest(hmac.digest(salted, b"Server Key", self._hash), message, self._hash)
        return f"{without_proof},p={base64.b64encode(proof).decode()}".encode()

    def trusts(self, server_final: bytes) -> bool:
        """Whether the server has proved that it knows the password too."""
        return server_final == b"v=" + base64.b64encode(self._signature)
