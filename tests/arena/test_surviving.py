"""The arena plays *surviving failure*: every fault of its plan happens, and the evidence is whole."""

from __future__ import annotations

import json

from autograder.arena import play
from autograder.job import Job
from autograder.judge.case import Case
from tests.support import surviving
from tests.support.arena import plain_sessions


def lost_properties(case: Case) -> set[str]:
    """The names of the properties that a run did not keep."""
    return surviving.lost([case.evidence])


def test_every_fault_of_the_plan_happens() -> None:
    """A lost reply, leaders that die, commits that get lost, a cut: the solution lives through all of it."""
    arena = surviving.plan(*surviving.RUNS)
    played = play(Job("ann", surviving.NAME, {}, seed=8, arena=arena), plain_sessions(surviving.SOLUTION), apart=False)
    fired = {evidence["run"]: {each["rule"] for each in evidence["fired"]} for evidence in played}
    rules = {name: {rule["name"] for rule in run["rules"]} for name, run in surviving.RUNS.items()}
    assert fired == rules | {"refuse": {"cut"}}  # a leader that acknowledges nothing is left alone
    assert all(evidence["is_complete"] for evidence in played)
    assert surviving.lost(played) == set()
    json.dumps(played, allow_nan=False)
