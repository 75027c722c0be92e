"""What a whole cluster does when its nodes fail: brokers, controllers, coordinators, under simulated time."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kit.broker.broker import DISCONNECT
from kit.broker.faults import FaultError
from kit.broker.process.commands import cluster_commands
from kit.broker.process.control import ControlChannel
from kit.wire import codec
from kit.wire import messages as m
from kit.wire.errors import ErrorCode
from tests.support.memory_cluster import CREATE_TOPICS, PRODUCE, MemoryCluster, batch_of, joined

MakeCluster = Callable[..., MemoryCluster]
OFFSET_COMMIT, OFFSET_FETCH, FIND_COORDINATOR = 8, 9, 10
SETTLE_MS = 3_000  # more than every lab timer


def create(cluster: MemoryCluster, name: str, *, node_id: int, timeout_ms: int = 1_000) -> ErrorCode:
    """Make a topic of one partition with three replicas, by one broker."""
    topic = m.CreatableTopic(name=name, num_partitions=1, replication_factor=3)
    request = m.CreateTopicsRequest(topics=[topic], timeout_ms=timeout_ms)
    response = cluster.wait_for(cluster.ask(node_id, CREATE_TOPICS, 7, request))
    return ErrorCode(response.topics[0].error_code)


def produce(cluster: MemoryCluster, value: bytes, *, node_id: int, acks: int = -1) -> ErrorCode:
    """Send one record of listens-0 to a broker; the error code of its answer."""
    entry = m.PartitionProduceData(index=0, records=batch_of(value))
    data = [m.TopicProduceData(name="listens", partition_data=[entry])]
    request = m.ProduceRequest(acks=acks, timeout_ms=1_000, topic_data=data)
    response = cluster.wait_for(cluster.ask(node_id, PRODUCE, 12, request))
    return ErrorCode(response.responses[0].partition_responses[0].error_code)


def leader_of(cluster: MemoryCluster, node_id: int) -> int:
    """Who leads listens-0, in the eyes of one broker."""
    state = cluster.broker(node_id).image.partition("listens", 0)
    assert state is not None
    return state.leader


def kinds(cluster: MemoryCluster) -> list[str]:
    """What happened, in order."""
    return [event.kind for event in cluster.cluster.timeline]


@pytest.fixture
def cluster(make_cluster: MakeCluster) -> MemoryCluster:
    """Three brokers, listens-0 on all of them."""
    made = make_cluster(brokers=3, offsets_topic_num_partitions=1)
    assert create(made, "listens", node_id=1) is ErrorCode.NONE
    return made


def other_than(*node_ids: int) -> int:
    """A broker of three that is none of these."""
    return next(node_id for node_id in (1, 2, 3) if node_id not in node_ids)


def test_dead_leader_is_replaced_and_nothing_acknowledged_is_lost(cluster: MemoryCluster) -> None:
    """Each broker in turn; the last one has everything."""
    for number in range(3):
        old = leader_of(cluster, 1)
        assert produce(cluster, b"%d" % number, node_id=old) is ErrorCode.NONE
        cluster.cluster.kill(old)
        cluster.clock.advance(SETTLE_MS)
        survivor = other_than(old)
        assert leader_of(cluster, survivor) not in (old, -1)
        cluster.cluster.restart(old)
        cluster.clock.advance(SETTLE_MS)

    leader = leader_of(cluster, 1)
    assert cluster.broker(leader).replicas.partitions["listens", 0].high_watermark == 3
    assert len(cluster.broker(1).image.topics["listens"].partitions[0].isr) == 3


def test_controlled_stop_leaves_no_moment_without_leader(cluster: MemoryCluster) -> None:
    """The partitions are handed over before the broker is gone."""
    old = leader_of(cluster, 1)

    cluster.wait_for(cluster.cluster.stop(old))

    happened = kinds(cluster)
    assert "leader_lost" not in happened
    assert happened.index("leader_elected") < happened.index("stopped")
    assert old not in cluster.cluster.nodes


def test_without_majority_nothing_is_decided_and_leaders_serve_on(cluster: MemoryCluster) -> None:
    """CreateTopics times out; acks=1 is accepted; acks=all waits in vain, for the in-sync replicas cannot shrink."""
    leader = leader_of(cluster, 1)
    for node_id in {1, 2, 3} - {leader}:
        cluster.cluster.kill(node_id)
    cluster.clock.advance(SETTLE_MS)

    assert cluster.cluster.active_controller is None
    assert create(cluster, "plays", node_id=leader) is ErrorCode.REQUEST_TIMED_OUT
    assert produce(cluster, b"a", node_id=leader, acks=1) is ErrorCode.NONE
    assert produce(cluster, b"b", node_id=leader, acks=-1) is ErrorCode.REQUEST_TIMED_OUT
    assert leader_of(cluster, leader) == leader

    for node_id in {1, 2, 3} - {leader}:
        cluster.cluster.restart(node_id)
    cluster.clock.advance(SETTLE_MS)
    assert create(cluster, "plays", node_id=leader) in (ErrorCode.NONE, ErrorCode.TOPIC_ALREADY_EXISTS)


def test_client_hears_at_once_that_a_drop_was_lifted(cluster: MemoryCluster) -> None:
    """Its connection is closed, as by heal, and it tries again; the next request gets through."""
    request = m.FindCoordinatorRequest(key_type=0, coordinator_keys=["charts"])
    cluster.cluster.drop(1, "requests")
    lost = cluster.receive(1, codec.encode_request(FIND_COORDINATOR, 6, 1, "me", request)[4:])
    cluster.clock.advance(SETTLE_MS)
    assert not lost.done

    cluster.cluster.drop(1, "requests", share=0)

    assert lost.value == joined(DISCONNECT)
    assert cluster.wait_for(cluster.ask(1, FIND_COORDINATOR, 6, request)).coordinators[0].error_code == ErrorCode.NONE


@pytest.mark.parametrize(
    "fault",
    [
        lambda cluster: [cluster.kill(node_id) for node_id in (1, 2, 3)],
        lambda cluster: [cluster.kill(1), cluster.isolate(1)],
        lambda cluster: [cluster.kill(1), cluster.cut([{1}, {2, 3}], one_way=True)],
        lambda cluster: [cluster.kill(1), cluster.kill(2), cluster.pause(3)],
    ],
    ids=["all dead", "isolated", "cut off one way", "majority paused"],
)
def test_restart_waits_only_for_what_can_come(cluster: MemoryCluster, fault: Callable[[Any], Any]) -> None:
    """The broker runs, and gets in as soon as the others are within reach."""
    fault(cluster.cluster)
    commands = cluster_commands(cluster.cluster, ControlChannel(lambda _: None, lambda: None), cluster.clock)

    answer = commands["restart"](node_id=1)

    assert answer.done
    assert answer.value is None
    assert 1 in cluster.cluster.nodes
    if not cluster.cluster.links.is_quiet:
        cluster.cluster.heal()
    for node_id in {2, 3} - set(cluster.cluster.nodes):
        cluster.wait_for(commands["restart"](node_id=node_id))
    cluster.clock.advance(SETTLE_MS)
    assert cluster.cluster.is_ready(1)


def test_separate_controllers_fail_over(make_cluster: MakeCluster) -> None:
    """Controllers of their own have no broker; the brokers go on when the active one dies."""
    cluster = make_cluster(brokers=3, controllers=3)
    assert create(cluster, "listens", node_id=1) is ErrorCode.NONE
    active = cluster.cluster.active_controller
    assert active == 101
    assert cluster.cluster.nodes[active].broker is None

    cluster.cluster.kill(active)
    cluster.clock.advance(SETTLE_MS)

    assert cluster.cluster.active_controller in (102, 103)
    assert create(cluster, "plays", node_id=1) is ErrorCode.NONE
    assert "broker_fenced" not in kinds(cluster)


def test_coordinator_fails_over_without_losing_a_commit(cluster: MemoryCluster) -> None:
    """The next coordinator reads what the last one wrote, and the timeline tells."""

    def coordinator(node_id: int) -> int:
        request = m.FindCoordinatorRequest(key_type=0, coordinator_keys=["charts"])
        found = cluster.wait_for(cluster.ask(node_id, FIND_COORDINATOR, 6, request))
        return int(found.coordinators[0].node_id)

    old = coordinator(1)
    partition = m.OffsetCommitRequestPartition(partition_index=0, committed_offset=7, committed_metadata="")
    topic = m.OffsetCommitRequestTopic(name="listens", partitions=[partition])
    commit = m.OffsetCommitRequest(group_id="charts", generation_id_or_member_epoch=-1, topics=[topic])
    answer = cluster.wait_for(cluster.ask(old, OFFSET_COMMIT, 9, commit))
    assert answer.topics[0].partitions[0].error_code == ErrorCode.NONE

    cluster.cluster.kill(old)
    cluster.clock.advance(SETTLE_MS)

    new = coordinator(other_than(old))
    wanted = m.OffsetFetchRequestTopics(name="listens", partition_indexes=[0])
    fetch = m.OffsetFetchRequest(groups=[m.OffsetFetchRequestGroup(group_id="charts", topics=[wanted])])
    fetched = cluster.wait_for(cluster.ask(new, OFFSET_FETCH, 9, fetch))
    assert new != old
    assert fetched.groups[0].topics[0].partitions[0].committed_offset == 7
    assert [event.node_id for event in cluster.cluster.timeline if event.kind == "coordinator_loaded"] == [new]


def test_offsets_topic_gets_all_its_copies_while_a_broker_is_away(cluster: MemoryCluster) -> None:
    """A first group that comes during a failure shall not keep fewer copies for ever."""
    cluster.cluster.kill(3)
    cluster.clock.advance(SETTLE_MS)
    request = m.FindCoordinatorRequest(key_type=0, coordinator_keys=["charts"])

    found = cluster.wait_for(cluster.ask(1, FIND_COORDINATOR, 6, request)).coordinators[0]

    state = cluster.broker(1).image.topics["__consumer_offsets"].partitions[0]
    assert found.error_code == ErrorCode.NONE
    assert sorted(state.replicas) == [1, 2, 3]
    assert 3 not in state.isr


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        (lambda cluster: cluster.kill(9), "There is no node 9"),
        (lambda cluster: cluster.restart(1), "is running"),
        (lambda cluster: cluster.resume(1), "not paused"),
        (lambda cluster: cluster.power_loss(9), "There is no node 9"),
        (lambda cluster: cluster.cut([{1, 2}, {2, 3}]), "in two groups"),
        (lambda cluster: cluster.heal(), "nothing to heal"),
    ],
)
def test_impossible_fault_is_refused(cluster: MemoryCluster, fault: Callable[[Any], Any], text: str) -> None:
    """One clear error, and nothing has changed."""
    before, state = len(cluster.cluster.timeline), cluster.cluster.state()

    with pytest.raises(FaultError, match=text):
        fault(cluster.cluster)

    assert len(cluster.cluster.timeline) == before
    assert cluster.cluster.state() == state
