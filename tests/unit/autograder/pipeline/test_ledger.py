"""What is in the ledger is read as it was, and what was torn off is as if it had never been."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from autograder.job import Score, Stop, Usage
from autograder.pipeline.ledger import Entry, Ledger


def entry(student: str = "ada", key: str = "k", assignment: str = "first") -> Entry:
    """A result with everything in it."""
    return Entry(
        key=key,
        student=student,
        assignment=assignment,
        status="graded",
        judging="probes",
        seed=7,
        rung="namespaces",
        scores=(Score("test-a", "a", 1.5, 2, "so", ("one", "two")),),
        flags=("first.ipynb: moved",),
        stops=(Stop("died", "first.ipynb", "It ended."),),
        usage=Usage(1.5, 0.5, 4),
        at=12.5,
    )


def test_entries_come_back_equal(tmp_path: Path) -> None:
    """Names with every kind of character too."""
    ledger = Ledger(tmp_path / "ledger")
    made = [entry(), entry("b\n\u2028\ud800'$(x)"), entry("ada", "k2")]
    for each in made:
        ledger.append(each)

    assert list(ledger.entries()) == made
    assert ledger.latest("first")["ada"].key == "k2"
    assert ledger.latest("second") == {}


def test_entries_of_no_file_are_none(tmp_path: Path) -> None:
    """A course that was never graded."""
    assert list(Ledger(tmp_path / "ledger").entries()) == []


@pytest.mark.parametrize("lost_bytes", [1, 2, 40, 300])
def test_append_after_a_torn_line_loses_only_that(tmp_path: Path, lost_bytes: int) -> None:
    """The computer stopped in the middle of a line: it is not read, and the next one is a line of its own."""
    ledger = Ledger(tmp_path / "ledger")
    ledger.append(entry("ada"))
    ledger.append(entry("bob"))
    os.truncate(tmp_path / "ledger", (tmp_path / "ledger").stat().st_size - lost_bytes)
    ledger.append(entry("cyd"))

    expected = ["ada", "bob", "cyd"] if lost_bytes == 1 else ["ada", "cyd"]
    assert [each.student for each in ledger.entries()] == expected


def test_append_lets_nobody_else_read(tmp_path: Path) -> None:
    """Marks are nobody else's business."""
    ledger = Ledger(tmp_path / "ledger")
    ledger.append(entry())

    assert (tmp_path / "ledger").stat().st_mode & 0o077 == 0
