"""`deck.ipynb`: a cell for the structure of a deck, marked at once, and one for its pages, graded by hand."""

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
STRUCTURE_ID = "deck-structure"
_LOOK = """import kit

kit.check("A3.deck")"""
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
    structure: dict[str, Any] = {
        "cell_type": "code",
        "id": STRUCTURE_ID,
        "metadata": _graded(STRUCTURE_ID, rubric.structure_points, by_hand=False),
        "execution_count": None,
        "outputs": [],
        "source": _LOOK,
    }
    pages: dict[str, Any] = {
        "cell_type": "markdown",
        "id": GRADE_ID,
        "metadata": _graded(GRADE_ID, rubric.criteria_points, by_hand=True),
        "source": source,
    }
    if attachments:
        pages["attachments"] = attachments
    kernel = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
    cells = [{"cell_type": "markdown", "id": "deck-task", "metadata": {}, "source": _task(rubric)}, structure, pages]
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def _graded(grade_id: str, points: float, *, by_hand: bool) -> dict[str, Any]:
    marks = {"grade": True, "grade_id": grade_id, "locked": not by_hand, "points": points}
    return {"nbgrader": {**marks, "schema_version": 3, "solution": by_hand, "task": False}}


def _task(rubric: DeckRubric) -> str:
    """What is asked for, in words, from the rubric alone: the two cannot differ."""
    sections = "\n".join(
        f"{number}. **{section.name}**, at least {section.min_words} words ({_points(section.points)})"
        for number, section in enumerate(rubric.sections, 1)
    )
    criteria = "\n".join(f"* **{each.name}** ({_points(each.points)}): {each.question}" for each in rubric.criteria)
    return (
        f"# {rubric.name.capitalize()}\n\n"
        f"Hand in **{rubric.least_pages} to {rubric.most_pages} pages** as `deck.pdf` or `deck.pptx`, beside this "
        f"notebook. The pages have these sections, in this order, each under its heading:\n\n{sections}\n\n"
        f"The number of pages gives {_points(rubric.pages_points)}, the order {_points(rubric.order_points)}. This "
        "much is marked by what can be read of your deck: text counts, pictures of text do not. The next cell looks at "
        f"your deck in the same way, as often as you like.\n\nThe rest is decided by a person:\n\n{criteria}\n\n"
        "Leave the last cell of this notebook as it is: your pages are shown there when they are graded.\n"
    )


def _points(points: float) -> str:
    return f"{points:g} point{'' if points == 1 else 's'}"
