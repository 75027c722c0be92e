"""A few brokers that replicate, under simulated time: no controller but a scripted one, no network but a dictionary."""

from __future__ import annotations

import random
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kit.broker.broker import Peer, RequestContext
from kit.broker.clock import NodeClock, VirtualClock
from kit.broker.config.configs import BrokerConfig
from kit.broker.deferred import Deferred
from kit.broker.handlers import api_00_produce, api_01_fetch, api_02_list_offsets, api_21_delete_records
from kit.broker.metadata import MetadataImage, TopicPartition
from kit.broker.partition import Partition
from kit.broker.replica_manager import ReplicaManager
from kit.broker.storage import FileRange
from kit.broker.timeline import Timeline
from kit.wire import messages as m
from kit.wire.errors import ErrorCode
from tests.support.logs import START_MS, batch, contents

TOPIC = "listens"
PLACE = TopicPartition(TOPIC, 0)
CONTROLLER = 0
CLIENT, OTHER_NODE = Peer("127.0.0.1", 40_000), Peer("127.0.0.1", 40_001, "INTERNAL")
HANDLERS = {
    0: api_00_produce.handle,
    1: api_01_fetch.handle,
    2: api_02_list_offsets.handle,
    21: api_21_delete_records.handle,
}
NEWEST = {0: 13, 1: 18, 2: 11, 21: 2}
SETTINGS = {"replica.lag.time.max.ms": 1500, "replica.fetch.backoff.ms": 100, "replica.socket.timeout.ms": 1000}


class Replicas:
    """Brokers 1, 2, ..., each with an image of its own, and a controller that does as it is told.

    Attributes:
        cut: (from, to) pairs of nodes between which nothing passes; the controller is node 0.
        calls: every request that was sent: (from, to, api_key, request).
        alter_errors: what the controller answers to the next AlterPartition requests, before it obeys again.
    """

    def __init__(self, directory: Path, *, brokers: int = 3, **config: object) -> None:
        self.clock = VirtualClock(START_MS)
        self.timeline = Timeline(self.clock)
        self.directory = directory
        self.config = BrokerConfig(
            SETTINGS | {name.replace("_", "."): value for name, value in config.items()}  # type: ignore[arg-type]
        )
        self.cut: set[tuple[int, int]] = set()
        self.calls: list[tuple[int, int, int, Any]] = []
        self.alter_errors: list[ErrorCode] = []
        self.image = MetadataImage()  # the controller's
        self.history: list[Any] = []
        self.brokers: dict[int, FakeBroker] = {}
        for node_id in range(1, brokers + 1):
            self.brokers[node_id] = FakeBroker(self, node_id)
            self.register(node_id, epoch=node_id * 10)

    # -- the controller ------------------------------------------------------------------------------------------

    def commit(self, *records: Any) -> None:
        """Let the controller decide, and every broker that it reaches know."""
        for record in records:
            self.image.apply(record)
        self.history += records
        self.spread()

    def spread(self) -> None:
        """Tell the brokers what they do not know yet, as far as the network allows."""
        for broker in list(self.brokers.values()):
            if (CONTROLLER, broker.node_id) not in self.cut:
                broker.learn(self.history)

    def register(self, node_id: int, *, epoch: int, rack: str | None = None, fenced: bool = False) -> None:
        """Register a broker, or register it again."""
        end_point = m.BrokerEndpoint(name="PLAINTEXT", host="127.0.0.1", port=9000 + node_id, security_protocol=0)
        self.commit(
            m.RegisterBrokerRecord(
                broker_id=node_id, broker_epoch=epoch, end_points=[end_point], rack=rack, fenced=fenced
            )
        )

    def create_topic(
        self,
        *replicas: int,
        isr: Sequence[int] | None = None,
        name: str = TOPIC,
        partitions: int = 1,
        **configs: object,
    ) -> None:
        """Make a topic whose partitions all have these replicas, the first of which leads."""
        topic_id = uuid.UUID(int=len(self.image.topics) + 1)
        settings = [
            m.ConfigRecord(resource_type=2, resource_name=name, name=key.replace("_", "."), value=str(value))
            for key, value in configs.items()
        ]
        self.commit(
            m.TopicRecord(name=name, topic_id=topic_id),
            *settings,
            *(
                m.PartitionRecord(
                    partition_id=index,
                    topic_id=topic_id,
                    replicas=list(replicas),
                    isr=list(replicas if isr is None else isr),
                    leader=replicas[0],
                    leader_epoch=0,
                    partition_epoch=0,
                )
                for index in range(partitions)
            ),
        )
        self.settle()

    def change(self, *, topic: str = TOPIC, **fields: Any) -> None:
        """Change partition 0: ``leader``, ``isr``, ``replicas`` ..."""
        self.commit(m.PartitionChangeRecord(partition_id=0, topic_id=self.image.topics[topic].topic_id, **fields))

    def removal(self) -> m.RemoveTopicRecord:
        """The record that deletes the topic."""
        return m.RemoveTopicRecord(topic_id=self.image.topics[TOPIC].topic_id)

    def alter_partition(self, request: m.AlterPartitionRequest) -> m.AlterPartitionResponse:
        """Confirm what a leader wants, unless `alter_errors` says otherwise or it is out of date."""
        code = self.alter_errors.pop(0) if self.alter_errors else ErrorCode.NONE
        if code in (ErrorCode.NOT_CONTROLLER, ErrorCode.STALE_BROKER_EPOCH):
            return m.AlterPartitionResponse(error_code=code)
        topics = []
        for topic in request.topics:
            answers = [self._alter(topic.topic_id, asked, code) for asked in topic.partitions]
            topics.append(m.AlterPartitionResponse.TopicData(topic_id=topic.topic_id, partitions=answers))
        self.spread()
        return m.AlterPartitionResponse(topics=topics)

    def _alter(
        self, topic_id: uuid.UUID, asked: m.AlterPartitionRequest.PartitionData, code: ErrorCode
    ) -> m.AlterPartitionResponse.PartitionData:
        topic = self.image.topic_by_id(topic_id)
        assert topic is not None
        state = topic.partitions[asked.partition_index]
        answer = m.AlterPartitionResponse.PartitionData(partition_index=asked.partition_index)
        if code is ErrorCode.NONE and asked.leader_epoch != state.leader_epoch:
            code = ErrorCode.FENCED_LEADER_EPOCH
        if code is ErrorCode.NONE and asked.partition_epoch != state.partition_epoch:
            code = ErrorCode.INVALID_UPDATE_VERSION
        if code is not ErrorCode.NONE:
            answer.error_code = code
            return answer
        isr = [each.broker_id for each in asked.new_isr_with_epochs]
        change = m.PartitionChangeRecord(partition_id=asked.partition_index, topic_id=topic_id, isr=isr)
        self.image.apply(change)
        self.history.append(change)
        answer.leader_id, answer.leader_epoch = state.leader, state.leader_epoch
        answer.isr, answer.partition_epoch = list(state.isr), state.partition_epoch
        return answer

    # -- life and links ------------------------------------------------------------------------------------------

    def start(self, node_id: int) -> None:
        """Start a broker that was killed; it registers again."""
        self.brokers[node_id] = FakeBroker(self, node_id)
        self.register(node_id, epoch=self.image.brokers[node_id].epoch + 1)

    def kill(self, node_id: int) -> None:
        """Let a broker do nothing any more; what it wrote stays, and the controller fences it."""
        self.brokers.pop(node_id).node_clock.stop()
        epoch = self.image.brokers[node_id].epoch
        self.commit(m.BrokerRegistrationChangeRecord(broker_id=node_id, broker_epoch=epoch, fenced=1))

    def isolate(self, node_id: int) -> None:
        """Cut a broker off from the controller and from the other brokers."""
        for other in (CONTROLLER, *self.brokers):
            self.cut |= {(node_id, other), (other, node_id)}

    def heal(self) -> None:
        """Let everything pass again."""
        self.cut.clear()
        self.spread()

    def settle(self, ms: float = 50) -> None:
        """Let time pass."""
        self.clock.advance(ms)

    def partition(self, node_id: int, topic: str = TOPIC, index: int = 0) -> Partition:
        """A broker's replica."""
        return self.brokers[node_id].replicas.partitions[topic, index]

    def log_of(self, node_id: int) -> list[tuple[int, bytes | None]]:
        """All records of a broker's replica."""
        return contents(self.partition(node_id).log)

    def isr(self) -> list[int]:
        """What the controller has confirmed."""
        state = self.image.partition(*PLACE)
        assert state is not None
        return sorted(state.isr)

    def kinds(self, kind: str) -> list[dict[str, Any]]:
        """The details of all events of one kind, with the node."""
        return [{"node": event.node_id, **event.details} for event in self.timeline if event.kind == kind]

    def fetches(self, source: int) -> list[m.FetchRequest]:
        """The fetches that a broker sent."""
        return [request for sender, _, api_key, request in self.calls if sender == source and api_key == 1]

    # -- clients -------------------------------------------------------------------------------------------------

    def ask(self, node_id: int, api_key: int, request: Any, *, version: int | None = None, peer: Peer = CLIENT) -> Any:
        """A request of a client; the response, or a Deferred of it."""
        broker = self.brokers[node_id]
        context = RequestContext(api_key, NEWEST[api_key] if version is None else version, 0, "tests", peer)
        return HANDLERS[api_key](broker, request, context)  # type: ignore[operator]

    def produce(
        self, node_id: int, *values: bytes, acks: int = -1, timeout_ms: int = 1000, data: bytearray | None = None
    ) -> Deferred[m.PartitionProduceResponse]:
        """Produce one batch to partition 0."""
        records = memoryview(batch(values) if data is None else data)
        entry = m.PartitionProduceData(index=0, records=records)
        topic = m.TopicProduceData(name=TOPIC, partition_data=[entry])
        response = self.ask(
            node_id, 0, m.ProduceRequest(acks=acks, timeout_ms=timeout_ms, topic_data=[topic]), version=12
        )
        answer: Deferred[m.PartitionProduceResponse] = Deferred()
        if isinstance(response, Deferred):
            response.then(lambda found: answer.resolve(found.responses[0].partition_responses[0]))
        else:
            answer.resolve(response.responses[0].partition_responses[0])
        return answer

    def write(self, node_id: int, *values: bytes, acks: int = -1) -> ErrorCode:
        """Produce one batch and wait for the answer."""
        answer = self.produce(node_id, *values, acks=acks)
        while not answer.done:
            self.settle(1)
        return ErrorCode(answer.value.error_code)

    def fetch(
        self, node_id: int, offset: int, *, version: int = 12, rack_id: str = "", max_wait_ms: int = 0, epoch: int = -1
    ) -> Any:
        """Fetch from partition 0 as a consumer; its part of the response, or a Deferred of the whole one."""
        entry = m.FetchPartition(
            partition=0, fetch_offset=offset, partition_max_bytes=1 << 20, current_leader_epoch=epoch
        )
        request = m.FetchRequest(
            max_wait_ms=max_wait_ms,
            min_bytes=1,
            rack_id=rack_id,
            topics=[m.FetchTopic(topic=TOPIC, topic_id=self.image.topics[TOPIC].topic_id, partitions=[entry])],
        )
        response = self.ask(node_id, 1, request, version=version)
        return response if isinstance(response, Deferred) else response.responses[0].partitions[0]

    def close(self) -> None:
        """Close every broker."""
        for broker in self.brokers.values():
            broker.replicas.close()


class FakeBroker:
    """As much of a broker as the handlers of produce and fetch want to see."""

    slack_ms = 0.0

    def __init__(self, lab: Replicas, node_id: int) -> None:
        self.node_id = node_id
        self.node_clock = NodeClock(lab.clock)
        self.clock = self.node_clock
        self.image = MetadataImage()
        self.config = lab.config
        self._lab = lab
        self._known = 0
        self.replicas = ReplicaManager(
            node_id=node_id,
            directory=lab.directory / str(node_id),
            clock=self.clock,
            image=self.image,
            network=self,
            controller_call=self._call_controller,
            broker_epoch=lambda: self.image.brokers[node_id].epoch if node_id in self.image.brokers else -1,
            timeline=lab.timeline,
            rng=random.Random(node_id),
        )
        self.replicas.configure(lab.config)

    def learn(self, history: Sequence[Any]) -> None:
        """Apply the metadata records that are new."""
        touched: dict[TopicPartition, None] = {}
        for record in history[self._known :]:
            self.image.apply(record)
            if isinstance(record, m.PartitionRecord | m.PartitionChangeRecord):
                touched[TopicPartition(self.image.topic_names[record.topic_id], record.partition_id)] = None
        self._known = len(history)
        for place in touched:
            self.replicas.apply(place)

    def call(
        self,
        target: int,
        api_key: int,
        request: Any,
        *,
        timeout_ms: float,
        **_options: Any,
    ) -> Deferred[Any]:
        """The network: a message takes no time, but never arrives at once."""
        lab, answer = self._lab, Deferred[Any]()
        lab.calls.append((self.node_id, target, api_key, request))
        self.clock.call_later(timeout_ms, lambda: answer.resolve(None))

        def reply(response: Any) -> None:
            if (target, self.node_id) not in lab.cut:
                response = _over_the_wire(response)
                self.clock.call_soon(lambda: answer.resolve(response))

        def deliver() -> None:
            if (self.node_id, target) in lab.cut or (target != CONTROLLER and target not in lab.brokers):
                return
            if target == CONTROLLER:
                reply(lab.alter_partition(request))
                return
            response = lab.ask(target, api_key, request, peer=OTHER_NODE)
            if isinstance(response, Deferred):
                response.then(reply)
            else:
                reply(response)

        lab.clock.call_soon(deliver)
        return answer

    def _call_controller(self, request: Any, api_key: int, api_version: int) -> Deferred[Any]:
        return self.call(CONTROLLER, api_key, request, timeout_ms=1000, version=api_version)


def _over_the_wire(response: Any) -> Any:
    if isinstance(response, m.FetchResponse):
        for topic in response.responses:
            for data in topic.partitions:
                if isinstance(data.records, FileRange):
                    data.records = data.records.read()
    return response
