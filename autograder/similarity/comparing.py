"""`compare`: which submissions of a class are alike, and where."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from autograder.intake.flags import shown
from autograder.similarity import sources
from autograder.similarity.matching import Match, Overlap, overlap
from autograder.similarity.sources import Unit
from autograder.similarity.streams import Stream, stream
from autograder.similarity.tokens import lexical, syntactic

_SMALLEST_CLASS = 8  # below, what more than half of the class has may well have been copied
_SCREEN = 0.3  # times the least share: fingerprints are a sample


@dataclass(frozen=True)
class Thresholds:
    """When two submissions are reported.

    Attributes:
        share: of the own code of the one that shares more, 0 to 1.
        tokens: that they share at least; a line has about six.
        pairs: at most, the most alike first.
    """

    share: float = 0.5
    tokens: int = 60
    pairs: int = 300


@dataclass(frozen=True)
class Pair:
    """Two submissions that are alike.

    Attributes:
        a, b: their names.
        share_a, share_b: how much of each one's own code is in the other, 0 to 1.
        tokens: that they share.
        by: "syntax", or "text" when code of one of them could not be parsed.
        matches: the pieces that both have, the longest first.
    """

    a: str
    b: str
    share_a: float
    share_b: float
    tokens: int
    by: str
    matches: tuple[Match, ...]

    @property
    def share(self) -> float:
        """The larger of both: padding one of them changes nothing."""
        return max(self.share_a, self.share_b)

    @property
    def line(self) -> str:
        """All of it in one plain line."""
        names = f"{shown(self.a)} ({self.share_a:.0%} of it) and {shown(self.b)} ({self.share_b:.0%})"
        pieces = "one piece" if len(self.matches) == 1 else f"{len(self.matches)} pieces"
        return f"{names} have {pieces} of code in common, the longest {self.matches[0]}; a person should compare them."

    def to_json(self) -> dict[str, Any]:
        """All of it as data."""
        return {**asdict(self), "share": self.share, "line": self.line}


@dataclass(frozen=True)
class Comparison:
    """A class compared.

    Attributes:
        pairs: the most alike first.
        notes: what was not compared, a plain line each.
    """

    pairs: tuple[Pair, ...]
    notes: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """All of it as data."""
        return {"pairs": [pair.to_json() for pair in self.pairs], "notes": list(self.notes)}


DEFAULT = Thresholds()


def compare(
    submissions: Mapping[str, Path], template: Path | None = None, thresholds: Thresholds = DEFAULT
) -> list[Pair]:
    """Which submissions are alike, the most alike first; see `examine`, which also says what was not compared."""
    return list(examine(submissions, template, thresholds).pairs)


def examine(
    submissions: Mapping[str, Path], template: Path | None = None, thresholds: Thresholds = DEFAULT
) -> Comparison:
    """Compare the Python code of each submission with that of every other.

    Args:
        submissions: a name, for the report -> a folder or file.
        template: what students were given; their copies of it do not count.
    """
    return _Class(submissions, template, thresholds).compared()


class _Class:
    def __init__(self, submissions: Mapping[str, Path], template: Path | None, thresholds: Thresholds) -> None:
        self._thresholds = thresholds
        self._separators = itertools.count(1 << 32)  # tokens have 32 bits
        self._notes: list[str] = []
        self._units = {name: self._read(name, path) for name, path in sorted(submissions.items())}
        self._given = sources.read(template).units if template is not None else []
        self._unparsable: set[str] = set()

    def compared(self) -> Comparison:
        pairs = self._pairs("syntax", self._by_syntax(), None)
        if self._unparsable:
            by_text = self._pairs("text", self._by_text(), self._unparsable)
            pairs = _better(pairs, by_text)
        ordered = sorted(pairs, key=lambda pair: (-pair.share, -pair.tokens, pair.a, pair.b))
        if len(ordered) > self._thresholds.pairs:
            self._notes.append(f"{len(ordered):,} pairs are alike; the {self._thresholds.pairs} most alike are told.")
        return Comparison(tuple(ordered[: self._thresholds.pairs]), tuple(self._notes))

    def _read(self, name: str, path: Path) -> list[Unit]:
        code = sources.read(path)
        self._notes.extend(f"{shown(name)}: {note}" for note in code.notes)
        return code.units

    def _by_syntax(self) -> dict[str, Stream]:
        given = stream(((unit, syntactic(unit) or lexical(unit)) for unit in self._given), self._separators)
        streams = {}
        for name, units in self._units.items():
            rows = [(unit, syntactic(unit)) for unit in units]
            if any(row is None for _, row in rows):
                self._unparsable.add(name)
            streams[name] = stream(((unit, row or lexical(unit)) for unit, row in rows), self._separators)
        return self._own(streams, given)

    def _by_text(self) -> dict[str, Stream]:
        def of(units: list[Unit]) -> Stream:
            return stream(((unit, lexical(unit)) for unit in units), self._separators)

        return self._own({name: of(units) for name, units in self._units.items()}, of(self._given))

    def _own(self, streams: dict[str, Stream], given: Stream) -> dict[str, Stream]:
        """Leave out what was given, and then what more than half of a class has: that is the task's, not copied."""
        for each in streams.values():
            each.leave_out(frozenset(given.runs))
        if len(streams) >= _SMALLEST_CLASS:
            counts = Counter(value for each in streams.values() for value in each.fingerprints)
            common = frozenset(value for value, count in counts.items() if 2 * count > len(streams))
            for each in streams.values() if common else ():
                each.leave_out(frozenset(given.runs) | common)
        return streams

    def _pairs(self, by: str, streams: dict[str, Stream], only: set[str] | None) -> list[Pair]:
        """The pairs above the thresholds; with ``only``, those that one of these is in."""
        candidates = _candidates(streams, self._thresholds.share * _SCREEN)
        if only is not None:
            candidates = [each for each in candidates if each[1] in only or each[2] in only]
        candidates.sort(key=lambda each: (-each[0], each[1:]))
        most = 2 * self._thresholds.pairs  # where all are alike, each pair costs milliseconds and tells nothing new
        if len(candidates) > most:
            self._notes.append(
                f"{len(candidates):,} pairs may be alike by {by}; the {most:,} likeliest were looked at."
            )
        pairs = []
        for _, a, b in candidates[:most]:
            found = overlap(streams[a], streams[b])
            if max(found.share_a, found.share_b) >= self._thresholds.share and found.tokens >= self._thresholds.tokens:
                pairs.append(_pair(a, b, by, found))
        return pairs


def _pair(a: str, b: str, by: str, found: Overlap) -> Pair:
    matches = tuple(sorted(found.matches, key=lambda match: -match.tokens))
    return Pair(a, b, round(found.share_a, 3), round(found.share_b, 3), found.tokens, by, matches)


def _better(pairs: Sequence[Pair], others: Sequence[Pair]) -> list[Pair]:
    """Of two results about the same two, the one that found more."""
    best = {(pair.a, pair.b): pair for pair in pairs}
    for pair in others:
        known = best.get((pair.a, pair.b))
        if known is None or pair.share > known.share:
            best[pair.a, pair.b] = pair
    return list(best.values())


def _candidates(streams: Mapping[str, Stream], least: float) -> list[tuple[float, str, str]]:
    """The pairs whose fingerprints overlap enough, with how much.

    Each submission's fingerprints are the bits of one large number: 45,000 pairs take a fraction of a second.
    """
    numbers: dict[int, int] = {}
    bits = {}
    for name, each in streams.items():
        places = [numbers.setdefault(value, len(numbers)) for value in sorted(each.fingerprints)]
        bits[name] = _with_bits(places)
    counts = {name: value.bit_count() for name, value in bits.items()}
    found = []
    for a, b in itertools.combinations(streams, 2):
        smaller = min(counts[a], counts[b])
        share = (bits[a] & bits[b]).bit_count() / smaller if smaller else 0.0
        if share >= least and share > 0:
            found.append((share, a, b))
    return found


def _with_bits(places: Sequence[int]) -> int:
    content = bytearray(max(places, default=0) // 8 + 1)
    for place in places:
        content[place // 8] |= 1 << place % 8
    return int.from_bytes(content, "little")
