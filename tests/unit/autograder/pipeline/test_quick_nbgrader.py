"""nbgrader's steps with an open gradebook: what they see and leave is what nbgrader's own would have left."""

from __future__ import annotations

import gc
import sqlite3
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from nbformat.notebooknode import NotebookNode
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.nbgraderformat import MetadataValidator, ValidationError
from nbgrader.preprocessors import saveautogrades

from autograder.assignment import read_assignment
from autograder.pipeline.course import open_course
from autograder.pipeline.quick_nbgrader import QuickNbgrader
from autograder.pipeline.submission import Desk
from autograder.pipeline.work import perform
from tests.support import grading, pretend


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A gradebook's file with a table in it, so that nbgrader asks no other program for the version of its tables."""
    made = tmp_path / "gradebook.db"
    with sqlite3.connect(made) as database:
        database.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
    database.close()
    return made


def _students(file: Path) -> set[str]:
    database = sqlite3.connect(file, timeout=0)
    try:
        return {name for (name,) in database.execute("SELECT id FROM student")}
    finally:
        database.close()


def _opened(file: Path) -> Any:
    return saveautogrades.Gradebook(f"sqlite:///{file}")


def _add_and_fail(gradebook: Any) -> None:
    gradebook.add_student("bob")
    gradebook.find_assignment("streams")


def held_notebooks() -> int:
    """How many pieces of notebooks are in memory."""
    gc.collect()
    return sum(type(each) is NotebookNode for each in gc.get_objects())


def _cell(**marks: Any) -> Any:
    usual = {"grade": False, "solution": False, "locked": False, "schema_version": 3, "grade_id": "a"}
    return SimpleNamespace(metadata={"nbgrader": usual | marks}, cell_type="code", source="")


def test_step_is_committed_at_its_end_and_not_before(file: Path) -> None:
    """What a step writes is there for everybody when it ends, at once, although nbgrader commits in between."""
    with QuickNbgrader().steps():
        with _opened(file) as gradebook:
            gradebook.add_student("ada")
            gradebook.add_student("bob")
            assert [each.id for each in gradebook.students] == ["ada", "bob"]
            assert _students(file) == set()
        assert _students(file) == {"ada", "bob"}


def test_step_that_fails_leaves_nothing_behind(file: Path) -> None:
    """A step that an error broke off is undone, and the next one works."""
    with QuickNbgrader().steps():
        with pytest.raises(MissingEntry), _opened(file) as gradebook:
            _add_and_fail(gradebook)
        with _opened(file) as gradebook:
            gradebook.add_student("ada")
    assert _students(file) == {"ada"}


def test_next_step_sees_what_somebody_else_wrote(file: Path) -> None:
    """Nothing that an earlier step read is believed later on: formgrader may have changed it."""
    with QuickNbgrader().steps():
        with _opened(file) as gradebook:
            gradebook.add_student("ada")
        with sqlite3.connect(file) as database:
            database.execute("UPDATE student SET first_name = 'Ada'")
        database.close()
        with _opened(file) as gradebook:
            assert gradebook.find_student("ada").first_name == "Ada"


def test_metadata_that_does_not_fit_is_refused_every_time() -> None:
    """The schema is looked at once, each cell against it."""
    with QuickNbgrader().steps():
        validator = MetadataValidator()
        for _ in range(2):
            validator.validate_cell(_cell())
            with pytest.raises(ValidationError, match="'often' is not of type 'boolean'"):
                validator.validate_cell(_cell(locked="often"))


def test_nbgrader_is_itself_again_afterwards(file: Path) -> None:
    """Also when a step failed; whatever else runs in this process has nbgrader's own."""
    with pytest.raises(MissingEntry), QuickNbgrader().steps(), _opened(file) as gradebook:
        gradebook.find_student("ada")
    assert type(gradebook) is not Gradebook
    assert saveautogrades.Gradebook is Gradebook


def test_nothing_of_a_notebook_stays_in_memory(course: Path) -> None:
    """A thousand submissions pass through as one does."""
    opened = open_course(course)
    desk = Desk(opened, read_assignment(opened.root, grading.ASSIGNMENT))
    held = []
    for name in ("ada", "bob", "cyd"):
        grading.hand_in(course, name, grading.work(course))
        prepared = desk.prepare(name)
        assert prepared.job is not None
        desk.record(prepared, perform(prepared.job, desk.script, pretend.execute))
        del prepared
        held.append(held_notebooks())
    assert held[1] == held[2]
