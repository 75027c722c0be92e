"""The labs of a folder, as their first cells tell it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kit.lessons.lab_list import LabPage, lab_pages
from tools.environment import ROOT


def write(folder: Path, name: str, first_cell: object) -> None:
    """Write a notebook of one cell."""
    cell = {"cell_type": "markdown", "source": first_cell}
    (folder / name).write_text(json.dumps({"cells": [cell]}), encoding="utf-8")


def test_page_has_title_minutes_and_outcomes_in_the_labs_own_words(tmp_path: Path) -> None:
    """Marks of Markdown and numbers of outcomes go, the words stay."""
    head = "# Lab 03: Partitions & keys\n\n**About 45 minutes.** You need x.\n\n"
    text = f"{head}- predict `hash` *(outcome O4)*;\n- do *(outcomes O1, O2)*.\n"
    write(tmp_path, "03-partitions-and-keys.ipynb", text.splitlines(keepends=True))

    assert lab_pages(tmp_path) == [
        LabPage("03", "03-partitions-and-keys.ipynb", "Partitions & keys", 45, ("predict hash", "do"))
    ]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"cells": []}', '{"cells": [{"source": 7}]}', "\ud800"])
def test_damaged_notebook_is_known_by_its_name(content: str, tmp_path: Path) -> None:
    """A map with one damaged notebook is better than none."""
    (tmp_path / "02-topics-and-names.ipynb").write_bytes(content.encode("utf-8", "surrogatepass"))

    assert lab_pages(tmp_path) == [LabPage("02", "02-topics-and-names.ipynb", "Topics and names")]


def test_only_labs_are_listed_by_number(tmp_path: Path) -> None:
    """Other notebooks in the folder, copies and checkpoints are no labs."""
    for name in ("10-b.ipynb", "01-a.ipynb", "Untitled.ipynb", "01-a-Copy1 (2).ipynb", "1-x.ipynb", "01-a.txt"):
        write(tmp_path, name, "")

    assert [page.number for page in lab_pages(tmp_path)] == ["01", "10"]


def test_every_lab_of_the_project_tells_all_of_it() -> None:
    """Number, title, time and outcomes of each lab can be read from its first cell."""
    pages = lab_pages(ROOT / "labs")

    assert pages
    assert len({page.number for page in pages}) == len(pages)
    for page in pages:
        assert page.minutes, page
        assert page.outcomes, page
        assert page.title
