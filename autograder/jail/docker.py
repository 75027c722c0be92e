"""The jail of a Docker container, for machines that have no Linux of their own.

The image has Python with this project's packages: `autograder doctor --build-image` makes it. On Linux none is needed:
an empty one is made, and the system's own folders are bound into it for reading, as bubblewrap does. The arena's host
runs in a container too, without any network but its own 127.0.0.1, which the kernels' containers join.
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
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from autograder.code_digest import code_digest
from autograder.jail import image
from autograder.jail.cage import Cage
from autograder.jail.errors import JailError
from autograder.jail.root_folder import WORK, python_places, system_places

_EMPTY = "autograder-empty:1"
_ENGINE_S = 30
_USER = 1000
_MIB = 1024 * 1024
_ARENA_BYTES, _ARENA_PROCESSES = 2048 * _MIB, 512
_SLACK_BYTES = 128 * _MIB  # so that the first process sees that too much is held before the engine kills one of many
SPENT = {"memory": 171, "disk": 172}
"""The exit statuses of the first process when it ended the kernel for that; a kernel's own never come out as these."""
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
    name = _image()
    if name is None:
        named = os.environ.get("AUTOGRADER_IMAGE")
        lacks = f"there is no image {named!r} (AUTOGRADER_IMAGE)" if named else "there is no image for it"
        return f"{lacks}: `autograder doctor --build-image` makes one"
    made_from = _code_of(name)
    if made_from not in {"", code_digest()}:
        return f"the image {name} has another version of this package: `autograder doctor --build-image` makes it again"
    return None


def container(cage: Cage) -> Container:
    """The container for a cage.

    Raises:
        JailError: it cannot be made.
    """
    network = "none"
    if cage.network is not None:
        if cage.network.container is None:
            raise JailError("a Docker container joins an arena's network only if that is a container's")
        network = f"container:{cage.network.container}"
    budget = cage.budget
    memory = 2 * budget.memory_bytes + budget.disk_bytes + _SLACK_BYTES  # its files are in memory too
    made = _Options(f"autograder-{uuid.uuid4().hex}", network, memory, budget.processes + 8)
    made.writable(WORK, budget.disk_bytes)
    made.writable(Path("/tmp"), budget.disk_bytes)
    made.add("--volume", f"{cage.scratch}:{GIVEN}:ro", "--workdir", str(WORK), "--env", f"HOME={WORK}")
    return made.running(cage.readable, "-P", "-s", "-m", "autograder.kernel.contained", cage.to_json())


def arena(*python: str) -> Container:
    """The container of an arena's host; its network has a 127.0.0.1 and nothing else.

    Args:
        python: the arguments of its Python.

    Raises:
        JailError: it cannot be made.
    """
    made = _Options(f"autograder-arena-{uuid.uuid4().hex}", "none", _ARENA_BYTES, _ARENA_PROCESSES)
    made.writable(Path("/tmp"), _ARENA_BYTES)
    made.add("--workdir", "/tmp", "--env", "HOME=/tmp")
    return made.running(python_places(), *python)


def kill(name: str) -> None:
    """End a container; one that has ended already is no error."""
    _docker("kill", name)


class _Options:
    """The options of one container; all that the engine can take away from it is taken away."""

    def __init__(self, name: str, network: str, memory_bytes: int, processes: int) -> None:
        self._name = name
        # The student's files are the grader's; without a user of that kind any number will do.
        self._user = (hasattr(os, "getuid") and os.getuid()) or _USER
        memory = str(memory_bytes)
        self._made = ["--rm", "--interactive", "--name", name, "--network", network, "--read-only"]
        self._made += [
            "--cap-drop",
            "ALL",
            "--security-opt",
            "no-new-privileges",
            "--user",
            f"{self._user}:{self._user}",
        ]
        self._made += ["--memory", memory, "--memory-swap", memory, "--pids-limit", str(processes)]

    def add(self, *options: str) -> None:
        """Some more."""
        self._made += options

    def writable(self, folder: Path, size_bytes: int) -> None:
        """A folder in memory."""
        self.add("--tmpfs", f"{folder}:size={size_bytes},uid={self._user},mode=1777,exec")

    def running(self, readable: Iterable[Path], *python: str) -> Container:
        """The container, with Python in it.

        Raises:
            JailError: there is no image.
        """
        found = _image()
        if found is None:
            raise JailError("there is no image for it")
        if found == _EMPTY:
            self._made += _bound(readable)
        program = sys.executable if found == _EMPTY else "python"
        return Container(self._name, ("docker", "run", *self._made, found, program, *python))


def _bound(readable: Iterable[Path]) -> list[str]:
    """The system's own folders, at their own places; an engine follows links, so links come as what they lead to."""
    made = ["--env", f"PYTHONPATH={Path(__file__).parents[2]}"]
    for path in (*system_places(), *sorted(set(readable))):
        if path.exists():
            made += ["--volume", f"{path.resolve()}:{path}:ro"]
    return made


@functools.cache
def _image() -> str | None:
    """The image to be used; on Linux the empty one unless another is named."""
    named = os.environ.get("AUTOGRADER_IMAGE", image.NAME if sys.platform != "linux" else None)
    if named is not None:
        return named if _docker("image", "inspect", named).returncode == 0 else None
    if _docker("image", "inspect", _EMPTY).returncode:
        empty = io.BytesIO()
        tarfile.open(fileobj=empty, mode="w").close()
        if _docker("import", "-", _EMPTY, content=empty.getvalue()).returncode:
            return None
    return _EMPTY


def _code_of(name: str) -> str:
    """Which version of this package an image was made from; empty when it does not say."""
    asked = _docker("image", "inspect", "--format", f'{{{{index .Config.Labels "{image.LABEL}"}}}}', name)
    return asked.stdout.decode().strip() if asked.returncode == 0 else ""


def _docker(*arguments: str, content: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["docker", *arguments], input=content, capture_output=True, timeout=_ENGINE_S, check=False)
