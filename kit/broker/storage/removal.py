"""Deleting files: at once for the log, later for the disk.

A deleted segment gets Kafka's suffix ``.deleted`` immediately and is unlinked after ``file.delete.delay.ms``. Windows
refuses to rename or unlink a file that is open; there, while an answer is still being read from it, the file keeps its
name and unlinking is tried again and again.
"""

from __future__ import annotations

import logging
import shutil
import uuid
from collections.abc import Iterable
from pathlib import Path

from kit.broker.clock import Clock, Timer

log = logging.getLogger(__name__)

DELETED_SUFFIX = ".deleted"
DELETED_DIRECTORY_SUFFIX = "-delete"
STRAY_DIRECTORY_SUFFIX = "-stray"
_MAX_NAME = 255 - 33  # a file name has at most 255 bytes, and 33 of them make it unique
_RETRY_MS = 1000


class Remover:
    """Removes files and directories of one log, or of one log directory, some time after they were given up."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due: dict[Path, Timer] = {}

    def remove_files(self, paths: Iterable[Path], delay_ms: int) -> None:
        """Give up files; those that do not exist are skipped."""
        for path in paths:
            try:
                self._schedule(path.replace(path.with_name(path.name + DELETED_SUFFIX)), delay_ms)
            except FileNotFoundError:
                continue
            except OSError:
                self._schedule(path, delay_ms)

    def remove_directory(self, directory: Path, delay_ms: int) -> None:
        """Give up a partition's directory; its name is free at once."""
        try:
            self._schedule(directory.rename(parked(directory, DELETED_DIRECTORY_SUFFIX)), delay_ms)
        except FileNotFoundError:
            pass
        except OSError as error:
            log.warning("cannot rename %s (%s); removing what is in it now", directory, error)
            _empty_now(directory)

    def _schedule(self, path: Path, delay_ms: int) -> None:
        self._due[path] = self._clock.call_later(delay_ms, lambda: self._remove(path))

    def _remove(self, path: Path) -> None:
        self._due.pop(path, None)
        if not _removed(path):
            self._schedule(path, _RETRY_MS)

    def close(self) -> None:
        """Remove now what is still due; what cannot be removed is found at the next start."""
        for path, timer in self._due.items():
            timer.cancel()
            _removed(path)
        self._due.clear()


def parked(directory: Path, suffix: str) -> Path:
    """The name that a partition's directory gets when it is given up: a unique one with Kafka's suffix."""
    return directory.with_name(f"{directory.name[: _MAX_NAME - len(suffix)]}.{uuid.uuid4().hex}{suffix}")


def _removed(path: Path) -> bool:
    try:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        log.debug("cannot remove %s yet: %s", path, error)
        return False
    return True


def _empty_now(directory: Path) -> None:
    """Windows, with a reader in the directory: a file that cannot go is emptied, so that no later log finds records."""
    for path in directory.iterdir():
        if not _removed(path):
            with path.open("r+b") as file:
                file.truncate(0)
