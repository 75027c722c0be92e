"""A course whose assignment has been released, made once and copied for each test."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support import grading


@pytest.fixture(scope="session")
def released_course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course that nobody changes."""
    from autograder.assignment import read_assignment
    from autograder.pipeline.course import open_course
    from autograder.pipeline.releasing import release

    folder = grading.make_course(tmp_path_factory.mktemp("streaming") / "course")
    course = open_course(folder)
    release(course, read_assignment(folder, grading.ASSIGNMENT))
    return folder


@pytest.fixture
def course(released_course: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A course with a release and no submissions, to do anything with."""
    monkeypatch.setenv("PRETEND_FOLDER", str(tmp_path))
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "no-config"))
    return Path(shutil.copytree(released_course, tmp_path / "course"))
