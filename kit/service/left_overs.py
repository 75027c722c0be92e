"""What a service leaves that was ended by force: its files, its socket, and for a moment its brokers."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from kit.broker.process.data_dir import LOCK_FILE, TEMPORARY_PREFIX, is_unlocked
from kit.service import channel, folder
from kit.service.folder import NameLock, Record

_BROKERS_END_S = 5.0  # they look for their parent twice a second
_KILLED_END_S = 5.0
_PAUSE_S = 0.02


def clean() -> list[str]:
    """Remove what crashed services left; those that run are not touched.

    Returns:
        The names of those that had left something.
    """
    return [name for name in folder.names() if clean_one(name)]


def clean_one(name: str) -> bool:
    """Remove what one service left, if it does not run; whether it had crashed."""
    try:
        ours = NameLock(name, patience_s=0)
    except OSError:  # it runs, or there is no folder
        return False
    try:
        return tidy(name)
    finally:
        ours.release()


def tidy(name: str) -> bool:
    """Remove what the last service of that name left besides its files here, while its lock is ours."""
    if not folder.is_known(name):
        return False
    record = folder.read_record(name)
    if record is not None:
        channel.discard(record.address)
        _end_brokers(record)
        _remove_temporary(record)
    return True


def users_of(data_dir: Path) -> list[int]:
    """The ids of the processes that run brokers on a cluster's folder, whether a service is known or not."""
    found: list[int] = []
    for lock in _held_locks(data_dir, "embedded"):
        with contextlib.suppress(OSError, ValueError):
            found.append(int(lock.read_text("ascii")))
    return found


def _end_brokers(record: Record) -> None:
    """Wait for brokers whose service is gone; those that hang are killed."""
    if record.data_dir is None:
        return
    data_dir = Path(record.data_dir)
    if _wait_for_unlocked(data_dir, record.backend, _BROKERS_END_S):
        return
    for lock in _held_locks(data_dir, record.backend):
        # Who holds the lock wrote its id there, so it is nobody else's.
        with contextlib.suppress(OSError, ValueError):
            os.kill(int(lock.read_text("ascii")), getattr(signal, "SIGKILL", signal.SIGTERM))
    _wait_for_unlocked(data_dir, record.backend, _KILLED_END_S)


def _wait_for_unlocked(data_dir: Path, backend: str, timeout_s: float) -> bool:
    give_up_s = time.monotonic() + timeout_s
    while any(_held_locks(data_dir, backend)):
        if time.monotonic() >= give_up_s:
            return False
        time.sleep(_PAUSE_S)
    return True


def _held_locks(data_dir: Path, backend: str) -> Iterator[Path]:
    """The lock files of a cluster's folder whose processes live; not those that several of them share."""
    folders = data_dir.glob("*/") if backend == "processes" else [data_dir]
    for each in folders:
        if (each / LOCK_FILE).exists() and not is_unlocked(each):
            yield each / LOCK_FILE


def _remove_temporary(record: Record) -> None:
    if record.is_temporary and record.data_dir is not None and Path(record.data_dir).name.startswith(TEMPORARY_PREFIX):
        shutil.rmtree(record.data_dir, ignore_errors=True)
