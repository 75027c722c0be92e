"""A course's own plugin for late work: found where nbgrader finds it, or refused before anything is graded."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from autograder.assignment import read_assignment
from autograder.pipeline.course import CourseError, converter_config, open_course
from autograder.pipeline.submission import Desk
from tests.support import grading

_HALF = """\
from nbgrader.plugins import LateSubmissionPlugin


class Half(LateSubmissionPlugin):
    def late_submission_penalty(self, student_id, score, total_seconds_late):
        return score / 2
"""


def name_plugin(course: Path, name: str) -> None:
    """Say in the course's configuration what decides about late work."""
    with (course / "nbgrader_config.py").open("a") as config:
        config.write(f'c.AssignLatePenalties.plugin_class = "{name}"\n')


@pytest.mark.parametrize("is_elsewhere", [False, True])
def test_late_plugin_lies_beside_the_configuration(course: Path, is_elsewhere: bool, tmp_path: Path) -> None:
    """As with nbgrader; the folder does not stay on the path, where workers would get it from."""
    from nbgrader.preprocessors import AssignLatePenalties

    home, module = course, f"late_half_{is_elsewhere}"
    if is_elsewhere:
        home = tmp_path / "home"
        home.mkdir()
        (home / "nbgrader_config.py").write_text(f'c = get_config()\nc.CourseDirectory.root = "{course}"\n')
    name_plugin(home, f"{module}.Half")
    (home / f"{module}.py").write_text(_HALF)
    before = list(sys.path)
    config = converter_config(open_course(home), read_assignment(course, grading.ASSIGNMENT))

    assert AssignLatePenalties(config=config).plugin_class.__module__ == module
    assert sys.path == before


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("late_none.Half", None, "No module named 'late_none'"),
        ("late_other.Half", "class Other: pass", "has no attribute 'Half'"),
        ("late_plain.Half", "class Half: pass", "it is no class that inherits"),
        ("late_torn.Half", "class Half(", "SyntaxError"),
        ("Half", None, "ValueError"),
    ],
)
def test_late_plugin_that_cannot_be_used_is_refused(course: Path, name: str, text: str | None, said: str) -> None:
    """Before anything is graded, in one sentence; an assignment with a policy of its own does not need it."""
    name_plugin(course, name)
    if text is not None:
        (course / f"{name.partition('.')[0]}.py").write_text(text)
    with pytest.raises(CourseError) as refused:
        Desk(open_course(course), read_assignment(course, grading.ASSIGNMENT))

    assert said in str(refused.value)
    assert f"nbgrader_config.py names '{name}'" in str(refused.value)
    grading.set_judging(course, "probes", late={"grace_hours": 48})
    Desk(open_course(course), read_assignment(course, grading.ASSIGNMENT))
