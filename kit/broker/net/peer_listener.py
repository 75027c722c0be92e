"""The listener that only the nodes of the cluster may speak to: each connection begins with their handshake.

The opposite end of `kit.broker.net.peers`. What clients must not send, such as votes, changes of in-sync replicas and
fetches of replicas, is served here and on no other listener.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kit.broker.broker import Chunks, InvalidRequest, Peer
from kit.broker.deferred import Deferred
from kit.broker.net.connection import Limits, Service
from kit.broker.net.framing import MemoryBudget
from kit.broker.net.handshake import Called, HandshakeError
from kit.broker.net.peer_link import NO_ANSWER
from kit.broker.network import Receiver
from kit.wire import codec


@dataclass(slots=True, eq=False)
class NodePeer(Peer):
    """The other end of one connection to this listener.

    Attributes:
        handshake: under way, or None before it began.
        node_id: which node it has proven to be; None before it did.
    """

    handshake: Called | None = None
    node_id: int | None = None

    def __str__(self) -> str:
        name = "a stranger" if self.node_id is None else f"node {self.node_id}"
        return f"{name} at {self.client_host}:{self.client_port}"


class PeerListener:
    """Hands the requests of other nodes to a node.

    Args:
        secret: what all nodes of the cluster know and nobody else.
    """

    def __init__(self, node: Receiver, secret: bytes) -> None:
        self._node = node
        self._secret = secret

    def service(self, limits: Limits, budget: MemoryBudget) -> Service:
        """What the connections of this listener share."""
        name = f"node {self._node.node_id}'s listener for nodes"
        return Service(name, self.receive, budget, limits, in_order=False, peer_class=NodePeer)

    def receive(self, frame: memoryview, peer: Peer) -> Chunks | Deferred[Chunks | None] | None:
        """Answer one frame, as `kit.broker.broker.Broker.receive`.

        Raises:
            InvalidRequest: the peer is no node of this cluster, or its bytes make no sense.
        """
        if not isinstance(peer, NodePeer):
            raise TypeError(f"{peer} did not come through this listener's service")
        if peer.node_id is None:
            return self._shake_hands(frame, peer)
        try:
            header, body_offset = codec.decode_request_header(frame)
            request = codec.decode_request(header.api_key, header.api_version, frame, body_offset)
        except codec.DecodeError as error:
            raise InvalidRequest(f"a request of another node cannot be decoded: {error}") from error
        answer = self._node.receive_call(peer.node_id, header.api_key, header.api_version, request, header.client_id)
        if answer.done:
            return _encode(header, answer.value)
        chunks: Deferred[Chunks | None] = Deferred()
        answer.then(lambda response: chunks.resolve(_encode(header, response)))
        return chunks

    def _shake_hands(self, frame: memoryview, peer: NodePeer) -> Chunks | None:
        try:
            if peer.handshake is None:
                peer.handshake = Called(self._secret, self._node.node_id, frame)
                return [peer.handshake.challenge()]
            peer.handshake.check(frame)
        except HandshakeError as error:
            raise InvalidRequest(str(error)) from error
        peer.node_id = peer.handshake.source
        return None


def _encode(header: codec.RequestHeader, response: Any) -> Chunks:
    if response is None:  # the caller shall not wait for its timeout
        return [NO_ANSWER.pack(NO_ANSWER.size - 4, header.correlation_id)]
    return codec.encode_response(header.api_key, header.api_version, header.correlation_id, response)
