"""Scores become nbgrader's partial credit, and nothing of a student's is alive in the page."""

from __future__ import annotations

import re
from typing import Any

import nbformat
import pytest
from nbgrader.utils import determine_grade

from autograder.job import Score
from autograder.judge.writing import close_unfinished, error, safe, write_scores

_EVIL = "<script>alert(1)</script>\x1b[31m\u202e<img src=x onerror=alert(1)>&amp;"


def notebook(*outputs: dict[str, Any], count: int | None = 1) -> dict[str, Any]:
    """A notebook with one test cell of 3 points."""
    marks = {"grade": True, "solution": False, "locked": True, "grade_id": "test-a", "points": 3, "schema_version": 3}
    cell = {
        "cell_type": "code",
        "id": "test-a",
        "metadata": {"nbgrader": marks},
        "source": "assert True",
        "outputs": list(outputs),
        "execution_count": count,
    }
    return {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def graded(made: dict[str, Any]) -> float:
    """The points that nbgrader gives the cell."""
    nbformat.validate(made)
    points, _ = determine_grade(nbformat.from_dict(made["cells"][0]))
    return float(points)


@pytest.mark.parametrize(("points", "total"), [((2, 1), 3), ((0.5, 0), 0.5), ((0, 0), 0), ((2, 1.0000000001), 3)])
def test_write_scores_is_read_by_nbgrader(points: tuple[float, float], total: float) -> None:
    """The sum of the properties, whatever the cell itself had put out, errors and standard error included."""
    made = notebook(
        {"output_type": "stream", "name": "stderr", "text": "a broker is not available"}, error("AssertionError", "no")
    )
    scores = [Score("test-a", "one", points[0], 2, "so"), Score("test-a", "two", points[1], 1, "so")]
    write_scores(made, [*scores, Score("test-b", "other", 9, 9, "so")], "Seed 7.")

    assert graded(made) == total
    page = made["cells"][0]["outputs"][0]["data"]["text/html"]
    assert "Seed 7." in page
    assert "other" not in page


def test_proofs_in_prose_break_between_words() -> None:
    """The style of nbconvert's pages would break letters of a <pre> from one another."""
    made = notebook()
    write_scores(made, [Score("test-a", "one", 0, 2, "so", ("whatever it says",))], "Seed 7.")
    (style,) = re.findall(r"<pre style=\"([^\"]*)\">", made["cells"][0]["outputs"][0]["data"]["text/html"])
    assert {"white-space:pre-wrap", "word-break:normal"} <= set(style.split(";"))


def test_write_scores_says_of_a_check_without_points_what_it_is_for() -> None:
    """Such a cell is for the student; an empty table below it would look like something lost."""
    made = notebook()
    made["cells"][0]["metadata"]["nbgrader"]["points"] = 0
    write_scores(made, [Score("test-b", "other", 9, 9, "so")], "Seed 7.")

    assert graded(made) == 0
    page = made["cells"][0]["outputs"][0]["data"]["text/html"]
    assert "it has no points" in page
    assert "<table" not in page


def test_write_scores_escapes_everything() -> None:
    """Answers of students stand in reasons and proofs; browsers and terminals see only text."""
    made = notebook()
    write_scores(made, [Score("test-a", _EVIL, 1, 3, _EVIL, (_EVIL, "second"))], _EVIL)
    page = made["cells"][0]["outputs"][0]["data"]["text/html"]

    assert "<script" not in page
    assert "<img" not in page
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert "&lt;script&gt;" in page
    assert "<pre " in page


def test_close_unfinished_gives_no_points_to_a_cell_that_did_not_run() -> None:
    """Nbgrader gives all points to a test cell without outputs."""
    not_run, ran = notebook(count=None), notebook()
    assert graded(not_run) == 3

    for each in (not_run, ran):
        close_unfinished(each, "The kernel ended.")

    assert graded(not_run) == 0
    assert graded(ran) == 3


def test_safe_cuts_and_shows_what_is_not_printable() -> None:
    """Line breaks stay, control characters are shown."""
    assert safe("a\nb\x1b[0m") == "a\nb\\x1b[0m"
    assert len(safe("x" * 10**6)) <= 4000
