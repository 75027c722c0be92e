"""The one network that a jail may have: that of the cluster for its work."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from autograder.doctor.cases import texts
from tests.support import ordinary_user
from tests.support.jailed import Grader, submission

pytestmark = pytest.mark.slow

REACH = """
import socket
def reach(port):
    try:
        socket.create_connection(("127.0.0.1", port), 3).close()
        return "reached"
    except OSError as error:
        return type(error).__name__
"""


@contextmanager
def service(*arguments: str) -> Iterator[tuple[int, int, int]]:
    """A service apart; its pid, its port, and one more of its ports."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with ordinary_user.start("tests.jail.apart", arguments, **pipes) as process:
        assert process.stdout is not None
        pid, port, other = map(int, process.stdout.readline().split())
        yield pid, port, other


@pytest.mark.parametrize("rung", ["namespaces", "bubblewrap"])
def test_jail_joins_a_network_and_nothing_else(grader_on: Callable[[str], Grader], rung: str) -> None:
    """The service is reached; its process, and what listens on this computer, are not."""
    with service() as (pid, port, _), service("here") as (_, outside, _):
        code = (
            f"{REACH}import os\n"
            f"print(reach({port}), reach({outside}), os.path.exists('/proc/{pid}'))\n"
            f"socket.create_server(('127.0.0.1', 0)).close()"
        )
        network = {"pid": pid, "ports": [port]}
        outcome = grader_on(rung).run(submission(code), network)
        assert texts(outcome) == ["reached ConnectionRefusedError False\n"] or outside == port
        alone = grader_on(rung).run(submission(f"{REACH}print(reach({port}))"))
        assert texts(alone) == ["ConnectionRefusedError\n"]


def test_landlock_opens_only_the_ports_of_the_network(grader_on: Callable[[str], Grader]) -> None:
    """Without namespaces, the ports of the cluster are all there is."""
    with service("here") as (pid, port, other):
        code = f"{REACH}print(reach({port}), reach({other}))"
        network = {"pid": pid, "ports": [port]}
        assert texts(grader_on("landlock").run(submission(code), network)) == ["reached PermissionError\n"]
        assert texts(grader_on("landlock").run(submission(code))) == ["PermissionError PermissionError\n"]


def test_network_that_is_gone_is_said(grader_on: Callable[[str], Grader]) -> None:
    """A service that has ended gives one plain line, and no run in another network."""
    with service() as (pid, port, _):
        pass
    outcome = grader_on("namespaces").run(submission("print(1)"), {"pid": pid, "ports": [port]})
    assert texts(outcome) == [""]
    assert [stop.kind for stop in outcome.stops] == ["start"]
