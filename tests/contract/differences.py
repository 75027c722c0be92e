"""The lines of docs/reference/differences.md that tests name."""

from __future__ import annotations

import functools
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "differences.md"


@functools.cache
def documented() -> frozenset[str]:
    """What the page names: the first cell of each row, and the bold beginning of each point of its last list."""
    names = set()
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("| "):
            names.add(line.split("|")[1].strip())
        elif line.startswith("* **"):
            names.add(line.split("**")[1])
    return frozenset(names)


def check_differs(name: str, apache: object, embedded: object) -> None:
    """Refuse a difference that the page does not have, and one that is none.

    Raises:
        LookupError: the page has none of that name.
        ValueError: both brokers do the same.
    """
    if apache == embedded:
        raise ValueError(f"{name!r}: both brokers have {apache!r}, so there is nothing to tell apart")
    if name not in documented():
        raise LookupError(f"{PAGE.name} has no line that begins with {name!r}")
