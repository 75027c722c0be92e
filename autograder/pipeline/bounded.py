"""Work that a stranger can make endless, in a process of its own that is ended when its time or its memory is spent."""

from __future__ import annotations

import contextlib
import multiprocessing
import signal
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

from autograder.pipeline import pool

_WAIT = 6  # seconds on the clock for each second of processor time: this computer may have more to do
# A usual page needs an eighth of it, one with 300 kB of code less than a half, and a plain one of 3 MB a sixth.
_MEMORY_BYTES = 1 << 30
_BEGIN_S = 60  # to import what is needed; twice that much is broken, not slow


class SpentError(Exception):
    """The time or the memory for a call was over, or its process has died twice."""


class Bounded:
    """An object in a process of its own, whose methods have limits. It is made again after one was spent.

    Args:
        limit_s: processor time of a call.
        memory_bytes: of the process; counted on Linux only.
        make: makes the object there; a function of a module, as it is sent by its name.
        arguments: of ``make``.
    """

    def __init__(
        self, limit_s: float, make: Callable[..., Any], *arguments: Any, memory_bytes: int = _MEMORY_BYTES
    ) -> None:
        self._limit_s = limit_s
        self._memory_bytes = memory_bytes
        self._made_by = (make, arguments)
        self._process: BaseProcess | None = None
        self._connection: Connection | None = None
        self._is_closed = False

    def call(self, method: str, *arguments: Any) -> Any:
        """What a method returns, or raises.

        Raises:
            SpentError: it took too long or too much memory, or ended its process.
        """
        for _ in range(2):  # whoever ends all processes of this one, such as a pool that closes, means no call
            connection = self._begin()
            try:
                connection.send((method, arguments))
                if not connection.poll(self._limit_s * _WAIT + _BEGIN_S):
                    break
                is_fine, result = connection.recv()
            except (EOFError, OSError):
                if self._has_spent_its_time():
                    break
                self._end()
                continue
            if isinstance(result, MemoryError):
                self._end()  # what it holds is not given back
                raise SpentError("it took too much memory") from result
            if not is_fine:
                raise result
            return result
        self._end()
        raise SpentError(f"it took more than {self._limit_s:g} s")

    def close(self) -> None:
        """End the process, also during a call of another thread."""
        self._is_closed = True
        if self._process is not None:
            self._process.kill()
            self._process.join()

    def _begin(self) -> Connection:
        if self._is_closed:
            raise SpentError("it was stopped")
        if self._connection is None:
            context = multiprocessing.get_context("spawn")  # a fork would copy threads and the gradebook's connection
            self._connection, theirs = context.Pipe()
            self._process = context.Process(
                target=_serve,
                args=(theirs, self._limit_s, self._memory_bytes, *self._made_by),
                daemon=True,
                name="bounded",
            )
            self._process.start()
            theirs.close()
        return self._connection

    def _has_spent_its_time(self) -> bool:
        if self._process is None:
            return False
        self._process.join(5)
        return self._process.exitcode == -getattr(signal, "SIGXCPU", 0)

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.join()
        if self._connection is not None:
            self._connection.close()
        self._process = self._connection = None


def _serve(
    connection: Connection, limit_s: float, memory_bytes: int, make: Callable[..., Any], arguments: tuple[Any, ...]
) -> None:
    """In the process: make the object, and do what is asked for until nobody can ask any more."""
    pool.begin(None)
    served: Any = None
    with contextlib.suppress(EOFError, OSError):
        while True:
            method, given = connection.recv()
            try:
                served = make(*arguments) if served is None else served
                _limit(limit_s, memory_bytes)
                answer = (True, getattr(served, method)(*given))
            except Exception as error:  # noqa: BLE001 - whatever it is, who asked is told
                answer = (False, error)
            _send(connection, answer)


def _send(connection: Connection, answer: tuple[bool, Any]) -> None:
    try:
        connection.send(answer)
    except (TypeError, AttributeError, ValueError):  # an error that holds what cannot be sent
        connection.send((False, RuntimeError(" ".join(str(answer[1]).split()))))


def _limit(limit_s: float, memory_bytes: int) -> None:
    """Let the kernel end this process after so much more processor time, also within one call of a C library.

    More memory than allowed is a `MemoryError` where it is asked for.
    """
    with contextlib.suppress(ImportError):  # not on Windows, where only the clock counts
        import resource

        _, most = resource.getrlimit(resource.RLIMIT_CPU)
        until = int(time.process_time() + limit_s) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (until if most < 0 else min(until, most), most))
        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (memory_bytes if most < 0 else min(memory_bytes, most), most))
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
