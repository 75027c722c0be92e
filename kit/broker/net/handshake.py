"""How two nodes of one cluster prove to one another that they are, before the first request.

Both know the cluster's secret, which never travels. Each end sends a random number, and each answers the other's with
a keyed hash over both numbers, so nothing that is overheard or sent to an impostor can be used again. Three frames::

    caller:  "kafka-kit node", its node id, its number
    called:  its number, its proof
    caller:  its proof, and requests right behind it

Apache Kafka leaves this to SASL or TLS on the listeners between brokers; the kit's nodes share a parent that can give
each a secret, so the kit needs neither users nor certificates.
"""

from __future__ import annotations

import hmac
import secrets
import struct

SECRET_BYTES = 32
NONCE_BYTES = 32
_PROOF_BYTES = 32  # of SHA-256
_SIZE = struct.Struct(">i")
_NODE_IDS = struct.Struct(">ii")
_HELLO = struct.Struct(f">14si{NONCE_BYTES}s")
_MAGIC = b"kafka-kit node"


class HandshakeError(Exception):
    """The other end is no node of this cluster, or another one than it should be."""


class Caller:
    """The end that opens the connection.

    Args:
        source: this node's id.
        target: the id of the node that should be at the other end.
    """

    def __init__(self, secret: bytes, source: int, target: int) -> None:
        self._secret = secret
        self._node_ids = (source, target)
        self._nonce = secrets.token_bytes(NONCE_BYTES)

    def hello(self) -> bytes:
        """The first frame, with its size."""
        return _framed(_HELLO.pack(_MAGIC, self._node_ids[0], self._nonce))

    def answer(self, frame: memoryview) -> bytes:
        """The frame that answers what the called end sent first.

        Raises:
            HandshakeError: the other end does not know the secret, or is another node.
        """
        nonces = self._nonce + bytes(frame[:NONCE_BYTES])
        if not hmac.compare_digest(_proof(self._secret, b"called", self._node_ids, nonces), bytes(frame[NONCE_BYTES:])):
            raise HandshakeError(f"what answers for node {self._node_ids[1]} does not know the cluster's secret")
        return _framed(_proof(self._secret, b"caller", self._node_ids, nonces))


class Called:
    """The end that accepts the connection.

    Args:
        target: this node's id.
        hello: the first frame of the connection.

    Raises:
        HandshakeError: it is no such frame.
    """

    def __init__(self, secret: bytes, target: int, hello: memoryview) -> None:
        if len(hello) != _HELLO.size:
            raise HandshakeError("only nodes of this cluster may speak here, and they introduce themselves first")
        magic, source, caller_nonce = _HELLO.unpack(hello)
        if magic != _MAGIC:
            raise HandshakeError("only nodes of this cluster may speak here, and they introduce themselves first")
        self.source: int = source
        self._secret = secret
        self._node_ids = (source, target)
        self._own_nonce = secrets.token_bytes(NONCE_BYTES)
        self._nonces = caller_nonce + self._own_nonce

    def challenge(self) -> bytes:
        """The frame that answers the caller's first."""
        return _framed(self._own_nonce + _proof(self._secret, b"called", self._node_ids, self._nonces))

    def check(self, frame: memoryview) -> None:
        """Check the caller's second frame.

        Raises:
            HandshakeError: the caller does not know the secret.
        """
        if not hmac.compare_digest(_proof(self._secret, b"caller", self._node_ids, self._nonces), bytes(frame)):
            raise HandshakeError(f"a peer that calls itself node {self.source} does not know the cluster's secret")


def _proof(secret: bytes, who: bytes, node_ids: tuple[int, int], nonces: bytes) -> bytes:
    return hmac.digest(secret, who + _NODE_IDS.pack(*node_ids) + nonces, "sha256")


def _framed(payload: bytes) -> bytes:
    return _SIZE.pack(len(payload)) + payload
