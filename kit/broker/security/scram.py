"""SCRAM: both sides prove that they know the password, and nobody who listens learns it.

    client   n,,n=ann,r=NONCE                          server   r=NONCE+MORE,s=SALT,i=4096
    client   c=biws,r=NONCE+MORE,p=PROOF               server   v=SIGNATURE

Without channel binding, as in Kafka. A user that does not exist gets as far as the second step, where a wrong password
fails too. Source: RFC 5802, RFC 7677; Kafka class ``ScramSaslServer``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets

from kit.broker.security.credentials import HASHES, CredentialStore
from kit.broker.security.mechanism import LoginRefused

# gs2-header [authzid] [reserved-mext] username nonce [extensions]; a nonce is printable, without a comma.
_FIRST = re.compile(
    r"(?P<gs2>(?P<flag>n|y|p=[A-Za-z0-9.-]+),(?:a=(?P<acts_as>[^,\0]+))?,)"
    r"(?P<bare>(?P<mandatory>m=[^,\0]*,)?n=(?P<name>[^,\0]+),r=(?P<nonce>[\x21-\x2b\x2d-\x7e]+)(?:,[A-Za-z]=[^,\0]+)*)"
)
_FINAL = re.compile(
    r"(?P<without_proof>c=(?P<binding>[A-Za-z0-9+/=]+),r=(?P<nonce>[\x21-\x2b\x2d-\x7e]+)(?:,[A-Za-z]=[^,\0]+)*)"
    r",p=(?P<proof>[A-Za-z0-9+/=]+)"
)
_ESCAPE = re.compile(r"=(2C|3D|)")
_NONCE_BYTES = 24


class ScramServer:
    """The server's side of one login.

    Args:
        mechanism: SCRAM-SHA-256 or SCRAM-SHA-512.
        nonce: what the server adds to the client's; None for chance.
    """

    def __init__(self, mechanism: str, credentials: CredentialStore, nonce: str | None = None) -> None:
        self._mechanism = mechanism
        self._hash = HASHES[mechanism]
        self._credentials = credentials
        self._more = secrets.token_urlsafe(_NONCE_BYTES) if nonce is None else nonce
        self._first: re.Match[str] | None = None
        self._server_first = ""
        self._nonce = ""
        self._name = ""
        self.user: str | None = None

    def answer(self, token: bytes) -> bytes:
        """Take the client's first or final message; returns the server's.

        Raises:
            LoginRefused: the message is none, or the proof is wrong.
        """
        if self.user is not None:
            raise LoginRefused(None, "a SCRAM message after the last one")
        try:
            text = token.decode("utf-8")
        except UnicodeDecodeError:
            raise LoginRefused(None, "a SCRAM message is not UTF-8") from None
        return (self._begin(text) if self._first is None else self._end(self._first, text)).encode()

    def _begin(self, text: str) -> str:
        first = _FIRST.fullmatch(text)
        if first is None:
            raise LoginRefused(None, "the client's first SCRAM message makes no sense")
        if first["flag"].startswith("p"):
            raise LoginRefused(None, "the client wants channel binding, which Kafka's mechanisms do not have")
        if first["mandatory"] is not None:
            raise LoginRefused(None, "the client wants a SCRAM extension that is unknown here")
        self._name = _decoded(first["name"])
        if first["acts_as"] is not None and _decoded(first["acts_as"]) != self._name:
            raise LoginRefused(
                "Authentication failed: Client requested an authorization id that is different from username"
            )
        known = self._credentials.scram(self._name, self._mechanism)
        self._first = first
        self._nonce = first["nonce"] + self._more
        self._server_first = f"r={self._nonce},s={base64.b64encode(known.salt).decode()},i={known.iterations}"
        return self._server_first

    def _end(self, first: re.Match[str], text: str) -> str:
        final = _FINAL.fullmatch(text)
        if final is None:
            raise LoginRefused(None, "the client's final SCRAM message makes no sense")
        if _from_base64(final["binding"]) != first["gs2"].encode():
            raise LoginRefused(None, "the client's final SCRAM message is about another channel")
        if not hmac.compare_digest(final["nonce"].encode(), self._nonce.encode()):
            raise LoginRefused(None, "Invalid client nonce in the final client message.")
        known = self._credentials.scram(self._name, self._mechanism)  # as of now: it may have been removed
        message = f"{first['bare']},{self._server_first},{final['without_proof']}".encode()
        client_signature = hmac.digest(known.stored_key, message, self._hash)
        proof = _from_base64(final["proof"])
        client_key = bytes(ours ^ theirs for ours, theirs in zip(client_signature, proof, strict=False))
        is_right = hmac.compare_digest(hashlib.new(self._hash, client_key).digest(), known.stored_key)
        if not is_right or len(proof) != len(client_signature) or self._name not in self._credentials:
            raise LoginRefused(None, "Invalid client credentials")
        self.user = self._name
        return f"v={base64.b64encode(hmac.digest(known.server_key, message, self._hash)).decode()}"


def _decoded(name: str) -> str:
    """A saslname without its escapes. Source: RFC 5802 section 5.1."""

    def plain(escape: re.Match[str]) -> str:
        if not escape[1]:
            raise LoginRefused(None, "a name in a SCRAM message has a wrong escape")
        return "," if escape[1] == "2C" else "="

    return _ESCAPE.sub(plain, name)


def _from_base64(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise LoginRefused(None, "a SCRAM message has wrong base64") from None
