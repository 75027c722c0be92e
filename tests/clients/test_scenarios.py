"""The lecture's figures replayed for real: unmodified clients, real faults, on every backend."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator

import pytest

import kit
from kit.scenarios import Scenario, ScenarioResult
from kit.scenarios.scenario import AnyScenario
from kit.scenarios.stage import Stage

pytestmark = [
    pytest.mark.clients,
    # kafka-python forgets sockets of connections that never came about.
    pytest.mark.filterwarnings(r"ignore:Exception ignored in. <socket\.socket:pytest.PytestUnraisableExceptionWarning"),
]

RACK_AWARE = {"replica.selector.class": "org.apache.kafka.common.replica.RackAwareReplicaSelector"}
LOST_ON_PURPOSE = {"cut_acks_1": 3, "unclean_election": 2}


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """Let what a client left behind be found here, where it is forgiven."""
    yield
    gc.collect()


@pytest.fixture(scope="module")
def embedded() -> Iterator[kit.Cluster]:
    """Four brokers in one event loop; the tests of this module share them, as scenarios mend what they break."""
    with kit.start(brokers=4, config=RACK_AWARE) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def processes() -> Iterator[kit.Cluster]:
    """Three brokers, a process each."""
    with kit.start("processes", brokers=3, config=RACK_AWARE) as cluster:
        yield cluster


def assert_as_predicted(result: ScenarioResult, cluster: kit.Cluster) -> None:
    """Every step came out, the losses are those on purpose, and the cluster is whole."""
    assert result.ok, str(result)
    assert len(result.report.by_name("lost-write")) == LOST_ON_PURPOSE.get(result.name, 0)
    assert json.loads(json.dumps(result.as_json()))["ok"]
    assert result.start_ms <= result.timeline[-1].time_ms if result.timeline else True
    assert all(broker.is_alive and not broker.is_paused for broker in cluster.brokers)
    with pytest.raises(kit.FaultError, match="nothing to heal"):
        cluster.heal()


@pytest.mark.parametrize("scenario", kit.scenarios.ALL, ids=lambda scenario: scenario.name)
def test_scenario_comes_out_as_predicted(embedded: kit.Cluster, scenario: AnyScenario) -> None:
    """Kafka's promises hold, and what is lost on purpose is found, in one event loop."""
    assert_as_predicted(scenario(embedded), embedded)


@pytest.mark.slow
@pytest.mark.parametrize(
    "scenario", [each for each in kit.scenarios.ALL if each.brokers == 3], ids=lambda scenario: scenario.name
)
def test_scenario_comes_out_the_same_in_processes(processes: kit.Cluster, scenario: AnyScenario) -> None:
    """The same with SIGKILL and TCP; clients keep to their side of a cut by what they know."""
    assert_as_predicted(scenario(processes), processes)


def test_cut_result_carries_the_evidence(embedded: kit.Cluster) -> None:
    """Offsets, the error's name, in-sync replicas, leader epoch and truncation are data, on a topic of this run."""
    first, second = (kit.scenarios.cut_acks_1(embedded) for _ in range(2))

    assert set(first.topics).isdisjoint(second.topics)
    [topic] = second.topics.values()
    assert topic.partitions[0].leader == 1
    by_name = {name: fact for step in second.steps for name, fact in step.evidence.items()}
    assert by_name["leader_epoch"] > topic.partitions[0].leader_epoch
    assert by_name["leader"] in {2, 3}
    assert by_name["isr"] == [2, 3]
    assert by_name["truncated"] == [{"offset": 2, "end_offset": 5}]
    assert by_name["log"] == [
        *("old-side producer #1", "old-side producer #2"),
        *("new-side producer #1", "new-side producer #2"),
    ]
    assert by_name["counts"] == {"lost-write": 3, "inconsistent-offsets": 2}
    kinds = [event.kind for event in second.timeline if event.topic in {None, topic.name}]
    assert [kind for kind in kinds if kind in {"cut", "leader_elected", "heal", "truncated"}] == [
        "cut",
        "leader_elected",
        "heal",
        "truncated",
    ]


@pytest.mark.slow
def test_too_few_replicas_are_shown_both_ways_with_a_controller_apart() -> None:
    """Started without a cluster it brings a controller of its own, which outlives two of three brokers."""
    result = kit.scenarios.not_enough_replicas()

    assert result.ok, str(result)
    assert result.controller not in result.brokers
    assert [step.evidence["isr"] for step in result.steps if "isr" in step.evidence] == [[1, 2], [1]]
    assert [event.details["error"] for event in result.timeline if event.kind == "write_refused"] == [
        "NOT_ENOUGH_REPLICAS"
    ] * 2


@pytest.mark.slow
def test_cut_separates_from_controllers_apart_too() -> None:
    """Broker 1 reaches neither the others nor the controller, so the others go on without it."""
    with kit.start(brokers=3, controllers=1) as cluster:
        assert_as_predicted(kit.scenarios.cut_acks_all(cluster), cluster)


def test_scenario_mends_a_cluster_before_it_begins(embedded: kit.Cluster) -> None:
    """A broker that is dead, one that is paused and a slow link are none of its business, but in its way."""
    embedded.kill(3)
    embedded.pause(4)
    embedded.slow(2, 50)

    assert_as_predicted(kit.scenarios.follower_reads(embedded), embedded)


def test_cluster_is_whole_after_an_error_too(embedded: kit.Cluster) -> None:
    """Whatever goes wrong in the middle: brokers run, links are whole, and the error is the one that happened."""

    def break_off(stage: Stage) -> None:
        stage.writer("producer")
        stage.cluster.kill(1)
        stage.cluster.cut({2}, {3, 4})
        raise ZeroDivisionError

    scenario = Scenario("broken", "Broken", "?", "!", break_off, lambda *_: [])
    with pytest.raises(ZeroDivisionError):
        scenario(embedded)

    assert all(broker.is_alive for broker in embedded.brokers)
    with pytest.raises(kit.FaultError, match="nothing to heal"):
        embedded.heal()


def test_scenario_says_what_its_cluster_lacks() -> None:
    """Too few brokers, or leaders that send nobody to a follower: one sentence, and how to start a fitting one."""
    with kit.start(brokers=3) as cluster:
        with pytest.raises(kit.ScenarioError, match=r"four_brokers needs 4 brokers .* kit\.start\(brokers=4\)"):
            kit.scenarios.four_brokers(cluster)
        with pytest.raises(kit.ScenarioError, match=r"kit\.start\(config=.*replica\.selector\.class"):
            kit.scenarios.follower_reads(cluster)
