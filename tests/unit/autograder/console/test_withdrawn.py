"""Marks of work that is in submitted/ no more are not passed on in silence."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from autograder.pipeline.course import open_course
from tests.support import grading

Say = Callable[..., tuple[int, str, str]]


def test_marks_of_withdrawn_work_are_said_until_somebody_decides(say: Say, course: Path) -> None:
    """By grade and report; who is taken out of the gradebook is in no report any more."""
    for student in ("ada", "bob"):
        grading.hand_in(course, student, grading.work(course))
    first = say("grade", "streams", "--no-feedback")[1]
    shutil.rmtree(course / "submitted" / "bob")
    graded = say("grade", "streams", "--no-feedback")[1]
    reported = say("report", "streams")[1]
    page = (course / "report-streams.html").read_text()
    with open_course(course).gradebook() as gradebook:
        gradebook.remove_student("bob")
    after = say("report", "streams")[1]

    line = "bob: submitted/bob/streams is gone, and 13 points for it are still in the gradebook and in every export."
    assert [line in each for each in (first, graded, reported, after)] == [False, True, True, False]
    assert "`nbgrader db student remove bob --force`" in graded
    assert "submitted/bob/streams is gone" in page
    assert "bob" not in (course / "report-streams.html").read_text()
