"""The keeper of one kernel: builds its jail, watches what it uses, and ends it; outside the jail, beyond its reach.

Orders come as frames from the grader: the `Cage` first, then "interrupt". When the grader closes its end, or is gone,
everything in the jail is killed. What happened goes back: {"started": true}, or {"refused": sentence}; at the end
{"ended": ...}, as `autograder.kernel.handle.Ended` reads it.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import socket
import sys
from collections.abc import Callable
from typing import Any, NoReturn

from autograder.jail import confine
from autograder.jail.cage import Cage
from autograder.kernel import watch
from autograder.kernel.frames import FrameError, Frames

_ORDER_BYTES = 1 << 20
_FIRST_ORDER_S = 30.0
_TICK_MS = 200

Serve = Callable[[socket.socket, int], None]


def hide() -> None:
    """No other process of this user may look into this one."""
    if sys.platform == "linux":
        from autograder.jail import syscalls

        syscalls.prctl(syscalls.PR_SET_DUMPABLE, 0)


def keep(orders_end: socket.socket, frames_end: socket.socket, serve: Serve) -> NoReturn:
    """Be the keeper, in a process that was just forked; it ends here."""
    status = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        orders = Frames(orders_end, _ORDER_BYTES)
        order = orders.receive(_FIRST_ORDER_S)
        if order is not None:
            _Keeper(orders, frames_end, serve, Cage.from_json(json.dumps(order))).run()
        status = 0
    except (OSError, TimeoutError, FrameError):
        pass  # the grader is gone, or the jail was refused, and it was told
    finally:
        os._exit(status)


class _Keeper:
    def __init__(self, orders: Frames, frames_end: socket.socket, serve: Serve, cage: Cage) -> None:
        self._orders = orders
        self._frames_end = frames_end
        self._serve = serve
        self._cage = cage
        self._why: str | None = None

    def run(self) -> None:
        """From the first order to the last report."""
        reading, self._writing = os.pipe()
        try:
            jail = confine.prepare(self._cage)
            pid = self._fork(jail)
        except OSError as error:
            self._orders.send({"refused": f"{self._cage.rung}: {error}"})
            return
        self._frames_end.close()
        os.close(self._writing)
        try:
            self._orders.send({"started": True})
            self._watch(pid)
        finally:
            seen_s, seen_bytes = watch.spent(pid)  # whom a dying namespace takes with it nobody waits for
            watch.kill_all(pid)
        _, status, usage = os.wait4(pid, 0)
        watch.bury()
        said = _read_all(reading)
        reported: dict[str, Any] = json.loads(said) if said else {}
        whole = _usage()
        ended = {
            "status": reported.get("status", os.waitstatus_to_exitcode(status)),
            "refused": reported.get("refused"),
            "why": self._why,
            "cpu_s": round(max(whole[0], seen_s), 3),
            "memory_bytes": max(whole[1], seen_bytes, usage.ru_maxrss * 1024),
        }
        with contextlib.suppress(OSError):
            self._orders.send({"ended": ended})

    def _fork(self, jail: confine.Jail) -> int:
        pid = os.fork()
        if pid:
            return pid
        try:
            self._orders.close()
            jail.enter(self._writing, self._frames_end, self._serve)
        except BaseException as error:  # noqa: BLE001 - it must not go on as a second keeper
            with contextlib.suppress(OSError):
                os.write(self._writing, json.dumps({"refused": str(error) or type(error).__name__}).encode())
        finally:
            os._exit(125)

    def _watch(self, pid: int) -> None:
        """Wait until the kernel ends, the grader says so, or the jail holds too much."""
        ended = os.pidfd_open(pid)
        poll = select.poll()
        poll.register(ended, select.POLLIN)
        poll.register(self._orders.fileno(), select.POLLIN)
        watcher = watch.Watcher(self._cage, pid)
        while True:
            ready = {fd for fd, _ in poll.poll(_TICK_MS)}
            if ended in ready:
                break
            if self._orders.fileno() in ready:
                if not self._orders.fill():
                    break
                if self._obey(pid):
                    break
            self._why = watcher.look()
            if self._why is not None:
                break
        os.close(ended)

    def _obey(self, pid: int) -> bool:
        """Do as told; True when it is to end."""
        while (order := self._orders.next()) is not None:
            if order.get("do") == "interrupt":
                confine.interrupt(self._cage, pid)
            elif order.get("do") == "end":
                return True
        return False


def _usage() -> tuple[float, int]:
    import resource

    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime, used.ru_maxrss * 1024


def _read_all(fd: int) -> bytes:
    """What the first process in the jail reported; the pipe ends with the last process that holds it."""
    os.set_blocking(fd, False)
    try:
        return os.read(fd, 65536)
    except BlockingIOError:
        return b""
    finally:
        os.close(fd)
