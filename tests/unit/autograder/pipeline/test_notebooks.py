"""Hidden tests do not go into a kernel, and only outputs come out of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from autograder.job import Stop
from autograder.judge.writing import error
from autograder.pipeline.notebooks import points_of, refuse_forged, take_outputs, text, without_tests

_SECRET = "assert f(41) == 42"


def notebook(*sources: str) -> dict[str, Any]:
    """A notebook with an answer cell and then test cells of 2 points."""
    cells = []
    for number, source in enumerate(sources):
        marks = {"grade_id": f"c{number}", "solution": number == 0, "grade": number > 0, "locked": number > 0}
        cells.append(
            {
                "cell_type": "code",
                "id": f"c{number}",
                "metadata": {"nbgrader": marks | {"points": 2, "schema_version": 3}},
                "source": source,
                "outputs": [],
                "execution_count": None,
            }
        )
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def ran(made: dict[str, Any], *outputs: list[Any]) -> str:
    """The notebook after its first cells have run."""
    copy = json.loads(text(made))
    for number, (cell, each) in enumerate(zip(copy["cells"], outputs, strict=False), 1):
        cell["outputs"], cell["execution_count"] = each, number
    return json.dumps(copy)


def test_without_tests_hides_tests_and_keeps_answers() -> None:
    """Test cells are empty, other locked cells have the text that students know; the original keeps its own."""
    made = notebook("def f(x): return x + 1", f"assert f(1) == 2\n{_SECRET}", f"{_SECRET}")
    released = notebook("def f(x): ...", "assert f(1) == 2", "def given(): ...")
    for each in (made, released):
        each["cells"][2]["metadata"]["nbgrader"]["grade"] = False
    copy = without_tests(made, released)

    assert _SECRET not in text(copy)
    assert [cell["source"] for cell in copy["cells"]] == ["def f(x): return x + 1", "", "def given(): ..."]
    assert _SECRET in text(made)


def test_take_outputs_takes_nothing_else() -> None:
    """Text, points and names of the notebook that came back do not count; outputs of no known shape neither."""
    made = notebook("x = 1", "assert x")
    back = json.loads(ran(made, [{"output_type": "stream", "name": "stdout", "text": ["a", "b"]}], [{"data": 3}, 7]))
    back["cells"][1]["source"] = "pass"
    back["cells"][1]["metadata"]["nbgrader"]["points"] = 1000

    assert take_outputs(made, "n.ipynb", json.dumps(back), ())
    assert made["cells"][0]["outputs"] == [{"output_type": "stream", "name": "stdout", "text": "ab"}]
    assert made["cells"][1]["source"] == "assert x"
    assert made["cells"][1]["metadata"]["nbgrader"]["points"] == 2
    assert made["cells"][1]["outputs"] == []
    assert points_of(made["cells"][1]) == (2, 2)


@pytest.mark.parametrize("back", ["", "{}", '{"cells": 3}', json.dumps(notebook("x = 1"))])
def test_take_outputs_gives_nothing_for_another_notebook(back: str) -> None:
    """What did not come back as it went in has not run."""
    made = notebook("x = 1", "assert x")

    assert not take_outputs(made, "n.ipynb", back, ())
    assert points_of(made["cells"][1]) == (0, 2)


def test_take_outputs_gives_nothing_for_cells_that_did_not_end() -> None:
    """The kernel died in one test cell, and the next was not reached: neither has passed."""
    made = notebook("x = 1", "assert x", "assert x", "assert x")
    stops = (Stop("died", "n.ipynb, code cell 3 (c2)", "The kernel ended itself."),)

    assert take_outputs(made, "n.ipynb", ran(made, [], [], []), stops)
    assert [points_of(cell)[0] for cell in made["cells"][1:]] == [2, 0, 0]
    assert "The kernel ended itself." in made["cells"][3]["outputs"][0]["evalue"]


def test_take_outputs_believes_no_result_of_a_cell_that_died() -> None:
    """A result that was put out before the end does not count."""
    made = notebook("x = 1", "assert x")
    result = {"output_type": "execute_result", "execution_count": 2, "data": {"text/plain": "2"}, "metadata": {}}
    stops = (Stop("memory", "n.ipynb, code cell 2 (c1)", "Too much memory."),)
    take_outputs(made, "n.ipynb", ran(made, [], [result]), stops)

    assert points_of(made["cells"][1]) == (0, 2)


def test_take_outputs_leaves_other_notebooks_alone() -> None:
    """A stop in one notebook costs nothing in another."""
    made = notebook("x = 1", "assert x")
    stops = (Stop("died", "other.ipynb, code cell 2 (c1)", "It ended."),)
    take_outputs(made, "n.ipynb", ran(made, [], []), stops)

    assert points_of(made["cells"][1]) == (2, 2)


@pytest.mark.parametrize("data", [{"text/plain": "3"}, {"text/html": "2"}, {}])
def test_refuse_forged_gives_nothing_for_what_nbgrader_cannot_read(data: dict[str, str]) -> None:
    """Nbgrader would stop in the middle, with the points of the cells before already written."""
    made = notebook("x = 1", "assert x", "assert x")
    result = {"output_type": "execute_result", "execution_count": 2, "data": data, "metadata": {}}
    take_outputs(made, "n.ipynb", ran(made, [], [result], []), ())

    assert len(refuse_forged(made)) == 1
    assert [points_of(cell)[0] for cell in made["cells"][1:]] == [0, 2]


def test_points_of_is_nbgraders_partial_credit() -> None:
    """A number is points, an error none."""
    cell = notebook("", "assert x")["cells"][1]
    cell["outputs"] = [
        {"output_type": "execute_result", "execution_count": 1, "data": {"text/plain": "0.5"}, "metadata": {}}
    ]
    assert points_of(cell) == (0.5, 2)
    cell["outputs"] = [error("AssertionError", "no")]
    assert points_of(cell) == (0, 2)
