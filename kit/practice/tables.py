"""Tables for people, to the character as the CLI prints them: a list without a border, one object in a box.

Text longer than 30 characters goes on in the next line of its cell, at the breaks that leave the lines most even;
a longer word is never broken. Source: the CLI's table writer (olekukonko/tablewriter 0.0.5 with automatic wrapping).
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Sequence

_WRAP_WIDTH = 30
_TOO_LONG = 100_000  # the penalty of a line that does not fit


def list_text(titles: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[bool]) -> str:
    """A list: centred titles, a rule, and the rows.

    Args:
        titles: of the columns.
        rows: the cells.
        right: for each column, whether it is aligned to the right, as numbers are.
    """
    columns = range(len(titles))
    widths = [max(_width(row[column]) for row in (titles, *rows)) for column in columns]
    header = "|".join(f" {_centred(titles[column], widths[column])} " for column in columns)
    rule = "+".join("-" * (width + 2) for width in widths)
    lines = [f" {header} ", f"-{rule}-"]
    for row in rows:
        lines += [f" {line} " for line in _row_lines(row, widths, right)]
    return "".join(f"{line}\n" for line in lines)


def box_text(rows: Sequence[tuple[str, str]]) -> str:
    """One object in a box: names left, values right."""
    widths = [max(_width(row[column]) for row in rows) for column in (0, 1)]
    rule = f"+{'+'.join('-' * (width + 2) for width in widths)}+"
    lines = [rule]
    for row in rows:
        lines += [f"|{line}|" for line in _row_lines(row, widths, (False, False))]
    return "".join(f"{line}\n" for line in (*lines, rule))


def _row_lines(row: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> list[str]:
    cells = [_wrapped(cell) for cell in row]
    height = max(map(len, cells))
    padded = [cell + [""] * (height - len(cell)) for cell in cells]
    return [
        "|".join(
            f" {_aligned(lines[at], width, to_right)} "
            for lines, width, to_right in zip(padded, widths, right, strict=True)
        )
        for at in range(height)
    ]


def _aligned(text: str, width: int, to_right: bool) -> str:
    space = " " * (width - display_width(text))
    return space + text if to_right else text + space


def _centred(text: str, width: int) -> str:
    space = width - display_width(text)
    return " " * (space // 2) + text + " " * (space - space // 2)


def _width(text: str) -> int:
    """How wide a cell makes its column: a text that is wrapped fills it up to the limit."""
    widest = max(map(display_width, text.split("\n")))
    return max(min(widest, _WRAP_WIDTH), *map(display_width, _wrapped(text)))


@functools.cache
def display_width(text: str) -> int:
    """How many columns of a terminal the text takes: wide characters take two, combining ones none."""
    return sum(_character_width(character) for character in text)


def _character_width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _wrapped(text: str) -> list[str]:
    lines = text.split("\n")
    limit = min(max(map(display_width, lines)), _WRAP_WIDTH)
    wrapped: list[str] = []
    for at, line in enumerate(lines):
        wrapped += [" "] if at else []  # the table writer parts paragraphs with a line of one space
        wrapped += _broken(line.split(" "), limit)
    return wrapped


def _broken(words: list[str], limit: int) -> list[str]:
    """The words in lines: the sum of squared free spaces is smallest, and the last line is free."""
    limit = max(limit, *map(display_width, words))
    count = len(words)
    cost = [0] * (count + 1)
    end_of = [count] * count
    for first in reversed(range(count)):
        if display_width(" ".join(words[first:])) <= limit:
            continue
        options = []
        for end in range(first + 1, count):
            free = limit - display_width(" ".join(words[first:end]))
            options.append((free * free + cost[end] + (_TOO_LONG if free < 0 else 0), end))
        cost[first], end_of[first] = min(options)
    lines, first = [], 0
    while first < count:
        lines.append(" ".join(words[first : end_of[first]]))
        first = end_of[first]
    return lines
