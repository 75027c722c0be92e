"""kafka-python 3, the client that the labs use."""

# ruff: noqa: D102 - the base classes say what each method does

from __future__ import annotations

import contextlib
import queue
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition, errors
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.consumer.fetcher import ConsumerRecord

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
from tests.support.wait import wait_until


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except errors.KafkaError as error:
        raise Refused(error.errno, str(error)) from error


def _check(answer: str) -> None:
    """Raise what some admin methods only hand back in words: ``[Error 40] ...`` or the name of an error class."""
    if answer == "OK":
        return
    numbered = re.search(r"\[Error (\d+)\]", answer)
    raise Refused(int(numbered[1]) if numbered else getattr(errors, answer).errno, answer)


def _incoming(record: ConsumerRecord) -> Incoming:
    return Incoming(
        record.partition, record.offset, record.timestamp, record.key, record.value, tuple(record.headers or ())
    )


def _poll(consumer: KafkaConsumer) -> list[Incoming]:
    return [_incoming(record) for batch in consumer.poll(timeout_ms=100).values() for record in batch]


class KafkaPythonMember(Member):
    """A KafkaConsumer with a group_id, polled by a thread of its own, call after call.

    kafka-python 3.0.12 loses the result of a join that ends while no poll() is under way, and as the group's leader
    stops its heartbeats when it learns of the topic only after it has joined (README.md of this folder).
    """

    def __init__(self, consumer: KafkaConsumer, topic: str) -> None:
        self._consumer = consumer
        wait_until(lambda: consumer.partitions_for_topic(topic), f"partitions of {topic}")
        self._read: queue.Queue[list[Incoming] | Exception] = queue.Queue()
        self._left = False
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="kafka-python-member")
        self._worker.submit(self._poll_on)

    def _poll_on(self) -> None:
        try:
            self._read.put(_poll(self._consumer))
        except Exception as failure:  # noqa: BLE001 - handed to the test, which raises it
            self._read.put(failure)
        else:
            if not self._left:
                self._worker.submit(self._poll_on)

    def assignment(self) -> frozenset[int]:
        return frozenset(place.partition for place in self._consumer.assignment())

    def poll(self) -> list[Incoming]:
        read = self._read.get(timeout=REQUEST_TIMEOUT_S)
        if isinstance(read, Exception):
            raise read
        return read

    def commit(self) -> None:
        self._worker.submit(self._consumer.commit).result(REQUEST_TIMEOUT_S)

    def leave(self) -> None:
        if not self._left:
            self._left = True
            self._worker.submit(self._consumer.close).result(REQUEST_TIMEOUT_S)
            self._worker.shutdown()


class KafkaPython(ForeignClient, AdministersTopics, AdministersGroups, AltersConfigs, DeletesGroups):
    """kafka-python's producer, consumer and admin client."""

    def __init__(self, bootstrap_servers: str) -> None:
        super().__init__(bootstrap_servers)
        self._admin = KafkaAdminClient(bootstrap_servers=bootstrap_servers)

    def close(self) -> None:
        super().close()
        self._admin.close()

    def _join(self, group_id: str, topic: str, client_id: str, instance_id: str | None) -> Member:
        consumer = KafkaConsumer(
            topic,
            bootstrap_servers=self.bootstrap_servers,
            group_id=group_id,
            group_instance_id=instance_id,
            client_id=client_id,
            auto_offset_reset="earliest",
            enable_auto_commit=False,
            heartbeat_interval_ms=HEARTBEAT_INTERVAL_MS,
            session_timeout_ms=SESSION_TIMEOUT_MS,
        )
        return KafkaPythonMember(consumer, topic)

    @contextlib.contextmanager
    def _consumer(self) -> Iterator[KafkaConsumer]:
        consumer = KafkaConsumer(
            bootstrap_servers=self.bootstrap_servers, auto_offset_reset="earliest", enable_auto_commit=False
        )
        with contextlib.closing(consumer):
            yield consumer

    def partitions(self, topic: str) -> set[int]:
        (view,) = self._admin.describe_topics([topic])
        return {partition["partition_index"] for partition in view["partitions"]}

    def produce(
        self, topic: str, records: Sequence[Outgoing], *, compression: str = "none", idempotent: bool = False
    ) -> list[Placed]:
        producer = KafkaProducer(
            bootstrap_servers=self.bootstrap_servers,
            compression_type=None if compression == "none" else compression,
            enable_idempotence=idempotent,
            acks="all",
            linger_ms=5,
        )
        with contextlib.closing(producer), _refusals():
            futures = [
                producer.send(
                    topic,
                    value=record.value,
                    key=record.key,
                    headers=list(record.headers),
                    partition=record.partition,
                    timestamp_ms=record.timestamp_ms,
                )
                for record in records
            ]
            places = [future.get(timeout=REQUEST_TIMEOUT_S) for future in futures]
        return [Placed(place.partition, place.offset) for place in places]

    def consume(self, topic: str, count: int, *, start: Mapping[int, int] | None = None) -> list[Incoming]:
        with self._consumer() as consumer:
            partitions = self.partitions(topic) if start is None else set(start)
            consumer.assign([TopicPartition(topic, partition) for partition in partitions])
            for partition, offset in (start or {}).items():
                consumer.seek(TopicPartition(topic, partition), offset)
            return read_until(lambda: _poll(consumer), count)

    def offsets_at(self, topic: str, timestamp_ms: int) -> dict[int, int | None]:
        asked = {TopicPartition(topic, partition): timestamp_ms for partition in self.partitions(topic)}
        with self._consumer() as consumer:
            found = consumer.offsets_for_times(asked)
        return {place.partition: answer and answer.offset for place, answer in found.items()}

    def create_topic(self, topic: str, *, partitions: int, config: Mapping[str, str] | None = None) -> None:
        wanted = {"num_partitions": partitions, "replication_factor": 1, "configs": dict(config or {})}
        with _refusals():
            self._admin.create_topics({topic: wanted})

    def delete_topic(self, topic: str) -> None:
        with _refusals():
            self._admin.delete_topics([topic])

    def topics(self) -> set[str]:
        return set(self._admin.list_topics())

    def add_partitions(self, topic: str, total: int) -> None:
        with _refusals():
            self._admin.create_partitions({topic: total})

    def delete_records(self, topic: str, before: Mapping[int, int]) -> dict[int, int]:
        asked = {TopicPartition(topic, partition): offset for partition, offset in before.items()}
        with _refusals():
            answers = self._admin.delete_records(asked)
        return {place.partition: answer["low_watermark"] for place, answer in answers.items()}

    def topic_config(self, topic: str) -> dict[str, str | None]:
        resource = ConfigResource(ConfigResourceType.TOPIC, topic)
        answer = self._admin.describe_configs([resource], config_filter="all")
        return {name: setting["value"] for name, setting in answer["topic"][topic].items()}

    def set_topic_config(self, topic: str, name: str, value: str) -> None:
        resource = ConfigResource(ConfigResourceType.TOPIC, topic, configs={name: value})
        _check(self._admin.alter_configs([resource])["topic"][topic])

    def groups(self) -> set[str]:
        return {group["group_id"] for group in self._admin.list_groups()}

    def describe_group(self, group_id: str) -> GroupView:
        view = self._admin.describe_groups([group_id])[group_id]
        return GroupView(view["group_state"], frozenset(member["client_id"] for member in view["members"]))

    def delete_group(self, group_id: str) -> None:
        _check(self._admin.delete_groups([group_id])[group_id])
