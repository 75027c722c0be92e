"""A whole embedded cluster under simulated time, without sockets: real request frames in, decoded responses out."""

from __future__ import annotations

import itertools
import random
import struct
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kit.broker.broker import Broker, Peer
from kit.broker.clock import VirtualClock
from kit.broker.config.configs import BrokerConfig
from kit.broker.controller.controller import Controller
from kit.broker.deferred import Deferred
from kit.broker.embedded import EmbeddedCluster
from kit.broker.endpoints import Endpoint
from kit.broker.partition import Partition
from kit.broker.storage import FileRange
from kit.broker.storage.volatile import VolatileDisk
from kit.wire import codec
from kit.wire import messages as m
from kit.wire.batch_builder import build_batch
from kit.wire.errors import ErrorCode
from kit.wire.records import Record, iter_headers, read_records

START_MS = 1_700_000_000_000  # when the cluster is ready for the first time
START_UP_MS = 10
PRODUCE, FETCH, LIST_OFFSETS, METADATA, CREATE_TOPICS, DELETE_TOPICS = 0, 1, 2, 3, 19, 20
LAST_PRODUCE_BY_NAME = LAST_FETCH_BY_NAME = 12
ALL_BYTES = 2**31 - 1
ME = Peer("127.0.0.1", 40_000)


def batch_of(*values: bytes, timestamp_ms: int = START_MS, **options: Any) -> bytearray:
    """A batch of keyless records with one timestamp; ``options`` are `build_batch`'s."""
    return build_batch([Record(0, timestamp_ms, None, value) for value in values], **options)


def joined(chunks: Sequence[Any]) -> bytes:
    """What a socket would carry."""
    return b"".join(chunk.read() if isinstance(chunk, FileRange) else bytes(chunk) for chunk in chunks)


class MemoryCluster:
    """Brokers 1 to ``brokers`` on one data directory; it can crash and start again.

    Args:
        controllers: as of `EmbeddedCluster`.
        config: broker settings, ``_`` standing for a dot.
    """

    def __init__(
        self, data_dir: Path, *, brokers: int = 1, controllers: int | None = None, **config: str | int | bool
    ) -> None:
        self.data_dir = data_dir
        self.num_brokers = brokers
        self.controllers = controllers
        self.disk = VolatileDisk()
        self.config = {name.replace("_", "."): value for name, value in config.items()}
        self._correlation_ids = itertools.count(1)
        self.clock = VirtualClock(START_MS - START_UP_MS)
        self.random = random.Random(0)
        self._start()
        self.clock.advance(START_MS - self.clock.time_ms())

    def _start(self) -> None:
        self.cluster = EmbeddedCluster(
            endpoints={node_id: [Endpoint("127.0.0.1", 9000 + node_id)] for node_id in range(1, self.num_brokers + 1)},
            data_dir=self.data_dir,
            config=BrokerConfig(self.config, num_brokers=self.num_brokers),
            clock=self.clock,
            controllers=self.controllers,
            random=self.random,
            pool=self.disk,
        )
        self.wait_for(self.cluster.start())

    def settle(self) -> None:
        """Let everything happen that takes no time."""
        self.clock.advance(0)

    def wait_for(self, promise: Deferred[Any], within_ms: int = 30_000) -> Any:
        """Let time pass until ``promise`` has a value, and return it."""
        until_ms = self.clock.monotonic_ms() + within_ms
        while not promise.done:
            assert self.clock.monotonic_ms() < until_ms, "it did not come in time"
            self.clock.advance(1)
        return promise.value

    @property
    def controller(self) -> Controller:
        """The active controller."""
        node_id = self.cluster.active_controller
        assert node_id is not None
        controller = self.cluster.nodes[node_id].controller
        assert controller is not None
        return controller

    def metadata_records(self) -> list[Any]:
        """Every record of the metadata log, oldest first."""
        return list(self.controller.raft.read_all())

    def commit(self, *records: Any) -> None:
        """Put records into the metadata log, as if the controller had decided so."""
        assert self.wait_for(self.controller.commit(records, everywhere=True))

    # -- life ----------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Close everything cleanly."""
        self.cluster.close()

    def restart(self, *, brokers: int | None = None) -> None:
        """Stop cleanly and start on the same directory."""
        self.close()
        self.crash(brokers=brokers)

    def crash(self, *, brokers: int | None = None) -> None:
        """Forget the running cluster as it is and start another on its directory."""
        self.num_brokers = brokers or self.num_brokers
        self.clock = VirtualClock(self.clock.time_ms())  # the old one's timers must not touch the files again
        self._start()

    # -- requests ------------------------------------------------------------------------------------------------

    def receive(self, node_id: int, frame: bytes | bytearray) -> Deferred[bytes | None]:
        """Hand a frame (without its size) to a broker; resolves with the reply, its size included, None for none."""
        answer: Deferred[bytes | None] = Deferred()
        reply = self.cluster.receive(node_id, memoryview(bytearray(frame)), ME)
        if isinstance(reply, Deferred):
            reply.then(lambda chunks: answer.resolve(None if chunks is None else joined(chunks)))
        else:
            answer.resolve(None if reply is None else joined(reply))
        self.settle()
        return answer

    def ask(self, node_id: int, api_key: int, api_version: int, message: Any) -> Deferred[Any]:
        """Send a request; resolves with the decoded response, None when there is no reply."""
        correlation_id = next(self._correlation_ids)
        frame = codec.encode_request(api_key, api_version, correlation_id, "tests", message)
        answer: Deferred[Any] = Deferred()

        def decode(reply: bytes | None) -> None:
            if reply is None:
                answer.resolve(None)
                return
            assert struct.unpack_from(">i", reply) == (len(reply) - 4,)
            answered_id, response = codec.decode_response(api_key, api_version, memoryview(reply)[4:])
            assert answered_id == correlation_id
            answer.resolve(response)

        self.receive(node_id, frame[4:]).then(decode)
        self.settle()
        return answer

    def send(self, node_id: int, api_key: int, api_version: int, message: Any) -> Any:
        """Send a request that is answered at once; returns the response."""
        return self.ask(node_id, api_key, api_version, message).value

    # -- shortcuts -----------------------------------------------------------------------------------------------

    def broker(self, node_id: int = 1) -> Broker:
        """One of the brokers."""
        return self.cluster.brokers[node_id]

    def topic_id(self, topic: str) -> uuid.UUID:
        """The id of a topic."""
        return self.broker().image.topics[topic].topic_id

    def leader(self, topic: str, partition: int = 0) -> int:
        """The node that leads a partition; node 1 for one that does not exist, which answers with an error."""
        state = self.broker().image.partition(topic, partition)
        return 1 if state is None else state.leader

    def partition(self, topic: str, partition: int = 0) -> Partition:
        """The leader's replica of a partition."""
        return self.broker(self.leader(topic, partition)).replicas.partitions[topic, partition]

    def create_topic(self, name: str, num_partitions: int = 1, **configs: str | int) -> None:
        """Make a topic; in the names of settings ``_`` stands for a dot."""
        topic = m.CreatableTopic(
            name=name,
            num_partitions=num_partitions,
            replication_factor=1,
            configs=[
                m.CreatableTopicConfig(name=key.replace("_", "."), value=str(value)) for key, value in configs.items()
            ],
        )
        response = self.send(1, CREATE_TOPICS, 7, m.CreateTopicsRequest(topics=[topic], timeout_ms=1000))
        assert [(each.name, each.error_code) for each in response.topics] == [(name, ErrorCode.NONE)]

    def delete_topic(self, name: str) -> None:
        """Delete a topic."""
        request = m.DeleteTopicsRequest(topics=[m.DeleteTopicState(name=name)], timeout_ms=1000)
        assert [each.error_code for each in self.send(1, DELETE_TOPICS, 6, request).responses] == [ErrorCode.NONE]

    def produce(
        self,
        topic: str,
        data: bytes | bytearray | None,
        *,
        partition: int = 0,
        acks: int = -1,
        version: int = LAST_PRODUCE_BY_NAME,
        node_id: int | None = None,
    ) -> m.PartitionProduceResponse | None:
        """Produce to one partition, by the topic's id where the version wants that; None when nobody answers."""
        topic_id = self.topic_id(topic) if version > LAST_PRODUCE_BY_NAME else m.NULL_UUID
        entry = m.PartitionProduceData(index=partition, records=data)
        request = m.ProduceRequest(
            acks=acks,
            timeout_ms=1000,
            topic_data=[m.TopicProduceData(name=topic, topic_id=topic_id, partition_data=[entry])],
        )
        response = self.send(node_id or self.leader(topic, partition), PRODUCE, version, request)
        if response is None:
            return None
        (answer,) = response.responses[0].partition_responses
        assert answer.index == partition
        return answer

    def produce_code(self, topic: str, data: bytes | bytearray | None, **options: Any) -> ErrorCode:
        """Produce and give the error code."""
        answer = self.produce(topic, data, **options)
        assert answer is not None
        return ErrorCode(answer.error_code)

    def ask_fetch(
        self,
        *wanted: tuple[str, int, int],
        version: int = LAST_FETCH_BY_NAME,
        node_id: int | None = None,
        max_wait_ms: int = 0,
        min_bytes: int = 1,
        max_bytes: int = ALL_BYTES,
        partition_max_bytes: int = ALL_BYTES,
        current_leader_epoch: int = -1,
        **fields: Any,
    ) -> Deferred[m.FetchResponse]:
        """Fetch (topic, partition, offset)s from one broker; ``fields`` are those of the request."""
        topics = []
        for topic, partition, offset in wanted:
            entry = m.FetchPartition(
                partition=partition,
                fetch_offset=offset,
                partition_max_bytes=partition_max_bytes,
                current_leader_epoch=current_leader_epoch,
            )
            topic_id = self.topic_id(topic) if version > LAST_FETCH_BY_NAME else m.NULL_UUID
            topics.append(m.FetchTopic(topic=topic, topic_id=topic_id, partitions=[entry]))
        request = m.FetchRequest(
            max_wait_ms=max_wait_ms, min_bytes=min_bytes, max_bytes=max_bytes, topics=topics, **fields
        )
        return self.ask(node_id or self.leader(*wanted[0][:2]), FETCH, version, request)

    def fetch(self, topic: str, offset: int, *, partition: int = 0, **options: Any) -> Any:
        """Fetch from one partition without waiting; returns its part of the response."""
        response = self.ask_fetch((topic, partition, offset), **options).value
        assert response.error_code == ErrorCode.NONE
        return response.responses[0].partitions[0]

    def values(self, topic: str, offset: int = 0, *, partition: int = 0) -> list[bytes | None]:
        """The values of all records from ``offset`` on, fetched batch by batch."""
        found: list[bytes | None] = []
        while True:
            data = bytes(self.fetch(topic, offset, partition=partition).records)
            if not data:
                return found
            for position, header in iter_headers(data):
                found += [each.value for each in read_records(data, position) if each.offset >= offset]
                end_offset = header.next_offset
            offset = end_offset
