"""Students who work with a release that was corrected later are blamed for nothing; one line says so."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from autograder.intake import Kind, examine
from autograder.intake.earlier import Earlier, read, remember
from autograder.intake.limits import Limits
from autograder.intake.release import read_release
from tests.support.submissions import ANSWERS, NAME, Desk, Notebook, assert_gradable, cell_of, id_of, own_cell, released

NOTE = (
    "count.ipynb: it is from an earlier release of the assignment; what is locked was put there as it is released now."
)


def _text(notebook: Notebook) -> None:
    cell_of(notebook, "imports")["source"] = "import collections"


def _test(notebook: Notebook) -> None:
    cell_of(notebook, "test-by-key")["source"] = "assert count_by_key([]) == 0"


def _points(notebook: Notebook) -> None:
    cell_of(notebook, "test-by-key")["metadata"]["nbgrader"]["points"] = 1


def _type(notebook: Notebook) -> None:
    cell = cell_of(notebook, "imports")
    cell["cell_type"] = "markdown"
    del cell["outputs"], cell["execution_count"]


def _order(notebook: Notebook) -> None:
    cells = notebook["cells"]
    cells.append(cells.pop(cells.index(cell_of(notebook, "test-by-key"))))


def _no_test(notebook: Notebook) -> None:
    notebook["cells"].remove(cell_of(notebook, "test-by-key"))


def _other_id(notebook: Notebook) -> None:
    cell_of(notebook, "test-by-key")["metadata"]["nbgrader"]["grade_id"] = "test-count"


def _more(notebook: Notebook) -> None:
    nbgrader = {"grade": False, "grade_id": "more", "locked": True, "schema_version": 3, "solution": False}
    notebook["cells"].append(own_cell("Read this.", "markdown", nbgrader=nbgrader | {"task": False, "checksum": "0"}))


def _all(notebook: Notebook) -> None:
    for change in (_test, _points, _type, _more):
        change(notebook)


def earlier(tmp_path: Path, change: Callable[[Notebook], object]) -> tuple[Notebook, Earlier]:
    """An earlier release that differs by ``change``, and what a course remembers of it and of the present one."""
    notebook = released()
    change(notebook)
    for cell in notebook["cells"]:
        if id_of(cell):
            cell["metadata"]["nbgrader"]["checksum"] = f"another of {id_of(cell)}"
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / NAME).write_text(json.dumps(notebook))
    for folder in ("old", "release", "old"):
        remember(tmp_path / "state" / "first.json", read_release(tmp_path / folder, Limits()))
    return notebook, read(tmp_path / "state" / "first.json")


def answer(notebook: Notebook) -> Notebook:
    """The notebook with every answer right."""
    made = copy.deepcopy(notebook)
    for grade_id, source in ANSWERS.items():
        cell_of(made, grade_id)["source"] = source
    return made


@pytest.mark.parametrize("change", [_text, _test, _points, _type, _order, _no_test, _other_id, _more, _all])
def test_work_with_an_earlier_release_is_one_note(
    desk: Desk, tmp_path: Path, change: Callable[[Notebook], object]
) -> None:
    """What is locked is as it is released now, and nobody is asked to look."""
    notebook, known = earlier(tmp_path, change)
    desk.examine(answer(notebook))

    intake = examine(desk.submission, desk.release, earlier=known)

    assert_gradable(intake.notebooks[NAME])
    assert [cell_of(dict(intake.notebooks[NAME]), each)["source"] for each in ANSWERS] == list(ANSWERS.values())
    assert intake.lines() == [NOTE]
    assert not any(flag.needs_human for flag in intake.flags)


def test_edit_of_an_earlier_release_is_still_told(desk: Desk, tmp_path: Path) -> None:
    """A test that no release had was edited, whichever release the rest is from."""
    notebook, known = earlier(tmp_path, _points)
    mine = answer(notebook)
    cell_of(mine, "test-partition-of")["source"] = "pass"
    desk.examine(mine)

    kinds = [flag.kind for flag in examine(desk.submission, desk.release, earlier=known).flags]

    assert kinds == [Kind.EDITED_TEST, Kind.EARLIER_RELEASE]


def test_answer_that_an_earlier_release_did_not_ask_for_is_told(desk: Desk, tmp_path: Path) -> None:
    """It costs points, so a person looks whether the student was told of it."""
    notebook, known = earlier(tmp_path, lambda old: old["cells"].remove(cell_of(old, "by-key")))
    desk.examine(notebook)

    assert Kind.MISSING_ANSWER in [flag.kind for flag in examine(desk.submission, desk.release, earlier=known).flags]


@pytest.mark.parametrize(
    ("stub", "is_unanswered"), [("YOUR ANSWER HERE, please", True), ("Order holds within one partition.", False)]
)
def test_stub_of_an_earlier_release_is_no_answer(desk: Desk, tmp_path: Path, stub: str, *, is_unanswered: bool) -> None:
    """Unless the earlier release gave the answer away: then it is one for who handed it in."""
    notebook, known = earlier(tmp_path, lambda old: cell_of(old, "explain").update(source=stub))
    desk.examine(notebook)

    made = dict(examine(desk.submission, desk.release, earlier=known).notebooks[NAME])

    assert cell_of(made, "explain")["source"] == ("YOUR ANSWER HERE" if is_unanswered else stub)


def test_checksum_alone_is_no_edit(desk: Desk, tmp_path: Path) -> None:
    """It is another one when a stub was corrected, also where nobody remembers the earlier release."""
    notebook, _ = earlier(tmp_path, lambda _: None)

    assert desk.examine(answer(notebook)).lines() == []


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"count.ipynb": {}}', '{"count.ipynb": {"orders": 3, "cells": 4}}']
)
def test_damaged_memory_only_makes_more_lines(tmp_path: Path, content: str) -> None:
    """It is made anew."""
    (tmp_path / "first.json").write_text(content)

    assert read(tmp_path / "first.json") == {}
