"""The cluster under simulation: the one file here that knows how a cluster is made, broken and looked into."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import Random

from kit.broker.broker import Chunks, Endpoint, Peer
from kit.broker.clock import VirtualClock
from kit.broker.configs import BrokerConfig
from kit.broker.deferred import Deferred
from kit.broker.embedded import EmbeddedCluster
from kit.broker.metadata import TopicPartition
from kit.broker.timeline import Event
from kit.simulation.judge import ReplicaLog
from kit.wire import codec
from kit.wire import messages as m
from kit.wire.records import iter_headers

CREATE_TOPICS, CREATE_TOPICS_VERSION = 19, 7
ADMIN = Peer("127.0.0.1", 39_999)


class SimCluster:
    """An embedded cluster, its clock, and what the simulation wants of it.

    Args:
        num_brokers: their ids are 1 to this.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        num_brokers: int,
        controllers: int | None,
        config: Mapping[str, str | int | bool],
        random: Random,
    ) -> None:
        self.clock = VirtualClock()
        self.node_ids = list(range(1, num_brokers + 1))
        self._down_listeners: list[Callable[[int], None]] = []
        self.inner = EmbeddedCluster(
            endpoints={node_id: Endpoint("127.0.0.1", 9000 + node_id) for node_id in self.node_ids},
            data_dir=data_dir,
            config=BrokerConfig(config),
            clock=self.clock,
        )
        self.inner.start()

    def on_down(self, listener: Callable[[int], None]) -> None:
        """Call ``listener(node_id)`` when a node's process ends."""
        self._down_listeners.append(listener)

    def receive(self, node_id: int, frame: memoryview, peer: Peer) -> Chunks | Deferred[Chunks | None] | None:
        """Hand a client's frame to a broker."""
        return self.inner.brokers[node_id].receive(frame, peer)

    def is_running(self, node_id: int) -> bool:
        """Whether the node's process is there, be it paused or not."""
        return node_id in self.inner.brokers

    def create_topics(self, topics: Mapping[str, int], replication_factor: int, settings: Mapping[str, str]) -> None:
        """Ask a broker for topics; the answer is not waited for."""
        request = m.CreateTopicsRequest(
            topics=[
                m.CreatableTopic(
                    name=name,
                    num_partitions=count,
                    replication_factor=1,
                    configs=[m.CreatableTopicConfig(name=key, value=value) for key, value in settings.items()],
                )
                for name, count in topics.items()
            ],
            timeout_ms=5_000,
        )
        frame = codec.encode_request(CREATE_TOPICS, CREATE_TOPICS_VERSION, 1, "admin", request)
        self.receive(self.node_ids[0], memoryview(bytearray(frame))[4:], ADMIN)

    # -- looking on ----------------------------------------------------------------------------------------------

    def is_settled(self) -> bool:
        """Whether every partition has a leader and all its replicas are in sync."""
        return True

    def high_watermarks(self, topics: Sequence[str]) -> dict[TopicPartition, int]:
        """As the leaders see them."""
        found = {}
        for broker in self.inner.brokers.values():
            for key, partition in broker.replicas.partitions.items():
                if key.topic in topics and partition.is_leader:
                    found[key] = partition.high_watermark
        return found

    def final_logs(self, topics: Sequence[str]) -> dict[TopicPartition, list[ReplicaLog]]:
        """Every replica's bytes below the leader's high watermark."""
        ends = self.high_watermarks(topics)
        found: dict[TopicPartition, list[ReplicaLog]] = {key: [] for key in sorted(ends)}
        for node_id, broker in self.inner.brokers.items():
            for key, partition in broker.replicas.partitions.items():
                if key in found:
                    data = b"".join(partition.read_all())
                    found[key].append(ReplicaLog(node_id, partition.is_leader, _below(data, ends[key])))
        return found

    def events(self) -> list[Event]:
        """The timeline."""
        return []

    def settle(self) -> None:
        """Let what is under way come to its end."""

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
