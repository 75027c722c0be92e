"""From what happened to what arrives: some of it late, some of it twice."""

from __future__ import annotations

import dataclasses
import heapq
import itertools
from collections.abc import Iterable, Iterator
from typing import TypeVar

from kit.datagen.chance import Chance
from kit.datagen.events import LATE_FROM_MS, Event

E = TypeVar("E", bound=Event)

# A producer that hears no answer sends again after about so long: soon enough for the second one not to be late.
AGAIN_FROM_MS, AGAIN_TO_MS = 200, 900


def delivered(events: Iterable[E], chance: Chance, *, late: float, duplicates: float, late_ms: int) -> Iterator[E]:
    """The events in the order of arrival.

    Args:
        events: in the order of arrival as it would be if nothing went wrong.
        late: the share of events that come late, by `LATE_FROM_MS` to ``late_ms``: most by an eighth of it or less.
        duplicates: the share of events that come a second time, within a second of the first.
    """
    under_way: list[tuple[int, int, E]] = []  # arrival, a number in case two arrive at once, event
    numbers = itertools.count()

    def send(event: E, arrival_ms: int, *, is_duplicate: bool) -> None:
        on_its_way = dataclasses.replace(event, arrival_ms=arrival_ms, is_duplicate=is_duplicate)
        heapq.heappush(under_way, (arrival_ms, next(numbers), on_its_way))

    for event in events:
        while under_way and under_way[0][0] <= event.arrival_ms:
            yield heapq.heappop(under_way)[2]
        # All three are asked for every event, so that the same ones are late whatever the share of duplicates.
        is_late, is_double, luck = chance.happens(late), chance.happens(duplicates), chance.share()
        arrival_ms = event.arrival_ms
        if is_late:
            arrival_ms = event.timestamp_ms + LATE_FROM_MS + int((late_ms - LATE_FROM_MS) * luck * luck * luck)
            send(event, arrival_ms, is_duplicate=False)
        else:
            yield event
        if is_double:
            again_ms = arrival_ms + AGAIN_FROM_MS + int((AGAIN_TO_MS - AGAIN_FROM_MS) * luck)
            send(event, again_ms, is_duplicate=True)
