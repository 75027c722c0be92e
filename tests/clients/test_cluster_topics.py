"""What `Cluster.topics` shows of a live cluster."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from kafka import KafkaAdminClient, KafkaProducer

import kit


@pytest.fixture(scope="module")
def cluster() -> Iterator[kit.Cluster]:
    """Three brokers."""
    with kit.start(brokers=3) as started:
        yield started


def test_topics_tells_leaders_replicas_and_offsets(cluster: kit.Cluster) -> None:
    """Partitions are spread over the brokers, and offsets are those of the records that are there."""
    admin = KafkaAdminClient(bootstrap_servers=cluster.bootstrap_servers)
    admin.create_topics({"music": {"num_partitions": 3, "replication_factor": 1}})
    with KafkaProducer(bootstrap_servers=cluster.bootstrap_servers) as producer:
        for number in range(6):
            producer.send("music", b"listen", partition=number % 2).get(30)
    admin.close()

    music = cluster.topics()["music"]
    assert not music.is_internal
    assert [partition.partition for partition in music.partitions] == [0, 1, 2]
    assert {partition.leader for partition in music.partitions} == {1, 2, 3}
    assert [partition.log_start_offset for partition in music.partitions] == [0, 0, 0]
    assert [partition.high_watermark for partition in music.partitions] == [3, 3, 0]
    for partition in music.partitions:
        assert partition.replicas == partition.isr == (partition.leader,)


def test_topics_can_be_read_while_others_come_and_go(cluster: kit.Cluster) -> None:
    """A topic that is deleted between two requests is simply not there."""
    admin = KafkaAdminClient(bootstrap_servers=cluster.bootstrap_servers)
    is_over = threading.Event()

    def come_and_go() -> None:
        for _ in range(150):
            admin.create_topics({"passing": {"num_partitions": 2, "replication_factor": 1}})
            admin.delete_topics(["passing"])
        is_over.set()

    other = threading.Thread(target=come_and_go)
    other.start()
    num_reads = 0
    while not is_over.is_set():
        assert set(cluster.topics()) - {"passing", "music"} == set()
        num_reads += 1
    other.join()
    admin.close()

    assert num_reads > 5
    assert "passing" not in cluster.topics()
