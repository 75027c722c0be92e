"""What earlier releases of an assignment had: students who work with one of those did nothing wrong.

It is kept in a file of the course, for each notebook and cell once, however often the assignment was released.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from autograder.intake import likeness
from autograder.intake.flags import Kind, listed, shown
from autograder.intake.notebook import Cell
from autograder.intake.order import moved
from autograder.intake.release import Release, ReleasedCell, ReleasedNotebook
from autograder.state_file import write_json

SENTENCE = "it is from an earlier release of the assignment; what is locked was put there as it is released now."

_SAID = (SENTENCE, f"about '{Kind.EARLIER_RELEASE}'.")  # the second of `Flags`, where there are very many notebooks
_MOST_NAMED = 5  # students in a line; of more, the others are counted
_CHECKSUM = "checksum"  # of the text that an answer had when it was released: it proves nothing about who changed it


@dataclass(frozen=True)
class Version:
    """What a release had for a cell: ``nbgrader`` without its checksum."""

    cell_type: str
    source: str
    nbgrader: dict[str, Any]


@dataclass(frozen=True)
class EarlierNotebook:
    """A notebook as it was released before, and as it is now.

    Attributes:
        orders: the grade_ids of each release, in their order.
        cells: grade_id -> what releases had for it.
    """

    orders: list[list[str]] = field(default_factory=list)
    cells: dict[str, list[Version]] = field(default_factory=dict)

    def had(self, grade_id: str) -> bool:
        """Whether a release had such a cell."""
        return grade_id in self.cells

    def lacked(self, grade_id: str) -> bool:
        """Whether a release had no such cell."""
        return any(grade_id not in order for order in self.orders)

    def had_type(self, grade_id: str, cell_type: str) -> bool:
        """Whether a release had the cell with this type."""
        return any(version.cell_type == cell_type for version in self.cells.get(grade_id, ()))

    def had_text(self, grade_id: str, cell: Cell) -> bool:
        """Whether a release had the cell with the text of ``cell``."""
        return any(
            likeness.same(cell.source, version.source)
            or (version.cell_type == cell.cell_type == "code" and likeness.same_program(cell.source, version.source))
            for version in self.cells.get(grade_id, ())
        )

    def had_stub(self, grade_id: str, source: str) -> bool:
        """Whether a release asked for an answer with this text; not so where it had given the answer away."""
        return likeness.is_stub(source) and any(
            likeness.same(source, version.source) for version in self.cells.get(grade_id, ())
        )

    def had_metadata(self, grade_id: str, nbgrader: Mapping[str, Any]) -> bool:
        """Whether a release had the cell with this of nbgrader's."""
        return any(not differing(version.nbgrader, nbgrader) for version in self.cells.get(grade_id, ()))

    def had_order(self, release: ReleasedNotebook, found: Mapping[str, Cell]) -> bool:
        """Whether a release had the cells that were found in their order."""
        return any(found.keys() <= set(order) and not moved(_in_order(release, order), found) for order in self.orders)


Earlier = Mapping[str, EarlierNotebook]  # by file name


def is_said(line: str) -> bool:
    """Whether a line of the intake's only says that work is from an earlier release."""
    return line.endswith(_SAID)


def said_of(students: Sequence[str]) -> str:
    """One line for all whose work is from an earlier release: they did nothing wrong, and it may be the whole class."""
    count = len(students)
    names = listed([*map(shown, students)], _MOST_NAMED)
    return (
        f"{count} {'submission is' if count == 1 else 'submissions are'} from an earlier release of the assignment: "
        f"{names}. That is no fault; what is locked was put there as it is released now."
    )


def differing(released: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    """The names of nbgrader's metadata that are not alike, but for the checksum; what is empty is as good as none."""
    return [
        name
        for name in sorted(released.keys() | theirs.keys())
        if name != _CHECKSUM and (theirs.get(name) or None) != (released.get(name) or None)
    ]


def read(file: Path) -> dict[str, EarlierNotebook]:
    """What is kept in ``file``; nothing when there is none or it cannot be read, for then it only makes more lines."""
    try:
        return {
            name: EarlierNotebook(
                [[str(grade_id) for grade_id in order] for order in each["orders"]],
                {grade_id: [Version(**version) for version in cell] for grade_id, cell in each["cells"].items()},
            )
            for name, each in json.loads(file.read_text(encoding="utf-8")).items()
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return {}


def remember(file: Path, release: Release) -> dict[str, EarlierNotebook]:
    """Keep what ``release`` has in ``file``, beside that of earlier ones.

    Returns:
        All of it.

    Raises:
        OSError: it cannot be written.
    """
    known = read(file)
    is_new = False
    for name, notebook in release.notebooks.items():
        kept = known.setdefault(name, EarlierNotebook())
        order = list(notebook.cells)
        if order not in kept.orders:
            kept.orders.append(order)
            is_new = True
        for grade_id, released in notebook.cells.items():
            version = _version(released)
            versions = kept.cells.setdefault(grade_id, [])
            if version not in versions:
                versions.append(version)
                is_new = True
    if is_new:
        write_json(file, {name: asdict(each) for name, each in known.items()})
    return known


def _version(released: ReleasedCell) -> Version:
    nbgrader = {name: value for name, value in released.nbgrader.items() if name != _CHECKSUM}
    return Version(released.cell.cell_type, released.cell.source, nbgrader)


def _in_order(release: ReleasedNotebook, order: list[str]) -> ReleasedNotebook:
    cells = {
        grade_id: replace(release.cells[grade_id], index=index)
        for index, grade_id in enumerate(order)
        if grade_id in release.cells
    }
    return replace(release, cells=cells)
