"""What students were given: the folder that ``nbgrader generate_assignment`` writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autograder.intake import json_text, notebook
from autograder.intake.limits import Limits


class ReleaseError(ValueError):
    """The release version cannot be compared with. The text says why and what to do."""


@dataclass(frozen=True)
class ReleasedCell:
    """A cell that nbgrader looks after.

    Attributes:
        index: its place in the release, from 0.
        cell: type, text and id.
        metadata: all of them, nbgrader's included.
    """

    grade_id: str
    index: int
    cell: notebook.Cell
    metadata: Mapping[str, Any]

    @property
    def is_answer(self) -> bool:
        """Whether the student writes into it."""
        return bool(self.nbgrader.get("solution")) or (self.is_task and not self.nbgrader.get("locked"))

    @property
    def is_task(self) -> bool:
        """Whether it describes work that is done in other cells and graded by hand."""
        return bool(self.nbgrader.get("task"))

    @property
    def is_test(self) -> bool:
        """Whether running it gives points."""
        return bool(self.nbgrader.get("grade")) and not self.is_answer

    @property
    def nbgrader(self) -> Mapping[str, Any]:
        """What nbgrader knows about it."""
        found: Mapping[str, Any] = self.metadata["nbgrader"]
        return found


@dataclass(frozen=True)
class ReleasedNotebook:
    """One notebook of an assignment.

    Attributes:
        cells: those that nbgrader looks after, in their order, by grade_id.
        texts: the text of each other cell -> its place, from 0. Students may do with those what they like.
        metadata: of the notebook: its kernel and language.
    """

    cells: Mapping[str, ReleasedCell]
    texts: Mapping[str, int]
    metadata: Mapping[str, Any]


@dataclass(frozen=True)
class Release:
    """An assignment.

    Attributes:
        notebooks: by file name.
        files, folders: the paths of everything in it, with slashes.
    """

    notebooks: Mapping[str, ReleasedNotebook]
    files: frozenset[str]
    folders: frozenset[str]


def read_release(folder: Path, limits: Limits) -> Release:
    """Read an assignment as released.

    Raises:
        ReleaseError: it is no such folder, or a notebook in it makes no sense.
    """
    everything = list(folder.rglob("*"))
    notebooks = {path.name: _read_notebook(path, limits) for path in sorted(folder.glob("*.ipynb"))}
    if not notebooks:
        raise ReleaseError(f"{folder} has no notebook. Run `nbgrader generate_assignment` and name the release folder.")
    return Release(
        notebooks,
        frozenset(path.relative_to(folder).as_posix() for path in everything if not path.is_dir()),
        frozenset(path.relative_to(folder).as_posix() for path in everything if path.is_dir()),
    )


def _read_notebook(path: Path, limits: Limits) -> ReleasedNotebook:
    try:
        value = json_text.parse(path.read_bytes(), limits).value
        read = notebook.read(value, limits)
    except (OSError, json_text.NotJsonError, notebook.NotANotebookError) as error:
        raise ReleaseError(f"{path} cannot be compared with ({error}). Run `nbgrader generate_assignment`.") from error
    cells: dict[str, ReleasedCell] = {}
    texts: dict[str, int] = {}
    for cell in read.cells:
        index = cell.number - 1
        if not looked_after(cell.nbgrader):
            texts.setdefault(cell.source.strip(), index)
            continue
        nbgrader = cell.nbgrader or {}
        grade_id = nbgrader.get("grade_id")
        if not isinstance(grade_id, str) or grade_id in cells:
            raise ReleaseError(f"{path} has an nbgrader id twice, or a cell without one: cell {cell.number}.")
        if nbgrader.get("solution") and "checksum" not in nbgrader:
            raise ReleaseError(f"{path} is not the release version. Name the folder under release/, not under source/.")
        cells[grade_id] = ReleasedCell(grade_id, index, cell, value["cells"][index]["metadata"])
    return ReleasedNotebook(cells, texts, value.get("metadata", {}))


def looked_after(nbgrader: Mapping[str, Any] | None) -> bool:
    """Whether nbgrader does anything with a cell of these metadata; it leaves empty ones in many a notebook."""
    return nbgrader is not None and any(nbgrader.get(role) for role in ("grade", "solution", "locked", "task"))
