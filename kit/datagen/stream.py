"""`Stream`: events without end, to look at or to send."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

from kit import cells
from kit.datagen.arguments import (
    checked_cluster,
    checked_count,
    checked_flag,
    checked_late_ms,
    checked_rate,
    checked_seed,
    checked_share,
    checked_start_ms,
    checked_topic,
)
from kit.datagen.chance import Chance
from kit.datagen.delivery import delivered
from kit.datagen.events import Event
from kit.datagen.pace import Pace
from kit.datagen.report import Report
from kit.datagen.running import Running
from kit.datagen.sending import Sending
from kit.datagen.showing import Showing
from kit.plain_errors import plainly

E = TypeVar("E", bound=Event)

# A Monday at eight, UTC: classes begin, and the stream is the same today and in ten years.
START_MS = 1_767_600_000_000


class Stream(Generic[E]):
    """Events without end, in the order in which they arrive; iterating begins with the first one each time.

    Args:
        name: of the stream.
        happen: makes the events in the order in which they happen, from a seed and a beginning.
        seed: the same seed gives the same events, on every computer.
        late: the share of events that arrive late.
        duplicates: the share of events that arrive a second time.
        late_ms: how late at most.
        start_ms: when the first events happen, milliseconds since 1970-01-01 UTC.

    Raises:
        DatagenError: an argument makes no sense.
    """

    def __init__(
        self,
        name: str,
        happen: Callable[[int, int], Iterator[E]],
        *,
        seed: int,
        late: float,
        duplicates: float,
        late_ms: int,
        start_ms: int,
    ) -> None:
        self.name = name
        self.seed = checked_seed(seed)
        self.late = checked_share("late", late)
        self.duplicates = checked_share("duplicates", duplicates)
        self.late_ms = checked_late_ms(late_ms)
        self.start_ms = checked_start_ms(start_ms)
        self._happen = happen

    def __iter__(self) -> Iterator[E]:
        events = self._happen(self.seed, self.start_ms)
        if not self.late and not self.duplicates:
            return events
        # Chance of its own: the same things happen, whatever goes wrong on their way.
        chance = Chance(f"{self.name} {self.seed} delivery")
        return delivered(events, chance, late=self.late, duplicates=self.duplicates, late_ms=self.late_ms)

    @plainly
    def take(self, count: int) -> list[E]:
        """The first events.

        Raises:
            DatagenError: ``count`` is no number of events.
        """
        return list(itertools.islice(self, checked_count(count)))

    @plainly
    def send(
        self, cluster: Any, topic: str, *, count: int, rate: float | None = None, event_time: bool = False
    ) -> Report:
        """Send the first events to a topic and wait for the answers.

        Interrupting the cell ends it early, with a report all the same: once the answers that are under way are there,
        or at once when it is interrupted again.

        Args:
            cluster: what `kit.start` or `kit.connect` returned.
            topic: made by the first record where the cluster allows that.
            count: how many records.
            rate: records per second; None for as fast as it goes. Times in the events do not depend on it.
            event_time: give each record its event's time as timestamp, instead of the time when it is sent. Kafka
                deletes what is older than the topic's retention, and refuses what is more than an hour ahead.

        Returns:
            What the brokers acknowledged.

        Raises:
            DatagenError: an argument makes no sense, the first record is refused, or the cluster is closed.
        """
        most, per_s = checked_count(count), checked_rate(rate)
        sending = self._sending(cluster, topic, event_time)
        showing = Showing(topic, most)
        events = iter(self)
        pace = Pace(per_s, now=time.monotonic, wait=threading.Event().wait)
        pace.allowance(1)  # for the first event
        try:
            sending.send_first(next(events))
            with contextlib.suppress(KeyboardInterrupt):
                sending.send_all(events, pace, most, showing)
            with contextlib.suppress(KeyboardInterrupt):  # a second one: no longer wait for the answers either
                sending.finish(showing)
            return sending.report()
        finally:
            showing.close(sending.acknowledged)
            sending.close()

    @plainly
    def run(
        self,
        cluster: Any,
        topic: str,
        *,
        rate: float | None = 10,
        count: int | None = None,
        event_time: bool = False,
    ) -> Running:
        """Send events in the background, until `Running.stop`.

        It also ends when its notebook cell is run again, with its ``with`` block, its cluster, or this process.

        Args:
            count: ends after so many records; None for never.
            cluster, topic, rate, event_time: as for `send`.

        Raises:
            DatagenError: an argument makes no sense, the first record is refused, or the cluster is closed.
        """
        per_s, most = checked_rate(rate), None if count is None else checked_count(count)
        cells.close_earlier()
        sending = self._sending(cluster, topic, event_time)
        events = iter(self)
        try:
            sending.send_first(next(events))
        except BaseException:
            sending.close()
            raise
        running = Running(sending, events, per_s, most)
        cells.remember(running)
        return running

    @staticmethod
    def _sending(cluster: Any, topic: str, event_time: bool) -> Sending:
        has_event_time = checked_flag("event_time", event_time)
        return Sending(checked_cluster(cluster), checked_topic(topic), has_event_time=has_event_time)

    def __repr__(self) -> str:
        return (
            f"<Stream of {self.name}, seed {self.seed}, late {self.late:g}, duplicates {self.duplicates:g}: "
            "iterate over it, take(10), send(cluster, topic, count=100), or run(cluster, topic)>"
        )
