"""Notebooks on their way into a kernel and back: hidden tests stay outside, and only outputs come back."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from autograder.job import Stop
from autograder.judge.writing import Notebook, close_unfinished, error, test_cells

# `autograder.execute` says so where something was cut short.
_IN_CELL = re.compile(r"(?P<notebook>.*), code cell (?P<number>\d{1,6})( \(.*\))?", re.DOTALL)
_OUTPUTS = frozenset({"stream", "display_data", "execute_result", "error"})


def read(path: Path) -> Notebook:
    """A notebook that nbgrader wrote; each text in it is one string."""
    import nbformat

    made: Notebook = nbformat.read(path, as_version=nbformat.NO_CONVERT)  # type: ignore[no-untyped-call]
    return made


def text(notebook: Notebook) -> str:
    """A notebook as JSON text, for programs: indented, it would take ten times as long to write."""
    return json.dumps(notebook, ensure_ascii=False, allow_nan=False)


def without_tests(notebook: Notebook, release: Notebook) -> Notebook:
    """A copy in which each locked cell has the text that students were given, and test cells have none.

    So no hidden test is in it, and no time goes into tests whose outputs a judge's will replace.
    """
    texts = {
        grade_id: cell["source"]
        for cell in release["cells"]
        if (grade_id := _locked_id(cell)) and not cell["metadata"]["nbgrader"].get("grade")
    }
    made: Notebook = json.loads(json.dumps(notebook))
    for cell in made["cells"]:
        grade_id = _locked_id(cell)
        if grade_id:
            cell["source"] = texts.get(grade_id, "")
    return made


def take_outputs(notebook: Notebook, name: str, executed: str, stops: Sequence[Stop]) -> bool:
    """Put the outputs of ``executed`` into ``notebook``, and nothing else of it.

    A test cell that has not run to its end gets an error that says why: without one, nbgrader would give it all points.

    Returns:
        Whether ``executed`` was the same notebook; if not, nothing of it is taken.
    """
    cells = _code_cells(executed)
    own = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    is_same = cells is not None and len(cells) == len(own)
    for cell, ran in zip(own, cells or [], strict=False) if is_same else ():
        count = ran.get("execution_count")
        cell["execution_count"] = count if isinstance(count, int) else None
        cell["outputs"] = [each for each in map(_output, ran.get("outputs") or []) if each is not None]
    if is_same:
        _close_stopped(own, name, stops)
    why = stops[0].sentence if stops else "The notebook was not run to its end."
    close_unfinished(notebook, f"This cell was not run. {why}")
    return is_same


def _close_stopped(cells: Sequence[dict[str, Any]], name: str, stops: Sequence[Stop]) -> None:
    """Let each code cell in which something was cut short say so, before whatever else it says."""
    for stop in stops:
        found = _IN_CELL.fullmatch(stop.where)
        if not found or found["notebook"] != name or not 0 < int(found["number"]) <= len(cells):
            continue
        outputs = cells[int(found["number"]) - 1]["outputs"]
        has_result = any(each["output_type"] in {"error", "execute_result"} for each in outputs)
        if stop.kind != "output" or not has_result:
            outputs.insert(0, error("CutShort", stop.sentence))


def refuse_forged(notebook: Notebook) -> list[str]:
    """Give 0 points to test cells whose result nbgrader cannot read, where it would stop in the middle of recording.

    Returns:
        A line for the instructor about each.
    """
    lines = []
    for cell in test_cells(notebook):
        marks = cell["metadata"]["nbgrader"]
        try:
            points_of(cell)
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, IndexError):
            words = f"The result of this cell is no number of points from 0 to {marks['points']:g}."
            cell["outputs"] = [error("NoPoints", words)]
            lines.append(f"{marks['grade_id']}: its result is no number of points that it can have; it got 0.")
    return lines


def points_of(cell: dict[str, Any]) -> tuple[float, float]:
    """The points that nbgrader gives for a test cell's outputs, and those that it could give.

    Raises:
        ValueError, KeyError, TypeError, AttributeError, OverflowError, IndexError: the outputs are none it can read.
    """
    import nbformat
    from nbgrader.utils import determine_grade

    points, of = determine_grade(nbformat.from_dict(cell))  # type: ignore[no-untyped-call]
    return float(points), float(of)


def _locked_id(cell: Mapping[str, Any]) -> str:
    marks = cell["metadata"].get("nbgrader", {})
    is_locked = not marks.get("solution") and (marks.get("grade") or marks.get("locked"))
    return str(marks["grade_id"]) if is_locked and cell["cell_type"] == "code" else ""


def _code_cells(executed: str) -> list[dict[str, Any]] | None:
    try:
        cells = [cell for cell in json.loads(executed)["cells"] if cell["cell_type"] == "code"]
    except (ValueError, KeyError, TypeError):
        return None
    return cells


def _output(output: Any) -> dict[str, Any] | None:
    """An output with the fields that nbformat gives it; None for something else."""
    import nbformat
    from nbformat.v4 import nbformat as version
    from nbformat.v4 import nbformat_minor

    if not isinstance(output, dict) or output.get("output_type") not in _OUTPUTS:
        return None
    made: dict[str, Any] = nbformat.from_dict(output)  # type: ignore[no-untyped-call]
    for name in ("text", "data"):
        if isinstance(made.get(name), dict):
            made[name] = {
                kind: _joined(value) if kind.startswith("text/") else value for kind, value in made[name].items()
            }
        elif name in made:
            made[name] = _joined(made[name])
    try:
        nbformat.validate(made, ref=output["output_type"], version=version, version_minor=nbformat_minor)
    except nbformat.ValidationError:
        return None
    return dict(made)


def _joined(value: Any) -> Any:
    return "".join(map(str, value)) if isinstance(value, list) else value
