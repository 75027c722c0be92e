"""``kafka topic consume``: where it begins, what it prints, what it commits, and how it ends."""

from __future__ import annotations

import io
import os
import sys
from dataclasses import dataclass, field
from typing import Any

import pytest
from kafka import TopicPartition

from kit.practice import consuming
from kit.practice.screen import Screen
from tests.support.practice import PracticeCli

P0, P1 = TopicPartition("orders", 0), TopicPartition("orders", 1)


@dataclass
class FakeRecord:
    """A record as kafka-python gives it."""

    partition: int
    offset: int
    value: bytes | None
    topic: str = "orders"
    timestamp: int = 0
    key: bytes | None = None
    headers: list[tuple[str, bytes]] = field(default_factory=list)


class FakeConsumer:
    """A consumer with two partitions and some records; then Ctrl-C.

    Attributes:
        calls: what was done that decides where reading begins, and what is committed.
        polls: what each poll gives; an exception is raised.
    """

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.polls: list[Any] = []
        self.known_topics = {"orders"}
        self._listener: Any = None
        self._assigned: list[TopicPartition] = []

    def subscribe(self, topics: list[str], listener: Any) -> None:
        """Join the group; partitions come with the first poll."""
        assert topics == ["orders"]
        self._listener = listener

    def assign(self, partitions: list[TopicPartition]) -> None:
        """Take partitions without a group."""
        self.calls.append(("assign", *partitions))
        self._assigned = partitions

    def rebalance(self, *partitions: TopicPartition) -> None:
        """The group gives these partitions."""
        self._assigned = list(partitions)
        self._listener.on_partitions_assigned(partitions)

    def poll(self, timeout_ms: int) -> dict[TopicPartition, list[FakeRecord]]:
        """The next records."""
        assert timeout_ms > 0
        if not self._assigned:
            self.rebalance(P0, P1)
            return {}
        answer = self.polls.pop(0) if self.polls else KeyboardInterrupt()
        if callable(answer):
            answer = answer()
        if isinstance(answer, BaseException):
            raise answer
        batches: dict[TopicPartition, list[FakeRecord]] = answer or {}
        return batches

    def assignment(self) -> set[TopicPartition]:
        """The partitions it has."""
        return set(self._assigned)

    def position(self, _at: TopicPartition) -> int:
        """Where it is: known at once."""
        return 0

    def topics(self) -> set[str]:
        """The topics there are."""
        return self.known_topics

    def seek(self, at: TopicPartition, offset: int) -> None:
        """Go to an offset."""
        self.calls.append(("seek", at, offset))

    def seek_to_beginning(self, at: TopicPartition) -> None:
        """Go to the first record."""
        self.calls.append(("beginning", at))

    def close(self, timeout_ms: int) -> None:
        """Commit and leave."""
        assert timeout_ms > 0
        self.calls.append(("close",))
        self._assigned = []


@pytest.fixture
def consumer(day2: PracticeCli, monkeypatch: pytest.MonkeyPatch) -> FakeConsumer:
    """The consumer of the next command; an API key is in use, and "orders" has two partitions."""
    made = FakeConsumer()
    day2.ok(f"api-key create --resource {day2.cluster} --use")
    monkeypatch.setattr(consuming, "partitions_of", lambda *_: [0, 1])
    monkeypatch.setattr(consuming, "_consumer", lambda *_: made)
    monkeypatch.setattr(consuming, "_LOOK_AROUND_S", 0.0)
    return made


def test_records_are_printed_until_ctrl_c(day2: PracticeCli, consumer: FakeConsumer) -> None:
    """Banners go to standard error; Ctrl-C is a way to end it, and no error."""
    consumer.polls = [{P0: [FakeRecord(0, 5, b"tea")]}, {}, {P1: [FakeRecord(1, 0, b"coffee")]}]

    result = day2("kafka topic consume orders")

    assert (result.status, result.out) == (0, "tea\ncoffee\n")
    assert result.err == "Starting Kafka Consumer. Use Ctrl-C to exit.\nStopping Consumer.\n"


@pytest.mark.parametrize(
    ("flags", "begins"),
    [
        ("", []),
        ("-b", [("beginning", P0), ("beginning", P1)]),
        ("--offset 7", [("seek", P0, 7), ("seek", P1, 7)]),
        ("--partition 1 --offset 7", [("assign", P1), ("seek", P1, 7)]),
        ("--partition 0 -b --group g", [("assign", P0), ("beginning", P0)]),
    ],
)
def test_flags_decide_where_it_begins(day2: PracticeCli, consumer: FakeConsumer, flags: str, begins: list[Any]) -> None:
    """Without them at the end, which is where a consumer without committed offsets begins by itself."""
    day2.ok(f"kafka topic consume orders {flags}")

    assert consumer.calls == [*begins, ("close",)]


def test_partition_that_comes_back_goes_on(day2: PracticeCli, consumer: FakeConsumer) -> None:
    """Only a partition that was never there begins at the beginning."""

    def rebalance() -> None:
        consumer.rebalance(P0)
        consumer.rebalance(P0, P1)

    consumer.polls = [rebalance]
    day2.ok("kafka topic consume orders --group g -b")

    assert consumer.calls == [("beginning", P0), ("beginning", P1), ("close",)]


def test_partition_that_is_added_is_read_from_its_beginning(day2: PracticeCli, consumer: FakeConsumer) -> None:
    """Everything in it was sent after the banner."""
    added = TopicPartition("orders", 2)
    consumer.polls = [lambda: consumer.rebalance(P0, P1, added)]

    day2.ok("kafka topic consume orders")

    assert consumer.calls == [("beginning", added), ("close",)]


def test_only_what_was_printed_is_committed(
    day2: PracticeCli, consumer: FakeConsumer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C between two records of a batch: the second one is read again by the group's next member."""
    printed = consuming.record_text.lines_of

    def interrupted(record: Any, layout: Any) -> bytes:
        if record.value == b"second":
            raise KeyboardInterrupt
        return printed(record, layout)

    monkeypatch.setattr(consuming.record_text, "lines_of", interrupted)
    consumer.polls = [{P0: [FakeRecord(0, 5, b"first"), FakeRecord(0, 6, b"second")]}]

    result = day2("kafka topic consume orders --group g")

    assert (result.status, result.out) == (0, "first\n")
    assert consumer.calls == [("seek", P0, 6), ("close",)]


def test_topic_that_is_deleted_ends_it(day2: PracticeCli, consumer: FakeConsumer) -> None:
    """It would wait for ever."""
    consumer.known_topics = set()
    consumer.polls = [{}, {}]

    result = day2("kafka topic consume orders")

    assert (result.status, 'Error: topic "orders" was deleted' in result.err) == (1, True)
    assert consumer.calls[-1] == ("close",)


def test_cluster_and_key_that_are_gone_end_it(day2: PracticeCli, consumer: FakeConsumer) -> None:
    """Each has its own sentence."""
    (key,) = day2.store.read().api_keys

    def delete_key() -> None:
        day2.ok(f"api-key delete {key} --force")

    consumer.polls = [delete_key, {}]
    assert f'Error: API key "{key}" was deleted' in day2("kafka topic consume orders").err

    day2.ok(f"api-key create --resource {day2.cluster} --use")
    service = day2.service

    def crash() -> None:
        service.is_alive = False

    consumer.polls = [crash, {}]
    assert "Its process has ended." in day2("kafka topic consume orders").err


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ("-b --offset 1", "[from-beginning offset] were all set"),
        ("--offset -1", "invalid offset -1"),
        ("--offset x", 'invalid argument "x" for "--offset" flag'),
        ("--offset 9223372036854775808", "value out of range"),
        ("--partition 2", 'the topic "orders" has no partition 2, only 0 to 1'),
        ("--partition -1", "has no partition -1"),
        ("--key-format jsonschema", "needs a Schema Registry"),
        ("--config acks=all", 'failed to create consumer: No such configuration property: "acks"'),
    ],
)
def test_flags_that_make_no_sense_are_refused(
    day2: PracticeCli, consumer: FakeConsumer, flags: str, words: str
) -> None:
    """Before the banner."""
    result = day2(f"kafka topic consume orders {flags}")

    assert (result.status, result.out) == (1, "")
    assert words in result.err
    assert "Starting" not in result.err


def test_value_of_another_format_ends_it(day2: PracticeCli, consumer: FakeConsumer) -> None:
    """And is not committed."""
    consumer.polls = [{P0: [FakeRecord(0, 0, b"tea")]}]

    result = day2("kafka topic consume orders --value-format double")

    assert (result.status, "the double value is invalid: it has 3 bytes, not 8" in result.err) == (1, True)
    assert consumer.calls == [("seek", P0, 0), ("close",)]


class Terminal(io.TextIOWrapper):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """It is one."""
        return True


def test_terminal_gets_text_and_a_file_gets_bytes() -> None:
    """What a terminal cannot show, or would obey, is escaped; a file has what was sent."""
    for kind, expected in [
        (Terminal, b"\\x1b[2J \\xff caf\\xe9 \\u2603\n"),
        (io.TextIOWrapper, "\x1b[2J \udcff café ☃\n"),
    ]:
        raw = io.BytesIO()
        screen = Screen(kind(raw, encoding="ascii"))
        data = "\x1b[2J \udcff café ☃\n".encode("utf-8", "surrogateescape")
        screen.write(data)
        screen.flush()
        want = expected if isinstance(expected, bytes) else expected.encode("utf-8", "surrogateescape")
        assert raw.getvalue() == want


@pytest.mark.skipif(sys.platform == "win32", reason="it cannot be noticed there before something is printed")
def test_reader_that_went_away_is_noticed_without_printing() -> None:
    """As behind ``| head``."""
    read_end, write_end = os.pipe()
    with os.fdopen(write_end, "w", encoding="utf-8") as stdout:
        screen = Screen(stdout)
        screen.check_reader()
        os.close(read_end)

        with pytest.raises(BrokenPipeError):
            screen.check_reader()


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (("--group", ""), "the consumer group ID is empty"),
        (("--group", "  "), "the consumer group ID is empty"),
        (("--delimiter", r"\t"), "a tab is written $'\\t'"),
    ],
)
def test_flags_that_cannot_be_meant_are_refused(day2: PracticeCli, flags: tuple[str, ...], told: str) -> None:
    """An empty group, and the two characters that a shell makes of a tab."""
    assert told in day2.run(["kafka", "topic", "consume", "orders", *flags]).err
