"""The links between clients and brokers: what is lost and delayed there, and what hooks decide.

As long as nothing is wrong and no hook is set, requests do not come by here. Otherwise each comes by way of its link
(lost, delayed), then of the hooks for its API, then it is served, and the reply takes the link back. A connection
whose request or reply was lost stays silent, as over a real network: its client waits until its own timeout, or until
`ClientLinks.reset_lost` tells it.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from kit.broker.broker import DISCONNECT, PRODUCE, Broker, Chunks, InvalidRequest, Peer
from kit.broker.clock import Clock, NodeClock
from kit.broker.deferred import Deferred
from kit.broker.faults import Links
from kit.broker.refusals import refusal
from kit.wire import codec
from kit.wire.errors import ErrorCode

log = logging.getLogger(__name__)

DROP = "drop"
_INDEXES = ("partition_index", "index", "partition")

Hook = Callable[[Mapping[str, Any]], Deferred[Any]]
"""Gets ``{"broker_id", "client_id", "partitions": [(topic, partition), ...]}``; resolves with a verdict: None (no
opinion), "drop" (nobody answers), milliseconds of delay, or the name of the error that is the answer."""


class RequestHooks:
    """The hooks of a cluster, by API; the first one with an opinion decides."""

    def __init__(self) -> None:
        self._hooks: dict[int, list[Hook]] = {}

    def __bool__(self) -> bool:
        return bool(self._hooks)

    def add(self, api_key: int, hook: Hook) -> Callable[[], None]:
        """Ask ``hook`` about every request of one API that a client sends; returns what ends that."""
        self._hooks.setdefault(api_key, []).append(hook)

        def remove() -> None:
            hooks = self._hooks.get(api_key, [])
            if hook in hooks:
                hooks.remove(hook)
            if not hooks:
                self._hooks.pop(api_key, None)

        return remove

    def has(self, api_key: int) -> bool:
        """Whether anybody is to be asked about an API."""
        return api_key in self._hooks

    def decide(self, api_key: int, described: Mapping[str, Any]) -> Deferred[Any]:
        """Ask one hook after the other; resolves with the first verdict that is not None."""
        verdict, waiting = Deferred[Any](), iter(list(self._hooks.get(api_key, [])))

        def ask(opinion: Any) -> None:
            hook = next(waiting, None)
            if opinion is not None or hook is None:
                verdict.resolve(opinion)
            else:
                hook(described).then(ask)

        ask(None)
        return verdict


class Serving(Protocol):
    """A node as its clients' links see it; see `kit.broker.node.Node`."""

    node_id: int
    clock: NodeClock
    broker: Broker | None


@dataclass(slots=True)
class _Request:
    node: Serving
    header: codec.RequestHeader
    body_offset: int
    frame: memoryview
    peer: Peer
    answer: Deferred[Chunks | None]


class ClientLinks:
    """The links of all clients to all brokers of a cluster.

    Args:
        links: what is wrong with them.
        clock: the time of the cluster, which passes for a message whatever becomes of its broker.
    """

    def __init__(self, links: Links, clock: Clock) -> None:
        self._links = links
        self._hooks = RequestHooks()
        self._clock = clock
        self._lost: list[Deferred[Chunks | None]] = []

    @property
    def is_quiet(self) -> bool:
        """Whether nothing happens to a request here, so that it can do without `receive`."""
        return self._links.is_quiet and not self._hooks

    def add_hook(self, api_key: int, hook: Hook) -> Callable[[], None]:
        """See `RequestHooks.add`."""
        return self._hooks.add(api_key, hook)

    def receive(self, node: Serving, frame: memoryview, peer: Peer) -> Chunks | Deferred[Chunks | None] | None:
        """Take one frame of a client on its way to a broker; see `kit.broker.broker.Broker.receive`."""
        try:
            header, body_offset = codec.decode_request_header(frame)
        except codec.DecodeError:
            return _broker(node).receive(frame, peer)  # which knows what to say
        request = _Request(node, header, body_offset, memoryview(bytearray(frame)), peer, Deferred())
        self._carry(request, is_reply=False, then=lambda: node.clock.run(lambda: self._ask_hooks(request)))
        return request.answer

    def reset_lost(self) -> None:
        """Close every connection on which something was lost: the network was healed."""
        lost, self._lost = self._lost, []
        for answer in lost:
            answer.resolve(DISCONNECT)

    def _carry(self, request: _Request, *, is_reply: bool, then: Callable[[], None]) -> None:
        """Let a message take the link, if it gets through."""
        ends: tuple[int | str, int | str] = (request.header.client_id or "", request.node.node_id)
        source, target = reversed(ends) if is_reply else ends
        if self._links.is_quiet:
            self._clock.call_soon(then)
        elif self._links.passes(source, target, api_key=request.header.api_key, is_reply=is_reply):
            self._clock.call_later(self._links.delay_ms(source, target), then)
        else:
            self._lost.append(request.answer)

    def _ask_hooks(self, request: _Request) -> None:
        header, broker = request.header, _broker(request.node)
        if not self._hooks.has(header.api_key):
            self._serve(request)
            return
        try:
            message = codec.decode_request(header.api_key, header.api_version, request.frame, request.body_offset)
        except codec.DecodeError:
            self._serve(request)
            return
        partitions = list(named_partitions(message, broker.image.topic_names.get))
        described = {"broker_id": request.node.node_id, "client_id": header.client_id, "partitions": partitions}
        verdict = self._hooks.decide(header.api_key, described)
        verdict.then(lambda opinion: self._obey(request, message, opinion))

    def _obey(self, request: _Request, message: Any, verdict: Any) -> None:
        clock = request.node.clock
        if verdict is None:
            clock.run(lambda: self._serve(request))
        elif verdict == DROP:
            self._lost.append(request.answer)
        elif isinstance(verdict, str):
            self._reply(request, _refused(request.header, message, ErrorCode[verdict]))
        else:
            clock.call_later(verdict, lambda: self._serve(request))

    def _serve(self, request: _Request) -> None:
        try:
            reply = _broker(request.node).receive(request.frame, request.peer)
        except InvalidRequest as error:
            log.warning("broker %d closes the connection from %s: %s", request.node.node_id, request.peer, error)
            request.answer.resolve(DISCONNECT)
            return
        if isinstance(reply, Deferred):
            reply.then(lambda chunks: self._reply(request, chunks))
        else:
            self._reply(request, reply)

    def _reply(self, request: _Request, chunks: Chunks | None) -> None:
        if chunks is None:  # there is nothing to carry
            request.answer.resolve(None)
        else:
            self._carry(request, is_reply=True, then=lambda: request.answer.resolve(chunks))


def _broker(node: Serving) -> Broker:
    if node.broker is None:
        raise InvalidRequest(f"node {node.node_id} is no broker")
    return node.broker


def named_partitions(request: Any, topic_name: Callable[[uuid.UUID], str | None]) -> Iterator[tuple[str, int]]:
    """The (topic, partition) pairs that a request of any API names."""
    for topic in _structs(request):
        name = getattr(topic, "name", None) or getattr(topic, "topic", None)
        if not name and hasattr(topic, "topic_id"):
            name = topic_name(topic.topic_id)
        if isinstance(name, str):
            yield from ((name, index) for index in _indexes(topic))


def _indexes(topic: Any) -> Iterator[int]:
    for partition in _structs(topic):
        yield from (getattr(partition, field) for field in _INDEXES if hasattr(partition, field))
    yield from getattr(topic, "partition_indexes", None) or ()


def _structs(message: Any) -> Iterator[Any]:
    for field in message.SCHEMA.fields:
        if field.array and field.struct is not None:
            yield from getattr(message, field.name) or ()


def _refused(header: codec.RequestHeader, message: Any, error: ErrorCode) -> Chunks | None:
    if header.api_key == PRODUCE and message.acks == 0:
        return None
    response = refusal(header.api_key, header.api_version, message, error)
    return codec.encode_response(header.api_key, header.api_version, header.correlation_id, response)
