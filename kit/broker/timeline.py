"""What happened in a cluster, in order: every fault that was made, and every change of state that followed.

Notebooks draw it and graders read it, so an event is data first; `Event.text` is the same in one sentence.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from kit.broker.clock import Clock
from kit.broker.faults import drop_text, slow_text

MAX_EVENTS = 20_000  # then the oldest ones go
_T = TypeVar("_T")

# kind -> the sentence; {node} is the node's id, {partition} "topic-0", the rest are the event's details. Or what makes
# it of the node's id and the details.
_TEXTS: dict[str, str | Callable[..., str]] = {
    # faults
    "kill": "Node {node} was killed.",
    "power_loss": "Node {node} lost its power: {lost_bytes} bytes that were not flushed are gone.",
    "stop": "Node {node} was asked to stop.",
    "stopped": "Node {node} stopped.",
    "restart": "Node {node} was started again.",
    "pause": "Node {node} was paused.",
    "resume": "Node {node} goes on.",
    "isolate": "Node {node} was cut off from every other node.",
    "cut": "The network was cut: {text}.",
    "slow": slow_text,
    "drop": drop_text,
    "heal": "The network was healed.",
    # the metadata quorum
    "candidate": "Node {node} stands for election as active controller in epoch {epoch}.",
    "controller_elected": "Node {node} is the active controller in epoch {epoch}.",
    "controller_resigned": "Node {node} is no longer the active controller: {reason}.",
    # brokers
    "broker_registered": "Broker {node} registered with epoch {broker_epoch}.",
    "broker_unfenced": "Broker {node} is alive: it may lead and be in sync.",
    "broker_fenced": "Broker {node} was fenced: {reason}.",
    "controlled_shutdown": "Broker {node} hands over its partitions before it stops.",
    # partitions
    "leader_elected": "{partition}: broker {leader} leads in epoch {leader_epoch} (before: {previous}; {reason}).",
    "leader_lost": "{partition}: no leader; {reason}.",
    "isr_changed": "{partition}: the in-sync replicas are {isr} (before: {previous}).",
    "elr_changed": "{partition}: out of sync but complete are {elr} (before: {previous}).",
    "truncated": "{partition} on broker {node}: offsets {offset} to {end_offset} (exclusive) were cut off.",
    "high_watermark_lowered": "{partition} on broker {node}: the high watermark went from {previous} to {offset}.",
    "write_refused": "{partition} on broker {node}: a write was refused with {error}.",
    "write_timed_out": "{partition} on broker {node}: a write at offset {offset} was not replicated in time.",
    "reassignment": "{partition}: replicas {replicas} (adding {adding}, removing {removing}).",
    # coordinators
    "coordinator_loaded": "{partition} on broker {node}: coordinates {groups} group(s) in epoch {leader_epoch}.",
    "coordinator_resigned": "{partition} on broker {node}: coordinates its groups no more.",
}


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    Attributes:
        time_ms: when, in milliseconds since 1970.
        kind: one of the names in `KINDS`.
        node_id: the node that it happened to, or that decided it; None for the whole cluster.
        topic, partition: what it happened to, None when it is no partition.
        details: the rest, by name; values that JSON knows.
    """

    time_ms: int
    kind: str
    node_id: int | None = None
    topic: str | None = None
    partition: int | None = None
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The event in one sentence."""
        sentence, where = _TEXTS[self.kind], f"{self.topic}-{self.partition}"
        if not isinstance(sentence, str):
            return sentence(self.node_id, **self.details)
        return sentence.format(**{"node": self.node_id, "partition": where, **self.details})

    def dump(self) -> list[Any]:
        """The event as JSON knows it, its fields in their order."""
        return [self.time_ms, self.kind, self.node_id, self.topic, self.partition, self.details]

    def __str__(self) -> str:
        return f"{self.time_ms} {self.text}"


KINDS = tuple(_TEXTS)


@dataclass(frozen=True, slots=True)
class Note:
    """An event to be, told once what it is about is committed; the fields are those of `Event`."""

    kind: str
    node_id: int | None = None
    topic: str | None = None
    partition: int | None = None
    details: dict[str, Any] = field(default_factory=dict)


class ToldDecisions:
    """Which decisions of the controllers a timeline has, by where each ends in the metadata log.

    Every active controller tells what it decides once that is committed. One that loses its office before does not
    learn of that; so the next one begins with telling what was not known to be committed when it was elected, and may
    tell some of it again.
    """

    def __init__(self) -> None:
        self._end_offset: int | None = None

    def news(self, decisions: Iterable[tuple[int, Sequence[_T]]]) -> list[_T]:
        """What is to be told of these decisions.

        Nothing of the first ones ever: they were made before the cluster started.

        Args:
            decisions: in their order, where each ends and what there is to tell of it.
        """
        is_first, told = self._end_offset is None, self._end_offset or 0
        found: list[_T] = []
        for end_offset, notes in decisions:
            if end_offset > told:
                told = end_offset
                found += [] if is_first else notes
        self._end_offset = told
        return found


class Timeline:
    """Collects events; the oldest go when there are more than `MAX_EVENTS`.

    Args:
        clock: says when each happened.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._events: deque[Event] = deque(maxlen=MAX_EVENTS)
        self._told = ToldDecisions()

    def add(
        self,
        kind: str,
        node_id: int | None = None,
        topic: str | None = None,
        partition: int | None = None,
        **details: Any,
    ) -> None:
        """Note an event; ``KeyError`` for a kind that has no sentence, or when its sentence lacks a detail."""
        self._keep(self._event(Note(kind, node_id, topic, partition, details)))

    def tell(self, decisions: Sequence[tuple[int, Sequence[Note]]]) -> None:
        """Note what the active controller decided, as far as it is not here yet; see `ToldDecisions.news`."""
        for note in self._told.news(decisions):
            self._keep(self._event(note))

    def _event(self, note: Note) -> Event:
        event = Event(self._clock.time_ms(), note.kind, note.node_id, note.topic, note.partition, note.details)
        if __debug__:
            _ = event.text  # a missing detail is a mistake of ours, and shall show where it was made
        return event

    def _keep(self, event: Event) -> None:
        self._events.append(event)

    def since(self, time_ms: int) -> list[Event]:
        """The events at ``time_ms`` (since 1970) or later, in order."""
        found = list(itertools.takewhile(lambda event: event.time_ms >= time_ms, reversed(self._events)))
        return found[::-1]

    def __iter__(self) -> Iterator[Event]:
        return iter(list(self._events))

    def __len__(self) -> int:
        return len(self._events)


class SentTimeline(Timeline):
    """The part of a node that is a process of its own: what it tells goes to the process that has the timeline.

    Args:
        send: gets ``{"event": [...]}``, or ``{"decisions": [[end_offset, [event, ...]], ...]}``; events are as from
            `Event.dump`.
    """

    def __init__(self, clock: Clock, send: Callable[[dict[str, Any]], None]) -> None:
        super().__init__(clock)
        self._send = send

    def _keep(self, event: Event) -> None:
        self._send({"event": event.dump()})

    def tell(self, decisions: Sequence[tuple[int, Sequence[Note]]]) -> None:
        """Send what the active controller decided; who has the timeline knows what it has."""
        told = [[end_offset, [self._event(note).dump() for note in notes]] for end_offset, notes in decisions]
        self._send({"decisions": told})
