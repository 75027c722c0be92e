"""The links between one broker and its clients: what is lost and delayed there, and what hooks decide.

As long as nothing is wrong and no hook is set, a request passes at the price of two comparisons. Otherwise it comes by
way of its link (lost, delayed), then of the hooks for its API, then it is served, and the reply takes the link back.
A connection whose request or reply was lost stays silent, as over a real network: its client waits until its own
timeout, or until `ClientLinks.reset_lost` tells it.
"""

from __future__ import annotations

import functools
import logging
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kit.broker.broker import DISCONNECT, PRODUCE, Chunks, InvalidRequest, Peer, Receive
from kit.broker.clock import Clock
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


@dataclass(slots=True)
class _Request:
    header: codec.RequestHeader
    body_offset: int
    frame: memoryview
    peer: Peer
    answer: Deferred[Chunks | None]


class ClientLinks:
    """The links of one broker to all its clients.

    Args:
        clock: the broker's own: what is on its way to a broker that dies never arrives.
        topic_name: the name that goes with a topic id, None for an unknown one.
        serve: handles a frame that has arrived, as `kit.broker.broker.Broker.receive`.
    """

    def __init__(
        self,
        *,
        node_id: int,
        links: Links,
        hooks: RequestHooks,
        clock: Clock,
        topic_name: Callable[[uuid.UUID], str | None],
        serve: Receive,
    ) -> None:
        self._node_id = node_id
        self._links = links
        self._hooks = hooks
        self._clock = clock
        self._topic_name = topic_name
        self._serve = serve
        self._lost: list[tuple[Callable[[], bool], Deferred[Chunks | None]]] = []  # whether it would get lost again

    def receive(self, frame: memoryview, peer: Peer) -> Chunks | Deferred[Chunks | None] | None:
        """Take one frame from a client; see `kit.broker.broker.Broker.receive`."""
        if self._links.is_quiet and not self._hooks:
            return self._serve(frame, peer)
        try:
            header, body_offset = codec.decode_request_header(frame)
        except codec.DecodeError:
            return self._serve(frame, peer)  # which knows what to say
        request = _Request(header, body_offset, memoryview(bytearray(frame)), peer, Deferred())
        self._carry(request, is_reply=False, then=lambda: self._ask_hooks(request))
        return request.answer

    def reset_lost(self) -> None:
        """Close every connection on which something was lost, where nothing gets lost any more: links were mended."""
        lost = self._lost
        self._lost = [each for each in lost if each[0]()]
        for gets_lost, answer in lost:
            if not gets_lost():
                answer.resolve(DISCONNECT)

    def _carry(self, request: _Request, *, is_reply: bool, then: Callable[[], None]) -> None:
        """Let a message take the link, if it gets through."""
        links, api_key = self._links, request.header.api_key
        ends: tuple[int | str, int | str] = (request.header.client_id or "", self._node_id)
        source, target = reversed(ends) if is_reply else ends
        if links.is_quiet:
            self._clock.call_soon(then)
        elif links.passes(source, target, api_key=api_key, is_reply=is_reply):
            self._clock.call_later(links.delay_ms(source, target), then)
        else:
            gets_lost = functools.partial(links.may_lose, source, target, api_key=api_key, is_reply=is_reply)
            self._lost.append((gets_lost, request.answer))

    def _ask_hooks(self, request: _Request) -> None:
        header = request.header
        if not self._hooks.has(header.api_key):
            self._serve_it(request)
            return
        try:
            message = codec.decode_request(header.api_key, header.api_version, request.frame, request.body_offset)
        except codec.DecodeError:
            self._serve_it(request)
            return
        partitions = list(named_partitions(message, self._topic_name))
        described = {"broker_id": self._node_id, "client_id": header.client_id, "partitions": partitions}
        if header.api_key == PRODUCE:
            described["acks"] = message.acks
        verdict = self._hooks.decide(header.api_key, described)
        # Not at once: the broker may have been paused or killed while the hook was asked.
        verdict.then(lambda opinion: self._clock.call_soon(lambda: self._obey(request, message, opinion)))

    def _obey(self, request: _Request, message: Any, verdict: Any) -> None:
        if verdict is None:
            self._serve_it(request)
        elif verdict == DROP:  # until the network is healed, as other messages that got lost
            self._lost.append((lambda: not self._links.is_quiet, request.answer))
        elif isinstance(verdict, str):
            self._reply(request, _refused(request.header, message, ErrorCode[verdict]))
        else:
            self._clock.call_later(verdict, lambda: self._serve_it(request))

    def _serve_it(self, request: _Request) -> None:
        try:
            reply = self._serve(request.frame, request.peer)
        except InvalidRequest as error:
            log.warning("broker %d closes the connection from %s: %s", self._node_id, request.peer, error)
            self._clock.call_soon(lambda: request.answer.resolve(DISCONNECT))
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
