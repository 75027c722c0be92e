"""Runs Python modules as an ordinary user, also when the tests run as root.

``.ci/ordinary-user`` makes one, with a Python and a copy of this project that it can read; ``KIT_ORDINARY_USER`` is the
folder that it printed. Without it, root's child gets a view of the file system of its own, in which the folders on the
way to root's interpreter and to this project can be entered and hold nothing else; then it becomes a user without a
name or any right. Whoever is not root is ordinary already.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_PROJECT = Path(__file__).parents[2]
_NOBODY_ELSE = 54_321  # no other process has this user, so its limits count only what the tests start


@dataclass(frozen=True)
class Ordinary:
    """Who runs what the tests must not run as root.

    Attributes:
        user, group: their numbers.
        python: its interpreter.
        project: where it imports from.
    """

    user: int
    group: int
    python: Path
    project: Path


def ordinary() -> Ordinary:
    """The user of this run; root's must have been made where every part is required."""
    folder = os.environ.get("KIT_ORDINARY_USER", "")
    if os.geteuid() != 0:
        return Ordinary(os.geteuid(), os.getegid(), Path(sys.executable), _PROJECT)
    if folder:
        made = Path(folder)
        home = (made / "home").stat()
        return Ordinary(home.st_uid, home.st_gid, made / "venv" / "bin" / "python", made / "project")
    if os.environ.get("KIT_REQUIRE_ALL") == "1":
        from tests.support.requirements import missing

        missing("an ordinary user", "run .ci/ordinary-user and set KIT_ORDINARY_USER to the folder that it prints")
    return Ordinary(_NOBODY_ELSE, _NOBODY_ELSE, Path(sys.executable), _PROJECT)


def start(module: str, arguments: Sequence[str] = (), **more: Any) -> subprocess.Popen[str]:
    """Start ``python -m module``; ``more`` goes to `subprocess.Popen`."""
    who = ordinary()
    command = [str(who.python), "-m", module, *arguments]
    if os.geteuid() == 0:
        if who.user == _NOBODY_ELSE:
            command = [sys.executable, "-m", __name__, *command[1:]]
        else:
            more |= {"user": who.user, "group": who.group, "extra_groups": []}
    path = os.pathsep.join([str(who.python.parent), os.environ["PATH"]])
    environment = {"PATH": path, "PYTHONPATH": str(who.project), "HOME": "/nonexistent"}
    return subprocess.Popen(command, env=environment | more.pop("env", {}), cwd=who.project, text=True, **more)


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """An empty folder that this user can write; root's own are closed to it. `give` hands over what was put there."""
    made = Path(tempfile.mkdtemp(prefix="kit-ordinary-", dir="/var/tmp"))
    try:
        give(made)
        yield made
    finally:
        shutil.rmtree(made)


def give(path: Path) -> None:
    """Make this user the owner of a folder and all that is in it."""
    if os.geteuid() == 0:
        who = ordinary()
        for each in (path, *path.rglob("*")):
            os.chown(each, who.user, who.group, follow_symlinks=False)


def _become_ordinary(needed: Sequence[Path]) -> None:
    """Give up root, for good."""
    from autograder.jail import syscalls

    syscalls.unshare(syscalls.CLONE_NEWNS)
    syscalls.mount("none", "/", None, syscalls.MS_REC | syscalls.MS_PRIVATE)
    shut: dict[Path, list[Path]] = {}
    for path in needed:
        first_shut = next((each for each in reversed(path.parents) if not each.stat().st_mode & 0o001), None)
        if first_shut is not None:
            shut.setdefault(first_shut, []).append(path)
    for closed, paths in shut.items():
        opened = {path: os.open(path, os.O_PATH) for path in dict.fromkeys(paths)}
        syscalls.mount("tmpfs", str(closed), "tmpfs", 0, "mode=755")
        for path, fd in opened.items():
            path.mkdir(parents=True, exist_ok=True)
            syscalls.mount(f"/proc/self/fd/{fd}", str(path), None, syscalls.MS_BIND | syscalls.MS_REC)
    os.setgroups([])
    os.setresgid(_NOBODY_ELSE, _NOBODY_ELSE, _NOBODY_ELSE)
    os.setresuid(_NOBODY_ELSE, _NOBODY_ELSE, _NOBODY_ELSE)


if __name__ == "__main__":
    _become_ordinary([Path(sys.base_prefix), Path(sys.prefix), _PROJECT])
    os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
