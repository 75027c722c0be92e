"""The widgets of labs 03 and 04 on a real cluster, without a browser; and the load test on its own."""

from __future__ import annotations

import gc
import logging
from collections.abc import Iterator

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition

import kit
from kit.lessons.partition_choice import CRC32, partition_of
from kit.lessons.sizing import SizingError
from kit.scenarios.load_test import load_test
from kit.widgets import HashWheel, PartitionChart, SizingEstimator
from tests.support.wait import wait_until

pytestmark = [
    pytest.mark.labs,
    # kafka-python forgets sockets of connections that never came about.
    pytest.mark.filterwarnings(r"ignore:Exception ignored in. <socket\.socket:pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.usefixtures("forgotten_sockets"),
]


@pytest.fixture
def forgotten_sockets(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Let the sockets that kafka-python forgets be found in the test that had them, where they are forgiven.

    What it logs holds the exception, whose traceback holds the socket, and pytest keeps what was logged.
    """
    caplog.set_level(logging.CRITICAL, logger="kafka")
    yield
    gc.collect()


@pytest.fixture(scope="module")
def cluster() -> Iterator[kit.Cluster]:
    """Give a cluster of two brokers."""
    with kit.start(brokers=2) as cluster:
        yield cluster


def create(cluster: kit.Cluster, topic: str, num_partitions: int) -> None:
    """Make a topic."""
    admin = KafkaAdminClient(**cluster.client_settings)
    admin.create_topics({topic: {"num_partitions": num_partitions}})
    admin.close()


@pytest.mark.parametrize("name", ["murmur2", CRC32])
def test_wheel_sends_as_the_client_does(cluster: kit.Cluster, name: str) -> None:
    """To the partition of the topic, which is not always that of the wheel."""
    topic = f"wheel.{name}"
    create(cluster, topic, 5)
    wheel = HashWheel(cluster, topic, key="ana", partitions=6)
    try:
        wheel.send(name)
        told = wait_until(lambda: wheel.said.get("text"), "an answer")
    finally:
        wheel.close()

    assert f"Acknowledged: partition {partition_of(b'ana', 5, name)}, offset 0." in told
    assert f"{topic} has 5 partitions, the wheel shows 6." in told


def test_chart_follows_topics_that_come_grow_and_go(cluster: kit.Cluster) -> None:
    """A topic that is not there yet, its records, its new partitions, its end."""
    chart = PartitionChart(cluster, "chart.a", "chart.b")
    admin = KafkaAdminClient(**cluster.client_settings)
    try:
        wait_until(lambda: "chart.a: there is no such topic yet" in str(chart), "the first look")
        create(cluster, "chart.a", 2)
        with KafkaProducer(**cluster.client_settings) as producer:
            for _ in range(7):
                producer.send("chart.a", b"x", partition=1)
        wait_until(lambda: chart.totals == {"chart.a": 7, "chart.b": 0}, "seven records")
        assert "the fullest partition has 2.00 times the mean" in str(chart)
        admin.create_partitions({"chart.a": 3})
        wait_until(lambda: "partition 2: 0" in str(chart), "the new partition")
        admin.delete_topics(["chart.a"])
        wait_until(lambda: "chart.a: there is no such topic yet" in str(chart), "the topic to go")
        assert chart.alive
    finally:
        admin.close()
        chart.close()


@pytest.mark.parametrize(
    ("setting", "waiting", "lag"),
    [((4, 4, 6), 1_400, 0), ((14, 14, 14), 0, 0), ((14, 14, 10), 0, 342), ((20, 14, 10), 0, 0)],
)
def test_load_test_leaves_its_verdict_in_the_cluster(
    cluster: kit.Cluster, setting: tuple[int, int, int], waiting: int, lag: int
) -> None:
    """What the object says is what an outsider reads from end offsets and commits."""
    partitions, producers, consumers = setting
    test = load_test(cluster, partitions=partitions, producers=producers, consumers=consumers)
    reader = KafkaConsumer(**cluster.client_settings, group_id=test.group_id)
    places = [TopicPartition(test.topic, number) for number in range(partitions)]
    written = sum(reader.end_offsets(places).values())
    committed = sum(reader.committed(place) for place in places)
    reader.close()

    assert (2_000 - written, written - committed) == (waiting, lag)
    assert (test.seconds[-1].waiting, test.seconds[-1].lag) == (waiting, lag)
    assert test.keeps_up == (waiting + lag == 0)


def test_load_tests_have_topics_of_their_own(cluster: kit.Cluster) -> None:
    """The same test again does not meet the records of the first one; a senseless one makes no topic."""
    tests = [load_test(cluster, partitions=1, producers=1, consumers=1, seconds=1) for _ in range(2)]
    before = set(cluster.topics())
    with pytest.raises(SizingError, match="partitions is 0"):
        load_test(cluster, partitions=0, producers=1, consumers=1)

    assert tests[0].topic != tests[1].topic
    assert tests[0].seconds == tests[1].seconds
    assert set(cluster.topics()) == before


def test_estimators_trouble_goes_with_the_numbers_that_it_was_about(cluster: kit.Cluster) -> None:
    """A load test of half a record is refused; other numbers take the sentence away, and are tried."""
    estimator = SizingEstimator(cluster, target=1.5)
    try:
        estimator.try_out()
        wait_until(lambda: "whole records" in estimator.test.get("text", ""), "the refusal")
        estimator.asked = {**estimator.asked, "target": 20}
        assert estimator.test["text"] == ""
        estimator.try_out()
        told = wait_until(lambda: estimator.test.get("margins"), "the test")
        assert "the busiest partition has 10 to take, below its limit of 15" in told
        assert told in str(estimator)
        assert estimator.test["picture"]["shapes"]
    finally:
        estimator.close()


def test_closed_cluster_is_told_in_a_sentence() -> None:
    """By the load test, and by the estimator, the wheel and the chart, which stay."""
    cluster = kit.start(brokers=1)
    estimator, wheel, chart = SizingEstimator(cluster), HashWheel(cluster, "t"), PartitionChart(cluster, "t")
    wait_until(lambda: "no such topic" in str(chart), "the first look")
    cluster.close()
    try:
        wait_until(lambda: not (estimator.alive or wheel.alive or chart.alive), "the widgets to notice")
        estimator.try_out()
        assert "No load test can be played any more. The cluster is closed" in estimator.test["text"]
        assert "Nothing can be sent any more. The cluster is closed" in wheel.said["text"]
        assert "The chart has stopped. The cluster is closed" in str(chart)
        with pytest.raises(kit.ScenarioError, match="cluster is closed") as told:
            load_test(cluster, partitions=1, producers=1, consumers=1)
        assert "\n" not in str(told.value)
    finally:
        for widget in (estimator, wheel, chart):
            widget.close()
