"""A whole cluster over its life: what is still there after a restart or a crash, and what is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kit.wire import messages as m
from kit.wire.errors import ErrorCode
from tests.support.memory_cluster import MemoryCluster, batch_of

MakeCluster = Callable[..., MemoryCluster]
OFFSET_COMMIT, OFFSET_FETCH, FIND_COORDINATOR = 8, 9, 10


def commit(cluster: MemoryCluster, group: str, offset: int) -> ErrorCode:
    """Commit an offset of listens-0 with the group's coordinator, without being a member."""
    request = m.OffsetCommitRequest(
        group_id=group,
        generation_id_or_member_epoch=-1,
        topics=[
            m.OffsetCommitRequestTopic(
                name="listens",
                partitions=[
                    m.OffsetCommitRequestPartition(partition_index=0, committed_offset=offset, committed_metadata="")
                ],
            )
        ],
    )
    answer = cluster.send(coordinator(cluster, group), OFFSET_COMMIT, 9, request)
    return ErrorCode(answer.topics[0].partitions[0].error_code)


def committed(cluster: MemoryCluster, group: str) -> int:
    """The committed offset of listens-0."""
    wanted = m.OffsetFetchRequestTopics(name="listens", partition_indexes=[0])
    request = m.OffsetFetchRequest(groups=[m.OffsetFetchRequestGroup(group_id=group, topics=[wanted])])
    answer = cluster.send(coordinator(cluster, group), OFFSET_FETCH, 9, request)
    return int(answer.groups[0].topics[0].partitions[0].committed_offset)


def coordinator(cluster: MemoryCluster, group: str) -> int:
    """The node that coordinates a group."""
    request = m.FindCoordinatorRequest(key_type=0, coordinator_keys=[group])
    (found,) = cluster.send(1, FIND_COORDINATOR, 6, request).coordinators
    assert found.error_code == ErrorCode.NONE
    return int(found.node_id)


def test_start_leaves_kafkas_files(make_cluster: MakeCluster) -> None:
    """One folder per broker, with the cluster's and the node's id as Kafka writes them."""
    cluster = make_cluster(brokers=2)

    properties = {
        node_id: (cluster.data_dir / f"broker-{node_id}" / "meta.properties").read_text().splitlines()
        for node_id in (1, 2)
    }

    for node_id, lines in properties.items():
        assert lines[:3] == ["version=1", f"cluster.id={cluster.cluster.cluster_id}", f"node.id={node_id}"]
        assert lines[3].startswith("directory.id=")
    assert properties[1][3] != properties[2][3]
    assert len(cluster.cluster.cluster_id) == 22


@pytest.mark.parametrize("how", ["restart", "crash"])
def test_cluster_goes_on_where_it_was(make_cluster: MakeCluster, how: str) -> None:
    """Ids, topics, settings, records and committed offsets are on the disk when they are acknowledged."""
    cluster = make_cluster(brokers=3)
    cluster.create_topic("listens", 3, retention_ms=-1)
    change = m.ConfigRecord(resource_type=4, resource_name="", name="message.max.bytes", value="5000")
    cluster.commit(change)
    for index in range(3):
        for number in range(4):
            cluster.produce("listens", batch_of(b"%d" % number), partition=index)
    assert commit(cluster, "charts", 3) is ErrorCode.NONE
    before = (cluster.cluster.cluster_id, cluster.topic_id("listens"))

    for _ in range(2):
        getattr(cluster, how)()

    assert (cluster.cluster.cluster_id, cluster.topic_id("listens")) == before
    assert all(
        cluster.values("listens", partition=index) == [b"%d" % number for number in range(4)] for index in range(3)
    )
    assert committed(cluster, "charts") == 3
    assert cluster.broker(2).replicas.topic_config("listens")["retention.ms"] == -1
    assert cluster.produce_code("listens", batch_of(b"x" * 6000)) is ErrorCode.MESSAGE_TOO_LARGE


def test_restart_knows_what_was_deleted(make_cluster: MakeCluster) -> None:
    """A deleted topic stays deleted, deleted records too, and a new topic of the same name is empty."""
    cluster = make_cluster()
    for name in ("gone", "anew", "shortened"):
        cluster.create_topic(name)
        cluster.produce(name, batch_of(b"a", b"b", b"c"))
    cluster.delete_topic("gone")
    cluster.delete_topic("anew")
    cluster.create_topic("anew")
    cluster.partition("shortened").delete_records(2)

    for how in (cluster.crash, cluster.restart):
        how()
        assert sorted(cluster.broker().image.topics) == ["anew", "shortened"]
        assert cluster.values("anew") == []
        assert cluster.fetch("shortened", 1).error_code == ErrorCode.OFFSET_OUT_OF_RANGE
        assert cluster.values("shortened", 2) == [b"c"]


def test_crash_in_the_middle_of_a_write_loses_only_what_was_not_acknowledged(make_cluster: MakeCluster) -> None:
    """The torn batch goes, with every batch before it kept, and new ones follow without a gap."""
    cluster = make_cluster()
    cluster.create_topic("listens")
    for number in range(3):
        cluster.produce("listens", batch_of(b"%d" % number))
    (path,) = (cluster.data_dir / "broker-1" / "listens-0").glob("*.log")
    with path.open("ab") as file:
        file.write(batch_of(b"torn")[:-3])

    cluster.crash()

    answer = cluster.produce("listens", batch_of(b"3"))
    assert answer is not None
    assert answer.base_offset == 3
    assert cluster.values("listens") == [b"0", b"1", b"2", b"3"]


def test_cluster_id_survives_an_unreadable_file(make_cluster: MakeCluster) -> None:
    """Any broker's meta.properties will do."""
    cluster = make_cluster(brokers=2)
    cluster_id = cluster.cluster.cluster_id
    (cluster.data_dir / "broker-1" / "meta.properties").write_bytes(b"\xff\xfe=\xff\ncluster.id=\n")

    cluster.restart()

    assert cluster.cluster.cluster_id == cluster_id


def test_cluster_grows(make_cluster: MakeCluster) -> None:
    """A data directory can be started with more brokers; new topics use them."""
    cluster = make_cluster(brokers=1)
    cluster.create_topic("listens", 2)
    cluster.produce("listens", batch_of(b"a"))

    cluster.restart(brokers=3)

    cluster.create_topic("plays", 3)
    assert cluster.values("listens") == [b"a"]
    assert {cluster.leader("plays", index) for index in range(3)} == {1, 2, 3}


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.sampled_from(["produce", "crash", "restart", "create", "delete", "commit"]), min_size=3, max_size=25
    )
)
def test_nothing_acknowledged_is_lost(tmp_path_factory: pytest.TempPathFactory, steps: list[str]) -> None:
    """Whatever the order of writes, crashes and restarts, a model in memory says the same."""
    cluster = MemoryCluster(tmp_path_factory.mktemp("data"), brokers=2)
    records: dict[str, list[bytes | None]] = {}
    offset = -1
    for number, step in enumerate(steps):
        if step in {"crash", "restart"}:
            getattr(cluster, step)()
        elif step == "create" and len(records) < 2:
            name = "listens" if "listens" not in records else f"topic-{number}"
            cluster.create_topic(name)
            records[name] = []
        elif step == "delete" and len(records) > 1:
            name = max(records)
            cluster.delete_topic(name)
            del records[name]
        elif step == "produce":
            for name, expected in records.items():
                assert cluster.produce_code(name, batch_of(b"%d" % number)) is ErrorCode.NONE
                expected.append(b"%d" % number)
        elif step == "commit" and "listens" in records:
            assert commit(cluster, "charts", number) is ErrorCode.NONE
            offset = number

    cluster.crash()

    assert {name: cluster.values(name) for name in records} == records
    assert set(cluster.broker().image.topics) - {"__consumer_offsets"} == set(records)
    if offset >= 0 and "listens" in records:
        assert committed(cluster, "charts") == offset
    cluster.close()


def test_node_settings_are_each_brokers_own(make_cluster: MakeCluster, tmp_path: Path) -> None:
    """Its id, its address, its folder."""
    cluster = make_cluster(brokers=2)

    config = cluster.broker(2).config

    assert (config["node.id"], config["log.dirs"]) == (2, (str(tmp_path / "broker-2"),))
    assert config["advertised.listeners"] == ("PLAINTEXT://127.0.0.1:9002",)
