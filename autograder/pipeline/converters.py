"""nbgrader's own autograder in two halves, so that what is between them can run elsewhere.

`Sanitize` is its first half, `Record` its second without running anything. Both work on one submission at a time, in
folders of their own, and raise what goes wrong instead of going on or ending the whole batch.

Source: nbgrader 0.9, converters/autograde.py and converters/base.py.
"""

from __future__ import annotations

import os
import re
import shutil
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from autograder.assignment import Assignment
from autograder.pipeline.course import STATE, Course, converter_config, quiet_log
from autograder.pipeline.quick_nbgrader import QuickNbgrader
from autograder.quick_imports import quick_imports

with quick_imports():
    from nbconvert.writers.files import FilesWriter
    from nbgrader.converters import Autograde
    from nbgrader.converters.base import BaseConverter
    from nbgrader.preprocessors import AssignLatePenalties, Execute
    from sqlalchemy.exc import SAWarning

CLEAN = f"{STATE}/clean"  # what the intake took over
WORK = f"{STATE}/work"  # what nbgrader makes of it, until it is complete


class _Half(Autograde):  # type: ignore[misc] # nbgrader has no type information
    """One half, for one submission after the other; exporter and writer are made once."""

    def __init__(self, course: Course, assignment: Assignment) -> None:
        directory = course.directory(
            assignment_id=assignment.name, submitted_directory=CLEAN, autograded_directory=WORK
        )
        config = converter_config(course, assignment)
        config.BaseConverter.permissions = 644  # the second half writes again what the first has written
        super().__init__(coursedir=directory, config=config, log=quiet_log())
        self.writer = FilesWriter(parent=self, config=self.config)  # type: ignore[no-untyped-call]
        self.exporter = self.exporter_class(parent=self, config=self.config)
        self.exporter.optimistic_validation = True  # once, after all preprocessors; each would cost as much again
        self._assignment_id = assignment.name
        self._quick = QuickNbgrader()

    def init_single_notebook_resources(self, notebook_filename: str) -> dict[str, Any]:
        """What nbgrader reads out of the path with a regular expression, which a student's name could confuse."""
        name = Path(notebook_filename).stem
        return {
            "unique_key": name,
            "output_files_dir": f"{name}_files",
            "nbgrader": {
                "student": self._student_id,
                "assignment": self._assignment_id,
                "notebook": name,
                "db_url": self.coursedir.db_url,
            },
        }

    def run(self, student: str, notebooks: Sequence[str]) -> None:
        """Convert the notebooks of one submission, by their file names."""
        self._student_id = student
        source = self._format_source(self._assignment_id, student)
        self.notebooks = sorted(os.path.join(source, name) for name in notebooks)  # noqa: PTH118 - nbgrader joins
        with warnings.catch_warnings(), self._quick.steps():
            warnings.simplefilter("ignore", SAWarning)  # nbgrader's own use of its database
            self.prepare(student)
            for path in self.notebooks:
                self._init_preprocessors()
                BaseConverter.convert_single_notebook(self, path)
                self.exporter._nb_metadata.clear()  # noqa: SLF001 - it would keep something of every notebook

    def prepare(self, student: str) -> None:
        """What comes before the notebooks."""


class Sanitize(_Half):
    """Student, submission and files, and each notebook as nbgrader wants it before it is run."""

    _sanitizing = True

    def prepare(self, student: str) -> None:
        """Make the rows of the gradebook, and put the course's own files over the student's."""
        Path(self._format_dest(self._assignment_id, student)).mkdir(parents=True, mode=0o700)
        self.init_assignment(self._assignment_id, student)


class Record(_Half):
    """Points and comments out of notebooks that have been run; what being late costs is asked by `lateness`."""

    _sanitizing = False

    def __init__(self, course: Course, assignment: Assignment) -> None:
        super().__init__(course, assignment)
        usual: list[Any] = self.autograde_preprocessors  # type: ignore[has-type]
        self.autograde_preprocessors = [each for each in usual if not _is_left_out(each)]


def put_in_place(course: Course, assignment: str, student: str) -> None:
    """Let what `Record` wrote take the place of an earlier run in nbgrader's ``autograded`` folder."""
    directory = course.directory()
    made = Path(directory.format_path(WORK, student, assignment))
    place = Path(directory.format_path(directory.autograded_directory, student, assignment))
    shared = bool(directory.groupshared)
    for path in made.rglob("*"):
        if path.is_file():
            path.chmod(0o664 if shared else 0o444)
    place.parent.mkdir(parents=True, exist_ok=True)
    old = made.with_name(f"{made.name}.old")
    _remove(old)
    if place.exists():
        place.rename(old)
    made.chmod(0o2775 if shared else 0o755)
    made.rename(place)
    _remove(old)


def clear(course: Course, assignment: str, student: str) -> None:
    """Remove what a run that was broken off left in the folders between the steps."""
    directory = course.directory()
    for step in (CLEAN, WORK):
        _remove(Path(directory.format_path(step, student, assignment)))


def _remove(folder: Path) -> None:
    if folder.is_dir():
        shutil.rmtree(folder)


def _is_left_out(preprocessor: Any) -> bool:
    """Whether it would run the notebook, or asks the course's plugin for late work, which may stop: see `lateness`."""
    if isinstance(preprocessor, str):
        return bool(re.search(r"\bExecute$|^nbgrader\b.*\.AssignLatePenalties$", preprocessor))
    return preprocessor is AssignLatePenalties or (isinstance(preprocessor, type) and issubclass(preprocessor, Execute))
