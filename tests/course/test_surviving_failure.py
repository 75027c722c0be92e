"""Assignment 2: the solution has all points, an empty notebook none, and each planted mistake loses its own."""

from __future__ import annotations

import pytest

from tests.support.course import empty, judged, lost
from tests.support.surviving import NAME, NOTEBOOK, SOLUTION, WRONG


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
