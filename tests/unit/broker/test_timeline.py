"""The timeline of a whole cluster: each decision of the controllers once, in sentences that are true."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from kit.broker.clock import VirtualClock
from kit.broker.controller.narration import notes_on
from kit.broker.metadata import MetadataImage
from kit.broker.timeline import SentTimeline, Timeline, ToldDecisions
from tests.support.memory_cluster import MemoryCluster

MakeCluster = Callable[..., MemoryCluster]
SETTLE_MS = 3_000  # more than every lab timer


def decided(cluster: MemoryCluster) -> list[str]:
    """What the records of the metadata log mean, from the first one on."""
    image, told = MetadataImage(), Timeline(cluster.clock)
    told.tell([(0, [])])
    for records, end_offset in cluster.controller.raft.read_decisions():
        told.tell([(end_offset, notes_on(image, records))])
        for record in records:
            image.apply(record)
    return [event.text for event in told]


def check_timeline(cluster: MemoryCluster) -> None:
    """Make sure that each decision is in the timeline, in order and once."""
    expected = decided(cluster)
    found = [event.text for event in cluster.cluster.timeline]
    kinds = {"broker_registered", "broker_unfenced", "broker_fenced", "controlled_shutdown", "leader_elected"}
    kinds |= {"leader_lost", "isr_changed", "elr_changed", "reassignment"}
    assert [event.text for event in cluster.cluster.timeline if event.kind in kinds] == expected, found


@pytest.fixture
def cluster(make_cluster: MakeCluster) -> MemoryCluster:
    """Three brokers, "listens" of three partitions with a copy on each."""
    made = make_cluster(brokers=3, default_replication_factor=3, offsets_topic_num_partitions=1)
    made.create_topic("listens", 3)
    return made


def test_decision_of_a_controller_that_loses_its_majority_is_told(cluster: MemoryCluster) -> None:
    """It has been appended and not committed, and is committed only in the next controller's epoch."""
    active = cluster.cluster.active_controller
    assert active is not None
    others = {1, 2, 3} - {active}
    for node_id in others:
        cluster.cluster.kill(node_id)
    cluster.clock.advance(SETTLE_MS)
    assert cluster.cluster.active_controller is None
    for node_id in others:
        cluster.cluster.restart(node_id)
    cluster.clock.advance(SETTLE_MS)

    check_timeline(cluster)
    fenced = Counter(event.node_id for event in cluster.cluster.timeline if event.kind == "broker_fenced")
    assert fenced == dict.fromkeys(others, 1)


@pytest.mark.parametrize("pause_ms", [1, 240, 262, 300, 900])
def test_each_kill_has_its_fencing(cluster: MemoryCluster, pause_ms: int) -> None:
    """However soon the broker is started again, and whoever is the controller."""
    for number in range(15):
        cluster.cluster.kill(1 + number % 3)
        cluster.clock.advance(pause_ms)
        cluster.cluster.restart(1 + number % 3)
        cluster.clock.advance(SETTLE_MS)

    check_timeline(cluster)
    fenced = Counter(event.node_id for event in cluster.cluster.timeline if event.kind == "broker_fenced")
    assert fenced == {1: 5, 2: 5, 3: 5}


@pytest.mark.parametrize("seed", range(5))
def test_timeline_is_complete_whatever_happens(cluster: MemoryCluster, seed: int) -> None:
    """Any number of nodes dies at any moment, also just after a decision was written."""
    chance = random.Random(seed)
    for _ in range(40):
        node_id = chance.choice([1, 2, 3])
        if node_id in cluster.cluster.nodes:
            cluster.cluster.kill(node_id)
        else:
            cluster.cluster.restart(node_id)
        cluster.clock.advance(chance.choice([1, 20, 200, 400, 1_000]))
    for node_id in {1, 2, 3} - set(cluster.cluster.nodes):
        cluster.cluster.restart(node_id)
    cluster.clock.advance(SETTLE_MS)

    check_timeline(cluster)


def test_what_an_earlier_run_decided_is_not_told(cluster: MemoryCluster) -> None:
    """A timeline begins with its cluster, not with the cluster's folder."""
    cluster.restart()
    cluster.clock.advance(SETTLE_MS)

    kinds = [event.kind for event in cluster.cluster.timeline]
    assert kinds.count("broker_registered") == 3
    assert [event.text for event in cluster.cluster.timeline if event.kind == "broker_registered"] == [
        text for text in decided(cluster) if "registered with epoch" in text
    ][-3:]


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (lambda cluster: cluster.drop(1), "100% of the requests to node 1 get lost."),
        (lambda cluster: cluster.drop(1, "replies", 0.005, 0), "0.5% of the Produce replies from node 1 get lost."),
        (lambda cluster: cluster.drop(1, share=0), "No requests to node 1 get lost any more."),
        (lambda cluster: cluster.slow(2, 200), "Node 2's links are slower by 200 ms."),
        (lambda cluster: cluster.slow(2, 200, 50), "Node 2's links are slower by 200 to 250 ms."),
        (lambda cluster: cluster.slow(2, 0), "Node 2's links are as fast as usual again."),
    ],
)
def test_faults_of_links_are_told_in_full(cluster: MemoryCluster, fault: Callable[[Any], None], text: str) -> None:
    """In the words in which `Links.describe` has them while they last."""
    fault(cluster.cluster)
    assert list(cluster.cluster.timeline)[-1].text == text
    assert cluster.cluster.links.describe() in ([], [text])


def test_decisions_of_several_tellers_are_kept_once() -> None:
    """Each node that becomes the active controller tells what it does not know to be told."""
    told = ToldDecisions()
    assert told.news([(3, ["before the cluster"])]) == []
    assert told.news([(4, ["a"]), (6, ["b", "c"])]) == ["a", "b", "c"]
    assert told.news([(4, ["a"]), (6, ["b", "c"]), (9, [])]) == []
    assert told.news([(7, ["d"]), (10, ["e"])]) == ["e"]


def test_node_of_its_own_process_sends_what_it_has_to_tell() -> None:
    """Events as they happen, decisions with where they end in the metadata log."""
    sent: list[Any] = []
    timeline = SentTimeline(VirtualClock(), sent.append)
    timeline.add("heal")
    timeline.tell([(7, [])])

    now_ms = VirtualClock().time_ms()
    assert sent == [{"event": [now_ms, "heal", None, None, None, {}]}, {"decisions": [[7, []]]}]
    assert list(timeline) == []
