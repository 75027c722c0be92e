"""The benchmark of grading: what it judges is right, and its course is graded by both."""

from __future__ import annotations

import json
from pathlib import Path

from benchmarks import grading
from benchmarks.run import Results
from tests.support.grading import ASSIGNMENT, FILE


def test_judging_counts_operations_of_a_right_run() -> None:
    """All properties keep their points, whatever the number of records; else it ends without a figure."""
    results = Results()
    grading.judging(operations=400, rounds=2, results=results)
    (figure,) = results.samples.values()
    assert len(figure["1 worker"]) == 2
    assert min(figure["1 worker"]) > 1_000


def test_both_courses_have_the_same_submissions(tmp_path: Path) -> None:
    """Only how they are judged differs; the work draws a plot and has every function."""
    made = grading.courses(tmp_path, 2)
    ours, stock = (
        sorted(path.relative_to(course) for path in (course / "submitted").rglob("*.ipynb"))
        for course in (made["embedded"], made["stock"])
    )
    assert ours == stock
    assert len(ours) == 2
    notebook = json.loads((made["stock"] / "submitted" / "student-0000" / ASSIGNMENT / FILE).read_text())
    assert sum(cell["cell_type"] == "code" for cell in notebook["cells"]) == 14
    assert "go.Figure" in str(notebook)
