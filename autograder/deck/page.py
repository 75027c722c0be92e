"""What is read of one page or slide, as data that crosses a process boundary as JSON."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from autograder.deck.limits import DeckLimits

_WORD = re.compile(r"[^\W\d_](?:[\w'’-]*\w)?")


@dataclass(frozen=True)
class Line:
    """A line of a PDF, or a paragraph of a slide.

    Attributes:
        text: without line breaks.
        size: of its letters, in points; 0 when the file does not say.
        is_title: the slide's own title.
        is_bold: all of it.
    """

    text: str
    size: float = 0.0
    is_title: bool = False
    is_bold: bool = False

    @property
    def words(self) -> int:
        """How many words it has; numbers and signs are none."""
        return len(self.word_list)

    @property
    def word_list(self) -> list[str]:
        """The words themselves."""
        return _WORD.findall(self.text)


@dataclass(frozen=True)
class Page:
    """One page or slide.

    Attributes:
        lines: title first, then as they come in the file.
        pictures: how many there are; a drawing of many lines counts as one.
    """

    lines: tuple[Line, ...]
    pictures: int = 0

    @property
    def words(self) -> int:
        """How many words it has."""
        return sum(line.words for line in self.lines)

    def to_json(self) -> dict[str, Any]:
        """As it crosses the boundary."""
        return asdict(self)

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Page:
        """As it was before it crossed the boundary.

        Raises:
            KeyError, TypeError, ValueError: it is not what `to_json` gave.
        """
        lines = tuple(
            Line(str(each["text"]), float(each["size"]), bool(each["is_title"]), bool(each["is_bold"]))
            for each in found["lines"]
        )
        return cls(lines, int(found["pictures"]))


@dataclass
class Contents:
    """What was read of a deck.

    Attributes:
        count: how many pages it has. Not all of them need have been read.
        pages: those that were read.
        unreadable: how many of them turned out to be damaged; they are in ``pages`` without anything on them.
        notes: what the instructor should know: a kind, and a sentence without a full stop.
        pictures: for each page the files of its pictures, when they were asked for.
        fetches: a program that shows it would fetch something from elsewhere.
    """

    count: int = 0
    pages: list[Page] = field(default_factory=list)
    unreadable: int = 0
    notes: list[tuple[str, str]] = field(default_factory=list)
    pictures: list[list[bytes]] = field(default_factory=list)
    fetches: bool = False

    def to_json(self) -> dict[str, Any]:
        """As it crosses the boundary; pictures do so as files."""
        return {
            "count": self.count,
            "pages": [page.to_json() for page in self.pages],
            "unreadable": self.unreadable,
            "notes": self.notes,
            "fetches": self.fetches,
        }

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> Contents:
        """As it was before it crossed the boundary.

        Raises:
            KeyError, TypeError, ValueError: it is not what `to_json` gave.
        """
        return cls(
            count=int(found["count"]),
            pages=[Page.from_json(each) for each in found["pages"]],
            unreadable=int(found["unreadable"]),
            notes=[(str(kind), str(sentence)) for kind, sentence in found["notes"]],
            fetches=bool(found["fetches"]),
        )


def within(lines: Iterable[Line], limits: DeckLimits) -> tuple[Line, ...]:
    """The first lines, up to the limits of one page."""
    kept: list[Line] = []
    room = limits.page_characters
    for line in lines:
        if len(kept) == limits.page_lines or room <= 0:
            break
        kept.append(replace(line, text=line.text[:room]))
        room -= len(line.text)
    return tuple(kept)
