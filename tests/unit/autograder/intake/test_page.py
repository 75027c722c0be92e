"""The page for instructors is complete."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

from autograder.intake import Flag, Kind, Limits

PAGE = (Path(__file__).parents[4] / "docs" / "reference" / "intake.md").read_text(encoding="utf-8")


def test_page_has_every_kind_and_marks_those_for_a_human() -> None:
    """A row for each kind of line, in italics where somebody should look."""
    rows = re.findall(r"^\| ([^|]+) \| [^|]+ \| [^|]+ \|$", PAGE, flags=re.MULTILINE)
    listed = [kind.strip() for row in rows for kind in row.split(",") if kind not in {"kind", "---"}]
    assert listed == [f"*{kind}*" if Flag(kind, "", "").needs_human else kind.value for kind in _in_order(listed)]
    assert {kind.strip("*") for kind in listed} == {kind.value for kind in Kind}


def test_page_has_every_limit() -> None:
    """The defaults on the page are those of the code."""
    rows = dict(re.findall(r"^\| `(\w+)` \| ([\d,]+) \|$", PAGE, flags=re.MULTILINE))
    assert rows == {field.name: f"{field.default:,}" for field in dataclasses.fields(Limits)}


def _in_order(listed: list[str]) -> list[Kind]:
    return [Kind(kind.strip("*")) for kind in listed]
