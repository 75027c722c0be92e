"""What the handlers of the group APIs add: the shape of old versions, and where the coordinator is."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from kit.broker.broker import Peer
from kit.broker.config.configs import BrokerConfig
from kit.broker.deferred import Deferred
from kit.broker.handlers import load_all
from kit.broker.metadata import CONSUMER_OFFSETS_TOPIC, BrokerState, PartitionState, TopicState
from kit.wire import codec
from kit.wire import messages as m
from kit.wire.errors import ErrorCode


class OneBroker:
    """As much of a broker as the handlers of groups need: partition 0-3 of the offsets topic are led by node 7."""

    def __init__(self, lab):
        self.coordinator = lab.coordinator
        self.image = lab.topics
        self.image.brokers[7] = BrokerState(7, 1, "127.0.0.1", 9092)
        self.config = BrokerConfig({})
        self.asked_for = []

    def ask_for_topics(self, topics):
        """Make the topics."""
        for topic in topics:
            self.asked_for.append(topic.name)
            partitions = {index: PartitionState(index, [7], [7], 7, 0, 0) for index in range(4)}
            self.image.topics[topic.name] = TopicState(topic.name, codec.NULL_UUID, partitions)
        results = [m.CreatableTopicResult(name=topic.name) for topic in topics]
        return answer_of(m.CreateTopicsResponse(topics=results))


@pytest.fixture
def ask(lab):
    """Send a request through its handler, over the wire format both ways."""
    broker = OneBroker(lab)

    def send(api_key, version, request):
        handler = load_all()[api_key]
        assert handler.min_version <= version <= handler.max_version
        api = codec.api(api_key)
        received = codec.decode(api.request, version, codec.encode(request, version))
        peer = Peer("127.0.0.1", 40_000)
        context = SimpleNamespace(api_version=version, client_id="client", client_host=peer.client_host, peer=peer)
        answer = handler.function(broker, received, context)
        answer = answer if isinstance(answer, Deferred) else answer_of(answer)
        lab.clock.advance(0)
        return codec.decode(api.response, version, codec.encode(answer.value, version))

    send.broker = broker
    return send


def answer_of(message):
    """A Deferred that has its value."""
    done = Deferred()
    done.resolve(message)
    return done


def join_request(**fields):
    """JoinGroup of a consumer."""
    protocols = [m.JoinGroupRequestProtocol(name="range", metadata=b"want")]
    return m.JoinGroupRequest(
        **{
            "group_id": "g",
            "session_timeout_ms": 10_000,
            "rebalance_timeout_ms": 60_000,
            "protocol_type": "consumer",
            "protocols": protocols,
            **fields,
        }
    )


@pytest.mark.parametrize("version", range(7))
def test_find_coordinator_names_leader_of_groups_partition(ask, version):
    """The coordinator is the leader of the group's partition; the topic is made first if it must be."""
    several = version >= 4
    request = m.FindCoordinatorRequest(key="" if several else "g", coordinator_keys=["g", "h"] if several else [])

    response = ask(10, version, request)

    found = response.coordinators if several else [response]
    assert [(each.error_code, each.node_id, each.host, each.port) for each in found] == [
        (0, 7, "127.0.0.1", 9092)
    ] * len(found)
    assert len(found) == (2 if several else 1)
    assert ask.broker.asked_for == [CONSUMER_OFFSETS_TOPIC]


def test_find_coordinator_without_leader_is_not_available(ask):
    """While the group's partition has no leader there is nobody to ask."""
    ask(10, 4, m.FindCoordinatorRequest(coordinator_keys=["g"]))
    for state in ask.broker.image.topics[CONSUMER_OFFSETS_TOPIC].partitions.values():
        state.leader = -1

    found = ask(10, 4, m.FindCoordinatorRequest(coordinator_keys=["g"])).coordinators[0]

    assert (found.error_code, found.node_id, found.port) == (ErrorCode.COORDINATOR_NOT_AVAILABLE, -1, -1)


@pytest.mark.parametrize(
    ("key_type", "code"),
    [(1, ErrorCode.UNSUPPORTED_VERSION), (2, ErrorCode.INVALID_REQUEST), (9, ErrorCode.INVALID_REQUEST)],
)
def test_find_coordinator_of_other_keys_is_refused(ask, key_type, code):
    """There is no transaction coordinator yet, and other kinds of keys are none at all; the text says so."""
    single = ask(10, 3, m.FindCoordinatorRequest(key="x", key_type=key_type))
    several = ask(10, 6, m.FindCoordinatorRequest(coordinator_keys=["x", "y"], key_type=key_type)).coordinators

    assert [each.error_code for each in (single, *several)] == [code] * 3
    assert all(each.error_message for each in (single, *several))


@pytest.mark.parametrize("version", range(10))
def test_join_sync_leave_in_every_version(ask, version):
    """A member gets in, gets its assignment and goes, whatever version of the protocol it speaks."""
    joined = ask(11, version, join_request(member_id=""))
    if version >= 4:
        assert joined.error_code == ErrorCode.MEMBER_ID_REQUIRED
        joined = ask(11, version, join_request(member_id=joined.member_id))
    assert (joined.error_code, joined.generation_id, joined.protocol_name) == (0, 1, "range")
    assert joined.members[0].metadata == b"want"

    assignment = m.SyncGroupRequestAssignment(member_id=joined.member_id, assignment=b"mine")
    sync = m.SyncGroupRequest(group_id="g", generation_id=1, member_id=joined.member_id, assignments=[assignment])
    sync_version = min(version, 5)
    if sync_version >= 5:
        assert ask(14, 5, sync).error_code == ErrorCode.INCONSISTENT_GROUP_PROTOCOL
        sync.protocol_type, sync.protocol_name = "consumer", "range"
    assert ask(14, sync_version, sync).assignment == b"mine"

    beat = m.HeartbeatRequest(group_id="g", generation_id=1, member_id=joined.member_id)
    assert ask(12, min(version, 4), beat).error_code == ErrorCode.NONE
    leave = m.LeaveGroupRequest(group_id="g")
    if version >= 3:
        leave.members = [m.MemberIdentity(member_id=joined.member_id)]
    else:
        leave.member_id = joined.member_id
    assert ask(13, min(version, 5), leave).error_code == ErrorCode.NONE
    assert ask(12, min(version, 4), beat).error_code == ErrorCode.UNKNOWN_MEMBER_ID


def test_leave_before_version_3_has_the_members_error(ask):
    """With one member its error is the answer's."""
    ask(8, 2, commit_request())

    assert ask(13, 2, m.LeaveGroupRequest(group_id="g", member_id="who")).error_code == ErrorCode.UNKNOWN_MEMBER_ID
    assert ask(13, 2, m.LeaveGroupRequest(group_id="", member_id="who")).error_code == ErrorCode.INVALID_GROUP_ID


def commit_request(version=2):
    """OffsetCommit of a simple consumer: offset 5 for listens-1."""
    partition = m.OffsetCommitRequestPartition(partition_index=1, committed_offset=5, committed_metadata="note")
    topic = m.OffsetCommitRequestTopic(partitions=[partition])
    if version >= 10:
        topic.topic_id = m.OffsetCommitRequestTopic().topic_id.__class__(int=7)
    else:
        topic.name = "listens"
    return m.OffsetCommitRequest(group_id="g", topics=[topic])


@pytest.mark.parametrize("version", range(1, 11))
def test_commit_and_fetch_in_every_version(ask, version):
    """What is committed in one version is fetched in it."""
    committed = ask(8, max(version, 2), commit_request(version))
    assert committed.topics[0].partitions[0].error_code == ErrorCode.NONE

    fetched = ask(9, version, fetch_request(version))
    answer = (fetched.groups[0] if version >= 8 else fetched).topics[0].partitions[0]
    assert (answer.partition_index, answer.committed_offset, answer.metadata) == (1, 5, "note")
    if version >= 2:
        everything = ask(9, version, fetch_request(version, everything=True))
        assert (everything.groups[0] if version >= 8 else everything).topics[0].partitions == [answer]


def fetch_request(version, *, everything=False):
    """OffsetFetch for listens-1, or for everything, of group g."""
    if version < 8:
        topics = [m.OffsetFetchRequestTopic(name="listens", partition_indexes=[1])]
        return m.OffsetFetchRequest(group_id="g", topics=None if everything else topics)
    topic = m.OffsetFetchRequestTopics(partition_indexes=[1])
    if version >= 10:
        topic.topic_id = m.OffsetFetchRequestTopics().topic_id.__class__(int=7)
    else:
        topic.name = "listens"
    return m.OffsetFetchRequest(
        groups=[m.OffsetFetchRequestGroup(group_id="g", topics=None if everything else [topic])]
    )


@pytest.mark.parametrize("version", [1, 2, 7, 8])
def test_fetch_error_of_group_is_where_its_version_has_it(ask, lab, version):
    """In v1 each partition has the group's error, up to v7 the answer, then each group."""
    lab.log.led.clear()
    fetched = ask(9, version, fetch_request(version))

    if version == 1:
        assert fetched.topics[0].partitions[0].error_code == ErrorCode.NOT_COORDINATOR
    else:
        assert (fetched.groups[0] if version >= 8 else fetched).error_code == ErrorCode.NOT_COORDINATOR


@pytest.mark.parametrize("version", range(6))
def test_list_groups_in_every_version(ask, version):
    """The group is listed, with as much as the version shows."""
    ask(8, 2, commit_request())
    groups = ask(16, version, m.ListGroupsRequest()).groups

    assert [each.group_id for each in groups] == ["g"]
    if version >= 4:
        assert groups[0].group_state == "Empty"


@pytest.mark.parametrize("version", range(7))
def test_describe_groups_in_every_version(ask, version):
    """A group is described, and a missing one is Dead."""
    ask(8, 2, commit_request())
    groups = ask(15, version, m.DescribeGroupsRequest(groups=["g", "nobody"])).groups

    assert [each.group_state for each in groups] == ["Empty", "Dead"]


@pytest.mark.parametrize("version", range(3))
def test_delete_groups_in_every_version(ask, version):
    """Each group has its own error."""
    ask(8, 2, commit_request())
    results = ask(42, version, m.DeleteGroupsRequest(groups_names=["g", "nobody"])).results

    assert [each.error_code for each in results] == [ErrorCode.NONE, ErrorCode.GROUP_ID_NOT_FOUND]


def test_offset_delete_deletes(ask, lab):
    """The offset is gone afterwards."""
    ask(8, 2, commit_request())
    topic = m.OffsetDeleteRequestTopic(name="listens", partitions=[m.OffsetDeleteRequestPartition(partition_index=1)])

    assert ask(47, 0, m.OffsetDeleteRequest(group_id="g", topics=[topic])).error_code == ErrorCode.NONE
    assert lab.committed() == {}
