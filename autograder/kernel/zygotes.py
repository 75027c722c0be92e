"""The warm process of this process: started when it is first needed, and again when it has died."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

from autograder.jail.errors import JailError

_START_S = 60.0
_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")


class Zygote:
    """A warm process; one per process of the grader, shared by its threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._end: socket.socket | None = None

    def fork(self, orders: socket.socket, frames: socket.socket) -> None:
        """Have a keeper forked, at the other ends of these two sockets.

        Raises:
            JailError: no such process can be started.
        """
        with self._lock:
            for _ in range(2):
                end = self._running()
                try:
                    socket.send_fds(end, [b"F"], [orders.fileno(), frames.fileno()])
                except OSError:
                    self._stop()
                else:
                    return
        raise JailError("the process that starts kernels ended twice in a row")

    def pid(self) -> int | None:
        """Of the process, while there is one."""
        return None if self._process is None else self._process.pid

    def stop(self) -> None:
        """End it; the kernels that it started live on."""
        with self._lock:
            self._stop()

    def forget(self) -> None:
        """In a fork of the grader: it is the parent's."""
        self._lock = threading.Lock()
        if self._end is not None:
            self._end.close()
        self._process = self._end = None

    def _running(self) -> socket.socket:
        if self._end is not None and self._process is not None and self._process.poll() is None:
            return self._end
        self._stop()
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "autograder.kernel.zygote", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env=_environment(),
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        self._end = ours
        ours.settimeout(_START_S)
        with contextlib.suppress(OSError):
            if ours.recv(1) == b"R":
                return ours
        status = self._process.poll()
        self._stop()
        why = "an import started a thread" if status == 2 else f"status {status}"
        raise JailError(f"the process that starts kernels could not be started ({why})")

    def _stop(self) -> None:
        if self._end is not None:
            self._end.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process = self._end = None


def _environment() -> dict[str, str]:
    """Nothing of the grader's own, where secrets may be; the order of sets is the same in every kernel."""
    packages = str(Path(__file__).parents[2])
    fixed = {"PYTHONPATH": packages, "PYTHONHASHSEED": "0", "LANG": "C.UTF-8", "HOME": "/nonexistent"}
    return fixed | {"PATH": "/usr/local/bin:/usr/bin:/bin"} | dict.fromkeys(_ONE_THREAD, "1")


ZYGOTE = Zygote()
os.register_at_fork(after_in_child=ZYGOTE.forget)
