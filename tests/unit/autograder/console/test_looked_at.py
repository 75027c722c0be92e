"""What is "to be looked at" until marks are given ends when they are."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from autograder.console import grade
from autograder.pipeline.batch import Progress, open_ledger
from autograder.pipeline.course import open_course
from autograder.pipeline.ledger import Entry
from tests.support import grading

Say = Callable[..., tuple[int, str, str]]
_FLAG = "why: 2.5 points were given by hand for something else."


def _entry(student: str, *, until_marked: bool = True) -> Entry:
    return Entry(
        "key", student, "streams", "graded", "probes", 1, flags=(_FLAG,), needs_human=True, until_marked=until_marked
    )


def _give_marks(course: Path, student: str) -> None:
    with open_course(course).gradebook() as gradebook:
        for notebook in gradebook.find_submission("streams", student).notebooks:
            for each in notebook.grades:
                each.manual_score, each.needs_manual_grade = 1, False
        gradebook.db.commit()


def test_report_and_explain_take_a_mark_for_the_look(say: Say, course: Path) -> None:
    """The flag stays, with what became of it; whom something else was said about is still to be looked at."""
    ledger = open_ledger(open_course(course))
    for student in ("ada", "bob"):
        grading.hand_in(course, student, grading.work(course))
        ledger.append(_entry(student, until_marked=student == "ada"))
    assert "not in the gradebook any more" in say("explain", "ada")[1]
    with warnings.catch_warnings(), open_course(course).gradebook() as gradebook:
        warnings.simplefilter("ignore")  # of SQLAlchemy about nbgrader's own use of it
        for student in ("ada", "bob"):
            gradebook.add_student(student)
            gradebook.add_submission("streams", student)
            for each in gradebook.find_submission("streams", student).notebooks[0].grades:
                each.needs_manual_grade = True
        gradebook.db.commit()
    page = course / "report-streams.html"
    say("report", "streams")
    assert "<b>2</b>to be looked at" in page.read_text("utf-8")
    assert "  now: " not in say("explain", "ada")[1]

    for student in ("ada", "bob"):
        _give_marks(course, student)
    say("report", "streams")
    assert "<b>1</b>to be looked at" in page.read_text("utf-8")
    assert "All that formgrader asked for has been given a mark since" in page.read_text("utf-8")
    told = say("explain", "ada")[1]
    assert f"flag: {_FLAG}" in told
    assert "  now: All that formgrader asked for has been given a mark since" in told
    assert "  now: " not in say("explain", "bob")[1]


def test_grade_counts_whom_formgrader_asks_about(capsys: pytest.CaptureFixture[str]) -> None:
    """New and unchanged results alike."""
    progress = Progress(unchanged=2)
    progress.add(_entry("ada"))
    progress.look(_entry("bob"))
    progress.look(_entry("cyd", until_marked=False))
    for unfinished, number in (({"ada", "bob"}, 3), ({"ada"}, 2), (set[str](), 1)):
        grade._summarize(progress, "streams", unfinished)  # noqa: SLF001
        assert f"To be looked at: {number}." in capsys.readouterr().out
