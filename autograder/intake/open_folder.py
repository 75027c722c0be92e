"""A folder of a stranger: what is in it, opened so that no link, pipe or device is ever followed or waited for.

Where the system can, everything is opened relative to the folder that is held open (``openat`` with ``O_NOFOLLOW``), so
nothing is gained by swapping a folder for a link meanwhile. Elsewhere (Windows) by path, compared before and after.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self

HOLDS_FOLDERS = (
    os.environ.get("KIT_FORCE_PORTABLE") != "1"
    and os.open in os.supports_dir_fd
    and os.stat in os.supports_dir_fd
    and os.scandir in os.supports_fd
)
# A pipe or a device that was put there a moment ago must not make us wait, or become our terminal.
_READ = os.O_RDONLY | sum(
    getattr(os, flag, 0) for flag in ("O_NOFOLLOW", "O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY")
)
_REPARSE_POINT = 0x400  # Windows: links, junctions and mounts


class ChangedMeanwhileError(OSError):
    """What was opened is not what was looked at."""


class OpenFolder:
    """A folder, held open while it is read.

    Args:
        path: of the folder; its last part must not be a link.
        within: the descriptor of the folder that it lies in, where folders are held.

    Raises:
        OSError: it is a link, not a folder, or may not be read.
    """

    def __init__(self, path: Path, *, within: int | None = None) -> None:
        self._path = path
        self._fd = -1
        if within is None and is_link(path.lstat()):
            raise OSError(errno.ELOOP, "It is a link", str(path))
        if HOLDS_FOLDERS:
            where = path if within is None else path.name
            self._fd = os.open(where, _READ | os.O_DIRECTORY, dir_fd=within)
        elif not stat.S_ISDIR(path.lstat().st_mode):
            raise NotADirectoryError(errno.ENOTDIR, "Not a folder", str(path))

    def names(self) -> Iterator[str]:
        """Everything in it, in no order, and no more of it read than is asked for."""
        with os.scandir(self._fd if HOLDS_FOLDERS else self._path) as entries:
            for entry in entries:
                yield entry.name

    def look(self, name: str) -> os.stat_result:
        """What ``name`` is, itself and not what it leads to."""
        if HOLDS_FOLDERS:
            return os.stat(name, dir_fd=self._fd, follow_symlinks=False)
        return (self._path / name).lstat()

    def folder(self, name: str) -> OpenFolder:
        """The folder ``name`` within this one."""
        return OpenFolder(self._path / name, within=self._fd if HOLDS_FOLDERS else None)

    def read(self, name: str, looked_at: os.stat_result, most_bytes: int) -> bytes:
        """The content of the ordinary file ``name``, and not a byte more than one beyond ``most_bytes``.

        Raises:
            ChangedMeanwhileError: it is not the file that was ``looked_at``.
            OSError: it cannot be read.
        """
        fd = os.open(name, _READ, dir_fd=self._fd) if HOLDS_FOLDERS else os.open(self._path / name, _READ)
        with os.fdopen(fd, "rb") as file:
            found = os.fstat(fd)
            if not stat.S_ISREG(found.st_mode) or not os.path.samestat(found, looked_at):
                raise ChangedMeanwhileError(errno.EIO, "It was exchanged while it was being read")
            return file.read(most_bytes + 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


def is_link(found: os.stat_result) -> bool:
    """Whether it leads somewhere else, by any means of the system."""
    return stat.S_ISLNK(found.st_mode) or bool(getattr(found, "st_file_attributes", 0) & _REPARSE_POINT)
