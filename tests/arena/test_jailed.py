"""The arena with real jails: a student's code reaches the brokers, and nothing of what runs and watches them."""

from __future__ import annotations

import json
import time
from typing import Any

from autograder.doctor.clusters import SEEKER
from autograder.execute import execute
from autograder.job import Budget, Job, Outcome
from autograder.judge.evidence import cases_of
from tests.arena.test_surviving import lost_properties
from tests.support import surviving


def run(source: str, arena: dict[str, Any], rung: str, **budget: float) -> Outcome:
    """A submission of one cell, from start to outcome."""
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": source, "outputs": [], "execution_count": None}
    notebook = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    notebooks = {"surviving.ipynb": json.dumps(notebook)}
    return execute(
        Job("ann", "surviving", notebooks, budget=Budget(**budget), seed=7, arena=arena, weakest_rung=rung)  # type: ignore[arg-type]
    )


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


def test_all_sessions_and_runs_share_one_time(rung: str) -> None:
    """Three runs of two kernels that wait for ever have together what one submission has, and it is said once."""
    steps = [{"name": name, "call": "wait", "session": name, "timeout_s": 50} for name in ("one", "two")]
    runs = [
        {"name": name, "brokers": 1, "topics": {"orders": {"partitions": 1, "replicas": 1}}, "steps": steps}
        for name in "abc"
    ]
    began_s = time.monotonic()
    outcome = run("import time\ndef wait(): time.sleep(100)", {"runs": runs}, rung, total_s=4)
    assert time.monotonic() - began_s < 30
    first, *others = outcome.evidence
    assert [step["error"] for step in first["steps"]] == [
        "no answer: the submission's time was up",
        "no answer: the notebook's kernel had ended before",
    ]
    assert all("had used up its 4 s" in each["not_played"] and not each["steps"] for each in others)
    assert [stop.kind for stop in outcome.stops] == ["total_time"]
