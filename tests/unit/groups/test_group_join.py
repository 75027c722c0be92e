"""JoinGroup: member ids, limits, protocols, and when a join makes the others rejoin."""

from __future__ import annotations

import pytest

from kit.wire.errors import ErrorCode


def test_join_of_dynamic_member_requires_member_id(lab):
    """Since v4 a new dynamic member is sent away with a member_id that begins with its client.id."""
    answer = lab.ask_join(version=4).value

    assert answer.error_code == ErrorCode.MEMBER_ID_REQUIRED
    assert answer.member_id == "client-1"
    assert lab.state() == "Empty"


def test_join_before_version_4_needs_no_member_id(lab):
    """Old clients are let in at once."""
    answer = lab.ask_join(version=3)
    lab.clock.advance(0)

    assert answer.value.error_code == ErrorCode.NONE
    assert (answer.value.generation_id, answer.value.leader) == (1, answer.value.member_id)


def test_join_makes_first_member_leader_with_all_subscriptions(lab):
    """The first member leads and sees every member's metadata; the others see nobody."""
    first = lab.join().value
    second = lab.join(protocols={"range": b"mine"})
    again = lab.join(member_id=first.member_id).value

    assert again.leader == first.member_id
    assert {each.member_id: each.metadata for each in again.members}[second.value.member_id] == b"mine"
    assert second.value.members == []
    assert second.value.leader == first.member_id
    assert again.generation_id == second.value.generation_id == 2


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"group": ""}, ErrorCode.INVALID_GROUP_ID),
        ({"session_timeout_ms": 5_999}, ErrorCode.INVALID_SESSION_TIMEOUT),
        ({"session_timeout_ms": 1_800_001}, ErrorCode.INVALID_SESSION_TIMEOUT),
        ({"member_id": "who"}, ErrorCode.UNKNOWN_MEMBER_ID),
        ({"protocols": {}}, ErrorCode.INCONSISTENT_GROUP_PROTOCOL),
        ({"protocol_type": ""}, ErrorCode.INCONSISTENT_GROUP_PROTOCOL),
    ],
)
def test_join_of_new_group_is_refused(lab, options, code):
    """A first join with bad fields gets the error that names the field."""
    assert lab.ask_join(**options).value.error_code == code


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"member_id": "who"}, ErrorCode.UNKNOWN_MEMBER_ID),
        ({"protocols": {"sticky": b""}}, ErrorCode.INCONSISTENT_GROUP_PROTOCOL),
        ({"protocol_type": "connect"}, ErrorCode.INCONSISTENT_GROUP_PROTOCOL),
        ({"member_id": "who", "instance": "unknown"}, ErrorCode.UNKNOWN_MEMBER_ID),
    ],
)
def test_join_of_stable_group_is_refused(lab, options, code):
    """Who does not fit a stable group is refused, and the group stays stable."""
    lab.stable_group()

    assert lab.ask_join(**options).value.error_code == code
    assert lab.state() == "Stable"


def test_join_selects_protocol_by_vote(lab):
    """Of the protocols that all members know, the one that most of them prefer wins."""
    first = lab.join(protocols={"range": b"", "sticky": b"", "own": b""}).value
    lab.join(protocols={"sticky": b"", "range": b""})
    third = lab.join(protocols={"other": b"", "sticky": b"", "range": b""})
    lab.join(member_id=first.member_id, protocols={"range": b"", "sticky": b"", "own": b""})

    assert third.value.protocol_name == "sticky"


def test_join_of_follower_with_same_metadata_starts_no_rebalance(lab):
    """A follower who lost its answer is told the current generation."""
    _leader, follower = lab.stable_group(2)

    answer = lab.ask_join(follower.member_id)

    assert answer.value.generation_id == follower.generation_id
    assert answer.value.members == []
    assert lab.state() == "Stable"


def test_join_of_follower_with_new_metadata_starts_rebalance(lab):
    """A changed subscription concerns everybody."""
    leader, follower = lab.stable_group(2)

    answer = lab.ask_join(follower.member_id, protocols={"range": b"new"})

    assert not answer.done
    assert lab.heartbeat(leader.member_id, leader.generation_id) == ErrorCode.REBALANCE_IN_PROGRESS


def test_join_of_leader_starts_rebalance(lab):
    """The leader rejoins to have topics assigned anew that have changed."""
    leader, follower = lab.stable_group(2)

    assert not lab.ask_join(leader.member_id).done
    assert lab.heartbeat(follower.member_id, follower.generation_id) == ErrorCode.REBALANCE_IN_PROGRESS


@pytest.mark.parametrize(("changed", "state"), [(False, "CompletingRebalance"), (True, "PreparingRebalance")])
def test_join_while_assignment_is_awaited(lab, changed, state):
    """Between the halves of a rebalance a repeated join is told the generation, a changed one begins anew."""
    first = lab.join().value
    second = lab.join()
    lab.join(member_id=first.member_id)
    metadata = {"protocols": {"range": b"new"}} if changed else {}

    answer = lab.ask_join(second.value.member_id, **metadata)

    assert lab.state() == state
    assert answer.done is not changed


def test_join_is_refused_above_max_size(make_lab):
    """A full group takes nobody in, and nobody has to rejoin for it (KIP-389)."""
    lab = make_lab(max_size=2)
    leader, _follower = lab.stable_group(2)

    assert lab.ask_join().value.error_code == ErrorCode.GROUP_MAX_SIZE_REACHED
    assert lab.heartbeat(leader.member_id, leader.generation_id) == ErrorCode.NONE


def test_join_during_rebalance_refuses_last_ones_above_max_size(make_lab):
    """While a group rebalances, those who are back count: the one too many is refused, member or not."""
    lab = make_lab(max_size=2, initial_rebalance_delay_ms=1_000)
    answers = [lab.ask_join(version=3) for _ in range(3)]

    assert answers[2].value.error_code == ErrorCode.GROUP_MAX_SIZE_REACHED
    lab.clock.advance(5_000)
    assert [answer.value.error_code for answer in answers[:2]] == [ErrorCode.NONE, ErrorCode.NONE]


def test_join_of_pending_member_expires_with_session_timeout(lab):
    """A member_id that nobody came back with is forgotten."""
    member_id = lab.ask_join().value.member_id
    lab.clock.advance(10_000)

    assert lab.ask_join(member_id).value.error_code == ErrorCode.UNKNOWN_MEMBER_ID


def test_pending_member_holds_rebalance_until_it_joins(lab):
    """A rebalance waits for a member who was given a member_id and is on its way back."""
    leader = lab.stable_group()[0]
    pending = lab.ask_join().value.member_id
    rejoined = lab.ask_join(leader.member_id)

    assert not rejoined.done
    lab.ask_join(pending)
    assert rejoined.value.generation_id == 2
    assert len(rejoined.value.members) == 2


def test_pending_member_who_stays_away_lets_rebalance_go_on(lab):
    """When the pending member's time is up the others go on without it."""
    leader = lab.stable_group()[0]
    lab.ask_join()
    rejoined = lab.ask_join(leader.member_id)
    lab.clock.advance(10_000)

    assert [each.member_id for each in rejoined.value.members] == [leader.member_id]


def test_pending_member_cannot_come_back_as_static_member(lab):
    """Only a broken client does that; Kafka says UNKNOWN_SERVER_ERROR."""
    member_id = lab.ask_join().value.member_id

    assert lab.ask_join(member_id, instance="one").value.error_code == ErrorCode.UNKNOWN_SERVER_ERROR


def test_initial_delay_is_extended_by_each_new_member(make_lab):
    """A new group waits for more members, each of whom extends the wait, up to the rebalance timeout (KIP-134)."""
    lab = make_lab(initial_rebalance_delay_ms=3_000)
    first = lab.ask_join(version=3, rebalance_timeout_ms=7_000)
    lab.clock.advance(2_000)
    lab.ask_join(version=3, rebalance_timeout_ms=7_000)
    lab.clock.advance(3_999)
    assert not first.done

    lab.clock.advance(1)
    assert len(first.value.members) == 2
    assert lab.clock.monotonic_ms() == 6_000


def test_initial_delay_ends_with_rebalance_timeout(make_lab):
    """However many come, the first members do not wait for longer than the rebalance timeout."""
    lab = make_lab(initial_rebalance_delay_ms=3_000)
    first = lab.ask_join(version=3, rebalance_timeout_ms=7_000)
    for _ in range(20):
        lab.clock.advance(500)
        if first.done:
            break
        lab.ask_join(version=3, rebalance_timeout_ms=7_000)

    assert first.done
    assert lab.clock.monotonic_ms() == 7_000


def test_join_version_0_uses_session_timeout_for_rebalance(lab):
    """Version 0 has no rebalance timeout: members have their session timeout to rejoin."""
    leader = lab.ask_join(version=0, session_timeout_ms=6_000, rebalance_timeout_ms=-1)
    lab.clock.advance(0)
    lab.sync(leader.value, {}, protocol_type=None)
    newcomer = lab.ask_join(version=0, session_timeout_ms=6_000, rebalance_timeout_ms=-1)
    lab.clock.advance(6_000)

    assert newcomer.value.leader == newcomer.value.member_id


def test_join_is_refused_when_new_group_cannot_be_stored(lab):
    """A group whose first record is refused by the log is not made."""
    lab.log.refuse = ErrorCode.NOT_ENOUGH_REPLICAS

    assert lab.ask_join(version=3).value.error_code == ErrorCode.COORDINATOR_NOT_AVAILABLE
    assert lab.describe().error_code == ErrorCode.GROUP_ID_NOT_FOUND


def test_new_member_who_hangs_up_is_removed_after_five_minutes(lab):
    """A new member cannot send heartbeats while it waits, so its place is kept for five minutes only."""
    leader = lab.stable_group(rebalance_timeout_ms=600_000, session_timeout_ms=600_000)[0]
    waiting = lab.join(rebalance_timeout_ms=600_000)
    lab.clock.advance(300_000)

    assert waiting.value.error_code == ErrorCode.UNKNOWN_MEMBER_ID
    assert lab.heartbeat(leader.member_id, leader.generation_id) == ErrorCode.REBALANCE_IN_PROGRESS
