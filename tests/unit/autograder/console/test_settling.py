"""What being late costs is asked again before marks are shown, and by one command at a time."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.assignment import read_assignment
from autograder.console.runs import alone
from autograder.console.settling import settle_alone
from autograder.pipeline.course import Course, open_course
from autograder.pipeline.lateness import Lateness
from tests.support import grading


def test_settle_leaves_it_to_who_is_at_work(
    course: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A page about the class can be written while `grade` runs, which asks at its end itself."""
    opened, assignment = open_course(course), read_assignment(course, grading.ASSIGNMENT)
    monkeypatch.setattr(Lateness, "settle", lambda _: {"ada": "2 points are taken off now."})

    def said(opened: Course) -> str:
        settle_alone(opened, assignment, "autograder report streams")
        return capsys.readouterr().out

    with alone(opened, "autograder grade streams"):
        assert said(opened).startswith("What being late costs was not asked again: `autograder grade streams` (process")
    assert said(opened) == "ada: 2 points are taken off now.\n"
