"""Who is elected, and when: timeouts, pre-votes, votes, check-quorum, handing over."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from kit.broker.raft.messages import about_partition, partition_of
from kit.broker.raft.quorum_state import ElectionState
from kit.broker.raft.roles import Role, grants
from kit.wire import messages as m
from kit.wire.errors import BrokerError, ErrorCode
from tests.unit.raft.harness import CLUSTER_ID, LAB, QuorumCluster, record

MakeQuorum = Callable[..., QuorumCluster]


def vote_request(candidate: int, epoch: int, last: tuple[int, int] = (0, 0), **fields: Any) -> m.VoteRequest:
    """A candidate's request; ``last`` is the epoch of its last record and its log end offset."""
    top = {name: fields.pop(name) for name in ("cluster_id", "voter_id") if name in fields}
    return about_partition(
        m.VoteRequest,
        message_fields=top,
        replica_id=candidate,
        replica_epoch=epoch,
        last_offset_epoch=last[0],
        last_offset=last[1],
        **fields,
    )


def voted(response: m.VoteResponse) -> tuple[ErrorCode, bool]:
    """Error code and vote."""
    partition = partition_of(response)
    return ErrorCode(partition.error_code), partition.vote_granted


# -- the first election ----------------------------------------------------------------------------------------------


def test_eager_voter_leads_within_milliseconds(make_quorum: MakeQuorum) -> None:
    """A cluster that starts does not wait for a timeout: three rounds of messages of 1 ms each way."""
    quorum = make_quorum()
    quorum.start(eager=2)
    quorum.run(10)

    assert quorum.replica(2).is_leader
    assert quorum.kinds() == [("candidate", 2), ("controller_elected", 2)]


def test_start_calls_nobody(make_quorum: MakeQuorum) -> None:
    """Not even the only voter leads before `start` has returned."""
    quorum = make_quorum(voters=1)
    quorum.start(eager=1)

    assert quorum.calls(1) == []
    quorum.run(0.1)
    assert quorum.calls(1) == [("commit", []), ("leader", 1)]


def test_without_eager_voter_a_timeout_decides(make_quorum: MakeQuorum) -> None:
    """Somebody stands after one to two election timeouts."""
    quorum = make_quorum()
    quorum.start()
    quorum.run(LAB.election_timeout_ms - 1)
    assert quorum.kinds() == []

    quorum.run(LAB.election_timeout_ms + 50)

    assert quorum.leader() is not None


def test_observer_never_stands(make_quorum: MakeQuorum) -> None:
    """Without voters there is no leader, however long an observer waits."""
    quorum = make_quorum(observers=1)
    quorum.start(4)
    quorum.run(5000)

    assert quorum.replica(4).role is Role.UNATTACHED
    assert {target for _, target, _ in quorum.sent} == {1, 2, 3}


def test_nobody_is_elected_without_a_majority(make_quorum: MakeQuorum) -> None:
    """Two of four voters ask each other for ever, without beginning epochs."""
    quorum = make_quorum(voters=4)
    quorum.start(1, 2)
    quorum.run(5000)

    assert quorum.kinds() == []
    assert {quorum.replica(1).epoch, quorum.replica(2).epoch} == {0}
    assert len(quorum.sent) / 5 < 120  # messages per second while they wait


def test_all_nodes_know_the_leader(quorum: QuorumCluster) -> None:
    """Voters and the observer, in the same epoch."""
    assert [(each.replica.epoch, each.replica.leader_id) for each in quorum.members.values()] == [(1, 1)] * 4
    assert [each.replica.is_leader for each in quorum.members.values()] == [True, False, False, False]


# -- votes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("role", "voted_id", "leader_id", "is_up_to_date", "granted"),
    [
        (Role.UNATTACHED, None, None, True, True),
        (Role.UNATTACHED, None, None, False, False),
        (Role.UNATTACHED, 2, None, True, True),  # asked again
        (Role.UNATTACHED, 3, None, True, False),
        (Role.PROSPECTIVE, None, None, True, True),
        (Role.PROSPECTIVE, None, 3, True, False),
        (Role.FOLLOWER, None, 3, True, False),
        (Role.CANDIDATE, 1, None, True, False),
        (Role.LEADER, 1, 1, True, False),
        (Role.RESIGNED, 1, 1, True, False),
    ],
)
def test_vote_rule(role: Role, voted_id: int | None, leader_id: int | None, is_up_to_date: bool, granted: bool) -> None:
    """Node 1 is asked by candidate 2 in its own epoch: one vote, for a log that has everything, before a leader is."""
    found = grants(
        role,
        ElectionState(4, leader_id, voted_id),
        candidate_id=2,
        is_pre_vote=False,
        is_up_to_date=is_up_to_date,
        has_fetched=False,
    )

    assert found is granted


@pytest.mark.parametrize(
    ("role", "is_up_to_date", "has_fetched", "granted"),
    [
        (Role.UNATTACHED, True, False, True),
        (Role.PROSPECTIVE, True, False, True),
        (Role.CANDIDATE, True, False, True),
        (Role.RESIGNED, True, False, True),
        (Role.RESIGNED, False, False, False),
        (Role.LEADER, True, False, False),
        (Role.FOLLOWER, True, True, False),
        (Role.FOLLOWER, True, False, True),
        (Role.FOLLOWER, False, False, False),
    ],
)
def test_pre_vote_rule(role: Role, is_up_to_date: bool, has_fetched: bool, granted: bool) -> None:
    """A promise binds nobody, but one who has a leader that works gives none."""
    found = grants(
        role,
        ElectionState(4, 3, 3),
        candidate_id=2,
        is_pre_vote=True,
        is_up_to_date=is_up_to_date,
        has_fetched=has_fetched,
    )

    assert found is granted


def test_vote_is_on_disk_when_the_answer_leaves(make_quorum: MakeQuorum) -> None:
    """And so it counts after a crash: no second candidate of that epoch gets it."""
    quorum = make_quorum()
    quorum.start(1)
    file = quorum.directory / "node-1" / "__cluster_metadata-0" / "quorum-state"

    assert voted(quorum.replica(1).vote(vote_request(2, 5))) == (ErrorCode.NONE, True)

    saved = json.loads(file.read_bytes())
    assert (saved["leaderEpoch"], saved["votedId"]) == (5, 2)
    quorum.crash(1)
    quorum.start(1)
    assert voted(quorum.replica(1).vote(vote_request(3, 5))) == (ErrorCode.NONE, False)
    assert voted(quorum.replica(1).vote(vote_request(2, 5))) == (ErrorCode.NONE, True)


def test_pre_vote_leaves_nothing_behind(make_quorum: MakeQuorum) -> None:
    """Promising one does not keep a voter from voting for another."""
    quorum = make_quorum()
    quorum.start(1)

    assert voted(quorum.replica(1).vote(vote_request(2, 0, pre_vote=True))) == (ErrorCode.NONE, True)
    assert quorum.replica(1).epoch == 0
    assert voted(quorum.replica(1).vote(vote_request(3, 1))) == (ErrorCode.NONE, True)


@pytest.mark.parametrize(
    ("last", "granted"), [((0, 0), False), ((1, 1), False), ((1, 2), True), ((1, 3), True), ((2, 1), True)]
)
def test_vote_goes_to_a_complete_log_only(make_quorum: MakeQuorum, last: tuple[int, int], granted: bool) -> None:
    """A later epoch beats a longer log; here epoch 1 ends at offset 2."""
    quorum = make_quorum()
    quorum.start(eager=1)
    quorum.elect()
    quorum.write(1)
    quorum.run(10)
    assert quorum.replica(2).log_end_offset == 2

    assert voted(quorum.replica(2).vote(vote_request(3, 7, last))) == (ErrorCode.NONE, granted)


@pytest.mark.parametrize(
    ("request_", "error"),
    [
        (vote_request(2, 0, pre_vote=True), ErrorCode.FENCED_LEADER_EPOCH),
        (vote_request(9, 7), ErrorCode.INCONSISTENT_VOTER_SET),
        (vote_request(1, 7), ErrorCode.INCONSISTENT_VOTER_SET),
        (vote_request(2, 7, voter_id=3), ErrorCode.INVALID_VOTER_KEY),
        (vote_request(2, 7, (7, 3)), ErrorCode.INVALID_REQUEST),
        (vote_request(2, 7, (8, 3), pre_vote=True), ErrorCode.INVALID_REQUEST),
        (vote_request(2, 7, (-1, 3)), ErrorCode.INVALID_REQUEST),
    ],
)
def test_vote_is_refused(quorum: QuorumCluster, request_: m.VoteRequest, error: ErrorCode) -> None:
    """With Kafka's codes, and without a change of epoch."""
    response = quorum.replica(1).vote(request_)

    partition = partition_of(response)
    assert (partition.error_code, partition.vote_granted) == (error, False)
    assert (partition.leader_id, partition.leader_epoch) == (1, 1)
    assert quorum.replica(1).epoch == 1


def test_observer_has_no_vote(quorum: QuorumCluster) -> None:
    """Nor does it follow whoever says that it leads; it asks the voters."""
    observer = quorum.replica(4)
    begin = about_partition(m.BeginQuorumEpochRequest, leader_id=2, leader_epoch=9)

    assert voted(observer.vote(vote_request(2, 9))) == (ErrorCode.INCONSISTENT_VOTER_SET, False)
    assert partition_of(observer.begin_quorum_epoch(begin)).error_code == ErrorCode.INCONSISTENT_VOTER_SET
    assert observer.leader_id == 1


@pytest.mark.parametrize("method", ["vote", "begin_quorum_epoch", "end_quorum_epoch"])
@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"cluster_id": "another"}, ErrorCode.INCONSISTENT_CLUSTER_ID),
        ({"topics": []}, ErrorCode.INVALID_REQUEST),
        ({"topic_name": "listens"}, ErrorCode.INVALID_REQUEST),
        ({"partition_index": 1}, ErrorCode.INVALID_REQUEST),
    ],
)
def test_request_for_something_else_is_refused(
    quorum: QuorumCluster, method: str, change: dict[str, Any], error: ErrorCode
) -> None:
    """Another cluster, or another partition than the metadata's."""
    request_class = {
        "vote": m.VoteRequest,
        "begin_quorum_epoch": m.BeginQuorumEpochRequest,
        "end_quorum_epoch": m.EndQuorumEpochRequest,
    }[method]
    request: Any = about_partition(request_class, message_fields={"cluster_id": CLUSTER_ID})
    for name, value in change.items():
        place = {"topic_name": request.topics[0], "partition_index": request.topics[0].partitions[0]}.get(name, request)
        setattr(place, name, value)

    assert getattr(quorum.replica(2), method)(request).error_code == error


def test_stale_announcements_are_fenced(quorum: QuorumCluster) -> None:
    """BeginQuorumEpoch and EndQuorumEpoch of an earlier epoch name the leader of this one."""
    quorum.replica(1).resign()
    leader = quorum.elect()
    assert leader.epoch > 1
    for request_class, method in (
        (m.BeginQuorumEpochRequest, "begin_quorum_epoch"),
        (m.EndQuorumEpochRequest, "end_quorum_epoch"),
    ):
        request = about_partition(request_class, leader_id=1, leader_epoch=1)
        partition = partition_of(getattr(quorum.replica(3), method)(request))
        assert partition.error_code == ErrorCode.FENCED_LEADER_EPOCH
        assert (partition.leader_id, partition.leader_epoch) == (leader.node_id, leader.epoch)


# -- leaders that go -------------------------------------------------------------------------------------------------


def test_followers_elect_another_leader_after_a_crash(quorum: QuorumCluster) -> None:
    """About a fetch timeout later, although both miss the leader at the same moment."""
    quorum.crash(1)
    quorum.run_until(lambda: quorum.leader() is not None, LAB.fetch_timeout_ms + LAB.election_timeout_ms / 4 + 20)

    leader = quorum.elect()
    assert (leader.epoch, leader.node_id in (2, 3)) == (2, True)
    assert quorum.replica(4).leader_id == leader.node_id


def test_isolated_leader_resigns(quorum: QuorumCluster) -> None:
    """After 1.5 fetch timeouts without a fetch of a majority; it can commit nothing before."""
    append = quorum.replica(1).append([record(1)])
    quorum.run(20)
    assert quorum.values(2) == [1]
    quorum.isolate(1)
    lost = quorum.replica(1).committed(quorum.replica(1).append([record(2)]))

    quorum.run(LAB.check_quorum_ms - 200)
    assert quorum.replica(1).is_leader
    quorum.run(200)

    assert append == 1
    assert lost.value is False
    assert quorum.calls(1)[-1] == ("resigned", 1)
    assert ("controller_resigned", 1) in quorum.kinds()
    with pytest.raises(BrokerError) as caught:
        quorum.replica(1).append([record(3)])
    assert caught.value.code is ErrorCode.NOT_CONTROLLER


def test_leader_with_a_majority_stays(quorum: QuorumCluster) -> None:
    """One of two followers is enough, for any time."""
    quorum.crash(3)
    quorum.run(20 * LAB.check_quorum_ms)

    assert quorum.kinds() == [("candidate", 1), ("controller_elected", 1)]


def test_only_voter_needs_nobody(make_quorum: MakeQuorum) -> None:
    """It leads for ever and wakes for nothing."""
    quorum = make_quorum(voters=1)
    quorum.start(eager=1)
    quorum.run(1)

    assert quorum.clock.pending() == 0
    assert quorum.sent == []


def test_cut_off_voter_does_not_depose_the_leader(quorum: QuorumCluster) -> None:
    """Pre-vote (KIP-996): its epoch stands still while it is alone, so its return disturbs nobody."""
    quorum.isolate(3)
    quorum.run(5000)
    assert (quorum.replica(3).role, quorum.replica(3).epoch) == (Role.PROSPECTIVE, 1)

    quorum.cuts.clear()
    quorum.run(1000)

    assert quorum.replica(3).leader_id == 1
    assert quorum.kinds() == [("candidate", 1), ("controller_elected", 1)]


def test_voter_that_misses_only_the_leader_does_not_depose_it(quorum: QuorumCluster) -> None:
    """The other follower, which has its leader, would not elect it."""
    quorum.cut([3], [1])
    quorum.run(5000)

    assert quorum.replica(1).is_leader
    assert quorum.replica(1).epoch == 1


def test_resigning_leader_hands_over_at_once(quorum: QuorumCluster) -> None:
    """EndQuorumEpoch names the voter with the longest log first; nobody waits for a timeout."""
    quorum.cut([2], [1])
    quorum.write(1)
    quorum.run(50)
    quorum.cuts.clear()

    quorum.replica(1).resign()
    quorum.run(30)

    assert quorum.replica(3).is_leader
    assert ("resigned", 1) in quorum.calls(1)


def test_resigned_leader_can_be_elected_again(make_quorum: MakeQuorum) -> None:
    """In a later epoch: when it is the only one whose log is complete, for instance."""
    quorum = make_quorum(voters=2)
    quorum.start(eager=1)
    quorum.elect()
    quorum.replica(1).resign()

    assert quorum.elect().epoch > 1
    quorum.replica(2).resign()
    assert quorum.elect().epoch > 2


def test_paused_leader_finds_itself_deposed(quorum: QuorumCluster) -> None:
    """It resigns before it does anything else, and follows."""
    quorum.members[1].clock.pause()
    quorum.run(2000)
    leader = quorum.leader()

    quorum.members[1].clock.resume()
    quorum.run(200)

    assert leader is not None
    assert leader.node_id in (2, 3)
    assert (quorum.replica(1).role, quorum.replica(1).leader_id) == (Role.FOLLOWER, leader.node_id)


def test_close_is_heard_by_nobody_but_the_listener(quorum: QuorumCluster) -> None:
    """Closed replicas answer BROKER_NOT_AVAILABLE and set no timer any more."""
    quorum.close()
    quorum.run(5000)

    assert quorum.calls(1)[-1] == ("resigned", 1)
    assert quorum.clock.pending() == 0
    for method, request in (
        ("vote", vote_request(2, 9)),
        ("begin_quorum_epoch", m.BeginQuorumEpochRequest()),
        ("end_quorum_epoch", m.EndQuorumEpochRequest()),
        ("fetch", m.FetchRequest()),
    ):
        assert getattr(quorum.replica(1), method)(request).error_code == ErrorCode.BROKER_NOT_AVAILABLE
