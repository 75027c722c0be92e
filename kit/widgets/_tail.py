"""Follow a topic without a consumer group: nothing is committed and nobody's group is disturbed."""

from __future__ import annotations

import codecs
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypedDict

MAX_ROWS = 200
MAX_VALUE_CHARS = 300
# Nobody reads faster than this; a view that lags further jumps ahead and says how many records it left out.
MAX_BEHIND = 2_000
# New partitions are rare: ask the brokers for them only once in so many polls.
_POLLS_PER_LOOK = 25


class Row(TypedDict):
    """One record, ready to be shown. ``time`` is ISO 8601 in UTC with milliseconds."""

    partition: int
    offset: int
    time: str
    key: str | None
    value: str | None
    headers: list[list[str]]


def show(data: bytes | None) -> str | None:
    """Bytes as text, or as hex where they are no UTF-8; cut after `MAX_VALUE_CHARS` characters; None stays None."""
    if data is None:
        return None
    head = data[: 4 * MAX_VALUE_CHARS]
    try:
        # Incremental: the cut may fall into the middle of a character.
        text = codecs.getincrementaldecoder("utf-8")().decode(head, final=head == data)
    except UnicodeDecodeError:
        text = "0x" + data[:MAX_VALUE_CHARS].hex()
    if len(text) <= MAX_VALUE_CHARS and len(data) <= 4 * MAX_VALUE_CHARS:
        return text
    return f"{text[:MAX_VALUE_CHARS]}… ({len(data):,} bytes)"


def row(record: Any) -> Row:
    """A kafka-python ConsumerRecord as a `Row`."""
    time = datetime.fromtimestamp(record.timestamp / 1000, tz=UTC)
    return {
        "partition": record.partition,
        "offset": record.offset,
        "time": time.isoformat(timespec="milliseconds"),
        "key": show(record.key),
        "value": show(record.value),
        "headers": [[name, show(value) or ""] for name, value in record.headers],
    }


@dataclass
class Tail:
    """The newest records of one topic.

    Args:
        consumer: a KafkaConsumer without group and subscription, used by one thread.
        topic: may be created later.
        from_beginning: read what is retained too, or only what comes from now on.
    """

    consumer: Any
    topic: str
    from_beginning: bool
    rows: deque[Row] = field(default_factory=lambda: deque(maxlen=MAX_ROWS))
    num_read: int = 0
    num_skipped: int = 0
    partitions: int = 0
    _polls_until_look: int = 0

    def poll(self, timeout_ms: int) -> bool:
        """Take in what has arrived, waiting at most ``timeout_ms`` for the first record; whether there was any."""
        self._assign_new_partitions()
        if not self.partitions:
            return False
        batches = self.consumer.poll(timeout_ms=timeout_ms)
        records = sorted(
            (record for batch in batches.values() for record in batch),
            key=lambda record: (record.timestamp, record.partition, record.offset),
        )
        self.rows.extend(row(record) for record in records)
        self.num_read += len(records)
        self._skip_ahead()
        return bool(records)

    def _assign_new_partitions(self) -> None:
        from kafka import TopicPartition

        self._polls_until_look -= 1
        if self.partitions and self._polls_until_look > 0:
            return
        self._polls_until_look = _POLLS_PER_LOOK
        known = self.consumer.assignment()
        # topics() asks the brokers; partitions_for_topic() answers from what they said.
        if self.topic not in self.consumer.topics():
            return
        found = {TopicPartition(self.topic, number) for number in self.consumer.partitions_for_topic(self.topic)}
        added = found - known
        if not added:
            return
        self.consumer.assign(sorted(found))
        # Partitions that appear later are new: all that is in them came after the view was opened.
        if self.from_beginning or known:
            self.consumer.seek_to_beginning(*added)
        else:
            self.consumer.seek_to_end(*added)
        self.partitions = len(found)

    def _skip_ahead(self) -> None:
        for partition in self.consumer.assignment():
            end = self.consumer.highwater(partition)
            position = self.consumer.position(partition)
            if end is not None and end - position > MAX_BEHIND:
                self.consumer.seek(partition, end - MAX_ROWS)
                self.num_skipped += end - MAX_ROWS - position
