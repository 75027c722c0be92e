"""The rung for machines without Linux, here on Linux: a container, with the rules of the others."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder import execute
from autograder.arena import ArenaError
from autograder.arena.host_link import HostLink
from autograder.assignment import read_assignment
from autograder.doctor.cases import texts
from autograder.doctor.clusters import SEEKER
from autograder.job import Budget, Outcome, Probe
from autograder.judge.script import Script
from tests.support.course import COURSE, solution
from tests.support.jailed import submission
from tests.support.requirements import need
from tests.support.wait import wait_until

pytestmark = [pytest.mark.containers, pytest.mark.slow]

PRODUCED = {"complete", "key", "value", "partition", "order"}


@pytest.fixture(autouse=True)
def in_containers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Use that rung; who may use the engine is root, to the engine."""
    need("docker")
    monkeypatch.setattr("autograder.jail.strongest", lambda _weakest="": "docker")
    yield
    wait_until(lambda: not left(), "the containers to be gone")


def left() -> list[str]:
    """Containers of ours."""
    listed = subprocess.run(["docker", "ps", "-aq", "--filter", "name=autograder-"], capture_output=True, check=True)
    return listed.stdout.decode().split()


def kinds(outcome: Outcome) -> list[str]:
    """The kinds of the stops."""
    return [stop.kind for stop in outcome.stops]


def test_work_runs_in_a_container() -> None:
    """Cells, files, probes and interruptions are as on the other rungs."""
    job = submission(
        "print(open('data.txt').read())\ndef double(n): return 2 * n",
        "while True: pass",
        "import socket\nsocket.create_connection(('1.1.1.1', 53), 1)",
        "print('on')",
        budget=Budget(cell_s=4, total_s=60),
        files={"data.txt": b"given"},
        probes=[Probe("doubles", "double", (4,))],
    )
    outcome = execute.execute(job)
    said = texts(outcome)
    assert outcome.rung == "docker"
    assert said[:2] == ["given\n", "KeyboardInterrupt: \n"]
    assert said[2].startswith("OSError: [Errno 101]")
    assert said[3] == "on\n"
    assert kinds(outcome) == ["cell_time"]
    assert outcome.answers[0].value == 8


@pytest.mark.skipif(
    getattr(os, "getuid", int)() != 0 or os.name == "nt",
    reason="only root can start processes of the user that a container has",
)
def test_others_with_the_same_user_number_do_not_count() -> None:
    """Apache Kafka's own containers have the same one, and hundreds of threads."""
    crowd = ["sh", "-c", "for i in $(seq 300); do sleep 600 & done; wait"]
    with subprocess.Popen(crowd, user=1000, group=1000, start_new_session=True) as others:
        try:
            children = Path(f"/proc/{others.pid}/task/{others.pid}/children")
            wait_until(lambda: len(children.read_text().split()) == 300, "all of them")
            outcome = execute.execute(submission("import threading\nprint(threading.active_count() > 0)"))
        finally:
            os.killpg(others.pid, signal.SIGKILL)
    assert texts(outcome) == ["True\n"]
    assert kinds(outcome) == []


def test_processes_in_a_container_are_bounded() -> None:
    """By the engine."""
    code = "import subprocess\nmade = [subprocess.Popen(['sleep', '60']) for _ in range(100)]"
    outcome = execute.execute(submission(code, "print('on')", budget=Budget(cell_s=20, total_s=60, processes=30)))
    assert "BlockingIOError" in texts(outcome)[0]


def test_dead_kernel_in_a_container_is_said() -> None:
    """The container ends with it."""
    outcome = execute.execute(submission("print(1)", "import os; os._exit(3)", "print(3)"))
    assert texts(outcome) == ["1\n", "", ""]
    assert kinds(outcome) == ["died"]
    assert "status 3" in outcome.stops[0].sentence


def test_dead_kernels_children_go_with_it() -> None:
    """They hold the other end of its frames; nobody waits for them."""
    deed = "import os, time\nif os.fork() == 0:\n    time.sleep(600)\nos._exit(3)"
    outcome = execute.execute(submission(deed, budget=Budget(cell_s=30, total_s=60)))
    assert kinds(outcome) == ["died"]
    assert "status 3" in outcome.stops[0].sentence


def test_memory_of_all_processes_in_a_container_is_bounded() -> None:
    """The engine would kill one of them, and the cell would wait for ever."""
    child = "        kept = bytearray(os.urandom(1 << 20)) * 100\n        time.sleep(600)\n"
    deed = f"import os, time\nfor n in range(6):\n    if os.fork() == 0:\n{child}time.sleep(600)"
    budget = Budget(cell_s=40, total_s=60, memory_bytes=200 * 2**20)
    outcome = execute.execute(submission(deed, budget=budget))
    assert kinds(outcome) == ["memory"]
    assert "All processes together held more than 400 MiB" in outcome.stops[0].sentence


LOOK = """
import socket

def reached(host, port):
    try:
        socket.create_connection((host, port), 2).close()
        return "reached"
    except OSError as error:
        return type(error).__name__

def look(servers, outside, gateway):
    brokers = [each.split(":") for each in servers.split(",")]
    return {
        "brokers": {reached(host, int(port)) for host, port in brokers} == {"reached"},
        "here": reached("127.0.0.1", outside),
        "gateway": reached(gateway, outside),
        "internet": reached("1.1.1.1", 53),
        "name": reached("example.org", 80),
        "interfaces": [name for _, name in socket.if_nameindex() if name in {"eth0", "docker0"}],
    }
"""


def test_arena_is_all_that_a_container_reaches() -> None:
    """The brokers are; this computer's ports, the engine's gateway, the internet and the arena's host are not."""
    asked = ["docker", "network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}"]
    gateway = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip() or "172.17.0.1"
    with socket.create_server(("0.0.0.0", 0)) as listening:
        steps = [
            {"call": "look", "arguments": ["$bootstrap_servers", listening.getsockname()[1], gateway]},
            {"call": "seek", "arguments": ["$bootstrap_servers"]},
            {"call": "neighbours", "arguments": ["$bootstrap_servers"]},
        ]
        arena = {"runs": [{"name": "seek", "topics": {"orders": {"partitions": 1}}, "steps": steps}]}
        outcome = execute.execute(submission(LOOK + SEEKER, arena=arena))
    (evidence,) = outcome.evidence
    looked, *sought = [(step["value"], step["error"]) for step in evidence["steps"]]
    assert looked[0] == {
        "brokers": True,
        "here": "ConnectionRefusedError",
        "gateway": "OSError",
        "internet": "OSError",
        "name": "gaierror",
        "interfaces": [],
    }
    assert sought == [([], None), ([], None)]
    assert evidence["is_apart"]
    assert evidence["is_complete"]


def test_assignment_is_judged_by_a_log_in_a_container() -> None:
    """The first pipeline's producer: what its cluster saw is worth the same as on the other rungs."""
    described = read_assignment(COURSE, "first-pipeline")
    assert described.arena is not None
    runs = [each for each in described.arena["runs"] if each["name"] == "produce"]
    source = solution("first-pipeline", "first-pipeline.ipynb")
    job = submission(source, arena={**described.arena, "runs": runs, "seeds": 1}, seed=7)
    outcome = execute.execute(job)
    scores = {score.name: score for score in Script.of(described).judge(outcome, 7)}
    assert outcome.rung == "docker"
    assert {name for name in PRODUCED if scores[name].points < scores[name].of} == set()


def test_arena_that_is_killed_leaves_no_container() -> None:
    """The client's death is not the container's; whoever closes the link sees to that."""
    host = HostLink(contained=True)
    host.start(1, {})
    assert left()
    os.killpg(host._process.pid, signal.SIGKILL)  # noqa: SLF001 - as a system without memory would
    with pytest.raises(ArenaError):
        host.ask("state")
    host.close()
