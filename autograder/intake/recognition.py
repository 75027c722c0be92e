"""Which cell of a submission is which cell of the release."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from autograder.intake import likeness
from autograder.intake.notebook import CELL_TYPES, Cell
from autograder.intake.release import ReleasedCell, ReleasedNotebook, looked_after


@dataclass
class Recognition:
    """What was recognised.

    Attributes:
        by_id: grade_id -> the cell that still says so; of several, the first with an answer of the student.
        by_likeness: grade_id -> a cell that says no such id, known by its cell id, text or place.
        copies: grade_id -> the other cells that say the same.
        unknown: cells that say an id which the release does not have.
    """

    by_id: dict[str, Cell] = field(default_factory=dict)
    by_likeness: dict[str, Cell] = field(default_factory=dict)
    copies: dict[str, list[Cell]] = field(default_factory=dict)
    unknown: list[Cell] = field(default_factory=list)

    def all(self) -> dict[str, Cell]:
        """grade_id -> cell, however it was recognised."""
        return self.by_id | self.by_likeness


def recognise(release: ReleasedNotebook, cells: Sequence[Cell]) -> Recognition:
    """Find the release's cells among those of a submission."""
    found = Recognition()
    claims: defaultdict[str, list[Cell]] = defaultdict(list)
    silent: list[Cell] = []  # they say nothing that helps, and may be anything
    for cell in cells:
        grade_id = claimed_id(cell)
        if grade_id in release.cells:
            claims[grade_id].append(cell)
        elif looked_after(cell.nbgrader) or cell.source.strip() not in release.texts:
            silent.append(cell)
    for grade_id, claiming in claims.items():
        kept = _the_one(release.cells[grade_id], claiming)
        found.by_id[grade_id] = kept
        if len(claiming) > 1:
            found.copies[grade_id] = [cell for cell in claiming if cell is not kept]
    _Likeness(release, cells, silent, found).find()
    found.unknown = [cell for cell in silent if looked_after(cell.nbgrader)]
    return found


def claimed_id(cell: Cell) -> str:
    """The id that a cell says it has; empty for none."""
    grade_id = (cell.nbgrader or {}).get("grade_id")
    return grade_id if isinstance(grade_id, str) else ""


def _the_one(released: ReleasedCell, claiming: Sequence[Cell]) -> Cell:
    """Of an answer, the first that is one; of anything else, the first that is as released."""
    for cell in claiming:
        if likeness.same(cell.source, released.cell.source) != released.is_answer:
            return cell
    return claiming[0]


class _Likeness:
    """Knows cells again that lost their metadata: only where no other cell could be meant."""

    def __init__(
        self, release: ReleasedNotebook, cells: Sequence[Cell], silent: list[Cell], found: Recognition
    ) -> None:
        self._release = release
        self._cells = cells
        self._silent = silent
        self._found = found

    def find(self) -> None:
        for way in (self._by_cell_id, self._by_text, self._by_lines, self._by_place):
            missing = [cell for grade_id, cell in self._release.cells.items() if grade_id not in self._found.all()]
            if not missing or not self._silent:
                return
            way(missing)

    def _take(self, released: ReleasedCell, cells: Sequence[Cell]) -> None:
        """It is the one, if it is the only one."""
        if len(cells) == 1:
            self._found.by_likeness[released.grade_id] = cells[0]
            self._silent.remove(cells[0])

    def _by_cell_id(self, missing: Sequence[ReleasedCell]) -> None:
        for released in missing:
            if released.cell.cell_id is not None:
                self._take(released, [cell for cell in self._silent if cell.cell_id == released.cell.cell_id])

    def _by_text(self, missing: Sequence[ReleasedCell]) -> None:
        for released in missing:
            if likeness.telling_lines(released.cell.source):
                self._take(released, [c for c in self._silent if likeness.same(c.source, released.cell.source)])

    def _by_lines(self, missing: Sequence[ReleasedCell]) -> None:
        lines = {cell.number: likeness.telling_lines(cell.source) for cell in self._silent}
        known = {released.grade_id: likeness.telling_lines(released.cell.source) for released in missing}
        for released in missing:
            alike = [
                cell
                for cell in self._silent
                if cell.cell_type == released.cell.cell_type
                and likeness.descends(lines[cell.number], known[released.grade_id])
            ]
            # A cell that two released ones could have become is none of them for sure.
            others = [known[other.grade_id] for other in missing if other is not released]
            if len(alike) == 1 and not any(likeness.descends(lines[alike[0].number], other) for other in others):
                self._take(released, alike)

    def _by_place(self, missing: Sequence[ReleasedCell]) -> None:
        """An answer may have nothing of the release left: then the new cells between two known ones tell."""
        absent = {released.grade_id for released in missing} - self._found.by_likeness.keys()
        first = 0
        gap: list[ReleasedCell] = []
        for released in self._release.cells.values():
            if released.grade_id in absent:
                gap.append(released)
                continue
            number = self._found.all()[released.grade_id].number
            self._fill(gap, first, number)
            first, gap = number, []
        self._fill(gap, first, len(self._cells) + 1)

    def _fill(self, gap: Sequence[ReleasedCell], first: int, last: int) -> None:
        """Take the new cells between two numbers for the answers in a gap, type by type."""
        for cell_type in CELL_TYPES:
            answers = [each for each in gap if each.is_answer and each.cell.cell_type == cell_type]
            between = [
                cell
                for cell in self._silent
                if first < cell.number < last and cell.cell_type == cell_type and not looked_after(cell.nbgrader)
            ]
            if len(answers) == len(between):
                for released, cell in zip(answers, between, strict=True):
                    self._take(released, [cell])
