"""What a node sees of the other nodes: requests that it sends them, and answers that may not come.

The links themselves are `kit.broker.fabric.Fabric` where all nodes share one event loop (real or simulated) and
`kit.broker.net.peers.PeerNetwork` where each node is a process of its own.
"""

from __future__ import annotations

from typing import Any, Protocol

from kit.broker.deferred import Deferred


class Network(Protocol):
    """The links of one node to the others, itself included."""

    @property
    def slack_ms(self) -> float:
        """How much longer than usual a request and its answer may take; 0 unless somebody slowed links down."""

    def call(
        self,
        target: int,
        api_key: int,
        request: Any,
        *,
        timeout_ms: float,
        api_version: int | None = None,
        client_id: str | None = None,
    ) -> Deferred[Any]:
        """Send a request to node ``target``; resolves with the response message, or with None.

        None means that it is not known what became of the request: the node is down, the link is cut, a request or a
        reply was lost, or ``timeout_ms`` passed. It never resolves before `call` has returned, and requests to one
        node arrive in the order in which they were sent.

        Args:
            api_version: None for the newest that the tables have.
            client_id: of the client whose request is passed on; None for a request of this node's own.
        """


class Receiver(Protocol):
    """A node as its links see it; see `kit.broker.node.Node`."""

    node_id: int

    def receive_call(
        self, source: int, api_key: int, api_version: int, request: Any, client_id: str | None
    ) -> Deferred[Any]:
        """Answer a request of another node; resolves with None when there is no answer."""
