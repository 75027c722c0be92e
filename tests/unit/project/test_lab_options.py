"""JupyterLab is started for the labs, and fetches nothing."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from tools import lab


def test_lab_opens_the_students_copy_of_the_first_lab() -> None:
    """The folder is the one for copies, and the address is the welcome page's."""
    options = lab.jupyter_options()

    assert f"--ServerApp.root_dir={lab.ROOT / 'work'}" in options
    assert "--LabApp.default_url=/lab/tree/00-welcome.ipynb" in options
    assert (lab.LABS / lab.FIRST_LAB).exists()


def test_labs_are_copied_once_and_never_over_a_students_work(tmp_path: Path) -> None:
    """What a student has changed stays; what is new arrives; a deleted copy comes again."""
    labs, work = tmp_path / "labs", tmp_path / "work"
    labs.mkdir()
    (labs / "01.ipynb").write_text("one")
    assert lab.copy_new_labs(labs, work) == ["01.ipynb"]
    (work / "01.ipynb").write_text("my answer")
    (labs / "02.ipynb").write_text("two")

    assert lab.copy_new_labs(labs, work) == ["02.ipynb"]

    assert (work / "01.ipynb").read_text() == "my answer"
    (work / "01.ipynb").unlink()
    assert lab.copy_new_labs(labs, work) == ["01.ipynb"]


def test_lab_asks_the_network_for_nothing() -> None:
    """News, update check and extension catalogue are off."""
    options = lab.jupyter_options()

    assert "--LabApp.news_url=None" in options
    assert f"--LabApp.app_settings_dir={lab.LAB_SETTINGS}" in options
    assert json.loads((lab.LAB_SETTINGS / "overrides.json").read_text()).popitem()[1]["fetchNews"] == "false"
    assert "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate" in options
    assert "--LabApp.extension_manager=readonly" in options


@pytest.mark.parametrize(("user", "allowed"), [(0, True), (1000, False)])
def test_lab_runs_as_root_only_for_root(user: int, allowed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Jupyter's protection against root stays on for everybody else."""
    monkeypatch.setattr(os, "geteuid", lambda: user, raising=False)

    assert ("--allow-root" in lab.jupyter_options()) is allowed
