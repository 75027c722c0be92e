"""Assignment 2: the solution has all points, an empty notebook none, and each planted mistake loses its own."""

from __future__ import annotations

import pytest

from autograder.arena import play
from autograder.assignment import read_assignment
from autograder.job import Job, Outcome
from autograder.judge.script import Script
from tests.support.arena import plain_sessions
from tests.support.course import COURSE, empty, judged, lost
from tests.support.surviving import NAME, NOTEBOOK, SOLUTION, UNUSUAL, WRONG, plan


def test_the_solution_has_all_points() -> None:
    """With both seeds."""
    scores = judged(NAME, SOLUTION)
    assert {name: score.proof for name, score in scores.items() if score.points < score.of} == {}
    assert sum(score.points for score in scores.values()) == 22


def test_an_empty_notebook_has_no_points() -> None:
    """As it was released: where nothing was done, nothing was kept."""
    scores = judged(NAME, empty(NAME, NOTEBOOK), seeds=1)
    assert sum(score.points for score in scores.values()) == 0
    assert "NotImplementedError" in " ".join(scores["lost-write"].proof)


@pytest.mark.parametrize("name", WRONG)
def test_a_planted_mistake_loses_its_own_points(name: str) -> None:
    """And no other."""
    run, expected, text = WRONG[name]
    scores = judged(NAME, text, run=run, seeds=1)
    assert lost(scores) == expected


@pytest.mark.parametrize("name", UNUSUAL)
def test_another_way_loses_nothing(name: str) -> None:
    """Whoever does what is asked has its points, however it is done."""
    run, text = UNUSUAL[name]
    assert lost(judged(NAME, text, run=run, seeds=1)) == set()


def test_each_page_has_a_picture_of_its_run() -> None:
    """Also where nothing was lost; a fault that costs points is marked."""
    described = read_assignment(COURSE, NAME)
    job = Job("ann", NAME, {}, seed=7, arena=plan("survive"))
    evidence = play(job, plain_sessions(WRONG["no-idempotence"][2]), apart=False)
    made = Script.of(described).pictures(Outcome("ann", NAME, 7, "none", {}, (), evidence), 7)
    assert set(made) == {"produce-check"}
    assert "Marked: " in made["produce-check"]
    evidence = play(job, plain_sessions(SOLUTION), apart=False)
    (drawn,) = Script.of(described).pictures(Outcome("ann", NAME, 7, "none", {}, (), evidence), 7).values()
    assert "No fault is marked" in drawn
    assert "leads (before: 1" in drawn
