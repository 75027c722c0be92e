"""Play a load test with real records: producers that write, a group that commits, and offsets that say what waits."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.errors import KafkaError, TopicAlreadyExistsError
from kafka.structs import OffsetAndMetadata

from kit.client_settings import settings_of
from kit.errors import ScenarioError
from kit.lessons.load_test import SECOND_HEADER, Load, LoadTest, Second
from kit.plain_errors import plainly
from kit.scenarios.clients import PATIENCE_S

_MOST_RUNS = 1_000
_AGAIN = "run the cell with kit.start or kit.connect again, then this one."


@plainly
def load_test(
    cluster: Any,
    *,
    partitions: int,
    producers: int,
    consumers: int,
    target: int = 200,
    producer_rate: int = 15,
    consumer_rate: int = 20,
    seconds: int = 10,
) -> LoadTest:
    """Try a topic with so many partitions and clients; how fast this computer is does not matter.

    A record stands for 1 MB, and its timestamp is when it was made, in logical seconds: there are ``seconds`` of them.
    When a second is over, what lies in the topic and what the group has committed is read from the cluster.

    Args:
        cluster: where; the test makes a topic of its own.
        target: records made each second.
        producer_rate: what one producer sends, and one partition takes, each second.
        consumer_rate: what one consumer works off each second.

    Raises:
        SizingError: a number makes no sense.
        ScenarioError: the cluster is closed or does not answer.
    """
    load = Load(partitions, producers, consumers, target, producer_rate, consumer_rate, seconds)
    brokers = getattr(cluster, "brokers", None)
    if brokers is not None and not any(broker.is_alive for broker in brokers):
        raise ScenarioError(f"The cluster is closed, or every broker is down: {_AGAIN}")
    try:
        with contextlib.ExitStack() as opened:
            return _Run(settings_of(cluster), load, opened).play()
    except KafkaError as error:
        raise ScenarioError(
            f"The load test came to no end, the cluster did not answer ({type(error).__name__}: {error}): {_AGAIN}"
        ) from None


class _Run:
    """One test on a topic of its own."""

    def __init__(self, client_settings: Any, load: Load, opened: contextlib.ExitStack) -> None:
        self._load = load
        options = {**client_settings, "bootstrap_timeout_ms": 10_000}
        admin = opened.enter_context(contextlib.closing(KafkaAdminClient(**options)))
        self._topic = _new_topic(admin, load)
        self._group_id = f"{self._topic}-readers"
        self._places = [TopicPartition(self._topic, number) for number in range(load.partitions)]
        self._producer = KafkaProducer(**options, linger_ms=5)
        opened.callback(self._producer.close, timeout=2)
        self._consumer = KafkaConsumer(
            **options, group_id=self._group_id, auto_offset_reset="earliest", enable_auto_commit=False
        )
        opened.callback(self._consumer.close)
        self._consumer.assign(self._places)
        self._done = [0] * load.partitions
        # The records are a little older than now, as if the test had just ended.
        self._begin_ms = time.time_ns() // 1_000_000 - load.seconds * 1_000

    def play(self) -> LoadTest:
        """All seconds, one after the other."""
        seconds, ends, committed = [], [], []
        for second, numbers in enumerate(self._load.written()):
            self._write(second, numbers)
            ends = self._read()
            self._work_off(ends)
            committed = [self._consumer.committed(place) or 0 for place in self._places]
            seconds.append(Second(second, self._load.target * (second + 1), sum(ends), sum(committed)))
        return LoadTest(self._load, self._topic, self._group_id, tuple(seconds), tuple(ends), tuple(committed))

    def _write(self, second: int, numbers: Iterable[int]) -> None:
        futures = [
            self._producer.send(
                self._topic,
                value=b"record %d" % number,
                partition=self._load.partition(number),
                timestamp_ms=self._begin_ms + self._load.made_ms(number),
                headers=[(SECOND_HEADER, b"%d" % second)],
            )
            for number in numbers
        ]
        self._producer.flush(timeout=PATIENCE_S)
        for future in futures:
            future.get(PATIENCE_S)

    def _read(self) -> list[int]:
        """Take in all that was written; the end of each partition."""
        found = self._consumer.end_offsets(self._places)
        give_up_s = time.monotonic() + PATIENCE_S
        while any(self._consumer.position(place) < found[place] for place in self._places):
            if time.monotonic() > give_up_s:
                raise ScenarioError(f"{self._topic} could not be read to its end: has one of its partitions no leader?")
            self._consumer.poll(timeout_ms=200)
        return [found[place] for place in self._places]

    def _work_off(self, ends: list[int]) -> None:
        backlog = [end - done for end, done in zip(ends, self._done, strict=True)]
        for number, count in enumerate(self._load.worked_off(backlog)):
            self._done[number] += count
        self._consumer.commit(
            {place: OffsetAndMetadata(done, "", -1) for place, done in zip(self._places, self._done, strict=True)}
        )


def _new_topic(admin: Any, load: Load) -> str:
    taken = set(admin.list_topics())
    for run in range(1, _MOST_RUNS):
        name = f"load.{load.partitions}-partitions.{load.consumers}-consumers.run-{run}"
        if name in taken:
            continue
        try:
            admin.create_topics({name: {"num_partitions": load.partitions}})
        except TopicAlreadyExistsError:  # somebody else tests at the same time
            continue
        return name
    raise ScenarioError("There are too many topics of load tests: start a new cluster.")
