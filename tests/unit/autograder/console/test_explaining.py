"""Points that `explain` tells are those of every other list."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

from autograder.job import Score
from autograder.pipeline.batch import open_ledger
from autograder.pipeline.course import open_course
from autograder.pipeline.ledger import Entry
from tests.support import grading


def test_explain_tells_points_as_grades_csv_has_them(say: Callable[..., tuple[int, str, str]], course: Path) -> None:
    """With all their digits, and without the rounding of floats."""
    grading.hand_in(course, "ada", grading.work(course))
    scores = tuple(Score("test-lag", name, points, 4, "so") for name, points in (("one", 0.1 + 0.2), ("two", 1.825)))
    open_ledger(open_course(course)).append(Entry("key", "ada", "streams", "graded", "probes", 1, scores=scores))
    with warnings.catch_warnings(), open_course(course).gradebook() as gradebook:
        warnings.simplefilter("ignore")  # of SQLAlchemy about nbgrader's own use of it
        gradebook.add_student("ada")
        gradebook.add_submission("streams", "ada").notebooks[0].grades[0].manual_score = 2.125
        gradebook.db.commit()
    _, out, _ = say("explain", "ada")
    assert "streams: 2.125 of 8 points" in out
    assert "in the gradebook: 2.125 of 16 points" in out
    assert "test-lag / one: 0.3 of 4" in out
