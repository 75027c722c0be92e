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

from autograder.jail import confine, docker, limits
from autograder.jail.cage import Cage
from autograder.jail.root_folder import WORK
from autograder.kernel import inside, keeper
from autograder.kernel.frames import FrameError, Frames

_REQUEST_BYTES = 64 * 1024 * 1024
_PIECE_BYTES = 1 << 16


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
        inside.run(inside.warm(), theirs, confine.message_bytes(cage))
        os._exit(0)
    theirs.close()
    keeper.hide()
    threading.Thread(target=_obey, args=(reading, ours, kernel), daemon=True).start()
    with contextlib.suppress(OSError):
        while piece := ours.recv(_PIECE_BYTES):
            while piece:
                piece = piece[os.write(writing, piece) :]
    _, status = os.waitpid(kernel, 0)
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else 128 - code)


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
