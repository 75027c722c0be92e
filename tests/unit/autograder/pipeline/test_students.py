"""Who handed something in, wherever a course has its folders."""

from __future__ import annotations

from pathlib import Path

import pytest
from traitlets.config import Config

from autograder.pipeline.course import Course, CourseError


def course_with(root: Path, structure: str, *folders: str) -> Course:
    """A course with nbgrader's ``directory_structure`` set, and these folders."""
    for folder in folders:
        (root / folder).mkdir(parents=True)
    return Course(root, Config({"CourseDirectory": {"directory_structure": structure}}))


@pytest.mark.parametrize(
    ("structure", "place"),
    [
        ("{nbgrader_step}/{student_id}/{assignment_id}", "submitted/{}/lag"),
        ("{nbgrader_step}/{assignment_id}/{student_id}", "submitted/lag/{}"),
        ("{assignment_id}/{nbgrader_step}/{student_id}", "lag/submitted/{}"),
        ("{student_id}/{nbgrader_step}/{assignment_id}", "{}/submitted/lag"),
        ("{nbgrader_step}/{student_id}/{assignment_id}-{student_id}", "submitted/{0}/lag-{0}"),
        ("work/{student_id}/of/{nbgrader_step}/{assignment_id}", "work/{}/of/submitted/lag"),
    ],
)
def test_students_are_found_in_every_structure_with_a_folder_for_each(
    tmp_path: Path, structure: str, place: str
) -> None:
    """Also where theirs is the last; who has handed in nothing for this assignment is not among them."""
    course = course_with(tmp_path, structure, place.format("ada"), place.format("bob"), "submitted/cyd/windows")

    assert course.students("lag") == ["ada", "bob"]


@pytest.mark.parametrize(
    "structure", ["{nbgrader_step}/{assignment_id}", "{nbgrader_step}/{assignment_id}-{student_id}"]
)
def test_structure_without_a_folder_for_each_student_is_one_line(tmp_path: Path, structure: str) -> None:
    """Nobody's work could be told from another's."""
    with pytest.raises(CourseError, match="must have a folder for each student"):
        course_with(tmp_path, structure, "submitted/lag").students("lag")
