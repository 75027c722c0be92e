"""What the check of a deck found: points and a reason for each property, and plain lines for the instructor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from autograder.deck.page import Contents
from autograder.deck.rubric import DeckRubric
from autograder.deck.sections import Found, find

_FEW_WORDS = 15  # in a whole deck: its text, if any, is in its pictures


@dataclass(frozen=True)
class Property:
    """One thing that was looked at.

    Attributes:
        name: what.
        points: given; None when only a person can say.
        most_points: that can be given.
        reason: why so many.
    """

    name: str
    points: float | None
    most_points: float
    reason: str


@dataclass(frozen=True)
class Note:
    """One line for the instructor: what, where, and what was done about it."""

    kind: str
    where: str
    sentence: str
    needs_human: bool = False

    def __str__(self) -> str:
        return f"{self.where}: {self.sentence}"


@dataclass(frozen=True)
class DeckReport:
    """What was found in one deck.

    Attributes:
        where: the file's name, safe to show.
        kind: "pdf" or "pptx" by its content; empty when it is neither.
        pages: how many it has.
        properties: in the order of the rubric; of a refused deck none was looked at.
        notes: what the instructor should know.
        is_refused: it was not read.
    """

    where: str
    kind: str
    pages: int
    properties: tuple[Property, ...]
    notes: tuple[Note, ...] = ()
    is_refused: bool = False

    @property
    def points(self) -> float | None:
        """The sum; None when a person has to decide about a part of it."""
        given = [each.points for each in self.properties if each.points is not None]
        return round(sum(given), 2) if len(given) == len(self.properties) else None

    @property
    def least_points(self) -> float:
        """What is certain already."""
        return round(sum(each.points or 0.0 for each in self.properties), 2)

    @property
    def most_points(self) -> float:
        """What could be had."""
        return sum(each.most_points for each in self.properties)

    @property
    def needs_human(self) -> bool:
        """Whether somebody must look at it before its structure has a mark."""
        return self.points is None or any(note.needs_human for note in self.notes)

    @property
    def line(self) -> str:
        """All of it in one plain line."""
        if self.is_refused:
            return str(self.notes[0])
        most = f"{self.most_points:g}"
        if self.points is None:
            return f"{self.where}: at least {self.least_points:g} of {most} points; a person decides: {self._open()}."
        lost = [each.reason for each in self.properties if each.points is not None and each.points < each.most_points]
        return f"{self.where}: {self.points:g} of {most} points; {' '.join(lost) or 'everything asked for is there.'}"

    def _open(self) -> str:
        return ", ".join(each.name for each in self.properties if each.points is None)

    def to_json(self) -> dict[str, Any]:
        """All of it as data."""
        return {**asdict(self), "points": self.points, "most_points": self.most_points, "line": self.line}


def refused(where: str, kind: str, sentence: str, rubric: DeckRubric, *, what: str = "") -> DeckReport:
    """The report of a deck that was not read. It has no points and no zero either: a person decides."""
    note = Note(kind, where, f"{sentence}; it was not read, and a person decides about it.", needs_human=True)
    properties = tuple(Property(name, None, points, "It was not read.") for name, points in _asked(rubric))
    return DeckReport(where, what, 0, properties, (note,), is_refused=True)


def judge(where: str, kind: str, contents: Contents, rubric: DeckRubric) -> DeckReport:
    """Compare what was read of a deck with what was asked for."""
    found = find(contents.pages, rubric)
    notes = [*_not_read(where, contents), *(Note(name, where, f"{sentence}.") for name, sentence in contents.notes)]
    may_be_elsewhere = any(note.needs_human for note in notes)
    properties = (
        _pages(contents.count, rubric),
        _order(found, rubric, may_be_elsewhere=may_be_elsewhere),
        *(_section(each, may_be_elsewhere=may_be_elsewhere) for each in found),
    )
    notes.extend(_stuffing(where, contents))
    return DeckReport(where, kind, contents.count, tuple(each for each in properties if each.most_points), tuple(notes))


def _not_read(where: str, contents: Contents) -> Iterator[Note]:
    """Why a section that was not found may be there all the same."""
    words = sum(page.words for page in contents.pages)
    silent = [number for number, page in enumerate(contents.pages, 1) if page.words == 0 and page.pictures > 0]
    if words < _FEW_WORDS and any(page.pictures for page in contents.pages):
        sentence = f"has {words} words and otherwise only pictures, so its sections were not marked; a person decides."
        yield Note("only pictures", where, sentence, needs_human=True)
    elif silent:
        which = ", ".join(map(str, silent[:10]))
        sentence = f"has only pictures on these pages: {which}; nothing was marked down for what may be in them."
        yield Note("pictures", where, sentence, needs_human=True)
    if contents.unreadable:
        sentence = f"{contents.unreadable} of its pages are damaged; nothing was marked down for what may be on them."
        yield Note("damaged page", where, sentence, needs_human=True)


def _asked(rubric: DeckRubric) -> Iterable[tuple[str, float]]:
    asked = [("pages", rubric.pages_points), ("order", rubric.order_points)]
    asked += [(section.name, section.points) for section in rubric.sections]
    return [(name, points) for name, points in asked if points]


def _pages(count: int, rubric: DeckRubric) -> Property:
    is_right = rubric.least_pages <= count <= rubric.most_pages
    asked = f"{rubric.least_pages} to {rubric.most_pages} are asked for"
    return Property(
        "pages",
        rubric.pages_points if is_right else 0.0,
        rubric.pages_points,
        f"It has {count} {'page' if count == 1 else 'pages'}; {asked}.",
    )


def _order(found: Sequence[Found], rubric: DeckRubric, *, may_be_elsewhere: bool) -> Property:
    most = rubric.order_points
    there = [each for each in found if each.page]
    wrong = [after.section.name for before, after in pairwise(there) if after.line < before.line]
    if wrong:
        return Property("order", 0.0, most, f"'{wrong[0]}' comes too early.")
    if len(there) == len(found):
        return Property("order", most, most, "The sections come in the order asked for.")
    if may_be_elsewhere:
        return Property("order", None, most, "Not all sections were found, and not everything could be read.")
    share = max(0, len(there) - 1) / max(1, len(found) - 1)
    return Property(
        "order", round(most * share, 2), most, f"{len(there)} of {len(found)} sections were found to be in order."
    )


def _section(found: Found, *, may_be_elsewhere: bool) -> Property:
    section = found.section
    enough = found.words >= section.min_words
    if found.page and enough:
        reason = f"'{section.name}' begins on page {found.page} and has {found.words} words."
        return Property(section.name, section.points, section.points, reason)
    if may_be_elsewhere:
        return Property(section.name, None, section.points, f"'{section.name}' may be where no text could be read.")
    if not found.page:
        return Property(section.name, 0.0, section.points, f"No heading says '{section.name}'.")
    points = round(section.points * found.words / section.min_words, 1)
    reason = f"'{section.name}', which begins on page {found.page}, has {found.words} of {section.min_words} words."
    return Property(section.name, points, section.points, reason)


def _stuffing(where: str, contents: Contents) -> Iterator[Note]:
    """Words that are there for their number only: the same few again and again."""
    words = [word.casefold() for page in contents.pages for line in page.lines for word in line.word_list]
    if len(words) >= 60 and len(set(words)) < 0.2 * len(words):
        sentence = f"has {len(words)} words and only {len(set(words))} different ones; a person should look at it."
        yield Note("repetition", where, sentence, needs_human=True)
