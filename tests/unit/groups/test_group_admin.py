"""ListGroups, DescribeGroups and DeleteGroups."""

from __future__ import annotations

import pytest

from kit.broker.groups.coordinator import partition_for
from kit.wire import messages as m
from kit.wire.errors import ErrorCode


def listed(lab, states=(), types=()):
    """The states of the listed groups by group id."""
    request = m.ListGroupsRequest(states_filter=list(states), types_filter=list(types))
    return {each.group_id: each.group_state for each in lab.coordinator.list_groups(request).groups}


def delete_groups(lab, *groups):
    """Delete groups and give their error codes."""
    response = lab.coordinator.delete_groups(m.DeleteGroupsRequest(groups_names=list(groups)))
    return {each.group_id: each.error_code for each in response.value.results}


@pytest.mark.parametrize(
    ("filters", "groups"),
    [
        ({}, {"g": "Stable", "h": "Empty", "i": "CompletingRebalance"}),
        ({"states": ["stable", "EMPTY"]}, {"g": "Stable", "h": "Empty"}),
        ({"states": ["Nonsense"]}, {}),
        ({"types": ["Classic"]}, {"g": "Stable", "h": "Empty", "i": "CompletingRebalance"}),
        ({"types": ["consumer"]}, {}),
        ({"states": ["Stable"], "types": ["share", "classic"]}, {"g": "Stable"}),
    ],
)
def test_list_groups_filters(lab, filters, groups):
    """Groups are listed by state and type, whatever the case of the letters; an unknown filter finds nothing."""
    lab.stable_group()
    lab.commit({0: 1}, group="h")
    lab.join(group="i")

    assert listed(lab, **filters) == groups


def test_list_groups_shows_protocol_type(lab):
    """Consumers are told from other members."""
    lab.stable_group()
    lab.commit({0: 1}, group="h")
    groups = lab.coordinator.list_groups(m.ListGroupsRequest()).groups

    assert {each.group_id: (each.protocol_type, each.group_type) for each in groups} == {
        "g": ("consumer", "classic"),
        "h": ("", "classic"),
    }


def test_describe_stable_group(lab):
    """A stable group shows its assignor and each member's address, subscription and assignment."""
    leader = lab.stable_group(protocols={"range": b"want"})[0]

    described = lab.describe()
    member = described.members[0]

    assert (described.group_state, described.protocol_type, described.protocol_data) == ("Stable", "consumer", "range")
    assert (member.member_id, member.client_id, member.client_host) == (leader.member_id, "client", "/127.0.0.1")
    assert (member.member_metadata, member.member_assignment) == (b"want", leader.member_id.encode())
    assert described.authorized_operations == -(2**31)


def test_describe_group_that_rebalances_hides_what_changes(lab):
    """During a rebalance neither subscription nor assignment means anything."""
    lab.stable_group()
    lab.join()

    described = lab.describe()

    assert (described.group_state, described.protocol_data) == ("PreparingRebalance", "")
    assert {(each.member_metadata, each.member_assignment) for each in described.members} == {(b"", b"")}


@pytest.mark.parametrize(
    ("version", "code", "message"),
    [(5, ErrorCode.NONE, None), (6, ErrorCode.GROUP_ID_NOT_FOUND, "Group g not found.")],
)
def test_describe_missing_group(lab, version, code, message):
    """A missing group is Dead; since v6 it is an error, with a text (KIP-1043)."""
    described = lab.describe(version=version)

    assert (described.group_state, described.error_code, described.error_message) == ("Dead", code, message)


def test_describe_shows_operations_when_asked(lab):
    """Without an authorizer everybody may do everything that can be done with a group."""
    lab.commit({0: 1})
    request = m.DescribeGroupsRequest(groups=["g", "h"], include_authorized_operations=True)

    client = type("Client", (), {"api_version": 6})
    operations = [each.authorized_operations for each in lab.coordinator.describe_groups(request, client).groups]

    assert operations == [0b1101_0100_1000, -(2**31)]


def test_delete_groups(lab):
    """Only groups without members are deleted, with everything they have committed, and they stay deleted."""
    lab.stable_group()
    lab.commit({0: 1, 1: 1}, group="h")

    assert delete_groups(lab, "g", "h", "i") == {
        "g": ErrorCode.NON_EMPTY_GROUP,
        "h": ErrorCode.NONE,
        "i": ErrorCode.GROUP_ID_NOT_FOUND,
    }
    for _ in range(2):
        assert listed(lab) == {"g": "Stable"}
        assert lab.committed("h") == {}
        lab.fail_over()


def test_delete_of_no_groups_is_answered(lab):
    """An empty list is answered with an empty list."""
    assert delete_groups(lab) == {}


def test_deleted_group_can_be_used_again(lab):
    """A group id is not burnt by its deletion."""
    lab.commit({0: 1}, group="g")
    delete_groups(lab, "g")
    lab.stable_group()
    lab.fail_over()

    assert lab.state() == "Stable"
    assert lab.committed() == {}


def test_group_that_is_joined_while_it_is_deleted_lives(lab):
    """A member who comes between a deletion and its commit keeps the group alive."""
    lab.commit({0: 1})
    lab.log.hold = True
    lab.coordinator.delete_groups(m.DeleteGroupsRequest(groups_names=["g"]))
    waiting = lab.ask_join(version=3)
    lab.log.release()
    lab.clock.advance(0)

    assert waiting.value.generation_id == 1
    assert lab.committed() == {}


@pytest.mark.parametrize(
    ("group", "partition"),
    [
        ("", 0),
        ("a", 47),  # hashCode 97
        ("my-group", 12),
        ("console-consumer-12345", 6),
        ("polygenelubricants", 0),  # hashCode -2147483648, which has no absolute value
        ("Gruppe-ä-\N{GRINNING FACE}", 40),
    ],
)
def test_partition_for_group_is_javas(group, partition):
    """The coordinator of a group is found as Java finds it (its own numbers): logs can be moved from and to Apache."""
    assert partition_for(group, 50) == partition
