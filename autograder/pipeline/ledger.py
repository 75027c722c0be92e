"""What has been graded, so that nothing is done twice: a file that is only ever appended to, a line for each result.

A line that was being written when the computer stopped is not read, and what it was about is graded again.
"""

from __future__ import annotations

import dataclasses
import json
import os
from collections import Counter
from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

from autograder.job import Score, Stop, Usage


@dataclass(frozen=True)
class Entry:
    """The result of one submission.

    Attributes:
        key: of everything that it depends on: `autograder.pipeline.keys`.
        status: "graded"; "nothing" when no notebook could be taken; "failed" when it has no marks and should be looked
            at.
        judging: how the assignment is judged.
        rung: of the jail ladder; None when nothing was run.
        scores: a line for each property.
        flags: the intake's lines.
        stops: what was cut short.
        needs_human: whether somebody should look at it.
        until_marked: that ends when nothing is open in formgrader any more, which asks for all there is to look at.
        trouble: why it failed; empty otherwise.
        at: when, in seconds since 1970.
    """

    key: str
    student: str
    assignment: str
    status: str
    judging: str
    seed: int
    rung: str | None = None
    scores: tuple[Score, ...] = ()
    flags: tuple[str, ...] = ()
    stops: tuple[Stop, ...] = ()
    needs_human: bool = False
    until_marked: bool = False
    trouble: str = ""
    usage: Usage = dataclasses.field(default_factory=Usage)
    at: float = 0.0

    def stop_lines(self) -> list[str]:
        """A line for each kind and place of what was cut short, with how often it was."""
        counts = Counter(f"{stop.where}: {stop.sentence}" for stop in self.stops)
        return [line if number == 1 else f"{line} ({number} times)" for line, number in counts.items()]

    def is_to_be_looked_at(self, unfinished: Container[str]) -> bool:
        """Whether somebody should look at it still.

        Args:
            unfinished: the students with something open in formgrader.
        """
        return self.needs_human and not self.is_settled(unfinished)

    def is_settled(self, unfinished: Container[str]) -> bool:
        """Whether somebody was to look at it, and has by now given the marks that this was about."""
        return self.until_marked and self.student not in unfinished

    @classmethod
    def of(cls, values: dict[str, Any]) -> Self:
        """Read what `dataclasses.asdict` made, after JSON.

        Raises:
            KeyError, TypeError, ValueError: it is something else.
        """
        scores = tuple(Score(**(each | {"proof": tuple(each["proof"])})) for each in values["scores"])
        stops = tuple(Stop(**each) for each in values["stops"])
        made = {"scores": scores, "stops": stops, "flags": tuple(values["flags"]), "usage": Usage(**values["usage"])}
        return cls(**(values | made))


class Ledger:
    """A file of entries.

    Args:
        path: it is made when the first line is written.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def append(self, entry: Entry) -> None:
        """Add a result; when this returns, it is on the disk.

        Raises:
            OSError: it is not.
        """
        line = json.dumps(dataclasses.asdict(entry), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
        with open(self._path, "a+b", opener=_private) as file:
            torn = b"" if _ends_with_newline(file) else b"\n"
            file.write(torn + line.encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def entries(self) -> Iterator[Entry]:
        """Every result, the oldest first; lines that are not complete are left out."""
        try:
            lines = self._path.read_bytes().splitlines()
        except FileNotFoundError:
            return
        for line in lines:
            try:
                yield Entry.of(json.loads(line))
            except (KeyError, TypeError, ValueError):
                continue

    def latest(self, assignment: str) -> dict[str, Entry]:
        """The last result of each student for ``assignment``."""
        return {entry.student: entry for entry in self.entries() if entry.assignment == assignment}


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)  # marks are nobody else's business


def _ends_with_newline(file: IO[bytes]) -> bool:
    if file.seek(0, os.SEEK_END) == 0:
        return True
    file.seek(-1, os.SEEK_END)
    return file.read(1) == b"\n"
