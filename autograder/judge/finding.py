"""What a checker found, and how findings become points."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from autograder.judge.case import Place

MOST_KEPT = 20  # of one property; all are counted


@dataclass(frozen=True, slots=True)
class Finding:
    """One fault.

    Attributes:
        name: of the property.
        text: what happened, in one plain sentence.
        proof: the operations that show it, in order, a line each.
        places: the records that it is about, for the picture.
        events: places in the order of events, for the picture.
    """

    name: str
    text: str
    proof: tuple[str, ...] = ()
    places: tuple[Place, ...] = ()
    events: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """The findings of one property in one run: the first ones, and how many there are."""

    kept: tuple[Finding, ...] = ()
    count: int = 0

    @classmethod
    def of(cls, findings: Iterable[Finding]) -> Found:
        """Keep the first, count all."""
        kept: list[Finding] = []
        count = 0
        for each in findings:
            count += 1
            if count <= MOST_KEPT:
                kept.append(each)
        return cls(tuple(kept), count)


def worst(found: Sequence[Found]) -> int:
    """Which of them has most findings; the first of equals."""
    return max(range(len(found)), key=lambda number: (found[number].count, -number))
