"""`deck.ipynb`: a deck as the one cell of a notebook that formgrader shows and a person grades by hand."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from autograder.deck import markup
from autograder.deck.drawing import Rendering
from autograder.deck.report import DeckReport
from autograder.deck.rubric import LECTURE, DeckRubric

NAME = "deck.ipynb"
GRADE_ID = "deck"
_PLACEHOLDER = "*The deck that is handed in beside this notebook (PDF or PPTX) is shown here when it is graded.*"


def release(rubric: DeckRubric = LECTURE) -> dict[str, Any]:
    """The notebook as students are given it: they hand in a deck beside it and leave it as it is."""
    return _notebook(_PLACEHOLDER, {}, rubric)


def graded(
    report: DeckReport, rendering: Rendering, rubric: DeckRubric = LECTURE, *, picture_bytes: int = 20_000_000
) -> dict[str, Any]:
    """The notebook that takes the place of the student's: the pages, what was checked, and the rubric.

    Args:
        picture_bytes: of all pages together; the pages beyond are left out and counted.
    """
    parts = [markup.report(report, rubric, rendering.how)]
    attachments: dict[str, dict[str, str]] = {}
    room = picture_bytes
    left_out = 0
    for number, page in enumerate(rendering.pages, 1):
        content = page.read_bytes()
        if len(content) > room:
            left_out += 1
            continue
        room -= len(content)
        parts.append(_page(page, number, content, attachments))
    if left_out:
        parts.append(f"<p>{left_out} pages are not shown: their pictures are too large.</p>")
    return _notebook("\n".join(parts), attachments, rubric)


def _page(page: Path, number: int, content: bytes, attachments: dict[str, dict[str, str]]) -> str:
    if page.suffix != ".png":
        return content.decode("utf-8")
    attachments[page.name] = {"image/png": base64.b64encode(content).decode()}
    return markup.picture(page.name, number)


def _notebook(source: str, attachments: dict[str, dict[str, str]], rubric: DeckRubric) -> dict[str, Any]:
    cell: dict[str, Any] = {
        "cell_type": "markdown",
        "id": GRADE_ID,
        "metadata": {
            "nbgrader": {
                "grade": True,
                "grade_id": GRADE_ID,
                "locked": False,
                "points": rubric.structure_points + rubric.criteria_points,
                "schema_version": 3,
                "solution": True,
                "task": False,
            }
        },
        "source": source,
    }
    if attachments:
        cell["attachments"] = attachments
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    return {"cells": [cell], "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
