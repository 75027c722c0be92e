"""Who is elected, and when: timeouts, pre-votes, votes, check-quorum, handing over."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kit.broker.raft.roles import Role
from kit.wire import messages as m
from kit.wire.errors import BrokerError, ErrorCode
from tests.unit.raft.harness import LAB, QuorumCluster, record, vote_request

MakeQuorum = Callable[..., QuorumCluster]


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
