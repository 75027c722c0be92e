"""Scores written into a notebook as nbgrader's own partial credit, and the reasons as HTML that is all escaped."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from autograder.job import Score

Notebook = dict[str, Any]
_MOST_CHARACTERS = 4_000  # of one text
_NOT_RUN = "NotRun"
# The pages of feedback and formgrader have no style for tables, and cut off what is too wide.
CELL = 'style="padding:0.2em 0.8em 0.2em 0;text-align:left;vertical-align:top"'
_WRAPPED = 'style="white-space:pre-wrap;overflow-wrap:anywhere;word-break:normal"'  # the pages break all words
_UNGRADED = "This check is for you while you work: it has no points."


def test_cells(notebook: Notebook) -> Iterable[dict[str, Any]]:
    """The code cells whose outputs decide about points."""
    for cell in notebook["cells"]:
        marks = cell["metadata"].get("nbgrader", {})
        if marks.get("grade") and not marks.get("solution") and cell["cell_type"] == "code":
            yield cell


def write_scores(
    notebook: Notebook, scores: Sequence[Score], note: str, pictures: Mapping[str, str] | None = None
) -> None:
    """Replace the outputs of each test cell by its points and the reasons.

    Args:
        scores: of this notebook and others.
        note: a line below the reasons, such as seed and rung.
        pictures: grade_id -> HTML or SVG of the judge's own below them.
    """
    for cell in test_cells(notebook):
        marks = cell["metadata"]["nbgrader"]
        of_cell = [score for score in scores if score.grade_id == marks["grade_id"]]
        points = min(sum(score.points for score in of_cell), float(marks["points"]))
        picture = (pictures or {}).get(marks["grade_id"], "")
        cell["outputs"] = [_result(cell, max(0.0, points), _page(of_cell, note) + picture)]


def write_pages(notebook: Notebook, pages: Mapping[str, Mapping[str, Any]]) -> None:
    """Put what the judge shows to a person in the place of the text cells that are graded by hand."""
    for cell in notebook["cells"]:
        marks = cell["metadata"].get("nbgrader", {})
        page = pages.get(marks.get("grade_id", ""))
        if page and marks.get("grade") and marks.get("solution") and cell["cell_type"] == "markdown":
            cell["source"] = page["source"]
            cell.pop("attachments", None)
            if page.get("attachments"):
                cell["attachments"] = page["attachments"]


def close_unfinished(notebook: Notebook, reason: str) -> None:
    """Put an error into each test cell that has not run: without outputs, nbgrader would give it all points."""
    for cell in test_cells(notebook):
        if cell.get("execution_count") is None:
            cell["outputs"] = [error(_NOT_RUN, reason)]


def error(name: str, words: str) -> dict[str, Any]:
    """An output that tells what went wrong, and that nbgrader gives no points for."""
    plain = safe(words)
    return {"output_type": "error", "ename": name, "evalue": plain, "traceback": [f"{name}: {plain}"]}


def safe(text: str) -> str:
    """A text without what moves a terminal's cursor, colours, hides, or turns characters round; line breaks stay."""
    short = text if len(text) <= _MOST_CHARACTERS else text[: _MOST_CHARACTERS - 3] + "..."
    return "".join(each if each.isprintable() or each == "\n" else ascii(each)[1:-1] for each in short)


def number(points: float) -> str:
    """Points as people write them."""
    return f"{round(points, 2):g}"


def _result(cell: Mapping[str, Any], points: float, page: str) -> dict[str, Any]:
    return {
        "output_type": "execute_result",
        "execution_count": cell.get("execution_count"),
        "metadata": {},
        "data": {"text/plain": repr(points), "text/html": page},
    }


def _page(scores: Sequence[Score], note: str) -> str:
    if not scores:
        return f"<p>{_UNGRADED}</p>"
    rows = "".join(_row(score) for score in scores)
    head = "".join(f'<th scope="col" {CELL}>{name}</th>' for name in ("property", "points", "reason"))
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table><p>{_escaped(note)}</p>"


def _row(score: Score) -> str:
    points = f"{number(score.points)} of {number(score.of)}" + (", a person decides" if score.needs_human else "")
    proof = f"<pre {_WRAPPED}>{_escaped(chr(10).join(score.proof))}</pre>" if score.proof else ""
    cells = (_escaped(score.name), points, f"{_escaped(score.reason)}{proof}")
    return f"<tr>{''.join(f'<td {CELL}>{each}</td>' for each in cells)}</tr>"


def _escaped(text: str) -> str:
    return html.escape(safe(text), quote=True)
