"""What was lost and what was done twice: work that was due beside work that was done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Delivery:
    """How often each piece of work was done.

    Attributes:
        due: how many pieces there were.
        lost: those that were never done, in the order in which they were due.
        doubled: those that were done more than once, with how often, in the same order.
        foreign: those that were done and never due.
    """

    due: int
    lost: tuple[Hashable, ...]
    doubled: tuple[tuple[Hashable, int], ...]
    foreign: tuple[Hashable, ...] = ()

    @property
    def is_exact(self) -> bool:
        """Whether each piece was done once, and nothing else was."""
        return not (self.lost or self.doubled or self.foreign)

    def __str__(self) -> str:
        if self.is_exact:
            return f"All {self.due} were done, each exactly once."
        parts = []
        if self.lost:
            parts.append(f"lost: {_listed(self.lost)}")
        if self.doubled:
            parts.append(f"done more than once: {_listed(piece for piece, _ in self.doubled)}")
        if self.foreign:
            parts.append(f"never due: {_listed(self.foreign)}")
        return f"Of {self.due}, " + "; ".join(parts) + "."


def compare(due: Iterable[Hashable], done: Iterable[Hashable]) -> Delivery:
    """Set what was due beside what was done; a piece that is due is there once."""
    wanted = list(dict.fromkeys(due))
    counted = Counter(done)
    return Delivery(
        due=len(wanted),
        lost=tuple(piece for piece in wanted if not counted[piece]),
        doubled=tuple((piece, counted[piece]) for piece in wanted if counted[piece] > 1),
        foreign=tuple(piece for piece in counted if piece not in set(wanted)),
    )


def lag(committed: dict[int, int], starts: dict[int, int], ends: dict[int, int]) -> int:
    """How many records of a topic a group has yet to read.

    Args:
        committed: partition to committed offset; a partition without a commit is missing.
        starts: partition to the first offset that is still there.
        ends: partition to the offset that the next record will get.
    """
    return sum(max(0, end - max(committed.get(at, 0), starts.get(at, 0))) for at, end in ends.items())


def _listed(pieces: Iterable[Hashable]) -> str:
    return ", ".join(str(piece) for piece in pieces)
