"""The client's side of a SASL login, without I/O: what to send, given what the broker has sent.

Source: RFC 4616 (PLAIN); RFC 5802 and RFC 7677 (SCRAM); KIP-84 (SCRAM in Kafka, which normalizes no names).
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Generator

from kit.broker.security.credentials import HASHES

# More would keep this computer busy for long on the word of a broker that has not proved anything yet.
_MAX_ITERATIONS = 1_000_000
_NO_BINDING = b"n,,"

# Yields what to send, gets what came back, and returns when the login is complete.
Login = Generator[bytes, bytes, None]


class LoginRefused(Exception):
    """The broker's answers are not those of a broker that knows the password."""


def login(mechanism: str, username: str, password: str) -> Login:
    """The messages of one login.

    Raises:
        LoginRefused: while it runs: the broker refuses, or cannot prove that it knows the password.
    """
    if mechanism == "PLAIN":
        return _plain(username, password)
    return _scram(HASHES[mechanism], username, password)


def _plain(username: str, password: str) -> Login:
    yield b"\0".join([b"", username.encode(), password.encode()])


def _scram(hash_name: str, username: str, password: str) -> Login:
    nonce = base64.b64encode(secrets.token_bytes(24))
    name = username.replace("=", "=3D").replace(",", "=2C").encode()
    first = b"n=" + name + b",r=" + nonce
    server_first = yield _NO_BINDING + first
    fields = _fields(server_first)
    salt, iterations = base64.b64decode(fields.get("s", "")), int(fields.get("i", "0"))
    if not fields.get("r", "").encode().startswith(nonce) or not 0 < iterations <= _MAX_ITERATIONS:
        raise LoginRefused("its first answer makes no sense")
    salted = hashlib.pbkdf2_hmac(hash_name, password.encode(), salt, iterations)
    final = b"c=" + base64.b64encode(_NO_BINDING) + b",r=" + fields["r"].encode()
    signed = b",".join([first, server_first, final])
    client_key = hmac.digest(salted, b"Client Key", hash_name)
    signature = hmac.digest(hashlib.new(hash_name, client_key).digest(), signed, hash_name)
    proof = bytes(one ^ other for one, other in zip(client_key, signature, strict=True))
    fields = _fields((yield final + b",p=" + base64.b64encode(proof)))
    if "e" in fields:
        raise LoginRefused(fields["e"])
    expected = hmac.digest(hmac.digest(salted, b"Server Key", hash_name), signed, hash_name)
    if not hmac.compare_digest(base64.b64decode(fields.get("v", "")), expected):
        raise LoginRefused("it cannot prove that it knows the password itself")


def _fields(message: bytes) -> dict[str, str]:
    pairs = (part.partition("=") for part in message.decode(errors="replace").split(","))
    return {name: value for name, _, value in pairs}
