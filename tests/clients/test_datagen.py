"""Streams sent into a live cluster, judged by what can be read back."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition

import kit
from kit import cells, datagen
from kit.datagen import music
from tests.support.wait import wait_until

pytestmark = [
    pytest.mark.clients,
    # kafka-python forgets sockets of connections that never came about.
    pytest.mark.filterwarnings(r"ignore:Exception ignored in. <socket\.socket:pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.usefixtures("forgotten_sockets"),
]


@pytest.fixture(scope="module")
def cluster() -> Iterator[kit.Cluster]:
    """Three brokers, topics of three partitions."""
    with kit.start(brokers=3, config={"num.partitions": 3}) as started:
        yield started


@pytest.fixture
def topic(unique: Callable[[str], str]) -> str:
    """A topic that nobody has used."""
    return unique("stream")


def read(cluster: kit.Cluster, topic: str) -> list[Any]:
    """All records of a topic, each partition in its order."""
    partitions = [TopicPartition(topic, each.partition) for each in cluster.topics()[topic].partitions]
    with KafkaConsumer(**cluster.client_settings, auto_offset_reset="earliest", enable_auto_commit=False) as consumer:
        consumer.assign(partitions)
        ends, records = consumer.end_offsets(partitions), []
        while any(consumer.position(each) < ends[each] for each in partitions):
            for batch in consumer.poll(timeout_ms=200).values():
                records += batch
    return records


def test_send_writes_each_event_once_and_in_order(cluster: kit.Cluster, topic: str) -> None:
    """What is in the topic is the stream, byte for byte, each key's records in the order of arrival."""
    stream = datagen.plays(seed=7, late=0.1, duplicates=0.05)
    report = stream.send(cluster, topic, count=3_000)
    found: dict[bytes, list[tuple[bytes, list[tuple[str, bytes]]]]] = defaultdict(list)
    expected: dict[bytes, list[tuple[bytes, list[tuple[str, bytes]]]]] = defaultdict(list)
    records = read(cluster, topic)
    for record in records:
        found[record.key].append((record.value, list(record.headers)))
    for event in stream.take(3_000):
        expected[event.key].append((event.value, event.headers))

    assert found == expected
    events = stream.take(3_000)
    assert report.acknowledged == 3_000
    assert report.late == sum(event.is_late for event in events) > 0
    assert report.duplicates == sum(event.is_duplicate for event in events) > 0
    assert {number: each.num_records for number, each in report.partitions.items()} == Counter(
        record.partition for record in records
    )
    assert {(each.first_offset, each.last_offset) for each in report.partitions.values()} == {
        (0, each.num_records - 1) for each in report.partitions.values()
    }
    assert not report.failed
    assert not report.is_stopped


@pytest.mark.parametrize("event_time", [False, True])
def test_timestamps_of_records(cluster: kit.Cluster, topic: str, event_time: bool) -> None:
    """They are the times of sending, and the events' own where that is asked for."""
    before_ms = time.time_ns() // 1_000_000
    stream = datagen.detections(start_ms=before_ms - 3_600_000)
    stream.send(cluster, topic, count=100, event_time=event_time)
    timestamps = sorted(record.timestamp for record in read(cluster, topic))

    if event_time:
        assert timestamps == sorted(event.timestamp_ms for event in stream.take(100))
    else:
        assert before_ms <= timestamps[0] <= timestamps[-1] <= time.time_ns() // 1_000_000


def test_run_sends_until_it_is_stopped(cluster: kit.Cluster, topic: str) -> None:
    """The block goes on meanwhile; what was acknowledged is in the topic, from the first event on, and no more."""
    stream = datagen.listens(seed=2)
    with stream.run(cluster, topic, rate=500) as running:
        assert running.is_running
        wait_until(lambda: running.acknowledged > 100, "100 records")
        assert "stop() ends it" in repr(running)
    report = running.stop()
    values = {record.value for record in read(cluster, topic)}

    assert not running.is_running
    assert running.error is None
    assert report.is_stopped
    assert values == {event.value for event in itertools.islice(stream, report.acknowledged)}
    assert repr(running).startswith("Ended.")


def test_run_with_a_count_ends_by_itself(cluster: kit.Cluster, topic: str) -> None:
    """It sends so many records and says that it was not stopped."""
    report = datagen.listens().run(cluster, topic, rate=None, count=700).wait()

    assert (report.acknowledged, report.is_stopped) == (700, False)
    assert len(read(cluster, topic)) == 700


def test_run_survives_a_failover(topic: str) -> None:
    """A killed leader costs time, no acknowledged record, and no order."""
    with kit.start(brokers=3) as cluster, datagen.listens().run(cluster, topic, rate=1_000) as running:
        wait_until(lambda: running.acknowledged > 100, "some records")
        cluster.kill(cluster.topics()[topic].partitions[0].leader or 0)
        wait_until(lambda: running.acknowledged > 2_000, "records after the failover")
        report = running.stop()
        records = read(cluster, topic)

    assert not report.failed
    assert [record.value for record in records] == [event.value for event in datagen.listens().take(len(records))]
    assert len(records) == report.acknowledged


def test_run_ends_with_its_cluster(topic: str) -> None:
    """A sentence says why, and no thread stays behind."""
    with kit.start(brokers=1) as cluster:
        running = datagen.listens().run(cluster, topic, rate=None)
        wait_until(lambda: running.acknowledged > 100, "some records")
    report = running.wait()

    assert "The cluster is closed" in str(running.error)
    assert report.acknowledged > 100
    assert "kit-datagen" not in {thread.name for thread in threading.enumerate()}
    with pytest.raises(kit.DatagenError, match="The cluster is closed"):
        datagen.listens().send(cluster, topic, count=1)


def test_an_interrupt_ends_send_with_a_report(cluster: kit.Cluster, topic: str) -> None:
    """The stop button of a notebook: what was sent until then is waited for and told."""

    def interrupted(seed: int, start_ms: int) -> Iterator[datagen.Listen]:
        yield from itertools.islice(music.listens(seed, start_ms), 300)
        raise KeyboardInterrupt

    stream = datagen.Stream("listens", interrupted, seed=1, late=0, duplicates=0, late_ms=1_000, start_ms=0)
    report = stream.send(cluster, topic, count=1_000)

    assert (report.acknowledged, report.is_stopped) == (300, True)
    assert len(read(cluster, topic)) == 300


def test_running_a_cell_again_ends_what_it_ran(
    cluster: kit.Cluster, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second run of a cell ends the stream of the first, even when nobody kept its handle."""
    monkeypatch.setattr(cells, "current_run", lambda: cells.Run("cell", "first"))
    first = datagen.listens().run(cluster, topic)
    monkeypatch.setattr(cells, "current_run", lambda: cells.Run("cell", "second"))
    with datagen.listens().run(cluster, topic) as second:
        assert not first.is_running
        assert second.is_running


def test_a_topic_that_kafka_refuses_is_named(cluster: kit.Cluster) -> None:
    """A name that cannot be one is told in the client's own words, once."""
    with pytest.raises(kit.DatagenError, match=r"Nothing was sent to 'a b!': .*illegal"):
        datagen.listens().send(cluster, "a b!", count=1_000_000)


def test_a_refusal_has_kafkas_name(cluster: kit.Cluster, topic: str) -> None:
    """What the first record is refused with is said once, and nothing more is tried."""
    long_ahead_ms = time.time_ns() // 1_000_000 + 86_400_000
    with pytest.raises(kit.DatagenError, match=r"Nothing was sent to .*INVALID_TIMESTAMP|InvalidTimestamp"):
        datagen.listens(start_ms=long_ahead_ms).send(cluster, topic, count=100, event_time=True)
    assert read(cluster, topic) == []
