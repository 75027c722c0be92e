"""The admin APIs as a client meets them: requests through a whole embedded cluster under a virtual clock."""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kit.broker.metadata import BROKER_RESOURCE, TOPIC_RESOURCE
from kit.wire import messages as m
from kit.wire.errors import ErrorCode
from tests.support.memory_cluster import MemoryCluster, batch_of
from tests.support.metadata import manual_topic, topic

CREATE_TOPICS, DELETE_TOPICS, DELETE_RECORDS = 19, 20, 21
DESCRIBE_CONFIGS, ALTER_CONFIGS, CREATE_PARTITIONS, INCREMENTAL_ALTER_CONFIGS = 32, 33, 37, 44
DESCRIBE_CLUSTER, LIST_CONFIG_RESOURCES, DESCRIBE_TOPIC_PARTITIONS = 60, 74, 75


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[MemoryCluster]:
    """Two brokers."""
    made = MemoryCluster(tmp_path, brokers=2)
    yield made
    made.close()


def create(cluster: MemoryCluster, *topics: m.CreatableTopic) -> None:
    """Create topics that must be possible."""
    response = cluster.send(1, CREATE_TOPICS, 7, m.CreateTopicsRequest(topics=list(topics)))
    assert {result.error_code for result in response.topics} == {ErrorCode.NONE}


def describe(cluster: MemoryCluster, node_id: int, resource_type: int, name: str, *keys: str, **options: bool) -> Any:
    """The one result of a DescribeConfigs request."""
    resource = m.DescribeConfigsResource(
        resource_type=resource_type, resource_name=name, configuration_keys=list(keys) or None
    )
    request = m.DescribeConfigsRequest(resources=[resource], **options)
    return cluster.send(node_id, DESCRIBE_CONFIGS, 4, request).results[0]


def set_config(cluster: MemoryCluster, resource_type: int, name: str, key: str, value: str) -> int:
    """Set one setting; returns the error code."""
    change = m.IncrementalAlterConfigsRequest.AlterableConfig(name=key, config_operation=0, value=value)
    resource = m.IncrementalAlterConfigsRequest.AlterConfigsResource(
        resource_type=resource_type, resource_name=name, configs=[change]
    )
    response = cluster.send(1, INCREMENTAL_ALTER_CONFIGS, 1, m.IncrementalAlterConfigsRequest(resources=[resource]))
    return int(response.responses[0].error_code)


# -- topics ------------------------------------------------------------------------------------------------------


def test_create_topics_is_known_to_every_broker_at_once(cluster: MemoryCluster) -> None:
    """When the answer comes, each broker has the topic and each leader its log."""
    create(cluster, topic("a", 2))
    for broker in cluster.cluster.brokers.values():
        assert [state.leader for state in broker.image.topics["a"].partitions.values()] == [1, 2]
    assert cluster.broker(1).partition("a", 0).is_leader
    assert cluster.broker(2).partition("a", 1).is_leader


def test_validate_only_changes_nothing(cluster: MemoryCluster) -> None:
    """Every API that can only validate answers as if, and leaves the cluster as it is."""
    create(cluster, topic("a"))
    records = cluster.metadata_records()
    asked = cluster.send(1, CREATE_TOPICS, 7, m.CreateTopicsRequest(topics=[topic("b")], validate_only=True))
    assert (asked.topics[0].error_code, asked.topics[0].num_partitions) == (ErrorCode.NONE, 1)
    growth = m.CreatePartitionsRequest(topics=[m.CreatePartitionsTopic(name="a", count=3, assignments=None)])
    growth.validate_only = True
    assert cluster.send(1, CREATE_PARTITIONS, 3, growth).results[0].error_code == ErrorCode.NONE
    for api_key, version, message in (
        (ALTER_CONFIGS, 2, m.AlterConfigsRequest),
        (INCREMENTAL_ALTER_CONFIGS, 1, m.IncrementalAlterConfigsRequest),
    ):
        change = message.AlterableConfig(name="retention.ms", value="5")
        resource = message.AlterConfigsResource(resource_type=TOPIC_RESOURCE, resource_name="a", configs=[change])
        answer = cluster.send(1, api_key, version, message(resources=[resource], validate_only=True))
        assert answer.responses[0].error_code == ErrorCode.NONE
    assert cluster.metadata_records() == records


def test_create_partitions_opens_the_new_ones(cluster: MemoryCluster) -> None:
    """A new partition can be written to as soon as the answer is there."""
    create(cluster, topic("a"))
    request = m.CreatePartitionsRequest(topics=[m.CreatePartitionsTopic(name="a", count=2, assignments=None)])
    response = cluster.send(1, CREATE_PARTITIONS, 3, request)
    assert response.results[0].error_code == ErrorCode.NONE
    assert cluster.broker(2).partition("a", 1).is_leader


@pytest.mark.parametrize("api_version", [1, 3, 6])
def test_delete_topics_forgets_the_topic_everywhere(cluster: MemoryCluster, api_version: int) -> None:
    """After the answer no broker has the topic, and a new one of the same name is empty."""
    create(cluster, topic("a"))
    assert cluster.produce_code("a", batch_of(b"1", b"2")) == ErrorCode.NONE
    if api_version < 6:
        request = m.DeleteTopicsRequest(topic_names=["a"])
    else:
        request = m.DeleteTopicsRequest(topics=[m.DeleteTopicState(name="a")])
    response = cluster.send(2, DELETE_TOPICS, api_version, request)
    assert [(result.name, result.error_code) for result in response.responses] == [("a", ErrorCode.NONE)]
    assert all("a" not in broker.image.topics for broker in cluster.cluster.brokers.values())
    create(cluster, topic("a"))
    assert cluster.broker(1).partition("a", 0).high_watermark == 0


def test_topics_and_settings_survive_a_restart(cluster: MemoryCluster) -> None:
    """What the controller decided is in its log, so the next start knows it."""
    create(cluster, topic("a", 3, retention_ms="5000"))
    assert set_config(cluster, BROKER_RESOURCE, "", "log.retention.bytes", "7") == ErrorCode.NONE
    cluster.restart()
    assert len(cluster.broker(2).image.topics["a"].partitions) == 3
    for node_id in (1, 2):
        found = describe(cluster, node_id, TOPIC_RESOURCE, "a", "retention.ms", "retention.bytes").configs
        assert [(entry.value, entry.config_source) for entry in found] == [("7", 3), ("5000", 1)]


# -- settings ----------------------------------------------------------------------------------------------------


def test_describe_configs_of_a_topic_is_complete(cluster: MemoryCluster) -> None:
    """All of Kafka's topic settings, with empty error message, as Apache answers."""
    create(cluster, topic("a", retention_ms="5000"))
    result = describe(cluster, 2, TOPIC_RESOURCE, "a")
    assert (result.error_code, result.error_message, len(result.configs)) == (ErrorCode.NONE, "", 33)
    entry = next(entry for entry in result.configs if entry.name == "retention.ms")
    assert (entry.value, entry.config_source, entry.config_type) == ("5000", 1, 5)
    assert (entry.synonyms, entry.documentation, entry.is_sensitive) == ([], None, False)


def test_describe_configs_adds_what_is_asked_for(cluster: MemoryCluster) -> None:
    """Named keys only, synonyms and documentation on demand; an unknown key is passed over."""
    create(cluster, topic("a"))
    result = describe(cluster, 1, TOPIC_RESOURCE, "a", "segment.bytes", "nope",
        include_synonyms=True, include_documentation=True,
    )  # fmt: skip
    (entry,) = result.configs
    synonyms = [(synonym.name, synonym.source) for synonym in entry.synonyms]
    assert synonyms == [("log.segment.bytes", 4), ("log.segment.bytes", 5)]
    assert entry.documentation.startswith("How large a segment's file becomes")


def test_describe_configs_of_a_broker_is_its_own(cluster: MemoryCluster) -> None:
    """Each broker tells its own id, addresses and folder, and which settings can change."""
    for node_id in (1, 2):
        configs = {entry.name: entry for entry in describe(cluster, node_id, BROKER_RESOURCE, str(node_id)).configs}
        assert configs["node.id"].value == str(node_id)
        assert configs["advertised.listeners"].value == f"PLAINTEXT://127.0.0.1:900{node_id}"
        assert configs["log.dirs"].value.endswith(f"broker-{node_id}")
        assert configs["num.partitions"].read_only
        assert not configs["log.retention.ms"].read_only


@pytest.mark.parametrize(
    ("resource_type", "name", "code"),
    [
        (TOPIC_RESOURCE, "zz", ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
        (TOPIC_RESOURCE, "z z", ErrorCode.INVALID_TOPIC_EXCEPTION),
        (TOPIC_RESOURCE, "", ErrorCode.INVALID_TOPIC_EXCEPTION),
        (BROKER_RESOURCE, "2", ErrorCode.INVALID_REQUEST),
        (BROKER_RESOURCE, "x", ErrorCode.INVALID_REQUEST),
        (0, "1", ErrorCode.INVALID_REQUEST),
        (99, "1", ErrorCode.INVALID_REQUEST),
    ],
)
def test_describe_configs_refuses(cluster: MemoryCluster, resource_type: int, name: str, code: ErrorCode) -> None:
    """What does not exist, or is another broker's, is an error and not an empty list."""
    result = describe(cluster, 1, resource_type, name)
    assert (result.error_code, result.configs) == (code, [])


def test_topic_setting_is_in_force_when_the_answer_comes(cluster: MemoryCluster) -> None:
    """A smaller max.message.bytes refuses the next batch."""
    create(cluster, topic("a"))
    assert cluster.produce_code("a", batch_of(b"v")) == ErrorCode.NONE
    assert set_config(cluster, TOPIC_RESOURCE, "a", "max.message.bytes", "10") == ErrorCode.NONE
    assert cluster.produce_code("a", batch_of(b"v")) == ErrorCode.MESSAGE_TOO_LARGE


def test_broker_settings_reach_the_brokers_they_are_for(cluster: MemoryCluster) -> None:
    """One broker's own value, the value for all, and what a topic makes of them."""
    create(cluster, topic("a"))
    assert set_config(cluster, BROKER_RESOURCE, "", "log.retention.ms", "2000") == ErrorCode.NONE
    assert set_config(cluster, BROKER_RESOURCE, "2", "log.retention.ms", "3000") == ErrorCode.NONE
    values = []
    for node_id in (1, 2):
        (entry,) = describe(cluster, node_id, TOPIC_RESOURCE, "a", "retention.ms").configs
        values.append((entry.value, entry.config_source))
    assert values == [("2000", 3), ("3000", 2)]
    assert [entry.value for entry in describe(cluster, 2, BROKER_RESOURCE, "").configs] == ["2000"]


def test_list_config_resources(cluster: MemoryCluster) -> None:
    """All brokers and topics, or the types asked for; types that have nothing are empty, others unsupported."""
    create(cluster, topic("b"), topic("a"))

    def listed(api_version: int, *types: int) -> tuple[int, list[tuple[int, str]]]:
        request = m.ListConfigResourcesRequest(resource_types=list(types))
        response = cluster.send(1, LIST_CONFIG_RESOURCES, api_version, request)
        return response.error_code, [(found.resource_type, found.resource_name) for found in response.config_resources]

    assert listed(1) == (ErrorCode.NONE, [(4, "1"), (4, "2"), (2, "a"), (2, "b")])
    assert listed(1, 2, 2) == (ErrorCode.NONE, [(2, "a"), (2, "b")])
    assert listed(1, 16, 32) == (ErrorCode.NONE, [])
    assert listed(1, 99) == (ErrorCode.UNSUPPORTED_VERSION, [])
    assert listed(0) == (ErrorCode.NONE, [])


# -- the cluster and its partitions ------------------------------------------------------------------------------


def test_describe_cluster_names_the_brokers(cluster: MemoryCluster) -> None:
    """The id, an alive broker as controller, all addresses; operations only when asked for."""
    response = cluster.send(2, DESCRIBE_CLUSTER, 2, m.DescribeClusterRequest())
    assert (response.cluster_id, response.controller_id, response.endpoint_type) == (cluster.cluster.cluster_id, 1, 1)
    assert [(found.broker_id, found.host, found.port, found.rack) for found in response.brokers] == [
        (1, "127.0.0.1", 9001, "rack-1"),
        (2, "127.0.0.1", 9002, "rack-2"),
    ]
    assert response.cluster_authorized_operations == -(2**31)
    request = m.DescribeClusterRequest(include_cluster_authorized_operations=True)
    assert cluster.send(2, DESCRIBE_CLUSTER, 2, request).cluster_authorized_operations == 8096


@pytest.mark.parametrize(
    ("endpoint_type", "code"),
    [(2, ErrorCode.MISMATCHED_ENDPOINT_TYPE), (3, ErrorCode.UNSUPPORTED_ENDPOINT_TYPE)],
)
def test_describe_cluster_knows_only_brokers(cluster: MemoryCluster, endpoint_type: int, code: ErrorCode) -> None:
    """A client that takes this address for a controller's is told so (KIP-919)."""
    response = cluster.send(1, DESCRIBE_CLUSTER, 2, m.DescribeClusterRequest(endpoint_type=endpoint_type))
    assert (response.error_code, response.brokers) == (code, [])


def pages(cluster: MemoryCluster, names: list[str], limit: int) -> list[list[tuple[str, int]]]:
    """All pages of DescribeTopicPartitions as (topic, partition), following the cursor."""
    found = []
    cursor: Any = None
    while True:
        request = m.DescribeTopicPartitionsRequest(
            topics=[m.DescribeTopicPartitionsRequest.TopicRequest(name=name) for name in names],
            response_partition_limit=limit,
            cursor=cursor,
        )
        response = cluster.send(1, DESCRIBE_TOPIC_PARTITIONS, 0, request)
        found.append(
            [(entry.name, partition.partition_index) for entry in response.topics for partition in entry.partitions]
        )
        if response.next_cursor is None:
            return found
        cursor = m.DescribeTopicPartitionsRequest.Cursor(
            topic_name=response.next_cursor.topic_name, partition_index=response.next_cursor.partition_index
        )


@pytest.mark.parametrize("limit", [0, 1, 2, 3, 4, 6, 7, 2000])
def test_describe_topic_partitions_pages_through_everything_once(cluster: MemoryCluster, limit: int) -> None:
    """Whatever the page size, every partition comes exactly once, in order, and no page is larger."""
    create(cluster, topic("b", 2), topic("a", 3), topic("c", 1))
    found = pages(cluster, [], limit)
    assert [partition for page in found for partition in page] == [
        ("a", 0), ("a", 1), ("a", 2), ("b", 0), ("b", 1), ("c", 0),
    ]  # fmt: skip
    assert all(0 < len(page) <= max(1, limit) for page in found)


def test_describe_topic_partitions_answers_for_each_name(cluster: MemoryCluster) -> None:
    """Names are sorted and asked once; unknown and illegal ones have their error."""
    create(cluster, topic("b"), manual_topic("a", [(0, [2])]))
    request = m.DescribeTopicPartitionsRequest(
        topics=[m.DescribeTopicPartitionsRequest.TopicRequest(name=name) for name in ("zz", "b", "a", "z z", "b")]
    )
    response = cluster.send(1, DESCRIBE_TOPIC_PARTITIONS, 0, request)
    assert [(entry.name, entry.error_code) for entry in response.topics] == [
        ("a", ErrorCode.NONE),
        ("b", ErrorCode.NONE),
        ("z z", ErrorCode.INVALID_TOPIC_EXCEPTION),
        ("zz", ErrorCode.UNKNOWN_TOPIC_OR_PARTITION),
    ]
    (partition,) = response.topics[0].partitions
    assert (partition.leader_id, partition.replica_nodes, partition.isr_nodes) == (2, [2], [2])
    assert response.topics[0].topic_id != uuid.UUID(int=0)
    assert response.topics[0].topic_authorized_operations == 3576


def test_describe_topic_partitions_with_odd_cursors(cluster: MemoryCluster) -> None:
    """A cursor's topic may be gone, its partition too; a negative partition is answered with nothing."""
    create(cluster, topic("b", 2), topic("d"))

    def first_page(name: str, partition: int) -> list[tuple[str, int]]:
        cursor = m.DescribeTopicPartitionsRequest.Cursor(topic_name=name, partition_index=partition)
        response = cluster.send(1, DESCRIBE_TOPIC_PARTITIONS, 0, m.DescribeTopicPartitionsRequest(cursor=cursor))
        return [(entry.name, found.partition_index) for entry in response.topics for found in entry.partitions]

    assert first_page("a", 1) == [("b", 0), ("b", 1), ("d", 0)]
    assert first_page("b", 1) == [("b", 1), ("d", 0)]
    assert first_page("b", 9) == [("d", 0)]
    assert first_page("c", 9) == [("d", 0)]
    assert first_page("b", -1) == []


# -- records -----------------------------------------------------------------------------------------------------


def delete_records(cluster: MemoryCluster, node_id: int, name: str, partition: int, offset: int) -> tuple[int, int]:
    """Delete records below an offset; returns (error code, low watermark)."""
    asked = m.DeleteRecordsPartition(partition_index=partition, offset=offset)
    request = m.DeleteRecordsRequest(topics=[m.DeleteRecordsTopic(name=name, partitions=[asked])])
    (result,) = cluster.send(node_id, DELETE_RECORDS, 2, request).topics[0].partitions
    assert result.partition_index == partition
    return result.error_code, result.low_watermark


def test_delete_records_moves_the_log_start_offset(cluster: MemoryCluster) -> None:
    """Below the offset nothing is left; -1 stands for the high watermark; going back changes nothing."""
    create(cluster, topic("a"))
    assert cluster.produce_code("a", batch_of(*[b"v"] * 5)) == ErrorCode.NONE
    assert delete_records(cluster, 1, "a", 0, 2) == (ErrorCode.NONE, 2)
    assert delete_records(cluster, 1, "a", 0, 1) == (ErrorCode.NONE, 2)
    assert delete_records(cluster, 1, "a", 0, -1) == (ErrorCode.NONE, 5)
    assert cluster.partition("a").log.log_start_offset == 5


def test_delete_records_refuses(cluster: MemoryCluster) -> None:
    """Beyond the end, unknown, led elsewhere, compacted, internal: each has Kafka's own error code."""
    create(
        cluster,
        manual_topic("a", [(0, [1]), (1, [2])]),
        topic("compacted", cleanup_policy="compact"),
        manual_topic("__consumer_offsets", [(0, [1])]),
    )
    assert delete_records(cluster, 1, "a", 0, 1) == (ErrorCode.OFFSET_OUT_OF_RANGE, -1)
    assert delete_records(cluster, 1, "a", 0, -2) == (ErrorCode.OFFSET_OUT_OF_RANGE, -1)
    assert delete_records(cluster, 1, "a", 1, 0) == (ErrorCode.NOT_LEADER_OR_FOLLOWER, -1)
    assert delete_records(cluster, 1, "a", 9, 0) == (ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, -1)
    assert delete_records(cluster, 1, "zz", 0, 0) == (ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, -1)
    assert delete_records(cluster, cluster.leader("compacted"), "compacted", 0, 0) == (ErrorCode.POLICY_VIOLATION, -1)
    assert delete_records(cluster, 1, "__consumer_offsets", 0, 0) == (ErrorCode.INVALID_TOPIC_EXCEPTION, -1)


def test_what_is_asked_for_many_times_is_answered_once(cluster: MemoryCluster) -> None:
    """A small request must not have an answer of gigabytes: each resource, topic and group is described once."""
    create(cluster, topic("listens"))
    resources = [m.DescribeConfigsResource(resource_type=TOPIC_RESOURCE, resource_name="listens")] * 1000
    configs = cluster.send(1, DESCRIBE_CONFIGS, 4, m.DescribeConfigsRequest(resources=resources))
    topics = [m.MetadataRequestTopic(name="listens")] * 1000
    metadata = cluster.send(1, 3, 12, m.MetadataRequest(topics=topics))
    groups = cluster.send(1, 15, 5, m.DescribeGroupsRequest(groups=["g"] * 1000))
    asked = [m.OffsetFetchRequestGroup(group_id="g", topics=None)] * 1000
    offsets = cluster.send(1, 9, 8, m.OffsetFetchRequest(groups=asked))

    assert [len(configs.results), len(metadata.topics), len(groups.groups), len(offsets.groups)] == [1, 1, 1, 1]
