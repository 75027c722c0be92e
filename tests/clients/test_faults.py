"""Faults as an unmodified client sees them, on every backend that can make them. Real processes and sockets throughout.

Nothing here asks how long something takes: each test waits for what must come about.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka.errors import KafkaError

import kit
from kit.hooks import Request
from kit.topics import Partition
from tests.support.processes import assert_gone, is_free, traces_of
from tests.support.wait import wait_until

pytestmark = [
    pytest.mark.clients,
    pytest.mark.portable,
    # kafka-python forgets sockets of connections that never came about.
    pytest.mark.filterwarnings(r"ignore:Exception ignored in. <socket\.socket:pytest.PytestUnraisableExceptionWarning"),
]

Start = Callable[..., kit.Cluster]


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """Let what a client left behind be found here, where it is forgiven."""
    yield
    gc.collect()


@pytest.fixture(params=["embedded", "processes"])
def start(request: pytest.FixtureRequest) -> Iterator[Start]:
    """Start clusters of one backend; they end with the test."""
    with contextlib.ExitStack() as stack:
        yield lambda **options: stack.enter_context(kit.start(request.param, **options))


@pytest.fixture
def cluster(start: Start) -> kit.Cluster:
    """Three brokers with a topic of one partition, replicas 1, 2 and 3 in this order."""
    started = start(brokers=3)
    make_topic(started, "plays")
    return started


def make_topic(cluster: kit.Cluster, topic: str, *replicas: int, **config: str) -> None:
    """Make a topic of one partition on these brokers, the leader first."""
    admin = KafkaAdminClient(bootstrap_servers=cluster.bootstrap_servers)
    wanted = {"assignments": {0: list(replicas or (1, 2, 3))}, "configs": config}
    admin.create_topics({topic: wanted}, wait_for_metadata=True)
    admin.close()
    wait_until(lambda: topic in cluster.topics(), "the topic to be known")


def partition(cluster: kit.Cluster, topic: str = "plays") -> Partition:
    """The partition of a topic that has one."""
    return cluster.topics()[topic].partitions[0]


def is_led_by(cluster: kit.Cluster, *leaders: int) -> bool:
    """Whether one of these leads the topic, and all three replicas are in sync."""
    now = partition(cluster)
    return now.leader in leaders and set(now.isr) == {1, 2, 3}


@contextlib.contextmanager
def producer(cluster: kit.Cluster, **options: Any) -> Iterator[KafkaProducer]:
    """A producer that is not waited for when something is still under way."""
    made = KafkaProducer(
        **{"bootstrap_servers": cluster.bootstrap_servers, "acks": "all", "reconnect_backoff_max_ms": 200, **options}
    )
    try:
        yield made
    finally:
        with contextlib.suppress(KafkaError):
            made.close(timeout=1)


def values(cluster: kit.Cluster, topic: str = "plays") -> list[bytes]:
    """Every record of a topic's only partition, up to the high watermark of now."""
    end = partition(cluster, topic).high_watermark or 0
    consumer = KafkaConsumer(topic, bootstrap_servers=cluster.bootstrap_servers, auto_offset_reset="earliest")
    found = [record.value for _, record in zip(range(end), consumer, strict=False)]
    consumer.close()
    return found


def kinds(cluster: kit.Cluster) -> list[str]:
    """What happened, by its kind."""
    return [event.kind for event in cluster.timeline()]


def test_producer_goes_on_at_the_new_leader_after_a_kill(cluster: kit.Cluster) -> None:
    """Nothing acknowledged is lost, and the old leader comes back as a follower in sync."""
    ports = {broker.node_id: broker.port for broker in cluster.brokers}
    with producer(cluster) as sender:
        sender.send("plays", b"before").get(30)
        cluster.kill(1)
        assert [broker.is_alive for broker in cluster.brokers] == [False, True, True]
        assert is_free(ports[1])
        sender.send("plays", b"after").get(60)
    assert partition(cluster).leader in {2, 3}
    assert "down" in cluster._repr_html_()

    cluster.restart(1)
    wait_until(lambda: set(partition(cluster).isr) == {1, 2, 3}, "broker 1 to be in sync")
    assert {broker.node_id: broker.port for broker in cluster.brokers} == ports
    assert [broker.is_alive for broker in cluster.brokers] == [True, True, True]
    assert values(cluster) == [b"before", b"after"]
    happened = kinds(cluster)
    assert happened.index("kill") < happened.index("leader_elected") < happened.index("restart")
    assert "Node 1 was killed." in [event.text for event in cluster.timeline()]


def test_stopped_broker_hands_over_first(cluster: kit.Cluster) -> None:
    """The leader is another one before the broker is gone."""
    with producer(cluster) as sender:
        sender.send("plays", b"before").get(30)
        cluster.stop(1)
        assert not cluster.brokers[0].is_alive
        assert partition(cluster).leader in {2, 3}
        sender.send("plays", b"after").get(60)

    happened = kinds(cluster)
    assert happened.index("stop") < happened.index("leader_elected") < happened.index("stopped")
    cluster.restart(1)
    assert values(cluster) == [b"before", b"after"]


def test_paused_broker_loses_its_leadership_and_keeps_its_connections(cluster: kit.Cluster) -> None:
    """It looks alive to TCP and dead to the controller; when it goes on, it follows."""
    cluster.pause(1)
    assert [broker.is_paused for broker in cluster.brokers] == [True, False, False]
    assert all(broker.is_alive for broker in cluster.brokers)
    assert "paused" in cluster._repr_html_()
    others = ",".join(broker.address for broker in cluster.brokers[1:])
    with producer(cluster, bootstrap_servers=others) as sender:
        wait_until(lambda: "broker_fenced" in kinds(cluster), "broker 1 to be fenced")
        sender.send("plays", b"meanwhile").get(60)
    assert not is_free(cluster.brokers[0].port)

    cluster.resume(1)
    wait_until(lambda: is_led_by(cluster, 2, 3), "broker 1 to follow its successor")
    assert values(cluster) == [b"meanwhile"]


def test_isolated_leader_still_answers_clients(cluster: kit.Cluster) -> None:
    """It is replaced by the others; who only knows it is told what it believes; heal brings them together."""
    cluster.isolate(1)
    alone = cluster.brokers[0].address
    with producer(cluster, bootstrap_servers=alone, acks=1, api_version=(2, 8)) as sender:
        assert sender.partitions_for("plays") == {0}
    wait_until(lambda: "leader_elected" in kinds(cluster), "a leader among the others")

    cluster.heal()
    wait_until(lambda: is_led_by(cluster, 2, 3), "broker 1 to follow its successor")


def test_cut_off_minority_acknowledges_nothing_that_all_should_have(cluster: kit.Cluster) -> None:
    """acks=all needs the in-sync replicas, and only a majority could make those fewer."""
    lonely = cluster.brokers[0].address
    with producer(cluster, bootstrap_servers=lonely, request_timeout_ms=2_000, retries=0) as sender:
        sender.send("plays", b"before").get(30)
        cluster.cut({1}, {2, 3})
        with pytest.raises(KafkaError):
            sender.send("plays", b"lost").get(20)
    others = ",".join(broker.address for broker in cluster.brokers[1:])
    wait_until(lambda: "leader_elected" in kinds(cluster), "a leader among the majority")
    with producer(cluster, bootstrap_servers=others) as sender:
        sender.send("plays", b"kept").get(60)

    cluster.heal()
    wait_until(lambda: is_led_by(cluster, 2, 3), "broker 1 to follow its successor")
    assert values(cluster) == [b"before", b"kept"]


def test_slow_and_lossy_links_are_felt_by_clients_until_heal(start: Start) -> None:
    """Slow ones answer late and cost nobody anything else, lossy ones do not answer at all."""
    # As patient as Apache's: a process that gets no processor for a second is not what this is about.
    cluster = start(brokers=3, config={"broker.session.timeout.ms": 9_000})
    make_topic(cluster, "plays")
    before = len(cluster.timeline())
    cluster.slow(1, 200, jitter_ms=50)
    with producer(cluster) as sender:
        sender.send("plays", b"slowly").get(60)
    cluster.heal()
    assert kinds(cluster)[before:] == ["slow", "heal"]

    with producer(cluster, request_timeout_ms=1_000, delivery_timeout_ms=3_000, linger_ms=0) as sender:
        sender.partitions_for("plays")
        cluster.drop(1, "requests", api="Produce")
        with pytest.raises(KafkaError):
            sender.send("plays", b"never").get(20)
        cluster.heal()
    with producer(cluster) as sender:
        sender.send("plays", b"again").get(60)
    assert values(cluster) == [b"slowly", b"again"]


def test_cluster_without_a_majority_keeps_its_leaders_and_decides_nothing(start: Start) -> None:
    """Controllers of their own: with two of three gone there is no active one, until one comes back."""
    cluster = start(brokers=3, controllers=3)
    make_topic(cluster, "plays")
    active = cluster.controller
    assert active in {101, 102, 103}
    gone = [active, 101 if active != 101 else 102]
    with producer(cluster) as sender:
        sender.send("plays", b"before").get(60)  # for which the producer gets its id from the controller
        for node_id in gone:
            cluster.kill(node_id)
        wait_until(lambda: cluster.controller is None, "the last controller to give up")
        sender.send("plays", b"still served").get(60)

    cluster.restart(gone[0])
    assert wait_until(lambda: cluster.controller, "an active controller") is not None
    make_topic(cluster, "decided")
    assert values(cluster) == [b"before", b"still served"]


@pytest.mark.parametrize("backend", ["embedded", "processes"])
def test_restart_returns_where_nobody_can_let_the_broker_in(backend: str) -> None:
    """Isolated, or the first one of a cluster that was all dead; it gets in when the others are within reach."""
    with kit.start(backend, brokers=3) as cluster:
        cluster.kill(1)
        cluster.isolate(1)
        cluster.restart(1)
        cluster.heal()
        wait_until(lambda: kinds(cluster).count("broker_unfenced") > 3, "broker 1 to get in")
        for broker_id in (1, 2, 3):
            cluster.kill(broker_id)
        for broker_id in (1, 2, 3):
            cluster.restart(broker_id)
        assert wait_until(lambda: cluster.controller, "an active controller") is not None


@pytest.fixture(scope="module", params=["embedded", "processes"])
def standing(request: pytest.FixtureRequest) -> Iterator[kit.Cluster]:
    """Three brokers, of which 3 is dead and 2 paused."""
    with kit.start(request.param, brokers=3) as cluster:
        cluster.kill(3)
        cluster.pause(2)
        yield cluster


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        (lambda cluster: cluster.kill(7), "There is no node 7: this cluster has the nodes 1, 2 and 3"),
        (lambda cluster: cluster.kill("1"), "There is no node '1'"),
        (lambda cluster: cluster.kill(None), "There is no node None"),
        (lambda cluster: cluster.kill(3), r"restart\(3\)"),
        (lambda cluster: cluster.stop(3), r"restart\(3\)"),
        (lambda cluster: cluster.stop(2), "paused"),
        (lambda cluster: cluster.stop(0), "There is no node 0"),
        (lambda cluster: cluster.restart(1), "running"),
        (lambda cluster: cluster.restart(2), "running"),
        (lambda cluster: cluster.restart(4), "There is no node 4"),
        (lambda cluster: cluster.pause(2), "paused already"),
        (lambda cluster: cluster.pause(3), r"restart\(3\)"),
        (lambda cluster: cluster.resume(1), "not paused"),
        (lambda cluster: cluster.resume(3), "Node 3"),
        (lambda cluster: cluster.isolate(9), "There is no node 9"),
        (lambda cluster: cluster.cut({1, 2}, {2, 3}), "Node 2 is in two groups"),
        (lambda cluster: cluster.cut({1, 2, 3}), "two groups of nodes or more"),
        (lambda cluster: cluster.cut({1}, set()), "group of the cut is empty"),
        (lambda cluster: cluster.cut({1}, {1, 2}, clients={"me": 0}), "Node 1 is in two groups"),
        (lambda cluster: cluster.cut({1}, {2}, clients={"me": 2}), "'me' cannot be in group 2"),
        (lambda cluster: cluster.cut({1}, {8}), "There is no node 8"),
        (lambda cluster: cluster.slow(1, -5), "delay_ms=-5"),
        (lambda cluster: cluster.slow(1, "fast"), "delay_ms='fast'"),
        (lambda cluster: cluster.drop(1, "answers"), "choose 'requests' or 'replies'"),
        (lambda cluster: cluster.drop(1, share=2), "share=2"),
        (lambda cluster: cluster.heal(), "nothing to heal"),
        (lambda cluster: cluster.kill({1}), "neither a number nor text|There is no node"),
    ],
)
def test_fault_that_cannot_be_changes_nothing(
    standing: kit.Cluster, fault: Callable[[kit.Cluster], None], sentence: str
) -> None:
    """One clear error; the nodes and the timeline of faults stay as they were."""

    def state() -> list[Any]:
        faults = [event for event in standing.timeline() if event.kind in {"kill", "pause", "stop", "restart", "cut"}]
        return [standing.brokers, faults]

    before = state()
    with pytest.raises(kit.FaultError, match=sentence) as refusal:
        fault(standing)

    assert "Traceback" not in str(refusal.value)
    assert state() == before


def test_hook_decides_about_produce_requests() -> None:
    """The client tries again after an error that says so, and gives up where nobody answers."""
    with kit.start(brokers=3) as cluster:
        make_topic(cluster, "plays")
        seen: list[Request] = []

        def once_not_leader(request: Request) -> str | None:
            seen.append(request)
            return "NOT_LEADER_OR_FOLLOWER" if len(seen) == 1 else None

        with cluster.on_request("Produce", once_not_leader), producer(cluster, client_id="me") as sender:
            sender.send("plays", b"second try").get(60)
        assert [(each.api, each.broker_id, each.client_id, each.partitions) for each in seen[:2]] == [
            ("Produce", 1, "me", (("plays", 0),)),
        ] * 2

        with (
            cluster.on_request("Produce", lambda request: "drop"),  # noqa: ARG005 - whatever it is
            producer(cluster, request_timeout_ms=1_000, delivery_timeout_ms=2_000, linger_ms=0) as sender,
            pytest.raises(KafkaError),
        ):
            sender.send("plays", b"never").get(20)
        assert values(cluster) == [b"second try"]


def test_hook_may_kill_the_broker_whose_request_it_sees() -> None:
    """The classic: the leader dies with the record in its hands."""
    with kit.start(brokers=3) as cluster:
        make_topic(cluster, "plays")

        def kill_leader(request: Request) -> str | None:
            if request.broker_id == 1:
                cluster.kill(1)
                return "drop"
            return None

        with cluster.on_request("Produce", kill_leader) as hook, producer(cluster) as sender:
            sender.send("plays", b"saved").get(60)
        assert hook.error is None
        assert values(cluster) == [b"saved"]


def test_client_can_be_put_on_a_side_of_a_cut() -> None:
    """It loses the brokers of the other side, and others do not."""
    with kit.start(brokers=3) as cluster:
        make_topic(cluster, "plays")
        cluster.cut({1}, {2, 3}, clients={"left": 0, "right": 1})
        wait_until(lambda: "leader_elected" in kinds(cluster), "a leader on the right")
        others = ",".join(broker.address for broker in cluster.brokers[1:])
        with producer(cluster, bootstrap_servers=others, client_id="right") as sender:
            sender.send("plays", b"right").get(60)
        with pytest.raises(KafkaError):
            KafkaProducer(bootstrap_servers=others, client_id="left", bootstrap_timeout_ms=1_000)


def test_what_a_backend_cannot_do_names_one_that_can() -> None:
    """A process per broker has no hooks, and knows clients only by their connections."""
    with kit.start("processes", brokers=2) as cluster:
        with pytest.raises(kit.NotSupportedError, match=r'kit\.start\("embedded"\)'):
            cluster.on_request("Produce", lambda request: None)  # noqa: ARG005 - never asked
        with pytest.raises(kit.NotSupportedError, match=r'kit\.start\("embedded"\)'):
            cluster.cut({1}, {2}, clients={"me": 0})


def test_cluster_with_dead_and_paused_brokers_closes_cleanly(start: Start) -> None:
    """close() leaves nothing behind, whatever state the nodes are in."""
    cluster = start(brokers=3)
    left = traces_of([broker.port for broker in cluster.brokers], cluster.data_dir)
    cluster.kill(3)
    cluster.pause(2)
    cluster.close()

    assert_gone(left)
    assert [broker.is_alive for broker in cluster.brokers] == [False, False, False]
    with pytest.raises(kit.ClusterClosedError):
        cluster.heal()


def test_timeline_is_not_drowned_by_the_coordinators_topic(cluster: kit.Cluster) -> None:
    """Once a group is used, a kill moves the leaders of __consumer_offsets too; they are told when asked for."""
    consumer = KafkaConsumer(
        "plays", bootstrap_servers=cluster.bootstrap_servers, group_id="listeners", auto_offset_reset="earliest"
    )
    wait_until(lambda: consumer.poll(timeout_ms=100) is not None and bool(consumer.assignment()), "an assignment")
    consumer.close()
    wait_until(lambda: is_led_by(cluster, 1, 2, 3), "all replicas in sync")
    cluster.kill(1)
    wait_until(
        lambda: any(
            (event.kind, event.topic) == ("leader_elected", "__consumer_offsets")
            for event in cluster.timeline(internal=True)
        ),
        "another broker to lead partitions of __consumer_offsets",
    )

    assert {event.topic for event in cluster.timeline()} == {None, "plays"}
