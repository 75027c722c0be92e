"""Following a topic, with a consumer that plays a script."""

from __future__ import annotations

from collections import defaultdict
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka import TopicPartition

from kit.widgets._tail import MAX_BEHIND, MAX_ROWS, MAX_VALUE_CHARS, Tail, show

TOPIC = "music.listens"


class _ScriptedConsumer:
    """Partitions as lists of values, in the shape of a KafkaConsumer without group."""

    def __init__(self, logs: dict[int, list[bytes]], max_poll_records: int = 500) -> None:
        self.logs = logs
        self.positions: dict[TopicPartition, int] = {}
        self._max = max_poll_records

    def topics(self) -> set[str]:
        return {TOPIC} if self.logs else set()

    def partitions_for_topic(self, _topic: str) -> set[int]:
        return set(self.logs)

    def assignment(self) -> set[TopicPartition]:
        return set(self.positions)

    def assign(self, partitions: list[TopicPartition]) -> None:
        self.positions = {each: self.positions.get(each, -1) for each in partitions}

    def seek_to_beginning(self, *partitions: TopicPartition) -> None:
        self.positions.update(dict.fromkeys(partitions, 0))

    def seek_to_end(self, *partitions: TopicPartition) -> None:
        self.positions.update({each: len(self.logs[each.partition]) for each in partitions})

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.positions[partition] = offset

    def position(self, partition: TopicPartition) -> int:
        return self.positions[partition]

    def highwater(self, partition: TopicPartition) -> int:
        return len(self.logs[partition.partition])

    def poll(self, **_: int) -> dict[TopicPartition, list[Any]]:
        found = defaultdict(list)
        for at, position in self.positions.items():
            for offset in range(position, min(position + self._max, len(self.logs[at.partition]))):
                value = self.logs[at.partition][offset]
                record = SimpleNamespace(
                    partition=at.partition, offset=offset, timestamp=offset, key=None, value=value, headers=[]
                )
                found[at].append(record)
                self.positions[at] = offset + 1
        return found


def places(tail: Tail) -> list[tuple[int, int]]:
    """Partition and offset of each row."""
    return [(row["partition"], row["offset"]) for row in tail.rows]


def test_tail_waits_for_a_topic_that_is_not_there_yet() -> None:
    """No topic is no error; it is followed from its first record when it appears."""
    consumer = _ScriptedConsumer({})
    tail = Tail(consumer, TOPIC, from_beginning=True)
    assert not tail.poll(0)

    consumer.logs[0] = [b"first"]

    assert tail.poll(0)
    assert places(tail) == [(0, 0)]


@pytest.mark.parametrize(("from_beginning", "expected"), [(True, [(0, 0), (0, 1)]), (False, [(0, 1)])])
def test_tail_starts_where_it_is_told(from_beginning: bool, expected: list[tuple[int, int]]) -> None:
    """From the beginning means retained records too; otherwise only what comes after the view was opened."""
    consumer = _ScriptedConsumer({0: [b"old"]})
    tail = Tail(consumer, TOPIC, from_beginning=from_beginning)
    tail.poll(0)

    consumer.logs[0].append(b"new")
    tail.poll(0)

    assert places(tail) == expected


@given(
    st.dictionaries(st.integers(0, 5), st.lists(st.binary(max_size=3), max_size=400), min_size=1, max_size=4),
    st.integers(1, 500),
)
def test_tail_shows_the_newest_and_counts_every_record(logs: dict[int, list[bytes]], max_poll_records: int) -> None:
    """Every record is counted once, and the rows are the last ones, in time order, at most MAX_ROWS."""
    tail = Tail(_ScriptedConsumer(logs, max_poll_records), TOPIC, from_beginning=True)
    while tail.poll(0):
        pass

    total = sum(map(len, logs.values()))
    assert tail.num_read == total
    assert len(tail.rows) == min(total, MAX_ROWS)
    assert len(set(places(tail))) == len(tail.rows)


def test_tail_that_is_too_far_behind_jumps_and_says_so() -> None:
    """A flood is not read to the end: memory and time stay bounded, and the number left out is told."""
    num_records = MAX_BEHIND * 5
    tail = Tail(_ScriptedConsumer({0: [b"x"] * num_records}, 500), TOPIC, from_beginning=True)
    polls = 0
    while tail.poll(0):
        polls += 1

    assert polls < 10
    assert tail.num_read + tail.num_skipped == num_records
    assert places(tail)[-1] == (0, num_records - 1)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (None, None),
        (b"", ""),
        ("é".encode(), "é"),
        (b"\xff\x00", "0xff00"),
        (b"a" * MAX_VALUE_CHARS, "a" * MAX_VALUE_CHARS),
    ],
)
def test_show_gives_text_or_hex(data: bytes | None, text: str | None) -> None:
    """Null stays apart from empty, and what is no text is shown as hex."""
    assert show(data) == text


@given(st.binary(max_size=5000) | st.text(max_size=3000).map(str.encode))
def test_show_is_bounded(data: bytes) -> None:
    """No value can make a row long, and a value that is cut says how long it was."""
    text = show(data)

    assert text is not None
    assert len(text) < MAX_VALUE_CHARS + 30
    if "…" in text[-20:] and b"\xe2\x80\xa6" not in data:
        assert f"({len(data):,} bytes)" in text


def test_show_keeps_text_that_is_cut_within_a_character() -> None:
    """The cut may fall into the middle of a character of several bytes; the text is still text."""
    assert (show(("a" + "é" * 5000).encode()) or "").startswith("aéé")
