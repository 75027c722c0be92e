"""Only what is new of a picture goes to the browser."""

from __future__ import annotations

from typing import Any

Picture = dict[str, Any]


def changes(before: Picture, after: Picture) -> Picture:
    """What makes the one picture of the other: the entries that differ, and of ``rows`` only those that do.

    A row that is gone is None. ``time_ms`` alone is no difference: then the result is empty.
    """
    changed = {name: value for name, value in after.items() if name != "rows" and value != before.get(name)}
    rows_before, rows_after = before["rows"], after["rows"]
    rows: dict[str, Any] = {name: row for name, row in rows_after.items() if row != rows_before.get(name)}
    rows |= dict.fromkeys(name for name in rows_before if name not in rows_after)
    if rows:
        changed["rows"] = rows
    return changed if changed.keys() - {"time_ms"} else {}


def applied(before: Picture, changed: Picture) -> Picture:
    """The picture that `changes` was made for; the browser does the same."""
    rows = {**before["rows"], **changed.get("rows", {})}
    return {**before, **changed, "rows": {name: row for name, row in rows.items() if row is not None}}
