"""Stands between the clients and the brokers of a cluster: writes the journal, and lets rules act.

What it changes about a request is what the rules say, and nothing else; without rules a cluster behaves as without it.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kit.broker.broker import DISCONNECT, Chunks, Farewell, InvalidRequest, Peer
from kit.broker.clock import Clock
from kit.broker.deferred import Deferred
from kit.broker.faults import FaultError
from kit.broker.witness.ground import Ground
from kit.broker.witness.journal import Entry, Journal
from kit.broker.witness.rules import NODE_FAULTS, Rule, Rules

log = logging.getLogger(__name__)

_LOOK_AGAIN_MS = 2
_HOLD_MS = 5_000  # less than the silence after which the arena takes a consumer for one that hangs
_GET_AWAY_MS = 1  # a reply that was given leaves before the fault that it brings about
Reply = Chunks | Deferred[Chunks | None] | None
Serve = Callable[[int, memoryview, Peer], Reply]


class Witness:
    """The journal and the rules of one cluster.

    Args:
        ground: the cluster.
        serve: lets a broker serve a frame; see `kit.broker.broker.Broker.receive`.

    Attributes:
        fired: what rules did, in order, as JSON knows it: ``at`` when they fired, ``made_at`` when that was done.
    """

    def __init__(self, ground: Ground, clock: Clock, serve: Serve) -> None:
        self._ground = ground
        self._clock = clock
        self._serve = serve
        self._waiting: list[Deferred[Chunks | None]] = []
        self._held: list[Callable[[], None]] = []
        self._is_looking = False
        self._num_under_way = 0
        self.journal = Journal(clock)
        self.fired: list[dict[str, Any]] = []
        self.rules = Rules((), self._begin)

    def follow(self, described: Sequence[Mapping[str, Any]]) -> None:
        """Let these rules act from now on, in place of the earlier ones. Raises `RuleError`."""
        self.rules = Rules(described, self._begin)
        self._look()

    # -- requests ------------------------------------------------------------------------------------------------

    def receive(self, node_id: int, frame: memoryview, peer: Peer) -> Reply:
        """Take one frame from a client; see `kit.broker.broker.Broker.receive`."""
        entry = self.journal.begin(node_id, frame, peer, self._ground.topic_name)
        entry.fault = self.rules.on_request(entry)
        if not self._ground.is_up(node_id):  # a rule has just killed it
            self.journal.refuse(entry, "the broker was killed")
            return DISCONNECT
        if entry.fault == "lose":
            return self._keep_waiting(entry, Deferred())
        if entry.fault == "turn_away":
            return self._hang_up(entry, Deferred())
        if entry.fault == "hold":
            return self._hold(node_id, frame, peer, entry)
        return self._served(node_id, frame, peer, entry)

    def _served(self, node_id: int, frame: memoryview, peer: Peer, entry: Entry) -> Reply:
        try:
            reply = self._serve(node_id, frame, peer)
        except InvalidRequest as error:
            self.journal.refuse(entry, str(error))
            raise
        if entry.fault is None and not isinstance(reply, Deferred):
            self._note(entry, reply)
            return reply
        answer: Deferred[Chunks | None] = Deferred()
        if isinstance(reply, Deferred):
            reply.then(lambda chunks: self._pass_on(entry, chunks, answer))
        else:
            self._pass_on(entry, reply, answer)
        return answer

    def _hold(self, node_id: int, frame: memoryview, peer: Peer, entry: Entry) -> Deferred[Chunks | None]:
        """Serve a request later; nothing is wrong with it."""
        answer: Deferred[Chunks | None] = Deferred()
        kept = memoryview(bytearray(frame))  # the broker writes offsets into it
        entry.fault = None

        def serve() -> None:
            if serve not in self._held:
                return
            self._held.remove(serve)
            reply: Reply = DISCONNECT
            if self._ground.is_up(node_id):
                with contextlib.suppress(InvalidRequest):  # the journal has it
                    reply = self._served(node_id, kept, peer, entry)
            if isinstance(reply, Deferred):
                reply.then(answer.resolve)
            else:
                answer.resolve(reply)

        self._held.append(serve)
        self._clock.call_later(_HOLD_MS, serve)
        return answer

    def _let_go(self) -> str:
        for serve in list(self._held):
            self._clock.call_soon(serve)
        return "let go"

    def _pass_on(self, entry: Entry, chunks: Chunks | None, answer: Deferred[Chunks | None]) -> None:
        if entry.fault is None:
            self._note(entry, chunks)
            answer.resolve(chunks)
        elif entry.fault == "lose_reply":
            self._keep_waiting(entry, answer)
        else:
            self._hang_up(entry, answer)

    def _hang_up(self, entry: Entry, answer: Deferred[Chunks | None]) -> Deferred[Chunks | None]:
        self.journal.lose(entry)
        self._clock.call_soon(lambda: answer.resolve(DISCONNECT))
        return answer

    def _note(self, entry: Entry, chunks: Chunks | None) -> None:
        if isinstance(chunks, Farewell):
            self.journal.refuse(entry, chunks.reason)
        else:
            self.journal.end(entry, chunks, self._ground.topic_name)
            self.rules.on_reply(entry)

    def _keep_waiting(self, entry: Entry, answer: Deferred[Chunks | None]) -> Deferred[Chunks | None]:
        self.journal.lose(entry)
        self._waiting.append(answer)
        return answer

    def release(self) -> None:
        """Close the connections on which somebody waits for a reply that a rule has taken away."""
        waiting, self._waiting = self._waiting, []
        for answer in waiting:
            answer.resolve(DISCONNECT)

    # -- faults --------------------------------------------------------------------------------------------------

    def _begin(self, rule: Rule) -> None:
        """A rule fires: on a request before the broker sees it, on a reply once that is on its way."""
        at, time_ms = self.journal.next_place(), self._clock.time_ms()
        record = {"rule": rule.name, "at": at, "time_ms": time_ms, "made_at": None, "faults": []}
        self.fired.append(record)
        self._num_under_way += 1
        if "requests" in rule.when:
            self._inflict(rule, record)
        else:
            self._clock.call_later(_GET_AWAY_MS, lambda: self._inflict(rule, record))

    def _inflict(self, rule: Rule, record: dict[str, Any]) -> None:
        told = record["faults"]
        for deed in rule.do:
            if "fault" not in deed:
                continue
            try:
                told.append(self._carry_out(rule, deed))
            except FaultError as error:
                told.append(f"refused: {error}")
        record["made_at"] = self.journal.next_place()
        self.rules.done(rule)  # which may let others fire
        self._num_under_way -= 1
        self._look()

    @property
    def is_busy(self) -> bool:
        """Whether a rule has fired whose faults are not all made yet."""
        return self._num_under_way > 0

    def _carry_out(self, rule: Rule, deed: Mapping[str, Any]) -> str:
        fault = deed["fault"]
        if fault == "heal":
            self._ground.heal()
            return "heal"
        if fault == "let_go":
            return self._let_go()
        if fault == "cut":
            groups = self._groups(deed["groups"])
            self._ground.cut(groups)
            return f"cut {groups}"
        assert fault in NODE_FAULTS
        node_id = self._needed(deed["node"])
        if rule.node is None:
            rule.node = node_id
        self._ground.harm(fault, node_id)
        return f"{fault} {node_id}"

    def _groups(self, named: Sequence[Sequence[Any]]) -> list[list[int]]:
        *known, last = [[self._needed(name) for name in group if name != "others"] for group in named]
        if "others" in named[-1]:
            taken = {node_id for group in known for node_id in group}
            last += [node_id for node_id in self._ground.brokers() if node_id not in {*taken, *last}]
        return [*known, last]

    def _needed(self, name: Any) -> int:
        found = self._node(name)
        if found is None:
            raise FaultError(f"There is no {name} now.")
        return found

    def _node(self, name: Any) -> int | None:
        """The node that is meant by a number or by what it does."""
        if isinstance(name, int):
            return name
        kind, _, rest = str(name).partition(":")
        if kind == "rule":
            return self.rules.node_of(rest)
        if kind == "controller":
            return self._ground.controller()
        topic, _, partition = rest.rpartition("-")
        return self._ground.leader(topic, int(partition)) if partition.isdecimal() else None

    def _look(self) -> None:
        """Look whether a rule about the cluster's state fires, again and again while there is one."""
        if self._is_looking or not self.rules.is_watching:
            return
        self._is_looking = True

        def look() -> None:
            self._is_looking = False
            self.rules.look(self._ground.high_watermark, self._ground.leader, self._node)
            self._look()

        self._clock.call_later(_LOOK_AGAIN_MS, look)

    # -- what the parent asks ------------------------------------------------------------------------------------

    def dump(self) -> dict[str, Any]:
        """All that was seen, as JSON knows it."""
        return {**self.journal.dump(), "fired": self.fired, **self._ground.dump()}
