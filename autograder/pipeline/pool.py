"""Workers: processes of this computer, or any `concurrent.futures.Executor`. A pool that breaks is made again."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import shutil
import signal
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from autograder import jail

__all__ = ["BrokenExecutor", "ForeignPool", "LocalPool", "Pool", "default_workers"]


class Pool:
    """What the batch needs of workers; a context that closes it."""

    workers: int

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Run a function in one of them."""
        raise NotImplementedError

    def renew(self) -> None:
        """End what runs and start again."""
        raise NotImplementedError

    def close(self) -> None:
        """End what runs."""
        raise NotImplementedError


class LocalPool(Pool):
    """Processes of this computer. They end when this one does, however it ends, and leave no temporary files behind."""

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._executor: ProcessPoolExecutor | None = None
        self._temporary: tempfile.TemporaryDirectory[str] | None = None
        self._others: set[int | None] = set()
        self._weakest_rung: str | None = None
        self._held_by: Future[str] | None = None

    def begin(self, weakest_rung: str) -> None:
        """Start them before there is work, and let each find its jail, while this process does something else."""
        self._weakest_rung = weakest_rung
        self._held_by = self.submit(jail.strongest, weakest_rung)

    def held_by(self) -> str:
        """The jail that was found since `begin`.

        Raises:
            JailError: nothing as strong as was asked for holds here.
            BrokenExecutor: a worker ended before it could tell.
        """
        if self._held_by is None:
            raise ValueError("the pool has not begun")
        return self._held_by.result()

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Run a function in one of them."""
        if self._executor is None:
            self._others = {process.pid for process in multiprocessing.active_children()}
            context = multiprocessing.get_context("spawn")  # a fork would copy the gradebook's connection and threads
            self._temporary = tempfile.TemporaryDirectory(prefix="autograder-", ignore_cleanup_errors=True)
            Path(self._temporary.name).chmod(0o755)  # as where they usually are: walls are tried with files in it
            start = (self._weakest_rung, self._temporary.name)
            self._executor = ProcessPoolExecutor(self.workers, context, begin, start)
        return self._executor.submit(function, *arguments)

    def renew(self) -> None:
        """End what runs; new ones are started when they are needed."""
        self.close()

    def close(self) -> None:
        """End what runs, at once, also a worker that still looks for its jail."""
        if self._executor is None or self._temporary is None:
            return
        for process in self._processes():
            process.kill()
        self._executor.shutdown(wait=True, cancel_futures=True)
        self._temporary.cleanup()
        self._executor = self._temporary = None

    def _processes(self) -> list[BaseProcess]:
        return [each for each in multiprocessing.active_children() if each.pid not in self._others]


class ForeignPool(Pool):
    """An executor that somebody else looks after, such as that of a Dask cluster.

    Args:
        executor: where functions run.
        workers: how many run at a time.
        end: what ends it.
    """

    def __init__(self, executor: Executor, workers: int, end: Callable[[], object] = lambda: None) -> None:
        self.workers = workers
        self._executor = executor
        self._end = end

    def submit(self, function: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Run a function in it."""
        return self._executor.submit(function, *arguments)

    def renew(self) -> None:
        """Leave it as it is: it looks after its workers itself."""

    def close(self) -> None:
        """Leave it."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        self._end()


def default_workers() -> int:
    """One for each core that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def begin(weakest_rung: str | None, temporary: str | None = None) -> None:
    """In a new worker: Ctrl-C is for the parent to deal with, a worker does not outlive it, and may look for a jail.

    Args:
        temporary: the folder for its temporary files, which whoever ends it removes; None for the usual place.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tempfile.tempdir = temporary
    threading.Thread(target=_end_with_parent, args=(temporary,), daemon=True).start()
    if weakest_rung is not None:
        with contextlib.suppress(jail.JailError):  # the first job says so
            jail.strongest(weakest_rung)


def _end_with_parent(temporary: str | None) -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)
        os._exit(1)
