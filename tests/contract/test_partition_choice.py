"""Which partition a record goes to: the client decides, by rules that all clients of a kind share."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from confluent_kafka import Producer
from kafka import KafkaProducer

import kit
from tests.contract.talk import Talk

NewTopic = Callable[..., str]
pytestmark = pytest.mark.usefixtures("forgotten_sockets")

NUM_PARTITIONS = 7
# key: its partition of 7 by murmur2 (Java, kafka-python), and by CRC-32 (librdkafka)
PLACES = {
    b"a": (5, 4),
    b"21": (3, 6),
    b"foobar": (0, 6),
    b"a-little-bit-long-string": (1, 3),
    b"a-little-bit-longer-string": (0, 0),
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": (3, 2),
    b"abc": (4, 5),
    "ümlaut".encode(): (2, 0),
    bytes(range(256)): (3, 5),
}
# key: its partition of 3 and of 4, both by murmur2
OF_3_AND_OF_4 = {
    b"k0": (2, 1),
    b"k1": (2, 1),
    b"k2": (0, 1),
    b"k3": (1, 0),
    b"k4": (1, 0),
    b"k5": (0, 0),
    b"k6": (1, 1),
    b"k7": (1, 0),
}


def kafka_python(cluster: kit.Cluster, topic: str, keys: Sequence[bytes | None], **options: object) -> None:
    """Send a record for each key, whose value is the key's number."""
    with KafkaProducer(**cluster.client_settings, **options) as producer:
        for number, key in enumerate(keys):
            producer.send(topic, key=key, value=b"%d" % number)


def librdkafka(cluster: kit.Cluster, topic: str, keys: Sequence[bytes | None], **options: object) -> None:
    """The same with confluent-kafka."""
    producer = Producer({"bootstrap.servers": cluster.bootstrap_servers, **options})
    for number, key in enumerate(keys):
        producer.produce(topic, key=key, value=b"%d" % number)
    assert producer.flush(60) == 0


def places(talk: Talk, topic: str, count: int) -> list[int]:
    """The partition of each record, by its number."""
    found = {
        int(record.value or b""): partition
        for partition in range(len(talk.topic(topic).partitions))
        for record in talk.read_all(topic, partition=partition)
    }
    return [found[number] for number in range(count)]


CLIENTS = {
    "kafka-python": (kafka_python, {}, 0),
    "librdkafka told so": (librdkafka, {"partitioner": "murmur2_random"}, 0),
    "librdkafka": (librdkafka, {}, 1),
}


@pytest.mark.parametrize("client", CLIENTS)
def test_key_decides_the_partition(cluster: kit.Cluster, talk: Talk, new_topic: NewTopic, client: str) -> None:
    """Java's and kafka-python's producers hash the key by murmur2, librdkafka's by CRC-32 unless it is told."""
    send, options, column = CLIENTS[client]
    topic = new_topic(partitions=NUM_PARTITIONS)
    send(cluster, topic, [*PLACES], **options)

    assert dict(zip(PLACES, places(talk, topic, len(PLACES)), strict=True)) == {
        key: place[column] for key, place in PLACES.items()
    }


@pytest.mark.parametrize("send", [kafka_python, librdkafka])
def test_equal_keys_share_a_partition_in_their_order(
    cluster: kit.Cluster, talk: Talk, new_topic: NewTopic, send: Callable[..., None]
) -> None:
    """So the records of one key are read in the order in which they were sent."""
    topic = new_topic(partitions=3)
    keys: list[bytes | None] = [b"k%d" % (number % 5) for number in range(100)]
    send(cluster, topic, keys)

    in_log = [record for p in range(3) for record in talk.read_all(topic, partition=p)]
    for key in set(keys):
        numbers = [int(record.value or b"") for record in in_log if record.key == key]
        assert numbers == [number for number, each in enumerate(keys) if each == key]
    assert len({(key, place) for key, place in zip(keys, places(talk, topic, 100), strict=True)}) == 5


def test_more_partitions_move_keys(cluster: kit.Cluster, talk: Talk, new_topic: NewTopic) -> None:
    """The partition is the hash modulo the number of partitions: growing a topic breaks the order of keys."""
    few, many = new_topic(partitions=3), new_topic(partitions=4)
    for topic in (few, many):
        kafka_python(cluster, topic, [*OF_3_AND_OF_4])

    found = zip(places(talk, few, 8), places(talk, many, 8), strict=True)
    assert dict(zip(OF_3_AND_OF_4, found, strict=True)) == OF_3_AND_OF_4


def test_named_partition_goes_before_the_key(cluster: kit.Cluster, talk: Talk, new_topic: NewTopic) -> None:
    """Who names the partition gets it."""
    topic = new_topic(partitions=3)
    with KafkaProducer(**cluster.client_settings) as producer:
        for partition in (2, 0, 1, 2):
            producer.send(topic, key=b"same", value=b"x", partition=partition)

    assert [len(talk.read_all(topic, partition=p)) for p in range(3)] == [1, 1, 2]
