"""Whether two texts are the same for everybody, and whether one was made from the other."""

from __future__ import annotations

import ast
import unicodedata
import warnings

_MOST_CHARACTERS = 10_000  # of a cell that is parsed: deeper than its text is long it cannot be nested
_ENOUGH = 0.6  # of the released lines that are still there

# nbgrader's stubs in their places: every unanswered cell has them, so they tell nothing.
_STUB_WORDS = ("YOUR CODE HERE", "YOUR ANSWER HERE", "raise NotImplementedError")


def same(one: str, other: str) -> bool:
    """Equal but for blanks at line ends, empty lines at the end, and how accents are composed: what editors change."""
    return one == other or plain(one) == plain(other)


def same_program(one: str, other: str) -> bool:
    """Equal as Python but for layout, quotes and comments: what a formatter changes. Parses, never runs."""
    if max(len(one), len(other)) > _MOST_CHARACTERS:
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.dump(ast.parse(one)) == ast.dump(ast.parse(other))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


def is_stub(source: str) -> bool:
    """Whether it has nbgrader's words for "here an answer is missing"."""
    return any(words in source for words in _STUB_WORDS)


def telling_lines(source: str) -> frozenset[str]:
    """The lines by which a cell can be known again."""
    lines = (line.strip() for line in source.split("\n"))
    return frozenset(line for line in lines if line and not is_stub(line))


def descends(lines: frozenset[str], released: frozenset[str]) -> float:
    """How much of ``released`` is still in ``lines``, from 0 to 1; 0 when that is not enough to be sure."""
    share = len(lines & released) / len(released) if released else 0.0
    return share if share >= _ENOUGH else 0.0


def plain(source: str) -> str:
    """The text as `same` compares it."""
    normal = unicodedata.normalize("NFC", source)
    return "\n".join(line.rstrip() for line in normal.split("\n")).strip("\n")
