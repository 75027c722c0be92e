"""``autograder check``, and what it says alike with `grade`: what the intake found in a class's work."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from autograder.pipeline.course import open_course
from autograder.pipeline.released import remember_release
from tests.support import grading

Say = Callable[..., tuple[int, str, str]]


def test_check_runs_and_writes_nothing(say: Say, course: Path) -> None:
    """It says what the intake says."""
    grading.hand_in(course, "ada", grading.work(course))
    grading.hand_in(course, "bob", b"")
    before = sorted(path for path in course.rglob("*"))
    status, out, _ = say("check", "streams")

    assert status == 0
    assert "bob: streams.ipynb: " in out
    assert "2 submissions: 1 with nothing to say about, 1 to be looked at." in out
    assert sorted(path for path in course.rglob("*")) == before


def test_earlier_release_is_one_line_for_the_class(say: Say, course: Path) -> None:
    """It may be everybody's, and is nobody's fault; who looks at one student, or at the page, sees it there."""
    folder = course / "release" / "streams"
    for student in ("ada", "bob"):
        grading.hand_in(course, student, grading.work(course))
    remember_release(open_course(course), "streams")
    notebook = json.loads((folder / grading.FILE).read_text())
    next(cell for cell in notebook["cells"] if cell["id"] == "test-lag")["source"] = "assert lag({}, {}) == {}"
    (folder / grading.FILE).write_text(json.dumps(notebook))
    line = "2 submissions are from an earlier release of the assignment: ada, bob. That is no fault; "
    checked = say("check", "streams")[1]
    graded = say("grade", "streams", "--workers", "1", "--no-feedback")[1]

    assert checked.startswith(line)
    assert "2 submissions: 2 with nothing else to say about, 0 to be looked at." in checked
    assert (graded.count("earlier release"), line in graded) == (1, True)
    assert "flag: streams.ipynb: it is from an earlier release" in say("explain", "bob")[1]
    say("report", "streams")
    assert (course / "report-streams.html").read_text(encoding="utf-8").count("it is from an earlier release") == 2
