"""The group's own rules, without coordinator: transitions, leaders, votes."""

from __future__ import annotations

import itertools

import pytest

from kit.broker.clock import VirtualClock
from kit.broker.deferred import Deferred
from kit.broker.groups import GroupConfig
from kit.broker.groups.group import PREVIOUS_STATES, Group, GroupState
from kit.broker.groups.member import Member
from kit.broker.groups.shard import Shard


def member(member_id: str, *protocols: str, protocol_type: str = "consumer") -> Member:
    """A dynamic member that knows these protocols."""
    metadata = dict.fromkeys(protocols or ("range",), b"")
    return Member(member_id, None, "client", "/127.0.0.1", 60_000, 10_000, protocol_type, metadata)


@pytest.mark.parametrize(("state", "target"), list(itertools.product(GroupState, GroupState)))
def test_transition_follows_table(state, target):
    """A transition that is not in the table is a bug and does not go unnoticed."""
    group = Group("g", state)
    if state in PREVIOUS_STATES[target]:
        group.transition_to(target, 7)
        assert (group.state, group.previous_state, group.state_timestamp_ms) == (target, state, 7)
    else:
        with pytest.raises(AssertionError, match=f"g cannot go from {state} to {target}"):
            group.transition_to(target, 7)


def test_group_without_members_has_no_leader():
    """The next member leads when the leader goes; nobody leads nobody."""
    group = Group("g")
    group.add(member("a"))
    group.add(member("b"))
    assert group.leader_id == "a"

    group.remove("a")
    assert group.leader_id == "b"
    group.remove("b")
    assert group.leader_id is None


def test_equal_votes_are_decided_by_first_vote():
    """The choice of a protocol does not depend on chance."""
    group = Group("g")
    group.add(member("a", "sticky", "range"))
    group.add(member("b", "range", "sticky"))

    assert group.select_protocol() == "sticky"


def test_group_emptied_in_rebalance_supports_any_protocol_of_its_type():
    """When all members left during a rebalance, a newcomer need not agree with anybody."""
    group = Group("g")
    group.add(member("a"))
    group.transition_to(GroupState.PREPARING_REBALANCE, 0)
    group.remove("a")

    assert group.supports("consumer", ["own"])
    assert not group.supports("connect", ["own"])


def test_answers_leave_at_end_of_outermost_turn():
    """Nobody hears of a change before all of it is done."""
    shard = Shard(0, 0, config=GroupConfig(), clock=VirtualClock(), log=None, new_id=str)
    answer: Deferred[int] = Deferred()
    with shard.turn():
        shard.answer(answer, 1)
        with shard.turn():
            pass
        assert not answer.done

    assert answer.value == 1
