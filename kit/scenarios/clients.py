"""Ordinary kafka-python clients whose operations are recorded; their answers as facts."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError

from kit.ending import end_producer
from kit.errors import ScenarioError
from kit.history import History
from kit.history.recording import RecordedConsumer, RecordedProducer

PATIENCE_S = 30.0  # far above what a healthy cluster needs with lab timers


@dataclass(frozen=True, slots=True)
class Sent:
    """One record that a producer was asked to send, and the answer.

    Attributes:
        offset: that was acknowledged; None when the answer was an error, or none came.
        error: Kafka's name of the error, such as "REQUEST_TIMED_OUT"; None when it was acknowledged.
    """

    topic: str
    partition: int
    value: str
    offset: int | None = None
    error: str | None = None

    @property
    def is_acknowledged(self) -> bool:
        """Whether the producer was told that it is written."""
        return self.error is None


def error_name(error: BaseException) -> str:
    """Kafka's name for an error of kafka-python; the class's own name for what only a client knows."""
    return str(getattr(error, "message", None) or type(error).__name__)


class Writer:
    """A producer that sends one record after the other and waits for each answer.

    Args:
        name: its name in the history; its records are "<name> #1", "<name> #2" and so on.
        options: of `kafka.KafkaProducer`.
    """

    def __init__(self, name: str, history: History, **options: Any) -> None:
        self.name = name
        self.client_id: str = options["client_id"]
        options = {"acks": "all", "reconnect_backoff_max_ms": 200, "retry_backoff_ms": 50, **options}
        self._client = KafkaProducer(**options)
        self._producer = RecordedProducer(self._client, history, name, value_of=bytes.decode)
        self._numbers = itertools.count(1)

    def write(self, topic: str, count: int = 1, *, partition: int = 0) -> list[Sent]:
        """Send so many records to a partition and say how each was answered."""
        return [self._write_one(topic, partition) for _ in range(count)]

    def _write_one(self, topic: str, partition: int) -> Sent:
        value = f"{self.name} #{next(self._numbers)}"
        try:
            answer = self._producer.send(topic, value.encode(), partition=partition).get(PATIENCE_S)
        except KafkaError as error:
            return Sent(topic, partition, value, error=error_name(error))
        return Sent(topic, partition, value, offset=answer.offset)

    def close(self) -> None:
        """End it, without waiting for what is still under way."""
        end_producer(self._client, 1)


class Reader:
    """A consumer that reads partitions from their beginning, without a group.

    Args:
        name: its name in the history.
        options: of `kafka.KafkaConsumer`.
    """

    def __init__(self, name: str, history: History, partitions: Iterable[tuple[str, int]], **options: Any) -> None:
        self.name = name
        self.client_id: str = options["client_id"]
        self._partitions = [TopicPartition(*each) for each in partitions]
        self.client = KafkaConsumer(**{"auto_offset_reset": "earliest", "reconnect_backoff_max_ms": 200, **options})
        self._consumer = RecordedConsumer(self.client, history, name, value_of=bytes.decode)
        self._consumer.assign(self._partitions)

    def read_to_end(self) -> list[Any]:
        """Every record from where it stands up to the high watermarks that its leaders know now.

        Raises:
            ScenarioError: they do not come in time.
        """
        ends: dict[TopicPartition, int] = self.client.end_offsets(self._partitions)
        return list(self._until(ends))

    def end_offset(self) -> int:
        """How far it may read its first partition: the high watermark, as the leader that it knows says."""
        ends: dict[TopicPartition, int] = self.client.end_offsets(self._partitions[:1])
        return ends[self._partitions[0]]

    def _until(self, ends: dict[TopicPartition, int]) -> Iterator[Any]:
        give_up_s = time.monotonic() + PATIENCE_S
        while any(self.client.position(each) < end for each, end in ends.items()):
            if time.monotonic() > give_up_s:
                raise ScenarioError(f"{self.name} waited {PATIENCE_S:g} s to read up to {ends}.")
            for records in self._consumer.poll(timeout_ms=200).values():
                yield from records

    def close(self) -> None:
        """End it."""
        self.client.close(timeout_ms=1_000)


def values(records: Sequence[Any]) -> list[str]:
    """The values of a consumer's records."""
    return [record.value.decode() for record in records]
