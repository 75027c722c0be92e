"""The links of one node to the others when each node is a process of its own: Kafka's protocol over TCP.

To every node there is one connection, opened when it is first needed. Requests go out one behind the other, and a reply
finds its request by the correlation id, so a Fetch that waits holds nothing else up. Rules for the file: nothing
resolves before `PeerNetwork.call` has returned; a connection that breaks answers all that was under way with None;
after a fault that loses messages nothing happens until the timeout, or until `PeerNetwork.reset_lost`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

from kit.broker.clock import Clock, Timer
from kit.broker.deferred import Deferred
from kit.broker.faults import Links
from kit.broker.net.connection import ClientSocket, Loop
from kit.broker.net.framing import MemoryBudget
from kit.broker.net.peer_link import LinkSettings, PeerLink
from kit.broker.network import Receiver
from kit.wire import codec

_TRIM_MS = 5_000
_REPLY_BYTES = 268_435_456  # receive buffers of all links together


class PeerNetwork:
    """`kit.broker.network.Network` over TCP.

    Args:
        ports: where each node listens for the others, by node id.
        secret: what all nodes of the cluster know and nobody else.
        loop: watches the sockets.
        links: what is wrong with the links, as this process knows it.
        connect: opens a socket, as `kit.broker.net.server.connect`.
    """

    def __init__(
        self,
        *,
        node_id: int,
        ports: Mapping[int, int],
        secret: bytes,
        loop: Loop,
        clock: Clock,
        links: Links,
        connect: Callable[[int], ClientSocket],
    ) -> None:
        self._node_id = node_id
        self._clock = clock
        self._ports = dict(ports)
        self._connect = connect
        self._settings = LinkSettings(node_id, secret, loop, clock, links, MemoryBudget(_REPLY_BYTES))
        self._node: Receiver | None = None
        self._links_to: dict[int, PeerLink] = {}
        self._trimmer: Timer = clock.call_later(_TRIM_MS, self._trim)

    def attach(self, node: Receiver) -> None:
        """Name the node that this network belongs to: calls to itself go there without a socket."""
        self._node = node

    @property
    def slack_ms(self) -> float:
        """How much longer than usual a request and its answer may take."""
        return self._settings.links.slack_ms

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
        """Send a request to a node; resolves with its response, or with None when none came.

        ``records`` in a response are views that are valid only until the callback returns.
        """
        version = codec.api(api_key).max_version if api_version is None else api_version
        if target == self._node_id:
            return self._call_self(api_key, version, request, client_id, timeout_ms)
        if target not in self._ports:
            answer: Deferred[Any] = Deferred()
            self._clock.call_soon(lambda: answer.resolve(None))
            return answer
        link = self._links_to.get(target)
        if link is None:
            link = self._links_to[target] = PeerLink(
                self._settings, target, functools.partial(self._connect, self._ports[target])
            )
        return link.call(api_key, version, request, client_id, timeout_ms)

    def _call_self(
        self, api_key: int, api_version: int, request: Any, client_id: str | None, timeout_ms: float
    ) -> Deferred[Any]:
        answer: Deferred[Any] = Deferred()
        timer = self._clock.call_later(timeout_ms, lambda: answer.resolve(None))
        answer.then(lambda _: timer.cancel())

        def arrive() -> None:
            if self._node is None:
                answer.resolve(None)
            else:
                reply = self._node.receive_call(self._node_id, api_key, api_version, request, client_id)
                reply.then(lambda response: self._clock.call_soon(lambda: answer.resolve(response)))

        self._clock.call_soon(arrive)
        return answer

    def reset_lost(self) -> None:
        """Links were mended: what was lost where nothing gets lost any more is found out now, not by a timeout."""
        for link in self._links_to.values():
            link.reset_lost()

    def close(self) -> None:
        """Close every connection; what is under way stays without an answer."""
        self._trimmer.cancel()
        self._node = None
        for link in self._links_to.values():
            link.close()
        self._links_to.clear()
        self._ports.clear()

    def _trim(self) -> None:
        for link in self._links_to.values():
            link.trim()
        self._trimmer = self._clock.call_later(_TRIM_MS, self._trim)
