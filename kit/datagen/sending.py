"""Events on their way into a topic, through an ordinary kafka-python producer."""

from __future__ import annotations

import threading
import time
import weakref
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from kit.client_settings import settings_of
from kit.datagen.events import Event
from kit.datagen.pace import Pace
from kit.datagen.report import Report, Written, records
from kit.ending import end_producer
from kit.errors import DatagenError

# Records that wait for their answer; more would only fill the memory.
MOST_UNDER_WAY = 5_000
# Long enough for an election, short enough to be told of while one still watches.
_DELIVERY_MS = 30_000
_FIRST_MS = 10_000
_CLOSE_S = 2.0
_LOOK_S = 0.1  # between two looks at whether to go on
_SEND_AT_ONCE = 200  # records between two such looks when there is no pace

_GONE = "The cluster is closed, or no broker answers: run its kit.start or kit.connect again, then this."


class Sending:
    """Sends the events of one stream to one topic, and counts the answers.

    The cluster is not kept alive: when it is forgotten, closed or dead, sending ends.

    Args:
        cluster: anything with ``client_settings`` and ``brokers``.
        has_event_time: the records' timestamps are the events' times; otherwise the time when they are sent.

    Raises:
        DatagenError: the cluster is closed, or no broker answers.
    """

    def __init__(self, cluster: Any, topic: str, *, has_event_time: bool) -> None:
        from kafka import KafkaProducer
        from kafka.errors import KafkaError

        self._topic = topic
        self._has_event_time = has_event_time
        self._cluster = weakref.ref(cluster)
        self._changed = threading.Condition()
        self._num_sent = 0
        self._counts: Counter[str] = Counter()
        self._failed: Counter[str] = Counter()
        self._written: dict[int, Written] = {}
        self._took_s = 0.0
        self._is_whole = False
        self._begin_s = time.monotonic()
        if self._is_gone():
            raise DatagenError(_GONE)
        try:
            self._producer: Any = KafkaProducer(
                **settings_of(cluster),
                client_id="kit-datagen",
                linger_ms=5,
                max_block_ms=_FIRST_MS,
                bootstrap_timeout_ms=_FIRST_MS,
                request_timeout_ms=_FIRST_MS,
                delivery_timeout_ms=_DELIVERY_MS,
            )
        except KafkaError as error:
            raise DatagenError(
                f"Nothing was sent: the cluster did not answer ({error_name(error)}: {error})."
            ) from None

    @property
    def acknowledged(self) -> int:
        """How many records were, so far."""
        return self._counts["acknowledged"]

    def send_first(self, event: Event) -> None:
        """Send one event and wait for the answer: what is refused once will be refused always.

        Raises:
            DatagenError: it was; the text has Kafka's name for it.
        """
        from kafka.errors import KafkaError

        self._begin_s = time.monotonic()
        try:
            self._send(event).get(timeout=_DELIVERY_MS / 1_000)
        except (KafkaError, ValueError) as error:
            raise DatagenError(self._refusal(error)) from None
        self._took_s = time.monotonic() - self._begin_s

    def send_all(
        self, events: Iterator[Event], pace: Pace, most: int | None, watch: Callable[[int], None] | None = None
    ) -> None:
        """Send events until the pace says stop, there are none left, or ``most`` were sent in all.

        Args:
            events: from the second on.
            watch: gets the number of acknowledged records several times a second.

        Raises:
            DatagenError: the cluster was closed meanwhile.
        """
        looked_s = 0.0
        while most is None or self._num_sent < most:
            if time.monotonic() - looked_s >= _LOOK_S:
                looked_s = time.monotonic()
                self._look(watch)
            allowed = pace.allowance(_SEND_AT_ONCE if most is None else min(_SEND_AT_ONCE, most - self._num_sent))
            if not allowed:
                return
            self._wait_for_room(watch)
            for _ in range(allowed):
                event = next(events, None)
                if event is None:
                    return
                self._send_or_count(event)
        self._is_whole = True

    def finish(self, watch: Callable[[int], None] | None = None) -> None:
        """Wait for the answers that are missing, as long as the producer goes on asking for them.

        Raises:
            DatagenError: the cluster was closed meanwhile.
        """
        while not self._wait(lambda: self._num_answered() == self._num_sent):
            self._look(watch)
        if watch is not None:
            watch(self.acknowledged)

    def report(self) -> Report:
        """What became of the records so far."""
        with self._changed:
            return Report(
                self._topic,
                self._counts["acknowledged"],
                self._counts["duplicates"],
                self._counts["late"],
                dict(sorted(self._written.items())),
                dict(self._failed),
                self._took_s,
                is_stopped=not self._is_whole,
            )

    def close(self) -> None:
        """Close the producer; harmless when called again."""
        end_producer(self._producer, 0 if self._is_gone() else _CLOSE_S)

    def _send(self, event: Event) -> Any:
        timestamp_ms = event.timestamp_ms if self._has_event_time else None
        future = self._producer.send(
            self._topic, event.value, key=event.key, headers=event.headers, timestamp_ms=timestamp_ms
        )
        self._num_sent += 1
        future.add_callback(self._acknowledged, event)
        future.add_errback(self._not_acknowledged)
        return future

    def _send_or_count(self, event: Event) -> None:
        from kafka.errors import KafkaError

        try:
            self._send(event)
        except KafkaError as error:  # no room, or no metadata: it was not handed over
            self._num_sent += 1
            self._not_acknowledged(error)

    def _acknowledged(self, event: Event, answer: Any) -> None:
        number, offset = answer.partition, answer.offset
        with self._changed:
            before = self._written.get(number) or Written(0, offset, offset)
            self._written[number] = Written(
                before.num_records + 1, min(before.first_offset, offset), max(before.last_offset, offset)
            )
            self._counts["acknowledged"] += 1
            self._counts["duplicates"] += event.is_duplicate
            self._counts["late"] += event.is_late
            self._answered()

    def _not_acknowledged(self, error: BaseException) -> None:
        with self._changed:
            self._failed[error_name(error)] += 1
            self._counts["failed"] += 1
            self._answered()

    def _answered(self) -> None:
        self._took_s = time.monotonic() - self._begin_s
        self._changed.notify_all()

    def _num_answered(self) -> int:
        return self._counts["acknowledged"] + self._counts["failed"]

    def _wait_for_room(self, watch: Callable[[int], None] | None) -> None:
        while not self._wait(lambda: self._num_sent - self._num_answered() < MOST_UNDER_WAY):
            self._look(watch)

    def _wait(self, condition: Callable[[], bool]) -> bool:
        with self._changed:
            return self._changed.wait_for(condition, _LOOK_S)

    def _look(self, watch: Callable[[int], None] | None) -> None:
        if self._is_gone():
            raise DatagenError(f"{_GONE} Acknowledged until then: {records(self.acknowledged)}.")
        if watch is not None:
            watch(self.acknowledged)

    def _is_gone(self) -> bool:
        cluster = self._cluster()
        return cluster is None or not any(broker.is_alive for broker in cluster.brokers)

    def _refusal(self, error: BaseException) -> str:
        if self._is_gone():
            return _GONE
        begin = f"Nothing was sent to {self._topic!r}"
        if isinstance(error, ValueError):  # the client's own sentence about the name
            return f"{begin}: {error}"
        name = error_name(error)
        if name == "KafkaTimeoutError":
            return (
                f"{begin}: there is no such topic and this cluster makes none by itself, or the leaders of its "
                "partitions do not answer. Create the topic, or look at cluster.topics()."
            )
        return f"{begin}: {name}: {str(error).strip() or 'the broker gave no reason'}"


# kafka-python's names where they differ from Kafka's own.
_KAFKA_NAMES = {6: "NOT_LEADER_OR_FOLLOWER", 10: "MESSAGE_TOO_LARGE", 17: "INVALID_TOPIC_EXCEPTION"}


def error_name(error: BaseException) -> str:
    """Kafka's name for an error of kafka-python; the class's own name for what only a client knows."""
    code = getattr(error, "errno", None)
    name = _KAFKA_NAMES.get(code, getattr(error, "message", None)) if isinstance(code, int) else None
    return str(name or type(error).__name__)
