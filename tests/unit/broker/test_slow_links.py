"""Slow links make a slow cluster and no broken one, under simulated time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kit.broker.config.cluster_defaults import KAFKA_TIMERS, LAB_TIMERS
from kit.wire import messages as m
from kit.wire.errors import ErrorCode
from tests.support.memory_cluster import CREATE_TOPICS, PRODUCE, MemoryCluster, batch_of

MakeCluster = Callable[..., MemoryCluster]
SETTLE_MS = 3_000
TROUBLE = {"candidate", "controller_elected", "controller_resigned", "broker_fenced", "leader_lost", "leader_elected",
           "isr_changed", "truncated", "write_timed_out"}  # fmt: skip


def with_topics(cluster: MemoryCluster) -> MemoryCluster:
    """The cluster with "a", "b" and "c" of one partition on all brokers, each led by another one."""
    topics = [
        m.CreatableTopic(
            name=name,
            num_partitions=-1,
            replication_factor=-1,
            assignments=[m.CreatableReplicaAssignment(partition_index=0, broker_ids=replicas)],
        )
        for name, replicas in (("a", [1, 2, 3]), ("b", [2, 3, 1]), ("c", [3, 1, 2]))
    ]
    answer = cluster.wait_for(cluster.ask(1, CREATE_TOPICS, 7, m.CreateTopicsRequest(topics=topics, timeout_ms=1_000)))
    assert {each.error_code for each in answer.topics} == {ErrorCode.NONE}
    cluster.clock.advance(SETTLE_MS)
    return cluster


def timers(table: dict[str, str]) -> dict[str, Any]:
    """Settings as keywords."""
    return {name.replace(".", "_"): value for name, value in table.items()}


def trouble(cluster: MemoryCluster, since: int) -> list[str]:
    """What happened, since there were so many events, that no slow link explains to a student."""
    return [event.text for event in list(cluster.cluster.timeline)[since:] if event.kind in TROUBLE]


def produce_ms(cluster: MemoryCluster, topic: str) -> float:
    """How long it takes until all in-sync replicas have a record; a client's own links are not slow here."""
    entry = m.PartitionProduceData(index=0, records=batch_of(b"x"))
    data = [m.TopicProduceData(name=topic, partition_data=[entry])]
    request = m.ProduceRequest(acks=-1, timeout_ms=30_000, topic_data=data)
    leader = {"a": 1, "b": 2, "c": 3}[topic]
    began_ms = cluster.clock.monotonic_ms()
    response = cluster.wait_for(cluster.ask(leader, PRODUCE, 12, request))
    assert response.responses[0].partition_responses[0].error_code == ErrorCode.NONE
    return cluster.clock.monotonic_ms() - began_ms


@pytest.mark.parametrize("table", [LAB_TIMERS, KAFKA_TIMERS], ids=["lab timers", "Kafka's timers"])
@pytest.mark.parametrize("slow", [(1,), (2,), (3,), (1, 2)])
def test_cluster_with_slow_links_is_slow_and_whole(
    make_cluster: MakeCluster, slow: tuple[int, ...], table: dict[str, str]
) -> None:
    """Whether the slow one is the controller or not: nobody is fenced, nobody else is elected, and acks=all works."""
    cluster = with_topics(make_cluster(brokers=3, **timers(table)))
    before = len(cluster.cluster.timeline)

    for node_id in slow:
        cluster.cluster.slow(node_id, 200)
    times_ms = []
    for _ in range(5):
        cluster.clock.advance(1_700)
        times_ms += [produce_ms(cluster, topic) for topic in ("a", "b", "c")]

    assert trouble(cluster, before) == []
    assert all(300 < time_ms < 3_500 for time_ms in times_ms), times_ms
    cluster.cluster.heal()
    cluster.clock.advance(SETTLE_MS)
    assert produce_ms(cluster, "a") < 50
    assert trouble(cluster, before) == []


@pytest.mark.parametrize("slow", [101, 1])
def test_slow_controller_of_its_own_stays_the_controller(make_cluster: MakeCluster, slow: int) -> None:
    """Its voters wait as long as its brokers do."""
    cluster = with_topics(make_cluster(brokers=3, controllers=3))
    assert cluster.cluster.active_controller == 101
    before = len(cluster.cluster.timeline)

    cluster.cluster.slow(slow, 150, 50)
    cluster.clock.advance(10_000)

    assert trouble(cluster, before) == []


@pytest.mark.parametrize("slow", [1, 3])
def test_very_slow_links_are_survived(make_cluster: MakeCluster, slow: int) -> None:
    """No timer is longer than Kafka's own: another controller is elected, as it would be there; no broker is lost."""
    cluster = with_topics(make_cluster(brokers=3))
    before = len(cluster.cluster.timeline)

    cluster.cluster.slow(slow, 1_000, 500)
    cluster.clock.advance(20_000)

    kinds = {event.kind for event in list(cluster.cluster.timeline)[before:]}
    assert "broker_fenced" not in kinds
    assert cluster.cluster.active_controller not in (None, slow)
    assert ("controller_elected" in kinds) == (slow == 1)
    assert produce_ms(cluster, "c") < 10_000
    cluster.cluster.heal()
    cluster.clock.advance(2 * SETTLE_MS)
    assert all(len(state.isr) == 3 for _, state in cluster.controller.image.partitions())


def test_dead_broker_is_missed_among_slow_ones(make_cluster: MakeCluster) -> None:
    """Later by the slowest round trip; and as soon as ever when the links are fast again."""
    cluster = with_topics(make_cluster(brokers=3))
    cluster.cluster.slow(1, 200)
    cluster.clock.advance(1_000)
    for most_ms in (1_600, 400):
        cluster.cluster.kill(3)
        killed_ms = cluster.clock.time_ms()
        cluster.clock.advance(SETTLE_MS)
        fenced_ms = [
            event.time_ms for event in cluster.cluster.timeline.since(killed_ms) if event.kind == "broker_fenced"
        ]
        assert len(fenced_ms) == 1
        assert 190 < fenced_ms[0] - killed_ms < most_ms
        cluster.cluster.restart(3)
        cluster.clock.advance(SETTLE_MS)
        if not cluster.cluster.links.is_quiet:
            cluster.cluster.slow(1, 0)
            cluster.clock.advance(SETTLE_MS)
