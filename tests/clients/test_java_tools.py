"""Apache Kafka's own tools on a cluster that fails: what they print, and what they change.

Each tool is a Java process, which takes longer than everything else here; so a test uses few and looks at much.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition

import kit
from kit.topics import Partition
from tests.support.java_tools import JavaTools, partitions_in
from tests.support.requirements import need
from tests.support.wait import wait_until

pytestmark = [
    pytest.mark.clients,
    pytest.mark.slow,
    # kafka-python forgets sockets of connections that never came about.
    pytest.mark.filterwarnings(r"ignore:Exception ignored in. <socket\.socket:pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.usefixtures("forgotten_sockets"),
]

NUM_RECORDS, KILL_AFTER = 1_500, 200


@pytest.fixture(scope="module", autouse=True)
def tools_are_here() -> None:
    """Ask for what every test here needs before a cluster is started in vain."""
    need("java")
    need("kafka-distribution")


@contextlib.contextmanager
def started(brokers: int, **config: Any) -> Iterator[tuple[kit.Cluster, JavaTools]]:
    """A cluster in which nobody changes leaders unasked, and the tools for it."""
    settings = {
        "auto.leader.rebalance.enable": "false",
        **{name.replace("_", "."): value for name, value in config.items()},
    }
    with kit.start(brokers=brokers, config=settings) as cluster:
        yield cluster, JavaTools(cluster.bootstrap_servers)


def make_topic(cluster: kit.Cluster, topic: str, *replicas: list[int], **config: str) -> None:
    """Make a topic with these replicas for each partition, the leader first."""
    admin = KafkaAdminClient(bootstrap_servers=cluster.bootstrap_servers)
    configs = {name.replace("_", "."): value for name, value in config.items()}
    admin.create_topics({topic: {"assignments": dict(enumerate(replicas)), "configs": configs}})
    admin.close()
    wait_until(lambda: [part.leader for part in partitions(cluster, topic)] == [each[0] for each in replicas], topic)


def partitions(cluster: kit.Cluster, topic: str) -> list[Partition]:
    """The partitions of a topic as they are now; none when it is not known yet."""
    found = cluster.topics().get(topic)
    return [] if found is None else list(found.partitions)


def wait_for_isr(cluster: kit.Cluster, topic: str, *isr: int) -> None:
    """Until the first partition of a topic has just these replicas in sync."""
    wait_until(lambda: sorted(partitions(cluster, topic)[0].isr) == sorted(isr), f"{topic}-0 to be in sync on {isr}")


def test_topics_tool_finds_what_a_dead_broker_leaves_behind() -> None:
    """Which partitions lack replicas, lack too many, or have no leader; and a topic can be made all the same."""
    with started(3) as (cluster, tools):
        make_topic(cluster, "plays", [1, 2, 3], [3, 1, 2], min_insync_replicas="2")
        make_topic(cluster, "strict", [1, 2, 3], min_insync_replicas="3")
        make_topic(cluster, "solo", [3], min_insync_replicas="1")
        make_topic(cluster, "whole", [1, 2])
        cluster.kill(3)
        for topic in ("plays", "strict", "solo"):
            wait_until(lambda topic=topic: 3 not in partitions(cluster, topic)[0].isr, f"3 out of sync in {topic}")

        all_of_them = partitions_in(tools.run("kafka-topics", "--describe"))
        assert all_of_them["plays-1"] == {
            "Leader": "1", "Replicas": "3,1,2", "Isr": "1,2", "Elr": "", "LastKnownElr": "",
        }  # fmt: skip
        assert all_of_them["strict-0"] == {
            "Leader": "1", "Replicas": "1,2,3", "Isr": "1,2", "Elr": "3", "LastKnownElr": "",
        }  # fmt: skip
        assert all_of_them["solo-0"] == {
            "Leader": "none", "Replicas": "3", "Isr": "", "Elr": "3", "LastKnownElr": "3",
        }  # fmt: skip

        def found(option: str) -> set[str]:
            return set(partitions_in(tools.run("kafka-topics", "--describe", option)))

        assert found("--under-replicated-partitions") == {"plays-0", "plays-1", "strict-0", "solo-0"}
        assert found("--unavailable-partitions") == {"solo-0"}
        assert found("--under-min-isr-partitions") == {"strict-0", "solo-0"}

        tools.run("kafka-topics", "--create", "--topic", "meanwhile", "--partitions", "1", "--replication-factor", "3")
        wait_until(lambda: partitions(cluster, "meanwhile"), "the topic to be known")
        (made,) = partitions(cluster, "meanwhile")
        assert (sorted(made.replicas), sorted(made.isr)) == ([1, 2, 3], [1, 2])


def test_election_tool_elects_preferred_and_unclean_leaders() -> None:
    """A preferred leader must be in sync; an unclean one need not, where nobody else is left."""
    with started(5) as (cluster, tools):  # of five, two may be gone whoever of them are controllers
        make_topic(cluster, "plays", [5, 1, 2])
        make_topic(cluster, "loose", [4, 5], min_insync_replicas="1")
        cluster.kill(5)
        wait_for_isr(cluster, "plays", 1, 2)
        wait_for_isr(cluster, "loose", 4)
        choose = ["--topic", "plays", "--partition", "0"]

        refused = tools.run("kafka-leader-election", "--election-type", "preferred", *choose, status=1)
        assert "Error completing leader election (PREFERRED) for partition: plays-0" in refused
        assert "PreferredLeaderNotAvailableException" in refused

        cluster.kill(4)
        wait_until(lambda: partitions(cluster, "loose")[0].leader in {None, -1}, "nobody to lead loose-0")
        cluster.restart(5)
        wait_for_isr(cluster, "plays", 1, 2, 5)
        elected = tools.run("kafka-leader-election", "--election-type", "preferred", "--all-topic-partitions", status=1)
        assert "Successfully completed leader election (PREFERRED) for partitions plays-0" in elected
        assert "Error completing leader election (PREFERRED) for partition: loose-0" in elected
        assert partitions(cluster, "plays")[0].leader == 5

        elected = tools.run("kafka-leader-election", "--election-type", "unclean", "--all-topic-partitions")
        assert "Successfully completed leader election (UNCLEAN) for partitions loose-0" in elected
        (loose,) = partitions(cluster, "loose")
        assert (loose.leader, loose.isr) == (5, (5,))


def test_reassignment_tool_moves_a_partition_or_calls_that_off(tmp_path: Path) -> None:
    """Generate, execute, list, cancel, execute again and verify, with a broker that cannot copy at first."""
    with started(4) as (cluster, tools):
        active = cluster.controller or 0
        leader, other = sorted({1, 2, 3} - {active})
        make_topic(cluster, "moves", [leader, active, other])
        to_move, plan = tmp_path / "topics.json", tmp_path / "plan.json"
        to_move.write_text(json.dumps({"version": 1, "topics": [{"topic": "moves"}]}))
        proposed = {"topic": "moves", "partition": 0, "replicas": [4, active, other]}
        plan.write_text(json.dumps({"version": 1, "partitions": [proposed]}))
        by_plan = ["--reassignment-json-file", plan]

        generate = ["--generate", "--broker-list", "1,3,4", "--topics-to-move-json-file", to_move]
        generated = json.loads(tools.run("kafka-reassign-partitions", *generate).rpartition("configuration\n")[2])
        assert sorted(generated["partitions"][0]["replicas"]) == [1, 3, 4]

        cluster.cut({leader}, {4})
        execute = tools.run("kafka-reassign-partitions", "--execute", *by_plan)
        assert "Successfully started partition reassignment for moves-0" in execute
        listed = tools.run("kafka-reassign-partitions", "--list")
        assert f"moves-0: replicas: 4,{active},{other},{leader}. adding: 4. removing: {leader}." in listed
        cancelled = tools.run("kafka-reassign-partitions", "--cancel", *by_plan)
        assert "Successfully cancelled partition reassignment for: moves-0" in cancelled
        assert sorted(partitions(cluster, "moves")[0].replicas) == [1, 2, 3]

        tools.run("kafka-reassign-partitions", "--execute", *by_plan)
        cluster.heal()
        wait_until(
            lambda: partitions(cluster, "moves")[0].replicas == (4, active, other), "the partition to have moved"
        )
        verified = tools.run("kafka-reassign-partitions", "--verify", *by_plan)
        assert "Reassignment of partition moves-0 is completed." in verified


def test_quorum_and_cluster_tools_tell_who_is_away() -> None:
    """A dead voter lags, a fourth broker only observes, and a fenced one is listed as such."""
    with started(4) as (cluster, tools):
        active = cluster.controller
        victim = 3 if active != 3 else 2
        make_topic(cluster, "plays", [1, 2, 3])
        cluster.kill(victim)
        wait_until(lambda: victim not in partitions(cluster, "plays")[0].isr, "the dead broker to be missed")

        status = tools.run("kafka-metadata-quorum", "describe", "--status")
        fields = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
        assert fields["LeaderId"].strip() == str(active)
        voters = json.loads(fields["CurrentVoters"])
        assert [voter["id"] for voter in voters] == [1, 2, 3]
        assert all(len(voter["endpoints"]) == 1 for voter in voters)
        assert [observer["id"] for observer in json.loads(fields["CurrentObservers"])] == [4]
        assert int(fields["MaxFollowerLag"]) > 0

        _, *rows = tools.run("kafka-metadata-quorum", "describe", "--replication").splitlines()
        replicas = {int(row[0]): row for row in (line.split() for line in rows if line)}
        assert {node_id: row[-1] for node_id, row in replicas.items()} == {
            1: "Follower", 2: "Follower", 3: "Follower", 4: "Observer", active: "Leader",
        }  # fmt: skip
        assert int(replicas[victim][3]) > 0

        endpoints = tools.run("kafka-cluster list-endpoints", "--include-fenced-brokers").splitlines()
        assert {line.split()[0]: "unfenced" not in line for line in endpoints[1:] if line} == {
            str(node_id): node_id == victim for node_id in (1, 2, 3, 4)
        }


def test_configs_tool_changes_what_acks_all_waits_for() -> None:
    """A topic's own min.insync.replicas is shown with what it hides."""
    with started(3) as (cluster, tools):
        make_topic(cluster, "plays", [1, 2, 3])
        entity = ["--entity-type", "topics", "--entity-name", "plays"]
        tools.run("kafka-configs", "--alter", *entity, "--add-config", "min.insync.replicas=3")
        described = tools.run("kafka-configs", "--describe", *entity)
        assert "min.insync.replicas=3" in described
        assert "DYNAMIC_TOPIC_CONFIG:min.insync.replicas=3, " in described
        assert "STATIC_BROKER_CONFIG:min.insync.replicas=2, " in described


def test_java_clients_lose_nothing_when_leader_and_coordinator_die(tmp_path: Path) -> None:
    """VerifiableProducer and VerifiableConsumer go on over a kill; the history of both is without an anomaly."""
    with started(3, offsets_topic_num_partitions=1) as (cluster, tools):
        make_topic(cluster, "plays", [1, 2, 3], [2, 3, 1], [3, 1, 2])
        history = kit.history.History()
        like_any_producer = tmp_path / "producer.properties"  # the tool's own default is not to retry
        like_any_producer.write_text("retries=2147483647\nenable.idempotence=true\n")
        produce = [
            "--topic",
            "plays",
            "--max-messages",
            str(NUM_RECORDS),
            "--throughput",
            "500",
            "--repeating-keys",
            "30",
        ]
        consume = ["--topic", "plays", "--group-id", "charts", "--reset-policy", "earliest", "--verbose"]
        with (
            tools.events("kafka-verifiable-consumer", *consume) as consumed,
            tools.events("kafka-verifiable-producer", *produce, "--producer.config", like_any_producer) as produced,
        ):
            for number in acknowledged(produced, history):
                if number == KILL_AFTER:
                    cluster.kill(coordinator(cluster))
            assert number == NUM_RECORDS
            read_all(consumed, history)
        end_offsets = final_log(cluster, history)
        report = kit.history.check(history, caught_up=True)
        assert report.ok, report.explain()

        printed = tools.run("kafka-get-offsets", "--topic", "plays").split()
        assert printed == [f"plays:{partition}:{offset}" for partition, offset in sorted(end_offsets.items())]
        assert sum(end_offsets.values()) == NUM_RECORDS
        groups = tools.run("kafka-consumer-groups", "--describe", "--group", "charts")
        rows = [line.split() for line in groups.splitlines() if line.startswith("charts")]
        assert {int(row[2]): (int(row[3]), int(row[5])) for row in rows} == {
            partition: (offset, 0) for partition, offset in end_offsets.items()
        }


def coordinator(cluster: kit.Cluster) -> int:
    """Who coordinates every group, as there is one partition of offsets; that also leads a partition of "plays"."""
    leader = wait_until(lambda: partitions(cluster, "__consumer_offsets"), "a group")[0].leader
    assert leader in {partition.leader for partition in partitions(cluster, "plays")}
    return leader


def acknowledged(events: Iterator[dict[str, Any]], history: kit.history.History) -> Iterator[int]:
    """How many records are acknowledged, each time that the producer tells of one; any other outcome fails."""
    number = 0
    for event in events:
        assert event["name"] != "producer_send_error", event
        if event["name"] == "producer_send_success":
            send = history.invoke("producer", "send", "plays", event["partition"], None, event["value"])
            send.ok(offset=event["offset"])
            number += 1
            yield number


def read_all(events: Iterator[dict[str, Any]], history: kit.history.History) -> None:
    """What the consumer tells, until it has read every record and committed that."""
    values: set[str] = set()
    for event in events:
        if event["name"] == "partitions_assigned":
            owned = [(each["topic"], each["partition"], None) for each in event["partitions"]]
            history.assign("consumer", owned)
        elif event["name"] == "record_data":
            record = ("plays", event["partition"], event["offset"], None, event["value"])
            history.invoke("consumer", "poll").ok(records=[record])
            values.add(event["value"])
        elif event["name"] == "offsets_committed" and event["success"] and len(values) == NUM_RECORDS:
            return


def final_log(cluster: kit.Cluster, history: kit.history.History) -> dict[int, int]:
    """Read what is in the log in the end; returns the end offset of each partition."""
    consumer = KafkaConsumer(bootstrap_servers=cluster.bootstrap_servers)
    whole = [TopicPartition("plays", partition) for partition in range(3)]
    consumer.assign(whole)
    consumer.seek_to_beginning(*whole)
    end_offsets = consumer.end_offsets(whole)
    found: dict[int, list[tuple[int, str]]] = {0: [], 1: [], 2: []}

    def is_read() -> bool:
        for records in consumer.poll(timeout_ms=100).values():
            for record in records:
                found[record.partition].append((record.offset, record.value.decode()))
        return all(len(found[at.partition]) == end_offsets[at] for at in whole)

    wait_until(is_read, "the whole log", pause_s=0)
    consumer.close()
    for partition, records in found.items():
        history.final_log("plays", partition, records)
    return {at.partition: end_offsets[at] for at in whole}
