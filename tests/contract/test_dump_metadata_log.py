"""Our internal logs before Apache's own reader: the cluster's metadata, and the offsets of groups."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import uuid
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from kit.broker.auto_topics import ensure_internal_topic
from kit.broker.raft.metadata_log import FOLDER_NAME
from kit.wire import messages as m
from kit.wire.errors import ErrorCode
from tests.support.memory_cluster import MemoryCluster
from tests.support.requirements import need
from tests.unit.raft.harness import QuorumCluster

pytestmark = pytest.mark.slow
OFFSET_COMMIT, INIT_PRODUCER_ID = 8, 22
SESSION_MS = 500  # longer than broker.session.timeout.ms
FIRST_LOG = "00000000000000000000.log"


def dump(decoder: str, path: Path) -> list[str]:
    """The lines that ``kafka-dump-log.sh`` prints of records; every batch must be valid and nothing skipped."""
    need("java")
    command = [Path(need("kafka-distribution")) / "bin" / "kafka-dump-log.sh", decoder, "--files", path]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=100, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert set(re.findall(r"isvalid: (\w+)", done.stdout)) == {"true"}
    assert "Error" not in done.stdout
    return [line for line in done.stdout.splitlines() if line.startswith("| offset")]


def leader_changes(lines: list[str]) -> list[dict[str, Any]]:
    """What the control records say, which begin the epochs of the quorum."""
    return [json.loads(line.partition(" LeaderChange: ")[2]) for line in lines if " LeaderChange: " in line]


def payloads(lines: list[str]) -> list[dict[str, Any]]:
    """What each record's value was decoded to, control records left out."""
    return [json.loads(line.partition(" payload: ")[2]) for line in lines if " payload: " in line]


def of_type(found: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    """The records of one type."""
    return [each for each in found if each["type"] == name]


def as_kafka(topic_id: uuid.UUID) -> str:
    """A topic id as Kafka prints it."""
    return base64.urlsafe_b64encode(topic_id.bytes).decode().rstrip("=")


def commit(cluster: MemoryCluster, offset: int) -> None:
    """Commit an offset of group "charts"."""
    partition = m.OffsetCommitRequestPartition(partition_index=1, committed_offset=offset, committed_metadata="note")
    request = m.OffsetCommitRequest(
        group_id="charts",
        generation_id_or_member_epoch=-1,
        topics=[m.OffsetCommitRequestTopic(name="listens", partitions=[partition])],
    )
    answer = cluster.send(cluster.leader("__consumer_offsets"), OFFSET_COMMIT, 9, request)
    assert answer.topics[0].partitions[0].error_code == ErrorCode.NONE


def test_apache_reads_our_metadata_log(tmp_path: Path) -> None:
    """Every record type that the controller writes, with the values that were meant."""
    cluster = MemoryCluster(tmp_path, brokers=3)
    cluster.create_topic("listens", 2, retention_ms=1000)
    topic_id = as_kafka(cluster.topic_id("listens"))
    producer = m.InitProducerIdRequest(transactional_id=None)
    cluster.wait_for(cluster.ask(1, INIT_PRODUCER_ID, 5, producer))
    cluster.restart(brokers=2)
    cluster.clock.advance(SESSION_MS)
    cluster.delete_topic("listens")
    cluster.close()

    lines = dump("--cluster-metadata-decoder", tmp_path / "broker-1" / FOLDER_NAME / FIRST_LOG)
    found = payloads(lines)

    assert [each["leaderId"] for each in leader_changes(lines)] == [1, 1]
    types = [each["type"] for each in found]
    assert types[:11] == [
        *["REGISTER_BROKER_RECORD"] * 3,
        *["BROKER_REGISTRATION_CHANGE_RECORD"] * 3,
        "TOPIC_RECORD",
        "CONFIG_RECORD",
        *["PARTITION_RECORD"] * 2,
        "PRODUCER_IDS_RECORD",
    ]
    assert Counter(types[11:-1]) == {
        "REGISTER_BROKER_RECORD": 2,
        "BROKER_REGISTRATION_CHANGE_RECORD": 3,
        "PARTITION_CHANGE_RECORD": 4,  # each partition loses its only leader and gets it again
    }
    assert types[-1] == "REMOVE_TOPIC_RECORD"
    by_type = {each["type"]: each["data"] for each in found}
    epochs = {
        each["data"]["brokerId"]: each["data"]["brokerEpoch"] for each in of_type(found, "REGISTER_BROKER_RECORD")
    }
    changes = [each["data"] for each in of_type(found, "BROKER_REGISTRATION_CHANGE_RECORD")]
    assert [(each["brokerId"], each["brokerEpoch"], each["fenced"]) for each in changes[:3]] == [
        (1, 1, -1),
        (2, 2, -1),
        (3, 3, -1),
    ]
    assert sorted((each["brokerId"], each["brokerEpoch"], each["fenced"]) for each in changes[3:]) == [
        (1, epochs[1], -1),
        (2, epochs[2], -1),
        (3, 3, 1),
    ]
    assert min(epochs[1], epochs[2]) > 3
    partition_changes = [each["data"] for each in of_type(found, "PARTITION_CHANGE_RECORD")]
    assert sorted((each["partitionId"], each["leader"], each["isr"]) for each in partition_changes) == [
        (0, -1, []),
        (0, 1, [1]),
        (1, -1, []),
        (1, 2, [2]),
    ]
    assert {each["topicId"] for each in partition_changes} == {topic_id}
    assert found[0]["data"]["endPoints"] == [
        {"name": "PLAINTEXT", "host": "127.0.0.1", "port": 9001, "securityProtocol": 0}
    ]
    assert by_type["TOPIC_RECORD"] == {"name": "listens", "topicId": topic_id}
    assert by_type["CONFIG_RECORD"] == {
        "resourceType": 2,
        "resourceName": "listens",
        "name": "retention.ms",
        "value": "1000",
    }
    assert by_type["PARTITION_RECORD"]["topicId"] == topic_id
    assert by_type["PARTITION_RECORD"]["replicas"] == by_type["PARTITION_RECORD"]["isr"] == [2]
    assert by_type["PRODUCER_IDS_RECORD"] == {"brokerId": 1, "brokerEpoch": 1, "nextProducerId": 1000}
    assert by_type["REMOVE_TOPIC_RECORD"] == {"topicId": topic_id}


def test_apache_reads_our_leader_changes(tmp_path: Path) -> None:
    """Each epoch of the quorum begins with a control record: who leads, who may vote, who voted for it."""
    quorum = QuorumCluster(tmp_path)
    quorum.start(eager=1)
    quorum.elect()
    quorum.write(5)
    quorum.run(100)
    quorum.crash(1)
    leader_id = quorum.elect().node_id
    quorum.write(6)
    quorum.run(100)
    quorum.close()

    for node_id in (2, 3):
        lines = dump("--cluster-metadata-decoder", tmp_path / f"node-{node_id}" / FOLDER_NAME / FIRST_LOG)

        voters = [{"voterId": 1}, {"voterId": 2}, {"voterId": 3}]
        first, second = leader_changes(lines)
        assert (first["leaderId"], first["voters"], len(first["grantingVoters"])) == (1, voters, 2)
        assert (second["leaderId"], second["voters"]) == (leader_id, voters)
        assert second["grantingVoters"] == voters[1:]
        assert [each["data"]["nextProducerId"] for each in payloads(lines)] == [5, 6]


def test_apache_reads_our_committed_offsets(tmp_path: Path) -> None:
    """Key and value of each commit."""
    cluster = MemoryCluster(tmp_path, offsets_topic_num_partitions=1)
    cluster.create_topic("listens", 2)
    assert cluster.wait_for(ensure_internal_topic(cluster.broker(), "__consumer_offsets")) is ErrorCode.NONE
    committed_ms = cluster.clock.time_ms()
    for offset in (3, 4):
        commit(cluster, offset)
    cluster.close()

    lines = dump("--offsets-decoder", tmp_path / "broker-1" / "__consumer_offsets-0" / FIRST_LOG)

    assert all('"group":"charts","topic":"listens","partition":1' in line for line in lines)
    assert [(each["data"]["offset"], each["data"]["metadata"]) for each in payloads(lines)] == [
        (3, "note"),
        (4, "note"),
    ]
    assert {each["data"]["commitTimestamp"] for each in payloads(lines)} == {committed_ms}
