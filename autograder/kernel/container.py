"""The grader's end of a kernel in a Docker container: its frames come through the client's input and output."""

from __future__ import annotations

import contextlib
import socket
import subprocess

from autograder.jail import confine, docker
from autograder.jail.cage import Cage
from autograder.jail.errors import JailError
from autograder.kernel.frames import FrameError, Frames
from autograder.kernel.handle import Ended, Kernel

_START_S = 120.0
_END_S = 30.0


class ContainerKernel(Kernel):
    """A kernel whose jail is a container; there is no keeper, the engine does its work."""

    def __init__(self, container: docker.Container, cage: Cage) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self._client = subprocess.Popen(
                container.command,
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        self._name = container.name
        self._last_words = ""
        unused, gone = socket.socketpair()
        gone.close()
        super().__init__(Frames(unused, 1), Frames(ours, confine.message_bytes(cage)))

    def receive(self, timeout_s: float) -> dict[str, object] | None:
        """What it says next, as `Kernel.receive`."""
        if self.ended is not None:
            return self._frames.next()
        try:
            message = self._frames.receive(timeout_s)
        except TimeoutError:
            return None
        if message is None:
            self.ended = self._end()
        return message

    def wait_until_ready(self) -> None:
        """Wait for its first word.

        Raises:
            JailError: it ended instead.
        """
        message = None
        with contextlib.suppress(FrameError):
            message = self.receive(_START_S)
        if message is None:
            self.kill()
            raise JailError(f"no jail could be made: docker: {self._last_words or 'its kernel was not ready'}")

    def interrupt(self) -> None:
        """Have the running cell raise KeyboardInterrupt."""
        self.send({"do": "interrupt"})

    def stop(self) -> None:
        """Have it ended."""
        docker.kill(self._name)

    def _end(self) -> Ended:
        """Kill the container, and see how its client ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            _, said = self._client.communicate(timeout=1.0)  # it may be ending by itself
            self._last_words = " ".join(said.decode("utf-8", "replace").split())[-300:]
            status = self._client.returncode
            return Ended(status, next((why for why, spent in docker.SPENT.items() if spent == status), None))
        self.stop()
        try:
            self._client.communicate(timeout=_END_S)
        except subprocess.TimeoutExpired:
            self._client.kill()
            self._client.communicate()
        return Ended(self._client.returncode)


def start(cage: Cage) -> Kernel:
    """Start a kernel in a container.

    Raises:
        JailError: the engine refuses.
    """
    kernel = ContainerKernel(docker.container(cage), cage)
    kernel.wait_until_ready()
    return kernel
