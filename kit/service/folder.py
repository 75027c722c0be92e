"""The kit's folder: for each service a file with what others need to reach it, and a lock that says whether it lives.

``clusters/NAME.json`` is the `Record`, ``NAME.lock`` is locked by the process as long as it lives, ``NAME.log`` is what
it logs. The operating system ends the lock with the process, however that ends, so nobody ever takes another process
that got the same id for the service. The file of the lock has the same text as the record, so that a record that
somebody damaged or removed hides no process; the process puts back what it misses (`Notes.keep`).
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
        draft.write_text(self.to_text(), encoding="utf-8")
        draft.replace(path)

    def to_text(self) -> str:
        """As it is in files."""
        return json.dumps(dataclasses.asdict(self))


def read_record(name: str) -> Record | None:
    """What is known about a service; None when there is nothing, or only rubbish."""
    return _read(name, "json") or _read(name, "lock")


def _read(name: str, suffix: str) -> Record | None:
    try:
        record = Record(**json.loads(path_of(name, suffix).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
    return record if record.name == name else None


def is_known(name: str) -> bool:
    """Whether there is a record of a service, readable or not."""
    return path_of(name, "json").exists() or _read(name, "lock") is not None


def path_of(name: str, suffix: str) -> Path:
    """One of the files of a service: "json", "lock" or "log"."""
    return clusters() / f"{name}.{suffix}"


def names() -> list[str]:
    """All services that something is known of, alive or not."""
    found = {path.stem for suffix in ("json", "lock") for path in clusters().glob(f"*.{suffix}")}
    return sorted(name for name in found if _NAME.fullmatch(name))


def crashed() -> list[str]:
    """The services that ended without removing what is known about them."""
    return [name for name in names() if is_known(name) and not is_held(name)]


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
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(fd), self._path.stat()):
                    return fd
        except OSError as error:
            if error.errno not in _HELD:
                os.close(fd)
                raise
        os.close(fd)
        return None

    @property
    def is_in_place(self) -> bool:
        """Whether others meet this lock: somebody may have removed its file."""
        try:
            return os.path.samestat(os.fstat(self._fd), self._path.stat())
        except OSError:
            return False

    def write(self, text: str) -> None:
        """Put a text into the lock's file, in place of the one that is there.

        Raises:
            OSError: it cannot be written.
        """
        data = text.encode()
        os.lseek(self._fd, 0, os.SEEK_SET)
        os.write(self._fd, data)
        os.ftruncate(self._fd, len(data))

    def forget(self) -> None:
        """Remove what is known about the service, and keep its name."""
        with contextlib.suppress(OSError):
            self.write("")  # Windows will not remove the file itself while it is open
        for suffix in ("json", "tmp", "log", "log.1"):
            path_of(self._path.name.removesuffix(".lock"), suffix).unlink(missing_ok=True)

    def release(self) -> None:
        """Remove the service's files, and let others have its name."""
        if self._path.exists() and not self.is_in_place:  # another one's by now, and its files too
            os.close(self._fd)
            return
        self.forget()
        with contextlib.suppress(OSError):
            self._path.unlink()
        os.close(self._fd)

    def give_back(self) -> None:
        """Let others have the name, and leave everything as it is."""
        os.close(self._fd)


class Notes:
    """The files of a running service, for the process that is it.

    Args:
        lock: the right to its name.

    Raises:
        OSError: they cannot be written.
    """

    def __init__(self, lock: NameLock, record: Record) -> None:
        self.lock = lock
        self._record = record
        self._write()

    def keep(self) -> None:
        """Put back what somebody removed or damaged, so that the service is found again.

        Raises:
            OSError: it cannot be put back; ``BlockingIOError`` when another process has the name meanwhile.
            StartError: the folder cannot be made again.
        """
        name = self._record.name
        if not self.lock.is_in_place:
            made_clusters()
            mine = NameLock(name, patience_s=0)
            self.lock.give_back()
            self.lock = mine
        if any(_read(name, suffix) != self._record for suffix in ("json", "lock")):
            self._write()

    def _write(self) -> None:
        self.lock.write(self._record.to_text())
        self._record.write()


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
