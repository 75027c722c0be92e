"""The journal of what clients asked and were answered, and faults that happen on counts of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kit.broker.broker import Farewell, InvalidRequest
from kit.broker.deferred import Deferred
from kit.broker.witness import RuleError, Witness
from kit.broker.witness.describe import assigned, shown
from kit.wire import codec
from kit.wire import messages as m
from kit.wire.errors import ErrorCode
from tests.support.memory_cluster import ME, MemoryCluster, batch_of

PRODUCE, FETCH, OFFSET_COMMIT, DELETE_TOPICS, ALTER_PARTITION, HEARTBEAT = 0, 1, 8, 20, 56, 63
JOIN_GROUP, SYNC_GROUP = 11, 14


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[MemoryCluster]:
    """Three brokers and a controller of its own, with topic plays."""
    made = MemoryCluster(tmp_path, brokers=3, controllers=1)
    topic = m.CreatableTopic(name="plays", num_partitions=1, replication_factor=3)
    made.wait_for(made.ask(1, 19, 7, m.CreateTopicsRequest(topics=[topic], timeout_ms=1000)))
    made.clock.advance(100)
    yield made
    made.close()


def witnessed(cluster: MemoryCluster, *rules: dict[str, Any]) -> Witness:
    """The witness of the cluster with these rules."""
    witness = cluster.cluster.be_witnessed()
    witness.follow(rules)
    return witness


def produce(cluster: MemoryCluster, *values: bytes, acks: int = -1) -> Deferred[Any]:
    """Send a batch to plays-0's leader."""
    entry = m.PartitionProduceData(index=0, records=batch_of(*values))
    topic = m.TopicProduceData(name="plays", partition_data=[entry])
    request = m.ProduceRequest(acks=acks, timeout_ms=1000, topic_data=[topic])
    return cluster.ask(cluster.leader("plays"), PRODUCE, 12, request)


def test_journal_has_what_was_written_and_acknowledged(cluster: MemoryCluster) -> None:
    """Values, acks, offset and connection of a Produce request are there once it is answered."""
    witness = witnessed(cluster)
    cluster.wait_for(produce(cluster, b"a", b"b"))
    (entry,) = witness.dump()["entries"]
    assert (entry["api"], entry["state"], entry["answered"]) == ("Produce", "answered", [["plays", 0, 0, 0]])
    assert entry["asked"]["acks"] == -1
    assert entry["asked"]["batches"][0]["records"] == [[0, None, "a"], [1, None, "b"]]
    (connection,) = witness.dump()["connections"]
    assert (connection["number"], connection["client_id"]) == (entry["connection"], "tests")
    assert connection["requests"] == {"Produce": 1}


def test_journal_has_what_was_fetched(cluster: MemoryCluster) -> None:
    """A fetch that found records is an entry with their offsets; one that found none is only counted."""
    cluster.wait_for(produce(cluster, b"a", b"b"))
    witness = witnessed(cluster)
    cluster.wait_for(cluster.ask_fetch(("plays", 0, 0)))
    cluster.wait_for(cluster.ask_fetch(("plays", 0, 2)))
    (entry,) = witness.dump()["entries"]
    assert entry["asked"]["offsets"] == [["plays", 0, 0]]
    assert entry["answered"] == [["plays", 0, 0, 0, 2, 2]]
    assert witness.dump()["connections"][0]["requests"] == {"Fetch": 2}


def test_logs_and_commits_come_from_the_leaders(cluster: MemoryCluster) -> None:
    """The dump has each record with its producer, and each commit of a group."""
    witness = witnessed(cluster)
    cluster.wait_for(produce(cluster, b"a"))
    cluster.wait_for(cluster.ask(1, 10, 4, m.FindCoordinatorRequest(key_type=0, coordinator_keys=["g"])))
    cluster.clock.advance(500)
    partition = m.OffsetCommitRequest.OffsetCommitRequestPartition(partition_index=0, committed_offset=1)
    topic = m.OffsetCommitRequest.OffsetCommitRequestTopic(name="plays", partitions=[partition])
    request = m.OffsetCommitRequest(group_id="g", generation_id_or_member_epoch=-1, topics=[topic])
    for node_id in (1, 2, 3):
        cluster.wait_for(cluster.ask(node_id, OFFSET_COMMIT, 8, request))
    dump = witness.dump()
    assert dump["logs"]["plays-0"]["records"] == [[0, None, "a", -1, -1, -1, 0]]
    assert [each[1:] for each in dump["commits"]] == [["g", "plays", 0, 1]]


def test_silence_is_told_with_what_was_done_last(cluster: MemoryCluster) -> None:
    """A look at the metadata is a sign of life, and not what a client does."""
    journal = witnessed(cluster).journal
    assert journal.quiet() == [None, 0]
    cluster.wait_for(produce(cluster, b"a"))
    cluster.clock.advance(70)
    cluster.wait_for(cluster.ask(1, 3, 12, m.MetadataRequest()))
    began = journal.quiet()
    cluster.clock.advance(30)
    assert began[0] == "Produce"
    assert journal.quiet() == ["Produce", began[1] + 30]
    assert began[1] < 70


def test_members_of_a_group_and_what_they_are_given_are_noted(cluster: MemoryCluster) -> None:
    """JoinGroup has the member and its generation, SyncGroup its partitions, OffsetCommit who committed."""
    witness = witnessed(cluster)
    request = m.FindCoordinatorRequest(key_type=0, coordinator_keys=["g"])
    cluster.wait_for(cluster.ask(1, 10, 4, request))
    cluster.clock.advance(500)
    node_id = cluster.wait_for(cluster.ask(1, 10, 4, request)).coordinators[0].node_id
    protocols = [m.JoinGroupRequest.JoinGroupRequestProtocol(name="range", metadata=b"")]
    join = m.JoinGroupRequest(
        group_id="g",
        session_timeout_ms=10_000,
        rebalance_timeout_ms=9_000,
        protocol_type="consumer",
        protocols=protocols,
    )
    answer = cluster.ask(node_id, JOIN_GROUP, 3, join)
    cluster.clock.advance(5_000)
    member = cluster.wait_for(answer).member_id
    given = b"\0\0\0\0\0\1\0\5plays\0\0\0\2\0\0\0\0\0\0\0\3\xff\xff\xff\xff"
    assignment = m.SyncGroupRequest.SyncGroupRequestAssignment(member_id=member, assignment=given)
    sync = m.SyncGroupRequest(group_id="g", generation_id=1, member_id=member, assignments=[assignment])
    cluster.wait_for(cluster.ask(node_id, SYNC_GROUP, 3, sync))
    joined, synced = (each for each in witness.dump()["entries"] if each["api"] in {"JoinGroup", "SyncGroup"})
    assert (joined["asked"]["group"], joined["answered"]) == ("g", {"error": 0, "generation": 1, "member": member})
    assert synced["asked"] == {"group": "g", "member": member, "generation": 1}
    assert synced["answered"] == {"error": 0, "partitions": [["plays", 0], ["plays", 3]]}


@pytest.mark.parametrize("cut", range(26))
def test_an_assignment_that_breaks_off_is_read_as_far_as_it_goes(cut: int) -> None:
    """Clients write it, so it may be anything."""
    whole = b"\0\0\0\0\0\1\0\5plays\0\0\0\2\0\0\0\0\0\0\0\3"
    found = list(assigned(whole[:cut]))
    assert found == [["plays", 0], ["plays", 3]][: max(0, cut - 17) // 4]
    assert list(assigned(b"\0\0\x7f\xff\xff\xff" + bytes(6))) == []


@pytest.mark.parametrize("api_key", [52, 53, ALTER_PARTITION, 62, HEARTBEAT, 999])
def test_requests_between_brokers_are_refused_to_clients_and_noted(cluster: MemoryCluster, api_key: int) -> None:
    """What only brokers and controllers ask one another closes a client's connection, and is in the journal."""
    witness = witnessed(cluster)
    with pytest.raises(InvalidRequest):
        cluster.receive(1, api_key.to_bytes(2) + b"\0\0\0\0\0\1\xff\xff\0" + bytes(40))
    (entry,) = witness.dump()["entries"]
    assert entry["state"] == "refused"
    assert "not served here" in entry["reason"]


def test_fetch_as_a_replica_is_refused_and_noted(cluster: MemoryCluster) -> None:
    """A client that says that it is a follower gets nothing, moves nothing, and is in the journal."""
    witness = witnessed(cluster)
    response = cluster.wait_for(cluster.ask_fetch(("plays", 0, 0), replica_id=2))
    assert response.error_code == ErrorCode.CLUSTER_AUTHORIZATION_FAILED
    (entry,) = witness.dump()["entries"]
    assert (entry["asked"]["replica_id"], entry["answered"]) == (2, [[ErrorCode.CLUSTER_AUTHORIZATION_FAILED]])


def test_changes_of_the_cluster_are_noted(cluster: MemoryCluster) -> None:
    """DeleteTopics is in the journal with what it names."""
    witness = witnessed(cluster)
    request = m.DeleteTopicsRequest(topics=[m.DeleteTopicState(name="plays")], timeout_ms=1000)
    cluster.wait_for(cluster.ask(1, DELETE_TOPICS, 6, request))
    (entry,) = witness.dump()["entries"]
    assert entry["api"] == "DeleteTopics"
    assert "plays" in entry["asked"]["text"]


def test_leader_is_killed_after_acknowledgements(cluster: MemoryCluster) -> None:
    """The rule counts acknowledged records, the reply gets away, and the next rule waits for a new leader."""
    leader = cluster.leader("plays")
    witness = witnessed(
        cluster,
        {
            "name": "kill",
            "when": {"acknowledged": 3, "topic": "plays"},
            "do": [{"fault": "kill", "node": "leader:plays-0"}],
        },
        {
            "name": "back",
            "after": "kill",
            "when": {"elected": "rule:kill", "topic": "plays", "partition": 0},
            "do": [{"fault": "restart", "node": "rule:kill"}],
        },
    )
    cluster.wait_for(produce(cluster, b"a", b"b"))
    assert witness.fired == []
    cluster.wait_for(produce(cluster, b"c"))
    cluster.clock.advance(5_000)
    assert [(each["rule"], each["faults"]) for each in witness.fired] == [
        ("kill", [f"kill {leader}"]),
        ("back", [f"restart {leader}"]),
    ]


def test_lost_reply_leaves_the_records_in_the_log(cluster: MemoryCluster) -> None:
    """The second Produce request is served, and its connection closed instead of a reply."""
    hang_up = {"name": "deaf", "when": {"requests": 2, "api": "Produce"}, "do": [{"request": "hang_up"}]}
    witness = witnessed(cluster, hang_up)
    cluster.wait_for(produce(cluster, b"a"))
    entry = m.PartitionProduceData(index=0, records=batch_of(b"b"))
    topic = m.TopicProduceData(name="plays", partition_data=[entry])
    request = m.ProduceRequest(acks=-1, timeout_ms=1000, topic_data=[topic])
    frame = codec.encode_request(PRODUCE, 12, 1, "tests", request)[4:]
    reply = cluster.cluster.receive(cluster.leader("plays"), memoryview(bytearray(frame)), ME)
    assert isinstance(reply, Deferred)
    assert isinstance(cluster.wait_for(reply), Farewell)
    assert [each["state"] for each in witness.dump()["entries"]] == [
        "answered",
        "lost",
    ]
    assert [each[2] for each in witness.dump()["logs"]["plays-0"]["records"]] == ["a", "b"]


@pytest.mark.parametrize(("fault", "values"), [("lose", []), ("lose_reply", ["a"])])
def test_lost_request_waits_until_it_is_released(cluster: MemoryCluster, fault: str, values: list[str]) -> None:
    """Nobody answers until `release` closes the connection; the request was served or not."""
    witness = witnessed(
        cluster, {"name": "deaf", "when": {"requests": 1, "api": "Produce"}, "do": [{"request": fault}]}
    )
    entry = m.PartitionProduceData(index=0, records=batch_of(b"a"))
    topic = m.TopicProduceData(name="plays", partition_data=[entry])
    request = m.ProduceRequest(acks=-1, timeout_ms=1000, topic_data=[topic])
    frame = codec.encode_request(PRODUCE, 12, 1, "tests", request)[4:]
    reply = cluster.cluster.receive(cluster.leader("plays"), memoryview(bytearray(frame)), ME)
    cluster.clock.advance(1000)
    assert isinstance(reply, Deferred)
    assert not reply.done
    witness.release()
    assert isinstance(reply.value, Farewell)
    assert [each[2] for each in witness.dump()["logs"]["plays-0"]["records"]] == values


@pytest.mark.parametrize(
    "rule",
    [
        {"name": "x", "when": {}, "do": [{"fault": "explode"}]},
        {"name": "x", "when": {"acknowledged": 1, "fetched": 2}, "do": []},
        {"name": "x", "when": {"acknowledged": 1}, "do": [{"request": "lose"}]},
        {"name": "x", "when": {"elected": 1}, "do": []},
        {"name": "x", "after": "y", "do": []},
        {"when": {}},
    ],
)
def test_rules_that_cannot_be_are_refused(cluster: MemoryCluster, rule: dict[str, Any]) -> None:
    """Each mistake in a rule is named before anything happens."""
    with pytest.raises(RuleError):
        witnessed(cluster, rule)


def test_floods_are_bounded_and_told(cluster: MemoryCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """What there is no room for is counted, in the journal and in the dump of a log."""
    monkeypatch.setattr("kit.broker.witness.journal.MAX_RECORDS", 3)
    monkeypatch.setattr("kit.broker.witness.sight.MAX_LOG_RECORDS", 3)
    witness = witnessed(cluster)
    for _ in range(2):
        cluster.wait_for(produce(cluster, b"a", b"b"))
    dump = witness.dump()
    assert (len(dump["entries"]), dump["num_dropped"]) == (1, 1)
    assert (len(dump["logs"]["plays-0"]["records"]), dump["logs"]["plays-0"]["is_whole"]) == (3, False)


def test_long_values_are_told_apart() -> None:
    """What is cut ends with a digest."""
    one, other = shown(b"x" * 500 + b"1"), shown(b"x" * 500 + b"2")
    assert one is not None
    assert other is not None
    assert one != other
    assert len(one) < 150
    assert shown(None) is None


def test_witness_is_busy_until_the_faults_of_rules_are_made(cluster: MemoryCluster) -> None:
    """Also while the fault of one rule lets another one fire."""
    acknowledged = {"name": "kill", "when": {"acknowledged": 1}, "do": [{"fault": "kill", "node": "leader:plays-0"}]}
    back = {"name": "back", "after": "kill", "do": [{"fault": "restart", "node": "rule:kill"}]}
    witness = witnessed(cluster, acknowledged, back)
    assert not witness.is_busy
    cluster.wait_for(produce(cluster, b"a"))
    assert witness.is_busy
    while witness.is_busy:
        cluster.clock.advance(1)
    assert [(each["rule"], len(each["faults"])) for each in witness.fired] == [("kill", 1), ("back", 1)]


def test_request_is_held_until_another_one_comes(cluster: MemoryCluster) -> None:
    """Then it is served as if nothing had been; after five seconds it is served all the same."""
    hold = {"name": "hold", "when": {"requests": 1, "api": "Produce"}, "do": [{"request": "hold"}]}
    let_go = {"name": "go", "when": {"requests": 2, "api": "Produce"}, "do": [{"fault": "let_go"}]}
    witness = witnessed(cluster, hold, let_go)
    held = produce(cluster, b"held")
    cluster.clock.advance(4_000)
    assert not held.done
    answers = [cluster.wait_for(each) for each in (produce(cluster, b"second"), held)]
    assert [each.responses[0].partition_responses[0].base_offset for each in answers] == [0, 1]
    seen = witness.dump()["entries"]
    assert {(each["state"], each["fault"]) for each in seen} == {("answered", None)}

    witnessed(cluster, hold)
    alone = produce(cluster, b"alone")
    cluster.clock.advance(4_900)
    assert not alone.done
    cluster.clock.advance(200)
    assert cluster.wait_for(alone).responses[0].partition_responses[0].base_offset == 2
