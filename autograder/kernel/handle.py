"""The grader's end of a kernel."""

from __future__ import annotations

import contextlib
import json
import socket
import time
from dataclasses import dataclass
from typing import Any

from autograder.jail import confine
from autograder.jail.cage import Cage
from autograder.jail.errors import JailError
from autograder.kernel.frames import FrameError, Frames, wait
from autograder.kernel.zygotes import ZYGOTE

_START_S = 60.0
_END_S = 120.0
_LAST_WORD_S = 1.0  # for the keeper to see a kernel end that has closed its frames
_SEND_S = 30.0
_ORDER_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Ended:
    """How a kernel ended.

    Attributes:
        status: its exit status, negative for a signal; None when the keeper could not say.
        why: "memory" or "disk" when its keeper ended it for that.
        cpu_s: of all its processes.
        memory_bytes: the largest resident set of any of them.
        refused: the jail could not be made, and why.
    """

    status: int | None = None
    why: str | None = None
    cpu_s: float | None = None
    memory_bytes: int | None = None
    refused: str | None = None


class Kernel:
    """A kernel in a jail. Made by `start`; end it with `kill`.

    Attributes:
        ended: how it ended; None while it runs.
    """

    def __init__(self, orders: Frames, frames: Frames) -> None:
        self.ended: Ended | None = None
        self._orders = orders
        self._frames = frames

    def begin(self, cage: Cage) -> str | None:
        """Give the first order and wait until the kernel is ready; why it is not, otherwise."""
        try:
            self._orders.send(json.loads(cage.to_json()))
            said = self._orders.receive(_START_S)
            if said is None or "started" not in said:
                return str(said and said.get("refused"))
            until_s = time.monotonic() + _START_S
            while (message := self.receive(1.0)) is None and self.ended is None:
                if time.monotonic() > until_s:
                    return f"its kernel was not ready in {_START_S:g} s"
        except (OSError, TimeoutError, FrameError) as error:
            return str(error) or type(error).__name__
        if message is None:
            ended = self.ended
            return ended.refused if ended and ended.refused else f"its kernel ended at once ({ended and ended.status})"
        return None

    def send(self, message: dict[str, Any]) -> None:
        """Ask for something; a kernel that is gone shows in `receive`."""
        with contextlib.suppress(OSError):
            self._frames.send(message)

    def receive(self, timeout_s: float) -> dict[str, Any] | None:
        """What it says next; None when it has ended (see `ended`), or when time is up.

        Raises:
            FrameError: it says what it may not.
        """
        if (message := self._frames.next()) is not None:
            return message
        if self.ended is not None:
            return None
        ready = wait(self._orders, self._frames, timeout_s=timeout_s)
        if self._frames in ready:
            alive = self._frames.fill()
            message = self._frames.next()
            if message is not None or alive:
                return message
            self.ended = self._heard(_LAST_WORD_S) or self._end()
        elif self._orders in ready:
            while self._frames.fill() and wait(self._frames, timeout_s=0):
                pass  # what it said before it ended
            self.ended = self._end()
            return self._frames.next()
        return None

    def interrupt(self) -> None:
        """Have the running cell raise KeyboardInterrupt."""
        with contextlib.suppress(OSError):
            self._orders.send({"do": "interrupt"})

    def stop(self) -> None:
        """Have it ended, without waiting; any thread may. Whoever waits in `receive` sees it end."""
        with contextlib.suppress(OSError):
            self._orders.send({"do": "end"})

    def kill(self) -> Ended:
        """End it and everything that it started."""
        if self.ended is None:
            self.ended = self._end()
        self._frames.close()
        self._orders.close()
        return self.ended

    def _end(self) -> Ended:
        """Tell the keeper to end it all, and hear how it went."""
        self.stop()
        return self._heard(_END_S) or Ended()

    def _heard(self, timeout_s: float) -> Ended | None:
        """What the keeper says about the end, if it says so in time."""
        with contextlib.suppress(TimeoutError, FrameError):
            while (said := self._orders.receive(timeout_s)) is not None:
                if "ended" in said:
                    return Ended(**said["ended"])
        return None


def start(cage: Cage) -> Kernel:
    """Start a kernel in a jail.

    Raises:
        JailError: the jail cannot be made here; nothing is left of it.
    """
    if cage.rung == "docker":
        from autograder.kernel import container

        return container.start(cage)
    ours, theirs = zip(socket.socketpair(), socket.socketpair(), strict=True)
    try:
        ZYGOTE.fork(*theirs)
    except BaseException:
        for end in ours:
            end.close()
        raise
    finally:
        for end in theirs:
            end.close()
    for end in ours:
        end.settimeout(_SEND_S)
    kernel = Kernel(Frames(ours[0], _ORDER_BYTES), Frames(ours[1], confine.message_bytes(cage)))
    refused = kernel.begin(cage)
    if refused is not None:
        ended = kernel.kill()
        raise JailError(f"no jail could be made: {ended.refused or refused}")
    return kernel
