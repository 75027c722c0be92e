"""How long a producer with acks=all waits when the leader that it sends to is killed.

Measured from the call of ``Cluster.kill`` to the acknowledgement of the first record that is sent after it. The
producer has sent before, so it knows the old leader; its settings are its library's own. librdkafka asks for the new
leader when its timer of one second fires (``rd_kafka_topic_scan_all``), however early that was elected; so it is
measured with metadata that is refreshed more often besides, and when the new leader was elected is told too.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import NamedTuple

import kit

PATIENCE_S = 60
CASES = {"another broker": False, "the leader": True}
"""Who is the active controller when the leader is killed."""

Send = Callable[[], object]  # one record, acknowledged
Client = Callable[[str, str], AbstractContextManager[Send]]


class Failover(NamedTuple):
    """One kill.

    Attributes:
        controller: one of `CASES`.
        elected_s: from the kill to the election of the new leader, by the cluster's timeline.
        sent_s: from the kill to the acknowledgement.
    """

    client: str
    controller: str
    elected_s: float
    sent_s: float


@contextmanager
def kafka_python(servers: str, topic: str) -> Iterator[Send]:
    """A producer of kafka-python."""
    from kafka import KafkaProducer

    producer = KafkaProducer(bootstrap_servers=servers, acks="all")
    try:
        yield lambda: producer.send(topic, b"x").get(PATIENCE_S)
    finally:
        producer.close()


def confluent_kafka(**settings: object) -> Client:
    """A producer of confluent-kafka (librdkafka)."""

    @contextmanager
    def client(servers: str, topic: str) -> Iterator[Send]:
        from confluent_kafka import Producer

        producer = Producer({"bootstrap.servers": servers, "acks": -1, "linger.ms": 0, "log_level": 0, **settings})

        def send() -> None:
            producer.produce(topic, b"x", partition=0)
            if producer.flush(PATIENCE_S):
                raise RuntimeError(f"no acknowledgement within {PATIENCE_S} s")

        yield send

    return client


CLIENTS: dict[str, Client] = {
    "kafka-python": kafka_python,
    "confluent-kafka": confluent_kafka(),
    "confluent-kafka, metadata every 100 ms": confluent_kafka(**{"topic.metadata.refresh.interval.ms": 100}),
}


def measure(backend: str, rounds: int, config: Mapping[str, str] | None = None) -> Iterator[Failover]:
    """Kill leaders; each is back before the next one goes.

    Args:
        rounds: kills with each client and in each case.
        config: of the cluster; None for the kit's own timers.
    """
    with kit.start(backend, brokers=3, config=config) as cluster:
        for _ in range(rounds):
            for case, is_controller in CASES.items():
                for name, client in CLIENTS.items():
                    yield Failover(name, case, *_kill_once(cluster, client, is_controller=is_controller))


def leader_for(broker_ids: list[int], controller: int, *, is_controller: bool) -> int:
    """The broker that shall lead: the active controller, or the first one that is not."""
    return controller if is_controller else next(node_id for node_id in broker_ids if node_id != controller)


def elected_s(events: list[kit.Event], topic: str) -> float:
    """Seconds from the last kill to the election of the topic's leader after it.

    Raises:
        ValueError: the timeline does not have both.
    """
    killed_ms = max(event.time_ms for event in events if event.kind == "kill")
    return min(
        (event.time_ms - killed_ms) / 1000
        for event in events
        if event.kind == "leader_elected" and event.topic == topic and event.time_ms >= killed_ms
    )


def _kill_once(cluster: kit.Cluster, client: Client, *, is_controller: bool) -> tuple[float, float]:
    broker_ids = [broker.node_id for broker in cluster.brokers]
    controller = _wait_for(lambda: cluster.controller, "an active controller")
    leader = leader_for(broker_ids, controller, is_controller=is_controller)
    replicas = [leader, *(node_id for node_id in broker_ids if node_id != leader)]
    topic = _make_topic(cluster, replicas)
    with client(cluster.bootstrap_servers, topic) as send:
        send()
        started = time.perf_counter()
        cluster.kill(leader)
        send()
        sent_s = time.perf_counter() - started
    cluster.restart(leader)
    _wait_for(lambda: len(cluster.topics()[topic].partitions[0].isr) == len(replicas), "all replicas in sync")
    return elected_s(cluster.timeline(), topic), sent_s


def _make_topic(cluster: kit.Cluster, replicas: list[int]) -> str:
    """A topic with one partition that the first of ``replicas`` leads."""
    from confluent_kafka.admin import AdminClient, NewTopic

    name = f"failover-{uuid.uuid4().hex[:8]}"
    admin = AdminClient({"bootstrap.servers": cluster.bootstrap_servers, "log_level": 0})
    for future in admin.create_topics([NewTopic(name, 1, replica_assignment=[replicas])]).values():
        future.result(30)
    return name


def _wait_for(look: Callable[[], int | None], what: str) -> int:
    """What ``look`` finds, as soon as it is true."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := look()):
        if time.monotonic() > deadline:
            raise RuntimeError(f"waited {PATIENCE_S} s for {what}")
        time.sleep(0.05)
    return found
