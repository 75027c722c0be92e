"""One broker: takes request frames, finds the handler, keeps its partitions in step with the metadata.

Rules for the file: no sockets and no waiting. `Broker.receive` turns one frame into the chunks of its reply; the
server moves bytes. What the broker knows of the cluster it learns from `Broker.apply_metadata` alone.
"""

from __future__ import annotations

import random
import struct
import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kit.broker import handlers
from kit.broker.clock import Clock
from kit.broker.config.configs import BrokerConfig
from kit.broker.controller_channel import ControllerChannel
from kit.broker.deferred import Deferred
from kit.broker.endpoints import PLAINTEXT, Endpoint, node_settings, registration
from kit.broker.groups import GroupCoordinator
from kit.broker.lifecycle import BrokerLifecycle
from kit.broker.metadata import BROKER_RESOURCE, MetadataImage, TopicPartition, TopicState
from kit.broker.network import Network
from kit.broker.offsets_log import LocalOffsetsLog, group_config, tell_coordinator
from kit.broker.partition import Partition
from kit.broker.patience import extra_ms
from kit.broker.producer_ids import ProducerIds
from kit.broker.refusals import refusal
from kit.broker.replica_manager import ReplicaManager
from kit.broker.storage.files import SHARED_POOL, FilePool
from kit.broker.timeline import Timeline
from kit.wire import codec
from kit.wire import messages as m
from kit.wire.errors import ErrorCode

if TYPE_CHECKING:
    from kit.broker.security.sasl import SaslLogin

PRODUCE = 0
API_VERSIONS = 18
CREATE_TOPICS, _CREATE_TOPICS_VERSION = 19, 7
MAX_REQUEST_BYTES = 8 << 20  # decoded, a request of many small objects takes some fifty times its bytes
_HEADER_START = struct.Struct(">hhi")  # api_key, api_version, correlation_id

Chunks = list[Any]  # bytes-like objects and FileRanges, the int32 frame size first


class Farewell(list[Any]):
    """A reply after which the connection is closed, with this reason in the log; without chunks it is just closed."""

    def __init__(self, chunks: Iterable[Any] = (), *, reason: str = "the link to it was broken") -> None:
        super().__init__(chunks)
        self.reason = reason


DISCONNECT: Chunks = Farewell()


class InvalidRequest(Exception):
    """The peer broke the protocol; its connection must be closed, with this reason in the log."""


@dataclass(slots=True, eq=False)
class Peer:
    """The other end of one connection.

    Attributes:
        listener: the name of the one that it came in by.
        user: who it has proved to be.
        login: what it has to go through first; None when it need not, or has done so.
    """

    client_host: str
    client_port: int
    listener: str = PLAINTEXT
    user: str = "ANONYMOUS"
    login: SaslLogin | None = None

    @property
    def principal(self) -> str:
        """Who it is, as Kafka writes it."""
        return f"User:{self.user}"

    def __str__(self) -> str:
        return f"{self.client_host}:{self.client_port}"


Receive = Callable[[memoryview, Peer], Chunks | Deferred[Chunks | None] | None]


@dataclass(slots=True)
class RequestContext:
    """What a handler may want to know besides the request itself."""

    api_key: int
    api_version: int
    correlation_id: int
    client_id: str | None
    peer: Peer

    @property
    def client_host(self) -> str:
        """The client's address, as DescribeGroups shows it."""
        return self.peer.client_host

    @property
    def principal(self) -> str:
        """Who asks, such as "User:ann"; there are no ACLs, so nobody is refused for that."""
        return self.peer.principal


class Broker:
    """One broker of a cluster.

    Args:
        node_id: its id, unique in the cluster.
        directory: its ``log.dirs``: one folder per partition below it.
        endpoints: where clients reach it, one for each listener.
        config: the settings that it was started with; dynamic ones come with the metadata.
        network: the way to the other brokers.
        channel: the way to the active controller.

    Attributes:
        image: what it knows of the cluster: the committed metadata, as far as it has followed.
        metadata_offset: how far that is.
        lifecycle: how it stands with the controller.
        producer_ids: those that it may give to producers.
    """

    def __init__(
        self,
        *,
        node_id: int,
        cluster_id: str,
        directory: Path,
        endpoints: Sequence[Endpoint],
        config: BrokerConfig,
        clock: Clock,
        network: Network,
        channel: ControllerChannel,
        random: random.Random,
        timeline: Timeline,
        pool: FilePool = SHARED_POOL,
    ) -> None:
        self.node_id = node_id
        self.cluster_id = cluster_id
        self.clock = clock
        self.channel = channel
        self._network = network
        self.timeline = timeline
        self.image = MetadataImage()
        self.metadata_offset = 0
        self._static_config = self.config = config.with_node_settings(node_settings(node_id, endpoints, directory))
        self.replicas = ReplicaManager(
            node_id=node_id,
            directory=directory,
            clock=clock,
            image=self.image,
            network=network,
            controller_call=self.ask_controller_once,
            broker_epoch=lambda: self.lifecycle.broker_epoch,
            timeline=timeline,
            rng=random,
            pool=pool,
        )
        self.replicas.configure(self.config)
        self.coordinator = GroupCoordinator(
            config=group_config(config),
            clock=clock,
            log=LocalOffsetsLog(self.replicas, self.image, config["offsets.topic.num.partitions"]),
            topics=self.image,
            new_id=lambda: str(random_uuid(random)),
        )
        self.lifecycle = BrokerLifecycle(
            registration(node_id, cluster_id, endpoints, self.config["broker.rack"], random_uuid(random)),
            previous_broker_epoch=self.replicas.log_directory.previous_broker_epoch,
            heartbeat_interval_ms=config["broker.heartbeat.interval.ms"],
            clock=clock,
            ask_controller=self.ask_controller_once,
            metadata_offset=lambda: self.metadata_offset,
            on_registered=self.replicas.log_directory.note_registered,
            on_caught_up=self._open_partitions,
        )
        self._has_opened = False
        self.producer_ids = ProducerIds(node_id, channel=channel, broker_epoch=lambda: self.broker_epoch)
        self._handlers = handlers.load_all()

    def start(self) -> None:
        """Register with the controller."""
        self.lifecycle.start()

    # -- requests ------------------------------------------------------------------------------------------------

    def receive(self, frame: memoryview, peer: Peer) -> Chunks | Deferred[Chunks | None] | None:
        """Answer one request frame (without its size prefix).

        Returns:
            The reply's chunks, size prefix first; a Deferred of them; or None when the request wants no reply.

        Raises:
            InvalidRequest: the connection must be closed. Source: Kafka's ``SocketServer.processCompletedReceives``.
        """
        if len(frame) < _HEADER_START.size:
            raise InvalidRequest(f"a request of {len(frame)} bytes is too short for a header")
        api_key, api_version, correlation_id = _HEADER_START.unpack_from(frame)
        handler = self._handlers.get(api_key)
        if handler is None or handler.internal:
            raise InvalidRequest(f"API key {api_key} is not served here")
        if not handler.min_version <= api_version <= handler.max_version:
            if api_key == API_VERSIONS:
                return codec.encode_response(API_VERSIONS, 0, correlation_id, self.api_versions(unsupported=True))
            raise InvalidRequest(
                f"{codec.api(api_key).name} version {api_version} is not served, "
                f"only {handler.min_version} to {handler.max_version}"
            )
        if api_key != PRODUCE and len(frame) > MAX_REQUEST_BYTES:
            name = codec.api(api_key).name
            raise InvalidRequest(f"{name} in {len(frame)} bytes; only Produce may exceed {MAX_REQUEST_BYTES}")
        try:
            header, body_offset = codec.decode_request_header(frame)
            request = codec.decode_request(api_key, api_version, frame, body_offset)
        except codec.DecodeError as error:
            raise InvalidRequest(f"{codec.api(api_key).name} v{api_version} cannot be decoded: {error}") from error
        context = RequestContext(api_key, api_version, correlation_id, header.client_id, peer)
        if handler.role == "controller":
            response: Any = self._forward(request, context)
        else:
            response = handler.function(self, request, context)
        return self._encode(response, context)

    def _encode(self, response: Any, context: RequestContext) -> Chunks | Deferred[Chunks | None] | None:
        if response is None:
            return None
        if not isinstance(response, Deferred):
            return codec.encode_response(context.api_key, context.api_version, context.correlation_id, response)
        if response.done:
            return self._encode(response.value, context)
        chunks: Deferred[Chunks | None] = Deferred()
        response.then(lambda message: chunks.resolve(self._encode(message, context)))  # type: ignore[arg-type]
        return chunks

    def api_versions(self, *, unsupported: bool = False) -> m.ApiVersionsResponse:
        """The table of what this broker serves, from the handlers' registry."""
        return m.ApiVersionsResponse(
            error_code=ErrorCode.UNSUPPORTED_VERSION if unsupported else ErrorCode.NONE,
            api_keys=[
                m.ApiVersion(api_key=key, min_version=entry.advertised_min_version, max_version=entry.max_version)
                for key, entry in sorted(self._handlers.items())
                if not entry.internal
            ],
        )

    def _forward(self, request: Any, context: RequestContext) -> Deferred[Any]:
        """Let the active controller answer; REQUEST_TIMED_OUT when none does (KIP-590)."""
        timeout_ms = self.config["request.timeout.ms"]
        asked_ms = getattr(request, "timeout_ms", timeout_ms)
        answer: Deferred[Any] = Deferred()
        self.channel.ask(
            request,
            context.api_key,
            timeout_ms=min(timeout_ms, asked_ms) if asked_ms > 0 else timeout_ms,
            api_version=context.api_version,
            client_id=context.client_id,
        ).then(lambda response: answer.resolve(self._no_controller(request, context) if response is None else response))
        return answer

    @staticmethod
    def _no_controller(request: Any, context: RequestContext) -> Any:
        return refusal(context.api_key, context.api_version, request, ErrorCode.REQUEST_TIMED_OUT, _NO_CONTROLLER)

    # -- metadata ------------------------------------------------------------------------------------------------

    def apply_metadata(self, records: Sequence[Any], end_offset: int) -> None:
        """Take over committed metadata records: first the image, then what they mean for this broker's partitions.

        Until the broker has caught up it only learns: what an old record says of a partition may be long outdated.
        """
        touched: dict[TopicPartition, None] = {}
        configured = False
        for record in records:
            removed = self.image.topic_by_id(record.topic_id) if isinstance(record, m.RemoveTopicRecord) else None
            self.image.apply(record)
            if removed is not None and self._has_opened:
                self._remove_topic(removed)  # after the image, so that whoever waited finds it gone
            if isinstance(record, m.PartitionRecord | m.PartitionChangeRecord):
                name = self.image.topic_names[record.topic_id]
                touched[TopicPartition(name, record.partition_id)] = None
            configured = configured or isinstance(record, m.ConfigRecord)
        self.metadata_offset = end_offset
        if configured:
            self._apply_dynamic_config()
        if self._has_opened:
            self._apply_partitions(touched)
        self.lifecycle.metadata_changed()

    def _open_partitions(self) -> None:
        """The broker has caught up: open what it has to keep."""
        self._apply_dynamic_config()
        self.replicas.set_aside_strays()
        self._has_opened = True
        self._apply_partitions(
            TopicPartition(topic.name, state.partition) for topic, state in list(self.image.partitions())
        )

    def _apply_partitions(self, touched: Iterable[TopicPartition]) -> None:
        for topic_partition in touched:
            if topic_partition.topic in self.image.topics:
                self._apply_partition(topic_partition)

    def _apply_partition(self, topic_partition: TopicPartition) -> None:
        partition = self.replicas.apply(topic_partition)
        if partition is not None:
            tell_coordinator(self.coordinator, partition, self.timeline, self.node_id)

    def _remove_topic(self, topic: TopicState) -> None:
        if topic.name == LocalOffsetsLog.topic:
            for index in topic.partitions:
                self.coordinator.on_resigned(index)
        self.replicas.remove_topic(topic)
        self.coordinator.on_topics_deleted([topic.name])

    def _apply_dynamic_config(self) -> None:
        cluster_wide = self.image.config(BROKER_RESOURCE, "")
        own = self.image.config(BROKER_RESOURCE, str(self.node_id))
        self.config = self._static_config.with_dynamic(cluster_wide, own)
        self.replicas.configure(self.config)

    # -- what handlers ask for -----------------------------------------------------------------------------------

    def ask_controller_once(self, request: Any, api_key: int, api_version: int | None = None) -> Deferred[Any]:
        """Send a request of this broker's own to the active controller; resolves with the response or with None.

        Source: Kafka's ``BrokerServer``: half a session (KAFKA-14392), so that who waited in vain for a controller that
        is gone still says in time to the next one that it lives.
        """
        session_ms = self.config["broker.session.timeout.ms"]
        timeout_ms = session_ms / 2 + extra_ms("broker.session.timeout.ms", session_ms, self._network.slack_ms)
        return self.channel.ask_once(request, api_key, timeout_ms, api_version)

    def ask_for_topics(self, topics: list[m.CreatableTopic]) -> Deferred[m.CreateTopicsResponse]:
        """Ask the controller for topics that no client asked it for."""
        timeout_ms = self.config["request.timeout.ms"]
        context = RequestContext(CREATE_TOPICS, _CREATE_TOPICS_VERSION, 0, f"broker-{self.node_id}", _OWN_PEER)
        return self._forward(m.CreateTopicsRequest(topics=topics, timeout_ms=timeout_ms), context)

    @property
    def controller_id(self) -> int:
        """The broker that clients are told is the controller: the active one if it is a broker, else the first alive.

        -1 when none is alive. Kafka names a broker at random, since clients cannot reach controllers (KIP-590).
        """
        alive = [state.node_id for state in self.image.alive_brokers()]
        active = self.channel.controller_id
        return active if active in alive else min(alive, default=-1)

    @property
    def broker_epoch(self) -> int:
        """The epoch of this broker's registration with the controller."""
        return self.lifecycle.broker_epoch

    def partition(self, topic: str, partition: int) -> Partition:
        """The partition that this broker leads.

        Raises:
            BrokerError: UNKNOWN_TOPIC_OR_PARTITION, NOT_LEADER_OR_FOLLOWER when another broker leads it, or
                KAFKA_STORAGE_ERROR when its log cannot be opened.
        """
        return self.replicas.find(topic, partition)

    def close(self) -> None:
        """Close the logs cleanly, so that the next start need not check them."""
        self.lifecycle.close()
        self.coordinator.close()
        self.replicas.close(self.broker_epoch)


def random_uuid(source: random.Random) -> uuid.UUID:
    """A version 4 UUID from a given source of chance, so that a simulation can be repeated."""
    return uuid.UUID(int=source.getrandbits(128), version=4)


_OWN_PEER = Peer("127.0.0.1", 0, "INTERNAL")
_NO_CONTROLLER = (
    "No active controller answered in time: a majority of the controllers must be up and connected to decide anything."
)
