"""ListGroups and DescribeGroups: what tools see of a group.

Source: KIP-518 (states), KIP-848 (types), KIP-1043 (a missing group is an error since v6 of DescribeGroups).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from kit.broker.groups.group import Group, GroupState
from kit.broker.groups.member import Member
from kit.broker.groups.shard import Shard
from kit.wire import messages as m
from kit.wire.errors import ErrorCode

_CLASSIC = "classic"
_NOT_FOUND_IS_AN_ERROR_SINCE = 6
# READ, DELETE, DESCRIBE, DESCRIBE_CONFIGS and ALTER_CONFIGS: without an authorizer everybody may do all of it.
_ALL_OPERATIONS = sum(1 << operation for operation in (3, 6, 8, 10, 11))


def list_groups(shard: Shard, states: Collection[str], types: Collection[str]) -> Iterator[m.ListedGroup]:
    """The groups of one shard in one of ``states`` and of one of ``types`` (empty: any; case does not matter)."""
    wanted_states = {state.lower() for state in states}
    wanted_types = {each.lower() for each in types}
    if wanted_types and _CLASSIC not in wanted_types:
        return
    for group in shard.groups.values():
        if not wanted_states or group.state.lower() in wanted_states:
            yield m.ListedGroup(
                group_id=group.group_id,
                protocol_type=group.protocol_type or "",
                group_state=group.state.value,
                group_type=_CLASSIC,
            )


def describe_group(
    shard: Shard, group_id: str, api_version: int, include_authorized_operations: bool
) -> m.DescribeGroupsResponse.DescribedGroup:
    """One group with its members."""
    group = shard.groups.get(group_id)
    described = _describe_missing(group_id, api_version) if group is None else _describe(group)
    if include_authorized_operations and described.error_code == ErrorCode.NONE:
        described.authorized_operations = _ALL_OPERATIONS
    return described


def _describe_missing(group_id: str, api_version: int) -> m.DescribeGroupsResponse.DescribedGroup:
    described = m.DescribeGroupsResponse.DescribedGroup(group_id=group_id, group_state=GroupState.DEAD.value)
    if api_version >= _NOT_FOUND_IS_AN_ERROR_SINCE:
        described.error_code = ErrorCode.GROUP_ID_NOT_FOUND
        described.error_message = f"Group {group_id} not found."
    return described


def _describe(group: Group) -> m.DescribeGroupsResponse.DescribedGroup:
    stable = group.state is GroupState.STABLE
    return m.DescribeGroupsResponse.DescribedGroup(
        group_id=group.group_id,
        group_state=group.state.value,
        protocol_type=group.protocol_type or "",
        protocol_data=group.protocol_name or "" if stable else "",
        members=[_describe_member(group, member, stable) for member in group.members.values()],
    )


def _describe_member(group: Group, member: Member, stable: bool) -> m.DescribedGroupMember:
    """Subscription and assignment are shown only while the group is stable: before, they are about to change."""
    return m.DescribedGroupMember(
        member_id=member.member_id,
        group_instance_id=member.group_instance_id,
        client_id=member.client_id,
        client_host=member.client_host,
        member_metadata=member.metadata(group.protocol_name) if stable else b"",
        member_assignment=member.assignment if stable else b"",
    )
