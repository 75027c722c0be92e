"""The project's virtual environment, ``.venv``: made on the first run and left alone while nothing has changed.

Only the standard library is used here: this runs before anything is installed.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"

Purpose = Literal["lab", "test"]

# Dependency groups came with pip 25.1, and Python 3.11 brings pip 22 or 23.
PIP = "pip>=25.1"
CONSTRAINTS = ["--constraint", "constraints.txt"]
# Keyed by purpose: what pip installs for it. "test" has all of "lab".
INSTALLS: dict[Purpose, list[str]] = {
    "lab": ["--editable", "."],
    "test": ["--editable", ".", "--group", "dev"],
}


class SetupError(Exception):
    """The environment cannot be made; the text is for whoever typed the command."""


def ensure(purpose: Purpose) -> Path:
    """Return the environment's Python, after setting the environment up if it is missing or out of date.

    The second run costs two small file reads: pip is not called, so no network is needed either.

    Raises:
        SetupError: the environment could not be made, and what to do about it.
    """
    stamp = _stamp()
    if not _is_ready(purpose, stamp):
        _set_up(purpose, stamp)
    return python_path(VENV)


def python_path(venv: Path) -> Path:
    """Where a virtual environment keeps its Python on this operating system."""
    return venv / "Scripts" / "python.exe" if os.name == "nt" else venv / "bin" / "python"


def _stamp() -> str:
    """Everything that decides what is installed: the two files, where we are, and which Python makes it."""
    content = hashlib.sha256()
    for name in ("pyproject.toml", "constraints.txt"):
        content.update((ROOT / name).read_bytes())
    # The editable install remembers the folder, so a folder that moved is set up again.
    content.update(f"{ROOT} {_python_version()}".encode())
    return content.hexdigest()


def _python_version() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def _is_ready(purpose: Purpose, stamp: str) -> bool:
    return python_path(VENV).exists() and any(
        _stamp_file(name).exists() and _stamp_file(name).read_text() == stamp
        for name in INSTALLS
        if name in {purpose, "test"}
    )


def _stamp_file(purpose: Purpose) -> Path:
    return VENV / f"ready-{purpose}"


def _set_up(purpose: Purpose, stamp: str) -> None:
    print("Setting up .venv: some minutes the first time, then never again until the dependencies change.", flush=True)
    if not _has_usable_venv():
        _make_venv()
    for name in INSTALLS:
        _stamp_file(name).unlink(missing_ok=True)
    _pip("--upgrade", PIP)
    _pip(*INSTALLS[purpose])
    # Written last: a set-up that was interrupted starts again.
    _stamp_file(purpose).write_text(stamp)


def _has_usable_venv() -> bool:
    """Whether ``.venv`` runs, has pip and was made by the Python that runs now."""
    code = "import sys, pip; print('%d.%d' % sys.version_info[:2])"
    try:
        answer = subprocess.run([python_path(VENV), "-c", code], capture_output=True, text=True, check=False)
    except OSError:
        return False
    return answer.returncode == 0 and answer.stdout.strip() == _python_version()


def _make_venv() -> None:
    if importlib.util.find_spec("ensurepip") is None:
        raise SetupError(
            f"{sys.executable} cannot make a virtual environment, because its `ensurepip` module is missing. "
            "On Debian and Ubuntu: `sudo apt install python3-venv`, then try again."
        )
    if subprocess.call([sys.executable, "-m", "venv", "--clear", str(VENV)]) != 0:
        raise SetupError(
            f"{sys.executable} could not make the folder {VENV} (the reason is above). "
            "Check that the disk has 1 GB free and that you may write there, then try again."
        )


def _pip(*arguments: str) -> None:
    pip_install = ["-m", "pip", "install", "--disable-pip-version-check", *CONSTRAINTS]
    if subprocess.call([python_path(VENV), *pip_install, *arguments], cwd=ROOT) != 0:
        raise SetupError(
            "pip could not install the packages (the reason is above). "
            "Most often the network or a proxy is in the way; try again when it is back."
        )
