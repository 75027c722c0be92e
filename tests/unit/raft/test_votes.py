"""Who gets a vote, who is refused, and what of it is on the disk."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from kit.broker.raft.messages import about_partition, partition_of
from kit.broker.raft.quorum_state import ElectionState
from kit.broker.raft.roles import Role, grants
from kit.wire import messages as m
from kit.wire.errors import ErrorCode
from tests.unit.raft.harness import CLUSTER_ID, QuorumCluster, vote_request

MakeQuorum = Callable[..., QuorumCluster]


def voted(response: m.VoteResponse) -> tuple[ErrorCode, bool]:
    """Error code and vote."""
    partition = partition_of(response)
    return ErrorCode(partition.error_code), partition.vote_granted


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
