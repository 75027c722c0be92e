"""Notebooks are committed without outputs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tools import notebooks
from tools.environment import ROOT


def _notebook(**code: Any) -> dict[str, Any]:
    cell = {"cell_type": "code", "source": "1 + 1", "metadata": {}, "outputs": [], "execution_count": None, **code}
    text = {"cell_type": "markdown", "source": "Text", "metadata": {}}
    return {"cells": [text, cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def test_notebooks_of_the_project_have_no_stored_results() -> None:
    """Every notebook in the project is as clean as `python -m tools.notebooks --clean` would leave it."""
    dirty = {
        str(path.relative_to(ROOT)): found
        for path in notebooks.find(ROOT)
        if (found := notebooks.stored_results(json.loads(path.read_text(encoding="utf-8"))))
    }

    assert dirty == {}


def test_clean_notebook_has_no_findings() -> None:
    """Text and code without results are what we want."""
    assert notebooks.stored_results(_notebook()) == []


@pytest.mark.parametrize(
    ("notebook", "found"),
    [
        (_notebook(outputs=[{"output_type": "stream", "text": "2"}]), ["outputs in cell 2"]),
        (_notebook(execution_count=7), ["an execution count in cell 2"]),
        ({**_notebook(), "metadata": {"widgets": {}}}, ["widget state"]),
    ],
)
def test_stored_result_is_found_and_cleaned(notebook: dict[str, Any], found: list[str]) -> None:
    """Each kind of result is named with its place, and cleaning removes it."""
    assert notebooks.stored_results(notebook) == found

    notebooks.clean(notebook)

    assert notebook == _notebook()


def test_find_leaves_out_hidden_folders(tmp_path: Path) -> None:
    """Jupyter's checkpoints, the virtual environment and students' copies are not ours to check."""
    for name in ("labs/a.ipynb", "labs/.ipynb_checkpoints/a-checkpoint.ipynb", ".venv/b.ipynb", "work/a.ipynb"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()

    assert list(notebooks.find(tmp_path)) == [tmp_path / "labs" / "a.ipynb"]


def test_main_lists_then_cleans(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Listing fails and names the way out; after cleaning it passes."""
    monkeypatch.setattr(notebooks, "ROOT", tmp_path)
    path = tmp_path / "lab.ipynb"
    path.write_text(json.dumps(_notebook(execution_count=1)), encoding="utf-8")

    assert notebooks.main([]) == 1
    assert "lab.ipynb: an execution count in cell 2; remove with" in capsys.readouterr().out
    assert notebooks.main(["--clean"]) == 0
    assert notebooks.main([]) == 0
    assert json.loads(path.read_text(encoding="utf-8")) == _notebook()
