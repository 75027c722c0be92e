"""The order of cells: what was moved, and where a cell belongs that is not where it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from autograder.intake.notebook import Cell
from autograder.intake.release import ReleasedCell, ReleasedNotebook

# To call a test moved is better than to call the answer before it moved: a test can be put back without harm.
_ANSWER, _OTHER = 1_001, 1_000


def moved(release: ReleasedNotebook, found: Mapping[str, Cell]) -> list[ReleasedCell]:
    """The fewest cells without which all others are in the order of the release."""
    here = sorted((release.cells[grade_id] for grade_id in found), key=lambda each: found[each.grade_id].number)
    best: list[tuple[int, int]] = []  # for each: the most that can stay up to it, and who stays before it (-1: nobody)
    for place, cell in enumerate(here):
        before = [(best[earlier][0], earlier) for earlier in range(place) if here[earlier].index < cell.index]
        weight, earlier = max(before, key=lambda each: each[0], default=(0, -1))
        best.append((weight + (_ANSWER if cell.is_answer else _OTHER), earlier))
    stays: set[str] = set()
    place = max(range(len(best)), key=lambda each: best[each][0], default=-1)
    while place >= 0:
        stays.add(here[place].grade_id)
        place = best[place][1]
    return [cell for cell in here if cell.grade_id not in stays]


class Arrangement:
    """The cells of the repaired copy, each with the grade_id it stands for (empty for the student's own)."""

    def __init__(self, release: ReleasedNotebook, cells: Sequence[tuple[str, Cell]]) -> None:
        self.cells = list(cells)
        self._release = release

    def put(self, released: ReleasedCell, cell: Cell) -> None:
        """Add a cell where it belongs: a test after everything that follows its answer, so that it tests all of it.

        An answer that was missing goes directly after the cell before it: the released stub must not come after an
        answer that the student may have given in a cell of their own.
        """
        self.cells.insert(self._place(released), (released.grade_id, cell))

    def _place(self, released: ReleasedCell) -> int:
        earlier = {other.grade_id for other in self._release.cells.values() if other.index < released.index}
        place = max((at + 1 for at, (grade_id, _) in enumerate(self.cells) if grade_id in earlier), default=0)
        while place < len(self.cells) and self._passes(released, *self.cells[place]):
            place += 1
        return place

    def _passes(self, released: ReleasedCell, grade_id: str, cell: Cell) -> bool:
        """Whether the next cell still belongs before ``released``."""
        if grade_id:
            return False
        text_index = self._release.texts.get(cell.source.strip())
        if text_index is not None:
            return text_index < released.index
        return not released.is_answer
