"""One program on two clusters: what each run has noted, how long its steps took, and what its cluster told."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Protocol

# The kinds of events that say what became of a crash.
_TOLD = ("kill", "broker_fenced", "leader_elected", "leader_lost", "isr_changed")


class ToldEvent(Protocol):
    """One event of a cluster's timeline."""

    @property
    def time_ms(self) -> int:
        """When, in milliseconds since 1970."""

    @property
    def kind(self) -> str:
        """What kind of event it is."""

    @property
    def topic(self) -> str | None:
        """The topic that it happened to; None for no topic."""

    @property
    def text(self) -> str:
        """The event in one sentence."""


@dataclass
class Run:
    """What one run of the program has seen.

    Attributes:
        where: what it ran on, such as "embedded".
        notes: what it has noted, by name.
        seconds: how long each step took, by name.
        events: after the crash: how many seconds later, and the sentence.
    """

    where: str
    notes: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    events: list[tuple[float, str]] = field(default_factory=list)

    @contextlib.contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Measure what the block takes."""
        begun = time.monotonic()
        yield
        self.seconds[name] = round(time.monotonic() - begun, 1)

    def tell(self, timeline: Iterable[ToldEvent], topic: str) -> None:
        """Keep what happened from the crash on, to the brokers and to this topic."""
        found = [each for each in timeline if each.kind in _TOLD and each.topic in (None, topic)]
        crash = next((number for number, each in enumerate(found) if each.kind == "kill"), len(found))
        self.events = [((each.time_ms - found[crash].time_ms) / 1_000, each.text) for each in found[crash:]]


def together(left: Run, right: Run) -> list[tuple[float, list[str], list[str]]]:
    """The events of both runs in the order of their times: the seconds, what the left one tells, what the right one.

    What one cluster tells within a tenth of a second is one row.
    """
    marks = sorted((round(at, 1), side, text) for side, run in enumerate((left, right)) for at, text in run.events)
    rows: dict[float, tuple[list[str], list[str]]] = {}
    for at, side, text in marks:
        rows.setdefault(at, ([], []))[side].append(text)
    return [(at, *sides) for at, sides in rows.items()]
