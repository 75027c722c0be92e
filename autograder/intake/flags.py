"""What an instructor is told: one plain line each, safe to show in a terminal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

_MOST_ALIKE = 20  # lines of one kind about one file; the others are counted
_MOST_CHARACTERS = 60  # of a name in a line


class Kind(StrEnum):
    """What a line is about."""

    # of files
    LINK = "link"
    HARD_LINK = "hard link"
    SPECIAL_FILE = "special file"
    NAME = "name"
    SIZE = "size"
    NUMBER = "number"
    DEPTH = "depth"
    UNREADABLE = "unreadable"
    IN_THE_WAY = "in the way"
    TIMESTAMP = "timestamp"
    # of notebooks
    MISSING_NOTEBOOK = "missing notebook"
    RENAMED_NOTEBOOK = "renamed notebook"
    TWO_NOTEBOOKS = "two notebooks"
    NOT_A_NOTEBOOK = "not a notebook"
    JSON = "json"
    FORMAT = "format"
    EARLIER_RELEASE = "earlier release"
    # of cells
    DUPLICATED = "duplicated"
    TWO_ANSWERS = "two answers"
    MISSING = "missing"
    MISSING_ANSWER = "missing answer"
    EDITED = "edited"
    EDITED_TEST = "edited test"
    METADATA = "metadata"
    CELL_TYPE = "cell type"
    MOVED = "moved"
    UNKNOWN_ID = "unknown id"
    STRIPPED = "stripped"


_FOR_A_HUMAN = frozenset(
    {
        Kind.TWO_ANSWERS,
        Kind.MISSING_ANSWER,
        Kind.MISSING_NOTEBOOK,
        Kind.TWO_NOTEBOOKS,
        Kind.NOT_A_NOTEBOOK,
        Kind.TIMESTAMP,
    }
)


@dataclass(frozen=True)
class Flag:
    """One line for the instructor: what, where, and what was done about it.

    Attributes:
        kind: what it is about.
        where: the file, and the cell by its number from 1 in the submission and its nbgrader id.
        sentence: what was found and what was done.
    """

    kind: Kind
    where: str
    sentence: str

    @property
    def needs_human(self) -> bool:
        """Whether somebody should look at the submission, since the repair may not be what the student meant."""
        return self.kind in _FOR_A_HUMAN

    def __str__(self) -> str:
        return f"{self.where}: {self.sentence}"


class Flags:
    """Lines being collected; the twenty-first of one kind about one file is only counted."""

    def __init__(self) -> None:
        self._flags: list[Flag] = []
        self._alike: Counter[tuple[Kind, str]] = Counter()

    def add(self, kind: Kind, file: str, sentence: str, *, cell: str = "") -> None:
        """Say ``sentence`` about ``file`` (as `shown`), or about one ``cell`` of it."""
        # Files count together where each has a line of its own: a thousand links are one matter.
        about = (kind, file if cell else "")
        self._alike[about] += 1
        if self._alike[about] <= _MOST_ALIKE:
            self._flags.append(Flag(kind, f"{file}, {cell}" if cell else file, sentence))

    def all(self) -> tuple[Flag, ...]:
        """Every line, in the order of finding, and one for those that were only counted."""
        more = [
            Flag(kind, file or "the submission", f"{count - _MOST_ALIKE:,} more like the last line about '{kind}'.")
            for (kind, file), count in self._alike.items()
            if count > _MOST_ALIKE
        ]
        return (*self._flags, *more)


def shown(text: str) -> str:
    """A student's text as it may stand in a line: short, and no character that moves, hides or turns others round."""
    short = text if len(text) <= _MOST_CHARACTERS else text[: _MOST_CHARACTERS - 3] + "..."
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in short)


def listed(names: Sequence[str], most: int) -> str:
    """Names in a line, each as it may stand there; of more than ``most``, the others are counted."""
    named = ", ".join(names[:most])
    return f"{named} and {len(names) - most} more" if len(names) > most else named


def size(count_bytes: int) -> str:
    """A number of bytes as people say it."""
    return f"{count_bytes / 1e6:,.1f} MB" if count_bytes >= 100_000 else f"{count_bytes:,} bytes"
