"""JoinGroup: how a member gets into a group, and when its coming makes the others rejoin.

Source: KIP-62, KIP-345 (static members), KIP-389 (group.max.size), KIP-394 (MEMBER_ID_REQUIRED), KIP-814 (a static
leader that may skip the assignment); ``GroupMetadataManager.classicGroupJoin``.
"""

from __future__ import annotations

import functools

from kit.broker.deferred import Deferred
from kit.broker.groups import rebalance
from kit.broker.groups.group import Group, GroupState
from kit.broker.groups.member import Member
from kit.broker.groups.records import group_snapshot
from kit.broker.groups.shard import Requester, Shard
from kit.wire import messages as m
from kit.wire.errors import BrokerError, ErrorCode

UNKNOWN_MEMBER_ID = ""  # what a member sends that has no member_id yet

_MEMBER_ID_REQUIRED_SINCE = 4
_SKIP_ASSIGNMENT_SINCE = 9
# A new member cannot send heartbeats while its JoinGroup waits, so a client that gave up is noticed after this time.
_NEW_MEMBER_JOIN_TIMEOUT_MS = 300_000


class Join:
    """One JoinGroup request on its way to an answer."""

    def __init__(self, shard: Shard, request: m.JoinGroupRequest, requester: Requester) -> None:
        self.shard = shard
        self.request = request
        self.requester = requester
        self.answer: Deferred[m.JoinGroupResponse] = Deferred()
        self.protocols = {protocol.name: protocol.metadata for protocol in request.protocols}
        # Version 0 has one timeout for both.
        no_rebalance_timeout = requester.api_version == 0
        self.rebalance_timeout_ms = request.session_timeout_ms if no_rebalance_timeout else request.rebalance_timeout_ms

    def run(self) -> Deferred[m.JoinGroupResponse]:
        """Find or make the group and let the member in."""
        member_id = self.request.member_id
        group = self.shard.groups.get(self.request.group_id)
        if group is None:
            if member_id != UNKNOWN_MEMBER_ID:
                return self._refuse(ErrorCode.UNKNOWN_MEMBER_ID, member_id)
            self._create_group()
        elif not self._has_room(group):
            group.remove(member_id)
            return self._refuse(ErrorCode.GROUP_MAX_SIZE_REACHED)
        else:
            self._enter(group)
        return self.answer

    def _create_group(self) -> None:
        group = Group(self.request.group_id, now_ms=self.shard.clock.time_ms())
        self.shard.groups[group.group_id] = group
        empty = group_snapshot(group, {})
        self._enter(group)

        def stored(code: ErrorCode) -> None:
            if code is not ErrorCode.NONE and group.generation_id == 0 and group.state is not GroupState.DEAD:
                self.shard.bury(group, code)

        self.shard.write([empty], stored)

    def _enter(self, group: Group) -> None:
        if not group.supports(self.request.protocol_type, self.protocols):
            self._refuse(ErrorCode.INCONSISTENT_GROUP_PROTOCOL, self.request.member_id)
        elif self.request.member_id == UNKNOWN_MEMBER_ID:
            self._enter_without_member_id(group)
        else:
            self._enter_with_member_id(group)

    def _has_room(self, group: Group) -> bool:
        member = group.members.get(self.request.member_id)
        max_size = self.shard.config.max_size
        if group.state is GroupState.EMPTY:
            return True
        if group.state is GroupState.PREPARING_REBALANCE:
            # Counting those who are back lets a group that is too big shrink: the last ones to rejoin are refused.
            return (member is not None and member.awaiting_join is not None) or group.awaiting_join_count < max_size
        return member is not None or len(group.members) < max_size

    def _enter_without_member_id(self, group: Group) -> None:
        instance_id = self.request.group_instance_id
        prefix = (self.requester.client_id or "") if instance_id is None else instance_id
        member_id = f"{prefix}-{self.shard.new_id()}"
        if instance_id is not None:
            old_id = group.static_members.get(instance_id)
            if old_id is None:
                self._add(group, member_id)
            else:
                self._replace_static(group, group.members[old_id], member_id)
        elif self.requester.api_version >= _MEMBER_ID_REQUIRED_SINCE:
            self._ask_to_return(group, member_id)
        else:
            self._add(group, member_id)

    def _ask_to_return(self, group: Group, member_id: str) -> None:
        """Hand out a member_id and wait for the member to come back with it, so that a lost answer leaves no ghost."""
        give_up = functools.partial(rebalance.expire_pending_join, self.shard, group, member_id)
        group.pending_joins[member_id] = self.shard.deadline(give_up, self.request.session_timeout_ms)
        self._refuse(ErrorCode.MEMBER_ID_REQUIRED, member_id)

    def _enter_with_member_id(self, group: Group) -> None:
        member_id = self.request.member_id
        if member_id in group.pending_joins:
            if self.request.group_instance_id is not None:
                # Only a dynamic member is ever sent away with a member_id; Kafka treats this as a broken client too.
                self._refuse(ErrorCode.UNKNOWN_SERVER_ERROR, member_id)
            else:
                self._add(group, member_id)
            return
        try:
            member = group.validate_member(member_id, self.request.group_instance_id)
        except BrokerError as error:
            self._refuse(error.code, member_id)
            return
        self._rejoin(group, member)

    def _rejoin(self, group: Group, member: Member) -> None:
        """A member joins again: everybody has to, or it is only told how things stand."""
        changed = not member.has_protocols(self.protocols)
        # A leader rejoins to have the topics assigned anew, e.g. when one of them got more partitions.
        leader_asks = group.state is GroupState.STABLE and group.leader_id == member.member_id
        if group.state is GroupState.PREPARING_REBALANCE or changed or leader_asks:
            self._update(member)
            rebalance.rebalance_or_complete(self.shard, group, f"{member.member_id} rejoins: {self._reason}")
        else:
            self.shard.answer(self.answer, rebalance.current_generation(group, member))

    @property
    def _reason(self) -> str:
        return self.request.reason or "not provided"

    def _update(self, member: Member) -> None:
        member.protocols = self.protocols
        member.rebalance_timeout_ms = self.rebalance_timeout_ms
        member.session_timeout_ms = self.request.session_timeout_ms
        member.awaiting_join = self.answer

    def _new_member(self, member_id: str) -> Member:
        return Member(
            member_id,
            self.request.group_instance_id,
            self.requester.client_id or "",
            f"/{self.requester.client_host}",  # as Java writes an address: tools show it so
            self.rebalance_timeout_ms,
            self.request.session_timeout_ms,
            self.request.protocol_type,
            self.protocols,
        )

    def _add(self, group: Group, member_id: str) -> None:
        member = self._new_member(member_id)
        member.is_new = True
        member.awaiting_join = self.answer
        if group.state is GroupState.PREPARING_REBALANCE and group.previous_state is GroupState.EMPTY:
            group.new_member_added = True
        group.add(member)
        rebalance.start_session(self.shard, group, member, _NEW_MEMBER_JOIN_TIMEOUT_MS)
        rebalance.rebalance_or_complete(self.shard, group, f"new member {member_id}: {self._reason}")

    def _replace_static(self, group: Group, old: Member, member_id: str) -> None:
        """A static member is back after a restart: it gets its old place under a new member_id."""
        fenced = ErrorCode.FENCED_INSTANCE_ID
        rebalance.answer_join(self.shard, old, m.JoinGroupResponse(error_code=fenced, member_id=old.member_id))
        rebalance.answer_sync(self.shard, old, m.SyncGroupResponse(error_code=fenced))
        member = self._new_member(member_id)
        member.client_id, member.client_host = old.client_id, old.client_host
        member.assignment = old.assignment
        member.awaiting_join = self.answer
        leader_before = group.leader_id
        group.replace_static_member(old, member)
        rebalance.start_session(self.shard, group, member)
        if group.state is GroupState.STABLE and group.select_protocol() == group.protocol_name:
            self._resume_static(group, old, member, leader_before)
        elif group.state is GroupState.PREPARING_REBALANCE:
            rebalance.complete_if_all_joined(self.shard, group)
        else:
            rebalance.prepare(self.shard, group, f"static member {member_id} is back: {self._reason}")

    def _resume_static(self, group: Group, old: Member, member: Member, leader_before: str | None) -> None:
        """No rebalance: the restarted member goes on with the assignment it had, once its new member_id is stored."""

        def stored(code: ErrorCode) -> None:
            if group.members.get(member.member_id) is not member:
                return  # gone or replaced again, and answered then
            if code is not ErrorCode.NONE:
                rebalance.answer_join(self.shard, member, m.JoinGroupResponse(error_code=code))
                group.replace_static_member(member, old)
                rebalance.start_session(self.shard, group, old)
                return
            response = rebalance.current_generation(group, member)
            if self.requester.api_version >= _SKIP_ASSIGNMENT_SINCE:
                response.skip_assignment = group.leader_id == member.member_id
            else:
                # An old client that is told that it leads would assign anew; with its old id as leader it does not.
                response.leader, response.members = leader_before or "", []
            rebalance.answer_join(self.shard, member, response)

        assignments = {each.member_id: each.assignment for each in group.members.values()}
        self.shard.write([group_snapshot(group, assignments)], stored)

    def _refuse(self, code: ErrorCode, member_id: str = UNKNOWN_MEMBER_ID) -> Deferred[m.JoinGroupResponse]:
        self.shard.answer(self.answer, m.JoinGroupResponse(error_code=code, member_id=member_id))
        return self.answer
