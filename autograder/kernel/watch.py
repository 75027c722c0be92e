"""What a jail holds at this moment, seen from outside: processes, memory, files."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterable
from pathlib import Path

from autograder.jail.cage import Cage

_ALL_MEMORY = 2  # times the budget of one process, for all together
_LOOK_AT_FILES_EVERY = 3
_ROUNDS = 500
_ROUND_S = 0.002


class Watcher:
    """Says when a jail holds more than it may, where the system itself does not keep the limit.

    Args:
        cage: the jail.
        pid: its first process, or the one whose descendants live in it.
    """

    def __init__(self, cage: Cage, pid: int) -> None:
        self._budget = cage.budget
        self._pid = pid
        self._scratch = None if cage.rung == "namespaces" else cage.scratch
        self._looked = 0

    def look(self) -> str | None:
        """What must be stopped: "memory", "disk", or None."""
        self._looked += 1
        pids = descendants(self._pid)
        most = _ALL_MEMORY * self._budget.memory_bytes
        if sum(map(_held_bytes, pids)) > most and sum(map(_proportional_bytes, pids)) > most:
            return "memory"
        if self._scratch is None or self._looked % _LOOK_AT_FILES_EVERY:
            return None
        return "disk" if _file_bytes(self._scratch) > self._budget.disk_bytes else None


def descendants(pid: int, most: int = 100_000) -> list[int]:
    """A process and all that came from it, as far as they are its children still; no more than ``most``."""
    found: list[int] = []
    queue = [pid]
    while queue and len(found) < most:
        each = queue.pop()
        found.append(each)
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{each}/task").iterdir():
                queue += map(int, (task / "children").read_text().split())
    return found


def spent(pid: int) -> tuple[float, int]:
    """Seconds of processor time, and the largest resident set in bytes, of a process and the first that it started."""
    ticks, largest = 0, 0
    for each in descendants(pid, most=8):  # thousands would cost the time in which they should be ended
        with contextlib.suppress(OSError, ValueError, IndexError):
            ticks += sum(map(int, Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()[11:15]))
            status = Path(f"/proc/{each}/status").read_text()
            largest = max(largest, int(status.partition("VmHWM:")[2].split()[0]) * 1024)
    return ticks / os.sysconf("SC_CLK_TCK"), largest


def kill_all(pid: int) -> None:
    """Kill a process and, where no namespace does it, everything that came from it."""
    _signal([pid], signal.SIGKILL)
    quiet = 0
    for _ in range(_ROUNDS):
        left = _left()
        if not left:
            quiet += 1
            if quiet == 2:
                return
            continue  # a process that died during the first look gave its children to this one: look again
        quiet = 0
        known: set[int] = set()
        while new := set(left) - known:  # who is stopped starts nothing more
            _signal(new, signal.SIGSTOP)
            known |= new
            left = _left()
        _signal(known, signal.SIGKILL)
        time.sleep(_ROUND_S)


def _left() -> list[int]:
    return [each for child in _children() for each in descendants(child) if not _is_dead(each)]


def _signal(pids: Iterable[int], number: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def bury() -> None:
    """Wait for all that has become this process's child."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _children() -> list[int]:
    return list(map(int, Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()))


def _is_dead(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def _held_bytes(pid: int) -> int:
    """Memory that holds no files: what a process shares with its parent or by `mmap` counts for each of them."""
    try:
        words = Path(f"/proc/{pid}/status").read_text().split()
        return sum(int(words[words.index(name) + 1]) for name in ("RssAnon:", "RssShmem:")) * 1024
    except (OSError, ValueError):
        return 0


def _proportional_bytes(pid: int) -> int:
    """The same, with what is shared divided among those who share it: slower to ask for, and not always told."""
    try:
        words = Path(f"/proc/{pid}/smaps_rollup").read_text().split()
        return sum(int(words[words.index(name) + 1]) for name in ("Pss_Anon:", "Pss_Shmem:")) * 1024
    except (OSError, ValueError):
        return _held_bytes(pid)


def _file_bytes(folder: Path) -> int:
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += Path(root, name).lstat().st_blocks * 512
    return total
