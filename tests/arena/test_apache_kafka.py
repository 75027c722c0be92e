"""The arena on Apache Kafka in containers: the same plans and judges, in real jails, and the same verdicts."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from typing import Any

import pytest

from autograder.arena.host_link import HostLink
from autograder.arena.plan import Plan
from autograder.arena.playing import Play
from autograder.deadline import Deadline
from autograder.execute.session import open_session
from autograder.job import Job
from tests.support import surviving
from tests.support.requirements import need

SEED = 8
VERDICTS = {
    "survive": (("acks-one-retries", {"lost-write", "duplicate"}), ("solution", set())),
    "process": (("commit-first", {"committed-before-processed"}),),
}


@pytest.fixture(scope="module")
def host(rung: str) -> Iterator[HostLink]:
    """A host of Apache Kafka: its brokers stay for all tests."""
    need("docker")
    with HostLink(apart=rung in {"namespaces", "bubblewrap"}, cluster="docker") as made:
        yield made


def played(host: HostLink, rung: str, run: str, source: str) -> dict[str, Any]:
    """The evidence of one run of *surviving failure*; tried again when the client library hung."""
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": source, "outputs": [], "execution_count": None}
    notebook = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    arena = surviving.plan(run) | {"cluster": "docker"}
    job = Job(
        "ann", surviving.NAME, {surviving.NOTEBOOK: json.dumps(notebook)}, seed=SEED, arena=arena, weakest_rung=rung
    )
    opened = functools.partial(open_session, deadline=Deadline(600))
    for _ in range(3):
        with Play(job, Plan.read(arena).runs[0], 0, host, opened, deadline=Deadline(600)) as play:
            evidence = play.evidence()
        if evidence is not None:
            return evidence
    raise AssertionError("the client library hung three times")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("run", VERDICTS)
def test_verdicts_are_the_same_on_apaches_brokers(host: HostLink, rung: str, run: str) -> None:
    """Lost and repeated records and early commits are found, the solution keeps all, and every fault happened."""
    for name, expected in VERDICTS[run]:
        source = surviving.SOLUTION if name == "solution" else surviving.WRONG[name][2]
        evidence = played(host, rung, run, source)
        assert {each["rule"] for each in evidence["fired"]} == {rule["name"] for rule in surviving.RUNS[run]["rules"]}
        assert not [told for each in evidence["fired"] for told in each["faults"] if told.startswith("refused")]
        assert evidence["is_complete"]
        assert evidence["cluster"]["kind"] == "docker"
        assert evidence["is_apart"] == (rung in {"namespaces", "bubblewrap"})
        assert surviving.lost([evidence]) == expected, name
        assert not [entry for entry in evidence["entries"] if entry["state"] == "refused"]
