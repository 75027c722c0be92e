"""The limits that the system itself keeps for each process: on every rung but "none"."""

from __future__ import annotations

import contextlib
import math
import os
from pathlib import Path

from autograder.job import Budget

_DESCRIPTORS = 256
_RESERVED_BYTES = 4 * 1024**3
_QUEUED_SIGNALS = 256


def apply(budget: Budget, processes: int | None) -> None:
    """Limit this process and whatever it starts; nothing can be raised again.

    Args:
        processes: how many processes and threads its user may have, as the system counts them: in a user namespace
            those in it, else all of the user's on this computer. None where a container's engine counts those of the
            jail alone.
    """
    import resource

    limited: list[tuple[str, int]] = [] if processes is None else [("RLIMIT_NPROC", processes)]
    limited += [
        ("RLIMIT_DATA", budget.memory_bytes),
        # Shared memory is no data to the system; threads, though, reserve much that they never use.
        ("RLIMIT_AS", 2 * budget.memory_bytes + _RESERVED_BYTES),
        ("RLIMIT_FSIZE", budget.file_bytes),
        ("RLIMIT_CORE", 0),
        ("RLIMIT_NOFILE", _DESCRIPTORS),
        ("RLIMIT_MEMLOCK", 0),
        ("RLIMIT_MSGQUEUE", 0),
        ("RLIMIT_SIGPENDING", _QUEUED_SIGNALS),
        # The clock of the grader ends a submission long before; this ends what a dead grader leaves behind.
        ("RLIMIT_CPU", math.ceil(budget.total_s) * 4 + 60),
    ]
    for name, most in limited:
        kind = getattr(resource, name, None)  # macOS knows only some of them
        if kind is None:
            continue
        _, hard = resource.getrlimit(kind)
        bounded = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(kind, (bounded, bounded))


def beside_the_users_own(budget: Budget) -> int:
    """The budget's processes, and those that this user has now: the system counts them all against one limit."""
    own, count = os.getuid(), budget.processes
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if folder.stat().st_uid == own:
                count += sum(1 for _ in (folder / "task").iterdir())
    return count
