"""Short words for histories made by hand."""

from __future__ import annotations

from typing import Any

from kit.history import History, Operation, check

T = "t"


def send(history: History, process: str, value: str, offset: int | None, partition: int = 0) -> Operation:
    """A send that was acknowledged."""
    return history.invoke(process, "send", T, partition, None, value).ok(offset=offset)


def poll(history: History, process: str, *seen: tuple[int, str], partition: int = 0) -> Operation:
    """A poll that returned these (offset, value)."""
    records = [(T, partition, offset, None, value) for offset, value in seen]
    return history.invoke(process, "poll").ok(records=records)


def names(history: History, **options: Any) -> list[str]:
    """What is an error in the history."""
    return sorted({finding.name for finding in check(history, **options).errors})
