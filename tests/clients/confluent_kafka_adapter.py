"""confluent-kafka: today's librdkafka under Python."""

# ruff: noqa: D102 - the base classes say what each method does

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    ConsumerGroupTopicPartitions,
    KafkaError,
    KafkaException,
    Message,
    Producer,
    TopicPartition,
)
from confluent_kafka.admin import (
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewPartitions,
    NewTopic,
    ResourceType,
)

from tests.clients.foreign_client import (
    HEARTBEAT_INTERVAL_MS,
    REQUEST_TIMEOUT_S,
    SESSION_TIMEOUT_MS,
    AdministersGroups,
    AdministersTopics,
    AltersConfigs,
    DeletesGroups,
    ForeignClient,
    GroupView,
    Incoming,
    Member,
    Outgoing,
    Placed,
    Refused,
    read_until,
)


def _refuse(error: KafkaError) -> None:
    raise Refused(error.code(), error.str())


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except KafkaException as failure:
        _refuse(failure.args[0])


def _only(futures: Mapping[Any, Any]) -> Any:
    """Return the answer to a request about one thing: the admin client answers with a future for each."""
    (future,) = futures.values()
    with _refusals():
        return future.result(timeout=REQUEST_TIMEOUT_S)


def _incoming(message: Message) -> Incoming:
    if message.error() is not None:
        _refuse(message.error())
    _, timestamp_ms = message.timestamp()
    headers = tuple(message.headers() or ())
    return Incoming(message.partition(), message.offset(), timestamp_ms, message.key(), message.value(), headers)


def _poll(consumer: Consumer) -> list[Incoming]:
    return [_incoming(message) for message in consumer.consume(num_messages=500, timeout=0.1)]


class ConfluentKafkaMember(Member):
    """A Consumer that has subscribed; librdkafka's thread does the heartbeats."""

    def __init__(self, consumer: Consumer, topic: str) -> None:
        self._consumer: Consumer | None = consumer
        consumer.subscribe([topic])

    def assignment(self) -> frozenset[int]:
        assert self._consumer is not None
        return frozenset(place.partition for place in self._consumer.assignment())

    def poll(self) -> list[Incoming]:
        assert self._consumer is not None
        return _poll(self._consumer)

    def commit(self) -> None:
        assert self._consumer is not None
        self._consumer.commit(asynchronous=False)

    def leave(self) -> None:
        if self._consumer is not None:
            self._consumer.close()
            self._consumer = None


class ConfluentKafka(ForeignClient, AdministersTopics, AdministersGroups, AltersConfigs, DeletesGroups):
    """confluent-kafka's producer, consumer and admin client.

    Args:
        bootstrap_servers: ``host:port,host:port``.
        assignor: ``partition.assignment.strategy`` of its members; ``cooperative-sticky`` is KIP-429.
    """

    def __init__(self, bootstrap_servers: str, *, assignor: str = "range,roundrobin") -> None:
        super().__init__(bootstrap_servers)
        self._assignor = assignor
        self._admin = AdminClient({"bootstrap.servers": bootstrap_servers})

    def _consumer(self, group_id: str = "not-joined", **settings: object) -> Consumer:
        """Make a consumer; the library wants a group.id even of one that only assigns itself partitions."""
        common = {
            "bootstrap.servers": self.bootstrap_servers,
            "group.id": group_id,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
        return Consumer(common | settings)

    def _join(self, group_id: str, topic: str, client_id: str, instance_id: str | None) -> Member:
        settings = {
            "client.id": client_id,
            "heartbeat.interval.ms": HEARTBEAT_INTERVAL_MS,
            "session.timeout.ms": SESSION_TIMEOUT_MS,
            "partition.assignment.strategy": self._assignor,
        }
        static = {} if instance_id is None else {"group.instance.id": instance_id}
        return ConfluentKafkaMember(self._consumer(group_id, **settings, **static), topic)

    def partitions(self, topic: str) -> set[int]:
        return set(self._admin.list_topics(topic, timeout=REQUEST_TIMEOUT_S).topics[topic].partitions)

    def produce(
        self, topic: str, records: Sequence[Outgoing], *, compression: str = "none", idempotent: bool = False
    ) -> list[Placed]:
        producer = Producer(
            {
                "bootstrap.servers": self.bootstrap_servers,
                "compression.type": compression,
                "enable.idempotence": idempotent,
                "acks": "all",
            }
        )
        placed: dict[int, Placed] = {}
        failed: list[KafkaError] = []

        def acknowledged(index: int, error: KafkaError | None, message: Message) -> None:
            if error is not None:
                failed.append(error)
            else:
                placed[index] = Placed(message.partition(), message.offset())

        for index, record in enumerate(records):
            options: dict[str, Any] = {"key": record.key, "headers": list(record.headers)}
            if record.partition is not None:
                options["partition"] = record.partition
            if record.timestamp_ms is not None:
                options["timestamp"] = record.timestamp_ms
            producer.produce(
                topic,
                record.value,
                on_delivery=lambda error, message, index=index: acknowledged(index, error, message),
                **options,
            )
        assert producer.flush(REQUEST_TIMEOUT_S) == 0
        for error in failed:
            _refuse(error)
        return [placed[index] for index in range(len(records))]

    def consume(self, topic: str, count: int, *, start: Mapping[int, int] | None = None) -> list[Incoming]:
        offsets = dict.fromkeys(self.partitions(topic), OFFSET_BEGINNING) if start is None else start
        consumer = self._consumer()
        with contextlib.closing(consumer):
            consumer.assign([TopicPartition(topic, partition, offset) for partition, offset in offsets.items()])
            return read_until(lambda: _poll(consumer), count)

    def offsets_at(self, topic: str, timestamp_ms: int) -> dict[int, int | None]:
        asked = [TopicPartition(topic, partition, timestamp_ms) for partition in self.partitions(topic)]
        with contextlib.closing(self._consumer()) as consumer:
            found = consumer.offsets_for_times(asked, timeout=REQUEST_TIMEOUT_S)
        return {place.partition: place.offset if place.offset >= 0 else None for place in found}

    def create_topic(self, topic: str, *, partitions: int, config: Mapping[str, str] | None = None) -> None:
        new_topic = NewTopic(topic, num_partitions=partitions, replication_factor=1, config=dict(config or {}))
        _only(self._admin.create_topics([new_topic]))

    def delete_topic(self, topic: str) -> None:
        _only(self._admin.delete_topics([topic]))

    def topics(self) -> set[str]:
        return set(self._admin.list_topics(timeout=REQUEST_TIMEOUT_S).topics)

    def add_partitions(self, topic: str, total: int) -> None:
        _only(self._admin.create_partitions([NewPartitions(topic, total)]))

    def delete_records(self, topic: str, before: Mapping[int, int]) -> dict[int, int]:
        asked = [TopicPartition(topic, partition, offset) for partition, offset in before.items()]
        answers = self._admin.delete_records(asked)
        with _refusals():
            return {place.partition: future.result().low_watermark for place, future in answers.items()}

    def topic_config(self, topic: str) -> dict[str, str | None]:
        settings = _only(self._admin.describe_configs([ConfigResource(ResourceType.TOPIC, topic)]))
        return {name: entry.value for name, entry in settings.items()}

    def set_topic_config(self, topic: str, name: str, value: str) -> None:
        entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
        resource = ConfigResource(ResourceType.TOPIC, topic, incremental_configs=[entry])
        _only(self._admin.incremental_alter_configs([resource]))

    def groups(self) -> set[str]:
        answer = self._admin.list_consumer_groups().result(timeout=REQUEST_TIMEOUT_S)
        assert not answer.errors
        return {group.group_id for group in answer.valid}

    def describe_group(self, group_id: str) -> GroupView:
        view = _only(self._admin.describe_consumer_groups([group_id]))
        return GroupView(view.state.name.title(), frozenset(member.client_id for member in view.members))

    def committed(self, group_id: str) -> dict[int, int]:
        """Return a group's committed offset per partition, asked as an admin (OffsetFetch without a membership)."""
        answer = _only(self._admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group_id)]))
        return {place.partition: place.offset for place in answer.topic_partitions}

    def delete_group(self, group_id: str) -> None:
        _only(self._admin.delete_consumer_groups([group_id]))
