"""What being late costs follows the marks, the due date and the extensions that the gradebook has now."""

from __future__ import annotations

import warnings
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from autograder.assignment import read_assignment
from autograder.exports import marks
from autograder.pipeline.course import open_course
from autograder.pipeline.lateness import Lateness
from autograder.pipeline.submission import Desk
from autograder.pipeline.work import perform
from tests.support import grading, pretend

_DUE = datetime(2026, 11, 20, 12)  # noqa: DTZ001 - the gradebook's times are UTC and say no zone
_POLICY = {"percent_per_day": 10}
_PLUGIN = """
from nbgrader.plugins import LateSubmissionPlugin

class Odd(LateSubmissionPlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        raise LookupError(student_id)

c.AssignLatePenalties.plugin_class = Odd
"""


@pytest.fixture
def late(course: Path) -> Path:
    """A course with ada's work, 35 hours late: 10 of 13 points, before anything is taken off."""
    grading.set_judging(course, "probes", late=_POLICY)
    with warnings.catch_warnings(), open_course(course).gradebook() as gradebook:
        warnings.simplefilter("ignore")  # of SQLAlchemy about nbgrader's own use of it
        gradebook.update_or_create_assignment(grading.ASSIGNMENT, duedate=_DUE)
        gradebook.add_student("ada")
        gradebook.add_submission(grading.ASSIGNMENT, "ada", timestamp=_DUE + timedelta(hours=35))
        for name in grading.FUNCTIONS:
            found = gradebook.find_grade(f"test-{name}", "streams", grading.ASSIGNMENT, "ada")
            found.auto_score, found.needs_manual_grade = 2 if name != "lag" else 0, False
        gradebook.db.commit()
    return course


def settled(course: Path) -> tuple[list[str], float]:
    """The lines of ada's, and the penalty that exports read afterwards."""
    opened = open_course(course)
    lines = Lateness(opened, read_assignment(course, grading.ASSIGNMENT)).settle()
    assert set(lines) <= {"ada"}
    with opened.gradebook() as gradebook:
        found = marks.of_assignment(gradebook.find_assignment(grading.ASSIGNMENT))
    return list(lines.values()), found["ada"].penalty


def _use(course: Path, plugin: str) -> None:
    """Have a course ask a plugin of its own."""
    with (course / "nbgrader_config.py").open("a") as config:
        config.write(plugin)


def change(course: Path, **grade: Any) -> None:
    """Give ada's text a mark, as in formgrader."""
    with open_course(course).gradebook() as gradebook:
        found = gradebook.find_grade("why", "streams", grading.ASSIGNMENT, "ada")
        for name, value in grade.items():
            setattr(found, name, value)
        gradebook.db.commit()


def test_mark_by_hand_changes_what_being_late_costs(late: Path) -> None:
    """The same mark costs the same, whether it was given before the last grading or after it."""
    assert settled(late) == (["2 of 10 points are taken off now for being 35.0 hours late; before, none were."], 2)
    assert settled(late) == ([], 2)

    change(late, manual_score=3, needs_manual_grade=False)
    why = "2.6 of 13 points are taken off now for being 35.0 hours late; before, 2 were."
    lines, penalty = settled(late)
    assert (lines, round(penalty, 6)) == ([why], 2.6)


def test_another_due_date_and_an_extension_count(late: Path) -> None:
    """Nothing is taken off for being 0 hours late, and who has more time gets the points back."""
    settled(late)
    back = ["2 points that were taken off for being late count again: nothing of it is late now."]
    with open_course(late).gradebook() as gradebook:
        gradebook.grant_extension(grading.ASSIGNMENT, "ada", days=3)
    assert settled(late) == (back, 0)

    with open_course(late).gradebook() as gradebook:
        gradebook.grant_extension(grading.ASSIGNMENT, "ada")
        gradebook.update_or_create_assignment(grading.ASSIGNMENT, duedate=_DUE + timedelta(hours=20))
    assert settled(late)[1] == 1
    with open_course(late).gradebook() as gradebook:
        gradebook.update_or_create_assignment(grading.ASSIGNMENT, duedate=None)
        gradebook.grant_extension(grading.ASSIGNMENT, "ada", days=1)  # of no due date, which nbgrader cannot add up
    assert settled(late)[1] == 0


def test_policy_without_a_due_date_is_told(late: Path) -> None:
    """Nobody is late then; a course that has no policy, or leaves the step out, wants none."""

    def lacks() -> bool:
        return Lateness(open_course(late), read_assignment(late, grading.ASSIGNMENT)).lacks_due_date()

    assert not lacks()
    with open_course(late).gradebook() as gradebook:
        gradebook.update_or_create_assignment(grading.ASSIGNMENT, duedate=None)
    assert lacks()
    grading.set_judging(late, "probes")
    assert not lacks()
    config = late / "nbgrader_config.py"
    plain = config.read_text()
    config.write_text(f'{plain}c.LateSubmissionPlugin.penalty_method = "zero"\n')
    assert lacks()
    config.write_text(f"{plain}c.LateSubmissionPlugin.penalty_method = 'zero'\nc.AssignLatePenalties.enabled = False\n")
    assert not lacks()


def test_another_policy_counts(late: Path) -> None:
    """It may get milder in the middle of a course."""
    settled(late)
    grading.set_judging(late, "probes", late={"grace_hours": 48})
    back = "2 points that were taken off for being late count again: being late costs nothing now."
    assert settled(late) == ([back], 0)


def test_step_that_the_course_leaves_out_takes_nothing(late: Path) -> None:
    """Who does not want nbgrader's step gets nothing instead of it."""
    with (late / "nbgrader_config.py").open("a") as config:
        config.write('c.Autograde.autograde_preprocessors = ["nbgrader.preprocessors.SaveAutoGrades"]\n')
    assert settled(late) == ([], 0)


def test_plugin_that_stops_changes_nothing(late: Path) -> None:
    """It is one line for all at whom it stops alike, which says where, and the points stay."""
    settled(late)
    with warnings.catch_warnings(), open_course(late).gradebook() as gradebook:
        warnings.simplefilter("ignore")  # as above
        gradebook.add_student("bob")
        gradebook.add_submission(grading.ASSIGNMENT, "bob", timestamp=_DUE + timedelta(hours=35))
    grading.set_judging(late, "probes")
    _use(late, _PLUGIN)
    opened = open_course(late)
    lines = Lateness(opened, read_assignment(late, grading.ASSIGNMENT)).settle()
    assert lines == {
        "ada, bob": "The plugin for late work stopped: LookupError: ada (nbgrader_config.py, line 8). What being late "
        "costs is as it was before, so nothing for work that is new. Mend it, and `autograder grade streams` asks it "
        "again."
    }
    with opened.gradebook() as gradebook:
        found = marks.of_assignment(gradebook.find_assignment(grading.ASSIGNMENT))
    assert (found["ada"].penalty, found["bob"].penalty) == (2, 0)


def test_plugin_that_stops_costs_nobody_their_points(course: Path) -> None:
    """What is late is recorded as other work is, and its price is taken off when the plugin is mended."""
    grading.hand_in(course, "ada", grading.work(course), **{"timestamp.txt": "2026-11-21 12:00:00 UTC"})
    with warnings.catch_warnings(), open_course(course).gradebook() as gradebook:
        warnings.simplefilter("ignore")  # as above
        gradebook.update_or_create_assignment(grading.ASSIGNMENT, duedate=_DUE)
    plain = (course / "nbgrader_config.py").read_text()
    _use(course, _PLUGIN)
    opened = open_course(course)
    desk = Desk(opened, read_assignment(course, grading.ASSIGNMENT))
    prepared = desk.prepare("ada")
    assert prepared.job is not None
    desk.record(prepared, perform(prepared.job, desk.script, pretend.execute))
    assert sum(filter(None, grading.scores(course)["ada"].values())) == 13

    looks = "float(self.parent.student_id == student_id and self.parent.notebook_id == 'streams')"
    (course / "nbgrader_config.py").write_text(plain)
    _use(course, _PLUGIN.replace("raise LookupError(student_id)", f"return {looks}"))
    assert settled(course)[1] == 1


def test_due_says_what_is_not_in_the_gradebook_yet(late: Path) -> None:
    """So it can be told without writing anything."""
    opened = open_course(late)
    lateness = Lateness(opened, read_assignment(late, grading.ASSIGNMENT))
    with opened.gradebook() as gradebook:
        submission = gradebook.find_submission(grading.ASSIGNMENT, "ada")
        assert (lateness.due(submission), submission.late_submission_penalty) == (2, 0)
