"""Runs a Python module as an ordinary user also when the tests run as root, on a machine that is left as it was.

Root's interpreter often lies where nobody else may look, such as root's home. So a child of root's gets a view of the
file system of its own, in which the folders on the way to the interpreter and to this project can be entered and hold
nothing else; then it becomes a user without a name or any right.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from autograder.jail import syscalls

USER = 54_321  # no other process has this user, so its limits count only what the tests start
_PROJECT = Path(__file__).parents[2]


def start(module: str, arguments: Sequence[str] = (), **more: Any) -> subprocess.Popen[str]:
    """Start ``python -m module``; ``more`` goes to `subprocess.Popen`."""
    command = [sys.executable, "-m", module, *arguments]
    if os.geteuid() == 0:
        command = [sys.executable, "-m", __name__, *command[1:]]
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(_PROJECT), "HOME": "/nonexistent"}
    return subprocess.Popen(command, env=environment, cwd=_PROJECT, text=True, **more)


def _become_ordinary(needed: Sequence[Path]) -> None:
    """Give up root, for good."""
    syscalls.unshare(syscalls.CLONE_NEWNS)
    syscalls.mount("none", "/", None, syscalls.MS_REC | syscalls.MS_PRIVATE)
    shut: dict[Path, list[Path]] = {}
    for path in needed:
        first_shut = next((each for each in reversed(path.parents) if not each.stat().st_mode & 0o001), None)
        if first_shut is not None:
            shut.setdefault(first_shut, []).append(path)
    for folder, paths in shut.items():
        opened = {path: os.open(path, os.O_PATH) for path in dict.fromkeys(paths)}
        syscalls.mount("tmpfs", str(folder), "tmpfs", 0, "mode=755")
        for path, fd in opened.items():
            path.mkdir(parents=True, exist_ok=True)
            syscalls.mount(f"/proc/self/fd/{fd}", str(path), None, syscalls.MS_BIND | syscalls.MS_REC)
    os.setgroups([])
    os.setresgid(USER, USER, USER)
    os.setresuid(USER, USER, USER)


if __name__ == "__main__":
    _become_ordinary([Path(sys.base_prefix), Path(sys.prefix), _PROJECT])
    os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
