"""What a student's page shows of the gradebook, so that a page that is older than the marks is made again.

The page itself says in its last line which marks it was made of: a digest, which tells nobody what they are.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autograder.quick_imports import quick_imports

with quick_imports():
    from nbgrader.api import BaseCell, Comment, Grade, MissingEntry, Notebook, SubmittedAssignment, SubmittedNotebook

_LINE = "\n<!-- made of the marks {} -->\n"
_END = re.compile(rb"</html>\s*<!-- made of the marks ([0-9a-f]+) -->\s*\Z")
_TAIL_BYTES = 200
_POINTS = (Grade.auto_score, Grade.manual_score, Grade.extra_credit, Grade.needs_manual_grade)
_WORDS = (Comment.auto_comment, Comment.manual_comment)

Digests = Mapping[tuple[str, str], str]
"""By student and notebook."""

NONE = "0"
"""The digest of a page about which the gradebook has nothing."""


def digests(gradebook: Any, assignment: str, student: str | None = None) -> Digests:
    """Of what the gradebook has for each page of an assignment's.

    Args:
        student: only this one's; everybody's when None.
    """
    found: dict[tuple[str, str], list[Any]] = {}
    place = (SubmittedAssignment.student_id, Notebook.name)
    lost = gradebook.db.query(*place, SubmittedNotebook.late_submission_penalty).select_from(SubmittedNotebook)
    queries = [lost]
    for table, columns in ((Grade, _POINTS), (Comment, _WORDS)):
        query = gradebook.db.query(*place, BaseCell.name, *columns).select_from(table)
        queries.append(
            query.join(BaseCell, BaseCell.id == table.cell_id).join(
                SubmittedNotebook, SubmittedNotebook.id == table.notebook_id
            )
        )
    of = gradebook.find_assignment(assignment).id
    for kind, each in enumerate(queries):
        query = each.join(Notebook, Notebook.id == SubmittedNotebook.notebook_id).join(
            SubmittedAssignment, SubmittedAssignment.id == SubmittedNotebook.assignment_id
        )
        query = query.filter(SubmittedAssignment.assignment_id == of)
        if student is not None:
            query = query.filter(SubmittedAssignment.student_id == student)
        for name, notebook, *values in query:
            found.setdefault((name, notebook), []).append([kind, *values])
    return {place: _digest(values) for place, values in found.items()}


def of_cells(gradebook: Any, assignment: str, student: str, notebook: str) -> tuple[dict[str, float], frozenset[str]]:
    """What the gradebook has of one notebook: by cell the autograder's points, and where a person's mark is awaited."""
    try:
        grades = gradebook.find_submission_notebook(notebook, assignment, student).grades
    except MissingEntry:
        return {}, frozenset()
    automatic = {each.name: float(each.auto_score) for each in grades if each.auto_score is not None}
    return automatic, frozenset(each.name for each in grades if each.needs_manual_grade)


def sign(page: Path, digest: str) -> None:
    """Let a page say which marks it was made of."""
    with page.open("a", encoding="utf-8") as file:
        file.write(_LINE.format(digest))


def signed(page: Path) -> str:
    """Which marks a page was made of; empty when it was not written to its end, as when the disk is full."""
    if not page.is_file():
        return ""
    with page.open("rb") as file:
        file.seek(max(0, page.stat().st_size - _TAIL_BYTES))
        found = _END.search(file.read())
    return found[1].decode() if found else ""


def _digest(values: list[Any]) -> str:
    rows = sorted(json.dumps(each) for each in values)
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()[:20]
