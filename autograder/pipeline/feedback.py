"""nbgrader's own feedback pages, without the hidden tests and what they would tell."""

from __future__ import annotations

import os
import re
import shutil
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from autograder.assignment import Assignment
from autograder.judge.writing import test_cells
from autograder.pipeline import page_marks
from autograder.pipeline.course import Course, converter_config, quiet_log, stop_if_unusable
from autograder.pipeline.notebooks import points_of
from autograder.pipeline.open_marks import OpenMarks, as_float
from autograder.pipeline.page_templates import folders
from autograder.pipeline.rendering import PLAIN, as_text
from autograder.pipeline.submission import FORGEABLE, JAIL
from autograder.quick_imports import quick_imports

with quick_imports():
    from nbconvert.exporters import HTMLExporter
    from nbconvert.preprocessors import Preprocessor
    from nbconvert.writers.files import FilesWriter
    from nbformat.v4 import new_markdown_cell
    from nbgrader.converters import GenerateFeedback
    from nbgrader.converters.base import BaseConverter
    from nbgrader.preprocessors import ClearHiddenTests
    from sqlalchemy.exc import SAWarning

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_SHORTEST = 6  # characters of a hidden line that could not be anywhere by chance
_HIDDEN = "[hidden]"
_IS_PLAIN = "*This page is without colours and Markdown: with them, it would have taken too long to make.*"
_IS_OUTDATED = (
    "*This work could not be graded the last time, and whoever teaches this course has been told. The points at the "
    "top and beside the cells are those that count until then; what the tests say below is from an earlier time.*"
)
_LEAST = 1e-6  # points: less is the rounding of floats
_NOTE = "# A hidden test was here."


class HideTests(Preprocessor):
    """Takes hidden tests out of a graded notebook: their text, their errors, and copies of their lines in outputs."""

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Change a notebook. nbconvert calls this."""
        marks = ClearHiddenTests(parent=self)
        begin, end = marks.begin_test_delimeter, marks.end_test_delimeter
        secrets: set[str] = set()
        for cell in nb.cells:
            if cell.cell_type == "code" and begin in cell.source:
                cell.source, hidden = _without(cell.source, begin, end)
                secrets.update(line for each in hidden if len(line := each.strip()) >= _SHORTEST)
                cell.outputs = [_told(output, cell.source) for output in cell.outputs if output.output_type != "stream"]
        pattern = re.compile("|".join(re.escape(each) for each in sorted(secrets, key=len, reverse=True)) or r"(?!)")
        for cell in nb.cells:
            if cell.cell_type == "code":
                cell.outputs = [_scrubbed(output, pattern) for output in cell.outputs]
        return nb, resources


class Forgeable(Preprocessor):
    """Says at the top of a page that its points can be forged."""

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Change a notebook. nbconvert calls this."""
        jail = nb.metadata.get(JAIL)
        where = f" Run in the jail {jail}." if jail else ""
        text = f"*How far these points can be trusted: {FORGEABLE}.{where}*"
        nb.cells.insert(0, new_markdown_cell(text))  # type: ignore[no-untyped-call]
        return nb, resources


class Outdated(Preprocessor):
    """Says so where a notebook has other points than the gradebook, as after a grading that failed.

    Attributes:
        counted: the gradebook's automatic points, by cell.
    """

    counted: Mapping[str, float] = MappingProxyType({})

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Change a notebook. nbconvert calls this, before tests are hidden."""
        for cell in test_cells(nb):
            counted = self.counted.get(cell["metadata"]["nbgrader"]["grade_id"])
            if counted is not None and abs(points_of(cell)[0] - counted) > _LEAST:
                nb.cells.insert(0, new_markdown_cell(_IS_OUTDATED))  # type: ignore[no-untyped-call]
                break
        return nb, resources


class Plainly(Preprocessor):
    """Leaves nothing in a notebook that takes time to show: all is there, without colours and without Markdown."""

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Change a notebook. nbconvert calls this."""
        nb.metadata.pop("language_info", None)
        for cell in nb.cells:
            if cell.cell_type == "code":
                cell.metadata["magics_language"] = PLAIN
                cell.outputs = [_plain(output) for output in cell.outputs]
            elif cell.cell_type == "markdown":
                cell.source = as_text(cell.source)
        nb.cells.insert(0, new_markdown_cell(_IS_PLAIN))  # type: ignore[no-untyped-call]
        return nb, resources


class Feedback(GenerateFeedback):  # type: ignore[misc] # nbgrader has no type information
    """nbgrader's pages for one submission after the other; made once for a batch."""

    def __init__(self, course: Course, assignment: Assignment) -> None:
        config = converter_config(course, assignment)
        config.HTMLExporter.extra_template_basedirs = folders()
        config.HTMLExporter.exclude_anchor_links = True  # a heading's id could be that of a mark
        config.HighlightMagicsPreprocessor.enabled = False  # as in the course's nbgrader_config.py
        super().__init__(coursedir=course.directory(assignment_id=assignment.name), config=config, log=quiet_log())
        usual: list[Any] = self.preprocessors  # type: ignore[has-type]
        self.preprocessors = [HideTests, *usual, *([Forgeable] if assignment.is_forgeable else []), Plainly]
        self.writer = FilesWriter(parent=self, config=self.config)  # type: ignore[no-untyped-call]
        self._outdated = Outdated(parent=self)  # type: ignore[no-untyped-call]
        self._open_marks = OpenMarks(parent=self)  # type: ignore[no-untyped-call]
        self._exporters = [self._exporter(is_plain=False), self._exporter(is_plain=True)]
        self._course = course
        self._assignment_id = assignment.name
        self._student_id = ""

    def missing(self, students: Sequence[str]) -> list[str]:
        """Those who have been graded, and have no page yet or an older one."""
        with self._course.gradebook() as gradebook:
            known = page_marks.digests(gradebook, self._assignment_id)
        return [student for student in students if self._is_missing(student, known)]

    def init_single_notebook_resources(self, notebook_filename: str) -> dict[str, Any]:
        """What nbgrader reads out of the path with a regular expression, which a student's name could confuse."""
        name = Path(notebook_filename).stem
        about = {"student": self._student_id, "assignment": self._assignment_id, "notebook": name}
        return {
            "unique_key": name,
            "output_files_dir": f"{name}_files",
            "nbgrader": about | {"db_url": self.coursedir.db_url},
        }

    def notebooks(self, student: str) -> list[str]:
        """The names of what there is to be a page of, after the older pages were taken away."""
        place = self._course.folder("feedback", self._assignment_id, student)
        if place.is_dir():
            shutil.rmtree(place)
        graded = self._course.folder("autograded", self._assignment_id, student)
        return sorted(path.name for path in graded.glob("*.ipynb"))

    def write(self, student: str, notebook: str, is_plain: bool) -> None:
        """Write one page. It can take any time, but for a plain one."""
        self._student_id = student
        self.exporter = self._exporters[is_plain]
        path = self._course.folder("autograded", self._assignment_id, student) / notebook
        page = self._course.folder("feedback", self._assignment_id, student) / f"{path.stem}.html"
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", SAWarning)  # nbgrader's own use of its database
                with self._course.gradebook() as gradebook:  # before: what changes meanwhile is for another page
                    known = page_marks.digests(gradebook, self._assignment_id, student)
                    of_cells = page_marks.of_cells(gradebook, self._assignment_id, student, path.stem)
                    self._outdated.counted, self._open_marks.cells = of_cells
                BaseConverter.convert_single_notebook(self, os.fspath(path))
            page_marks.sign(page, known.get((student, path.stem), page_marks.NONE))
        except Exception as error:
            stop_if_unusable(error)  # here, where its causes are known
            raise
        self.set_permissions(self._assignment_id, student)

    def _exporter(self, *, is_plain: bool) -> HTMLExporter:
        exporter = HTMLExporter(  # type: ignore[no-untyped-call]
            parent=self, config=self.config, filters={"float": as_float}
        )
        exporter.register_preprocessor(self._outdated, enabled=True)  # type: ignore[no-untyped-call]
        for each in self.preprocessors:
            enabled = each in {HideTests, Forgeable} or (is_plain and each is Plainly)
            exporter.register_preprocessor(each, enabled=enabled)  # type: ignore[no-untyped-call]
        exporter.register_preprocessor(self._open_marks, enabled=True)  # type: ignore[no-untyped-call]
        return exporter

    def _is_missing(self, student: str, known: page_marks.Digests) -> bool:
        graded = self._course.folder("autograded", self._assignment_id, student)
        place = self._course.folder("feedback", self._assignment_id, student)
        if not graded.is_dir():
            return False
        pages = [place / f"{path.stem}.html" for path in graded.glob("*.ipynb")]
        return not all(
            page_marks.signed(page) == known.get((student, page.stem), page_marks.NONE)
            and page.stat().st_mtime >= graded.stat().st_mtime
            for page in pages
        )


def _without(source: str, begin: str, end: str) -> tuple[str, list[str]]:
    """A cell's text without hidden tests, and their lines."""
    kept: list[str] = []
    hidden: list[str] = []
    is_hidden = False
    for line in source.split("\n"):
        if begin in line:
            is_hidden = True
            kept.append(_NOTE)
        elif end in line:
            is_hidden = False
        else:
            (hidden if is_hidden else kept).append(line)
    return "\n".join(kept), hidden


def _plain(output: Any) -> Any:
    if output.output_type == "stream":
        output.text = _ANSI.sub("", output.text)
    elif output.output_type == "error":
        output.traceback = [_ANSI.sub("", line) for line in output.traceback]
    else:
        for kind in set(output.data) & {"text/plain", "text/markdown"}:
            output.data[kind] = _ANSI.sub("", output.data[kind])
        if "text/markdown" in output.data:
            output.data["text/markdown"] = as_text(output.data["text/markdown"])
    return output


def _told(output: Any, visible: str) -> Any:
    """An error of a cell with hidden tests: what it says where a visible test failed, else no more than that."""
    if output.output_type != "error":
        return output
    trace = _ANSI.sub("", "\n".join(output.traceback))
    failed = [found.group(1).strip() for found in re.finditer(r"^-+>\s*\d+\s(.*)$", trace, re.MULTILINE)]
    is_visible = bool(failed) and failed[0] in visible.split("\n") if failed else output.ename in {"NotRun", "CutShort"}
    if is_visible:
        output.traceback = [f"{output.ename}: {output.evalue}", *(failed[:1])]
    else:
        output.ename, output.evalue, output.traceback = "HiddenTest", "", ["A hidden test of this cell did not pass."]
    return output


def _scrubbed(output: Any, pattern: re.Pattern[str]) -> Any:
    if output.output_type == "stream":
        output.text = pattern.sub(_HIDDEN, output.text)
    elif output.output_type == "error":
        output.evalue = pattern.sub(_HIDDEN, output.evalue)
        output.traceback = [pattern.sub(_HIDDEN, _ANSI.sub("", line)) for line in output.traceback]
    else:
        for kind, value in output.data.items():
            if isinstance(value, str) and kind.startswith("text/"):
                output.data[kind] = pattern.sub(_HIDDEN, value)
    return output
