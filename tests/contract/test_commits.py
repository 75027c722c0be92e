"""Committed offsets."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kit.wire import messages as m
from kit.wire.errors import ErrorCode
from tests.contract.group_talk import Groups, Joined
from tests.contract.talk import Talk
from tests.support.wait import wait_until

NewTopic = Callable[..., str]
Unique = Callable[[str], str]


def test_nothing_committed_is_no_error(groups: Groups, group_id: str, topic: str) -> None:
    """A group that never committed, or does not exist, has the offset -1 everywhere."""
    found = groups.committed(group_id, topic)

    assert (found.error_code, found.committed_offset, found.committed_leader_epoch) == (0, -1, -1)
    assert found.metadata == ""
    assert list(groups.fetched(group_id, None).topics) == []


def test_committed_offset_comes_back_with_its_note_and_epoch(groups: Groups, group_id: str, topic: str) -> None:
    """A commit from outside of the group needs no member."""
    assert groups.commit(group_id, topic, 42, note="halfway", epoch=0) == ErrorCode.NONE

    found = groups.committed(group_id, topic)
    assert (found.committed_offset, found.metadata, found.committed_leader_epoch) == (42, "halfway", 0)


def test_later_commit_replaces_the_earlier_one(groups: Groups, group_id: str, topic: str) -> None:
    """Also when it goes back."""
    for offset in (5, 9, 3):
        assert groups.commit(group_id, topic, offset) == ErrorCode.NONE

    assert groups.committed(group_id, topic).committed_offset == 3


def test_groups_do_not_share_offsets(groups: Groups, unique: Unique, topic: str) -> None:
    """Each group has its own."""
    one, other = unique("group"), unique("group")
    groups.commit(one, topic, 5)

    assert groups.committed(other, topic).committed_offset == -1


def test_all_offsets_of_a_group_are_asked_for_at_once(groups: Groups, group_id: str, new_topic: NewTopic) -> None:
    """Null topics mean all that the group has committed."""
    first, second = new_topic(partitions=2), new_topic()
    groups.commit(group_id, first, 1, partition=0)
    groups.commit(group_id, first, 2, partition=1)
    groups.commit(group_id, second, 3)

    found = groups.fetched(group_id, None)

    assert {(t.name, p.partition_index): p.committed_offset for t in found.topics for p in t.partitions} == {
        (first, 0): 1,
        (first, 1): 2,
        (second, 0): 3,
    }


def test_null_note_is_taken_as_an_empty_one(groups: Groups, group_id: str, topic: str) -> None:
    """The note is optional."""
    assert groups.commit(group_id, topic, 1, note=None) == ErrorCode.NONE
    assert groups.committed(group_id, topic).metadata == ""


def test_note_has_a_longest_length(groups: Groups, group_id: str, topic: str) -> None:
    """offset.metadata.max.bytes is 4096."""
    assert groups.commit(group_id, topic, 1, note="x" * 4096) == ErrorCode.NONE
    assert groups.commit(group_id, topic, 2, note="x" * 4097) == ErrorCode.OFFSET_METADATA_TOO_LARGE
    assert groups.committed(group_id, topic).committed_offset == 1


def test_offset_of_an_unknown_place_is_refused(groups: Groups, group_id: str, topic: str) -> None:
    """A topic or partition that does not exist."""
    assert groups.commit(group_id, "nobody-made-this", 1) == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert groups.commit(group_id, topic, 1, partition=9) == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


def test_offset_may_be_beyond_the_end(groups: Groups, group_id: str, topic: str) -> None:
    """The coordinator does not know how long a partition is."""
    assert groups.commit(group_id, topic, 10**12) == ErrorCode.NONE
    assert groups.committed(group_id, topic).committed_offset == 10**12


def test_member_commits_in_its_generation(groups: Groups, group_id: str, topic: str) -> None:
    """A member of the current generation may commit."""
    member = groups.stable(group_id)

    assert groups.commit(group_id, topic, 7, member=member) == ErrorCode.NONE


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"generation_id": 99}, ErrorCode.ILLEGAL_GENERATION),
        ({"generation_id": 0}, ErrorCode.ILLEGAL_GENERATION),
        ({"member_id": "stranger"}, ErrorCode.UNKNOWN_MEMBER_ID),
        ({"member_id": ""}, ErrorCode.UNKNOWN_MEMBER_ID),
        ({"instance_id": "stranger"}, ErrorCode.UNKNOWN_MEMBER_ID),
    ],
)
def test_stale_member_cannot_commit(
    groups: Groups, group_id: str, topic: str, change: dict[str, object], code: ErrorCode
) -> None:
    """Who has missed a rebalance, or is no member, must not overwrite the others' offsets."""
    member = groups.stable(group_id)
    stale = Joined(member.client, group_id, **{"member_id": member.member_id, "generation_id": 1, **change})

    assert ErrorCode(groups.commit(group_id, topic, 7, member=stale)) == code
    assert groups.committed(group_id, topic).committed_offset == -1


def test_outsider_cannot_commit_while_there_are_members(groups: Groups, group_id: str, topic: str) -> None:
    """Only an empty group takes offsets from outside."""
    member = groups.stable(group_id)

    assert groups.commit(group_id, topic, 7) == ErrorCode.UNKNOWN_MEMBER_ID
    groups.leave(group_id, member.member_id)
    assert groups.commit(group_id, topic, 7) == ErrorCode.NONE


def test_member_of_a_group_that_does_not_exist_cannot_commit(groups: Groups, group_id: str, topic: str) -> None:
    """A generation belongs to a group that has one; before version 9 that was told as ILLEGAL_GENERATION."""
    stranger = groups.member(group_id, member_id="stranger", generation_id=1)

    assert groups.commit(group_id, topic, 7, member=stranger) == ErrorCode.GROUP_ID_NOT_FOUND
    assert groups.commit(group_id, topic, 7, member=stranger, version=8) == ErrorCode.ILLEGAL_GENERATION


def test_commit_waits_for_the_assignment(groups: Groups, group_id: str, topic: str) -> None:
    """Between join and sync nobody knows who owns the partition."""
    member = groups.member(group_id)
    groups.join(member)

    assert groups.commit(group_id, topic, 7, member=member) == ErrorCode.REBALANCE_IN_PROGRESS


def test_offsets_survive_the_members(groups: Groups, group_id: str, topic: str) -> None:
    """A group without members keeps its offsets."""
    member = groups.stable(group_id)
    groups.commit(group_id, topic, 7, member=member)
    groups.leave(group_id, member.member_id)

    groups.wait_state(group_id, "Empty")
    assert groups.committed(group_id, topic).committed_offset == 7


def test_offsets_go_with_their_topic(talk: Talk, groups: Groups, group_id: str, topic: str) -> None:
    """When a topic is deleted, its committed offsets are too."""
    groups.commit(group_id, topic, 7)
    assert talk.delete(name=topic) == ErrorCode.NONE

    wait_until(lambda: groups.committed(group_id, topic).committed_offset == -1, "the offset to go")


def delete_offset(groups: Groups, group_id: str, topic: str) -> tuple[int, int | None]:
    """Forget an offset; returns the error codes of the request and of the partition."""
    request = m.OffsetDeleteRequest
    place = request.OffsetDeleteRequestPartition(partition_index=0)
    wanted = request(group_id=group_id, topics=[request.OffsetDeleteRequestTopic(name=topic, partitions=[place])])
    answer = groups.ask(group_id, wanted)
    return answer.error_code, answer.topics[0].partitions[0].error_code if answer.topics else None


def test_single_offset_is_deleted(groups: Groups, group_id: str, topic: str) -> None:
    """OffsetDelete (KIP-496) forgets one partition's offset; there must be a group."""
    groups.commit(group_id, topic, 7)

    assert delete_offset(groups, group_id, topic) == (0, 0)
    assert groups.committed(group_id, topic).committed_offset == -1
    assert delete_offset(groups, group_id + "-no", topic)[0] == ErrorCode.GROUP_ID_NOT_FOUND


def test_several_groups_are_asked_about_at_once(groups: Groups, talk: Talk, unique: Unique, topic: str) -> None:
    """From version 8 on OffsetFetch asks for several groups; each has its own answer (KIP-709)."""
    one = unique("group")
    groups.commit(one, topic, 5)
    node_id = groups.coordinator(one)
    other = next(name for name in iter(lambda: unique("group"), "") if groups.coordinator(name) == node_id)
    request = m.OffsetFetchRequest
    wanted = [request.OffsetFetchRequestGroup(group_id=name, topics=None) for name in (one, other)]

    found = talk.ask(request(groups=wanted), node_id, 9).groups

    assert {each.group_id: len(each.topics) for each in found} == {one: 1, other: 0}
