"""The map of the labs: what is shown for which progress."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from kit.checks.attempts import remember
from kit.checks.registry import labs
from kit.widgets import LabMap

FIRST = [step.name for step in next(lab for lab in labs() if lab.number == "01").steps]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder with three labs and no progress."""
    monkeypatch.setenv("KIT_PROGRESS", str(tmp_path / "progress.json"))
    for name, title in {"00-welcome": "Welcome", "01-first": "First <b>records</b>", "99-new": "Brand new"}.items():
        text = f"# Lab {name[:2]}: {title}\n\n**About 30 minutes.** You need x.\n\n- learn {title};\n"
        (tmp_path / f"{name}.ipynb").write_text(json.dumps({"cells": [{"source": text}]}), encoding="utf-8")
    return tmp_path


def html(lab_map: LabMap) -> str:
    """Give the page without its style."""
    return lab_map._repr_html_().partition("</style>")[2]


def test_map_links_every_other_lab_by_its_file(folder: Path) -> None:
    """A link is relative, so that it works wherever the folder is; the lab that we are in needs none."""
    shown = html(LabMap("00", folder))

    assert re.findall(r'href="([^"]+)"', shown) == ["01-first.ipynb", "99-new.ipynb"]
    assert re.findall(r"aria-current=page", shown) == ["aria-current=page"]
    assert "you are here" in shown


def test_words_of_notebooks_are_text(folder: Path) -> None:
    """A title that looks like HTML is shown as it is written."""
    assert "First &lt;b&gt;records&lt;/b&gt;" in html(LabMap("00", folder))


def test_map_without_progress_begins_with_the_first_lab(folder: Path) -> None:
    """The lab to go on with is the first one that has checks; one without checks says so."""
    lab_map = LabMap("00", folder)

    assert lab_map.following == "01"
    assert [stop.state for stop in lab_map.stops] == ["open", "open", "open"]
    assert f"open, {len(FIRST)} checks" in str(lab_map)
    assert "nothing to check" in str(lab_map)
    assert "passed 0 of" in html(lab_map)


def test_map_tells_what_is_begun_and_what_is_done(folder: Path) -> None:
    """A lab is begun with its first try, and done when all its checks have passed."""
    lab_map = LabMap("00", folder)
    remember(FIRST[0], passed=False)
    assert lab_map.stops[1].state == "begun"
    assert f"0 of {len(FIRST)} checks" in html(lab_map)
    assert lab_map.following == "01"

    for name in FIRST:
        remember(name, passed=True)

    assert lab_map.stops[1].state == "done"
    assert f"done, {len(FIRST)} of {len(FIRST)} checks" in html(lab_map)
    assert lab_map.following is None


def test_map_tells_what_is_wrong_with_the_file_of_progress(folder: Path) -> None:
    """A damaged file costs the learner no map."""
    (folder / "progress.json").write_text("{", encoding="utf-8")

    assert 'role="note"' in html(LabMap("00", folder))


def test_folder_without_labs_gets_a_sentence(tmp_path: Path) -> None:
    """Nothing to show is told, with what to do."""
    assert "There are no labs in" in LabMap("00", tmp_path)._repr_html_()
    assert "make lab" in str(LabMap("00", tmp_path))


def test_map_asks_jupyter_where_it_is(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a number the notebook's own name decides."""
    monkeypatch.setenv("JPY_SESSION_NAME", "/home/ann/work/01-first.ipynb")

    assert LabMap(folder=folder).here == "01"
