"""Creating, growing, describing and deleting topics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

import kit
from kit.wire import messages as m
from kit.wire.errors import ErrorCode
from tests.contract.talk import LATEST, Talk, partitions_of, random_uuid
from tests.support.wait import wait_until

NewTopic = Callable[..., str]
Unique = Callable[[str], str]
Differs = Callable[..., Any]


# -- create ----------------------------------------------------------------------------------------------------------


def test_created_topic_has_what_was_asked_for(talk: Talk, unique: Unique) -> None:
    """CreateTopics answers with id, partitions, copies and settings, and Metadata agrees."""
    topic = unique("created")
    made = talk.create(topic, partitions=3, copies=1, config={"retention.ms": "123456"})

    assert (made.error_code, made.num_partitions, made.replication_factor) == (0, 3, 1)
    assert {each.name: each.value for each in made.configs}["retention.ms"] == "123456"
    talk.wait_usable(topic)
    found = talk.topic(topic)
    assert (found.topic_id, partitions_of(found.partitions)) == (made.topic_id, [0, 1, 2])
    assert all(len(partition.replica_nodes) == 1 for partition in found.partitions)
    assert not found.is_internal


def test_new_partition_is_led_by_its_first_replica_in_epoch_0(
    cluster: kit.Cluster, talk: Talk, new_topic: NewTopic
) -> None:
    """The preferred leader leads a new partition, leader epochs begin with 0, and all replicas are in sync."""
    replicas = [broker.node_id for broker in cluster.brokers][::-1]
    topic = new_topic(replicas=[replicas])

    found = talk.partition(topic)

    assert (found.leader_id, found.leader_epoch) == (replicas[0], 0)
    assert list(found.replica_nodes) == replicas
    assert sorted(found.isr_nodes) == sorted(replicas)
    assert list(found.offline_replicas) == []


def test_numbers_that_are_left_out_come_from_the_broker(cluster: kit.Cluster, talk: Talk, unique: Unique) -> None:
    """-1 partitions and -1 copies mean num.partitions and default.replication.factor (KIP-464)."""
    made = talk.create(unique("defaults"), partitions=-1, copies=-1)

    assert (made.error_code, made.num_partitions) == (0, 1)
    assert made.replication_factor == len(cluster.brokers)


def test_existing_topic_is_not_created_again(talk: Talk, new_topic: NewTopic) -> None:
    """A second CreateTopics is refused and changes nothing."""
    topic = new_topic(partitions=2)

    assert talk.create(topic, partitions=5).error_code == ErrorCode.TOPIC_ALREADY_EXISTS
    assert partitions_of(talk.topic(topic).partitions) == [0, 1]


def test_validate_only_creates_nothing(talk: Talk, unique: Unique) -> None:
    """validate_only answers as if it had been done; it finds errors too."""
    topic = unique("imagined")

    assert talk.create(topic, partitions=2, validate_only=True).error_code == ErrorCode.NONE
    assert talk.create(topic, partitions=0, validate_only=True).error_code == ErrorCode.INVALID_PARTITIONS
    assert talk.topic(topic).error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


_OTHER_CHARACTERS = "contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("", "the empty string is not allowed"),
        (".", "'.' is not allowed"),
        ("..", "'..' is not allowed"),
        ("with space", f"'with space' {_OTHER_CHARACTERS}"),
        ("slash/", f"'slash/' {_OTHER_CHARACTERS}"),
        ("ümlaut", f"'ümlaut' {_OTHER_CHARACTERS}"),
        ("x" * 250, f"the length of '{'x' * 250}' is longer than the max allowed length 249"),
    ],
)
def test_illegal_name_is_refused(talk: Talk, name: str, said: str) -> None:
    """Names have 1 to 249 letters, digits, dots, underscores and hyphens, and are neither "." nor ".."."""
    refused = talk.create(name)

    assert refused.error_code == ErrorCode.INVALID_TOPIC_EXCEPTION
    assert refused.error_message == f"Topic name is invalid: {said}"


def test_longest_name_is_taken(talk: Talk, unique: Unique) -> None:
    """249 characters are allowed."""
    name = unique("long").ljust(249, "x")

    assert talk.create(name).error_code == ErrorCode.NONE
    wait_until(lambda: talk.topic(name).error_code == 0, "the topic")


def test_names_that_differ_in_dots_and_underscores_only_collide(talk: Talk, unique: Unique) -> None:
    """Metrics write "." as "_", so "a.b" and "a_b" cannot both exist."""
    name = unique("metric")
    assert talk.create(f"{name}.a_b").error_code == ErrorCode.NONE
    wait_until(lambda: talk.topic(f"{name}.a_b").error_code == 0, "the topic")

    assert talk.create(f"{name}_a.b").error_code == ErrorCode.INVALID_TOPIC_EXCEPTION
    assert talk.create(f"{name}.a-b").error_code == ErrorCode.NONE


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"partitions": 0}, ErrorCode.INVALID_PARTITIONS),
        ({"partitions": -2}, ErrorCode.INVALID_PARTITIONS),
        ({"copies": 0}, ErrorCode.INVALID_REPLICATION_FACTOR),
        ({"copies": -2}, ErrorCode.INVALID_REPLICATION_FACTOR),
        ({"copies": 4}, ErrorCode.INVALID_REPLICATION_FACTOR),
        ({"replicas": [[1, 1]]}, ErrorCode.INVALID_REPLICA_ASSIGNMENT),
        ({"replicas": [[]]}, ErrorCode.INVALID_REPLICA_ASSIGNMENT),
        ({"replicas": [[99]]}, ErrorCode.INVALID_REPLICA_ASSIGNMENT),
        ({"replicas": [[-1]]}, ErrorCode.INVALID_REPLICA_ASSIGNMENT),
        ({"config": {"no.such.setting": "1"}}, ErrorCode.INVALID_CONFIG),
        ({"config": {"retention.ms": "soon"}}, ErrorCode.INVALID_CONFIG),
        ({"config": {"retention.ms": "-2"}}, ErrorCode.INVALID_CONFIG),
        ({"config": {"cleanup.policy": "burn"}}, ErrorCode.INVALID_CONFIG),
        ({"config": {"min.insync.replicas": "0"}}, ErrorCode.INVALID_CONFIG),
        ({"config": {"compression.type": "rar"}}, ErrorCode.INVALID_CONFIG),
        ({"config": {"segment.bytes": "1000"}}, ErrorCode.INVALID_CONFIG),
        ({"config": {"retention.ms": None}}, ErrorCode.INVALID_CONFIG),
    ],
)
def test_impossible_topic_is_refused(talk: Talk, unique: Unique, options: Mapping[str, Any], code: ErrorCode) -> None:
    """Wrong counts, assignments and settings have error codes of their own, and no topic appears."""
    topic = unique("impossible")

    assert ErrorCode(talk.create(topic, **options).error_code) == code
    assert talk.topic(topic).error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"partitions": 0}, "Number of partitions was set to an invalid non-positive value."),
        ({"copies": 0}, "Replication factor must be larger than 0, or -1 to use the default value."),
        (
            {"copies": 4},
            (
                "Unable to replicate the partition 4 time(s): The target replication factor of 4 cannot be reached "
                "because only {} broker(s) are registered or some brokers have all their log directories cordoned."
            ),
        ),
    ],
)
def test_impossible_count_is_refused_in_kafkas_words(
    cluster: kit.Cluster, talk: Talk, unique: Unique, options: Mapping[str, Any], said: str
) -> None:
    """People search the web for these sentences."""
    refused = talk.create(unique("words"), **options)

    assert refused.error_message == said.format(len(cluster.brokers))


def test_assignment_beside_a_count_is_refused(talk: Talk, unique: Unique) -> None:
    """Who names the replicas leaves the numbers at -1."""
    request = m.CreateTopicsRequest
    assigned = request.CreatableReplicaAssignment(partition_index=0, broker_ids=[1])
    topic = request.CreatableTopic(name=unique("both"), num_partitions=1, replication_factor=1, assignments=[assigned])

    assert talk.ask(request(topics=[topic])).topics[0].error_code == ErrorCode.INVALID_REQUEST


def test_assignment_with_a_gap_is_refused(talk: Talk, unique: Unique) -> None:
    """Partitions are numbered from 0 without gaps."""
    request = m.CreateTopicsRequest
    assigned = [request.CreatableReplicaAssignment(partition_index=index, broker_ids=[1]) for index in (0, 2)]
    topic = request.CreatableTopic(name=unique("gap"), num_partitions=-1, replication_factor=-1, assignments=assigned)

    assert talk.ask(request(topics=[topic])).topics[0].error_code == ErrorCode.INVALID_REPLICA_ASSIGNMENT


def test_topic_named_twice_in_a_request_is_refused(talk: Talk, unique: Unique) -> None:
    """Two wishes for one name contradict each other; the other topics of the request are made."""
    twice, once = unique("twice"), unique("once")
    request = m.CreateTopicsRequest
    wanted = [
        request.CreatableTopic(name=name, num_partitions=1, replication_factor=1) for name in (twice, once, twice)
    ]

    answer = {each.name: each.error_code for each in talk.ask(request(topics=wanted)).topics}

    assert answer == {twice: ErrorCode.INVALID_REQUEST, once: ErrorCode.NONE}


def test_cluster_metadata_topic_cannot_be_created(talk: Talk) -> None:
    """The quorum's own log is no topic of anybody's."""
    assert talk.create("__cluster_metadata").error_code == ErrorCode.INVALID_REQUEST


# -- grow ------------------------------------------------------------------------------------------------------------


def grow(
    talk: Talk, topic: str, count: int, replicas: list[list[int]] | None = None, *, validate_only: bool = False
) -> int:
    """Ask for so many partitions; returns the error code."""
    request = m.CreatePartitionsRequest
    assigned = replicas and [request.CreatePartitionsAssignment(broker_ids=brokers) for brokers in replicas]
    wanted = request.CreatePartitionsTopic(name=topic, count=count, assignments=assigned)
    answer = talk.ask(request(topics=[wanted], timeout_ms=30_000, validate_only=validate_only))
    return int(answer.results[0].error_code)


def test_grown_topic_keeps_its_partitions_and_gets_new_ones(talk: Talk, new_topic: NewTopic) -> None:
    """CreatePartitions adds empty partitions; the old ones keep leader and records."""
    topic = new_topic(partitions=2)
    talk.write(topic, b"early")

    assert grow(talk, topic, 4) == ErrorCode.NONE
    talk.wait_usable(topic, partitions=4)

    assert partitions_of(talk.topic(topic).partitions) == [0, 1, 2, 3]
    assert talk.write(topic, b"late", partition=3) == 0
    assert talk.values(topic) == [b"early"]


@pytest.mark.parametrize("count", [-1, 0, 1, 2])
def test_topic_cannot_shrink_or_stay(talk: Talk, new_topic: NewTopic, count: int) -> None:
    """The count must grow."""
    topic = new_topic(partitions=2)

    assert grow(talk, topic, count) == ErrorCode.INVALID_PARTITIONS
    assert partitions_of(talk.topic(topic).partitions) == [0, 1]


def test_growing_is_refused_for_unknown_topics_and_wrong_assignments(talk: Talk, topic: str) -> None:
    """As many assignments as new partitions, each of brokers that exist."""
    assert grow(talk, "nobody-made-this", 3) == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert grow(talk, topic, 3, [[1]]) == ErrorCode.INVALID_REPLICA_ASSIGNMENT
    assert grow(talk, topic, 2, [[99]]) == ErrorCode.INVALID_REPLICA_ASSIGNMENT
    assert grow(talk, topic, 5, validate_only=True) == ErrorCode.NONE
    assert partitions_of(talk.topic(topic).partitions) == [0]


# -- delete ----------------------------------------------------------------------------------------------------------


def test_deleted_topic_is_gone(talk: Talk, topic: str) -> None:
    """After DeleteTopics nobody knows it; deleting it again is refused."""
    assert talk.delete(name=topic) == ErrorCode.NONE
    talk.wait_gone(topic)
    assert talk.delete(name=topic) == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


def test_topic_is_deleted_by_its_id(talk: Talk, topic: str) -> None:
    """DeleteTopics takes ids too (KIP-516); an unknown one has an error code of its own."""
    topic_id = talk.topic(topic).topic_id

    assert talk.delete(topic_id=topic_id) == ErrorCode.NONE
    talk.wait_gone(topic)
    assert talk.delete(topic_id=topic_id) == ErrorCode.UNKNOWN_TOPIC_ID


def test_topic_of_the_same_name_is_another_topic(talk: Talk, topic: str) -> None:
    """A topic that is made again has another id, and starts at offset 0 without the old records."""
    old = talk.topic(topic).topic_id
    talk.write(topic, b"old", b"old")
    talk.delete(name=topic)
    talk.wait_gone(topic)

    assert talk.create(topic).error_code == ErrorCode.NONE
    talk.wait_usable(topic)

    assert talk.topic(topic).topic_id != old
    assert talk.write(topic, b"new") == 0
    assert talk.values(topic) == [b"new"]


# -- describe --------------------------------------------------------------------------------------------------------


def metadata(talk: Talk, *names: str, create: bool = False, **options: Any) -> Any:
    """A Metadata answer for these topics."""
    topics = [m.MetadataRequestTopic(name=name) for name in names]
    return talk.ask(m.MetadataRequest(topics=topics, allow_auto_topic_creation=create, **options))


def test_metadata_lists_all_topics_or_none(talk: Talk, topic: str) -> None:
    """No list of topics asks for all, an empty one for none; the offsets topic is marked as internal."""
    everything = {each.name: each for each in talk.ask(m.MetadataRequest(topics=None)).topics}

    assert topic in everything
    assert everything["__consumer_offsets"].is_internal
    assert "__cluster_metadata" not in everything
    assert list(metadata(talk).topics) == []


def test_metadata_names_every_broker_with_its_rack(cluster: kit.Cluster, talk: Talk) -> None:
    """Every broker gives the same list of brokers, their advertised addresses and the same cluster id."""
    for node_id in talk.node_ids:
        answer = talk.ask(m.MetadataRequest(topics=[]), node_id)
        found = {(each.node_id, each.host, each.port, each.rack) for each in answer.brokers}
        assert found == {(each.node_id, each.host, each.port, f"rack-{each.node_id}") for each in cluster.brokers}
        assert answer.cluster_id == talk.ask(m.DescribeClusterRequest()).cluster_id
        assert answer.controller_id in talk.node_ids


def test_metadata_of_unknown_and_illegal_names(talk: Talk) -> None:
    """Each topic has its own error code."""
    answer = metadata(talk, "nobody-made-this", "not legal")

    assert {each.name: each.error_code for each in answer.topics} == {
        "nobody-made-this": ErrorCode.UNKNOWN_TOPIC_OR_PARTITION,
        "not legal": ErrorCode.INVALID_TOPIC_EXCEPTION,
    }


def test_metadata_by_topic_id(talk: Talk, topic: str) -> None:
    """Topics can be asked for by id (KIP-516); an unknown id has an error code of its own."""
    known, unknown = talk.topic(topic).topic_id, random_uuid()
    topics = [m.MetadataRequestTopic(topic_id=each, name=None) for each in (known, unknown)]

    answer = talk.ask(m.MetadataRequest(topics=topics)).topics

    assert {each.topic_id: (each.error_code, each.name) for each in answer} == {
        known: (ErrorCode.NONE, topic),
        unknown: (ErrorCode.UNKNOWN_TOPIC_ID, None),
    }


def test_metadata_creates_a_topic_when_it_may(talk: Talk, unique: Unique, differs: Differs) -> None:
    """auto.create.topics.enable: a topic is made when a client asks for it and allows that."""
    topic = unique("auto-created")
    expected = differs(
        "Auto-creation of a topic by Metadata", apache=ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, embedded=ErrorCode.NONE
    )

    assert metadata(talk, topic, create=True).topics[0].error_code == expected
    talk_sees = wait_until(lambda: metadata(talk, topic).topics[0].partitions, "the topic")
    assert len(talk_sees) == 1
    wait_until(lambda: talk.offset_at(topic, LATEST).error_code == 0, "its leader")


def test_topic_is_described_page_by_page(talk: Talk, new_topic: NewTopic) -> None:
    """DescribeTopicPartitions (KIP-966) stops at its limit and says where to go on."""
    topic = new_topic(partitions=3)
    request = m.DescribeTopicPartitionsRequest
    first = talk.ask(request(topics=[request.TopicRequest(name=topic)], response_partition_limit=2))

    assert partitions_of(first.topics[0].partitions) == [0, 1]
    assert (first.next_cursor.topic_name, first.next_cursor.partition_index) == (topic, 2)
    cursor = request.Cursor(topic_name=topic, partition_index=2)
    rest = talk.ask(request(topics=[request.TopicRequest(name=topic)], response_partition_limit=2, cursor=cursor))
    assert partitions_of(rest.topics[0].partitions) == [2]
    assert rest.next_cursor is None


def test_unknown_topic_is_not_described(talk: Talk) -> None:
    """DescribeTopicPartitions answers for each topic."""
    request = m.DescribeTopicPartitionsRequest
    answer = talk.ask(request(topics=[request.TopicRequest(name="nobody-made-this")]))

    assert answer.topics[0].error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION


def test_cluster_describes_itself(cluster: kit.Cluster, talk: Talk) -> None:
    """DescribeCluster names the brokers, none of which is fenced; brokers do not answer for controllers."""
    answer = talk.ask(m.DescribeClusterRequest(include_fenced_brokers=True))

    assert {(each.broker_id, each.port, each.is_fenced) for each in answer.brokers} == {
        (each.node_id, each.port, False) for each in cluster.brokers
    }
    assert answer.controller_id in talk.node_ids
    controllers = talk.ask(m.DescribeClusterRequest(endpoint_type=2))
    assert controllers.error_code == ErrorCode.MISMATCHED_ENDPOINT_TYPE


def test_log_dirs_tell_how_large_a_partition_is(talk: Talk, new_topic: NewTopic) -> None:
    """DescribeLogDirs counts the bytes of a partition's segments, and no lag on the leader."""
    topic = new_topic(partitions=2)
    talk.write(topic, b"x" * 10_000)
    request = m.DescribeLogDirsRequest

    def sizes(node_id: int) -> dict[int, tuple[int, int]]:
        wanted = request.DescribableLogDirTopic(topic=topic, partitions=[0, 1])
        (found,) = talk.ask(request(topics=[wanted]), node_id).results
        return {p.partition_index: (p.partition_size, p.offset_lag) for t in found.topics for p in t.partitions}

    size_bytes, lag = sizes(talk.leader(topic))[0]
    assert 10_000 < size_bytes < 10_200
    assert lag == 0
    assert sizes(talk.leader(topic, 1))[1] == (0, 0)
