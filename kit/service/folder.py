"""The kit's folder: for each service a file with what others need to reach it, and a lock that says whether it lives.

``clusters/NAME.json`` is the `Record`, ``NAME.lock`` is locked by the process as long as it lives, ``NAME.log`` is what
it logs. The operating system ends the lock with the process, however that ends, so nobody ever takes another process
that got the same id for the service.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import json
import os
import re
import time
from pathlib import Path
from typing import Any

from kit.errors import StartError
from kit.file_lock import lock
from kit.home import home

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_LOCK_PATIENCE_S = 2.0  # whoever only looks whether a service lives has the lock for a moment
_PAUSE_S = 0.02
_HELD = (errno.EACCES, errno.EAGAIN, errno.EDEADLK)


def clusters() -> Path:
    """The folder of the services; it need not be there."""
    return home() / "clusters"


def made_clusters() -> Path:
    """The folder of the services, there from now on and readable by nobody else.

    Raises:
        StartError: it cannot be made, or belongs to somebody else.
    """
    folder = clusters()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if hasattr(os, "getuid") and folder.stat().st_uid != os.getuid():
            raise PermissionError(errno.EPERM, "it belongs to another user")
        for each in (folder, folder.parent):
            if each.stat().st_mode & 0o077:
                each.chmod(0o700)
    except OSError as error:
        raise StartError(
            f"The kit cannot keep its notes in {folder} ({error.strerror}): name another folder with the environment "
            "variable KIT_HOME."
        ) from error
    return folder


def check_name(name: object) -> str:
    """A name that a service can have.

    Raises:
        StartError: it cannot be a file's name everywhere.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise StartError(
            f"{name!r} cannot be the name of a cluster: use up to 64 letters, digits, '.', '_' and '-', "
            "beginning with a letter or digit."
        )
    return name


@dataclasses.dataclass(frozen=True, slots=True)
class Record:
    """What is known about a service.

    Attributes:
        kind: what it is for: "up", "practice".
        backend: what runs its cluster, as `kit.start` names it.
        address: of its control channel, see `kit.service.channel`.
        key: what proves to the service that somebody may read this file, in hexadecimal digits.
        data_dir: where the brokers' files are; None when they are not on this computer's disk.
        is_temporary: whether they go with the cluster.
        started_ms: milliseconds since 1970.
    """

    name: str
    kind: str
    pid: int
    backend: str
    bootstrap_servers: str
    address: str | list[Any]
    key: str = dataclasses.field(repr=False)
    data_dir: str | None
    is_temporary: bool
    started_ms: int

    def write(self) -> None:
        """Put it where others find it, whole or not at all."""
        path = path_of(self.name, "json")
        draft = path.with_suffix(".tmp")
        draft.unlink(missing_ok=True)
        draft.touch(mode=0o600, exist_ok=False)
        draft.write_text(json.dumps(dataclasses.asdict(self)), encoding="utf-8")
        draft.replace(path)


def read_record(name: str) -> Record | None:
    """What is known about a service; None when there is nothing, or only rubbish."""
    try:
        return Record(**json.loads(path_of(name, "json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def path_of(name: str, suffix: str) -> Path:
    """One of the files of a service: "json", "lock" or "log"."""
    return clusters() / f"{name}.{suffix}"


def names() -> list[str]:
    """All services that something is known of, alive or not."""
    found = {path.stem for suffix in ("json", "lock") for path in clusters().glob(f"*.{suffix}")}
    return sorted(name for name in found if _NAME.fullmatch(name))


class NameLock:
    """The right to be the service of that name; it ends with `release`, or with this process.

    Args:
        patience_s: how long to wait for another one to end.

    Raises:
        BlockingIOError: another process has it.
        OSError: the file cannot be made or locked.
    """

    def __init__(self, name: str, *, patience_s: float = _LOCK_PATIENCE_S) -> None:
        self._path = path_of(name, "lock")
        give_up_s = time.monotonic() + patience_s
        while (fd := self._taken()) is None:
            if time.monotonic() >= give_up_s:
                raise BlockingIOError(errno.EAGAIN, f"{name} is running")
            time.sleep(_PAUSE_S)
        self._fd = fd

    def _taken(self) -> int | None:
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            lock(fd)
            # Its last owner may have removed the file meanwhile: then this lock keeps nobody else out.
            if self._path.exists() and os.path.samestat(os.fstat(fd), self._path.stat()):
                return fd
        except OSError as error:
            if error.errno not in _HELD:
                os.close(fd)
                raise
        os.close(fd)
        return None

    def release(self) -> None:
        """Remove the service's files, and let others have its name."""
        for suffix in ("json", "tmp", "log", "log.1"):
            path_of(self._path.stem, suffix).unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # Windows removes no open file
            self._path.unlink()
        os.close(self._fd)

    def give_back(self) -> None:
        """Let others have the name, and leave everything as it is."""
        os.close(self._fd)


def is_held(name: str) -> bool:
    """Whether a process is the service of that name now."""
    if not path_of(name, "lock").exists():
        return False
    try:
        look = NameLock(name, patience_s=0)
    except OSError:
        return True
    look.give_back()
    return False
