"""The first process in a container: passes frames between its input and output and the kernel, and interrupts it.

It runs as ``python -m autograder.kernel.contained CAGE``. The container ends with it, and it ends with its input.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import sys
import threading
import time
from dataclasses import replace

from autograder.jail import confine, docker, limits, seccomp, syscalls
from autograder.jail.cage import Cage
from autograder.jail.root_folder import WORK
from autograder.kernel import inside, keeper, watch
from autograder.kernel.frames import FrameError, Frames

_REQUEST_BYTES = 64 * 1024 * 1024
_PIECE_BYTES = 1 << 16
_LOOK_S, _LAST_WORD_S = 0.1, 1.0


def main() -> None:
    """Start the kernel, then pass on what is said until one side ends."""
    cage = Cage.from_json(sys.argv[1])
    shutil.copytree(docker.GIVEN, WORK, dirs_exist_ok=True)
    reading, writing = os.dup(0), os.dup(1)
    ours, theirs = socket.socketpair()
    kernel = os.fork()
    if kernel == 0:
        ours.close()
        for fd in (reading, writing):
            os.close(fd)
        limits.apply(cage.budget, None)  # the engine counts: others of this user number are not seen from in here
        confine.settle(WORK)
        made = inside.warm()
        syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
        seccomp.install(shares_system=False)
        inside.run(made, theirs, confine.message_bytes(cage))
        os._exit(0)
    theirs.close()
    keeper.hide()
    why: list[str] = []
    ends: list[int] = []
    waiting = threading.Thread(target=_await, args=(kernel, ends), daemon=True)
    waiting.start()
    threading.Thread(target=_obey, args=(reading, ours, kernel), daemon=True).start()
    threading.Thread(target=_watch, args=(cage, kernel, why), daemon=True).start()
    with contextlib.suppress(OSError):
        while piece := ours.recv(_PIECE_BYTES):
            while piece:
                piece = piece[os.write(writing, piece) :]
    waiting.join(_LAST_WORD_S)
    if why:
        os._exit(docker.SPENT[why[0]])
    code = ends[0] if ends else -signal.SIGKILL  # it has closed its frames, and lives
    code = code if code >= 0 else 128 - code
    os._exit(1 if code in docker.SPENT.values() else code)


def _await(kernel: int, ends: list[int]) -> None:
    """When the kernel has ended, end what it has started: that holds the other end of its frames."""
    _, status = os.waitpid(kernel, 0)
    ends.append(os.waitstatus_to_exitcode(status))
    with contextlib.suppress(ProcessLookupError):
        os.kill(-1, signal.SIGKILL)  # all but this one, which is the first


def _watch(cage: Cage, kernel: int, why: list[str]) -> None:
    """Kill the kernel when all processes together hold too much; this one is the first of them all."""
    watcher = watch.Watcher(replace(cage, scratch=WORK), os.getpid())
    while not why:
        time.sleep(_LOOK_S)
        if (spent := watcher.look()) is not None:
            why.append(spent)
            os.kill(kernel, signal.SIGKILL)


def _obey(reading: int, ours: socket.socket, kernel: int) -> None:
    """Pass on what the grader says; kill the kernel when the grader is gone."""
    left, right = socket.socketpair()
    threading.Thread(target=_feed, args=(reading, left), daemon=True).start()
    from_grader, to_kernel = Frames(right, _REQUEST_BYTES), Frames(ours, _REQUEST_BYTES)
    with contextlib.suppress(OSError, FrameError):
        while (message := _next(from_grader)) is not None:
            if message.get("do") == "interrupt":
                os.kill(kernel, signal.SIGINT)
            else:
                to_kernel.send_bytes(json.dumps(message).encode())
    os.kill(kernel, signal.SIGKILL)


def _next(frames: Frames) -> dict[str, object] | None:
    while True:
        with contextlib.suppress(TimeoutError):
            return frames.receive(3600)


def _feed(reading: int, left: socket.socket) -> None:
    """A pipe becomes a socket, which frames need."""
    with left:
        while piece := os.read(reading, _PIECE_BYTES):
            left.sendall(piece)


if __name__ == "__main__":
    main()
