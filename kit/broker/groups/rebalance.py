"""How a group gets from one generation to the next: who is waited for, for how long, and who is told what.

A rebalance has two halves. First everybody rejoins (PreparingRebalance), until all have or the time is up. Then the
leader sends the assignment (CompletingRebalance), and everybody asks for their part of it.
Source: KIP-62, KIP-134 (initial delay), KIP-559; ``GroupMetadataManager.prepareRebalance`` and what it calls.
"""

from __future__ import annotations

import logging

from kit.broker.groups.group import Group, GroupState
from kit.broker.groups.member import Member
from kit.broker.groups.records import group_snapshot
from kit.broker.groups.shard import Shard
from kit.wire import messages as m
from kit.wire.errors import ErrorCode

_log = logging.getLogger(__name__)

# With members that allow 0 ms for a rebalance, waiting for them again would otherwise be an endless loop.
_MIN_REJOIN_WAIT_MS = 100


def members_for_leader(group: Group) -> list[m.JoinGroupResponseMember]:
    """What the leader needs to make an assignment: every member with its subscription."""
    return [
        m.JoinGroupResponseMember(
            member_id=member.member_id,
            group_instance_id=member.group_instance_id,
            metadata=member.metadata(group.protocol_name),
        )
        for member in group.members.values()
    ]


def current_generation(group: Group, member: Member) -> m.JoinGroupResponse:
    """The answer to a JoinGroup of this member, as the group stands."""
    leads = group.leader_id == member.member_id
    return m.JoinGroupResponse(
        generation_id=group.generation_id,
        protocol_type=group.protocol_type,
        protocol_name=group.protocol_name,
        leader=group.leader_id or "",
        member_id=member.member_id,
        members=members_for_leader(group) if leads else [],
    )


def current_assignment(group: Group, member: Member) -> m.SyncGroupResponse:
    """The answer to a SyncGroup of this member, as the group stands."""
    return m.SyncGroupResponse(
        protocol_type=group.protocol_type, protocol_name=group.protocol_name, assignment=member.assignment
    )


def answer_join(shard: Shard, member: Member, response: m.JoinGroupResponse) -> None:
    """Answer the JoinGroup that waits for this member, if there is one."""
    if member.awaiting_join is not None:
        shard.answer(member.awaiting_join, response)
        member.awaiting_join = None


def answer_sync(shard: Shard, member: Member, response: m.SyncGroupResponse) -> bool:
    """Answer the SyncGroup that waits for this member; whether there was one."""
    if member.awaiting_sync is None:
        return False
    shard.answer(member.awaiting_sync, response)
    member.awaiting_sync = None
    return True


def start_session(shard: Shard, group: Group, member: Member, timeout_ms: int | None = None) -> None:
    """Expect a sign of life from a member who has just been added; after ``timeout_ms`` if given."""
    member.session = shard.deadline(lambda: _expire_session(shard, group, member))
    member.keep_alive(timeout_ms)


def rebalance_or_complete(shard: Shard, group: Group, reason: str) -> None:
    """Something changed: start a rebalance, or see whether the one in progress can go on."""
    if group.can_rebalance:
        prepare(shard, group, reason)
    else:
        complete_if_all_joined(shard, group)


def prepare(shard: Shard, group: Group, reason: str) -> None:
    """Start a rebalance: wait for all members to rejoin."""
    _log.info("group %s: preparing to rebalance, generation %d: %s", group.group_id, group.generation_id, reason)
    was = group.state
    group.transition_to(GroupState.PREPARING_REBALANCE, shard.clock.time_ms())
    if was is GroupState.COMPLETING_REBALANCE:
        _refuse_syncs(shard, group, ErrorCode.REBALANCE_IN_PROGRESS)
    _stop_waiting_for_syncs(group)
    if was is GroupState.EMPTY:
        delay_ms = shard.config.initial_rebalance_delay_ms
        _wait_for_first_members(shard, group, delay_ms, max(group.rebalance_timeout_ms - delay_ms, 0))
    elif group.all_members_joined:
        complete_join(shard, group)
    else:
        _wait_for_joins(shard, group, group.rebalance_timeout_ms)


def complete_if_all_joined(shard: Shard, group: Group) -> None:
    """End the first half of a rebalance when nobody is missing; a new group waits for its delay all the same."""
    preparing = group.state is GroupState.PREPARING_REBALANCE
    if preparing and group.previous_state is not GroupState.EMPTY and group.all_members_joined:
        complete_join(shard, group)


def complete_join(shard: Shard, group: Group) -> None:
    """End the first half of a rebalance: who is not back is out (static members excepted), the rest go on."""
    if group.join_deadline is not None:
        group.join_deadline.cancel()
    for member in list(group.members.values()):
        if member.awaiting_join is None and not member.is_static:
            _log.info("group %s: member %s did not rejoin in time", group.group_id, member.member_id)
            group.remove(member.member_id)
    if group.members and not group.elect_joined_leader():
        # Only static members are left and none is back: their sessions decide, until then there is no generation.
        _wait_for_joins(shard, group, max(group.rebalance_timeout_ms, _MIN_REJOIN_WAIT_MS))
        return
    group.next_generation(shard.clock.time_ms())
    if group.state is GroupState.EMPTY:
        shard.write([group_snapshot(group, {})], lambda code: _log_failed_write(group, code))
    else:
        _begin_generation(shard, group)


def finish(shard: Shard, group: Group, assignments: dict[str, bytes]) -> None:
    """End the second half of a rebalance: the assignment is in the log, so everybody may know it."""
    group.transition_to(GroupState.STABLE, shard.clock.time_ms())
    for member in group.members.values():
        member.assignment = assignments.get(member.member_id, b"")
        if answer_sync(shard, member, current_assignment(group, member)):
            member.keep_alive()


def fail_sync(shard: Shard, group: Group, code: ErrorCode) -> None:
    """The assignment could not be written: tell everybody and begin again."""
    _refuse_syncs(shard, group, code)
    prepare(shard, group, f"the assignment could not be stored ({code.name})")


def expire_pending_join(shard: Shard, group: Group, member_id: str) -> None:
    """A member was given a member_id and did not come back with it."""
    group.remove(member_id)
    if group.state is GroupState.PREPARING_REBALANCE and group.all_members_joined:
        complete_join(shard, group)


def remove_member(shard: Shard, group: Group, member: Member) -> None:
    """Take a member out; what it waits for is answered with UNKNOWN_MEMBER_ID. The caller sees to the rebalance."""
    answer_join(shard, member, m.JoinGroupResponse(error_code=ErrorCode.UNKNOWN_MEMBER_ID))
    answer_sync(shard, member, m.SyncGroupResponse(error_code=ErrorCode.UNKNOWN_MEMBER_ID))
    group.remove(member.member_id)


def received_sync(group: Group, member_id: str) -> None:
    """Note that a member has asked for its assignment in this generation."""
    group.pending_syncs.discard(member_id)
    if not group.pending_syncs and group.sync_deadline is not None:
        group.sync_deadline.cancel()


def _begin_generation(shard: Shard, group: Group) -> None:
    _log.info("group %s: generation %d, %d members", group.group_id, group.generation_id, len(group.members))
    group.pending_syncs = set(group.members)
    generation_id = group.generation_id
    group.sync_deadline = shard.deadline(
        lambda: _expire_pending_syncs(shard, group, generation_id), group.rebalance_timeout_ms
    )
    for member in group.members.values():
        answer_join(shard, member, current_generation(group, member))
        member.keep_alive()
        member.is_new = False


def _wait_for_joins(shard: Shard, group: Group, delay_ms: int) -> None:
    group.join_deadline = shard.deadline(lambda: complete_join(shard, group), delay_ms)


def _wait_for_first_members(shard: Shard, group: Group, delay_ms: int, remaining_ms: int) -> None:
    """Give the members of a new group time to come together; each newcomer extends it (KIP-134)."""

    def try_complete() -> None:
        if not (group.new_member_added and remaining_ms):
            complete_join(shard, group)
            return
        group.new_member_added = False
        next_ms = min(shard.config.initial_rebalance_delay_ms, remaining_ms)
        _wait_for_first_members(shard, group, next_ms, max(remaining_ms - delay_ms, 0))

    group.join_deadline = shard.deadline(try_complete, delay_ms)


def _stop_waiting_for_syncs(group: Group) -> None:
    group.pending_syncs.clear()
    if group.sync_deadline is not None:
        group.sync_deadline.cancel()


def _refuse_syncs(shard: Shard, group: Group, code: ErrorCode) -> None:
    for member in group.members.values():
        member.assignment = b""
        if answer_sync(shard, member, m.SyncGroupResponse(error_code=code)):
            member.keep_alive()


def _expire_session(shard: Shard, group: Group, member: Member) -> None:
    if member.needs_no_heartbeat:
        return  # its session starts anew when it gets its answer
    _log.info("group %s: member %s sent no heartbeat in time", group.group_id, member.member_id)
    remove_member(shard, group, member)
    if group.can_rebalance:
        prepare(shard, group, f"the session of member {member.member_id} expired")
    elif group.all_members_joined:
        complete_join(shard, group)


def _expire_pending_syncs(shard: Shard, group: Group, generation_id: int) -> None:
    if generation_id != group.generation_id or not group.pending_syncs:
        return
    missing = list(group.pending_syncs)
    for member_id in missing:
        remove_member(shard, group, group.members[member_id])
    prepare(shard, group, f"no SyncGroup from {', '.join(missing)} within the rebalance timeout")


def _log_failed_write(group: Group, code: ErrorCode) -> None:
    if code is not ErrorCode.NONE:
        _log.warning("group %s: generation %d was not stored: %s", group.group_id, group.generation_id, code.name)
