"""Recording kafka-python clients: played clients here, so that every end of a send can be made."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from kafka import TopicPartition
from kafka.future import Future

from kit.history import History, check
from kit.history.recording import RecordedConsumer, RecordedProducer

AT = TopicPartition("t", 0)


class PlayedProducer:
    """A producer whose futures the test resolves."""

    def __init__(self, acks: int | str = "all") -> None:
        self.config = {"acks": acks}
        self.futures: list[Future] = []
        self.error: Exception | None = None

    def send(self, _topic: str, _value: object, _key: object, **_options: object) -> Future:
        """See `kafka.KafkaProducer`."""
        if self.error is not None:
            raise self.error
        self.futures.append(Future())
        return self.futures[-1]


class PlayedConsumer:
    """A consumer that answers what the test says."""

    def __init__(self) -> None:
        self.answers: list[Any] = []
        self.listener: Any = None
        self.calls: list[str] = []

    def poll(self, **_options: object) -> Any:
        """See `kafka.KafkaConsumer`."""
        answer = self.answers.pop(0)
        if callable(answer):
            answer = answer()
        return {AT: answer}

    def __next__(self) -> Any:
        if not self.answers:
            raise StopIteration
        return self.answers.pop(0)

    def subscribe(self, *, topics: list[str], pattern: str | None, listener: object) -> None:
        """See `kafka.KafkaConsumer`."""
        self.calls.append(f"subscribe {topics} {pattern}")
        self.listener = listener

    def assignment(self) -> set[TopicPartition]:
        """See `kafka.KafkaConsumer`."""
        return {AT}

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_arguments, **_options: self.calls.append(name)


class InvalidTopicError(Exception):
    """Named as kafka-python's, which needs a message of its own kind."""


def seen(offset: int, value: bytes) -> SimpleNamespace:
    """A record as kafka-python gives it."""
    return SimpleNamespace(topic="t", partition=0, offset=offset, key=None, value=value)


@pytest.mark.parametrize(
    ("acks", "end", "outcome"),
    [
        ("all", lambda future: future.success(SimpleNamespace(partition=0, offset=5)), "ok"),
        (0, lambda future: future.success(SimpleNamespace(partition=0, offset=-1)), "unknown"),
        (1, lambda future: future.failure(TimeoutError("late")), "unknown"),
        (1, lambda future: future.failure(InvalidTopicError()), "fail"),
        (1, lambda _future: None, "pending"),
    ],
)
def test_send_ends_as_its_future_says(acks: int | str, end: Callable[[Future], None], outcome: str) -> None:
    """In doubt it is unknown; only what no attempt can have written has failed; acks=0 promises nothing."""
    history, played = History(), PlayedProducer(acks)
    producer = RecordedProducer(played, history, "p", time_ms=lambda: 7)

    future = producer.send("t", b"a", key=b"k")
    end(played.futures[0])

    [operation] = history
    assert future is played.futures[0]
    assert (operation.outcome, operation.topic, operation.key, operation.value) == (outcome, "t", b"k", b"a")
    assert operation.offset == (5 if outcome == "ok" else None)
    assert operation.start_ms == 7


def test_send_that_raises_has_failed() -> None:
    """The record never reached the producer's buffer, and the student sees the error."""
    history, played = History(), PlayedProducer()
    played.error = TypeError("not bytes")

    with pytest.raises(TypeError, match="not bytes"):
        RecordedProducer(played, history, "p", value_of=str).send("t", {"song": 1})

    [operation] = history
    assert (operation.outcome, operation.error, operation.value) == ("fail", "TypeError", "{'song': 1}")


def test_consumer_is_recorded_with_its_moves() -> None:
    """Each move is in the history in the order in which it took effect, and the history can be judged."""
    history, played = History(), PlayedConsumer()
    consumer = RecordedConsumer(played, history, "c")
    own = SimpleNamespace(told=[], on_partitions_revoked=lambda _: own.told.append("revoked"))
    own.on_partitions_assigned = own.on_partitions_lost = lambda _: own.told.append("given or lost")

    consumer.subscribe(["t"], listener=own)
    played.answers = [lambda: played.listener.on_partitions_assigned([AT]) or [seen(0, b"a")], [seen(1, b"b")]]
    consumer.poll(timeout_ms=5)
    consumer.poll()
    consumer.commit({AT: SimpleNamespace(offset=2)})
    consumer.seek(AT, 0)
    consumer.seek_to_beginning(AT)
    consumer.seek_to_end()
    consumer.assign([AT])
    played.answers = [seen(0, b"a")]
    assert [record.offset for record in consumer] == [0]
    played.listener.on_partitions_revoked([AT])
    played.listener.on_partitions_lost([AT])
    consumer.close()

    actions = [each.action for each in history.completions]
    assert actions == ["subscribe", "assign", "poll", "poll", "commit", *["seek"] * 3, "assign", "poll", "poll"]
    assert [each.offset for each in history if each.action == "seek"] == [0, None, None]
    assert history.completions[4].records == (("t", 0, 2),)
    assert (history.completions[-1].outcome, history.completions[-1].records) == ("ok", ())
    assert played.calls[-1] == "close"
    assert own.told == ["given or lost", "revoked", "given or lost"]
    assert check(history).ok


def test_poll_and_commit_that_raise_are_unknown() -> None:
    """Nobody can tell what the client had taken."""

    def breaks() -> None:
        raise OSError

    history, played = History(), PlayedConsumer()
    consumer = RecordedConsumer(played, history, "c")
    played.answers = [breaks]
    played.commit = lambda _offsets: breaks()

    for act in (consumer.poll, consumer.commit):
        with pytest.raises(OSError):  # noqa: PT011 (the played client's own)
            act()

    assert [each.outcome for each in history] == ["unknown", "unknown"]
