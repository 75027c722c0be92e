"""The rest that needs no engine: questions in Kafka's protocol, last words, removal, arguments, imports."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest

import kit
from kit.backends.broker_link import LinkError
from kit.backends.docker import asking, removal
from kit.backends.docker.node_container import as_state, telling
from kit.backends.docker.reaper import Reaper
from tests.support.wait import wait_until


def test_questions_are_kafkas_protocol() -> None:
    """The embedded broker answers them: who is alive, who leads, how far the metadata log is."""
    with kit.start(brokers=1) as cluster:
        port = cluster.brokers[0].port
        answer = asking.metadata(port, with_topics=True)
        quorum = asking.quorum(port)

    assert [broker.node_id for broker in answer.brokers] == [1]
    assert quorum is not None
    assert quorum.leader_id == 1
    assert set(quorum.end_offsets) == {1}


def test_port_that_takes_connections_but_does_not_answer_is_no_broker() -> None:
    """An engine listens for a container in which nothing listens yet."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()

        with pytest.raises(LinkError):
            asking.metadata(listener.getsockname()[1], with_topics=False)


def test_last_words_are_the_errors_without_their_stack_traces() -> None:
    """A log that has none shows its last lines."""
    quiet = [f"INFO line {number}" for number in range(20)]
    loud = [*quiet, "x ERROR it broke", "java.lang.Exception: because", "\tat somewhere", "INFO closed"]

    assert telling(quiet) == quiet[-6:]
    assert telling(loud) == ["x ERROR it broke", "java.lang.Exception: because"]
    assert telling([]) == []


@pytest.mark.parametrize(
    ("status", "expected"),
    [("running", "up"), ("paused", "paused"), ("exited", "down"), ("created", "down"), ("gone", "down")],
)
def test_state_of_a_container_is_in_the_kits_words(status: str, expected: str) -> None:
    """What can serve clients, what stands still, and all the rest."""
    assert as_state(status) == expected


class FakeEngine:
    """Containers and networks that come late, go slowly, or have gone already."""

    def __init__(self) -> None:
        self.rounds = [[self._thing("a", 409), self._thing("b", 404)], [self._thing("late", 0)], []]
        self.removed: list[str] = []
        self.containers = SimpleNamespace(list=lambda **_: self.rounds.pop(0) if len(self.rounds) > 1 else [])
        self.networks = SimpleNamespace(list=lambda **_: self._networks.pop(0) if self._networks else [])
        self._networks = [[self._thing("network", 0)]]

    def _thing(self, name: str, status: int) -> Any:
        from docker.errors import APIError

        def refuse(**_: object) -> None:
            self.removed.append(name)
            if status:
                raise APIError("refused", SimpleNamespace(status_code=status))

        return SimpleNamespace(id=name, kill=lambda: None, remove=refuse)


def test_removal_takes_what_comes_late_and_lets_others_help() -> None:
    """A container that is made while others are removed goes too; one that is gone already is no error."""
    engine = FakeEngine()

    assert removal.remove(engine, "cluster") == 3
    assert engine.removed == ["a", "b", "network", "late"]


def test_reaper_that_is_dismissed_ends_at_once() -> None:
    """Without asking any engine."""
    reaper = Reaper("no-such-cluster")

    reaper.dismiss()
    reaper.let_go()

    wait_until(lambda: reaper.status is not None, "the reaper to end")
    assert reaper.status == 0


def test_reaper_without_an_engine_is_let_go_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """It tries for a minute to remove the cluster; who closes that need not wait."""
    monkeypatch.setenv("DOCKER_HOST", "unix:///no/engine.sock")
    reaper = Reaper("no-such-cluster")

    reaper.let_go(wait=False)

    try:
        assert reaper.status is None
    finally:
        os.kill(reaper.pid, signal.SIGTERM)
        wait_until(lambda: reaper.status is not None, "the reaper to end")


@pytest.mark.parametrize("arguments", [{"data_dir": "x"}, {"listeners": []}])
def test_what_only_the_embedded_cluster_has_is_refused(arguments: dict[str, Any]) -> None:
    """Before an engine is looked for."""
    with pytest.raises(kit.NotSupportedError, match=r'kit\.start\("embedded"'):
        kit.start("docker", **arguments)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"brokers": 0}, "at least one broker"),
        ({"brokers": 10}, "is too many"),
        ({"controllers": 2}, "controllers=2 is not possible"),
        ({"port": 0}, "port=0 cannot be"),
        ({"config": {"nonsense": 1}}, "Unknown broker config name: nonsense"),
        ({"image": "No Image"}, "is not an image's name"),
    ],
)
def test_arguments_that_cannot_be_are_one_sentence(arguments: dict[str, Any], sentence: str) -> None:
    """The words are those of every backend."""
    with pytest.raises(kit.StartError, match=sentence):
        kit.start("docker", **arguments)


def test_docker_libraries_are_loaded_only_when_a_container_is_wanted() -> None:
    """``import kit`` and an embedded cluster stay as fast as they are."""
    code = (
        "import sys, kit, kit.cluster; import kit.backends.docker; "
        "print(sorted({name.partition('.')[0] for name in sys.modules} & {'docker', 'testcontainers', 'requests'}))"
    )

    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert answer.stdout.strip() == "[]"
