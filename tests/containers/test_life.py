"""The life of clusters in containers: what starts, what cannot, and that nothing is left whatever happens."""

from __future__ import annotations

import gc
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

import kit
from kit.backends.docker.left_overs import left_overs, remove_left_overs
from tests.containers.engine_proxy import EngineProxy, engine_path
from tests.containers.registry import NOT_KAFKA, TOO_MANY, Registry
from tests.containers.views import containers_of, is_whole, left_of, of_cluster, read, send, topic_on
from tests.support.wait import wait_until

pytestmark = pytest.mark.containers

_OWNER = """
import signal, kit
signal.signal(signal.SIGINT, signal.default_int_handler)
cluster = kit.start("docker", brokers={brokers})
print("up", flush=True)
signal.pause()
"""


@pytest.fixture
def owner() -> Iterator[Any]:
    """Starts processes that own a cluster; ends them in the end."""
    started: list[subprocess.Popen[str]] = []

    def start(brokers: int = 1) -> subprocess.Popen[str]:
        code = _OWNER.format(brokers=brokers)
        command = [sys.executable, "-c", code]
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def wait_up(process: subprocess.Popen[str]) -> None:
    """Wait until the process has its cluster."""
    assert process.stdout is not None
    assert process.stdout.readline() == "up\n"


def test_one_broker_with_a_controller_of_its_own(client: Any) -> None:
    """Roles apart: node 101 decides, can be killed and comes back, and the broker serves clients meanwhile."""
    with kit.start("docker", brokers=1, controllers=1) as cluster:
        wait_until(lambda: is_whole(cluster), "the cluster to be whole")
        assert cluster.controller == 101
        assert [broker.node_id for broker in cluster.brokers] == [1]
        assert sorted(of_cluster(client, cluster)) == [1, 101]
        topic = topic_on(cluster, 1)

        cluster.kill(101)
        assert cluster.controller is None
        send(cluster, topic, b"without a controller")
        cluster.restart(101)
        wait_until(lambda: cluster.controller == 101, "the controller to decide again")

        assert read(cluster, topic) == [b"without a controller"]
        assert cluster.data_dir is None
        everything = {container.name for container in of_cluster(client, cluster).values()}
    left = {container.name for container in client.containers.list(all=True, ignore_removed=True)}

    assert not everything & left


def test_container_that_somebody_else_removed_is_told_in_one_sentence(client: Any) -> None:
    """Its data is gone, so restart refuses; when nothing is left at all, the cluster is gone."""
    with kit.start("docker", brokers=1, controllers=1) as cluster:
        containers = of_cluster(client, cluster)
        assert [
            mount["Name"] for each in containers.values() for mount in each.attrs["Mounts"] if "Name" in mount
        ] == []
        containers[1].remove(force=True)  # without v=True, as by hand: there is no volume that could be left
        with pytest.raises(kit.FaultError, match="container of node 1 was removed from outside"):
            cluster.restart(1)
        containers[101].remove(force=True)
        with pytest.raises(kit.ClusterClosedError, match="All containers of the cluster were removed from outside"):
            cluster.kill(101)
        assert "gone" in repr(cluster)


def test_owner_that_is_killed_leaves_nothing(owner: Any, client: Any) -> None:
    """SIGKILL for the kernel: its reaper removes the containers and the network."""
    process = owner()
    wait_up(process)
    assert len(containers_of(client, process.pid)) == 1

    process.kill()

    wait_until(lambda: left_of(client, process.pid) == [], "the reaper to remove everything", pause_s=0.2)


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_owner_that_ends_in_the_middle_of_the_start_leaves_nothing(owner: Any, client: Any, end: int) -> None:
    """Ctrl-C and SIGKILL while containers are being made: all of them go, and Ctrl-C is no more than that."""
    process = owner(brokers=3)
    wait_until(lambda: left_of(client, process.pid), "the first container or network", pause_s=0)

    process.send_signal(end)
    _, errors = process.communicate(timeout=60)

    wait_until(lambda: left_of(client, process.pid) == [], "everything to be removed", pause_s=0.2)
    assert process.returncode != 0
    assert end == signal.SIGKILL or errors.rstrip().endswith("KeyboardInterrupt")


def test_left_overs_are_found_and_removed_when_the_reaper_died_too(owner: Any, client: Any) -> None:
    """Owner and reaper killed: `left_overs` names the containers, a living cluster's are not among them."""
    living, dead = owner(), owner()
    wait_up(living)
    wait_up(dead)
    (reaper,) = psutil.Process(dead.pid).children()
    name = containers_of(client, dead.pid)[1].name

    reaper.kill()
    dead.kill()
    dead.wait()
    wait_until(lambda: name in [each for found in left_overs() for each in found.containers], "them to be found")
    removed = remove_left_overs()

    assert name in [each for found in removed for each in found.containers]
    assert left_of(client, dead.pid) == []
    assert len(containers_of(client, living.pid)) == 1
    assert all("which a notebook or program left" in found.text for found in removed)


@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
def test_engine_that_stops_is_told_in_one_sentence(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is asked of the cluster then says so; when the engine is back, nothing of the cluster is left."""
    with tempfile.TemporaryDirectory() as folder:
        path, real = Path(folder, "engine"), engine_path()
        proxy = EngineProxy(path, real)
        monkeypatch.setenv("DOCKER_HOST", proxy.address)
        cluster = kit.start("docker", brokers=1)
        containers = of_cluster(client, cluster)

        proxy.close()
        path.unlink()
        with pytest.raises(kit.ClusterClosedError, match="The Docker engine, and the cluster with it, does not answer"):
            cluster.kill(1)
        assert [broker.is_alive for broker in cluster.brokers] == [False]
        proxy = EngineProxy(path, real)
        cluster.close()

        left = {each.name for each in client.containers.list(all=True, ignore_removed=True)}
        assert not left & {each.name for each in containers.values()}
        proxy.close()
    gc.collect()  # the Docker SDK does not close a socket that finds no engine


def test_setting_that_apache_kafka_refuses_shows_its_words(client: Any) -> None:
    """The broker ends while starting: the error has its status and what it said, and nothing is left."""
    before = left_of(client, os.getpid())

    setting = "sasl.login.refresh.window.jitter"
    with pytest.raises(kit.StartError, match=rf"(?s)ended with status 1; its last words:.*{setting}"):
        kit.start("docker", brokers=1, config={setting: "much"})

    assert left_of(client, os.getpid()) == before


def test_port_that_is_taken_is_told_before_anything_is_made(client: Any) -> None:
    """Somebody listens on it: one sentence, at the start and at a restart."""
    before = left_of(client, os.getpid())
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()

        with pytest.raises(kit.StartError, match=r"Port \d+ is in use already"):
            kit.start("docker", brokers=1, port=other.getsockname()[1])

    assert left_of(client, os.getpid()) == before


def test_image_that_cannot_be_pulled_is_told_in_one_sentence(client: Any) -> None:
    """A registry that is not there: the sentence says what to try, and nothing is left."""
    before = left_of(client, os.getpid())

    with pytest.raises(kit.StartError, match=r"The image localhost:1/no/kafka:1 cannot be pulled: .*kit\.start\(\)"):
        kit.start("docker", image="localhost:1/no/kafka:1")

    assert left_of(client, os.getpid()) == before


@pytest.fixture
def registry() -> Iterator[Registry]:
    """A registry on this computer."""
    made = Registry()
    yield made
    made.close()


def test_image_is_pulled_and_one_that_is_no_kafka_is_told(
    registry: Registry, client: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The pull shows its progress; then the container cannot start, and the sentence names the image."""
    monkeypatch.setenv("KIT_START_LINE", "1")
    name = f"{registry.host}/{NOT_KAFKA}"
    before = left_of(client, os.getpid())
    try:
        with pytest.raises(
            kit.StartError, match=f"Node 1 cannot start: {name} is no image of Apache Kafka;.*/no-such-program"
        ):
            kit.start("docker", brokers=1, image=name)
    finally:
        client.images.remove(name, force=True)

    assert f"Pulling the image {name}, once" in capsys.readouterr().err
    assert left_of(client, os.getpid()) == before


@pytest.mark.parametrize(
    ("name", "sentence"), [(TOO_MANY, "no more anonymous pulls"), ("un/known:1", "there is none of that name")]
)
def test_registry_that_refuses_is_told_in_one_sentence(registry: Registry, name: str, sentence: str) -> None:
    """What a registry says is put into words that help."""
    with pytest.raises(kit.StartError, match=sentence):
        kit.start("docker", brokers=1, image=f"{registry.host}/{name}")
