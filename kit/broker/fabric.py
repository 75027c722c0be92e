"""Every link between nodes that share one event loop, real or simulated.

A message is an object that is handed over a moment later, so it costs next to nothing; but it can be lost, held up and
answered too late like one on a wire, as `kit.broker.faults.Links` says. Rules for the file: nothing is delivered
before `Fabric.call` has returned; requests from one node to another keep their order; what is on its way when a node
dies or the network heals is answered with None, as a connection that is reset.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable
from typing import Any, Protocol

from kit.broker.clock import Clock, NodeClock, Timer
from kit.broker.deferred import Deferred
from kit.broker.faults import Links
from kit.broker.network import Receiver
from kit.broker.storage import FileRange
from kit.broker.storage.read_buffers import ReadBuffers
from kit.wire import codec
from kit.wire.errors import BrokerError

log = logging.getLogger(__name__)

FETCH = 1


class LocalReceiver(Receiver, Protocol):
    """A node that shares the event loop."""

    clock: NodeClock


class _Call:
    """One request under way."""

    __slots__ = ("answer", "api_key", "caller", "lost_on", "source", "target", "timer")

    def __init__(self, caller: LocalReceiver | None, source: int, target: int, api_key: int) -> None:
        self.caller = caller
        self.source = source
        self.target = target
        self.api_key = api_key
        self.answer: Deferred[Any] = Deferred()
        self.lost_on: tuple[int, int, bool] | None = None  # source and target of what got lost, and if it is a reply
        self.timer: Timer | None = None


class Fabric:
    """The links of one cluster.

    Args:
        links: what is wrong with them.
        latency_ms: how long the next message takes; None for no time at all.
    """

    def __init__(self, *, clock: Clock, links: Links, latency_ms: Callable[[], float] | None = None) -> None:
        self.links = links
        self.num_messages = 0
        self._clock = clock
        self._latency_ms = latency_ms
        self._nodes: dict[int, LocalReceiver] = {}
        self._calls: dict[int, _Call] = {}
        self._numbers = itertools.count()
        self._free_at_ms: dict[tuple[int, int], float] = {}  # when the last request on a link arrives
        self._buffers = ReadBuffers()

    def attach(self, node: LocalReceiver) -> None:
        """Connect a node that is starting."""
        self._nodes[node.node_id] = node

    def detach(self, node_id: int) -> None:
        """A node is gone: whoever waits for its answer learns that none will come."""
        del self._nodes[node_id]
        self._give_up(lambda call: call.target == node_id)

    def reset_lost(self) -> None:
        """Links were mended: what was lost where nothing gets lost any more is found out now, not by a timeout."""

        def is_found_out(call: _Call) -> bool:
            if call.lost_on is None:
                return False
            source, target, is_reply = call.lost_on
            return not self.links.may_lose(source, target, api_key=call.api_key, is_reply=is_reply)

        self._give_up(is_found_out)

    def network(self, node_id: int) -> NodeNetwork:
        """The links of one node."""
        return NodeNetwork(self, node_id)

    def call(
        self,
        source: int,
        target: int,
        api_key: int,
        api_version: int,
        request: Any,
        *,
        client_id: str | None,
        timeout_ms: float,
    ) -> Deferred[Any]:
        """Carry a request and its answer; see `kit.broker.network.Network.call`."""
        number = next(self._numbers)
        call = self._calls[number] = _Call(self._nodes.get(source), source, target, api_key)
        call.timer = self._clock.call_later(timeout_ms, lambda: self._finish(number, None))
        if target not in self._nodes:
            self._clock.call_soon(lambda: self._finish(number, None))
        elif self._is_lost(source, target, api_key, is_reply=False):
            call.lost_on = source, target, False
        else:
            self._in_order(source, target, lambda: self._arrive(number, api_version, request, client_id))
        return call.answer

    def _is_lost(self, source: int, target: int, api_key: int, *, is_reply: bool) -> bool:
        self.num_messages += 1
        links = self.links
        return not links.is_quiet and not links.passes(source, target, api_key=api_key, is_reply=is_reply)

    def _delay_ms(self, source: int, target: int) -> float:
        delay_ms = 0.0 if self._latency_ms is None or source == target else self._latency_ms()
        return delay_ms if self.links.is_quiet else delay_ms + self.links.delay_ms(source, target)

    def _in_order(self, source: int, target: int, deliver: Callable[[], None]) -> None:
        """Deliver after the link's delay and not before what was sent earlier."""
        delay_ms = self._delay_ms(source, target)
        free_at_ms = self._free_at_ms
        if delay_ms == 0 and not free_at_ms:
            self._clock.call_soon(deliver)
            return
        now_ms = self._clock.monotonic_ms()
        at_ms = max(now_ms + delay_ms, free_at_ms.get((source, target), 0.0))
        free_at_ms[source, target] = at_ms
        self._clock.call_later(at_ms - now_ms, deliver)

    def _arrive(self, number: int, api_version: int, request: Any, client_id: str | None) -> None:
        call = self._calls.get(number)
        if call is None or call.target not in self._nodes:
            return
        node = self._nodes[call.target]

        def receive() -> None:
            answer = node.receive_call(call.source, call.api_key, api_version, request, client_id)
            answer.then(lambda response: self._reply(number, call, response))

        node.clock.run(receive)

    def _reply(self, number: int, call: _Call, response: Any) -> None:
        if number not in self._calls:
            return
        if self._is_lost(call.target, call.source, call.api_key, is_reply=True):
            call.lost_on = call.target, call.source, True
            return
        if call.api_key == FETCH and response is not None and not _read_ranges(response, self._buffers):
            response = None
        delay_ms = self._delay_ms(call.target, call.source)
        if delay_ms:
            self._clock.call_later(delay_ms, lambda: self._finish(number, response))
        else:
            self._clock.call_soon(lambda: self._finish(number, response))

    def _finish(self, number: int, response: Any) -> None:
        call = self._calls.pop(number, None)
        if call is None:
            return
        if call.timer is not None:
            call.timer.cancel()
        if call.caller is not None:  # the very node that asked: one that died since hears nothing, nor does its heir
            call.caller.clock.run(lambda: self._deliver(call, response))

    def _deliver(self, call: _Call, response: Any) -> None:
        call.answer.resolve(response)
        if call.api_key == FETCH and response is not None:
            for topic in response.responses:
                for partition in topic.partitions:
                    self._buffers.give_back(partition.records)

    def _give_up(self, concerns: Callable[[_Call], bool]) -> None:
        for number in [number for number, call in self._calls.items() if concerns(call)]:
            self._clock.call_soon(lambda number=number: self._finish(number, None))  # type: ignore[misc]


class NodeNetwork:
    """`kit.broker.network.Network` of one node on a `Fabric`."""

    def __init__(self, fabric: Fabric, node_id: int) -> None:
        self._fabric = fabric
        self._node_id = node_id

    @property
    def slack_ms(self) -> float:
        """How much longer than usual a request and its answer may take."""
        return self._fabric.links.slack_ms

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

        ``records`` in a response may be views that are valid only until the callback returns.
        """
        version = codec.api(api_key).max_version if api_version is None else api_version
        return self._fabric.call(
            self._node_id, target, api_key, version, request, client_id=client_id, timeout_ms=timeout_ms
        )


def _read_ranges(response: Any, buffers: ReadBuffers) -> bool:
    """Read what a reply refers to before it leaves, as a socket would: the files can change while it is under way.

    Returns:
        Whether that went well; a socket would break where the file ends too soon.
    """
    try:
        for topic in response.responses:
            for partition in topic.partitions:
                if isinstance(partition.records, FileRange):
                    partition.records = buffers.read(partition.records)
    except BrokerError as error:
        log.warning("a fetch between brokers breaks off: %s", error)
        return False
    return True
