"""What clients learn of the cluster, and topics that come into being by being asked for."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest

from kit.wire import messages as m
from kit.wire.errors import ErrorCode
from tests.support.memory_cluster import METADATA, MemoryCluster

MakeCluster = Callable[..., MemoryCluster]
NOT_ASKED = -(2**31)


def by_name(*names: str, auto_create: bool = False) -> m.MetadataRequest:
    """Ask for topics by name."""
    topics = [m.MetadataRequestTopic(name=name) for name in names]
    return m.MetadataRequest(topics=topics, allow_auto_topic_creation=auto_create)


def codes(response: m.MetadataResponse) -> dict[str | None, ErrorCode]:
    """The error code of each topic."""
    return {topic.name: ErrorCode(topic.error_code) for topic in response.topics}


@pytest.mark.parametrize("version", range(14))
def test_metadata_describes_the_cluster_in_every_version(make_cluster: MakeCluster, version: int) -> None:
    """Brokers, and of each partition its leader and replicas; each version adds something."""
    cluster = make_cluster(brokers=3)
    cluster.create_topic("listens", 4)

    response = cluster.send(2, METADATA, version, by_name("listens", auto_create=version < 4))

    assert [(each.node_id, each.host, each.port) for each in response.brokers] == [
        (node_id, "127.0.0.1", 9000 + node_id) for node_id in (1, 2, 3)
    ]
    assert response.cluster_id == (cluster.cluster.cluster_id if version >= 2 else None)
    assert response.controller_id == (1 if version >= 1 else -1)
    (topic,) = response.topics
    assert (topic.name, topic.error_code, topic.is_internal) == ("listens", ErrorCode.NONE, False)
    assert topic.topic_id == (cluster.topic_id("listens") if version >= 10 else m.NULL_UUID)
    assert [each.partition_index for each in topic.partitions] == [0, 1, 2, 3]
    assert {each.leader_id for each in topic.partitions} == {1, 2, 3}
    assert all(each.replica_nodes == each.isr_nodes == [each.leader_id] for each in topic.partitions)
    assert all(each.leader_epoch == (0 if version >= 7 else -1) for each in topic.partitions)


@pytest.mark.parametrize(
    ("version", "topics", "expected"),
    [
        (0, [], {"a", "b"}),
        (1, [], set()),
        (1, None, {"a", "b"}),
        (13, [], set()),
        (13, None, {"a", "b"}),
    ],
)
def test_metadata_of_all_topics(
    make_cluster: MakeCluster, version: int, topics: list[m.MetadataRequestTopic] | None, expected: set[str]
) -> None:
    """An empty list meant all in version 0 and means none since; null means all."""
    cluster = make_cluster()
    cluster.create_topic("a")
    cluster.create_topic("b")

    response = cluster.send(1, METADATA, version, m.MetadataRequest(topics=topics))

    assert set(codes(response)) == expected


def test_metadata_by_id(cluster: MemoryCluster) -> None:
    """The id finds the topic, whatever the name says; an unknown id has no name (KIP-516)."""
    unknown = uuid.UUID(int=7)
    topics = [
        m.MetadataRequestTopic(name=None, topic_id=cluster.topic_id("listens")),
        m.MetadataRequestTopic(name="listens", topic_id=unknown),
    ]

    response = cluster.send(1, METADATA, 12, m.MetadataRequest(topics=topics))

    assert [(each.name, each.topic_id, each.error_code) for each in response.topics] == [
        ("listens", cluster.topic_id("listens"), ErrorCode.NONE),
        (None, unknown, ErrorCode.UNKNOWN_TOPIC_ID),
    ]


@pytest.mark.parametrize("version", [10, 11])
def test_metadata_by_id_is_refused_before_version_12(cluster: MemoryCluster, version: int) -> None:
    """The versions had the field but not yet the meaning."""
    topics = [
        m.MetadataRequestTopic(name=None, topic_id=cluster.topic_id("listens")),
        m.MetadataRequestTopic(name="listens"),
    ]

    response = cluster.send(1, METADATA, version, m.MetadataRequest(topics=topics))

    assert codes(response) == {"": ErrorCode.INVALID_REQUEST, "listens": ErrorCode.INVALID_REQUEST}


@pytest.mark.parametrize("version", [8, 10, 11, 13])
def test_metadata_tells_what_is_allowed_when_asked(cluster: MemoryCluster, version: int) -> None:
    """Without an authorizer everything is; who does not ask gets the number for that."""
    request = by_name("listens")
    assert cluster.send(1, METADATA, version, request).topics[0].topic_authorized_operations == NOT_ASKED

    request.include_topic_authorized_operations = True

    assert cluster.send(1, METADATA, version, request).topics[0].topic_authorized_operations > 0


# -- auto-creation ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", range(14))
def test_metadata_creates_a_topic(make_cluster: MakeCluster, version: int) -> None:
    """It has the broker's number of partitions and is ready in this very answer."""
    cluster = make_cluster(brokers=2, num_partitions=3)

    (topic,) = cluster.send(1, METADATA, version, by_name("plays", auto_create=True)).topics

    assert (topic.name, topic.error_code, len(topic.partitions)) == ("plays", ErrorCode.NONE, 3)
    assert {each.leader_id for each in topic.partitions} == {1, 2}
    assert list(cluster.broker(2).image.topics) == ["plays"]


def test_metadata_creates_each_topic_once(cluster: MemoryCluster) -> None:
    """A name that is asked for twice, and one that is there already."""
    first = cluster.topic_id("listens")

    response = cluster.send(1, METADATA, 9, by_name("listens", "plays", "plays", auto_create=True))

    assert codes(response) == {"listens": ErrorCode.NONE, "plays": ErrorCode.NONE}
    assert cluster.topic_id("listens") == first


@pytest.mark.parametrize("version", [4, 13])
def test_metadata_creates_nothing_when_the_client_forbids_it(cluster: MemoryCluster, version: int) -> None:
    """Consumers and admin clients only look (KIP-204)."""
    response = cluster.send(1, METADATA, version, by_name("plays"))

    assert codes(response) == {"plays": ErrorCode.UNKNOWN_TOPIC_OR_PARTITION}
    assert "plays" not in cluster.broker().image.topics


@pytest.mark.parametrize("version", [0, 13])
def test_metadata_creates_nothing_when_the_broker_forbids_it(make_cluster: MakeCluster, version: int) -> None:
    """auto.create.topics.enable=false."""
    cluster = make_cluster(auto_create_topics_enable=False)

    response = cluster.send(1, METADATA, version, by_name("plays", auto_create=True))

    assert codes(response) == {"plays": ErrorCode.UNKNOWN_TOPIC_OR_PARTITION}


@pytest.mark.parametrize("name", ["", ".", "..", "a b", "a/b", "../evil", "ä", "x" * 250, "a\0"])
@pytest.mark.parametrize("auto_create", [True, False])
def test_metadata_refuses_illegal_names(cluster: MemoryCluster, name: str, auto_create: bool) -> None:
    """A name is a folder's name too."""
    response = cluster.send(1, METADATA, 9, by_name(name, "legal", auto_create=auto_create))

    assert codes(response)[name] is ErrorCode.INVALID_TOPIC_EXCEPTION
    assert list(cluster.broker().image.topics) == ["listens", *(["legal"] if auto_create else [])]


def test_metadata_passes_on_why_a_topic_cannot_be_created(make_cluster: MakeCluster) -> None:
    """More replicas than brokers; and two names that metrics could not tell apart."""
    cluster = make_cluster(default_replication_factor=2)
    response = cluster.send(1, METADATA, 9, by_name("plays", auto_create=True))
    assert codes(response) == {"plays": ErrorCode.INVALID_REPLICATION_FACTOR}

    cluster.create_topic("a.b")
    response = cluster.send(1, METADATA, 9, by_name("a_b", auto_create=True))
    assert codes(response) == {"a_b": ErrorCode.INVALID_TOPIC_EXCEPTION}


def test_metadata_creates_the_offsets_topic_as_it_has_to_be(make_cluster: MakeCluster) -> None:
    """Compacted, with its own number of partitions, and marked as internal."""
    cluster = make_cluster(offsets_topic_num_partitions=5)

    (topic,) = cluster.send(1, METADATA, 9, by_name("__consumer_offsets", auto_create=True)).topics

    assert (topic.is_internal, len(topic.partitions)) == (True, 5)
    assert cluster.broker().replicas.topic_config("__consumer_offsets")["cleanup.policy"] == ("compact",)
