"""``kafka topic produce``: lines become records, and nothing is forgotten or kept too long."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from kafka.errors import KafkaError, KafkaTimeoutError, for_code

from kit.practice import producing
from tests.support.practice import PracticeCli

MESSAGE_TOO_LARGE = 10


class FakeFuture:
    """An acknowledgement that comes when it is waited for.

    Args:
        error: what comes instead.
    """

    def __init__(self, error: KafkaError | None = None) -> None:
        self.exception = error
        self.is_done = False
        self.timeouts = 0

    def get(self, timeout: float) -> None:
        """Wait; the first `timeouts` times in vain."""
        assert timeout > 0
        if self.timeouts:
            self.timeouts -= 1
            raise KafkaTimeoutError
        self.is_done = True
        if self.exception is not None:
            raise self.exception

    def failed(self) -> bool:
        """Whether an error came."""
        return self.is_done and self.exception is not None


class FakeProducer:
    """A producer that remembers what is sent.

    Attributes:
        records: key, value and headers of each.
        most_pending: the largest number of records on their way at once.
        errors: what becomes of some records, by their number from 0.
    """

    def __init__(self) -> None:
        self.records: list[tuple[bytes | None, bytes, Sequence[Any]]] = []
        self.futures: list[FakeFuture] = []
        self.errors: dict[int, KafkaError] = {}
        self.timeouts: dict[int, int] = {}
        self.most_pending = 0
        self.is_closed = False
        self._sender = SimpleNamespace(force_close=lambda: None)

    def send(self, topic: str, value: bytes, key: bytes | None, headers: Sequence[Any]) -> FakeFuture:
        """Remember a record."""
        assert topic == "orders"
        future = FakeFuture(self.errors.get(len(self.records)))
        future.timeouts = self.timeouts.get(len(self.records), 0)
        self.records.append((key, value, headers))
        self.futures.append(future)
        self.most_pending = max(self.most_pending, sum(not each.is_done for each in self.futures))
        return future

    def partitions_for(self, topic: str) -> set[int]:
        """The partitions of the topic."""
        assert topic == "orders"
        return {0, 1, 2}

    def close(self, timeout: float) -> None:
        """The end."""
        assert timeout >= 0
        self.is_closed = True


@pytest.fixture
def producer(day2: PracticeCli, monkeypatch: pytest.MonkeyPatch) -> FakeProducer:
    """The producer of the next command; an API key is in use, and the topic "orders" is there."""
    made = FakeProducer()
    day2.ok(f"api-key create --resource {day2.cluster} --use")
    monkeypatch.setattr(producing, "partitions_of", lambda *_: [0, 1, 2])
    monkeypatch.setattr(producing, "_producer", lambda *_: made)
    return made


def test_lines_become_values(day2: PracticeCli, producer: FakeProducer) -> None:
    """Empty lines are passed over; ends of lines of any system are no part of a value."""
    result = day2("kafka topic produce orders", stdin="tea\n\n green tea \r\nlast")

    assert (result.status, result.out) == (0, "")
    assert result.err == "Starting Kafka Producer. Use Ctrl-C or Ctrl-D to exit.\n"
    assert [value for _, value, _ in producer.records] == [b"tea", b" green tea ", b"last"]
    assert {key for key, _, _ in producer.records} == {None}
    assert all(future.is_done for future in producer.futures)
    assert producer.is_closed


def test_parse_key_and_headers(day2: PracticeCli, producer: FakeProducer) -> None:
    """Both are parted by the delimiter, and numbers are written as bytes."""
    day2.ok(
        "kafka topic produce orders --parse-key --key-format integer --delimiter | --headers a|1,b|2", stdin="7|x|y\n"
    )

    assert producer.records == [(b"\x07\0\0\0", b"x|y", [("a", b"1"), ("b", b"2")])]


@pytest.mark.parametrize(
    ("flags", "stdin", "words"),
    [
        ("--parse-key", "a:1\nb\nc:3\n", "missing key or value in message\n"),
        ("--value-format integer", "1\ntwo\n3\n", '"two" is no integer'),
    ],
)
def test_line_that_makes_no_record_ends_it_with_its_number(
    day2: PracticeCli, producer: FakeProducer, flags: str, stdin: str, words: str
) -> None:
    """What was sent before is acknowledged, and nothing is sent after it."""
    result = day2(f"kafka topic produce orders {flags}", stdin=stdin)

    assert result.status == 1
    assert result.err.count("Error: ") == 1
    assert f"Error: {words}" in result.err
    assert "\nSuggestions:\n    Mend line 2 of the input; those before it were sent.\n" in result.err
    assert [future.is_done for future in producer.futures] == [True]


def test_refused_record_ends_it_with_kafkas_name(day2: PracticeCli, producer: FakeProducer) -> None:
    """And the number of its line, counted with empty ones."""
    producer.errors[1] = for_code(MESSAGE_TOO_LARGE)("It has 3000088 bytes.")

    result = day2("kafka topic produce orders", stdin="first\n\nhuge\nlast\n")

    assert result.status == 1
    assert "Error: failed to produce line 3: MESSAGE_TOO_LARGE: It has 3000088 bytes.\n" in result.err
    assert "max.message.bytes" in result.err
    assert producer.is_closed


def test_late_acknowledgement_is_waited_for(day2: PracticeCli, producer: FakeProducer) -> None:
    """As long as cluster, key and topic are there."""
    producer.timeouts[0] = 3

    assert day2("kafka topic produce orders", stdin="tea\n").status == 0
    assert producer.futures[0].is_done


def test_nothing_is_waited_for_when_the_cluster_is_gone(day2: PracticeCli, producer: FakeProducer) -> None:
    """One sentence, and how to go on."""
    service = day2.service

    class Crashing(FakeFuture):
        def get(self, timeout: float) -> None:
            """The cluster crashes meanwhile."""
            service.is_alive = False
            super().get(timeout)

    crashing = Crashing()
    crashing.timeouts = 1_000_000
    producer.send = lambda *_, **__: crashing  # type: ignore[method-assign]
    result = day2("kafka topic produce orders", stdin="tea\n")

    assert result.status == 1
    assert f'Error: Kafka cluster "{day2.cluster}" is gone\n' in result.err
    assert "starts it again on its data" in result.err


def test_only_so_much_is_on_its_way(day2: PracticeCli, producer: FakeProducer, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the input is: counted in records and in bytes."""
    monkeypatch.setattr(producing, "_MOST_PENDING", 3)
    day2.ok("kafka topic produce orders", stdin="x\n" * 50)
    assert (len(producer.records), producer.most_pending) == (50, 4)

    producer.most_pending = 0
    monkeypatch.setattr(producing, "_MOST_PENDING", 100)
    monkeypatch.setattr(producing, "_MOST_PENDING_BYTES", 10)
    day2.ok("kafka topic produce orders", stdin="12345678\n" * 50)
    assert producer.most_pending == 2


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        ("--value-format avro", 'the format "avro" needs a Schema Registry'),
        ("--value-format text", 'invalid value "text" for `--value-format` flag'),
        ("--key-format integer", "`--parse-key` must be set when `key-format` is set"),
        ("--schema s.avsc", "the `--schema` flag does nothing in the practice CLI: it has no Schema Registry"),
        ("--headers nothing", "invalid header format, headers should be in the format (key:value)"),
        ("--config nope=1", 'failed to create producer: No such configuration property: "nope"'),
        ("--config linger.ms=1 --config-file f.json", "[config config-file] were all set"),
        ("--config-file f.json", '"f.json" cannot be read'),
        ("--api-secret S", "`--api-secret` needs `--api-key`"),
        ("--api-key K", 'no secret for API key "K" of resource'),
    ],
)
def test_flags_that_make_no_sense_are_refused(
    day2: PracticeCli, producer: FakeProducer, flags: str, words: str
) -> None:
    """Before anything is read."""
    result = day2(f"kafka topic produce orders {flags}", stdin="tea\n")

    assert result.status == 1
    assert words in result.err
    assert producer.records == []


def test_produce_needs_an_api_key(day2: PracticeCli) -> None:
    """The real CLI's error with its suggestions."""
    result = day2("kafka topic produce orders", stdin="tea\n")

    assert result.status == 1
    assert result.err.startswith(f'Error: no API key selected for resource "{day2.cluster}"\n\nSuggestions:\n')
    assert result.err.count("\n    ") == 4
