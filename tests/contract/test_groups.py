"""The classic group protocol, request by request: joining, rebalances, members that are missed, static members."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kit.wire import messages as m
from kit.wire.errors import ErrorCode
from tests.contract.group_talk import RANGE, Groups, Joined
from tests.contract.talk import Talk
from tests.support.wait import wait_until

Unique = Callable[[str], str]
NONE = ErrorCode.NONE


def rebalanced(groups: Groups, first: Joined, *others: Joined) -> None:
    """Let others join a stable group, and everybody get a share from ``first``, its leader."""
    for other in others:
        groups.begin_join(other)
    wait_until(lambda: groups.heartbeat(first) == ErrorCode.REBALANCE_IN_PROGRESS, "the rebalance")
    groups.begin_join(first)
    answers = [groups.end_join(member) for member in (first, *others)]
    assert [answer.error_code for answer in answers] == [NONE] * len(answers)
    shares = {member.member_id: member.member_id.encode() for member in (first, *others)}
    for member in (first, *others):
        member.client.send(groups.sync_request(member, shares if member is first else None))
    for member in (first, *others):
        assert member.client.receive().assignment == member.member_id.encode()


# -- joining ---------------------------------------------------------------------------------------------------------


def test_new_member_gets_its_id_first(groups: Groups, group_id: str) -> None:
    """From version 4 on the id comes with MEMBER_ID_REQUIRED, and the member joins with it (KIP-394)."""
    member = groups.member(group_id)
    required = member.client.ask(groups.join_request(member))

    assert required.error_code == ErrorCode.MEMBER_ID_REQUIRED
    assert required.member_id.startswith("contract-")
    joined = member.client.ask(groups.join_request(member, member_id=required.member_id))
    assert (joined.error_code, joined.member_id) == (NONE, required.member_id)


def test_old_client_joins_at_once(groups: Groups, group_id: str) -> None:
    """Before version 4 a member gets its id with the generation."""
    member = groups.member(group_id)
    joined = member.client.ask(groups.join_request(member), 3)

    assert (joined.error_code, joined.generation_id) == (NONE, 1)
    assert joined.member_id.startswith("contract-")


def test_first_generation_is_1_and_its_only_member_leads(groups: Groups, group_id: str) -> None:
    """The leader gets the list of members with what they sent for the chosen assignor."""
    member = groups.member(group_id)
    (joined,) = groups.join(member)

    assert (joined.generation_id, joined.leader, joined.protocol_name) == (1, member.member_id, "range")
    assert [(each.member_id, each.metadata) for each in joined.members] == [(member.member_id, RANGE["range"])]


def test_only_the_leader_gets_the_members(groups: Groups, group_id: str) -> None:
    """The others wait for their share; everybody is in one generation."""
    first, second = groups.stable(group_id), groups.member(group_id)
    groups.begin_join(second)
    wait_until(lambda: groups.heartbeat(first) == ErrorCode.REBALANCE_IN_PROGRESS, "the rebalance")
    groups.begin_join(first)
    leader, follower = groups.end_join(first), groups.end_join(second)

    assert {each.member_id for each in leader.members} == {first.member_id, second.member_id}
    assert list(follower.members) == []
    assert (leader.generation_id, follower.generation_id) == (2, 2)
    assert leader.leader == follower.leader == first.member_id


def test_assignor_that_all_know_is_chosen(groups: Groups, group_id: str) -> None:
    """Each member votes for its favourite among those that all know."""
    first = groups.stable(group_id, protocols={"mine": b"1", "range": b"2"})
    second = groups.member(group_id, protocols={"yours": b"3", "range": b"4"})
    groups.begin_join(second)
    wait_until(lambda: groups.heartbeat(first) == ErrorCode.REBALANCE_IN_PROGRESS, "the rebalance")
    groups.begin_join(first)
    leader = groups.end_join(first)

    assert (leader.protocol_name, groups.end_join(second).protocol_name) == ("range", "range")
    assert {each.metadata for each in leader.members} == {b"2", b"4"}


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"protocol_type": "connect"}, ErrorCode.INCONSISTENT_GROUP_PROTOCOL),
        ({"protocols": []}, ErrorCode.INCONSISTENT_GROUP_PROTOCOL),
        ({"session_timeout_ms": 499}, ErrorCode.INVALID_SESSION_TIMEOUT),
        ({"session_timeout_ms": 1_800_001}, ErrorCode.INVALID_SESSION_TIMEOUT),
        ({"member_id": "stranger"}, ErrorCode.UNKNOWN_MEMBER_ID),
    ],
)
def test_impossible_member_is_refused(
    groups: Groups, group_id: str, options: dict[str, object], code: ErrorCode
) -> None:
    """Another kind of group, no assignor, a session timeout out of bounds, an id that nobody has."""
    groups.stable(group_id)
    member = groups.member(group_id, member_id="")

    assert ErrorCode(member.client.ask(groups.join_request(member, **options)).error_code) == code


def test_member_without_a_common_assignor_is_refused(groups: Groups, group_id: str) -> None:
    """Who knows none of what all others know cannot be in the group."""
    groups.stable(group_id)
    member = groups.member(group_id, protocols={"other": b""})

    assert member.client.ask(groups.join_request(member)).error_code == ErrorCode.INCONSISTENT_GROUP_PROTOCOL


def test_kind_and_assignor_are_asked_of_the_first_member_too(groups: Groups, group_id: str) -> None:
    """An empty protocol type or list makes no group."""
    member = groups.member(group_id)

    for options in ({"protocol_type": ""}, {"protocols": []}):
        answer = member.client.ask(groups.join_request(member, **options))
        assert answer.error_code == ErrorCode.INCONSISTENT_GROUP_PROTOCOL


def test_group_has_a_name(groups: Groups, group_id: str) -> None:
    """The empty group id is for consumers without a group."""
    member = groups.member(group_id)

    assert member.client.ask(groups.join_request(member, group_id="")).error_code == ErrorCode.INVALID_GROUP_ID


def test_group_is_full(groups: Groups, group_id: str) -> None:
    """group.max.size bounds the members; here it is 3."""
    first = groups.stable(group_id)
    rebalanced(groups, first, groups.member(group_id), groups.member(group_id))
    fourth = groups.member(group_id)
    answer = fourth.client.ask(groups.join_request(fourth))

    assert answer.error_code == ErrorCode.GROUP_MAX_SIZE_REACHED


# -- generations -----------------------------------------------------------------------------------------------------


def test_shares_are_handed_out(groups: Groups, group_id: str) -> None:
    """Each member gets from SyncGroup what the leader handed in for it, and can ask again."""
    first, second = groups.stable(group_id), groups.member(group_id)
    rebalanced(groups, first, second)

    assert groups.sync(second).assignment == second.member_id.encode()
    assert [groups.heartbeat(member) for member in (first, second)] == [NONE, NONE]


def test_member_that_does_not_sync_in_its_protocol_is_refused(groups: Groups, group_id: str) -> None:
    """Kind and assignor are named again, so that a mistake is noticed (KIP-559)."""
    member = groups.member(group_id)
    groups.join(member)

    for options in ({"protocol_type": "connect"}, {"protocol_name": "other"}):
        assert groups.sync(member, **options).error_code == ErrorCode.INCONSISTENT_GROUP_PROTOCOL


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"generation_id": 0}, ErrorCode.ILLEGAL_GENERATION),
        ({"generation_id": 9}, ErrorCode.ILLEGAL_GENERATION),
        ({"member_id": "stranger"}, ErrorCode.UNKNOWN_MEMBER_ID),
        ({"member_id": ""}, ErrorCode.UNKNOWN_MEMBER_ID),
        ({"group_instance_id": "stranger"}, ErrorCode.UNKNOWN_MEMBER_ID),
    ],
)
def test_stale_member_is_told_so(groups: Groups, group_id: str, options: dict[str, object], code: ErrorCode) -> None:
    """Heartbeat and SyncGroup of another generation or another member."""
    member = groups.stable(group_id)

    assert ErrorCode(groups.heartbeat(member, **options)) == code
    assert ErrorCode(groups.sync(member, **options).error_code) == code


def test_group_that_does_not_exist_knows_no_member(groups: Groups, group_id: str) -> None:
    """Heartbeat, SyncGroup and LeaveGroup."""
    member = groups.member(group_id, member_id="stranger", generation_id=1)

    assert groups.heartbeat(member) == ErrorCode.UNKNOWN_MEMBER_ID
    assert groups.sync(member).error_code == ErrorCode.UNKNOWN_MEMBER_ID
    assert groups.leave(group_id, "stranger") == ErrorCode.UNKNOWN_MEMBER_ID


def test_leader_that_joins_again_begins_a_new_generation(groups: Groups, group_id: str) -> None:
    """Perhaps it has seen more partitions."""
    member = groups.stable(group_id)
    (again,) = groups.join(member)

    assert again.generation_id == 2


def test_follower_that_joins_again_unchanged_gets_the_same_generation(groups: Groups, group_id: str) -> None:
    """It may have missed the answer; nobody is disturbed."""
    first, second = groups.stable(group_id), groups.member(group_id)
    rebalanced(groups, first, second)
    (again,) = groups.join(second)

    assert again.generation_id == 2
    assert groups.heartbeat(first) == NONE


def test_follower_that_changed_begins_a_new_generation(groups: Groups, group_id: str) -> None:
    """Other topics, for example."""
    first, second = groups.stable(group_id), groups.member(group_id)
    rebalanced(groups, first, second)
    second.protocols = {"range": b"changed"}
    groups.begin_join(second)

    wait_until(lambda: groups.heartbeat(first) == ErrorCode.REBALANCE_IN_PROGRESS, "the rebalance")


# -- leaving ---------------------------------------------------------------------------------------------------------


def test_member_that_leaves_is_missed_at_once(groups: Groups, group_id: str) -> None:
    """The others hear of the rebalance with their next heartbeat; who has left is unknown."""
    first, second = groups.stable(group_id), groups.member(group_id)
    rebalanced(groups, first, second)

    assert groups.leave(group_id, second.member_id) == NONE
    assert groups.heartbeat(first) == ErrorCode.REBALANCE_IN_PROGRESS
    assert groups.heartbeat(second) == ErrorCode.UNKNOWN_MEMBER_ID
    assert groups.leave(group_id, second.member_id) == ErrorCode.UNKNOWN_MEMBER_ID


def test_empty_group_goes_on_counting_generations(groups: Groups, group_id: str) -> None:
    """The end of the last member is a generation too."""
    groups.leave(group_id, groups.stable(group_id).member_id)
    (joined,) = groups.join(groups.member(group_id))

    assert joined.generation_id == 3


def test_silent_member_is_expelled_after_its_session_timeout(groups: Groups, group_id: str) -> None:
    """Without heartbeats the coordinator gives its partitions to others."""
    member = groups.member(group_id)
    groups.join(member, session_timeout_ms=500)
    groups.sync(member, {member.member_id: b""})

    groups.wait_state(group_id, "Empty")
    assert groups.heartbeat(member) == ErrorCode.UNKNOWN_MEMBER_ID


def test_member_that_does_not_join_again_is_expelled_after_its_rebalance_timeout(groups: Groups, group_id: str) -> None:
    """A rebalance waits for the known members, though not for ever."""
    late = groups.member(group_id)
    groups.join(late, rebalance_timeout_ms=500)
    groups.sync(late, {late.member_id: b""})
    other = groups.member(group_id)
    groups.begin_join(other, rebalance_timeout_ms=500)

    joined = groups.end_join(other)

    assert [each.member_id for each in joined.members] == [other.member_id]
    assert groups.heartbeat(late) == ErrorCode.UNKNOWN_MEMBER_ID


# -- static members (KIP-345) ------------------------------------------------------------------------------------------


def test_static_member_comes_back_without_a_rebalance(groups: Groups, group_id: str) -> None:
    """The same instance gets a new member id, the old generation and its share; the old one is fenced."""
    before = groups.member(group_id, instance_id="desk-1")
    groups.join(before)
    groups.sync(before, {before.member_id: b"share"})
    after = groups.member(group_id, instance_id="desk-1")
    (joined,) = groups.join(after)

    assert (joined.error_code, joined.generation_id) == (NONE, 1)
    assert after.member_id != before.member_id
    assert groups.sync(after).assignment == b"share"
    assert groups.heartbeat(before) == ErrorCode.FENCED_INSTANCE_ID
    assert groups.heartbeat(after) == NONE


def test_fenced_instance_cannot_commit_or_leave(groups: Groups, group_id: str, topic: str) -> None:
    """Two processes with one instance id: the later one counts."""
    before, after = (groups.member(group_id, instance_id="desk-1") for _ in range(2))
    groups.join(before)
    groups.join(after)

    assert groups.commit(group_id, topic, 1, member=before) == ErrorCode.FENCED_INSTANCE_ID
    assert groups.leave(group_id, before.member_id, "desk-1") == ErrorCode.FENCED_INSTANCE_ID


def test_static_member_is_removed_by_its_instance_id(groups: Groups, group_id: str) -> None:
    """An administrator knows no member ids."""
    member = groups.member(group_id, instance_id="desk-1")
    groups.join(member)

    assert groups.leave(group_id, "", "desk-2") == ErrorCode.UNKNOWN_MEMBER_ID
    assert groups.leave(group_id, "", "desk-1") == NONE
    groups.wait_state(group_id, "Empty")


# -- what is told of groups --------------------------------------------------------------------------------------------


def test_group_goes_through_its_states(groups: Groups, group_id: str) -> None:
    """CompletingRebalance until the leader hands in, Stable, PreparingRebalance until all joined again, Empty."""
    member, other = groups.member(group_id), groups.member(group_id)

    groups.join(member)
    groups.wait_state(group_id, "CompletingRebalance")
    groups.sync(member, {member.member_id: b""})
    groups.wait_state(group_id, "Stable")
    groups.begin_join(other)
    groups.wait_state(group_id, "PreparingRebalance")
    groups.leave(group_id, member.member_id)
    groups.end_join(other)
    groups.wait_state(group_id, "CompletingRebalance")
    groups.leave(group_id, other.member_id)
    groups.wait_state(group_id, "Empty")


def test_stable_group_is_described_with_its_members(groups: Groups, group_id: str) -> None:
    """Client id, address, instance id, what it sent and what it got."""
    member = groups.member(group_id, instance_id="desk-1")
    groups.join(member)
    groups.sync(member, {member.member_id: b"share"})

    groups.wait_state(group_id, "Stable")
    described = groups.describe(group_id)

    assert (described.group_state, described.protocol_type, described.protocol_data) == ("Stable", "consumer", "range")
    (found,) = described.members
    assert (found.member_id, found.group_instance_id) == (member.member_id, "desk-1")
    assert (found.client_id, found.client_host[:1]) == ("contract", "/")
    assert (found.member_metadata, found.member_assignment) == (RANGE["range"], b"share")


def test_group_that_does_not_exist_is_dead(groups: Groups, group_id: str) -> None:
    """Before version 6 that was no error (KIP-1043)."""
    new, old = groups.describe(group_id), groups.describe(group_id, 5)

    assert (new.error_code, new.group_state) == (ErrorCode.GROUP_ID_NOT_FOUND, "Dead")
    assert (old.error_code, old.group_state) == (NONE, "Dead")


def test_groups_are_listed_by_state_and_type(groups: Groups, unique: Unique, topic: str) -> None:
    """ListGroups filters (KIP-518, KIP-848); a group of commits only has no protocol type."""
    stable, empty = unique("group"), unique("group")
    groups.stable(stable)
    groups.commit(empty, topic, 1)

    groups.wait_state(stable, "Stable")
    groups.wait_state(empty, "Empty")
    everything = groups.listed()
    assert (everything[stable].group_state, everything[stable].protocol_type) == ("Stable", "consumer")
    assert (everything[empty].group_state, everything[empty].protocol_type) == ("Empty", "")
    assert everything[stable].group_type == "classic"
    assert {stable, empty} & set(groups.listed(states=["Stable"])) == {stable}
    assert {stable, empty} & set(groups.listed(types=["classic"])) == {stable, empty}
    assert {stable, empty} & set(groups.listed(types=["consumer"])) == set()


def test_only_an_empty_group_is_deleted(groups: Groups, group_id: str, topic: str) -> None:
    """Its offsets go with it; a group that does not exist is an error."""
    groups.commit(group_id, topic, 5)
    member = groups.stable(group_id)

    assert groups.delete(group_id) == ErrorCode.NON_EMPTY_GROUP
    groups.leave(group_id, member.member_id)
    assert groups.delete(group_id) == NONE
    assert groups.committed(group_id, topic).committed_offset == -1
    assert groups.delete(group_id) == ErrorCode.GROUP_ID_NOT_FOUND


def test_empty_name_is_that_of_no_group(talk: Talk, groups: Groups) -> None:
    """It has a coordinator, which knows no such group."""
    node_id = groups.find("").node_id
    described = talk.ask(m.DescribeGroupsRequest(groups=[""]), node_id).groups[0]
    deleted = talk.ask(m.DeleteGroupsRequest(groups_names=[""]), node_id).results[0]

    assert (described.error_code, deleted.error_code) == (ErrorCode.GROUP_ID_NOT_FOUND, ErrorCode.GROUP_ID_NOT_FOUND)


@pytest.mark.brokers(3)
def test_only_the_coordinator_answers(talk: Talk, groups: Groups, group_id: str, topic: str) -> None:
    """Another broker says that it is not the one, also for a look."""
    other = next(node_id for node_id in talk.node_ids if node_id != groups.coordinator(group_id))

    assert groups.fetched(group_id, {topic: [0]}, node_id=other).error_code == ErrorCode.NOT_COORDINATOR
    stranger = Joined(talk.connect(other), group_id, "m", 1)
    assert groups.heartbeat(stranger) == ErrorCode.NOT_COORDINATOR
    assert stranger.client.ask(groups.join_request(stranger)).error_code == ErrorCode.NOT_COORDINATOR
    stranger.client.close()


@pytest.mark.brokers(3)
def test_every_broker_names_the_same_coordinator(talk: Talk, groups: Groups, group_id: str) -> None:
    """It leads the partition of the offsets topic that the group's name hashes to."""
    found = {groups.find(group_id, node_id=node_id).node_id for node_id in talk.node_ids}
    number = sum(ord(c) * 31 ** (len(group_id) - 1 - i) for i, c in enumerate(group_id)) & 0xFFFFFFFF
    signed = number - (1 << 32) if number >= 1 << 31 else number

    assert found == {talk.leader("__consumer_offsets", abs(signed) % 3)}
