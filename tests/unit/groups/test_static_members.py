"""Static members: a restart without a rebalance (KIP-345, KIP-814)."""

from __future__ import annotations

import pytest

from kit.wire.errors import ErrorCode


def static_group(lab):
    """A stable group of two static members, "one" (the leader) and "two", assigned b"1" and b"2"."""
    first = lab.join(instance="one").value
    second = lab.join(instance="two")
    leader = lab.join(member_id=first.member_id, instance="one").value
    assert leader.leader == leader.member_id
    lab.sync(second.value, instance="two")
    lab.sync(leader, {leader.member_id: b"1", second.value.member_id: b"2"}, instance="one")
    return leader, second.value


def test_static_member_id_begins_with_instance_id(lab):
    """A static member is let in at once, and its member_id shows its name."""
    assert lab.join(instance="one").value.member_id == "one-1"


def test_static_follower_restarts_without_rebalance(lab):
    """A restarted follower gets a new member_id and its old assignment, and nobody else notices."""
    leader, follower = static_group(lab)

    back = lab.join(instance="two").value

    assert back.member_id != follower.member_id
    assert (back.generation_id, back.leader, back.members) == (2, leader.member_id, [])
    assert lab.sync(back, instance="two").value.assignment == b"2"
    assert lab.heartbeat(leader.member_id, 2, instance="one") == ErrorCode.NONE


@pytest.mark.parametrize(("version", "skips"), [(8, False), (9, True)])
def test_static_leader_restarts_without_rebalance(lab, version, skips):
    """A restarted leader is told to skip the assignment (v9), or, before, that its old self leads."""
    leader, _follower = static_group(lab)

    back = lab.join(instance="one", version=version).value

    assert back.skip_assignment is skips
    assert back.leader == (back.member_id if skips else leader.member_id)
    assert len(back.members) == (2 if skips else 0)
    assert lab.sync(back, instance="one").value.assignment == b"1"


def test_restart_of_static_member_survives_failover(lab):
    """The new member_id is in the log before the member knows it."""
    static_group(lab)
    back = lab.join(instance="two").value
    lab.fail_over()

    assert lab.heartbeat(back.member_id, 2, instance="two") == ErrorCode.NONE
    assert lab.sync(back, instance="two").value.assignment == b"2"


def test_restart_of_static_member_waits_for_log(lab):
    """Until the new member_id is committed the member waits."""
    static_group(lab)
    lab.log.hold = True
    back = lab.join(instance="two")
    assert not back.done

    lab.log.release()
    assert back.value.error_code == ErrorCode.NONE


def test_restart_of_static_member_is_taken_back_when_it_cannot_be_stored(lab):
    """If the log refuses the new member_id the old one stays good."""
    _leader, follower = static_group(lab)
    lab.log.refuse = ErrorCode.NOT_ENOUGH_REPLICAS

    assert lab.join(instance="two").value.error_code == ErrorCode.COORDINATOR_NOT_AVAILABLE
    assert lab.heartbeat(follower.member_id, 2, instance="two") == ErrorCode.NONE


def test_old_self_of_static_member_is_fenced(lab):
    """After a restart the old process, should it still run, is shut out of everything."""
    _leader, follower = static_group(lab)
    lab.join(instance="two")

    assert lab.heartbeat(follower.member_id, 2, instance="two") == ErrorCode.FENCED_INSTANCE_ID
    assert lab.sync(follower, instance="two").value.error_code == ErrorCode.FENCED_INSTANCE_ID
    assert lab.ask_join(follower.member_id, instance="two").value.error_code == ErrorCode.FENCED_INSTANCE_ID
    assert lab.leave((follower.member_id, "two")).members[0].error_code == ErrorCode.FENCED_INSTANCE_ID
    commit = {"member_id": follower.member_id, "generation_id": 2, "group_instance_id": "two"}
    assert lab.commit_codes({0: 1}, **commit) == [ErrorCode.FENCED_INSTANCE_ID]


def test_waiting_old_self_of_static_member_is_fenced(lab):
    """A JoinGroup of the old process that still waits is answered with FENCED_INSTANCE_ID."""
    leader, _follower = static_group(lab)
    waiting = lab.ask_join(leader.member_id, instance="one")
    assert not waiting.done

    lab.ask_join(instance="one")
    assert waiting.value.error_code == ErrorCode.FENCED_INSTANCE_ID


def test_restart_with_other_protocol_starts_rebalance(lab):
    """If the restarted member changes what the group agrees on, everybody has to rejoin."""
    leader = lab.join(instance="one", protocols={"range": b"", "sticky": b""}).value
    lab.sync(leader, {}, instance="one")

    back = lab.join(instance="one", protocols={"sticky": b""})

    assert (back.value.generation_id, back.value.protocol_name) == (2, "sticky")


def test_restart_while_assignment_is_awaited_starts_rebalance(lab):
    """The leader may be assigning to the old member_id, so everybody has to rejoin."""
    first = lab.join(instance="one").value
    lab.join(instance="two")
    lab.join(member_id=first.member_id, instance="one")
    assert lab.state() == "CompletingRebalance"

    lab.ask_join(instance="two")
    assert lab.state() == "PreparingRebalance"


def test_static_member_keeps_place_through_rebalance_it_misses(lab):
    """A static member who is just restarting is not removed by a rebalance, only by its session timeout."""
    long = {"session_timeout_ms": 600_000, "rebalance_timeout_ms": 5_000}
    leader = lab.join(instance="one", **long).value
    second = lab.join(instance="two", **long)
    leader = lab.join(member_id=leader.member_id, instance="one", **long).value
    lab.sync(leader, {}, instance="one")
    lab.sync(second.value, instance="two")
    again = lab.ask_join(leader.member_id, instance="one", **long)
    lab.clock.advance(5_000)

    assert {each.group_instance_id for each in again.value.members} == {"one", "two"}


def test_rebalance_without_any_static_member_back_waits_for_sessions(lab):
    """With nobody back there is no generation; when the last session is over the group is empty."""
    options = {"session_timeout_ms": 30_000, "rebalance_timeout_ms": 1_000}
    leader = lab.join(instance="one", **options).value
    second = lab.join(**options)
    leader = lab.join(member_id=leader.member_id, instance="one", **options).value
    lab.sync(second.value)
    lab.sync(leader, {}, instance="one")
    lab.leave((second.value.member_id, None))
    lab.clock.advance(29_999)
    assert lab.state() == "PreparingRebalance"

    lab.clock.advance(1)
    assert lab.state() == "Empty"


def test_administrator_removes_static_member_by_instance_id(lab):
    """LeaveGroup with an instance id alone removes whoever has it."""
    _leader, follower = static_group(lab)

    response = lab.leave(("", "two"), ("", "three"))

    assert [each.error_code for each in response.members] == [ErrorCode.NONE, ErrorCode.UNKNOWN_MEMBER_ID]
    assert lab.heartbeat(follower.member_id, 2) == ErrorCode.UNKNOWN_MEMBER_ID


def test_restart_of_static_member_ends_with_its_coordinator(lab):
    """A restart that is on its way when the coordinator goes is sent on, and leaves nothing behind."""
    static_group(lab)
    lab.log.hold = True
    back = lab.join(instance="two")
    lab.coordinator.close()

    assert back.value.error_code == ErrorCode.NOT_COORDINATOR
    assert lab.clock.pending() == 0
