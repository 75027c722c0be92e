"""The arena with real jails: a student's code reaches the brokers, and nothing of what runs and watches them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from autograder import jail
from autograder.execute import execute
from autograder.job import Job, Outcome
from autograder.judge.evidence import cases_of
from tests.arena.test_surviving import lost_properties
from tests.support import surviving

SEEKER = '''
import os, socket
from pathlib import Path


def seek(servers):
    """Ways to the arena's host: what of it worked."""
    found = []
    try:
        folders = list(Path("/proc").iterdir())
    except OSError:
        return found
    for folder in folders:
        if not folder.name.isdecimal() or int(folder.name) == os.getpid():
            continue
        try:
            line = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if b"autograder.arena" not in line and b"kit.broker" not in line:
            continue
        for number in (0, 1):
            try:
                with open(folder / "fd" / str(number), "wb", buffering=0) as pipe:
                    pipe.write(b'{"command": "close"}\\n')
                found.append(f"wrote to {line[:80]}")
            except OSError:
                pass
        try:
            os.kill(int(folder.name), 0)
            found.append(f"may signal {line[:80]}")
        except OSError:
            pass
    return found


def neighbours(servers):
    """TCP ports of this computer that answer besides the brokers."""
    known = {int(each.split(":")[1]) for each in servers.split(",")}
    found = []
    for port in [*range(1, 200), *range(8880, 8900), *(port + step for port in known for step in (-1, 1))]:
        if port in known:
            continue
        with socket.socket() as link:
            link.settimeout(0.2)
            if link.connect_ex(("127.0.0.1", port)) == 0:
                found.append(port)
    return found
'''


def run(source: str, arena: dict[str, Any], rung: str) -> Outcome:
    """A submission of one cell, from start to outcome."""
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": source, "outputs": [], "execution_count": None}
    notebook = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    notebooks = {"surviving.ipynb": json.dumps(notebook)}
    return execute(Job("ann", "surviving", notebooks, seed=7, arena=arena, weakest_rung=rung))


@pytest.fixture
def rung() -> str:
    """The strongest rung of this machine that a student's cluster work may have."""
    try:
        return str(jail.strongest("landlock"))
    except jail.JailError as error:
        pytest.skip(str(error))


def test_jailed_solution_keeps_every_property(rung: str) -> None:
    """Kernels that the plan kills are no stops of the student's."""
    outcome = run(surviving.SOLUTION, surviving.plan(), rung)
    assert outcome.rung == rung
    assert outcome.stops == ()
    (case,) = cases_of(outcome.evidence, "orders", "results")
    assert case.evidence["is_apart"] == (rung in {"namespaces", "bubblewrap"})
    assert lost_properties(case) == set()


def test_control_channel_is_out_of_reach(rung: str) -> None:
    """No process of the arena can be written to or signalled from a jail, and the run goes on to its end."""
    steps = [
        {"call": "seek", "arguments": ["$bootstrap_servers"]},
        {"call": "neighbours", "arguments": ["$bootstrap_servers"]},
    ]
    arena = {"runs": [{"name": "seek", "topics": {"orders": {"partitions": 1}}, "steps": steps}]}
    outcome = run(SEEKER, arena, rung)
    (evidence,) = outcome.evidence
    assert [(step["value"], step["error"]) for step in evidence["steps"]] == [([], None), ([], None)]
    assert evidence["is_complete"]
