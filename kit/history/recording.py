"""Record what kafka-python clients do: wrap a producer or a consumer, and go on using it as before.

Outside the pure core: it asks the wall clock, and kafka-python for a base class, but only when used.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from kit.history.operation import Operation
from kit.history.recorder import History

# Refused at the first attempt and at any later one: nothing can be in the log. After any other error an earlier attempt
# may have arrived.
_CERTAIN_FAILURES = frozenset({"InvalidTopicError", "MessageSizeTooLargeError", "TopicAuthorizationFailedError"})


def _now_ms() -> int:
    import time

    return time.time_ns() // 1_000_000


def _itself(value: Any) -> Any:
    return value


class _Recorded:
    """A client, its history and its name there."""

    def __init__(
        self,
        client: Any,
        history: History,
        process: str | int,
        *,
        value_of: Callable[[Any], Any] = _itself,
        time_ms: Callable[[], int] = _now_ms,
    ) -> None:
        self._client = client
        self._history = history
        self._process = process
        self._value_of = value_of
        self._time_ms = time_ms

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


class RecordedProducer(_Recorded):
    """A `kafka.KafkaProducer` whose sends are recorded.

    Args:
        client: the producer.
        history: where to record.
        process: the producer's name in the history; a new producer takes a new one.
        value_of: what to record as the value, made from what is sent; needed when that is not hashable (a dict).
        time_ms: the clock.
    """

    def send(self, topic: str, value: Any = None, key: Any = None, **options: Any) -> Any:
        """See `kafka.KafkaProducer.send`."""
        operation = self._history.invoke(
            self._process, "send", topic, options.get("partition"), key, self._value_of(value), time_ms=self._time_ms()
        )
        try:
            future = self._client.send(topic, value, key, **options)
        except Exception as error:  # raised before the record is in the producer's buffer
            operation.fail(type(error).__name__, time_ms=self._time_ms())
            raise
        future.add_callback(self._acknowledged, operation)
        future.add_errback(self._failed, operation)
        return future

    def _acknowledged(self, operation: Operation, metadata: Any) -> None:
        if self._client.config["acks"] == 0:
            operation.unknown("acks=0: nobody acknowledged it", time_ms=self._time_ms())
        else:
            operation.ok(partition=metadata.partition, offset=metadata.offset, time_ms=self._time_ms())

    def _failed(self, operation: Operation, error: Exception) -> None:
        name = type(error).__name__
        end = operation.fail if name in _CERTAIN_FAILURES else operation.unknown
        end(name, time_ms=self._time_ms())


class RecordedConsumer(_Recorded):
    """A `kafka.KafkaConsumer` whose polls, seeks, assignments and commits are recorded; see `RecordedProducer`."""

    def poll(self, *arguments: Any, **options: Any) -> Any:
        """See `kafka.KafkaConsumer.poll`."""
        operation = self._begin("poll")
        try:
            answer = self._client.poll(*arguments, **options)
        except BaseException as error:
            operation.unknown(type(error).__name__, time_ms=self._time_ms())
            raise
        records = (self._seen(record) for records in answer.values() for record in records)
        operation.ok(records=records, time_ms=self._time_ms())
        return answer

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        operation = self._begin("poll")
        try:
            record = next(self._client)
        except StopIteration:  # nothing came in consumer_timeout_ms
            operation.ok(time_ms=self._time_ms())
            raise
        except BaseException as error:
            operation.unknown(type(error).__name__, time_ms=self._time_ms())
            raise
        operation.ok(records=[self._seen(record)], time_ms=self._time_ms())
        return record

    def assign(self, partitions: Iterable[Any]) -> None:
        """See `kafka.KafkaConsumer.assign`."""
        chosen = list(partitions)
        self._client.assign(chosen)
        self._assigned(chosen)

    def subscribe(self, topics: Iterable[str] = (), pattern: str | None = None, listener: Any = None) -> None:
        """See `kafka.KafkaConsumer.subscribe`; every rebalance is recorded as an assign."""
        self._client.subscribe(topics=list(topics), pattern=pattern, listener=_listener(self._assigned, listener))
        self._history.subscribe(self._process, topics, time_ms=self._time_ms())

    def seek(self, partition: Any, offset: int) -> None:
        """See `kafka.KafkaConsumer.seek`."""
        self._client.seek(partition, offset)
        self._history.seek(self._process, partition.topic, partition.partition, offset, time_ms=self._time_ms())

    def seek_to_beginning(self, *partitions: Any) -> None:
        """See `kafka.KafkaConsumer.seek_to_beginning`."""
        self._client.seek_to_beginning(*partitions)
        self._moved(partitions)

    def seek_to_end(self, *partitions: Any) -> None:
        """See `kafka.KafkaConsumer.seek_to_end`."""
        self._client.seek_to_end(*partitions)
        self._moved(partitions)

    def commit(self, offsets: Any = None, **options: Any) -> Any:
        """See `kafka.KafkaConsumer.commit`."""
        committed = [(at.topic, at.partition, to.offset) for at, to in (offsets or {}).items()]
        operation = self._begin("commit", records=committed)
        try:
            answer = self._client.commit(offsets, **options)
        except BaseException as error:
            operation.unknown(type(error).__name__, time_ms=self._time_ms())
            raise
        operation.ok(time_ms=self._time_ms())
        return answer

    def _begin(self, action: str, **what: Any) -> Operation:
        return self._history.invoke(self._process, action, time_ms=self._time_ms(), **what)

    def _seen(self, record: Any) -> tuple[str, int, int, Any, Any]:
        return (record.topic, record.partition, record.offset, record.key, self._value_of(record.value))

    def _assigned(self, partitions: Iterable[Any]) -> None:
        assigned = [(each.topic, each.partition, None) for each in partitions]
        self._history.assign(self._process, assigned, time_ms=self._time_ms())

    def _moved(self, partitions: Iterable[Any]) -> None:
        for each in partitions or self._client.assignment():
            self._history.seek(self._process, each.topic, each.partition, None, time_ms=self._time_ms())


def _listener(assigned: Callable[[Iterable[Any]], None], wrapped: Any) -> Any:
    """A rebalance listener that tells ``assigned``, then the student's own listener, if there is one."""
    from kafka import ConsumerRebalanceListener

    class Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # kafka-python has no types
        def on_partitions_revoked(self, revoked: Any) -> None:
            if wrapped is not None:
                wrapped.on_partitions_revoked(revoked)

        def on_partitions_assigned(self, assigned_now: Any) -> None:
            assigned(assigned_now)
            if wrapped is not None:
                wrapped.on_partitions_assigned(assigned_now)

        def on_partitions_lost(self, lost: Any) -> None:
            if wrapped is not None:
                wrapped.on_partitions_lost(lost)

    return Listener()
