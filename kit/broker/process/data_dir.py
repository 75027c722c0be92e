"""The folder of one cluster: locked while the cluster runs, removed afterwards when it is temporary."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
from pathlib import Path

from kit.file_lock import lock

LOCK_FILE = ".lock"  # Kafka's own name for it
LOG_FILE = "server.log"
TEMPORARY_PREFIX = "kafka-kit-"
_TEMPORARY_MARK = ".temporary"  # tells a folder that may be removed from one that somebody only named alike
_BROKER_FOLDER = re.compile(r"broker-(\d+)")
_SETTLED_S = 60.0  # a folder this old has been locked by its cluster, if there still is one


class DataDirError(Exception):
    """The folder cannot be used; the text says why and what to do."""


class DataDir:
    """An existing folder that belongs to one running cluster.

    The lock is the operating system's own on the file ``.lock``, so it ends with the process that holds it, however
    that ends: a stale one cannot be left behind. The file's text, the process id, is for messages only.

    Args:
        is_temporary: remove the folder on `close`; nothing in it needs to survive a loss of power.
        is_shared: other processes of the same cluster use it too, each with an exclusive lock on a folder inside; who
            does not share is refused. On Windows, where no lock can be shared, nothing is locked.

    Raises:
        DataDirError: another cluster uses it, or it cannot be written to.
    """

    def __init__(self, path: Path, *, is_temporary: bool, is_shared: bool = False) -> None:
        self.path = path
        self.is_temporary = is_temporary
        self._is_shared = is_shared
        self._lock_path = path / LOCK_FILE
        try:
            self._lock_fd = os.open(self._lock_path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise DataDirError(f"The folder {path} cannot be written to ({error.strerror}).") from error
        try:
            lock(self._lock_fd, is_shared=is_shared)
        except OSError as error:
            owner = self._owner()
            os.close(self._lock_fd)
            if error.errno not in (errno.EACCES, errno.EAGAIN, errno.EDEADLK):
                raise DataDirError(f"The folder {path} cannot be locked ({error.strerror}).") from error
            raise DataDirError(
                f"The folder {path} is in use by a running cluster (process {owner}): "
                "close() that cluster first, or choose another data_dir."
            ) from error
        if is_temporary:
            (path / _TEMPORARY_MARK).touch()
        os.ftruncate(self._lock_fd, 0)
        os.write(self._lock_fd, str(os.getpid()).encode())

    def check_brokers(self, node_ids: list[int]) -> None:
        """Make sure that no broker that has data here is left out.

        Raises:
            DataDirError: one is; its partitions could not be served.
        """
        found = [int(match[1]) for entry in self.path.iterdir() if (match := _BROKER_FOLDER.fullmatch(entry.name))]
        if max(found, default=0) > max(node_ids):
            raise DataDirError(
                f"The folder {self.path} holds the data of {max(found)} brokers, not {len(node_ids)}: "
                f"start it with brokers={max(found)}, or choose another data_dir."
            )

    def close(self, *, keep: bool = False) -> None:
        """Unlock the folder, and remove it when it is temporary and nobody shares it any more.

        Args:
            keep: only unlock it.
        """
        os.close(self._lock_fd)
        if self.is_temporary and not keep and (not self._is_shared or is_unlocked(self.path)):
            shutil.rmtree(self.path, ignore_errors=True)

    def holders(self) -> list[int]:
        """The ids of the processes that use the folders of single nodes inside, as far as that can be seen."""
        found: list[int] = []
        for entry in self.path.glob(f"*/{LOCK_FILE}"):
            with contextlib.suppress(OSError, ValueError):
                if not is_unlocked(entry.parent):
                    found.append(int(entry.read_text(encoding="ascii")))
        return found

    def remove_left_overs(self, now_s: float) -> None:
        """Remove temporary folders beside this one whose clusters are gone.

        A cluster removes its own folder; one that was killed together with its notebook could not.

        Args:
            now_s: seconds since 1970.
        """
        if not self.is_temporary:
            return
        for path in left_overs(self.path.parent, now_s):
            if path != self.path:
                shutil.rmtree(path, ignore_errors=True)
        for path in self.path.parent.glob(f"{TEMPORARY_PREFIX}*"):
            with contextlib.suppress(OSError):  # not empty, so a cluster has it; else its start died early
                if now_s - path.stat().st_mtime >= _SETTLED_S:
                    path.rmdir()

    def _owner(self) -> str:
        return os.read(self._lock_fd, 32).decode("ascii", "replace") or "unknown"


def left_overs(parent: Path, now_s: float) -> list[Path]:
    """The temporary folders of clusters that are gone, in the folder for temporary files.

    Args:
        now_s: seconds since 1970; what is younger than a minute may be a cluster that is starting.
    """
    marks = parent.glob(f"{TEMPORARY_PREFIX}*/{_TEMPORARY_MARK}")
    return sorted(mark.parent for mark in marks if _is_left_over(mark.parent, now_s))


def _is_left_over(path: Path, now_s: float) -> bool:
    try:
        if now_s - (path / LOCK_FILE).stat().st_mtime < _SETTLED_S:
            return False
    except OSError:
        return False  # not ours to judge: no cluster's folder, or another user's
    return is_unlocked(path)


def is_unlocked(path: Path) -> bool:
    """Whether no process uses a folder; not so where nobody ever locked one, and where that cannot be found out."""
    try:
        fd = os.open(path / LOCK_FILE, os.O_RDWR)
    except OSError:
        return False
    try:
        lock(fd)
    except OSError:
        return False
    finally:
        os.close(fd)
    return True
