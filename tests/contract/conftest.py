"""One set of behaviours, each run on the embedded broker and on Apache Kafka in containers.

A test that asks for ``cluster`` (or for what is made of it) runs on every cluster of `CLUSTERS`; one that is marked
``brokers(3)`` on those with three brokers, one that is marked ``clusters("docker-1")`` on that one. All tests
share them: each uses names of its own, and who harms a cluster leaves it whole (`make_whole`).
"""

from __future__ import annotations

import contextlib
import gc
import itertools
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest

import kit
from tests.contract.differences import check_differs
from tests.contract.group_talk import Groups
from tests.contract.talk import Talk
from tests.support.requirements import need
from tests.support.wait import wait_until

FOLDER = Path(__file__).parent
CLUSTERS = ("embedded-1", "embedded-3", "docker-1", "docker-3")
"""Backend and number of brokers."""

# What makes tests short, and the same behaviour: no waiting for more members, old segments and lost members are soon
# noticed, followers take up new partitions at once, internal topics have few partitions. Leaders change when a test
# wants it, not some minutes after the last failover.
CONFIG = {
    "auto.leader.rebalance.enable": "false",
    "group.initial.rebalance.delay.ms": 0,
    "group.max.size": 3,
    "group.min.session.timeout.ms": 500,
    "log.retention.check.interval.ms": 500,
    "offsets.topic.num.partitions": 3,
    "replica.fetch.wait.max.ms": 50,
    "transaction.state.log.num.partitions": 3,
    "replica.selector.class": "org.apache.kafka.common.replica.RackAwareReplicaSelector",
}

T = TypeVar("T")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test on every cluster that is large enough."""
    if "cluster" in metafunc.fixturenames:
        metafunc.parametrize("cluster", clusters_of(metafunc.definition), indirect=True, scope="package")


def clusters_of(test: pytest.Item) -> list[str]:
    """The clusters that a test runs on."""
    brokers, clusters = test.get_closest_marker("brokers"), test.get_closest_marker("clusters")
    named = CLUSTERS if clusters is None else clusters.args
    return [name for name in named if brokers is None or name.endswith(f"-{brokers.args[0]}")]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is in this folder, so that ``-m contract`` finds it, and what of it needs containers."""
    for item in items:
        if FOLDER in item.path.parents:
            item.add_marker(pytest.mark.contract)
            if "cluster" in getattr(item, "fixturenames", ()) and "docker" in item.callspec.params["cluster"]:  # type: ignore[attr-defined]
                item.add_marker(pytest.mark.containers)


@pytest.fixture(scope="package")
def cluster(request: pytest.FixtureRequest) -> Iterator[kit.Cluster]:
    """A cluster for all tests; only one stands at a time."""
    backend, num_brokers = request.param.split("-")
    if backend == "docker":
        need("docker")
    with kit.start(backend, brokers=int(num_brokers), config=CONFIG) as started:
        talk = Talk(started)
        groups = Groups(talk)
        for number in range(20):  # the first group of a cluster makes the offsets topic, which takes Apache seconds
            groups.coordinator(f"first-{number}")
        talk.wait_usable("__consumer_offsets")
        talk.close()
        yield started


@pytest.fixture(scope="package")
def backend(cluster: kit.Cluster, request: pytest.FixtureRequest) -> str:
    """The backend's name: "embedded" or "docker"."""
    return "embedded" if cluster.data_dir is not None else "docker"


@pytest.fixture(scope="package")
def differs(backend: str) -> Callable[..., Any]:
    """What is expected where the embedded broker differs on purpose: ``differs("Name", apache=..., embedded=...)``.

    The name is that of a line in docs/reference/differences.md.
    """

    def expected(name: str, *, apache: T, embedded: T) -> T:
        check_differs(name, apache, embedded)
        return embedded if backend == "embedded" else apache

    return expected


@pytest.fixture(scope="package")
def unique() -> Callable[[str], str]:
    """Names that no other test uses."""
    run, numbers = uuid.uuid4().hex[:6], itertools.count()
    return lambda prefix: f"{prefix}-{run}-{next(numbers)}"


@pytest.fixture(scope="package")
def talk(cluster: kit.Cluster) -> Iterator[Talk]:
    """Requests about topics and records."""
    made = Talk(cluster)
    yield made
    made.close()


@pytest.fixture
def groups(talk: Talk) -> Iterator[Groups]:
    """Requests about groups."""
    made = Groups(talk)
    yield made
    made.close()


@pytest.fixture(scope="package")
def new_topic(talk: Talk, unique: Callable[[str], str]) -> Callable[..., str]:
    """Make a topic that every broker knows and serves."""

    def make(
        *,
        partitions: int = 1,
        replicas: Sequence[Sequence[int]] | None = None,
        config: Mapping[str, str | None] | None = None,
    ) -> str:
        topic = unique("topic")
        made = talk.create(topic, partitions=partitions, replicas=replicas, config=config)
        assert made.error_code == 0, made
        talk.wait_usable(topic)
        return topic

    return make


@pytest.fixture
def topic(new_topic: Callable[..., str]) -> str:
    """A topic of one partition, as many copies as the cluster keeps by default."""
    return new_topic()


@pytest.fixture
def group_id(unique: Callable[[str], str]) -> str:
    """The id of a group that nobody else uses."""
    return unique("group")


@pytest.fixture
def forgotten_sockets() -> Iterator[None]:
    """Let the sockets that kafka-python forgets be found in the test that had them, where they are forgiven."""
    yield
    gc.collect()


def not_the_controller(cluster: kit.Cluster, count: int) -> list[int]:
    """Some brokers, those first that are not the active controller: whoever harms these, the decisions go on."""
    controller = wait_until(lambda: cluster.controller, "an active controller")
    return sorted((broker.node_id for broker in cluster.brokers), key=lambda node_id: node_id == controller)[:count]


def make_whole(cluster: kit.Cluster, talk: Talk, *topics: str) -> None:
    """Undo every fault, and wait until every broker knows that all replicas are in sync, and one leader of each.

    Args:
        topics: beside the offsets topic.
    """
    with contextlib.suppress(kit.FaultError):  # nothing was cut
        cluster.heal()
    for broker in cluster.brokers:
        if broker.is_paused:
            cluster.resume(broker.node_id)
        elif not broker.is_alive:
            cluster.restart(broker.node_id)

    def whole() -> bool:
        leaders = set()
        for node_id, name in itertools.product(talk.node_ids, (*topics, "__consumer_offsets")):
            for partition in talk.topic(name, node_id).partitions:
                if set(partition.isr_nodes) != set(partition.replica_nodes):
                    return False
                if partition.leader_id not in partition.replica_nodes:
                    return False
                leaders.add((name, partition.partition_index, partition.leader_id, partition.leader_epoch))
        return len(leaders) == len({leader[:2] for leader in leaders})

    wait_until(whole, "all replicas to be in sync again", timeout_s=60)
