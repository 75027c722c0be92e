"""Clusters of the practice CLI for real: each command is a process of its own, as in a student's terminal."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, KafkaProducer

import kit
from kit import service
from kit.errors import ConnectError
from tests.support import practice_terminals
from tests.support.processes import Traces, assert_gone, is_running
from tests.support.wait import wait_until

CREATE = "kafka cluster create day2 --cloud gcp --region us-west1 -o json"

Confluent = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def confluent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Confluent]:
    """Run `kit confluent ...` in a process; the kit's folder is the test's own, and empty of processes afterwards."""
    monkeypatch.setenv("KIT_HOME", str(tmp_path))

    yield practice_terminals.confluent
    for left in service.running():
        left.close()


@pytest.fixture
def cluster(confluent: Confluent) -> dict[str, Any]:
    """A cluster in use, made as in the lecture; its id, endpoint, and its environment's id."""
    confluent("login")
    environment = json.loads(confluent("environment create day2 -o json").stdout)["id"]
    confluent(f"environment use {environment}")
    made: dict[str, Any] = json.loads(confluent(CREATE).stdout)
    confluent(f"kafka cluster use {made['id']}")
    confluent("kafka topic create orders")
    return {**made, "environment": environment}


@pytest.fixture
def key(confluent: Confluent, cluster: dict[str, Any]) -> dict[str, str]:
    """An API key for the cluster."""
    made: dict[str, str] = json.loads(confluent(f"api-key create --resource {cluster['id']} -o json").stdout)
    return made


def settings(cluster: dict[str, Any], key: dict[str, str], secret: str | None = None) -> dict[str, Any]:
    """What a student writes to connect with an issued key."""
    return {
        "bootstrap_servers": cluster["endpoint"].partition("://")[2],
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": key["api_key"],
        "sasl_plain_password": secret or key["api_secret"],
    }


def send(cluster: dict[str, Any], key: dict[str, str], value: bytes) -> None:
    """Write one record to the topic "orders"."""
    with KafkaProducer(**settings(cluster, key)) as producer:
        producer.send("orders", value).get(timeout=30)


def read(cluster: dict[str, Any], key: dict[str, str], count: int) -> list[bytes]:
    """The first records of the topic "orders"."""
    with KafkaConsumer(
        "orders", auto_offset_reset="earliest", consumer_timeout_ms=30_000, **settings(cluster, key)
    ) as c:
        return sorted(record.value for _, record in zip(range(count), c, strict=False))


def traces(cluster: dict[str, Any]) -> Traces:
    """What must be gone after the cluster is deleted."""
    found = service.find(cluster["id"])
    assert found is not None
    assert found.data_dir is not None
    ports = [int(address.rpartition(":")[2]) for address in found.bootstrap_servers.split(",")]
    return Traces(found.pid, tuple(ports), Path(found.data_dir))


def is_refused(configs: dict[str, Any]) -> bool:
    """Whether the cluster lets nobody in with these settings."""
    try:
        kit.connect(**configs).close()  # a client of kafka-python would go on trying in a thread of its own
    except ConnectError:
        return True
    return False


def test_issued_key_lets_clients_in_and_nothing_else_does(
    confluent: Confluent, cluster: dict[str, Any], key: dict[str, str]
) -> None:
    """The cluster outlives the commands that made it; a deleted key stops working at once."""
    send(cluster, key, b"first")

    assert read(cluster, key, 1) == [b"first"]
    assert is_refused(settings(cluster, key, secret="wrong"))
    assert is_refused({"bootstrap_servers": settings(cluster, key)["bootstrap_servers"]})
    confluent(f"api-key delete {key['api_key']} --force")
    assert is_refused(settings(cluster, key))
    assert json.loads(confluent("kafka cluster describe -o json").stdout)["topic_count"] == 1


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is not known there")
def test_killed_process_is_started_again_on_its_data(
    confluent: Confluent, cluster: dict[str, Any], key: dict[str, str]
) -> None:
    """One sentence tells what happened; the address, the key and the records are the same as before."""
    send(cluster, key, b"before")
    before = traces(cluster)
    os.kill(before.pid, signal.SIGKILL)
    wait_until(lambda: service.find(cluster["id"]) is None, "the process to end")

    described = confluent("kafka cluster describe -o json")

    assert described.stderr == (
        f'The process of Kafka cluster "{cluster["id"]}" has ended: starting it again on its data.\n'
    )
    assert json.loads(described.stdout)["endpoint"] == cluster["endpoint"]
    send(cluster, key, b"later")
    assert read(cluster, key, 2) == [b"before", b"later"]
    confluent(f"kafka cluster delete {cluster['id']} --force")
    assert_gone(before)


def test_environment_delete_leaves_nothing_behind(
    confluent: Confluent, cluster: dict[str, Any], key: dict[str, str], tmp_path: Path
) -> None:
    """No process, no port, no folder: what is left is the login."""
    left = traces(cluster)
    send(cluster, key, b"first")

    out = confluent(f"environment delete {cluster['environment']}", stdin="y\n").stdout

    assert out.endswith(f'Deleted environment "{cluster["environment"]}".\n')
    assert_gone(left)
    assert service.running() == []
    files = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file())
    assert files == ["practice/locks/state", "practice/state.json"]
    assert key["api_secret"] not in (tmp_path / "practice" / "state.json").read_text()


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is not known there")
def test_crashed_cluster_is_deleted_without_being_started(confluent: Confluent, cluster: dict[str, Any]) -> None:
    """And what it left is removed."""
    left = traces(cluster)
    os.kill(left.pid, signal.SIGKILL)
    wait_until(lambda: service.find(cluster["id"]) is None, "the process to end")

    ended = confluent(f"kafka cluster delete {cluster['id']} --force")

    assert ended.stderr == ""
    assert_gone(left)


@pytest.mark.parametrize(
    ("loss", "command"),
    [
        ("removed", "confluent kafka cluster delete {id} --force"),
        ("all removed", "confluent kafka cluster delete {id} --force"),
        ("damaged", "confluent practice reset --force"),
        ("all removed", "confluent practice reset --force"),
        ("removed", "down {id}"),
        ("damaged", "down {id}"),
    ],
)
def test_cluster_whose_notes_are_lost_is_ended_all_the_same(
    cluster: dict[str, Any], tmp_path: Path, loss: str, command: str
) -> None:
    """No process is hidden by what somebody does to the files in the kit's folder."""
    left = traces(cluster)
    notes = tmp_path / "clusters" / f"{cluster['id']}.json"
    if loss == "damaged":
        notes.write_text("{")
    else:
        notes.unlink()
    if loss == "all removed":
        shutil.rmtree(notes.parent)

    ended = subprocess.run(
        [sys.executable, "-m", "kit", *command.format(**cluster).split()],
        cwd=practice_terminals.ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )

    assert ended.returncode == 0, ended
    if command.startswith("down"):
        wait_until(lambda: not is_running(left.pid), "the process to end")
    else:
        assert_gone(left)
    assert service.running() == []
    assert list((tmp_path / "clusters").glob("*")) == []


def test_reset_ends_clusters_that_the_state_does_not_know(
    confluent: Confluent, cluster: dict[str, Any], tmp_path: Path
) -> None:
    """A lost state strands no process."""
    left = traces(cluster)
    (tmp_path / "practice" / "state.json").write_text("{")

    confluent("practice reset", stdin="y\n")

    assert_gone(left)
    assert not (tmp_path / "practice").exists()
