"""One group: its state machine and its members. No timers, no answers, no log: `rebalance` has those.

Source: KIP-62 and Kafka's ``ClassicGroup``, ``ClassicGroupState``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from enum import StrEnum

from kit.broker.deadline import Deadline
from kit.broker.groups.member import Member
from kit.broker.groups.subscription import CONSUMER_PROTOCOL_TYPE, subscribed_topics
from kit.wire.errors import BrokerError, ErrorCode


class GroupState(StrEnum):
    """The states of a group, by the names that ListGroups shows."""

    EMPTY = "Empty"
    PREPARING_REBALANCE = "PreparingRebalance"
    COMPLETING_REBALANCE = "CompletingRebalance"
    STABLE = "Stable"
    DEAD = "Dead"


# state -> the states from which it can be reached
#
#   Empty <-> PreparingRebalance -> CompletingRebalance -> Stable
#                    ^                      |                |
#                    +----------------------+----------------+
PREVIOUS_STATES: dict[GroupState, frozenset[GroupState]] = {
    GroupState.EMPTY: frozenset({GroupState.PREPARING_REBALANCE}),
    GroupState.PREPARING_REBALANCE: frozenset(
        {GroupState.EMPTY, GroupState.COMPLETING_REBALANCE, GroupState.STABLE},
    ),
    GroupState.COMPLETING_REBALANCE: frozenset({GroupState.PREPARING_REBALANCE}),
    GroupState.STABLE: frozenset({GroupState.COMPLETING_REBALANCE}),
    GroupState.DEAD: frozenset(GroupState),
}


class Group:
    """A classic group.

    ``generation_id`` counts rebalances: a member with another one has missed a rebalance. ``protocol_name`` is the
    assignor that the members have agreed on. ``pending_joins`` are members who were given a member_id and have not
    come back with it yet (KIP-394); ``pending_syncs`` are the members of this generation who have not asked for their
    assignment yet.
    """

    def __init__(self, group_id: str, state: GroupState = GroupState.EMPTY, now_ms: int | None = None) -> None:
        self.group_id = group_id
        self.state = state
        self.previous_state = state
        self.state_timestamp_ms = now_ms
        self.generation_id = 0
        self.protocol_type: str | None = None
        self.protocol_name: str | None = None
        self.leader_id: str | None = None
        self.members: dict[str, Member] = {}
        self.static_members: dict[str, str] = {}  # group_instance_id -> member_id
        self.pending_joins: dict[str, Deadline] = {}
        self.pending_syncs: set[str] = set()
        self.subscribed_topics: frozenset[str] | None = None
        self.new_member_added = False
        self.join_deadline: Deadline | None = None
        self.sync_deadline: Deadline | None = None

    def transition_to(self, state: GroupState, now_ms: int) -> None:
        """Change the state; a transition that the table does not know is a bug of ours (``AssertionError``)."""
        if self.state not in PREVIOUS_STATES[state]:
            raise AssertionError(f"group {self.group_id} cannot go from {self.state} to {state}")
        self.previous_state, self.state = self.state, state
        self.state_timestamp_ms = now_ms

    @property
    def can_rebalance(self) -> bool:
        """Whether a rebalance can start now, i.e. none is being prepared already."""
        return self.state in PREVIOUS_STATES[GroupState.PREPARING_REBALANCE]

    @property
    def uses_consumer_protocol(self) -> bool:
        """Whether its members are consumers (Kafka Connect's workers, for example, are not)."""
        return self.protocol_type == CONSUMER_PROTOCOL_TYPE

    @property
    def rebalance_timeout_ms(self) -> int:
        """The longest time that one of its members may need to rejoin."""
        return max((member.rebalance_timeout_ms for member in self.members.values()), default=0)

    @property
    def awaiting_join_count(self) -> int:
        """How many members wait for the rebalance to complete."""
        return sum(member.awaiting_join is not None for member in self.members.values())

    @property
    def all_members_joined(self) -> bool:
        """Whether a rebalance has nobody left to wait for."""
        return not self.pending_joins and all(member.awaiting_join for member in self.members.values())

    def add(self, member: Member) -> None:
        """Take a member in; the first one brings the protocol type and leads."""
        if member.group_instance_id is not None:
            self.static_members[member.group_instance_id] = member.member_id
        if not self.members:
            self.protocol_type = member.protocol_type
        if self.leader_id is None:
            self.leader_id = member.member_id
        self.members[member.member_id] = member
        self.drop_pending(member.member_id)

    def remove(self, member_id: str) -> None:
        """Let a member or a pending member go; another member leads when it was the leader."""
        self.drop_pending(member_id)
        self.pending_syncs.discard(member_id)
        member = self.members.pop(member_id, None)
        if member is None:
            return
        member.end_session()
        if member.group_instance_id is not None:
            self.static_members.pop(member.group_instance_id, None)
        if self.leader_id == member_id:
            self.leader_id = next(iter(self.members), None)

    def drop_pending(self, member_id: str) -> None:
        """Stop waiting for a member who was given a member_id."""
        deadline = self.pending_joins.pop(member_id, None)
        if deadline is not None:
            deadline.cancel()

    def replace_static_member(self, old: Member, new: Member) -> None:
        """Give the place of a static member to its restarted self (KIP-345)."""
        leads = self.leader_id == old.member_id
        self.remove(old.member_id)
        self.add(new)
        if leads:
            self.leader_id = new.member_id

    def validate_member(self, member_id: str, group_instance_id: str | None) -> Member:
        """The member by this id.

        Raises:
            BrokerError: FENCED_INSTANCE_ID when another process now runs under this instance id, UNKNOWN_MEMBER_ID.
        """
        if group_instance_id is not None:
            current_id = self.static_members.get(group_instance_id)
            if current_id is None:
                raise BrokerError(ErrorCode.UNKNOWN_MEMBER_ID)
            if current_id != member_id:
                raise BrokerError(ErrorCode.FENCED_INSTANCE_ID)
        member = self.members.get(member_id)
        if member is None:
            raise BrokerError(ErrorCode.UNKNOWN_MEMBER_ID)
        return member

    def supports(self, protocol_type: str, protocols: Collection[str]) -> bool:
        """Whether somebody with these protocols could be a member together with those that are."""
        if self.state is GroupState.EMPTY:
            return bool(protocol_type and protocols)
        if protocol_type != self.protocol_type:
            return False
        return not self.members or not self.candidate_protocols().isdisjoint(protocols)

    def candidate_protocols(self) -> set[str]:
        """The protocols that every member supports."""
        supported = [set(member.protocols) for member in self.members.values()]
        return set.intersection(*supported) if supported else set()

    def select_protocol(self) -> str:
        """Let the members vote; with equal votes the one that got the first vote wins."""
        candidates = self.candidate_protocols()
        votes = Counter(member.vote(candidates) for member in self.members.values())
        return votes.most_common(1)[0][0]

    def elect_joined_leader(self) -> bool:
        """Make sure that the leader is a member who has rejoined; False when there is none."""
        leader = self.members.get(self.leader_id or "")
        if leader is not None and leader.awaiting_join is not None:
            return True
        for member in self.members.values():
            if member.awaiting_join is not None:
                self.leader_id = member.member_id
                return True
        return False

    def next_generation(self, now_ms: int) -> None:
        """Begin the next generation with the members that there are."""
        self.generation_id += 1
        self.pending_syncs.clear()
        self.protocol_name = self.select_protocol() if self.members else None
        self.subscribed_topics = self.find_subscribed_topics()
        self.transition_to(GroupState.COMPLETING_REBALANCE if self.members else GroupState.EMPTY, now_ms)

    def find_subscribed_topics(self) -> frozenset[str] | None:
        """All topics that its members want to read; None when the group does not say so in a way we understand."""
        if not self.uses_consumer_protocol:
            return None
        subscriptions = [subscribed_topics(member.metadata(self.protocol_name)) for member in self.members.values()]
        topics: set[str] = set()
        for subscription in subscriptions:
            if subscription is None:
                return None
            topics |= subscription
        return frozenset(topics)

    def is_subscribed_to(self, topic: str) -> bool:
        """Whether its members read ``topic``; a consumer group that cannot be understood may read any."""
        if self.subscribed_topics is None:
            return self.uses_consumer_protocol
        return topic in self.subscribed_topics

    def cancel_deadlines(self) -> None:
        """Let nothing happen by itself any more."""
        for member in self.members.values():
            member.end_session()
        for pending in self.pending_joins.values():
            pending.cancel()
        for deadline in (self.join_deadline, self.sync_deadline):
            if deadline is not None:
                deadline.cancel()
