"""Listening sockets in a network that only jails share: ``python -m autograder.arena.doors``.

Apache's brokers run in containers, out of reach from a network namespace of our own. A socket stays in the namespace
that it was made in, whoever has it: so a small process moves apart, listens there, hands its sockets to the arena's
host over a socket pair, and then only keeps the namespace, until the pair is closed. Jails join it as they join the
host of an embedded cluster.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
from pathlib import Path

from autograder.arena.moving_apart import moved_apart

LOOPBACK = "127.0.0.1"
_BACKLOG = 512
_START_S, _END_S = 20.0, 5.0
_MAX_MESSAGE_BYTES = 65_536


class Doors:
    """Sockets that listen on 127.0.0.1, from the start to `close`.

    Args:
        count: how many.
        apart: whether they may be in a network of their own.

    Attributes:
        pid: of a process in that network.
        is_apart: whether it is one of their own.
        why_not: in words.
        ports: where they listen.

    Raises:
        OSError: they cannot be had.
    """

    def __init__(self, count: int, *, apart: bool) -> None:
        self.pid, self.is_apart, self.why_not = os.getpid(), False, "it was not wanted"
        self._keeper: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None
        self._sockets: list[socket.socket] = []
        if apart and sys.platform.startswith("linux"):
            try:
                self._begin_apart(count)
            except BaseException:
                self.close()
                raise
        if not self._sockets:
            self._sockets = _listening(count)
        self.ports = [int(sock.getsockname()[1]) for sock in self._sockets]

    def _begin_apart(self, count: int) -> None:
        self._channel, theirs = socket.socketpair()
        with theirs:
            self._keeper = subprocess.Popen(
                [sys.executable, "-P", "-c", _BOOT, str(Path(__file__).parents[2]), str(theirs.fileno()), str(count)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        self._channel.settimeout(_START_S)
        message, fds, _, _ = socket.recv_fds(self._channel, _MAX_MESSAGE_BYTES, count)
        self._sockets = [socket.socket(fileno=fd) for fd in fds]
        if not message:
            raise ConnectionError("the process for the arena's network has ended")
        told = json.loads(message)
        self.is_apart, self.why_not = told["is_apart"], told["why_not"]
        if self.is_apart:
            self.pid = self._keeper.pid

    def opened(self, count: int) -> list[socket.socket]:
        """The first so many again: who has them may close them."""
        copies = [sock.dup() for sock in self._sockets[:count]]
        for copy in copies:
            copy.setblocking(False)
        return copies

    def close(self) -> None:
        """Give back all of it; harmless when called again."""
        for sock in self._sockets:
            sock.close()
        if self._channel is not None:
            self._channel.close()
        if self._keeper is not None:
            try:
                self._keeper.wait(_END_S)
            except subprocess.TimeoutExpired:
                self._keeper.kill()
                self._keeper.wait()


def _listening(count: int) -> list[socket.socket]:
    return [socket.create_server((LOOPBACK, 0), backlog=_BACKLOG) for _ in range(count)]


def main(arguments: list[str]) -> int:
    """Move apart, listen, hand the sockets over, and stay until the other end of the pair is closed."""
    channel = socket.socket(fileno=int(arguments[0]))
    is_apart, why_not = moved_apart()
    sockets = _listening(int(arguments[1])) if is_apart else []
    message = json.dumps({"is_apart": is_apart, "why_not": why_not}).encode()
    with contextlib.suppress(OSError):
        socket.send_fds(channel, [message], [sock.fileno() for sock in sockets])
        channel.recv(1)
    return 0


_BOOT = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); from autograder.arena import doors; "
    "sys.exit(doors.main(sys.argv[1:]))"
)

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
