"""The virtual environment is made once, and again only when what it depends on has changed."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools import commands, environment


class Recorder:
    """Stands in for pip: remembers each call, and fails when told to."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, ...]] = []
        self.status = 0

    def __call__(self, *arguments: str) -> None:
        """Take one call's arguments."""
        self.calls.append(arguments)
        if self.status:
            raise environment.SetupError("pip could not install")


@pytest.fixture
def pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """A project in ``tmp_path`` with an environment that runs, and a recorded pip."""
    recorder = Recorder()
    root = tmp_path / "a path with spaces"
    (root / ".venv").mkdir(parents=True)
    for name in ("pyproject.toml", "constraints.txt"):
        (root / name).touch()
    python = environment.python_path(root / ".venv")
    python.parent.mkdir()
    python.touch()
    monkeypatch.setattr(environment, "ROOT", root)
    monkeypatch.setattr(environment, "VENV", root / ".venv")
    monkeypatch.setattr(environment, "_has_usable_venv", lambda: True)
    monkeypatch.setattr(environment, "_pip", recorder)
    return recorder


def test_ensure_upgrades_pip_before_it_installs(pip: Recorder) -> None:
    """Python 3.11's own pip knows no dependency groups, so a newer pip comes first."""
    environment.ensure("test")

    assert pip.calls == [("--upgrade", "pip>=25.1"), ("--editable", ".", "--group", "dev")]


def test_ensure_calls_no_pip_the_second_time(pip: Recorder) -> None:
    """Nothing changed, so nothing is asked of any registry."""
    environment.ensure("lab")
    pip.calls.clear()

    assert environment.ensure("lab") == environment.python_path(environment.VENV)
    assert pip.calls == []


def test_ensure_takes_a_test_environment_for_a_lab(pip: Recorder) -> None:
    """What the tests need includes what the labs need; the reverse does not hold."""
    environment.ensure("test")
    pip.calls.clear()
    environment.ensure("lab")
    assert pip.calls == []

    (environment.ROOT / "constraints.txt").write_text("changed")
    environment.ensure("lab")
    pip.calls.clear()
    environment.ensure("test")
    assert pip.calls != []


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_ensure_installs_again_when_a_dependency_file_changed(pip: Recorder, name: str) -> None:
    """After a pull that changed dependencies, the next run has them."""
    environment.ensure("lab")
    pip.calls.clear()
    (environment.ROOT / name).write_text("changed")

    environment.ensure("lab")

    assert pip.calls[-1] == ("--editable", ".")


def test_ensure_installs_again_after_a_failed_set_up(pip: Recorder) -> None:
    """A set-up that broke off is not taken for a finished one."""
    pip.status = 1
    with pytest.raises(environment.SetupError):
        environment.ensure("lab")
    pip.status = 0
    pip.calls.clear()

    environment.ensure("lab")

    assert len(pip.calls) == 2


def test_venv_without_ensurepip_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Debian's Python comes without ensurepip; the sentence names the package that has it."""
    monkeypatch.setattr(environment, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(environment.importlib.util, "find_spec", {}.get)

    with pytest.raises(environment.SetupError, match="sudo apt install python3-venv"):
        environment.ensure("lab")
    assert not (tmp_path / ".venv").exists()


def test_old_python_gets_one_sentence(tmp_path: Path) -> None:
    """tasks.py refuses before it reads anything that an old Python cannot, in one line and without a traceback."""
    old = "import sys, runpy; sys.version_info = (3, 10, 2); runpy.run_path(sys.argv[1], run_name='__main__')"
    script = environment.ROOT / "tasks.py"

    answer = subprocess.run([sys.executable, "-c", old, script], capture_output=True, text=True, check=False)

    assert answer.returncode == 1
    assert answer.stderr.startswith("This project needs Python 3.11 or newer, and this is Python 3.10")
    assert answer.stderr.count("\n") == 1


@pytest.mark.parametrize("arguments", [[], ["labs"], ["check", "--fast"]])
def test_command_that_is_not_understood_shows_the_usage(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    """A slip on the command line is answered with the commands there are, and status 2."""
    assert commands.main(arguments) == 2
    assert "python tasks.py COMMAND" in capsys.readouterr().err


def test_python_path_is_the_systems_own(tmp_path: Path) -> None:
    """Windows keeps the interpreter in another folder."""
    expected = Path("Scripts/python.exe") if os.name == "nt" else Path("bin/python")

    assert environment.python_path(tmp_path) == tmp_path / expected
