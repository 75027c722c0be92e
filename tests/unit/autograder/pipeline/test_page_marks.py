"""A page that is older than the marks is made again, and says so where its texts are older than its points."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from autograder.assignment import read_assignment
from autograder.pipeline.batch import Batch, open_ledger
from autograder.pipeline.course import Course, open_course
from autograder.pipeline.feedback import Feedback
from autograder.pipeline.pool import ForeignPool
from autograder.pipeline.submission import Desk
from tests.support import grading, pretend


@pytest.fixture
def opened(course: Path) -> Course:
    """A course in which ada's work is graded: 13 of 16 points, and a text that a person marks."""
    grading.hand_in(course, "ada", grading.work(course))
    made = open_course(course)
    desk = Desk(made, read_assignment(course, grading.ASSIGNMENT))
    batch = Batch(desk, ForeignPool(ThreadPoolExecutor(1), 1), open_ledger(made), pretend.execute)
    batch.choose(["ada"])
    batch.run(lambda _: None)
    return made


def written(course: Course, *, is_plain: bool = False) -> str:
    """Ada's page, which was missing or older than the marks, and is not any more."""
    feedback = Feedback(course, read_assignment(course.root, grading.ASSIGNMENT))
    assert feedback.missing(["ada"]) == ["ada"]
    for name in feedback.notebooks("ada"):
        feedback.write("ada", name, is_plain=is_plain)
    assert feedback.missing(["ada"]) == []
    return (course.root / "feedback" / "ada" / grading.ASSIGNMENT / "streams.html").read_text()


def mark(course: Course, points: float) -> None:
    """Give ada's text points, as formgrader does."""
    with course.gradebook() as gradebook:
        grade = gradebook.find_grade("why", "streams", grading.ASSIGNMENT, "ada")
        grade.manual_score, grade.needs_manual_grade = points, False
        gradebook.db.commit()


@pytest.mark.parametrize("is_plain", [False, True])
def test_page_has_no_points_where_a_person_has_not_graded_yet(opened: Course, is_plain: bool) -> None:
    """Neither in the list at its top nor beside the cell; a 0 that a person gave is one."""
    page = written(opened, is_plain=is_plain)
    assert page.count("Score: not graded yet / ") == 2
    assert "These points are not final" in page
    assert page.count("so far /") == 1  # the sum
    mark(opened, 0.0)
    page = written(opened, is_plain=is_plain)
    assert "(Score: 13.0 / 16.0)" in page
    assert "not graded yet" not in page


def test_page_is_made_again_for_other_marks(opened: Course) -> None:
    """For a mark by hand, for a comment, and for what is taken off for being late; not when nothing has changed."""
    assert "(Score: 13.0 so far / 16.0)" in written(opened)
    mark(opened, 2.5)
    assert "(Score: 15.5 / 16.0)" in written(opened)
    with opened.gradebook() as gradebook:
        gradebook.find_comment("why", "streams", grading.ASSIGNMENT, "ada").manual_comment = "Order of what?"
        gradebook.db.commit()
    assert "Order of what?" in written(opened)
    with opened.gradebook() as gradebook:
        gradebook.find_submission("streams", "ada").notebooks[0].late_submission_penalty = 1.5
        gradebook.db.commit()
    assert "(Score: 14.0 / 16.0)" in written(opened)


def test_page_says_that_its_texts_are_older_than_its_points(opened: Course) -> None:
    """The judge stopped when the work was graded again: the notebook that is shown has points that do not count now."""
    assert "could not be graded" not in written(opened)
    Desk(opened, read_assignment(opened.root, grading.ASSIGNMENT)).record_nothing("ada", is_gone=False)
    for is_plain in (False, True):
        page = written(opened, is_plain=is_plain)
        assert "(Score: 0.0 / 16.0)" in page
        assert "This work could not be graded the last time" in page
        shutil.rmtree(opened.root / "feedback")
