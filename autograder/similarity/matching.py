"""Where two submissions say the same: the longest common runs, as ranges of lines."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from autograder.similarity.streams import Stream
from autograder.similarity.winnowing import RUN

_PLACES = 16  # of one run that are tried: code that repeats itself a thousand times has no more to say


@dataclass(frozen=True)
class Match:
    """A piece that both have.

    Attributes:
        where_a, where_b: file and cell.
        lines_a, lines_b: first and last line, from 1.
        tokens: how long it is.
    """

    where_a: str
    lines_a: tuple[int, int]
    where_b: str
    lines_b: tuple[int, int]
    tokens: int

    def __str__(self) -> str:
        return f"{self.where_a}, {_lines(self.lines_a)} = {self.where_b}, {_lines(self.lines_b)}"


@dataclass(frozen=True)
class Overlap:
    """What two streams share: of the tokens that are each one's own, and where."""

    share_a: float
    share_b: float
    tokens: int
    matches: tuple[Match, ...]


def overlap(a: Stream, b: Stream) -> Overlap:
    """Compare two streams token by token; what is not one's own does not count."""
    covered_a, covered_b = set[int](), set[int]()
    matches = []
    for at_a, at_b, length in _common_runs(a, b):
        covered_a.update(at for at in range(at_a, at_a + length) if a.is_own[at])
        covered_b.update(at for at in range(at_b, at_b + length) if b.is_own[at])
        matches.append(_match(a, b, at_a, at_b, length))
    tokens = min(len(covered_a), len(covered_b))
    share_a, share_b = len(covered_a) / max(1, a.num_own), len(covered_b) / max(1, b.num_own)
    return Overlap(share_a, share_b, tokens, tuple(matches))


def _common_runs(a: Stream, b: Stream) -> Iterator[tuple[int, int, int]]:
    """The longest runs of ``a`` for each place of ``b``, none shorter than a run, in the order of ``b``."""
    places: dict[int, list[int]] = defaultdict(list)
    for place, value in enumerate(a.own_runs):
        if value is not None and len(places[value]) < _PLACES:
            places[value].append(place)
    at_b = 0
    while at_b < len(b.own_runs):
        length, at_a = _longest(a, b, places, at_b)
        if length >= RUN:
            yield at_a, at_b, length
        at_b += max(1, length)


def _longest(a: Stream, b: Stream, places: Mapping[int, list[int]], at_b: int) -> tuple[int, int]:
    """How long the longest common run from a place of ``b`` on is, and where it is in ``a``."""
    value = b.own_runs[at_b]
    best = 0, 0
    for at_a in places.get(value, ()) if value is not None else ():
        length = _length(a.tokens, b.tokens, at_a, at_b)
        if length > best[0]:
            best = length, at_a
    return best


def _length(a: Sequence[int], b: Sequence[int], at_a: int, at_b: int) -> int:
    length = 0
    most = min(len(a) - at_a, len(b) - at_b)
    while length < most and a[at_a + length] == b[at_b + length]:
        length += 1
    return length


def _match(a: Stream, b: Stream, at_a: int, at_b: int, length: int) -> Match:
    unit_a, unit_b = a.units[at_a], b.units[at_b]
    lines_a, lines_b = a.lines[at_a : at_a + length], b.lines[at_b : at_b + length]
    return Match(
        unit_a.where if unit_a else "",
        (min(lines_a), max(lines_a)),
        unit_b.where if unit_b else "",
        (min(lines_b), max(lines_b)),
        length,
    )


def _lines(lines: tuple[int, int]) -> str:
    return f"line {lines[0]}" if lines[0] == lines[1] else f"lines {lines[0]} to {lines[1]}"
