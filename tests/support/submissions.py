"""Submissions of students, made from what nbgrader released (`tests/unit/autograder/intake/count_release.json`)."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autograder.intake import Intake, Limits, examine

_HERE = Path(__file__).parents[1] / "unit" / "autograder" / "intake"
SOURCE = _HERE / "count_source.json"  # what an instructor wrote
RELEASE = _HERE / "count_release.json"  # what `nbgrader generate_assignment` of nbgrader 0.9.6 made of it
NAME = "count.ipynb"

Notebook = dict[str, Any]

ANSWERS = {
    "by-key": 'def count_by_key(records):\n    """How many of the (key, value) pairs have each key."""\n'
    "    return Counter(key for key, _ in records)",
    "partition-of": 'def partition_of(key, partitions):\n    """The partition of a key, by the sum of its bytes."""\n'
    "    return sum(key.encode()) % partitions",
    "explain": "Order holds within one partition.",
    "sketch": "%timeit -n1 -r1 count_by_key([])",
}


def released() -> Notebook:
    """The notebook as students get it."""
    notebook: Notebook = json.loads(RELEASE.read_text(encoding="utf-8"))
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"])
    return notebook


def answered() -> Notebook:
    """The notebook with every answer right."""
    notebook = released()
    for grade_id, source in ANSWERS.items():
        cell_of(notebook, grade_id)["source"] = source
    return notebook


def cell_of(notebook: Notebook, grade_id: str) -> dict[str, Any]:
    """The first cell that says this id."""
    found: dict[str, Any] = next(cell for cell in notebook["cells"] if id_of(cell) == grade_id)
    return found


def id_of(cell: dict[str, Any]) -> str:
    """The nbgrader id that a cell says, or nothing."""
    grade_id: str = cell["metadata"].get("nbgrader", {}).get("grade_id", "")
    return grade_id


def ids(notebook: Notebook) -> list[str]:
    """The nbgrader ids of the cells, in their order."""
    return [grade_id for cell in notebook["cells"] if (grade_id := id_of(cell))]


def own_cell(source: str, cell_type: str = "code", **metadata: Any) -> dict[str, Any]:
    """A cell that a student adds."""
    cell: dict[str, Any] = {"cell_type": cell_type, "metadata": metadata, "source": source}
    return cell | {"outputs": [], "execution_count": None} if cell_type == "code" else cell


class Desk:
    """Where a student hands in, and an instructor looks at it.

    Args:
        folder: an empty one; ``release`` and ``submission`` appear in it.
    """

    def __init__(self, folder: Path) -> None:
        self.release = folder / "release"
        self.submission = folder / "submission"
        self.release.mkdir()
        self.submission.mkdir()
        (self.release / NAME).write_bytes(RELEASE.read_bytes())

    def examine(self, notebook: Notebook | bytes | None = None, **limits: Any) -> Intake:
        """Hand in a notebook, if one is given, and look at everything that is there."""
        if notebook is not None:
            content = notebook if isinstance(notebook, bytes) else json.dumps(notebook).encode()
            (self.submission / NAME).write_bytes(content)
        return examine(self.submission, self.release, Limits(**limits))


def changed(which: str, /, **changes: Any) -> Notebook:
    """A right notebook with one cell changed: its ``source``, ``cell_type``, or names of nbgrader's metadata."""
    notebook = copy.deepcopy(answered())
    cell = cell_of(notebook, which)
    for name, value in changes.items():
        place = cell if name in {"source", "cell_type"} else cell["metadata"]["nbgrader"]
        place[name] = value
    return notebook


def assert_gradable(notebook: Mapping[str, Any]) -> None:
    """Every cell that nbgrader looks after is there once, with the released metadata, type and locked text."""
    import nbformat

    nbformat.validate(dict(notebook))
    original = released()
    assert sorted(ids(dict(notebook))) == sorted(ids(original))
    for grade_id in ids(original):
        should, made = cell_of(original, grade_id), cell_of(dict(notebook), grade_id)
        assert made["metadata"] == should["metadata"]
        assert made["cell_type"] == should["cell_type"]
        if grade_id not in ANSWERS:
            assert made["source"] == should["source"]
