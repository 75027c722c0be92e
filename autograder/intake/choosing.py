"""Which of several notebooks with an assignment's cells is graded: never silently an old one.

The one with the most answers is. Of equally many, "first (2).ipynb" is the newest: browsers that save a notebook again
number it so, and Moodle when it is uploaded again. A fresh download has such a name, too, and fewer answers.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from autograder.intake import json_text, likeness, notebook
from autograder.intake.flags import Flags, Kind, shown
from autograder.intake.limits import Limits
from autograder.intake.notebook import Cell
from autograder.intake.recognition import claimed_id
from autograder.intake.release import Release, ReleasedNotebook

_MOST_CANDIDATES = 20  # notebooks of other names that are looked at
_ENOUGH_IDS = 0.5  # of the release's ids in a notebook of another name, for it to be this one
_NUMBERED = re.compile(r" ?\((\d{1,4})\)")  # what browsers put after a name that is there already


@dataclass(frozen=True)
class _Candidate:
    """A notebook that could be the one.

    Attributes:
        number: 0 for the name that was asked for, 1 for "first (1).ipynb"; None for any other name.
        num_answers: cells for answers that are not as released.
        texts: of all its cells.
    """

    path: str
    number: int | None
    num_answers: int
    texts: frozenset[str]

    @property
    def rank(self) -> tuple[int, int]:
        """The highest is graded: the most answers, and of equally many the newest by its name."""
        return self.num_answers, -1 if self.number is None else self.number


class Choosing:
    """Chooses among the files of a submission.

    Args:
        files: path -> content.
        flags, refused: hear what is not as an instructor expects.
    """

    def __init__(
        self, release: Release, limits: Limits, files: Mapping[str, bytes], flags: Flags, refused: Flags
    ) -> None:
        self._release = release
        self._limits = limits
        self._files = files
        self._flags = flags
        self._refused = refused

    def path_of(self, name: str, released: ReleasedNotebook) -> str:
        """The path of the notebook that is graded as ``name``; empty, and said so, if none surely is."""
        paths = [path for path in self._files if path.endswith(".ipynb") and path not in self._release.notebooks]
        others = [each for path in paths[:_MOST_CANDIDATES] if (each := self._candidate(name, path, released))]
        named = self._candidate(name, name, released) if others and name in self._files else None
        if named is not None:
            others = [each for each in others if _adds(each, named, released)]
        if not others:
            return self._named(name)
        every = [named, *others] if named is not None else others
        best = [each for each in every if each.rank == max(other.rank for other in every)]
        if len(best) > 1 and named is None:
            return self._named(name, best)
        taken = named if named is not None and len(best) > 1 else best[0]
        if taken.path != name:
            self._flags.add(Kind.RENAMED_NOTEBOOK, shown(taken.path), f"it was taken as {shown(name)}, by its cells.")
        if named is None and name in self._files:
            said = f"it cannot be read, so {shown(taken.path)} was graded in its place."
            self._flags.add(Kind.TWO_NOTEBOOKS, shown(name), said)
        for each in every:
            if each is not taken and _adds(each, taken, released):
                self._flags.add(Kind.TWO_NOTEBOOKS, shown(each.path), (
                    f"it has this assignment's cells, too, and was not graded: {shown(taken.path)} was, "
                    f"{_why(taken, each)}. If this one is meant, remove the other and grade again."
                ))  # fmt: skip
        return taken.path

    def _named(self, name: str, others: Sequence[_Candidate] = ()) -> str:
        """The one of that name, if there is one: what cannot be read in it is said by whoever reads it."""
        if name in self._files:
            return name
        listed = " or ".join(shown(each.path) for each in others[:2])
        self._refused.add(
            Kind.MISSING_NOTEBOOK,
            shown(name),
            f"this notebook was not handed in, unless it is {listed}: rename one."
            if listed
            else "this notebook was not handed in, or was left out.",
        )
        return ""

    def _candidate(self, name: str, path: str, released: ReleasedNotebook) -> _Candidate | None:
        try:
            cells = notebook.read(json_text.parse(self._files[path], self._limits).value, self._limits).cells
        except (json_text.NotJsonError, notebook.NotANotebookError):
            return None
        ids = {claimed_id(cell) for cell in cells} & released.cells.keys()
        if path != name and len(ids) <= _ENOUGH_IDS * len(released.cells):
            return None
        return _Candidate(
            path,
            _number(name, path),
            _num_answers(cells, released),
            frozenset(likeness.plain(cell.source) for cell in cells),
        )


def _number(name: str, path: str) -> int | None:
    if path == name:
        return 0
    stem, own = PurePosixPath(name).stem, PurePosixPath(path)
    match = _NUMBERED.fullmatch(own.stem.removeprefix(stem)) if own.stem.startswith(stem) else None
    return int(match[1]) if match and str(own.parent) == "." else None


def _adds(one: _Candidate, other: _Candidate, released: ReleasedNotebook) -> bool:
    """Whether it has anything of the student's that the other one has not: a copy or a fresh download has nothing."""
    asked = (*(each.cell.source for each in released.cells.values()), *released.texts, "")
    return not one.texts <= other.texts | {likeness.plain(source) for source in asked}


def _why(taken: _Candidate, other: _Candidate) -> str:
    if taken.num_answers > other.num_answers:
        return f"since it has more answers ({taken.num_answers}, not {other.num_answers})"
    if taken.number and other.number is not None:
        return "since by its number it is the newer one"
    return f"since its name is {'the one' if taken.number == 0 else 'nearer to the one'} that was asked for"


def _num_answers(cells: Sequence[Cell], released: ReleasedNotebook) -> int:
    answered = {
        grade_id
        for cell in cells
        if (known := released.cells.get(grade_id := claimed_id(cell))) is not None
        and known.is_answer
        and not likeness.same(cell.source, known.cell.source)
    }
    return len(answered)
