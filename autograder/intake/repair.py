"""A copy of a notebook in which every cell of the release is there once, where and as it should be."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from autograder.intake import likeness
from autograder.intake.earlier import SENTENCE, EarlierNotebook, differing
from autograder.intake.flags import Flags, Kind, shown
from autograder.intake.notebook import Cell, Notebook, as_json
from autograder.intake.order import Arrangement, moved
from autograder.intake.recognition import Recognition, claimed_id, recognise
from autograder.intake.release import ReleasedCell, ReleasedNotebook

_CELL_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")

# nbclient does not run a cell with the first tag, so that its test would count as passed.
_TAGS_THAT_MATTER = frozenset({"skip-execution", "raises-exception"})
_MOST_NAMES = 5


def repaired(
    name: str, submitted: Notebook, release: ReleasedNotebook, flags: Flags, earlier: EarlierNotebook | None = None
) -> dict[str, Any]:
    """The notebook to grade, as nbformat 4.5 has it; what was not as released is in ``flags``.

    Args:
        name: of the file, as it is shown.
        earlier: what earlier releases had; nobody is blamed for that.
    """
    return _Repair(name, submitted, release, flags, earlier or EarlierNotebook()).make()


@dataclass
class _Repair:
    name: str
    submitted: Notebook
    release: ReleasedNotebook
    flags: Flags
    earlier: EarlierNotebook
    is_earlier: bool = False  # whether something of it is as an earlier release had it, and the present has not

    def make(self) -> dict[str, Any]:
        for sentence in self.submitted.repairs:
            self.flags.add(Kind.FORMAT, self.name, sentence)
        found = recognise(self.release, self.submitted.cells)
        self._tell_of_stripped(found)
        left_out = self._copies(found)
        for cell in found.unknown:
            if self._is_from_before(self.earlier.had(claimed_id(cell))):
                continue
            self._say(Kind.UNKNOWN_ID, cell, claimed_id(cell), (
                "has an nbgrader id that this assignment does not have (pasted from another one?); "
                "it counts as a cell of the student's own."
            ))  # fmt: skip
        known = found.all()
        astray = moved(self.release, known)
        if astray and not self._is_from_before(self.earlier.had_order(self.release, known)):
            for released in astray:
                self._tell_of_moved(released, known[released.grade_id])
        put_back = {released.grade_id for released in astray if not released.is_answer}
        roles = {cell.number: grade_id for grade_id, cell in known.items()}
        arrangement = Arrangement(
            self.release,
            [
                (roles.get(cell.number, ""), self._checked(roles.get(cell.number, ""), cell, found))
                for cell in self.submitted.cells
                if cell.number not in left_out and roles.get(cell.number) not in put_back
            ],
        )
        for grade_id, released in self.release.cells.items():
            if grade_id in put_back:
                arrangement.put(released, self._checked(grade_id, known[grade_id], found))
            elif grade_id not in known:
                self._tell_of_missing(released)
                arrangement.put(released, released.cell)
        if self.is_earlier:
            self.flags.add(Kind.EARLIER_RELEASE, self.name, SENTENCE)
        return self._as_json(arrangement.cells)

    def _checked(self, grade_id: str, cell: Cell, found: Recognition) -> Cell:
        """The cell as it goes into the copy: of the release's, type and locked text are the release's."""
        if not grade_id:
            return cell
        released = self.release.cells[grade_id]
        if grade_id in found.by_id:
            self._compare_metadata(released, cell)
        is_changed = cell.cell_type != released.cell.cell_type
        if is_changed and not self._is_from_before(self.earlier.had_type(grade_id, cell.cell_type)):
            self._say(
                Kind.CELL_TYPE, cell, grade_id,
                f"was changed from {released.cell.cell_type} to {cell.cell_type}; it was changed back.",
            )  # fmt: skip
        return replace(
            cell,
            cell_type=released.cell.cell_type,
            source=self._source(released, cell),
            attachments=cell.attachments if released.is_answer else released.cell.attachments,
        )

    def _source(self, released: ReleasedCell, cell: Cell) -> str:
        original = released.cell.source
        if likeness.same(cell.source, original):
            return original  # also of an answer: nbgrader compares checksums to see that there is none
        if released.is_answer:
            is_stub = self._is_from_before(self.earlier.had_stub(released.grade_id, cell.source))
            return original if is_stub else cell.source
        if released.cell.cell_type == "code" and likeness.same_program(cell.source, original):
            return original
        if self._is_from_before(self.earlier.had_text(released.grade_id, cell)):
            return original
        kind, what = (Kind.EDITED_TEST, "this test") if released.is_test else (Kind.EDITED, "this locked cell")
        self._say(kind, cell, released.grade_id, f"{what} was edited; the released version was put back.")
        return original

    def _compare_metadata(self, released: ReleasedCell, cell: Cell) -> None:
        theirs = cell.nbgrader or {}
        names = differing(released.nbgrader, theirs)
        if names and self._is_from_before(self.earlier.had_metadata(released.grade_id, theirs)):
            names = []
        if "points" in names:
            was, now = released.nbgrader.get("points"), theirs.get("points")
            self._say(
                Kind.METADATA, cell, released.grade_id,
                f"its points were changed from {was} to {shown(str(now))}; they were changed back.",
            )  # fmt: skip
            names.remove("points")
        if names:
            listed = ", ".join(shown(name) for name in names[:_MOST_NAMES])
            self._say(
                Kind.METADATA, cell, released.grade_id,
                f"its nbgrader metadata were changed ({listed}); the released ones were put back.",
            )  # fmt: skip
        tags = sorted(_TAGS_THAT_MATTER.intersection(cell.tags) - set(released.cell.tags))
        if tags:
            self._say(
                Kind.METADATA, cell, released.grade_id,
                f"it was tagged {', '.join(tags)}, which changes how it is run; the tag was removed.",
            )  # fmt: skip

    def _copies(self, found: Recognition) -> set[int]:
        """Tell of cells that are there twice; the numbers of those that hold nothing of the student's."""
        left_out: set[int] = set()
        for grade_id, copies in found.copies.items():
            released, kept = self.release.cells[grade_id], found.by_id[grade_id]
            for cell in copies:
                if likeness.same(cell.source, released.cell.source):
                    left_out.add(cell.number)
                    self._say(Kind.DUPLICATED, cell, grade_id, (
                        f"is a copy of cell {kept.number}, as released; it was left out."
                    ))  # fmt: skip
                elif released.is_answer and not likeness.same(cell.source, kept.source):
                    self._say(Kind.TWO_ANSWERS, cell, grade_id, (
                        f"is a second answer beside that in cell {kept.number}, which is the one that is graded; "
                        "this one was kept as a cell of the student's own."
                    ))  # fmt: skip
                else:
                    self._say(Kind.DUPLICATED, cell, grade_id, (
                        f"is a copy of cell {kept.number}; it was kept as a cell of the student's own."
                    ))  # fmt: skip
        return left_out

    def _tell_of_stripped(self, found: Recognition) -> None:
        stripped = [
            f"cell {cell.number} as {shown(grade_id)}"
            for grade_id, cell in found.by_likeness.items()
            if not self._is_from_before(self.earlier.had(claimed_id(cell)))
        ]
        if not stripped:
            return
        listed = ", ".join(stripped[:_MOST_NAMES])
        more = len(stripped) - _MOST_NAMES
        self.flags.add(Kind.STRIPPED, self.name, (
            f"{len(stripped)} of its cells had lost their nbgrader id and were known again by cell id, text "
            f"or place: {listed}{f' and {more} more' if more > 0 else ''}."
        ))  # fmt: skip

    def _tell_of_moved(self, released: ReleasedCell, cell: Cell) -> None:
        done = "it stays where it is." if released.is_answer else "it was put back."
        self._say(Kind.MOVED, cell, released.grade_id, f"was moved among the assignment's cells; {done}")

    def _tell_of_missing(self, released: ReleasedCell) -> None:
        where = f"cell {shown(released.grade_id)}"
        if released.is_answer:
            self.flags.add(Kind.MISSING_ANSWER, self.name, (
                "the cell for this answer is missing; it was added as released. "
                "See whether the answer is in a cell of the student's own."
            ), cell=where)  # fmt: skip
        elif not self._is_from_before(self.earlier.lacked(released.grade_id)):
            what = "test" if released.is_test else "cell"
            self.flags.add(Kind.MISSING, self.name, f"this {what} is missing; it was added as released.", cell=where)

    def _is_from_before(self, was_so: bool) -> bool:
        """Whether it was so in an earlier release, which is said once for all."""
        self.is_earlier = self.is_earlier or was_so
        return was_so

    def _say(self, kind: Kind, cell: Cell, grade_id: str, sentence: str) -> None:
        shown_id = f" ({shown(grade_id)})" if grade_id else ""
        self.flags.add(kind, self.name, sentence, cell=f"cell {cell.number}{shown_id}")

    def _as_json(self, cells: Sequence[tuple[str, Cell]]) -> dict[str, Any]:
        metadata = {name: self.release.metadata[name] for name in ("kernelspec", "language_info")
                    if name in self.release.metadata}  # fmt: skip
        return {
            "cells": [as_json(cell, self._metadata(grade_id, cell)) for grade_id, cell in _with_ids(cells)],
            "metadata": copy.deepcopy(metadata),
            "nbformat": 4,
            "nbformat_minor": 5,
        }

    def _metadata(self, grade_id: str, cell: Cell) -> Mapping[str, Any]:
        if grade_id:
            return copy.deepcopy(self.release.cells[grade_id].metadata)
        return {"tags": cell.tags} if cell.tags else {}


def _with_ids(cells: Sequence[tuple[str, Cell]]) -> list[tuple[str, Cell]]:
    """The same cells, each with an id of its own: Jupyter's tools make new ones as they like."""
    used = {cell.cell_id for _, cell in cells}
    made: list[tuple[str, Cell]] = []
    given: set[str | None] = set()
    number = 0
    for grade_id, cell in cells:
        cell_id = cell.cell_id
        if cell_id is None or cell_id in given or not _CELL_ID.fullmatch(cell_id):
            while (cell_id := f"cell-{number}") in used:
                number += 1
            number += 1
        given.add(cell_id)
        made.append((grade_id, replace(cell, cell_id=cell_id)))
    return made
