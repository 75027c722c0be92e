"""A poll's topic, followed in the background by whoever shows it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from kit.errors import PollError
from kit.polls.tally import Tally
from kit.polls.topic import TIMEOUT_S, PollTopic
from kit.widgets._background import Background, Link, describe

_PAUSE_S = 0.1
_PAUSE_WITHOUT_TOPIC_S = 0.5
_KEPT_REASONS = 1_000


class Follower:
    """Reads the topic from its beginning, so that it always ends with the same tally, however often it begins anew.

    Args:
        changed: is called in the reading thread, with the lock, after each change.

    Attributes:
        tally: what the records said so far; read it with `lock` only.
        found: whether the topic is there.
        trouble: a sentence while something is wrong; empty when nothing is.
    """

    def __init__(self, cluster: Any, topic: PollTopic, changed: Callable[[], None]) -> None:
        self.tally = Tally()
        self.found = False
        self.trouble = ""
        self.lock = threading.Condition(threading.RLock())
        self._topic = topic
        self._changed = changed
        self._reasons: dict[int, str] = {}
        self._link = Link(cluster)
        self._background: Background | None = None

    def start(self) -> None:
        """Begin to read."""
        self._background = Background(self._run, self._stopped, self._link, name=f"reader of {self._topic.name}")

    @property
    def alive(self) -> bool:
        """Whether it reads."""
        return self._background is not None and self._background.alive

    def wait_for(self, offset: int) -> str | None:
        """Wait until a record was taken in; returns why it does not count, None when it does.

        Raises:
            PollError: it is not there in time.
        """
        with self.lock:
            if not self.lock.wait_for(lambda: self.tally.next_offset > offset, TIMEOUT_S):
                raise PollError(f"Record {offset} was written, but cannot be read yet. {self.trouble}".strip())
            return self._reasons.get(offset)

    def stop(self) -> None:
        """End the reading."""
        if self._background is not None:
            self._background.stop()

    def _run(self, background: Background) -> None:
        consumer = self._topic.consumer()
        try:
            pause_s = 0.0
            while background.goes_on(pause_s):
                self._look(consumer)
                pause_s = _PAUSE_S if self.found else _PAUSE_WITHOUT_TOPIC_S
        finally:
            consumer.close()

    def _look(self, consumer: Any) -> None:
        from kafka.errors import KafkaError

        before = self.found, self.trouble
        try:
            self.found = self.found or self._topic.find(consumer, patience_s=0)
            records = self._topic.fetch(consumer, timeout_ms=100) if self.found else []
            trouble = ""
        except KafkaError as error:  # brokers may be down for a while and come back
            records, trouble = [], f"No answer from the cluster. {describe(error)}"
        with self.lock:
            self.trouble = trouble
            for record in records:
                self._take(record)
            if records or before != (self.found, self.trouble):
                self._changed()
                self.lock.notify_all()

    def _take(self, record: Any) -> None:
        reason = self._topic.take(self.tally, record)
        if reason is not None:
            self._reasons[record.offset] = reason
            if len(self._reasons) > _KEPT_REASONS:
                del self._reasons[next(iter(self._reasons))]

    def _stopped(self, reason: str) -> None:
        with self.lock:
            self.trouble = f"The view has stopped. {reason}"
            self._changed()
            self.lock.notify_all()
