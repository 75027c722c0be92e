"""What the simulated clients do: keyed sends by several producers, and a group that reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from random import Random

from kit.broker.layout import voters_of
from kit.simulation.cluster import SimCluster
from kit.simulation.consumer import SimConsumer
from kit.simulation.links import Links
from kit.simulation.membership import GroupSettings
from kit.simulation.producer import ProducerSettings, SimProducer
from kit.simulation.recorder import Recorder

NUM_KEYS = 40
BURST_INTERVAL_MS = 250.0

SIMULATION_CONFIG: dict[str, str] = {
    "auto.create.topics.enable": "false",
    "broker.heartbeat.interval.ms": "300",
    "broker.session.timeout.ms": "1000",
    "controller.quorum.election.timeout.ms": "400",
    "controller.quorum.fetch.timeout.ms": "800",
    "default.replication.factor": "3",
    "group.initial.rebalance.delay.ms": "100",
    "group.min.session.timeout.ms": "1000",
    "min.insync.replicas": "2",
    "offsets.commit.timeout.ms": "1500",
    "offsets.topic.num.partitions": "1",
    "offsets.topic.replication.factor": "3",
    "replica.fetch.backoff.ms": "200",
    "replica.lag.time.max.ms": "1500",
    "request.timeout.ms": "1000",
}
"""Coarse timers, in the proportions of Kafka's own: fewer heartbeats, the same order of events."""
REPLICA_FETCH_MAX_BYTES = (1 << 20, 1 << 20, 1 << 20, 400)
"""A run draws one: with little more than a batch in each fetch it takes followers a while to catch up."""


def config_of(workload: Workload, random: Random) -> dict[str, str]:
    """The brokers' settings in one run."""
    drawn = {"replica.fetch.max.bytes": str(random.choice(REPLICA_FETCH_MAX_BYTES))}
    return SIMULATION_CONFIG | drawn | dict(workload.config)


@dataclass(frozen=True, slots=True)
class Workload:
    """One kind of run.

    Attributes:
        controllers: None for combined roles on the brokers, a number for nodes of their own.
        config: of every node, over `SIMULATION_CONFIG`.
        delivery_timeouts_ms: each producer draws one of them, so that some give up during a fault.
        any_power_loss: whether a second node may lose its power before the first has recovered.
    """

    num_brokers: int = 3
    controllers: int | None = None
    topics: Mapping[str, int] = field(default_factory=lambda: {"plays": 3, "listens": 3})
    replication_factor: int = 3
    num_producers: int = 3
    records_per_producer: int = 200
    num_consumers: int = 2
    sending_ms: float = 5_000.0
    delivery_timeouts_ms: tuple[float, ...] = (4_000.0, 30_000.0)
    producer: ProducerSettings = field(default_factory=ProducerSettings)
    group: GroupSettings = field(default_factory=GroupSettings)
    config: Mapping[str, str] = field(default_factory=dict)
    topic_config: Mapping[str, str] = field(default_factory=dict)
    any_power_loss: bool = False

    @property
    def node_ids(self) -> list[int]:
        """Every node, ascending."""
        return sorted({*range(1, self.num_brokers + 1), *voters_of(self.num_brokers, self.controllers)})

    @property
    def num_records(self) -> int:
        """All that the producers will send."""
        return self.num_producers * self.records_per_producer


STANDARD = Workload()


def producer_name(number: int) -> str:
    """The client id of a producer."""
    return f"producer-{number}"


class SendingApplication:
    """One producer that sends its records in bursts, with keys that the other producers use too."""

    def __init__(self, name: str, cluster: SimCluster, recorder: Recorder, workload: Workload, random: Random) -> None:
        self._name = name
        self._clock = cluster.clock
        self._random = random
        self._topics = list(workload.topics)
        self._left = workload.records_per_producer
        self._sent = 0
        num_bursts = max(1.0, workload.sending_ms / BURST_INTERVAL_MS)
        self._burst = max(1.0, workload.records_per_producer / num_bursts)
        links = Links(name, cluster, cluster.clock, random)
        settings = replace(workload.producer, delivery_timeout_ms=random.choice(workload.delivery_timeouts_ms))
        self._producer = SimProducer(links, recorder, cluster.node_ids, self._topics, settings)
        self._clock.call_later(BURST_INTERVAL_MS * random.random(), self._send_some)

    def _send_some(self) -> None:
        count = min(self._left, max(1, round(self._burst * 2 * self._random.random())))
        for _ in range(count):
            self._sent += 1
            key = b"%d" % self._random.randrange(NUM_KEYS)
            value = f"{self._name}/{self._sent}".encode()
            self._producer.send(self._random.choice(self._topics), key, value)
        self._left -= count
        if self._left:
            self._clock.call_later(BURST_INTERVAL_MS * 2 * self._random.random(), self._send_some)

    @property
    def is_done(self) -> bool:
        """Whether every record has its outcome."""
        return self._left == 0 and self._producer.is_idle


class Consumers:
    """The consumers of the group, each of which may crash and come back as a new member."""

    def __init__(self, cluster: SimCluster, recorder: Recorder, workload: Workload, random: Random) -> None:
        self._cluster = cluster
        self._recorder = recorder
        self._workload = workload
        self._random = random
        self._living: dict[int, SimConsumer] = {}
        self._num_started = 0
        for number in range(workload.num_consumers):
            self.start(number)

    def start(self, number: int) -> None:
        """Start one, as a new member with a name of its own."""
        self._num_started += 1
        name = f"consumer-{number}.{self._num_started}"
        links = Links(name, self._cluster, self._cluster.clock, Random(self._random.getrandbits(64)))
        self._living[number] = SimConsumer(
            links, self._recorder, self._cluster.node_ids, list(self._workload.topics), self._workload.group
        )

    def crash(self, number: int) -> bool:
        """Let one fall silent; False when it is not there."""
        consumer = self._living.pop(number, None)
        if consumer is None:
            return False
        consumer.crash()
        return True

    def have_read_all(self) -> bool:
        """Whether the group has read up to every high watermark."""
        if not self._living:
            return True
        positions: dict[object, int] = {}
        for consumer in self._living.values():
            positions.update(consumer.positions())
        ends = self._cluster.high_watermarks(list(self._workload.topics))
        return len(ends) == sum(self._workload.topics.values()) and all(
            positions.get(key, -1) >= end for key, end in ends.items()
        )

    def close(self) -> None:
        """Let all commit and leave."""
        for consumer in self._living.values():
            consumer.close()
