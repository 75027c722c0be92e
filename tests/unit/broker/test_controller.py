"""The controller: writes down first, then tells everybody; and the ids that it hands out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kit.broker.broker import InvalidRequest
from kit.broker.handlers.api_67_allocate_producer_ids import BLOCK_SIZE as PRODUCER_ID_BLOCK_SIZE
from kit.broker.metadata import NO_LEADER
from kit.broker.raft.metadata_log import FOLDER_NAME
from kit.wire import messages as m
from kit.wire.errors import ErrorCode
from tests.support.memory_cluster import METADATA, MemoryCluster, batch_of

MakeCluster = Callable[..., MemoryCluster]
SESSION_MS = 1_000  # more than broker.session.timeout.ms
INIT_PRODUCER_ID, ALLOCATE_PRODUCER_IDS = 22, 67
DESCRIBE_QUORUM, DESCRIBE_TOPIC_PARTITIONS = 55, 75


def init_producer_id(cluster: MemoryCluster, node_id: int = 1, version: int = 5, **fields: Any) -> tuple[int, int, int]:
    """(error_code, producer_id, producer_epoch)."""
    request = m.InitProducerIdRequest(**{"transactional_id": None, "transaction_timeout_ms": 60_000, **fields})
    answer = cluster.send(node_id, INIT_PRODUCER_ID, version, request)
    return answer.error_code, answer.producer_id, answer.producer_epoch


# -- metadata --------------------------------------------------------------------------------------------------------


def test_every_broker_knows_what_was_committed(make_cluster: MakeCluster) -> None:
    """All images are the same when the answer comes."""
    cluster = make_cluster(brokers=3)
    cluster.create_topic("listens", 5, retention_ms=1000)

    images = [cluster.controller.image, *(cluster.broker(node_id).image for node_id in (1, 2, 3))]

    assert all(image.topics == images[0].topics for image in images)
    assert all(image.configs == {(2, "listens"): {"retention.ms": "1000"}} for image in images)
    assert all(list(image.brokers) == [1, 2, 3] for image in images)


def test_leaders_are_spread(make_cluster: MakeCluster) -> None:
    """Many small topics as well as one large one."""
    cluster = make_cluster(brokers=3)
    for number in range(6):
        cluster.create_topic(f"small-{number}")
    cluster.create_topic("large", 6)

    small = [cluster.leader(f"small-{number}") for number in range(6)]
    large = [cluster.leader("large", index) for index in range(6)]

    assert [sorted(small), sorted(large)] == [[1, 1, 2, 2, 3, 3]] * 2


def test_commit_is_all_or_nothing_after_a_crash(make_cluster: MakeCluster) -> None:
    """A torn last batch of metadata takes the whole decision away, not half of a topic."""
    cluster = make_cluster()
    cluster.create_topic("kept", 2)
    cluster.create_topic("torn", 3)
    (path,) = (cluster.data_dir / "broker-1" / FOLDER_NAME).glob("*.log")
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size - 1)

    cluster.crash()

    image = cluster.broker().image
    assert {name: len(topic.partitions) for name, topic in image.topics.items()} == {"kept": 2}


def test_history_is_what_was_committed(cluster: MemoryCluster) -> None:
    """The log gives back each record as it was, oldest first."""
    kinds = [type(record).__name__ for record in cluster.metadata_records()]

    assert kinds == [
        "RegisterBrokerRecord", "BrokerRegistrationChangeRecord", "TopicRecord", "PartitionRecord", "PartitionRecord",
    ]  # fmt: skip


def test_no_records_is_no_commit(cluster: MemoryCluster) -> None:
    """A decision to change nothing leaves no trace."""
    before = len(cluster.metadata_records())

    cluster.commit()

    assert len(cluster.metadata_records()) == before


# -- restarts --------------------------------------------------------------------------------------------------------


def test_restart_begins_new_epochs(cluster: MemoryCluster) -> None:
    """Registration and leadership are new ones, so that what is left of the old ones can be told apart."""
    seen = []
    for _ in range(3):
        broker = cluster.broker()
        seen.append((broker.broker_epoch, cluster.partition("listens").leader_epoch))
        cluster.restart()

    assert seen == sorted(set(seen))
    assert len({epoch for epoch, _ in seen}) == len({leader_epoch for _, leader_epoch in seen}) == 3


def test_absent_broker_leaves_its_partitions_without_leader(make_cluster: MakeCluster) -> None:
    """LEADER_NOT_AVAILABLE until it returns; then its records are there again."""
    cluster = make_cluster(brokers=3)
    cluster.create_topic("listens", 3)
    lost = next(index for index in range(3) if cluster.leader("listens", index) == 3)
    for index in range(3):
        cluster.produce("listens", batch_of(b"%d" % index), partition=index)
    epoch = cluster.broker(3).broker_epoch

    cluster.restart(brokers=2)
    cluster.clock.advance(SESSION_MS)

    def partitions() -> dict[int, tuple[ErrorCode, int]]:
        request = m.MetadataRequest(topics=[m.MetadataRequestTopic(name="listens")])
        (topic,) = cluster.send(1, METADATA, 12, request).topics
        return {each.partition_index: (ErrorCode(each.error_code), each.leader_id) for each in topic.partitions}

    assert partitions()[lost] == (ErrorCode.LEADER_NOT_AVAILABLE, NO_LEADER)
    assert sorted(code for code, _ in partitions().values()) == [0, 0, ErrorCode.LEADER_NOT_AVAILABLE]
    assert cluster.produce_code("listens", batch_of(b"x"), partition=lost, node_id=1) is (
        ErrorCode.NOT_LEADER_OR_FOLLOWER
    )
    topic_partitions = m.DescribeTopicPartitionsRequest(
        topics=[m.DescribeTopicPartitionsRequest.TopicRequest(name="listens")]
    )
    (described,) = cluster.send(1, DESCRIBE_TOPIC_PARTITIONS, 0, topic_partitions).topics
    assert [
        (ErrorCode(each.error_code), each.leader_id) for each in described.partitions if each.partition_index == lost
    ] == [(ErrorCode.NONE, NO_LEADER)]
    cluster.create_topic("made-meanwhile", 4)
    assert {cluster.leader("made-meanwhile", index) for index in range(4)} == {1, 2}

    cluster.restart(brokers=3)

    assert {code for code, _ in partitions().values()} == {ErrorCode.NONE}
    assert [cluster.values("listens", partition=index) for index in range(3)] == [[b"0"], [b"1"], [b"2"]]
    assert cluster.broker(3).broker_epoch > epoch


# -- producer ids ----------------------------------------------------------------------------------------------------


def test_producer_ids_never_repeat(make_cluster: MakeCluster) -> None:
    """Not between brokers, not over the end of a block, not after a restart, not after a crash."""
    cluster = make_cluster(brokers=3)
    seen = []
    for end in (cluster.restart, cluster.crash, cluster.restart):
        for node_id in (1, 2, 3):
            seen += [init_producer_id(cluster, node_id) for _ in range(PRODUCER_ID_BLOCK_SIZE // 2 + 1)]
        seen += [init_producer_id(cluster, 2) for _ in range(PRODUCER_ID_BLOCK_SIZE)]
        end()

    assert len({producer_id for _, producer_id, _ in seen}) == len(seen)
    assert {(code, epoch) for code, _, epoch in seen} == {(ErrorCode.NONE, 0)}


@pytest.mark.parametrize("version", range(6))
def test_init_producer_id_in_every_version(cluster: MemoryCluster, version: int) -> None:
    """The first id of all is 0, the next one 1."""
    assert init_producer_id(cluster, version=version) == (ErrorCode.NONE, 0, 0)
    assert init_producer_id(cluster, version=version) == (ErrorCode.NONE, 1, 0)


def test_init_producer_id_gives_a_fresh_id_to_who_has_one(cluster: MemoryCluster) -> None:
    """A producer that lost its state begins anew (KIP-360); only transactional ones keep their id."""
    init_producer_id(cluster)

    assert init_producer_id(cluster, producer_id=0, producer_epoch=3) == (ErrorCode.NONE, 1, 0)


@pytest.mark.parametrize(
    "fields",
    [
        {"transactional_id": ""},
        {"transactional_id": "mine"},
        {"producer_id": 4},
        {"producer_epoch": 4},
    ],
)
def test_init_producer_id_refuses(cluster: MemoryCluster, fields: dict[str, Any]) -> None:
    """Transactions, which are not there yet, and half of an identity."""
    assert init_producer_id(cluster, **fields) == (ErrorCode.INVALID_REQUEST, -1, -1)


def test_allocate_producer_ids_is_between_nodes_only(cluster: MemoryCluster) -> None:
    """A client that sends it is disconnected, and no block is lost."""
    request = m.AllocateProducerIdsRequest(broker_id=1, broker_epoch=0)

    with pytest.raises(InvalidRequest, match="67"):
        cluster.ask(1, ALLOCATE_PRODUCER_IDS, 0, request)

    assert cluster.broker().image.next_producer_id == 0


# -- who are the controllers -----------------------------------------------------------------------------------------


def describe_quorum(cluster: MemoryCluster, version: int, topic: str, *partitions: int) -> m.DescribeQuorumResponse:
    """Ask broker 1."""
    wanted = m.DescribeQuorumRequest.TopicData(
        topic_name=topic,
        partitions=[m.DescribeQuorumRequest.PartitionData(partition_index=each) for each in partitions],
    )
    response: m.DescribeQuorumResponse = cluster.send(
        1, DESCRIBE_QUORUM, version, m.DescribeQuorumRequest(topics=[wanted])
    )
    return response


def test_describe_quorum_says_where_clients_reach_the_voters(make_cluster: MakeCluster) -> None:
    """That is the broker on the same node."""
    cluster = make_cluster(brokers=4)
    nodes = describe_quorum(cluster, 2, "__cluster_metadata", 0).nodes
    assert [(node.node_id, [(at.name, at.port) for at in node.listeners]) for node in nodes] == [
        (node_id, [("PLAINTEXT", cluster.broker(1).image.brokers[node_id].port)]) for node_id in (1, 2, 3)
    ]
    assert describe_quorum(cluster, 1, "__cluster_metadata", 0).nodes == []


def test_describe_quorum_says_that_controllers_of_their_own_cannot_be_reached(make_cluster: MakeCluster) -> None:
    """An entry without a listener."""
    cluster = make_cluster(brokers=2, controllers=1)
    nodes = describe_quorum(cluster, 2, "__cluster_metadata", 0).nodes
    assert [(node.node_id, node.listeners) for node in nodes] == [(101, [])]


@pytest.mark.parametrize(
    ("topic", "partitions"),
    [("listens", (0,)), ("__cluster_metadata", (1,)), ("__cluster_metadata", (0, 1)), ("__cluster_metadata", ())],
)
def test_describe_quorum_knows_one_partition(
    make_cluster: MakeCluster, topic: str, partitions: tuple[int, ...]
) -> None:
    """Who asks for another one, or for more, is answered about what was asked."""
    response = describe_quorum(make_cluster(), 2, topic, *partitions)
    (answer,) = response.topics
    assert (answer.topic_name, response.error_code, response.nodes) == (topic, ErrorCode.NONE, [])
    assert [(each.partition_index, ErrorCode(each.error_code)) for each in answer.partitions] == [
        (index, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) for index in partitions
    ]
    assert all(each.error_message for each in answer.partitions)
