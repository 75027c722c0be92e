"""OffsetCommit, OffsetFetch, OffsetDelete and the expiry of offsets."""

from __future__ import annotations

import uuid

import pytest

from kit.wire import messages as m
from kit.wire.errors import ErrorCode

DAY_MS = 24 * 60 * 60 * 1000


def delete(lab, *, group="g", topic="listens", partitions=(0,)):
    """Send one OffsetDelete."""
    asked = [m.OffsetDeleteRequestPartition(partition_index=index) for index in partitions]
    request = m.OffsetDeleteRequest(group_id=group, topics=[m.OffsetDeleteRequestTopic(name=topic, partitions=asked)])
    return lab.coordinator.offset_delete(request)


def delete_codes(lab, **options):
    """Delete and give the error code of each partition."""
    response = delete(lab, **options).value
    return [each.error_code for topic in response.topics for each in topic.partitions]


def test_member_commits_and_fetches(lab):
    """A member of the current generation commits; what it committed is there, with its note and leader epoch."""
    member = lab.stable_group()[0]

    assert lab.commit_codes({0: 5, 2: 7}, member_id=member.member_id, generation_id=1) == [0, 0]
    assert lab.committed() == {("listens", 0): 5, ("listens", 2): 7}
    fetched = lab.fetch(topics={"listens": [0]}).topics[0].partitions[0]
    assert (fetched.metadata, fetched.committed_leader_epoch) == ("note", -1)


def test_fetch_of_absent_offset_is_no_error(lab):
    """Nothing committed is offset -1, for known groups and topics and for unknown ones."""
    lab.commit({0: 5})
    asked = {"listens": [0, 1], "nowhere": [0]}

    assert [each.committed_offset for topic in lab.fetch(topics=asked).topics for each in topic.partitions] == [
        5,
        -1,
        -1,
    ]
    other = lab.fetch(group="other", topics={"listens": [0]})
    absent = other.topics[0].partitions[0]
    assert (other.error_code, absent.error_code, absent.committed_offset, absent.metadata) == (0, 0, -1, "")
    assert lab.fetch(group="other").topics == []


def test_simple_consumer_commits_without_members(lab):
    """Without a generation a commit makes a group that is Empty and has no protocol; the group id may be empty."""
    assert lab.commit_codes({0: 5}) == [ErrorCode.NONE]
    assert lab.commit_codes({0: 6}, group="") == [ErrorCode.NONE]

    assert lab.committed("") == {("listens", 0): 6}
    described = lab.describe()
    assert (described.group_state, described.protocol_type) == ("Empty", "")


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({}, ErrorCode.UNKNOWN_MEMBER_ID),
        ({"member_id": "who", "generation_id": 1}, ErrorCode.UNKNOWN_MEMBER_ID),
        ({"generation_id": 0}, ErrorCode.ILLEGAL_GENERATION),
        ({"generation_id": 2}, ErrorCode.ILLEGAL_GENERATION),
        ({"generation_id": -1, "group_instance_id": "one"}, ErrorCode.UNKNOWN_MEMBER_ID),
        ({"group": "other", "generation_id": 1}, ErrorCode.GROUP_ID_NOT_FOUND),
        ({"group": "other", "generation_id": 1, "version": 8}, ErrorCode.ILLEGAL_GENERATION),
    ],
)
def test_commit_is_refused(lab, options, code):
    """While a group has members only they may commit, and only for their generation."""
    member = lab.stable_group()[0]
    if "generation_id" in options and "member_id" not in options and "group" not in options:
        options = {"member_id": member.member_id, **options}

    assert lab.commit_codes({0: 1}, **options) == [code]
    assert lab.committed() == {}


def test_commit_between_halves_of_rebalance_sends_member_back(lab):
    """A member with the new generation but without assignment cannot have read anything."""
    joined = lab.join().value

    codes = lab.commit_codes({0: 1}, member_id=joined.member_id, generation_id=1)

    assert codes == [ErrorCode.REBALANCE_IN_PROGRESS]


def test_commit_while_members_rejoin_is_accepted(lab):
    """Members commit what they have read before they rejoin."""
    member = lab.stable_group()[0]
    lab.join()

    assert lab.commit_codes({0: 1}, member_id=member.member_id, generation_id=1) == [ErrorCode.NONE]


def test_commit_keeps_member_alive(lab):
    """A commit is as good as a heartbeat."""
    member = lab.stable_group()[0]
    lab.clock.advance(9_000)
    lab.commit({0: 1}, member_id=member.member_id, generation_id=1)
    lab.clock.advance(9_000)

    assert lab.heartbeat(member.member_id, 1) == ErrorCode.NONE


def test_commit_checks_topics_and_metadata_one_by_one(make_lab):
    """A bad partition is refused, a good one beside it committed."""
    lab = make_lab(offset_metadata_max_bytes=4)
    partitions = [
        m.OffsetCommitRequestPartition(partition_index=0, committed_offset=1, committed_metadata="fine"),
        m.OffsetCommitRequestPartition(partition_index=1, committed_offset=1, committed_metadata="large"),
        m.OffsetCommitRequestPartition(partition_index=3, committed_offset=1, committed_metadata=None),
        m.OffsetCommitRequestPartition(partition_index=2, committed_offset=1, committed_metadata=None),
    ]
    topics = [
        m.OffsetCommitRequestTopic(name="nowhere", partitions=partitions[:1]),
        m.OffsetCommitRequestTopic(name="listens", partitions=partitions),
    ]
    request = m.OffsetCommitRequest(group_id="g", topics=topics)

    response = lab.coordinator.offset_commit(request, type("Client", (), {"api_version": 9})).value

    unknown, large = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, ErrorCode.OFFSET_METADATA_TOO_LARGE
    assert [[each.error_code for each in topic.partitions] for topic in response.topics] == [
        [unknown],
        [ErrorCode.NONE, large, unknown, ErrorCode.NONE],
    ]
    assert lab.committed() == {("listens", 0): 1, ("listens", 2): 1}


def test_commit_and_fetch_by_topic_id(lab):
    """Since v10 topics have ids instead of names; an unknown id is its own error."""
    known, unknown = lab.topics.topics["listens"].topic_id, uuid.UUID(int=9)
    partition = m.OffsetCommitRequestPartition(partition_index=1, committed_offset=4)
    topics = [m.OffsetCommitRequestTopic(topic_id=each, partitions=[partition]) for each in (known, unknown)]
    client = type("Client", (), {"api_version": 10})

    response = lab.coordinator.offset_commit(m.OffsetCommitRequest(group_id="g", topics=topics), client).value
    asked = [m.OffsetFetchRequestTopics(topic_id=each, partition_indexes=[1]) for each in (known, unknown)]
    fetched = lab.coordinator.offset_fetch(m.OffsetFetchRequestGroup(group_id="g", topics=asked), client)

    assert [topic.partitions[0].error_code for topic in response.topics] == [0, ErrorCode.UNKNOWN_TOPIC_ID]
    assert [topic.topic_id for topic in response.topics] == [known, unknown]
    answers = [topic.partitions[0] for topic in fetched.topics]
    assert [(each.committed_offset, each.error_code) for each in answers] == [(4, 0), (-1, ErrorCode.UNKNOWN_TOPIC_ID)]
    assert [topic.topic_id for topic in lab.fetch(version=10).topics] == [known]


def test_fetch_of_all_by_id_leaves_out_deleted_topics(lab):
    """A topic that is gone has no id to answer with."""
    lab.add_topic("short-lived", uuid.UUID(int=8))
    lab.commit({0: 1}, topic="short-lived")
    lab.topics.apply(m.RemoveTopicRecord(topic_id=uuid.UUID(int=8)))

    assert lab.fetch(version=10).topics == []
    assert [topic.name for topic in lab.fetch(version=9).topics] == ["short-lived"]


def test_commit_is_answered_and_visible_when_it_is_committed(lab):
    """Nobody sees an offset that a failover could take back."""
    lab.commit({0: 1})
    lab.log.hold = True
    answer = lab.commit({0: 2})
    assert not answer.done
    assert lab.committed() == {("listens", 0): 1}

    lab.log.release()
    assert answer.done
    assert lab.committed() == {("listens", 0): 2}


def test_commit_that_takes_too_long_may_come_true(lab):
    """After offsets.commit.timeout.ms the client is told so; what is in the log counts all the same."""
    lab.log.hold = True
    answer = lab.commit({0: 2})
    lab.clock.advance(5_000)
    assert answer.value.topics[0].partitions[0].error_code == ErrorCode.COORDINATOR_NOT_AVAILABLE

    lab.log.release()
    assert lab.committed() == {("listens", 0): 2}


@pytest.mark.parametrize(
    ("refused", "code"),
    [
        (ErrorCode.NOT_ENOUGH_REPLICAS, ErrorCode.COORDINATOR_NOT_AVAILABLE),
        (ErrorCode.NOT_LEADER_OR_FOLLOWER, ErrorCode.NOT_COORDINATOR),
        (ErrorCode.MESSAGE_TOO_LARGE, ErrorCode.UNKNOWN_SERVER_ERROR),
    ],
)
def test_commit_that_log_refuses_is_refused(lab, refused, code):
    """The log's errors reach the client in the coordinator's words."""
    lab.log.refuse = refused

    assert lab.commit_codes({0: 1}) == [code]
    assert lab.committed() == {}


def test_delete_offsets(lab):
    """Offsets of an empty group can be deleted; deleting what is not there is no error."""
    lab.commit({0: 1, 1: 2})

    assert delete_codes(lab, partitions=(0, 2)) == [0, 0]
    assert lab.committed() == {("listens", 1): 2}
    lab.fail_over()
    assert lab.committed() == {("listens", 1): 2}


def test_delete_of_offset_on_its_way_wins(lab):
    """A deletion also deletes what is in the log before it and not yet committed."""
    lab.log.hold = True
    lab.commit({0: 1}, group="other")
    lab.log.release()
    lab.log.hold = True
    lab.commit({0: 2}, group="other")
    delete(lab, group="other")
    lab.log.release()

    assert lab.committed("other") == {}


@pytest.mark.parametrize(
    ("options", "code"), [({"group": ""}, ErrorCode.INVALID_GROUP_ID), ({"group": "no"}, ErrorCode.GROUP_ID_NOT_FOUND)]
)
def test_delete_offsets_of_missing_group_is_refused(lab, options, code):
    """There must be a group to delete from."""
    assert delete(lab, **options).value.error_code == code


def test_delete_offsets_of_subscribed_topic_is_refused(lab):
    """What a member reads is not deleted under its feet; an unknown topic is another error."""
    lab.add_topic("plays", uuid.UUID(int=8))
    member = lab.stable_group()[0]
    lab.commit({0: 1}, topic="plays", member_id=member.member_id, generation_id=1)

    assert delete_codes(lab) == [ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC]
    assert delete_codes(lab, topic="nowhere") == [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]
    assert delete_codes(lab, topic="plays") == [ErrorCode.NONE]
    assert lab.committed() == {}


def test_delete_offsets_of_consumers_with_unknown_subscription_is_refused(lab):
    """Consumers whose metadata cannot be read may read any topic."""
    lab.stable_group(protocols={"range": b"\x7f"})

    assert delete_codes(lab) == [ErrorCode.GROUP_SUBSCRIBED_TO_TOPIC]


def test_delete_offsets_of_other_live_group_is_refused(lab):
    """Of members that are no consumers nobody knows what they read."""
    joined = lab.join(protocol_type="connect").value
    lab.sync(joined, {}, protocol_type="connect")

    assert delete(lab).value.error_code == ErrorCode.NON_EMPTY_GROUP


def test_offsets_expire_after_group_is_empty(make_lab):
    """Offsets live as long as the group has members, and for the retention time after that (KIP-211)."""
    lab = make_lab(offsets_retention_ms=DAY_MS, max_session_timeout_ms=10 * DAY_MS)
    member = lab.stable_group(session_timeout_ms=5 * DAY_MS)[0]
    lab.commit({0: 1}, member_id=member.member_id, generation_id=1)
    lab.clock.advance(4 * DAY_MS)
    assert lab.committed() == {("listens", 0): 1}

    lab.leave((member.member_id, None))
    lab.clock.advance(DAY_MS - 600_000)
    assert lab.committed() == {("listens", 0): 1}
    lab.clock.advance(600_000 * 2)
    assert lab.committed() == {}
    assert lab.describe().error_code == ErrorCode.GROUP_ID_NOT_FOUND
    lab.fail_over()
    assert lab.describe().error_code == ErrorCode.GROUP_ID_NOT_FOUND


def test_offsets_of_unsubscribed_topic_expire_in_live_group(make_lab):
    """A live consumer group keeps what it reads and forgets what it does not read any more."""
    lab = make_lab(offsets_retention_ms=DAY_MS, max_session_timeout_ms=10 * DAY_MS)
    lab.add_topic("plays", uuid.UUID(int=8))
    member = lab.stable_group(session_timeout_ms=5 * DAY_MS)[0]
    for topic in ("listens", "plays"):
        lab.commit({0: 1}, topic=topic, member_id=member.member_id, generation_id=1)
    lab.clock.advance(2 * DAY_MS)

    assert lab.committed() == {("listens", 0): 1}


def test_offsets_of_simple_consumer_expire_one_by_one(make_lab):
    """Without members each offset counts from its own commit; the group goes with the last one."""
    lab = make_lab(offsets_retention_ms=DAY_MS)
    lab.commit({0: 1})
    lab.clock.advance(DAY_MS // 2)
    lab.commit({1: 2})
    lab.clock.advance(DAY_MS // 2 + 600_000)
    assert lab.committed() == {("listens", 1): 2}

    lab.clock.advance(DAY_MS)
    assert lab.describe().error_code == ErrorCode.GROUP_ID_NOT_FOUND


def test_offset_with_retention_of_its_own_expires_at_its_time(lab):
    """Old clients (v2-4) may ask for a retention time, which a failover does not change."""
    lab.commit({0: 1}, version=4, retention_time_ms=3_600_000)
    lab.fail_over()
    lab.clock.advance(3_600_000 - 1)
    assert lab.committed() == {("listens", 0): 1}

    lab.clock.advance(600_000)
    assert lab.committed() == {}


def test_offsets_of_deleted_topic_are_deleted(lab):
    """When a topic goes, what groups have committed for it goes too, also after a failover."""
    lab.add_topic("plays", uuid.UUID(int=8))
    for group in ("g", "h"):
        lab.commit({0: 1}, group=group)
        lab.commit({0: 1}, group=group, topic="plays")
    lab.coordinator.on_topics_deleted(["plays"])

    assert lab.committed("g") == lab.committed("h") == {("listens", 0): 1}
    lab.fail_over()
    assert lab.committed("g") == lab.committed("h") == {("listens", 0): 1}
