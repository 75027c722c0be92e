"""SyncGroup, Heartbeat, LeaveGroup, and members who fall silent."""

from __future__ import annotations

import pytest

from kit.wire import messages as m
from kit.wire.errors import ErrorCode


def two_joined(lab, **options):
    """A group of two between the halves of a rebalance: leader and follower."""
    first = lab.join(**options).value
    second = lab.join(**options)
    leader = lab.join(member_id=first.member_id, **options).value
    return leader, second.value


def test_sync_gives_each_member_its_part(lab):
    """A follower waits for the leader, then each gets what the leader gave it."""
    leader, follower = two_joined(lab)
    waiting = lab.sync(follower)
    assert not waiting.done

    own = lab.sync(leader, {leader.member_id: b"a", follower.member_id: b"b"})

    assert (own.value.assignment, waiting.value.assignment) == (b"a", b"b")
    assert own.value.protocol_name == "range"
    assert lab.state() == "Stable"


def test_sync_after_stable_gives_current_assignment(lab):
    """A member who asks late, or again, gets its part all the same."""
    leader, follower = two_joined(lab)
    lab.sync(leader, {follower.member_id: b"b"})

    assert lab.sync(follower).value.assignment == b"b"
    assert lab.sync(leader).value.assignment == b""


def test_sync_waits_until_assignment_is_committed(lab):
    """Nobody knows an assignment that a failover could lose."""
    leader, follower = two_joined(lab)
    waiting = lab.sync(follower)
    lab.log.hold = True
    own = lab.sync(leader, {})
    assert not own.done
    assert not waiting.done

    lab.log.release()
    assert own.value.error_code == waiting.value.error_code == ErrorCode.NONE


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"generation_id": 1}, ErrorCode.ILLEGAL_GENERATION),
        ({"generation_id": 3}, ErrorCode.ILLEGAL_GENERATION),
        ({"group": ""}, ErrorCode.INVALID_GROUP_ID),
        ({"group": "other"}, ErrorCode.UNKNOWN_MEMBER_ID),
        ({"instance": "unknown"}, ErrorCode.UNKNOWN_MEMBER_ID),
        ({"protocol_type": "connect"}, ErrorCode.INCONSISTENT_GROUP_PROTOCOL),
        ({"protocol_name": "sticky"}, ErrorCode.INCONSISTENT_GROUP_PROTOCOL),
    ],
)
def test_sync_is_refused(lab, options, code):
    """A sync that does not fit the generation gets the error that says why."""
    leader, _follower = two_joined(lab)

    assert lab.sync(leader, {}, **options).value.error_code == code


def test_sync_of_unknown_member_is_refused(lab):
    """Only members have assignments."""
    leader, _follower = two_joined(lab)
    leader.member_id = "who"

    assert lab.sync(leader, {}).value.error_code == ErrorCode.UNKNOWN_MEMBER_ID


def test_sync_during_rebalance_sends_member_back(lab):
    """While members rejoin there is no assignment to give."""
    leader = lab.stable_group()[0]
    lab.join()

    assert lab.sync(leader).value.error_code == ErrorCode.REBALANCE_IN_PROGRESS


def test_sync_that_waits_is_sent_back_by_new_rebalance(lab):
    """Who waits for an assignment that will never come is told to rejoin."""
    _leader, follower = two_joined(lab)
    waiting = lab.sync(follower)
    lab.join()

    assert waiting.value.error_code == ErrorCode.REBALANCE_IN_PROGRESS


def test_sync_fails_for_all_when_assignment_cannot_be_stored(lab):
    """An assignment that the log refuses ends the generation."""
    leader, follower = two_joined(lab)
    waiting = lab.sync(follower)
    lab.log.refuse = ErrorCode.NOT_ENOUGH_REPLICAS

    own = lab.sync(leader, {})

    assert own.value.error_code == waiting.value.error_code == ErrorCode.COORDINATOR_NOT_AVAILABLE
    assert lab.state() == "PreparingRebalance"


def test_sync_fails_when_assignment_is_not_committed_in_time(lab):
    """After offsets.commit.timeout.ms nobody waits for the log any more."""
    leader, _follower = two_joined(lab)
    lab.log.hold = True
    own = lab.sync(leader, {})
    lab.clock.advance(5_000)

    assert own.value.error_code == ErrorCode.COORDINATOR_NOT_AVAILABLE


def test_late_commit_of_old_assignment_does_not_touch_new_rebalance(lab):
    """An assignment that is committed when the next rebalance has begun is no longer anybody's."""
    leader, _follower = two_joined(lab)
    lab.log.hold = True
    own = lab.sync(leader, {leader.member_id: b"a"})
    lab.join()
    lab.log.release()

    assert own.value.error_code == ErrorCode.REBALANCE_IN_PROGRESS
    assert lab.state() == "PreparingRebalance"


def test_member_who_never_syncs_is_removed_after_rebalance_timeout(lab):
    """A member who took the generation but not its assignment holds up nobody for longer than the timeout."""
    leader, follower = two_joined(lab, rebalance_timeout_ms=5_000, session_timeout_ms=60_000)
    lab.sync(leader, {})
    lab.clock.advance(5_000)

    assert lab.heartbeat(follower.member_id, 2) == ErrorCode.UNKNOWN_MEMBER_ID
    assert lab.heartbeat(leader.member_id, 2) == ErrorCode.REBALANCE_IN_PROGRESS


def test_rebalance_timeout_of_zero_removes_member_before_its_sync(lab):
    """As on Apache Kafka: with rebalance_timeout_ms=0 the time to sync is over at once."""
    joined = lab.join(rebalance_timeout_ms=0).value
    lab.clock.advance(0)

    assert lab.sync(joined, {}).value.error_code == ErrorCode.UNKNOWN_MEMBER_ID


@pytest.mark.parametrize(
    ("member", "generation_id", "options", "code"),
    [
        (None, 1, {}, ErrorCode.NONE),
        (None, 0, {}, ErrorCode.ILLEGAL_GENERATION),
        (None, 2, {}, ErrorCode.ILLEGAL_GENERATION),
        ("who", 1, {}, ErrorCode.UNKNOWN_MEMBER_ID),
        (None, 1, {"instance": "unknown"}, ErrorCode.UNKNOWN_MEMBER_ID),
        (None, 1, {"group": "other"}, ErrorCode.UNKNOWN_MEMBER_ID),
        (None, 1, {"group": ""}, ErrorCode.INVALID_GROUP_ID),
    ],
)
def test_heartbeat_answers(lab, member, generation_id, options, code):
    """A heartbeat is good for a member of the current generation."""
    leader = lab.stable_group()[0]

    assert lab.heartbeat(member or leader.member_id, generation_id, **options) == code


def test_heartbeats_keep_member_alive(lab):
    """A member lives as long as its heartbeats come within the session timeout."""
    leader = lab.stable_group()[0]
    for _ in range(10):
        lab.clock.advance(9_999)
        assert lab.heartbeat(leader.member_id, 1) == ErrorCode.NONE

    lab.clock.advance(10_000)
    assert lab.heartbeat(leader.member_id, 1) == ErrorCode.UNKNOWN_MEMBER_ID


def test_silent_member_is_removed_and_others_rebalance(lab):
    """When a session expires the others are told to rejoin, and form a generation without it."""
    leader, follower = lab.stable_group(2)
    lab.clock.advance(9_999)
    lab.heartbeat(follower.member_id, follower.generation_id)
    lab.clock.advance(1)
    assert lab.heartbeat(follower.member_id, follower.generation_id) == ErrorCode.REBALANCE_IN_PROGRESS
    assert lab.heartbeat(leader.member_id, leader.generation_id) == ErrorCode.UNKNOWN_MEMBER_ID

    rejoined = lab.join(member_id=follower.member_id).value
    assert (rejoined.leader, len(rejoined.members)) == (follower.member_id, 1)


def test_member_who_waits_for_rebalance_needs_no_heartbeat(lab):
    """A member whose request waits for us does not time out; its session starts anew with the answer."""
    leader = lab.stable_group()[0]
    lab.join()
    waiting_leader = lab.ask_join(leader.member_id)
    lab.clock.advance(0)
    generation = waiting_leader.value.generation_id
    waiting = lab.sync(waiting_leader.value)  # the leader itself, so the assignment is empty
    assert waiting.done

    lab.clock.advance(9_999)
    assert lab.heartbeat(leader.member_id, generation) == ErrorCode.NONE


def test_session_starts_anew_with_answer_to_join(lab):
    """A member whose session ran out while it waited for the rebalance must be heard of again after it."""
    leader = lab.stable_group()[0]
    lab.ask_join()  # holds the rebalance until its ten seconds are over
    lab.clock.advance(5_000)
    waiting = lab.ask_join(leader.member_id)
    lab.clock.advance(5_000)
    assert waiting.value.error_code == ErrorCode.NONE
    lab.clock.advance(9_999)
    assert lab.state() == "CompletingRebalance"

    lab.clock.advance(1)
    assert lab.state() == "Empty"


def test_session_starts_anew_with_answer_to_sync(lab):
    """A member whose session ran out while it waited for its assignment must be heard of again after it."""
    leader, follower = two_joined(lab)
    waiting = lab.sync(follower)
    for _ in range(4):
        lab.clock.advance(9_000)
        lab.heartbeat(leader.member_id, 2)
    assert not waiting.done
    lab.sync(leader, {})
    lab.heartbeat(leader.member_id, 2)
    lab.clock.advance(9_999)
    assert lab.heartbeat(leader.member_id, 2) == ErrorCode.NONE

    lab.clock.advance(1)
    assert lab.heartbeat(leader.member_id, 2) == ErrorCode.REBALANCE_IN_PROGRESS


def test_rebalance_goes_on_without_members_who_do_not_rejoin(lab):
    """At the rebalance timeout the members who are not back are out."""
    options = {"rebalance_timeout_ms": 20_000, "session_timeout_ms": 60_000}
    leader, follower = lab.stable_group(2, **options)
    waiting = lab.ask_join(leader.member_id, **options)
    lab.clock.advance(19_999)
    assert not waiting.done

    lab.clock.advance(1)
    assert [each.member_id for each in waiting.value.members] == [leader.member_id]
    assert lab.heartbeat(follower.member_id, follower.generation_id) == ErrorCode.UNKNOWN_MEMBER_ID


def test_leader_who_does_not_rejoin_is_replaced(lab):
    """The next generation is led by a member who is in it."""
    options = {"rebalance_timeout_ms": 20_000, "session_timeout_ms": 60_000}
    leader, follower = lab.stable_group(2, **options)
    waiting = lab.ask_join(follower.member_id, **{**options, "protocols": {"range": b"new"}})
    lab.clock.advance(20_000)

    assert waiting.value.leader == follower.member_id
    assert lab.heartbeat(leader.member_id, 3) == ErrorCode.UNKNOWN_MEMBER_ID


def test_leave_makes_others_rebalance_at_once(lab):
    """A member who says goodbye is not waited for."""
    leader, follower = lab.stable_group(2)

    response = lab.leave((leader.member_id, None))

    assert [each.error_code for each in response.members] == [ErrorCode.NONE]
    assert lab.join(member_id=follower.member_id).value.leader == follower.member_id


def test_leave_of_last_member_empties_group(lab):
    """A group without members stays, Empty, with the next generation number."""
    leader = lab.stable_group()[0]
    lab.leave((leader.member_id, None))

    assert lab.state() == "Empty"
    lab.fail_over()
    assert lab.state() == "Empty"
    assert lab.join().value.generation_id == 3


def test_leave_answers_for_each_member(lab):
    """One LeaveGroup may name many members; each has its own error."""
    leader, follower = lab.stable_group(2)

    response = lab.leave((leader.member_id, None), ("who", None), (follower.member_id, "wrong"), ("", None))

    assert [each.error_code for each in response.members] == [
        ErrorCode.NONE,
        ErrorCode.UNKNOWN_MEMBER_ID,
        ErrorCode.UNKNOWN_MEMBER_ID,
        ErrorCode.UNKNOWN_MEMBER_ID,
    ]
    assert response.error_code == ErrorCode.NONE


@pytest.mark.parametrize(
    ("group", "code", "member_codes"),
    [("", ErrorCode.INVALID_GROUP_ID, []), ("other", ErrorCode.NONE, [ErrorCode.UNKNOWN_MEMBER_ID])],
)
def test_leave_of_missing_group_is_refused(lab, group, code, member_codes):
    """Nobody is a member of a group that is not there."""
    response = lab.leave(("who", None), group=group)

    assert response.error_code == code
    assert [each.error_code for each in response.members] == member_codes


def test_leave_of_pending_member_is_no_error(lab):
    """A member who was given a member_id may leave before it joins."""
    member_id = lab.ask_join().value.member_id

    assert lab.leave((member_id, None)).members[0].error_code == ErrorCode.NONE
    assert lab.ask_join(member_id).value.error_code == ErrorCode.UNKNOWN_MEMBER_ID


def test_leave_of_member_who_is_missing_completes_rebalance(lab):
    """A rebalance that waits for one member goes on when this member leaves."""
    leader, follower = lab.stable_group(2)
    waiting = lab.ask_join(leader.member_id)
    assert not waiting.done

    lab.leave((follower.member_id, None))
    assert waiting.value.generation_id == 3


def test_leave_answers_what_member_waits_for(lab):
    """The JoinGroup of a member who is removed does not hang for ever."""
    lab.stable_group()
    pending = lab.ask_join().value.member_id
    waiting = lab.ask_join(pending)
    lab.leave((pending, None))

    assert waiting.value.error_code == ErrorCode.UNKNOWN_MEMBER_ID


def test_other_broker_is_not_coordinator(lab):
    """A broker that does not lead a group's partition sends its clients away."""
    lab.log.led.clear()
    request = m.LeaveGroupRequest(group_id="g", members=[])

    assert lab.ask_join().value.error_code == ErrorCode.NOT_COORDINATOR
    assert lab.heartbeat("a", 1) == ErrorCode.NOT_COORDINATOR
    assert lab.coordinator.leave_group(request).error_code == ErrorCode.NOT_COORDINATOR
    assert lab.commit_codes({0: 1}) == [ErrorCode.NOT_COORDINATOR]
    assert lab.fetch().error_code == ErrorCode.NOT_COORDINATOR
    assert lab.describe().error_code == ErrorCode.NOT_COORDINATOR


def test_request_from_inside_an_answer_finds_settled_group(lab):
    """A client that reacts to its answer on the spot, in the same event loop, finds the next state, not half of it."""
    leader = lab.stable_group()[0]
    pending = lab.ask_join().value.member_id
    newcomer = lab.ask_join(pending)
    codes = []
    newcomer.then(lambda joined: codes.append(lab.leave((joined.member_id, None)).members[0].error_code))

    rejoined = lab.ask_join(leader.member_id)

    assert codes == [ErrorCode.NONE]
    assert rejoined.value.generation_id == 2
    assert lab.state() == "PreparingRebalance"
