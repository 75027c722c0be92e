"""What tests ask of clusters in containers, and of the engine that runs them."""

from __future__ import annotations

import contextlib
import itertools
import json
from typing import Any

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition

import kit
from kit.backends.broker_link import LinkError
from kit.backends.docker import asking, labels
from tests.support.wait import wait_until

_names = itertools.count(1)


def port_of(cluster: kit.Cluster, node_id: int) -> int:
    """The port of a broker."""
    return next(broker.port for broker in cluster.brokers if broker.node_id == node_id)


def seen_by(cluster: kit.Cluster, node_id: int, topic: str) -> tuple[int, list[int]]:
    """Leader and in-sync replicas of a topic's first partition as one broker sees it; -1 and nothing if it does not."""
    with contextlib.suppress(LinkError):
        for each in asking.metadata(port_of(cluster, node_id), with_topics=True).topics:
            if each.name == topic and each.partitions:
                return each.partitions[0].leader_id, sorted(each.partitions[0].isr_nodes)
    return -1, []


def alive_by(cluster: kit.Cluster, node_id: int) -> set[int]:
    """The brokers that one broker knows to be alive."""
    with contextlib.suppress(LinkError):
        return {each.node_id for each in asking.metadata(port_of(cluster, node_id), with_topics=False).brokers}
    return set()


def topic_on(cluster: kit.Cluster, *replicas: int) -> str:
    """A new topic of one partition on these brokers, led by the first of them, which all of them know."""
    name = f"topic-{next(_names)}"
    admin = KafkaAdminClient(**cluster.client_settings)
    try:
        admin.create_topics({name: {"assignments": {0: list(replicas)}}})
    finally:
        admin.close()
    wanted = (replicas[0], sorted(replicas))
    for node_id in replicas:
        wait_until(lambda node_id=node_id: seen_by(cluster, node_id, name) == wanted, f"{name} on broker {node_id}")
    return name


def send(cluster: kit.Cluster, topic: str, value: bytes, *, through: int | None = None, acks: int | str = "all") -> int:
    """Send one record and return its offset.

    Args:
        through: the broker to ask for the leader first; None for any.

    Raises:
        kafka.errors.KafkaError: it was not acknowledged within some seconds.
    """
    servers = cluster.bootstrap_servers if through is None else f"127.0.0.1:{port_of(cluster, through)}"
    producer = KafkaProducer(
        bootstrap_servers=servers,
        acks=acks,
        enable_idempotence=False,
        request_timeout_ms=3000,
        delivery_timeout_ms=4000,
        max_block_ms=20_000,
    )
    try:
        return int(producer.send(topic, value, partition=0).get(20).offset)
    finally:
        producer.close(timeout=0)


def read(cluster: kit.Cluster, topic: str) -> list[bytes]:
    """The values of a topic's first partition, up to the high watermark."""
    consumer = KafkaConsumer(**cluster.client_settings, auto_offset_reset="earliest")
    partition = TopicPartition(topic, 0)
    try:
        consumer.assign([partition])
        end = consumer.end_offsets([partition])[partition]
        values: list[bytes] = []
        wait_until(
            lambda: values.extend(_values(consumer)) or len(values) >= end, f"{end} records of {topic}", pause_s=0
        )
        return values
    finally:
        consumer.close()


def _values(consumer: KafkaConsumer) -> list[bytes]:
    return [record.value for records in consumer.poll(200).values() for record in records]


def is_whole(cluster: kit.Cluster) -> bool:
    """Whether every broker runs, knows all others, and every partition has all its replicas in sync."""
    everyone = {broker.node_id for broker in cluster.brokers}
    try:
        for broker in cluster.brokers:
            answer = asking.metadata(broker.port, with_topics=True)
            partitions = [each for topic in answer.topics for each in topic.partitions]
            if {each.node_id for each in answer.brokers} != everyone:
                return False
            if any(sorted(each.isr_nodes) != sorted(each.replica_nodes) for each in partitions):
                return False
    except LinkError:
        return False
    return cluster.controller is not None


def containers_of(client: Any, pid: int) -> dict[int, Any]:
    """The containers that a process owns, by node."""
    found = client.containers.list(all=True, filters={"label": labels.CLUSTER}, ignore_removed=True)
    return {int(each.labels[labels.NODE]): each for each in found if _owner(each.labels) == pid}


def left_of(client: Any, pid: int) -> list[str]:
    """The names of the containers and networks that a process owns."""
    networks = client.networks.list(filters={"label": labels.CLUSTER})
    return [each.name for each in containers_of(client, pid).values()] + [
        network.name for network in networks if _owner(network.attrs["Labels"]) == pid
    ]


def _owner(found: dict[str, str]) -> int:
    return int(json.loads(found[labels.OWNER])["pid"])


def of_cluster(client: Any, cluster: kit.Cluster) -> dict[int, Any]:
    """The containers of one cluster, by node, as the engine knows them."""
    found = client.containers.list(all=True, filters={"label": labels.CLUSTER}, ignore_removed=True)
    first = f'"{cluster.brokers[0].port}"'
    name = next(
        each.labels[labels.CLUSTER] for each in found if first in json.dumps(each.attrs["HostConfig"]["PortBindings"])
    )
    return {int(each.labels[labels.NODE]): each for each in found if each.labels[labels.CLUSTER] == name}
