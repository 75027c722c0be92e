"""SyncGroup, Heartbeat and LeaveGroup: what members do between joining and being gone.

Source: KIP-62, KIP-345 (leaving by instance id, several at once), KIP-559 (protocol checks in SyncGroup);
``GroupMetadataManager.classicGroupSync``, ``classicGroupHeartbeat``, ``classicGroupLeave``.
"""

from __future__ import annotations

from kit.broker.deferred import Deferred
from kit.broker.groups import rebalance
from kit.broker.groups.group import Group, GroupState
from kit.broker.groups.join import UNKNOWN_MEMBER_ID
from kit.broker.groups.member import Member
from kit.broker.groups.records import group_snapshot
from kit.broker.groups.shard import Shard
from kit.wire import messages as m
from kit.wire.errors import BrokerError, ErrorCode


def sync_group(shard: Shard, request: m.SyncGroupRequest) -> Deferred[m.SyncGroupResponse]:
    """Take the leader's assignment, or let a member wait for its part of it.

    Raises:
        BrokerError: UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, ILLEGAL_GENERATION, INCONSISTENT_GROUP_PROTOCOL,
            REBALANCE_IN_PROGRESS.
    """
    group = shard.group(request.group_id, ErrorCode.UNKNOWN_MEMBER_ID)
    member = group.validate_member(request.member_id, request.group_instance_id)
    if request.generation_id != group.generation_id:
        raise BrokerError(ErrorCode.ILLEGAL_GENERATION)
    _check_protocol(request.protocol_type, group.protocol_type)
    _check_protocol(request.protocol_name, group.protocol_name)
    if group.state is GroupState.PREPARING_REBALANCE:
        raise BrokerError(ErrorCode.REBALANCE_IN_PROGRESS)
    answer: Deferred[m.SyncGroupResponse] = Deferred()
    rebalance.received_sync(group, member.member_id)
    if group.state is GroupState.STABLE:
        shard.answer(answer, rebalance.current_assignment(group, member))
        return answer
    member.awaiting_sync = answer
    if group.leader_id == member.member_id:
        _store_assignment(shard, group, {each.member_id: each.assignment for each in request.assignments})
    return answer


def heartbeat(shard: Shard, request: m.HeartbeatRequest) -> None:
    """Keep a member's session alive.

    Raises:
        BrokerError: UNKNOWN_MEMBER_ID, FENCED_INSTANCE_ID, ILLEGAL_GENERATION, and REBALANCE_IN_PROGRESS, which tells
            the member to join again (its session is kept alive all the same).
    """
    group = shard.group(request.group_id, ErrorCode.UNKNOWN_MEMBER_ID)
    member = group.validate_member(request.member_id, request.group_instance_id)
    if request.generation_id != group.generation_id:
        raise BrokerError(ErrorCode.ILLEGAL_GENERATION)
    member.keep_alive()
    if group.state is GroupState.PREPARING_REBALANCE:
        raise BrokerError(ErrorCode.REBALANCE_IN_PROGRESS)


def leave_group(shard: Shard, group_id: str, leaving: list[m.MemberIdentity]) -> list[m.MemberResponse]:
    """Let members go, each with its own error code.

    Raises:
        BrokerError: UNKNOWN_MEMBER_ID when the group is not there.
    """
    group = shard.group(group_id, ErrorCode.UNKNOWN_MEMBER_ID)
    responses = []
    for identity in leaving:
        code = _leave(shard, group, identity)
        responses.append(
            m.MemberResponse(
                member_id=identity.member_id, group_instance_id=identity.group_instance_id, error_code=code
            )
        )
    gone = [response.member_id for response in responses if response.error_code == ErrorCode.NONE]
    if gone and group.state is not GroupState.EMPTY:
        rebalance.rebalance_or_complete(shard, group, f"members left: {', '.join(gone)}")
    return responses


def _check_protocol(requested: str | None, actual: str | None) -> None:
    if requested is not None and requested != actual:
        raise BrokerError(ErrorCode.INCONSISTENT_GROUP_PROTOCOL)


def _store_assignment(shard: Shard, group: Group, assignments: dict[str, bytes]) -> None:
    generation_id = group.generation_id

    def stored(code: ErrorCode) -> None:
        if group.state is not GroupState.COMPLETING_REBALANCE or group.generation_id != generation_id:
            return  # another rebalance has begun meanwhile
        if code is ErrorCode.NONE:
            rebalance.finish(shard, group, assignments)
        else:
            rebalance.fail_sync(shard, group, code)

    shard.write([group_snapshot(group, assignments)], stored)


def _leave(shard: Shard, group: Group, identity: m.MemberIdentity) -> ErrorCode:
    if identity.member_id in group.pending_joins:
        group.remove(identity.member_id)
        return ErrorCode.NONE
    try:
        member = _leaving_member(group, identity)
    except BrokerError as error:
        return error.code
    rebalance.remove_member(shard, group, member)
    return ErrorCode.NONE


def _leaving_member(group: Group, identity: m.MemberIdentity) -> Member:
    member_id = identity.member_id
    if member_id == UNKNOWN_MEMBER_ID and identity.group_instance_id is not None:
        # An administrator may remove a static member by its instance id alone.
        member_id = group.static_members.get(identity.group_instance_id, UNKNOWN_MEMBER_ID)
    return group.validate_member(member_id, identity.group_instance_id)
