"""Texts and numbers as they may stand in a CSV file that somebody opens with a spreadsheet."""

from __future__ import annotations

import unicodedata

# What begins with one of these, spreadsheets calculate. Wide forms are turned into these by some.
_BEGINS_A_FORMULA = frozenset("=+-@")


def text(value: object) -> str:
    """A text that stays a text: an apostrophe stands before what would be a formula, and line breaks are spaces.

    Source: OWASP, CSV Injection.
    """
    plain = "".join(each if each.isprintable() else " " for each in str(value or ""))
    first = unicodedata.normalize("NFKC", plain).lstrip()[:1]
    return f"'{plain}" if first in _BEGINS_A_FORMULA and first else plain


def number(value: float) -> str:
    """A number of points: four digits after the point at most, and none that is not needed."""
    return f"{round(value, 4) + 0.0:.4f}".rstrip("0").rstrip(".")
