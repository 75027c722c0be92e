"""The threads that look at a cluster for all of its views, and what they have seen so far."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Sequence
from typing import Any, Protocol

from kafka.errors import KafkaError

from kit.errors import ClusterClosedError, KitError, NotSupportedError
from kit.widgets._background import Background, ClusterGoneError, LastingLink, describe
from kit.widgets.live_view.event_feed import EventFeed
from kit.widgets.live_view.look import Listed, Look, Watched
from kit.widgets.live_view.memory import Memory
from kit.widgets.live_view.reading import Reading

_PERIOD_S = 0.18
_UNSEEN_PERIOD_S = 1.0
_OTHERS_PERIOD_S = 0.5  # a cluster that is there for others too is asked less often
# Reading a big cluster takes its time; it shall not take more of one core than this share.
_MOST_OF_A_CORE = 0.08
_ADDRESSES_EVERY_S = 2.0


class Viewer(Protocol):
    """A view, as the threads know it."""

    @property
    def is_seen(self) -> bool:
        """Whether anybody looks at it."""

    def wants(self, listed: tuple[Listed, ...]) -> set[str]:
        """The topics that it shows."""

    def show(self) -> None:
        """There is something new; called by a thread, and must not take long."""


class Watch:
    """Looks at one cluster from when it is first viewed until its last view is closed; get it with `watch`.

    Attributes:
        memory: the looks so far.
        events: the timeline so far.
        latest: the newest look; None before the first.
        end: why there will be no more, in one sentence; empty while there will.
        refusal: why this kind of cluster cannot be harmed, in one sentence; empty when it can.
    """

    def __init__(self, cluster: Watched) -> None:
        self.memory = Memory()
        self.events = EventFeed()
        self.latest: Look | None = None
        self.end = ""
        self.refusal = ""
        self.link = LastingLink(cluster)
        self._viewers: list[Viewer] = []
        self._threads: list[Background] = []
        self._reading = Reading(self._wanted)
        self._addresses: dict[int, str] = {}
        self._addresses_s = 0.0

    @property
    def alive(self) -> bool:
        """Whether it still looks."""
        return any(thread.alive for thread in self._threads)

    def join(self, viewer: Viewer) -> None:
        """Look for one view more."""
        self._viewers.append(viewer)
        if not self.alive:
            self._threads = [
                Background(self._follow_state, self._failed, self.link, name="cluster view: nodes"),
                Background(self._follow_topics, self._topics_failed, self.link, name="cluster view: topics"),
            ]

    def leave(self, viewer: Viewer) -> None:
        """Look for it no more; the last one ends the threads."""
        if viewer in self._viewers:
            self._viewers.remove(viewer)
        if not self._viewers:
            for thread in self._threads:
                thread.stop()
            self._threads = []

    # -- threads -------------------------------------------------------------------------------------------------------

    def _follow_state(self, background: Background) -> None:
        pause_s = 0.0
        while background.goes_on(pause_s):
            began_s = time.monotonic()
            try:
                self._look(self.link.cluster)
            except ClusterClosedError as error:
                self._finish(str(error))
                return
            for viewer in list(self._viewers):
                viewer.show()
            took_s = time.monotonic() - began_s
            pause_s = max(self._period_s() - took_s, took_s)  # what answers slowly is given time

    def _look(self, cluster: Any) -> None:
        if cluster is None:
            raise ClusterClosedError(str(ClusterGoneError()))
        try:
            state = cluster.state()
            self._learn_addresses(cluster)
            self._read_timeline(cluster)
        except ClusterClosedError:
            raise
        except KitError as error:  # its process is busy: the next look may know more
            self._reading.failed(_first_line(error))
            if self.latest is None:
                return
            state = self.latest.state
        self.latest = Look(time.time_ns() // 1_000_000, state, dict(self._addresses), self._reading.offsets)
        self.memory.add(self.latest)

    def _learn_addresses(self, cluster: Any) -> None:
        now_s = time.monotonic()
        if not self._addresses or now_s - self._addresses_s > _ADDRESSES_EVERY_S:
            self._addresses = {broker.node_id: broker.address for broker in cluster.brokers}
            self._addresses_s = now_s

    def _read_timeline(self, cluster: Any) -> None:
        if self.refusal:
            return
        try:
            self.events.take(cluster.timeline(self.events.since_ms, internal=True))
        except NotSupportedError as error:
            self.refusal = _first_line(error)

    def _follow_topics(self, background: Background) -> None:
        pause_s = 0.0
        while background.goes_on(pause_s):
            began_s, cpu_s = time.monotonic(), time.thread_time()
            try:
                self._read(self.link.cluster)
            except ClusterClosedError:
                return  # the other thread says so
            busy_s = (time.thread_time() - cpu_s) / _MOST_OF_A_CORE
            pause_s = max(max(self._period_s(), busy_s) - (time.monotonic() - began_s), 0.01)

    def _read(self, cluster: Any) -> None:
        if cluster is None:
            raise ClusterClosedError(str(ClusterGoneError()))
        try:
            self._reading.read(cluster)
        except ClusterClosedError:
            raise
        except (KitError, KafkaError, OSError) as error:
            self._reading.failed(describe(error))

    def _period_s(self) -> float:
        if not any(viewer.is_seen for viewer in self._viewers):
            return _UNSEEN_PERIOD_S
        return _OTHERS_PERIOD_S if self.refusal else _PERIOD_S

    def _wanted(self, listed: tuple[Listed, ...]) -> set[str]:
        return {name for viewer in list(self._viewers) for name in viewer.wants(listed)}

    # -- ends ----------------------------------------------------------------------------------------------------------

    def _failed(self, reason: str) -> None:
        self._finish(reason)

    def _topics_failed(self, reason: str) -> None:
        self._reading.failed(reason)

    def _finish(self, reason: str) -> None:
        first = reason.splitlines()[0]  # of a process that died, its log follows
        self.end = first if "kit.start" in first else f"{first.rstrip(':.')}. Start a new one with kit.start()."
        for viewer in list(self._viewers):
            viewer.show()


_watches: weakref.WeakKeyDictionary[Any, Watch] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def watch(cluster: Watched) -> Watch:
    """The watch of a cluster: the same for all of its views, so that ten views ask no more than one."""
    with _lock:
        found = _watches.get(cluster)
        if found is None:
            found = _watches[cluster] = Watch(cluster)
        return found


def _first_line(error: Exception) -> str:
    lines: Sequence[str] = str(error).splitlines()
    return lines[0] if lines else type(error).__name__
