"""What happened in a cluster, in order: every fault that was made, and every change of state that followed.

Notebooks draw it and graders read it, so an event is data first; `Event.text` is the same in one sentence.
"""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from kit.broker.clock import Clock

MAX_EVENTS = 20_000  # then the oldest ones go

# kind -> the sentence; {node} is the node's id, {partition} "topic-0", the rest are the event's details.
_TEXTS = {
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
    "slow": "Node {node}'s links were slowed by {delay_ms} ms.",
    "drop": "{share:.0%} of the {what} of node {node} get lost.",
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
        where = f"{self.topic}-{self.partition}"
        return _TEXTS[self.kind].format(**{"node": self.node_id, "partition": where, **self.details})

    def __str__(self) -> str:
        return f"{self.time_ms} {self.text}"


KINDS = tuple(_TEXTS)


class Timeline:
    """Collects events; the oldest go when there are more than `MAX_EVENTS`.

    Args:
        clock: says when each happened.
        observer: is told each event as it happens.
    """

    def __init__(self, clock: Clock, observer: Callable[[Event], None] | None = None) -> None:
        self._clock = clock
        self._observer = observer
        self._events: deque[Event] = deque(maxlen=MAX_EVENTS)

    def add(
        self,
        kind: str,
        node_id: int | None = None,
        topic: str | None = None,
        partition: int | None = None,
        **details: Any,
    ) -> None:
        """Note an event; ``KeyError`` for a kind that has no sentence, or when a detail of it is missing."""
        event = Event(self._clock.time_ms(), kind, node_id, topic, partition, details)
        if __debug__:
            _ = event.text  # a missing detail is a mistake of ours, and shall show where it was made
        self._events.append(event)
        if self._observer is not None:
            self._observer(event)

    def since(self, time_ms: int) -> list[Event]:
        """The events at ``time_ms`` (since 1970) or later, in order."""
        found = list(itertools.takewhile(lambda event: event.time_ms >= time_ms, reversed(self._events)))
        return found[::-1]

    def __iter__(self) -> Iterator[Event]:
        return iter(list(self._events))

    def __len__(self) -> int:
        return len(self._events)
