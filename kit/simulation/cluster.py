"""The cluster under simulation: the one file here that knows how a cluster is made, broken and looked into."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

from kit.broker.broker import DISCONNECT, Chunks, Peer
from kit.broker.clock import VirtualClock
from kit.broker.config.configs import BrokerConfig
from kit.broker.deferred import Deferred
from kit.broker.embedded import EmbeddedCluster
from kit.broker.endpoints import Endpoint
from kit.broker.faults import FaultError
from kit.broker.lifecycle import LifecycleState
from kit.broker.metadata import CONSUMER_OFFSETS_TOPIC, NO_LEADER, MetadataImage, TopicPartition
from kit.broker.partition import Partition
from kit.broker.storage.volatile import VolatileDisk
from kit.broker.timeline import Event
from kit.simulation.judge import ReplicaLog
from kit.wire import codec
from kit.wire import messages as m
from kit.wire.records import iter_headers

__all__ = ["DISCONNECT", "FaultError", "SimCluster"]

CREATE_TOPICS, CREATE_TOPICS_VERSION = 19, 7
ELECT_LEADERS, ELECT_LEADERS_VERSION = 43, 2
ALTER_PARTITION_REASSIGNMENTS, ALTER_PARTITION_REASSIGNMENTS_VERSION = 45, 0
ADMIN = Peer("127.0.0.1", 39_999)
MIN_LATENCY_MS, MAX_LATENCY_MS = 0.1, 1.5


class SimCluster:
    """An embedded cluster, its clock, and what the simulation wants of it.

    Args:
        num_brokers: their ids are 1 to this.
        controllers: None for combined roles on the brokers, a number for nodes of their own.
        is_patient: whether timers allow for slow links, see `kit.broker.patience`; if not, these break more.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        num_brokers: int,
        controllers: int | None,
        config: Mapping[str, str | int | bool],
        is_patient: bool,
        random: Random,
    ) -> None:
        self.clock = VirtualClock()
        self.node_ids = list(range(1, num_brokers + 1))
        self.num_client_messages = 0  # counted by the clients' links
        self._down_listeners: list[Callable[[int], None]] = []
        self.inner = EmbeddedCluster(
            endpoints={node_id: [Endpoint("127.0.0.1", 9000 + node_id)] for node_id in self.node_ids},
            data_dir=data_dir,
            config=BrokerConfig(config),
            clock=self.clock,
            controllers=controllers,
            is_patient=is_patient,
            random=random,
            latency_ms=lambda: MIN_LATENCY_MS + (MAX_LATENCY_MS - MIN_LATENCY_MS) * random.random() ** 2,
            on_node_down=self._node_is_down,
            pool=VolatileDisk(),
        )
        self._started = self.inner.start()

    def _node_is_down(self, node_id: int) -> None:
        for listener in self._down_listeners:
            listener(node_id)

    @property
    def has_started(self) -> bool:
        """Whether all brokers are alive."""
        return self._started.done

    @property
    def num_messages(self) -> int:
        """Requests and replies, of clients and between nodes."""
        return self.num_client_messages + self.inner.num_messages

    # -- for clients ---------------------------------------------------------------------------------------------

    def on_down(self, listener: Callable[[int], None]) -> None:
        """Call ``listener(node_id)`` when a broker's process ends."""
        self._down_listeners.append(listener)

    def receive(self, node_id: int, frame: memoryview, peer: Peer) -> Chunks | Deferred[Chunks | None] | None:
        """Hand a client's frame to a broker that is running."""
        return self.inner.receive(node_id, frame, peer)

    def is_running(self, node_id: int) -> bool:
        """Whether the broker's process is there, be it paused or not."""
        return node_id in self.inner.nodes

    def create_topics(self, topics: Mapping[str, int], replication_factor: int, settings: Mapping[str, str]) -> None:
        """Ask a broker for topics."""
        request = m.CreateTopicsRequest(
            topics=[
                m.CreatableTopic(
                    name=name,
                    num_partitions=count,
                    replication_factor=replication_factor,
                    configs=[m.CreatableTopicConfig(name=key, value=value) for key, value in settings.items()],
                )
                for name, count in topics.items()
            ],
            timeout_ms=5_000,
        )
        self._administer(CREATE_TOPICS, CREATE_TOPICS_VERSION, request)

    def elect_preferred_leaders(self) -> None:
        """Ask a broker to have every partition led by its first replica, where that is in sync."""
        self._administer(ELECT_LEADERS, ELECT_LEADERS_VERSION, m.ElectLeadersRequest(topic_partitions=None))

    def reassign(self, topic: str, partition: int, replicas: Sequence[int]) -> None:
        """Ask a broker to move a partition."""
        moved = m.ReassignablePartition(partition_index=partition, replicas=list(replicas))
        request = m.AlterPartitionReassignmentsRequest(topics=[m.ReassignableTopic(name=topic, partitions=[moved])])
        self._administer(ALTER_PARTITION_REASSIGNMENTS, ALTER_PARTITION_REASSIGNMENTS_VERSION, request)

    def _administer(self, api_key: int, api_version: int, request: Any) -> None:
        """Send a request to a broker that runs; the answer is not waited for."""
        for node_id in self.inner.brokers:
            frame = codec.encode_request(api_key, api_version, 1, "admin", request)
            self.receive(node_id, memoryview(bytearray(frame))[4:], ADMIN)
            return

    # -- faults --------------------------------------------------------------------------------------------------

    def kill(self, node_id: int) -> None:
        """Crash a node."""
        self.inner.kill(node_id)

    def power_loss(self, node_id: int) -> None:
        """Crash a node, which forgets what it has not flushed."""
        self.inner.power_loss(node_id)

    def stop(self, node_id: int) -> None:
        """Begin a controlled shutdown."""
        self.inner.stop(node_id)

    def restart(self, node_id: int) -> None:
        """Start a node that is down."""
        self.inner.restart(node_id)

    def pause(self, node_id: int) -> None:
        """Let a node do nothing."""
        self.inner.pause(node_id)

    def resume(self, node_id: int) -> None:
        """Let it go on."""
        self.inner.resume(node_id)

    def isolate(self, node_id: int) -> None:
        """Cut a node off from the others."""
        self.inner.isolate(node_id)

    def cut(self, groups: Sequence[Sequence[int]], *, one_way: bool, clients: Mapping[str, int]) -> None:
        """Cut the network."""
        self.inner.cut(groups, one_way=one_way, clients=clients)

    def slow(self, node_id: int, delay_ms: float, jitter_ms: float) -> None:
        """Slow a node's links down."""
        self.inner.slow(node_id, delay_ms, jitter_ms)

    def drop(self, node_id: int, what: str, share: float) -> None:
        """Lose messages of a node."""
        self.inner.drop(node_id, what, share)

    def heal(self) -> None:
        """Mend the network."""
        self.inner.heal()

    # -- looking on ----------------------------------------------------------------------------------------------

    def _image(self) -> MetadataImage | None:
        """The metadata as a broker knows it that is as far as any."""
        brokers = self.inner.brokers.values()
        return max(brokers, key=lambda broker: broker.metadata_offset).image if brokers else None

    def has_recovered(self, node_id: int) -> bool:
        """Whether a broker that was down is registered anew, and in the ISR of everything that it has a replica of."""
        broker, image = self.inner.brokers.get(node_id), self._image()
        if broker is None or image is None or broker.lifecycle.state is not LifecycleState.RUNNING:
            return False
        registration = image.brokers.get(node_id)
        return (
            registration is not None
            and registration.epoch == broker.lifecycle.broker_epoch
            and all(node_id in state.isr for _, state in image.partitions() if node_id in state.replicas)
        )

    def is_settled(self, topics: Sequence[str]) -> bool:
        """Whether the topics are there, and every partition is led, in sync, and committed up to its end."""
        image = self._image()
        return (
            image is not None
            and all(topic in image.topics for topic in topics)
            and all(self.has_recovered(node_id) for node_id in self.node_ids)
            and all(
                state.leader != NO_LEADER and set(state.isr) == set(state.replicas) and not state.adding
                for _, state in image.partitions()
            )
            and all(each.high_watermark == each.log.log_end_offset for each in self._leading())
        )

    def _leading(self) -> Iterator[Partition]:
        for broker in self.inner.brokers.values():
            yield from (each for each in broker.replicas.partitions.values() if each.is_leader)

    def high_watermarks(self, topics: Sequence[str]) -> dict[TopicPartition, int]:
        """As the leaders of the newest epoch see them."""
        found: dict[TopicPartition, tuple[int, int]] = {}
        for partition in self._leading():
            key = partition.topic_partition
            if key.topic in topics:
                found[key] = max(found.get(key, (-1, -1)), (partition.leader_epoch, partition.high_watermark))
        return {key: high_watermark for key, (_, high_watermark) in found.items()}

    def final_logs(self, topics: Sequence[str]) -> dict[TopicPartition, list[ReplicaLog]]:
        """Every replica's bytes below the leader's high watermark."""
        ends = self.high_watermarks([*topics, CONSUMER_OFFSETS_TOPIC])
        found: dict[TopicPartition, list[ReplicaLog]] = {key: [] for key in sorted(ends)}
        for node_id, broker in sorted(self.inner.brokers.items()):
            for partition in broker.replicas.partitions.values():
                key = partition.topic_partition
                if key in found:
                    data = b"".join(partition.read_all())
                    found[key].append(ReplicaLog(node_id, partition.is_leader, _below(data, ends[key])))
        return found

    def events(self) -> list[Event]:
        """The timeline."""
        return list(self.inner.timeline)

    def close(self) -> None:
        """Close everything."""
        self.inner.close()


def _below(data: bytes, offset: int) -> bytes:
    """The batches that begin below an offset."""
    end = 0
    for start, header in iter_headers(data):
        if header.base_offset < offset:
            end = start + header.size_bytes
    return data[:end]
