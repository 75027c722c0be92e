"""Marks that a person gave in formgrader: each belongs to the work that it was given for, and to no other.

What that was is written into the metadata of the recorded notebook, as digests: of the whole work, and of what each
cell is marked for. So a mark stays when the same work is graded again, and is taken back when its work has changed.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.intake.times import TIMESTAMP
from autograder.judge.writing import Notebook, number
from autograder.pipeline.course import Course
from autograder.quick_imports import quick_imports

with quick_imports():
    from nbgrader.api import MissingEntry

_KEY = "autograder"  # in a notebook's metadata
_WHOLE = ""  # among the digests: of all that was handed in


@dataclass(frozen=True, slots=True)
class _Mark:
    """What a person gave for one cell; what the gradebook said of it then."""

    notebook: str
    name: str
    points: float
    automatic: float | None
    is_open: bool


def digests(
    files: Mapping[str, bytes], notebooks: Mapping[str, Notebook], shown: Iterable[str] = ()
) -> dict[str, dict[str, str]]:
    """By notebook and grade_id, a digest of what a mark is given for: the answer, the files, or all of it.

    Args:
        files: that were handed in beside the notebooks.
        notebooks: as the student wrote them, by file name.
        shown: the cells in whose place the files are shown.
    """
    of_files = _digest([[name, hashlib.sha256(files[name]).hexdigest()] for name in sorted(files) if name != TIMESTAMP])
    sources = [[name, [each["source"] for each in _own_cells(notebooks[name])]] for name in sorted(notebooks)]
    whole, pages = _digest([of_files, sources]), frozenset(shown)
    found = {}
    for file, made in notebooks.items():
        found[file] = {_WHOLE: whole}
        for cell in made["cells"]:
            marks = cell["metadata"].get("nbgrader", {})
            if marks.get("grade"):
                own = _digest([cell["source"], cell.get("attachments")]) if marks.get("solution") else whole
                found[file][marks["grade_id"]] = of_files if marks["grade_id"] in pages else own
    return found


def stamp(notebook: Notebook, known: Mapping[str, str]) -> None:
    """Write the digests into a notebook that is about to be recorded; a student's own of that name go."""
    notebook["metadata"][_KEY] = {"work": dict(known)}


class ByHand:
    """The marks that a person has given to one submission, while another one takes its place.

    Args:
        student: whose.
    """

    def __init__(self, course: Course, assignment: str, student: str) -> None:
        self._course = course
        self._assignment = assignment
        self._student = student
        self._kept: dict[tuple[str, str], _Mark] = {}
        self._taken: set[tuple[str, str]] = set()

    def take_back(self, known: Mapping[str, Mapping[str, str]]) -> list[str]:
        """Before recording: take back what was given for something else.

        Args:
            known: `digests` of the new work; none when there is no work any more.

        Returns:
            A line for each mark that does not count any more, and for each of which nobody knows what it was given for.
        """
        lines: list[str] = []
        with self._grades() as grades:
            for grade in grades:
                mark = _mark(grade)
                if mark is None:
                    continue
                old, new = self._recorded(mark.notebook), known.get(f"{mark.notebook}.ipynb", {})
                told = f"{mark.name}: {number(mark.points)} points were given by hand"
                if old is None and known:
                    lines.append(f"{told}, and nobody knows for which work; look whether they still fit.")
                elif old is None or old.get(mark.name) != new.get(mark.name):
                    grade.manual_score = grade.extra_credit = None
                    grade.needs_manual_grade = True
                    self._taken.add((mark.notebook, mark.name))
                    why = (
                        "for something else than what is there now" if known else "for work that is not there any more"
                    )
                    lines.append(f"{told} {why}; they do not count any more, and formgrader asks again.")
                elif old.get(_WHOLE) == new.get(_WHOLE):
                    self._kept[mark.notebook, mark.name] = mark
        return lines

    def close(self) -> list[str]:
        """After recording: ask for another look where a mark was taken back, and not where nothing has changed.

        nbgrader asks wherever points were given by hand or there are none.

        Returns:
            A line for each mark beside which the automatic points have changed.
        """
        if not self._kept and not self._taken:
            return []
        lines = []
        with self._grades() as grades:
            for grade in grades:
                place = (grade.notebook.name, grade.name)
                grade.needs_manual_grade = grade.needs_manual_grade or place in self._taken
                mark = self._kept.get(place)
                if mark is None or mark.is_open:
                    continue
                if grade.auto_score == mark.automatic:
                    grade.needs_manual_grade = False
                else:
                    lines.append(
                        f"{mark.name}: {number(mark.points)} points were given by hand, and it has "
                        f"{number(grade.auto_score or 0)} automatically now; look whether they still fit."
                    )
        return lines

    @contextmanager
    def _grades(self) -> Iterator[list[Any]]:
        with warnings.catch_warnings(), self._course.gradebook() as gradebook:
            warnings.simplefilter("ignore")  # of SQLAlchemy about nbgrader's own use of it
            try:
                submission = gradebook.find_submission(self._assignment, self._student)
            except MissingEntry:  # nothing was recorded before
                yield []
                return
            yield [grade for notebook in submission.notebooks for grade in notebook.grades]
            gradebook.db.commit()

    def _recorded(self, notebook: str) -> dict[str, str] | None:
        """What was written into the notebook that the mark was given for; None when nobody knows."""
        path = self._course.folder("autograded", self._assignment, self._student) / f"{notebook}.ipynb"
        return _stamped(path)


def _mark(grade: Any) -> _Mark | None:
    if grade.manual_score is None and not grade.extra_credit:
        return None
    points = float(grade.manual_score or 0) + float(grade.extra_credit or 0)
    return _Mark(grade.notebook.name, grade.name, points, grade.auto_score, bool(grade.needs_manual_grade))


def _stamped(path: Path) -> dict[str, str] | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["metadata"][_KEY]["work"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else None


def _own_cells(notebook: Notebook) -> Iterator[dict[str, Any]]:
    """Those that are the student's and not the course's."""
    for cell in notebook["cells"]:
        marks = cell["metadata"].get("nbgrader", {})
        if marks.get("solution") or not (marks.get("grade") or marks.get("locked")):
            yield cell


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()[:20]
