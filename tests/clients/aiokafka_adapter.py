"""aiokafka: asyncio's own client, an independent implementation since 2023."""

# ruff: noqa: D102 - the base classes say what each method does

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic, RecordsToDelete
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType
from aiokafka.errors import KafkaError, for_code

from tests.clients.foreign_client import (
    HEARTBEAT_INTERVAL_MS,
    REQUEST_TIMEOUT_S,
    SESSION_TIMEOUT_MS,
    AdministersGroups,
    AdministersTopics,
    ForeignClient,
    GroupView,
    Incoming,
    Member,
    Outgoing,
    Placed,
    Refused,
)

T = TypeVar("T")


class LoopThread:
    """An event loop of its own, so that plain test functions can use coroutines that live on between calls."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="aiokafka", daemon=True)
        self._thread.start()

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run it there and return its result; Kafka's errors become `Refused`."""
        with _refusals():
            return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(2 * REQUEST_TIMEOUT_S)

    def close(self) -> None:
        """End the loop and its thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except KafkaError as error:
        raise Refused(error.errno, str(error)) from error


def _check(error_code: int) -> None:
    """Raise what the admin client only hands back inside its responses."""
    if error_code:
        raise for_code(error_code)


def _incoming(record: ConsumerRecord[Any, Any]) -> Incoming:
    return Incoming(
        record.partition, record.offset, record.timestamp, record.key, record.value, tuple(record.headers or ())
    )


async def _poll(consumer: AIOKafkaConsumer) -> list[Incoming]:
    batches = await consumer.getmany(timeout_ms=100)
    return [_incoming(record) for batch in batches.values() for record in batch]


class AiokafkaMember(Member):
    """An AIOKafkaConsumer with a group_id; its coordinator is a task of the loop."""

    def __init__(self, loop: LoopThread, consumer: AIOKafkaConsumer) -> None:
        self._loop, self._consumer = loop, consumer

    def assignment(self) -> frozenset[int]:
        return frozenset(place.partition for place in self._consumer.assignment())

    def poll(self) -> list[Incoming]:
        return self._loop.run(_poll(self._consumer))

    def commit(self) -> None:
        self._loop.run(self._consumer.commit())

    def leave(self) -> None:
        self._loop.run(self._consumer.stop())


class Aiokafka(ForeignClient, AdministersTopics, AdministersGroups):
    """aiokafka's producer, consumer and admin client (which has no IncrementalAlterConfigs and no DeleteGroups)."""

    def __init__(self, bootstrap_servers: str) -> None:
        super().__init__(bootstrap_servers)
        self._loop = LoopThread()
        self._admin: AIOKafkaAdminClient = self._loop.run(self._start_admin())

    async def _start_admin(self) -> AIOKafkaAdminClient:
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap_servers)
        await admin.start()
        return admin

    def close(self) -> None:
        super().close()
        self._loop.run(self._admin.close())
        self._loop.close()

    def _join(self, group_id: str, topic: str, client_id: str, instance_id: str | None) -> Member:
        async def start() -> AIOKafkaConsumer:
            consumer = AIOKafkaConsumer(
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
            await consumer.start()
            return consumer

        return AiokafkaMember(self._loop, self._loop.run(start()))

    @contextlib.asynccontextmanager
    async def _consumer(self) -> AsyncIterator[AIOKafkaConsumer]:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.bootstrap_servers, auto_offset_reset="earliest", enable_auto_commit=False
        )
        async with consumer:
            yield consumer

    def partitions(self, topic: str) -> set[int]:
        (view,) = self._loop.run(self._admin.describe_topics([topic]))
        return {partition["partition"] for partition in view["partitions"]}

    def produce(
        self, topic: str, records: Sequence[Outgoing], *, compression: str = "none", idempotent: bool = False
    ) -> list[Placed]:
        async def produce() -> list[Placed]:
            producer = AIOKafkaProducer(
                bootstrap_servers=self.bootstrap_servers,
                compression_type=None if compression == "none" else compression,
                enable_idempotence=idempotent,
                acks="all",
            )
            async with producer:
                futures = [
                    await producer.send(
                        topic,
                        value=record.value,
                        key=record.key,
                        headers=list(record.headers),
                        partition=record.partition,
                        timestamp_ms=record.timestamp_ms,
                    )
                    for record in records
                ]
                places = await asyncio.gather(*futures)
            return [Placed(place.partition, place.offset) for place in places]

        return self._loop.run(produce())

    def consume(self, topic: str, count: int, *, start: Mapping[int, int] | None = None) -> list[Incoming]:
        async def consume(partitions: set[int]) -> list[Incoming]:
            read: list[Incoming] = []
            async with self._consumer() as consumer:
                consumer.assign([TopicPartition(topic, partition) for partition in partitions])
                for partition, offset in (start or {}).items():
                    consumer.seek(TopicPartition(topic, partition), offset)
                async with asyncio.timeout(REQUEST_TIMEOUT_S):
                    while len(read) < count:
                        read += await _poll(consumer)
            return read

        return self._loop.run(consume(self.partitions(topic) if start is None else set(start)))

    def offsets_at(self, topic: str, timestamp_ms: int) -> dict[int, int | None]:
        asked = {TopicPartition(topic, partition): timestamp_ms for partition in self.partitions(topic)}

        async def look_up() -> dict[TopicPartition, Any]:
            async with self._consumer() as consumer:
                return await consumer.offsets_for_times(asked)

        return {place.partition: answer and answer.offset for place, answer in self._loop.run(look_up()).items()}

    def create_topic(self, topic: str, *, partitions: int, config: Mapping[str, str] | None = None) -> None:
        async def create() -> None:
            new_topic = NewTopic(topic, partitions, 1, topic_configs=dict(config or {}))
            ((_, error_code, *_),) = (await self._admin.create_topics([new_topic])).topic_errors
            _check(error_code)

        self._loop.run(create())

    def delete_topic(self, topic: str) -> None:
        async def delete() -> None:
            ((_, error_code, *_),) = (await self._admin.delete_topics([topic])).topic_error_codes
            _check(error_code)

        self._loop.run(delete())

    def topics(self) -> set[str]:
        return set(self._loop.run(self._admin.list_topics()))

    def add_partitions(self, topic: str, total: int) -> None:
        async def add() -> None:
            answer = await self._admin.create_partitions({topic: NewPartitions(total)})
            ((_, error_code, *_),) = answer.topic_errors
            _check(error_code)

        self._loop.run(add())

    def delete_records(self, topic: str, before: Mapping[int, int]) -> dict[int, int]:
        asked = {TopicPartition(topic, partition): RecordsToDelete(offset) for partition, offset in before.items()}
        answers = self._loop.run(self._admin.delete_records(asked))
        return {place.partition: low_watermark for place, low_watermark in answers.items()}

    def topic_config(self, topic: str) -> dict[str, str | None]:
        resource = ConfigResource(ConfigResourceType.TOPIC, topic)
        (answer,) = self._loop.run(self._admin.describe_configs([resource]))
        ((_, _, _, _, settings, *_),) = answer.resources
        return {name: value for name, value, *_ in settings}

    def groups(self) -> set[str]:
        return {group_id for group_id, *_ in self._loop.run(self._admin.list_consumer_groups())}

    def describe_group(self, group_id: str) -> GroupView:
        (answer,) = self._loop.run(self._admin.describe_consumer_groups([group_id]))
        ((error_code, _, state, _, _, members, *_),) = answer.groups
        _check(error_code)
        return GroupView(state, frozenset(client_id for _, client_id, *_ in members))
