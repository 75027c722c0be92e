"""Marks that a person has not given yet, on pages for students: no 0 where nobody has graded."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from typing import Any

from autograder.quick_imports import quick_imports

with quick_imports():
    from nbconvert.preprocessors import Preprocessor
    from nbformat.v4 import new_markdown_cell

NOT_YET = "not graded yet"
_SO_FAR = "so far"
_NOTE = (
    "*These points are not final: a person has not graded all of this work yet. When that is done, you get this page "
    f'again, with points in the place of "{NOT_YET}" and "{_SO_FAR}".*'
)


class SoFar(float):
    """Points of which more may come. nbgrader's template rounds what it shows."""

    def __round__(self, ndigits: Any = None) -> Any:
        """What is shown in the place of the number."""
        return f"{round(float(self), 2)} {_SO_FAR}" if self else NOT_YET


def as_float(value: Any, default: float = 0.0) -> float:
    """Jinja's filter ``float``, which leaves `SoFar` as it is."""
    if isinstance(value, SoFar):
        return value
    try:
        return float(value)
    except (TypeError, ValueError):
        return default


class OpenMarks(Preprocessor):
    """Says at which cells of a page a person's mark is awaited.

    Attributes:
        cells: their names.
    """

    cells: AbstractSet[str] = frozenset()

    def preprocess(self, nb: Any, resources: Any) -> tuple[Any, Any]:
        """Change a notebook. nbconvert calls this, after nbgrader has put the points there."""
        if not self.cells:
            return nb, resources
        for cell in nb.cells:
            marks = cell.metadata.get("nbgrader", {})
            if marks.get("grade_id") in self.cells and "score" in marks:
                marks["score"] = SoFar(marks["score"])
        about = resources["nbgrader"]
        about["score"] = SoFar(about["score"])
        nb.cells.insert(0, new_markdown_cell(_NOTE))  # type: ignore[no-untyped-call]
        return nb, resources
