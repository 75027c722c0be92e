"""Who has how many points for what, read out of nbgrader's gradebook."""

from __future__ import annotations

import csv
import os
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Mark:
    """One student's result for one assignment.

    Attributes:
        raw: points before what is taken off for being late.
        penalty: what is taken off.
        is_missing: nothing was handed in.
        is_open: a part has to be graded by hand still, so the points are not the last word.
        timestamp: when it was handed in, in UTC; empty when it is not known.
    """

    raw: float = 0.0
    penalty: float = 0.0
    is_missing: bool = True
    is_open: bool = False
    timestamp: str = ""

    @property
    def points(self) -> float:
        """What counts."""
        return max(0.0, self.raw - self.penalty)


MISSING = Mark()


def chosen(entries: Iterable[Any], attribute: str, wanted: Sequence[object]) -> list[Any]:
    """Those of the gradebook's students or assignments that were asked for; all, when none was named."""
    names = {str(each) for each in wanted}
    return [entry for entry in entries if not names or getattr(entry, attribute) in names]


def of_assignment(assignment: Any) -> dict[str, Mark]:
    """The marks of one assignment by student id, with few questions to the database."""
    return {
        submission.student_id: Mark(
            raw=float(submission.score or 0.0),
            penalty=float(submission.late_submission_penalty or 0.0),
            is_missing=False,
            is_open=bool(submission.needs_manual_grade),
            timestamp="" if submission.timestamp is None else str(submission.timestamp),
        )
        for submission in assignment.submissions
    }


def write(path: Path, rows: Iterable[Sequence[str]]) -> None:
    """Write a CSV file: all of it or nothing, and no file in between.

    Raises:
        OSError: it cannot be written.
    """
    file, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with open(file, "w", encoding="utf-8", newline="") as opened:  # noqa: PTH123 - it is open already
            csv.writer(opened, lineterminator="\n").writerows(rows)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    if os.name != "nt":
        path.chmod(0o600)  # marks are nobody else's business
