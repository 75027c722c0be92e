"""``python -m kit.backends.docker.reaper``: removes a cluster's containers when the process that made them is gone.

It stays as long as its input is open. The owner writes the cluster's name, and "done" when it has removed the cluster
itself; if the input ends without that, or the owner is no more, this process does it. It has a process group of its
own, so neither Ctrl-C nor the end of a notebook's kernel reaches it.
"""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import threading
import time

from kit.backends.child import spawn

DONE = "done"

_at_work: list[subprocess.Popen[bytes]] = []  # kept, because Python warns of a process that is forgotten while it runs
_CLOSE_TIMEOUT_S = 10.0
_LOOK_S = 0.5
_ATTEMPTS = 20
_PAUSE_S = 3.0


class Reaper:
    """The reaper's process, seen from the owner.

    Args:
        cluster: the name on the labels.

    Raises:
        OSError: no process can be made.
    """

    def __init__(self, cluster: str) -> None:
        self._process = spawn("kit.backends.docker.reaper", subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self._write(cluster)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def status(self) -> int | None:
        """Its exit status; None while it runs."""
        return self._process.poll()

    def dismiss(self) -> None:
        """Tell it that the cluster has been removed: there is nothing left to do."""
        self._write(DONE)

    def let_go(self, *, wait: bool = True) -> None:
        """Close its input: unless it was dismissed it removes the cluster now.

        Args:
            wait: a while for its end; False when it will take long, for example until there is an engine again.
        """
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_CLOSE_TIMEOUT_S if wait else 0)
        if self.status is None:
            _at_work.append(self._process)

    def _write(self, line: str) -> None:
        if self._process.stdin is not None:
            with contextlib.suppress(OSError, ValueError):  # it was killed; left-overs are found at the next start
                self._process.stdin.write(f"{line}\n".encode())


def main() -> int:
    """Wait for the end of the owner, and remove what it left."""
    owner_pid = os.getppid()
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(lines,), daemon=True).start()
    cluster = lines.get()
    while cluster:
        try:
            if lines.get(timeout=_LOOK_S) == DONE:
                return 0
            break  # the input ended
        except queue.Empty:
            if os.getppid() != owner_pid:  # a forked process may hold the pipe open
                break
    return 0 if not cluster or _removed(cluster) else 1


def _read(lines: queue.SimpleQueue[str]) -> None:
    for line in sys.stdin:
        lines.put(line.strip())
    lines.put("")


def _removed(cluster: str) -> bool:
    from kit.backends.docker import engine, removal
    from kit.errors import KitError

    for _ in range(_ATTEMPTS):
        with contextlib.suppress(KitError, *engine.failures()):
            removal.remove(engine.find(), cluster)
            return True
        time.sleep(_PAUSE_S)  # the engine is busy, or starts again
    return False


if __name__ == "__main__":
    sys.exit(main())
