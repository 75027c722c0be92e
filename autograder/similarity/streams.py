"""A submission as one row of tokens, in which it is known what is its own and where each token stands."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from autograder.similarity.sources import Unit
from autograder.similarity.tokens import Row
from autograder.similarity.winnowing import RUN, hashes, winnow


@dataclass
class Stream:
    """All units of a submission, one after the other.

    Attributes:
        tokens: with a number between two units that occurs nowhere else, so that nothing common reaches across.
        units, lines: where each token stands.
        runs: the hash of each run of tokens.
        is_own: for each token, whether it is neither the template's nor everybody's.
        own_runs: the hashes of runs that are mostly own, None for the others.
        fingerprints: chosen among them.
    """

    tokens: list[int] = field(default_factory=list)
    units: list[Unit | None] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    runs: list[int] = field(default_factory=list)
    is_own: list[bool] = field(default_factory=list)
    own_runs: list[int | None] = field(default_factory=list)
    fingerprints: set[int] = field(default_factory=set)

    @property
    def num_own(self) -> int:
        """How many tokens are its own."""
        return sum(self.is_own)

    def leave_out(self, foreign: Collection[int]) -> None:
        """Take out what stands in runs with these hashes, and choose the fingerprints anew.

        A run counts as own when at least half of its tokens are: an answer of one line between two given ones is own.
        """
        covered_to = 0
        for place, value in enumerate(self.runs):
            if value in foreign:
                for at in range(max(place, covered_to), place + RUN):
                    self.is_own[at] = False
                covered_to = place + RUN
        own = _sums(self.is_own)
        self.own_runs = [
            value if 2 * (own[place + RUN] - own[place]) >= RUN else None for place, value in enumerate(self.runs)
        ]
        self.fingerprints = winnow(self.own_runs)


def stream(rows: Iterable[tuple[Unit, Row]], separators: Iterable[int]) -> Stream:
    """Make one of the rows of a submission's units.

    Args:
        separators: numbers that no token has, and that are given out once only.
    """
    made = Stream()
    between = iter(separators)
    for unit, row in rows:
        made.tokens += [*row.tokens, next(between)]
        made.lines += [*row.lines, 0]
        made.units += [*([unit] * len(row.tokens)), None]
    made.is_own = [unit is not None for unit in made.units]
    made.runs = hashes(made.tokens)
    return made


def _sums(flags: Sequence[bool]) -> list[int]:
    sums = [0]
    for flag in flags:
        sums.append(sums[-1] + flag)
    return sums
