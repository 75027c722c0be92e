"""Foreign clients on a cluster that fails: they go on, lose nothing, and their admins see and change what is so.

Each client has one cluster: its brokers are killed, cut off and stopped while the client produces and consumes.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from confluent_kafka import Consumer, ElectionType, KafkaException, TopicCollection
from confluent_kafka import TopicPartition as ConfluentTopicPartition
from confluent_kafka.admin import AdminClient
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.errors import KafkaError, PreferredLeaderNotAvailableError

import kit
from kit.topics import Partition
from tests.clients.aiokafka_adapter import Aiokafka
from tests.clients.confluent_kafka_adapter import ConfluentKafka
from tests.clients.foreign_client import ForeignClient, Incoming, Member, Refused
from tests.clients.kafka_python_adapter import KafkaPython
from tests.clients.kcat_adapter import Kcat
from tests.clients.steady_producers import (
    SteadyAiokafka,
    SteadyConfluentKafka,
    SteadyKafkaPython,
    SteadyKcat,
    SteadyProducer,
)
from tests.support.requirements import need
from tests.support.wait import wait_until

pytestmark = [
    pytest.mark.clients,
    # kafka-python forgets sockets of connections that never came about.
    pytest.mark.filterwarnings(r"ignore:Exception ignored in. <socket\.socket:pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.usefixtures("forgotten_sockets"),
]

CONFIG = {"auto.leader.rebalance.enable": "false", "offsets.topic.num.partitions": 1}
RACK_AWARE = "org.apache.kafka.common.replica.RackAwareReplicaSelector"
NUM_RECORDS = 40  # of each phase
PLAYS = TopicPartition("plays", 0)


@contextlib.contextmanager
def administered(cluster: kit.Cluster) -> Iterator[KafkaAdminClient]:
    """kafka-python's admin client, which gives up when it happens to ask a broker that is down."""
    alive = [broker.address for broker in cluster.brokers if broker.is_alive]
    admin = KafkaAdminClient(bootstrap_servers=",".join(alive))
    try:
        yield admin
    finally:
        admin.close()


def make_topic(cluster: kit.Cluster, topic: str, *replicas: int) -> None:
    """Make a topic of one partition on these brokers, the leader first."""
    with administered(cluster) as admin:
        admin.create_topics({topic: {"assignments": {0: list(replicas)}}})
    wait_until(lambda: topic in cluster.topics() and partition(cluster, topic).leader == replicas[0], topic)


def partition(cluster: kit.Cluster, topic: str = "plays") -> Partition:
    """The only partition of a topic."""
    return cluster.topics()[topic].partitions[0]


def wait_for_isr(cluster: kit.Cluster, *isr: int) -> None:
    """Until just these replicas of "plays" are in sync."""
    wait_until(lambda: sorted(partition(cluster).isr) == sorted(isr), f"plays-0 to be in sync on {isr}")


# -- a producer and a group through three failovers ------------------------------------------------------------------


class Reader:
    """Everything that a member of a group reads, poll by poll; it commits whenever it can."""

    def __init__(self, member: Member) -> None:
        self._member = member
        self.polls: list[list[Incoming]] = []
        self.values: set[str] = set()

    def read_until(self, values: set[str]) -> None:
        """Read on until each of these values has come."""

        def has_all() -> bool:
            records = self._member.poll()
            if records:
                self.polls.append(records)
                self.values.update(_text(record) for record in records)
                # It fails while there is no coordinator; then the next one commits these offsets too.
                with contextlib.suppress(Refused, KafkaError, KafkaException):
                    self._member.commit()
            return values <= self.values

        wait_until(has_all, f"{len(values)} values", timeout_s=60, pause_s=0)


def _text(record: Incoming) -> str:
    assert record.value is not None
    return record.value.decode()


def judged(producer: SteadyProducer, sent: Sequence[str], reader: Reader, log: Sequence[tuple[int, str]]) -> Any:
    """The report on all that was sent and read, against what is in the log in the end."""
    history = kit.history.History()
    for value in sent:
        send = history.invoke("producer", "send", "plays", 0, None, value)
        send.ok(offset=producer.offsets[value]) if value in producer.offsets else send.unknown("no answer")
    next_offset = 0
    history.assign("reader", [("plays", 0, 0)])
    for records in reader.polls:
        if records[0].offset < next_offset:  # it joined anew, and went back to where it had committed
            history.assign("reader", [("plays", 0, None)])
        read = [("plays", 0, record.offset, None, _text(record)) for record in records]
        history.invoke("reader", "poll").ok(records=read)
        next_offset = records[-1].offset + 1
    history.final_log("plays", 0, list(log))
    return kit.history.check(history, caught_up=True, send_order="all")


def log_of(cluster: kit.Cluster) -> list[tuple[int, str]]:
    """Every record up to the high watermark."""
    consumer = KafkaConsumer(bootstrap_servers=cluster.bootstrap_servers)
    consumer.assign([PLAYS])
    consumer.seek(PLAYS, 0)
    end_offset = consumer.end_offsets([PLAYS])[PLAYS]
    found: list[tuple[int, str]] = []

    def is_read() -> bool:
        for records in consumer.poll(timeout_ms=100).values():
            found.extend((record.offset, record.value.decode()) for record in records)
        return bool(found) and found[-1][0] + 1 >= end_offset

    wait_until(is_read, "the whole log", pause_s=0)
    consumer.close()
    return found


def killed(cluster: kit.Cluster, leader: int) -> Iterator[None]:
    """The leader dies, and comes back after others have gone on."""
    cluster.kill(leader)
    yield
    cluster.restart(leader)


def cut_off(cluster: kit.Cluster, leader: int) -> Iterator[None]:
    """The leader loses the others, but no client; it comes back when the others have a new leader."""
    num_elected = elections(cluster)
    cluster.isolate(leader)
    wait_until(lambda: elections(cluster) > num_elected, "a leader among the others")
    cluster.heal()
    yield


def stopped(cluster: kit.Cluster, leader: int) -> Iterator[None]:
    """The leader hands over and ends, and comes back."""
    cluster.stop(leader)
    yield
    cluster.restart(leader)


def elections(cluster: kit.Cluster) -> int:
    """How often "plays" got a leader."""
    return sum(event.kind == "leader_elected" and event.topic == "plays" for event in cluster.timeline())


def kcat(bootstrap_servers: str) -> Kcat:
    """A kcat that is here."""
    return Kcat(bootstrap_servers, need("kcat"))


@pytest.mark.parametrize(
    ("make_client", "make_producer"),
    [
        pytest.param(KafkaPython, SteadyKafkaPython, id="kafka-python"),
        pytest.param(ConfluentKafka, SteadyConfluentKafka, id="confluent-kafka"),
        pytest.param(Aiokafka, SteadyAiokafka, id="aiokafka"),
        pytest.param(kcat, SteadyKcat, id="kcat"),
    ],
)
def test_client_loses_nothing_when_its_leader_fails(
    make_client: Callable[[str], ForeignClient], make_producer: Callable[[str, str], SteadyProducer]
) -> None:
    """Killed, cut off or stopped, with the group's coordinator in it: all is acknowledged, once, and read."""
    with kit.start(brokers=3, config=CONFIG) as cluster:
        with administered(cluster) as admin, contextlib.suppress(KafkaError):  # it may take a moment
            admin.describe_groups(["nobody"])  # makes the topic of the offsets
        wait_until(lambda: "__consumer_offsets" in cluster.topics(), "a place for the groups' offsets")
        coordinator = partition(cluster, "__consumer_offsets").leader
        make_topic(cluster, "plays", coordinator, *({1, 2, 3} - {coordinator}))
        client = make_client(cluster.bootstrap_servers)
        sent: list[str] = []
        reader = Reader(client.join("charts", "plays"))
        with make_producer(cluster.bootstrap_servers, "plays") as producer:

            def send() -> None:
                values = [f"v{len(sent) + index}" for index in range(NUM_RECORDS)]
                sent.extend(values)
                producer.send(values)

            send()
            reader.read_until(set(sent))
            for fault in (killed, cut_off, stopped):
                leader = partition(cluster).leader
                steps = fault(cluster, leader)
                send()
                next(steps)
                send()
                reader.read_until(set(sent))
                assert next(steps, None) is None
                wait_for_isr(cluster, 1, 2, 3)
                assert partition(cluster).leader != leader
        client.close()

        assert producer.failures == []
        assert set(producer.offsets) == set(sent)
        report = judged(producer, sent, reader, log_of(cluster))
        assert report.ok, report.explain()


# -- admins ----------------------------------------------------------------------------------------------------------


def test_kafka_python_admin_sees_and_changes_replication() -> None:
    """Elections, reassignments, the quorum and fenced brokers."""
    with kit.start(brokers=4, config=CONFIG) as cluster:
        active = cluster.controller or 0
        other, new = sorted({1, 2, 3} - {active})
        make_topic(cluster, "plays", 4, other, active)
        cluster.kill(4)
        wait_for_isr(cluster, other, active)
        with administered(cluster) as admin:
            brokers = admin.describe_cluster()["brokers"]
            assert {each["broker_id"]: each["is_fenced"] for each in brokers} == {1: False, 2: False, 3: False, 4: True}
            with pytest.raises(PreferredLeaderNotAvailableError):
                admin.elect_leaders(0, {"plays": [0]})

        cluster.restart(4)
        wait_for_isr(cluster, other, active, 4)
        with administered(cluster) as admin:
            changes_replicas(cluster, admin, active, other, new)


def changes_replicas(cluster: kit.Cluster, admin: KafkaAdminClient, active: int, other: int, new: int) -> None:
    """With "plays" on 4, ``other`` and ``active``, which is the controller: elect 4, and move to ``new``."""
    admin.elect_leaders(0, {"plays": [0]})
    assert partition(cluster).leader == 4

    quorum = admin.describe_metadata_quorum()
    (described,) = quorum["topics"][0]["partitions"]
    assert described["leader_id"] == active
    assert [each["replica_id"] for each in described["current_voters"]] == [1, 2, 3]
    assert [node["node_id"] for node in quorum["nodes"]] == [1, 2, 3]

    cluster.cut({4}, {new})  # so that it cannot copy from the leader
    assert admin.alter_partition_reassignments({PLAYS: [4, new, active]}) == {PLAYS: None}
    assert admin.list_partition_reassignments() == {
        PLAYS: {"replicas": [4, new, active, other], "adding_replicas": [new], "removing_replicas": [other]}
    }
    assert admin.alter_partition_reassignments({PLAYS: None}) == {PLAYS: None}
    assert admin.list_partition_reassignments() == {}
    admin.alter_partition_reassignments({PLAYS: [4, new, active]})
    cluster.heal()
    wait_until(lambda: admin.list_partition_reassignments() == {}, "the reassignment to be over")
    assert partition(cluster).replicas == (4, new, active)


def test_confluent_kafka_admin_sees_and_changes_replication() -> None:
    """Elections of both kinds, and who is in sync."""
    with kit.start(brokers=3, config=CONFIG) as cluster:
        active = cluster.controller or 0  # librdkafka asks it, and would wait for it if it were dead
        victim, other = sorted({1, 2, 3} - {active}, reverse=True)
        make_topic(cluster, "plays", victim, active, other)
        admin = AdminClient({"bootstrap.servers": cluster.bootstrap_servers})
        plays = ConfluentTopicPartition("plays", 0)

        def elect(kind: ElectionType) -> str | None:
            answer = admin.elect_leaders(kind, [plays]).result(60)[plays]
            return None if answer is None else answer.name()

        assert elect(ElectionType.PREFERRED) == elect(ElectionType.UNCLEAN) == "ELECTION_NOT_NEEDED"
        cluster.kill(victim)
        wait_for_isr(cluster, active, other)
        assert elect(ElectionType.PREFERRED) == "PREFERRED_LEADER_NOT_AVAILABLE"
        (future,) = admin.describe_topics(TopicCollection(["plays"])).values()
        (described,) = future.result(60).partitions
        assert (described.leader.id, {node.id for node in described.isr}) == (active, {active, other})

        cluster.restart(victim)
        wait_for_isr(cluster, 1, 2, 3)
        assert elect(ElectionType.PREFERRED) is None
        assert partition(cluster).leader == victim
        brokers = admin.describe_cluster().result(60).nodes
        assert sorted(int(node.id) for node in brokers) == [1, 2, 3]


# -- follower reads --------------------------------------------------------------------------------------------------


def test_consumer_reads_from_the_replica_in_its_rack_and_from_the_leader_without_it() -> None:
    """KIP-392: librdkafka tells which broker it fetches from; when that one dies it goes back to the leader."""
    served_by: list[int] = []

    def told(statistics: str) -> None:
        found = json.loads(statistics)["topics"].get("plays", {"partitions": {}})["partitions"].get("0")
        if found is not None:
            served_by.append(found["broker"])

    with kit.start(brokers=3, config={**CONFIG, "replica.selector.class": RACK_AWARE}) as cluster:
        make_topic(cluster, "plays", 1, 2, 3)
        with SteadyConfluentKafka(cluster.bootstrap_servers, "plays") as producer:
            producer.send(["first"])
        consumer = Consumer(
            {
                "bootstrap.servers": cluster.bootstrap_servers,
                "group.id": "not-joined",
                "client.rack": "rack-3",
                "statistics.interval.ms": 50,
                "stats_cb": told,
            }
        )
        consumer.assign([ConfluentTopicPartition("plays", 0, 0)])
        read: list[bytes] = []

        def reads(value: bytes, broker_id: int) -> bool:
            read.extend(message.value() for message in consumer.consume(num_messages=10, timeout=0.1))
            return value in read and served_by[-1:] == [broker_id]

        wait_until(lambda: reads(b"first", 3), "broker 3 to serve its rack", pause_s=0)
        cluster.kill(3)
        wait_for_isr(cluster, 1, 2)
        with SteadyConfluentKafka(cluster.bootstrap_servers, "plays") as producer:
            producer.send(["second"])
        wait_until(lambda: reads(b"second", 1), "the leader to serve instead", pause_s=0)
        assert read == [b"first", b"second"]
        consumer.close()
