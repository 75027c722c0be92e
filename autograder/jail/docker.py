"""The jail of a Docker container, for machines that have no Linux of their own.

The image must have Python with this project's packages. On Linux no image is needed: an empty one is made, and the
system's own folders are bound into it for reading, as bubblewrap does.
"""

from __future__ import annotations

import functools
import io
import os
import shutil
import subprocess
import sys
import tarfile
import uuid
from dataclasses import dataclass
from pathlib import Path

from autograder.jail.cage import Cage
from autograder.jail.errors import JailError
from autograder.jail.root_folder import WORK, system_places

_EMPTY = "autograder-empty:1"
_ENGINE_S = 30
_USER = 1000
GIVEN = Path("/given")  # the student's files, to be copied from


@dataclass(frozen=True, slots=True)
class Container:
    """One container to be started.

    Attributes:
        name: by which it is killed.
        command: starts it, with the kernel's frames as its input and output.
    """

    name: str
    command: tuple[str, ...]


def missing() -> str | None:
    """Why there is no such jail here; None when there may be one."""
    if shutil.which("docker") is None:
        return "the program docker is not installed"
    try:
        answer = _docker("version", "--format", "{{.Server.Version}}")
    except (OSError, subprocess.TimeoutExpired):
        return "the Docker engine does not answer"
    if answer.returncode:
        return "the Docker engine does not answer, or this user may not use it"
    if _image() is None:
        return "there is no image for it: build one with this project's packages and name it in AUTOGRADER_IMAGE"
    return None


def container(cage: Cage) -> Container:
    """The container for a cage.

    Raises:
        JailError: it cannot be made.
    """
    if cage.network is not None:
        raise JailError("a Docker container cannot join the arena's network")
    image, budget = _image(), cage.budget
    if image is None:
        raise JailError("there is no image for it")
    user = (hasattr(os, "getuid") and os.getuid()) or _USER  # the student's files are the grader's
    name = f"autograder-{uuid.uuid4().hex}"
    memory = str(2 * budget.memory_bytes)
    made = ["docker", "run", "--rm", "--interactive", "--name", name, "--network", "none", "--read-only"]
    made += ["--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", f"{user}:{user}"]
    made += ["--memory", memory, "--memory-swap", memory, "--pids-limit", str(budget.processes + 8)]
    for folder in (WORK, Path("/tmp")):
        made += ["--tmpfs", f"{folder}:size={budget.disk_bytes},uid={user},mode=1777,exec"]
    made += ["--volume", f"{cage.scratch}:{GIVEN}:ro", "--workdir", str(WORK), "--env", f"HOME={WORK}"]
    if image == _EMPTY:
        made += _bound(cage)
    python = sys.executable if image == _EMPTY else "python"
    made += [image, python, "-P", "-m", "autograder.kernel.contained", cage.to_json()]
    return Container(name, tuple(made))


def kill(name: str) -> None:
    """End a container; one that has ended already is no error."""
    _docker("kill", name)


def _bound(cage: Cage) -> list[str]:
    """The system's own folders, at their own places; an engine follows links, so links come as what they lead to."""
    made = ["--env", f"PYTHONPATH={Path(__file__).parents[2]}"]
    for path in (*system_places(), *sorted(set(cage.readable))):
        if path.exists():
            made += ["--volume", f"{path.resolve()}:{path}:ro"]
    return made


@functools.cache
def _image() -> str | None:
    """The image to be used."""
    named = os.environ.get("AUTOGRADER_IMAGE")
    if named is not None:
        return named if _docker("image", "inspect", named).returncode == 0 else None
    if sys.platform != "linux":
        return None
    if _docker("image", "inspect", _EMPTY).returncode:
        empty = io.BytesIO()
        tarfile.open(fileobj=empty, mode="w").close()
        if _docker("import", "-", _EMPTY, content=empty.getvalue()).returncode:
            return None
    return _EMPTY


def _docker(*arguments: str, content: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["docker", *arguments], input=content, capture_output=True, timeout=_ENGINE_S, check=False)
