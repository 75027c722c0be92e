"""The timeline, read again and again: what is new each time, and which family each kind of event belongs to."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any, Protocol, TypedDict

from kit.lessons.two_runs import ToldEvent
from kit.topics import INTERNAL_TOPICS

MAX_EVENTS = 2_000
# Nodes in processes of their own tell what happened a moment later, so what is asked for overlaps.
_OVERLAP_MS = 2_000
_FAMILIES = {
    "Faults": (
        "kill", "power_loss", "stop", "stopped", "restart", "pause", "resume", "isolate", "cut", "slow", "drop", "heal",
    ),
    "Controller": ("candidate", "controller_elected", "controller_resigned"),
    "Brokers": ("broker_registered", "broker_unfenced", "broker_fenced", "controlled_shutdown"),
    "Leaders": ("leader_elected", "leader_lost"),
    "In-sync replicas": ("isr_changed", "elr_changed", "reassignment"),
    "Logs and writes": ("truncated", "high_watermark_lowered", "write_refused", "write_timed_out"),
    "Group coordinators": ("coordinator_loaded", "coordinator_resigned"),
}  # fmt: skip
OF_PARTITIONS = ("Leaders", "In-sync replicas", "Logs and writes")  # the families of what happens to partitions
OTHER = "Other"
FAMILIES = (*_FAMILIES, OTHER)
_FAMILY_OF = {kind: family for family, kinds in _FAMILIES.items() for kind in kinds}


class EventLike(ToldEvent, Protocol):
    """An event of `Cluster.timeline`."""

    def dump(self) -> list[Any]:
        """All of it."""


class Shown(TypedDict):
    """An event as the browser gets it; ``id`` grows with each, ``internal`` are those of Kafka's own topics."""

    id: int
    time_ms: int
    family: str
    internal: bool
    text: str


class EventFeed:
    """Collects events and tells each one once."""

    def __init__(self) -> None:
        self.shown: deque[Shown] = deque(maxlen=MAX_EVENTS)
        self._newest_ms = 0
        self._seen: dict[str, int] = {}  # recent events as text -> time

    @property
    def since_ms(self) -> int:
        """What to ask the timeline for next."""
        return max(self._newest_ms - _OVERLAP_MS, 0)

    @property
    def last_id(self) -> int:
        """Of the newest event; 0 before the first."""
        return self.shown[-1]["id"] if self.shown else 0

    def take(self, events: Sequence[EventLike]) -> list[Shown]:
        """The new ones among events that were asked for with `since_ms`."""
        news = []
        for name, event in _named(events):
            if name not in self._seen:
                self._seen[name] = event.time_ms
                self._newest_ms = max(self._newest_ms, event.time_ms)
                news.append(self._show(event))
        self._seen = {name: time_ms for name, time_ms in self._seen.items() if time_ms >= self.since_ms}
        return news

    def after(self, event_id: int, at_most: int) -> list[Shown]:
        """The events after one, the newest ``at_most`` of them."""
        return [event for event in self.shown if event["id"] > event_id][-at_most:]

    def _show(self, event: EventLike) -> Shown:
        shown: Shown = {
            "id": self.last_id + 1,
            "time_ms": event.time_ms,
            "family": _FAMILY_OF.get(event.kind, OTHER),
            "internal": event.topic in INTERNAL_TOPICS,
            "text": event.text,
        }
        self.shown.append(shown)
        return shown


def _named(events: Iterable[EventLike]) -> Iterable[tuple[str, EventLike]]:
    """Each event with a name that it has again when it is read again; equal ones are counted."""
    counts: dict[str, int] = {}
    for event in events:
        text = json.dumps(event.dump(), sort_keys=True)
        counts[text] = counts.get(text, 0) + 1
        yield f"{counts[text]} {text}", event
