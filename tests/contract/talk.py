"""Kafka's requests about topics and records in one line each, sent to the broker that they are for."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import kit
from kit.wire import messages as m
from kit.wire.batch_builder import build_batch
from kit.wire.errors import ErrorCode
from kit.wire.records import Record, read_header, read_records
from tests.support.raw_client import ConnectionClosed, RawClient
from tests.support.wait import wait_until

LATEST, EARLIEST, MAX_TIMESTAMP = -1, -2, -3
TOPIC, BROKER = 2, 4  # resource types of DescribeConfigs
_BY_NAME = {"produce": 12, "fetch": 12}  # the last versions in which topics have names
_ALL_BYTES = 50_000_000


def now_ms() -> int:
    """The time, in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def batch(*values: bytes | None, key: bytes | None = None, timestamp_ms: int | None = None, **options: Any) -> bytes:
    """A record batch of these values.

    Args:
        key: of every record.
        timestamp_ms: of every record; None for now.
        options: of `kit.wire.batch_builder.build_batch`.
    """
    at_ms = now_ms() if timestamp_ms is None else timestamp_ms
    return bytes(build_batch([Record(0, at_ms, key, value) for value in values], **options))


def records_in(data: Any) -> list[Record]:
    """All records in the batches of a fetch's answer."""
    found: list[Record] = []
    buf, position = memoryview(bytes(data or b"")), 0
    while position < len(buf):
        header = read_header(buf, position)
        if position + header.size_bytes > len(buf):
            break  # cut off by the limit of the answer's size
        found += read_records(buf, position)
        position += header.size_bytes
    return found


class Talk:
    """Asks a cluster; keeps one connection to each broker.

    Args:
        cluster: whose brokers are asked.
    """

    def __init__(self, cluster: kit.Cluster) -> None:
        self.cluster = cluster
        self._connections: dict[int, RawClient] = {}

    def close(self) -> None:
        """Close all connections."""
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()

    # -- brokers ---------------------------------------------------------------------------------------------------

    @property
    def node_ids(self) -> list[int]:
        """The brokers."""
        return [broker.node_id for broker in self.cluster.brokers]

    def connect(self, node_id: int | None = None) -> RawClient:
        """A connection of its own to a broker; None for one that lives."""
        alive = [broker for broker in self.cluster.brokers if broker.is_alive and not broker.is_paused]
        chosen = next(broker for broker in alive if node_id in (None, broker.node_id))
        return RawClient(chosen.host, chosen.port)

    def ask(self, request: m.Message, node_id: int | None = None, version: int | None = None) -> Any:
        """Ask a broker, once more if the connection has died meanwhile; None for the first one that lives."""
        if node_id is None:
            node_id = next(b.node_id for b in self.cluster.brokers if b.is_alive and not b.is_paused)
        for is_last in (False, True):
            if node_id not in self._connections:
                self._connections[node_id] = self.connect(node_id)
            try:
                return self._connections[node_id].ask(request, version)
            except (ConnectionClosed, ConnectionError):
                self._connections.pop(node_id).close()
                if is_last:
                    raise
        raise AssertionError("not reached")

    # -- topics ----------------------------------------------------------------------------------------------------

    def create(
        self,
        topic: str,
        *,
        partitions: int = 1,
        copies: int = -1,
        replicas: Sequence[Sequence[int]] | None = None,
        config: Mapping[str, str | None] | None = None,
        validate_only: bool = False,
    ) -> Any:
        """Create a topic and return what the answer says of it.

        Args:
            replicas: by partition, the preferred leader first; None lets the controller choose.
        """
        assignments = [
            m.CreateTopicsRequest.CreatableReplicaAssignment(partition_index=index, broker_ids=list(brokers))
            for index, brokers in enumerate(replicas or [])
        ]
        wanted = m.CreateTopicsRequest.CreatableTopic(
            name=topic,
            num_partitions=-1 if replicas else partitions,
            replication_factor=-1 if replicas else copies,
            assignments=assignments,
            configs=[
                m.CreateTopicsRequest.CreatableTopicConfig(name=name, value=value)
                for name, value in (config or {}).items()
            ],
        )
        return self.ask(m.CreateTopicsRequest(topics=[wanted], validate_only=validate_only)).topics[0]

    def wait_usable(self, topic: str, partitions: int | None = None) -> None:
        """Wait until every broker knows the topic and every leader serves it, all replicas in sync.

        Args:
            partitions: how many every broker must know, where that has just changed.
        """

        def usable() -> bool:
            for node_id in self.node_ids:
                found = self.topic(topic, node_id)
                if found.error_code or partitions not in (None, len(found.partitions)):
                    return False
                if any(set(p.isr_nodes) != set(p.replica_nodes) for p in found.partitions):
                    return False
            return all(
                self.offset_at(topic, LATEST, partition=p.partition_index).error_code == 0 for p in found.partitions
            )

        wait_until(usable, f"topic {topic} to be usable on every broker")

    def wait_gone(self, topic: str) -> None:
        """Wait until no broker knows the topic."""
        unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
        wait_until(
            lambda: all(self.topic(topic, node_id).error_code == unknown for node_id in self.node_ids),
            f"the end of topic {topic}",
        )

    def wait_setting(self, topic: str, name: str, value: str) -> None:
        """Wait until a topic's setting is in force on every broker.

        A broker of Apache's describes new metadata first and acts on it then, one piece after the other: what it
        described before a later piece came, here a topic, is in force when it describes the later one.
        """
        wait_until(
            lambda: all(self.settings(topic, node_id=node_id)[name].value == value for node_id in self.node_ids),
            f"{name}={value} of topic {topic} on every broker",
        )
        later = f"later-{uuid.uuid4().hex}"
        made = self.create(later)
        assert made.error_code == ErrorCode.NONE, made
        wait_until(
            lambda: all(self.topic(later, node_id).error_code == ErrorCode.NONE for node_id in self.node_ids),
            "metadata that is later than the setting",
        )
        self.delete(name=later)

    def delete(self, **which: Any) -> int:
        """Delete a topic by name or by id; returns the error code."""
        state = m.DeleteTopicsRequest.DeleteTopicState(**which)
        answer = self.ask(m.DeleteTopicsRequest(topics=[state], timeout_ms=30_000))
        return int(answer.responses[0].error_code)

    def topic(self, topic: str, node_id: int | None = None) -> Any:
        """A topic as Metadata describes it; it is not made."""
        request = m.MetadataRequest(topics=[m.MetadataRequestTopic(name=topic)], allow_auto_topic_creation=False)
        return self.ask(request, node_id).topics[0]

    def partition(self, topic: str, partition: int = 0, node_id: int | None = None) -> Any:
        """A partition as Metadata describes it."""
        return next(p for p in self.topic(topic, node_id).partitions if p.partition_index == partition)

    def leader(self, topic: str, partition: int = 0) -> int:
        """The broker that leads a partition, as soon as one does."""
        return int(wait_until(lambda: self._leader(topic, partition), f"a leader of {topic}-{partition}"))

    def wait_leads(self, topic: str, node_id: int) -> None:
        """Wait until a broker leads a partition and knows it: Metadata may tell a moment earlier."""

        def leads() -> bool:
            found = self.partition(topic, node_id=node_id)
            fetched = self.fetch(topic, 0, node_id=node_id, epoch=found.leader_epoch)
            return bool(found.leader_id == node_id and fetched.error_code == ErrorCode.NONE)

        wait_until(leads, f"broker {node_id} to lead {topic}")

    def _leader(self, topic: str, partition: int) -> int | None:
        leader = self.partition(topic, partition).leader_id
        return leader if leader > 0 else None

    def settings(self, name: str, kind: int = TOPIC, node_id: int | None = None, **options: Any) -> dict[str, Any]:
        """The settings of a topic or a broker, by name."""
        return {each.name: each for each in self.describe_configs(name, kind, node_id, **options).configs}

    def describe_configs(self, name: str, kind: int = TOPIC, node_id: int | None = None, **options: Any) -> Any:
        """What DescribeConfigs says of one resource."""
        resource = m.DescribeConfigsRequest.DescribeConfigsResource(
            resource_type=kind, resource_name=name, configuration_keys=options.pop("names", None)
        )
        return self.ask(m.DescribeConfigsRequest(resources=[resource], **options), node_id).results[0]

    def alter(
        self, name: str, *changes: tuple[str, int, str | None], kind: int = TOPIC, validate_only: bool = False
    ) -> Any:
        """Change settings; returns what the answer says of the resource.

        Args:
            changes: name, operation (0 set, 1 delete, 2 append, 3 subtract), value.
        """
        request = m.IncrementalAlterConfigsRequest
        configs = [
            request.AlterableConfig(name=setting, config_operation=operation, value=value)
            for setting, operation, value in changes
        ]
        resource = request.AlterConfigsResource(resource_type=kind, resource_name=name, configs=configs)
        return self.ask(request(resources=[resource], validate_only=validate_only)).responses[0]

    # -- records ---------------------------------------------------------------------------------------------------

    def produce_request(
        self, topic: str, data: bytes | None, *, partition: int = 0, acks: int = -1, timeout_ms: int = 30_000
    ) -> Any:
        """A Produce request with one batch."""
        request = m.ProduceRequest
        place = request.PartitionProduceData(index=partition, records=data)
        return request(
            acks=acks,
            timeout_ms=timeout_ms,
            topic_data=[request.TopicProduceData(name=topic, partition_data=[place])],
        )

    def produce(self, topic: str, data: bytes | None, *, node_id: int | None = None, **options: Any) -> Any:
        """Produce one batch at the leader, or at another broker; returns the partition's answer."""
        node_id = self.leader(topic, options.get("partition", 0)) if node_id is None else node_id
        answer = self.ask(self.produce_request(topic, data, **options), node_id, _BY_NAME["produce"])
        return answer.responses[0].partition_responses[0]

    def write(self, topic: str, *values: bytes, partition: int = 0, **options: Any) -> int:
        """Produce records in a batch of their own with acks=all, which must be taken; returns the first offset."""
        answer = self.produce(topic, batch(*values, **options), partition=partition)
        assert answer.error_code == ErrorCode.NONE, ErrorCode(answer.error_code).name
        return int(answer.base_offset)

    def write_until_refused(self, topic: str, data: bytes, expected: ErrorCode) -> tuple[Any, int]:
        """Produce with acks=all until it is refused; the leader may learn a moment later than Metadata tells.

        Returns:
            the refusal, and how many batches the leader had appended before.
        """
        num_appended = 0

        def refused() -> Any:
            nonlocal num_appended
            answer = self.produce(topic, data, timeout_ms=50)
            if answer.error_code == expected:
                return answer
            assert answer.error_code in (ErrorCode.NONE, ErrorCode.REQUEST_TIMED_OUT)
            num_appended += 1
            return None

        return wait_until(refused, f"{expected.name} from {topic}"), num_appended

    def fetch_request(
        self,
        topic: str,
        offset: int,
        *,
        partition: int = 0,
        epoch: int = -1,
        min_bytes: int = 0,
        max_wait_ms: int = 0,
        max_bytes: int = _ALL_BYTES,
        partition_max_bytes: int = _ALL_BYTES,
        **options: Any,
    ) -> Any:
        """A Fetch request for one partition.

        Args:
            epoch: the leader's, as the client knows it; -1 for none.
        """
        request = m.FetchRequest
        place = request.FetchPartition(
            partition=partition,
            fetch_offset=offset,
            current_leader_epoch=epoch,
            partition_max_bytes=partition_max_bytes,
        )
        return request(
            max_wait_ms=max_wait_ms,
            min_bytes=min_bytes,
            max_bytes=max_bytes,
            session_epoch=options.pop("session_epoch", -1),
            topics=[request.FetchTopic(topic=topic, partitions=[place])],
            **options,
        )

    def fetch(self, topic: str, offset: int, *, node_id: int | None = None, **options: Any) -> Any:
        """Fetch from the leader, or from another broker; returns the partition's answer."""
        node_id = self.leader(topic, options.get("partition", 0)) if node_id is None else node_id
        answer = self.ask(self.fetch_request(topic, offset, **options), node_id, _BY_NAME["fetch"])
        return answer.responses[0].partitions[0]

    def read(self, topic: str, offset: int = 0, **options: Any) -> list[Record]:
        """All records that a consumer can read from an offset on."""
        return [
            record for record in records_in(self.fetch(topic, offset, **options).records) if record.offset >= offset
        ]

    def values(self, topic: str, offset: int = 0, **options: Any) -> list[bytes | None]:
        """The values of all records that a consumer can read from an offset on."""
        return [record.value for record in self.read(topic, offset, **options)]

    def read_all(self, topic: str, offset: int = 0, **options: Any) -> list[Record]:
        """The same to the end of the partition: one fetch may give no more than one segment."""
        found: list[Record] = []
        while more := self.read(topic, found[-1].offset + 1 if found else offset, **options):
            found += more
        return found

    def offset_at(
        self, topic: str, timestamp: int, *, partition: int = 0, node_id: int | None = None, epoch: int = -1
    ) -> Any:
        """What ListOffsets answers for a partition; the ``timestamp`` may be one of `LATEST`, `EARLIEST`, ..."""
        request = m.ListOffsetsRequest
        place = request.ListOffsetsPartition(partition_index=partition, timestamp=timestamp, current_leader_epoch=epoch)
        node_id = self.leader(topic, partition) if node_id is None else node_id
        wanted = request(replica_id=-1, topics=[request.ListOffsetsTopic(name=topic, partitions=[place])])
        return self.ask(wanted, node_id).topics[0].partitions[0]

    def end_of_epoch(self, topic: str, leader_epoch: int, *, node_id: int | None = None, partition: int = 0) -> Any:
        """What OffsetForLeaderEpoch answers for a partition."""
        request = m.OffsetForLeaderEpochRequest
        place = request.OffsetForLeaderPartition(partition=partition, leader_epoch=leader_epoch)
        node_id = self.leader(topic) if node_id is None else node_id
        wanted = request(replica_id=-1, topics=[request.OffsetForLeaderTopic(topic=topic, partitions=[place])])
        return self.ask(wanted, node_id).topics[0].partitions[0]

    def delete_records(self, topic: str, offset: int, *, partition: int = 0, node_id: int | None = None) -> Any:
        """Delete a partition's records before an offset; returns the partition's answer."""
        request = m.DeleteRecordsRequest
        place = request.DeleteRecordsPartition(partition_index=partition, offset=offset)
        wanted = request(topics=[request.DeleteRecordsTopic(name=topic, partitions=[place])], timeout_ms=30_000)
        node_id = self.leader(topic, partition) if node_id is None else node_id
        return self.ask(wanted, node_id).topics[0].partitions[0]

    def producer_id(self, node_id: int | None = None) -> int:
        """A new id for an idempotent producer; a broker first fetches a block of them from the controller."""
        request = m.InitProducerIdRequest(transactional_id=None, transaction_timeout_ms=60_000)

        def given() -> Any:
            answer = self.ask(request, node_id)
            return None if answer.error_code == ErrorCode.COORDINATOR_LOAD_IN_PROGRESS else answer

        answer = wait_until(given, "a producer id")
        assert (answer.error_code, answer.producer_epoch) == (ErrorCode.NONE, 0)
        return int(answer.producer_id)


def partitions_of(found: Iterable[Any]) -> list[int]:
    """The numbers of partitions in Metadata's answer, in order."""
    return sorted(each.partition_index for each in found)


def random_uuid() -> uuid.UUID:
    """An id that nobody has."""
    return uuid.uuid4()
