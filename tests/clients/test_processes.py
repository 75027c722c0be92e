"""A process per broker: real signals, real TCP between the brokers, and nothing left behind."""

from __future__ import annotations

import gc
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition

import kit
from kit.broker.layout import directory_of
from kit.wire import codec
from kit.wire import messages as m
from kit.wire.errors import ErrorCode
from tests.support.processes import assert_gone, is_free, is_running, traces_of
from tests.support.wait import wait_until

pytestmark = [
    pytest.mark.clients,
    pytest.mark.portable,
    pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals"),
    # kafka-python forgets sockets of connections that never came about.
    pytest.mark.filterwarnings(r"ignore:Exception ignored in. <socket\.socket:pytest.PytestUnraisableExceptionWarning"),
]

ROOT = Path(__file__).parents[2]
FETCH, VOTE, ALTER_PARTITION = 1, 52, 56


@pytest.fixture(scope="module")
def cluster() -> Iterator[kit.Cluster]:
    """Three brokers that the tests of this module share; each test mends what it broke."""
    with kit.start("processes", brokers=3) as made:
        yield made
    gc.collect()  # what kafka-python forgot shall show up here, where it is forgiven


@pytest.fixture(scope="module")
def producer(cluster: kit.Cluster) -> Iterator[KafkaProducer]:
    """Writes with acks=all."""
    with KafkaProducer(bootstrap_servers=cluster.bootstrap_servers, acks="all") as made:
        yield made


def pid_of(cluster: kit.Cluster, broker_id: int) -> int:
    """The process of a broker."""
    return traces_of([cluster.brokers[broker_id - 1].port], cluster.data_dir).pid


def leader_of(cluster: kit.Cluster, topic: str) -> int:
    """Who leads partition 0."""
    return cluster.topics()[topic].partitions[0].leader


def values_in(cluster: kit.Cluster, topic: str, count: int) -> list[bytes]:
    """The first values in partition 0."""
    with KafkaConsumer(bootstrap_servers=cluster.bootstrap_servers, auto_offset_reset="earliest") as consumer:
        consumer.assign([TopicPartition(topic, 0)])
        return [record.value for _, record in zip(range(count), consumer, strict=False)]


def kinds(cluster: kit.Cluster) -> list[tuple[str, int | None]]:
    """What happened, and to whom."""
    return [(event.kind, event.node_id) for event in cluster.timeline()]


def test_every_broker_is_a_process_of_its_own(cluster: kit.Cluster) -> None:
    """Three brokers, three processes, and one of them is the active controller."""
    assert len({pid_of(cluster, broker_id) for broker_id in (1, 2, 3)}) == 3
    assert cluster.controller in (1, 2, 3)
    assert ("broker_unfenced", 2) in kinds(cluster)


def test_records_survive_the_kill_of_their_leader(cluster: kit.Cluster, producer: KafkaProducer) -> None:
    """SIGKILL ends the leader's process alone; another broker leads, and no acknowledged record is lost."""
    producer.send("survivors", b"before").get(30)
    leader = leader_of(cluster, "survivors")
    pids = {broker_id: pid_of(cluster, broker_id) for broker_id in (1, 2, 3)}
    cluster.kill(leader)
    assert [broker.is_alive for broker in cluster.brokers] == [broker_id != leader for broker_id in (1, 2, 3)]
    assert [is_running(pids[broker_id]) for broker_id in (1, 2, 3)] == [broker_id != leader for broker_id in (1, 2, 3)]

    producer.send("survivors", b"after").get(30)
    assert values_in(cluster, "survivors", 2) == [b"before", b"after"]
    port = cluster.brokers[leader - 1].port
    cluster.restart(leader)
    assert cluster.brokers[leader - 1].port == port
    assert not is_free(port)
    assert pid_of(cluster, leader) != pids[leader]
    story = [kind for kind, node_id in kinds(cluster) if node_id == leader]
    assert story.index("kill") < story.index("broker_fenced") < story.index("restart")
    assert "broker_registered" in story[: story.index("kill")], "what a killed process said is kept"


def test_paused_broker_stands_still_and_goes_on(cluster: kit.Cluster) -> None:
    """SIGSTOP holds one process; the others fence it, and let it in again after SIGCONT."""
    before = kinds(cluster).count(("broker_fenced", 2))
    cluster.pause(2)
    assert cluster.brokers[1].is_alive
    assert cluster.brokers[1].is_paused
    assert psutil.Process(pid_of(cluster, 2)).status() == psutil.STATUS_STOPPED
    wait_until(lambda: kinds(cluster).count(("broker_fenced", 2)) > before, "broker 2 to be fenced")

    before = kinds(cluster).count(("broker_unfenced", 2))
    cluster.resume(2)
    wait_until(lambda: kinds(cluster).count(("broker_unfenced", 2)) > before, "broker 2 to be unfenced")
    assert not cluster.brokers[1].is_paused


def test_timeline_tells_what_was_decided_when_the_majority_went(cluster: kit.Cluster) -> None:
    """The controller wrote that they are fenced and could not commit it; its successor does."""
    active = cluster.controller
    assert active is not None
    others = {1, 2, 3} - {active}
    before = {broker_id: kinds(cluster).count(("broker_fenced", broker_id)) for broker_id in others}
    resigned = kinds(cluster).count(("controller_resigned", active))
    for broker_id in others:
        cluster.kill(broker_id)
    wait_until(lambda: kinds(cluster).count(("controller_resigned", active)) > resigned, "the controller to resign")
    for broker_id in others:
        cluster.restart(broker_id)

    for broker_id in others:
        assert kinds(cluster).count(("broker_fenced", broker_id)) > before[broker_id]


def test_what_only_one_event_loop_can_do_is_refused_with_its_name(cluster: kit.Cluster) -> None:
    """Hooks and clients on a side of the cut are the embedded backend's."""
    with pytest.raises(kit.NotSupportedError, match="embedded"):
        cluster.on_request("Produce", lambda _: None)
    with pytest.raises(kit.NotSupportedError, match="embedded"):
        cluster.cut({1}, {2, 3}, clients={"me": 0})


# -- nobody forges what only nodes may say -----------------------------------------------------------------------


def listening_ports(pid: int) -> set[int]:
    """Every port that a process listens on."""
    connections = psutil.Process(pid).net_connections("tcp")
    return {each.laddr.port for each in connections if each.status == psutil.CONN_LISTEN}


def forged(api_key: int) -> bytes:
    """A request that only nodes send."""
    requests: dict[int, Any] = {
        FETCH: m.FetchRequest(replica_id=1, max_wait_ms=0, min_bytes=0, topics=[]),
        VOTE: m.VoteRequest(topics=[]),
        ALTER_PARTITION: m.AlterPartitionRequest(broker_id=1, broker_epoch=1, topics=[]),
    }
    version = 12 if api_key == FETCH else codec.api(api_key).max_version
    return codec.encode_request(api_key, version, 1, None, requests[api_key])


def answer_to(port: int, frame: bytes) -> bytes:
    """What a raw connection gets for a frame; nothing when it is closed."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
        client.sendall(frame)
        try:
            return client.recv(1000)
        except ConnectionResetError:
            return b""


@pytest.mark.parametrize("api_key", [VOTE, ALTER_PARTITION, FETCH])
def test_no_listener_takes_forged_requests(cluster: kit.Cluster, api_key: int) -> None:
    """A vote, a change of in-sync replicas or a replica's fetch from a notebook is served on no port."""
    clients, *others = sorted(listening_ports(pid_of(cluster, 1)), key=lambda port: port != cluster.brokers[0].port)
    assert [answer_to(port, forged(api_key)) for port in others] == [b""]
    answer = answer_to(clients, forged(api_key))
    if api_key == FETCH:  # consumers fetch there too, so the refusal is an answer
        _, refusal = codec.decode_response(FETCH, 12, memoryview(answer)[4:])
        assert refusal.error_code == ErrorCode.CLUSTER_AUTHORIZATION_FAILED
    else:
        assert answer == b""


def test_secret_is_in_no_command_line_environment_or_file(cluster: kit.Cluster) -> None:
    """What the nodes know one another by goes through a pipe alone."""
    secret = cluster._backend._nodes[1]._settings["secret"]  # type: ignore[attr-defined] # noqa: SLF001
    process = psutil.Process(pid_of(cluster, 1))
    assert secret not in " ".join(process.cmdline())
    assert secret not in " ".join(process.environ().values())
    files = [path for path in Path(str(cluster.data_dir)).rglob("*") if path.is_file()]
    assert files
    for path in files:
        content = path.read_bytes()
        assert secret.encode() not in content
        assert bytes.fromhex(secret) not in content


# -- the beginning and the end -----------------------------------------------------------------------------------


def test_close_leaves_nothing_behind() -> None:
    """Every process, every port and the folder go, also of a broker that was killed and of one that is paused."""
    with kit.start("processes", brokers=3) as cluster:
        left = [traces_of([broker.port], cluster.data_dir) for broker in cluster.brokers]
        cluster.kill(1)
        cluster.pause(2)

    for each in left:
        assert_gone(each)
    with pytest.raises(kit.ClusterClosedError, match="closed"):
        cluster.topics()


@pytest.mark.parametrize("has_sibling", [False, True], ids=["alone", "a forked process lives on"])
def test_killed_parent_takes_every_process_with_it(has_sibling: bool) -> None:
    """Kill -9 leaves the parent no chance to clean up; the last of its children removes the folder."""
    code = f"""
        import json, kit, os, time
        cluster = kit.start("processes", brokers=2)
        sibling = os.fork() if {has_sibling} else None
        if sibling == 0:
            time.sleep(300)
            os._exit(0)
        print(json.dumps([sibling, [broker.port for broker in cluster.brokers], cluster.data_dir]), flush=True)
        input()
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as parent:
        assert parent.stdout is not None
        sibling, ports, data_dir = json.loads(parent.stdout.readline())
        try:
            left = [traces_of([port], data_dir, parent_pid=parent.pid) for port in ports]
            parent.kill()
            parent.wait()
            for each in left:
                assert_gone(each)
        finally:
            if sibling is not None:
                os.kill(sibling, signal.SIGKILL)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_ended_parent_takes_a_paused_process_with_it(number: signal.Signals) -> None:
    """Nobody would ever let it go on."""
    code = """
        import json, kit
        cluster = kit.start("processes", brokers=2)
        cluster.pause(2)
        print(json.dumps([[broker.port for broker in cluster.brokers], cluster.data_dir]), flush=True)
        input()
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as parent:
        assert parent.stdout is not None
        ports, data_dir = json.loads(parent.stdout.readline())
        left = [traces_of([port], data_dir, parent_pid=parent.pid) for port in ports]
        parent.send_signal(number)
        parent.wait()
        for each in left:
            assert_gone(each)


def test_broker_that_somebody_else_ended_is_down_and_can_be_restarted() -> None:
    """The cluster lives on when one process dies unasked, and says so when all have."""
    with kit.start("processes", brokers=1) as cluster:
        os.kill(pid_of(cluster, 1), signal.SIGKILL)
        wait_until(lambda: not cluster.brokers[0].is_alive, "the broker to die")
        with pytest.raises(kit.ClusterClosedError, match="node 1 was not asked to"):
            cluster.topics()


def test_controllers_of_their_own_run_in_processes_too() -> None:
    """controllers=1 adds a process that clients cannot reach, and whose death stops no leader."""
    with kit.start("processes", brokers=1, controllers=1) as cluster:
        assert cluster.controller == 101
        assert directory_of(Path(str(cluster.data_dir)), 101).is_dir()
        assert [broker.node_id for broker in cluster.brokers] == [1]
        with KafkaProducer(bootstrap_servers=cluster.bootstrap_servers, acks="all") as producer:
            producer.send("kept", b"before").get(30)
            cluster.kill(101)
            producer.send("kept", b"after").get(30)
        assert cluster.controller is None


def test_second_start_on_a_folder_goes_on_where_the_first_ended(tmp_path: Path) -> None:
    """Records written by processes are found again by one event loop, and two clusters cannot share a folder."""
    with kit.start("processes", brokers=1, data_dir=tmp_path) as cluster:
        with KafkaProducer(bootstrap_servers=cluster.bootstrap_servers, acks="all") as producer:
            producer.send("kept", b"x").get(30)
        with pytest.raises(kit.StartError, match="in use"):
            kit.start("processes", brokers=1, data_dir=tmp_path)
        with pytest.raises(kit.StartError, match="in use"):
            kit.start("embedded", brokers=1, data_dir=tmp_path)
    with kit.start("embedded", brokers=1, data_dir=tmp_path) as cluster:
        assert values_in(cluster, "kept", 1) == [b"x"]


def test_port_that_is_taken_is_named() -> None:
    """A chosen port that somebody listens on is refused before any process starts."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(kit.StartError, match=f"Port {port} is in use"):
            kit.start("processes", brokers=1, port=port)
