"""A submission has one clock, however many kernels and runs it has."""

from __future__ import annotations

import time

import pytest

from autograder.arena import Plan, play
from autograder.assignment import read_assignment
from autograder.deadline import Deadline
from autograder.job import Job, Outcome
from autograder.judge.script import Script
from tests.support.arena import plain_sessions
from tests.support.course import COURSE


def over() -> Deadline:
    """One whose time is up."""
    deadline = Deadline(240)
    deadline.give_back(-241)
    return deadline


def test_stopped_time_does_not_count() -> None:
    """What the harness does in between is not the student's time."""
    deadline = Deadline(10)
    before_s = deadline.end_s
    with deadline.stopped():
        began_s = time.monotonic()
        while time.monotonic() == began_s:
            pass
    assert deadline.end_s > before_s
    assert not deadline.is_over
    assert over().is_over


@pytest.mark.parametrize("name", ["first-pipeline", "surviving-failure"])
def test_run_without_time_is_not_played_and_has_no_points(name: str) -> None:
    """Every property says so; no cluster is started, and no picture is drawn of nothing."""
    assignment = read_assignment(COURSE, name)
    job = Job("ann", name, {}, seed=7, arena=assignment.arena)
    evidence = play(job, plain_sessions(""), apart=False, deadline=over())
    outcome = Outcome("ann", name, 7, "none", {}, (), evidence)
    script = Script.of(assignment)
    scores = [score for score in script.judge(outcome, 7) if "-check" in score.grade_id and "calls" not in score.reason]
    assert len(evidence) >= 3
    assert {each["not_played"] for each in evidence} == {
        "The submission had used up its 240 s when this run was to begin."
    }
    assert {score.points for score in scores} == {0}
    assert all("had used up its 240 s" in score.reason for score in scores)
    assert all("<svg" in each for each in script.pictures(outcome, 7).values())


@pytest.mark.parametrize("name", ["first-pipeline", "surviving-failure"])
def test_arena_that_failed_is_not_drawn(name: str) -> None:
    """A judge that draws each run has nothing to draw where the arena saw nothing."""
    assignment = read_assignment(COURSE, name)
    job = Job("ann", name, {}, seed=7, arena=assignment.arena)
    failed = [
        {**each, "problem": "no cluster", "is_complete": False, "not_played": ""}
        for each in play(job, plain_sessions(""), apart=False, deadline=over())
    ]
    outcome = Outcome("ann", name, 7, "none", {}, (), tuple(failed))
    script = Script.of(assignment)
    assert any("the arena failed, not you" in score.reason for score in script.judge(outcome, 7))
    script.pictures(outcome, 7)


@pytest.mark.parametrize("name", ["first-pipeline", "surviving-failure"])
def test_course_gives_enough_time_for_every_run(name: str) -> None:
    """Who waits in vain in one run is not cut off in another."""
    assignment = read_assignment(COURSE, name)
    assert assignment.budget.total_s > Plan.read(assignment.arena or {}).longest_s
