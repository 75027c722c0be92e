"""nbgrader itself grades what the intake repaired, and the release that the other tests compare with is its own."""

from __future__ import annotations

import copy
import shutil
import sqlite3
from pathlib import Path

import pytest

from autograder.intake import examine
from tests.support.grading import nbgrader
from tests.support.submissions import NAME, RELEASE, SOURCE, Desk, Notebook, answered, cell_of, id_of, own_cell


def damaged() -> Notebook:
    """Everything at which stock nbgrader stops, or gives points it should not, or none that it should."""
    notebook = answered()
    cell_of(notebook, "partition-of")["source"] = "def partition_of(key, partitions):\n    return 0"
    cell_of(notebook, "test-partition-of")["metadata"]["tags"] = ["skip-execution"]
    cell_of(notebook, "test-partition-of")["metadata"]["nbgrader"]["points"] = 1000
    cell_of(notebook, "explain")["cell_type"] = "code"
    bonus = copy.deepcopy(cell_of(notebook, "test-by-key"))
    bonus["metadata"]["nbgrader"]["grade_id"] = "bonus"
    twice = copy.deepcopy(cell_of(notebook, "by-key"))
    notebook["cells"] = [cell for cell in notebook["cells"] if id_of(cell) != "test-by-key"]
    notebook["cells"] += [bonus, twice, twice, own_cell("x" * 10)]
    for cell in notebook["cells"]:
        cell.pop("id", None)
    return notebook | {"nbformat_minor": 2}


@pytest.mark.slow
def test_nbgrader_grades_the_repaired_copy(tmp_path: Path) -> None:
    """The marks are those of the answers: full, none, and two that wait for a human."""
    course = tmp_path / "course"
    (course / "source" / "first").mkdir(parents=True)
    shutil.copy(SOURCE, course / "source" / "first" / NAME)
    nbgrader(course, "generate_assignment", "first", "--create")
    release = course / "release" / "first"
    assert (release / NAME).read_bytes() == RELEASE.read_bytes()

    (tmp_path / "desk").mkdir()
    desk = Desk(tmp_path / "desk")
    desk.examine(damaged())
    intake = examine(desk.submission, release)
    intake.write(course / "submitted" / "ada" / "first")
    said = nbgrader(course, "autograde", "first")

    assert "ERROR" not in said
    with sqlite3.connect(course / "gradebook.db") as database:
        marks = database.execute(
            "SELECT base_cell.name, grade.auto_score FROM grade JOIN base_cell ON grade.cell_id = base_cell.id"
        )
        assert {name: score for name, score in marks if name != "reading"} == {
            "test-by-key": 2,
            "test-partition-of": 0,
            "explain": None,
            "sketch": None,
        }
    database.close()
