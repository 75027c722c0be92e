"""How far a batch has come: a bar with the time that is left, or lines where nobody watches."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn


class Bar:
    """A bar on a terminal; elsewhere a line for each tenth.

    Args:
        what: is being done, such as "grading".
        total: how often `advance` will be called.
    """

    def __init__(self, what: str, total: int) -> None:
        self._what = what
        self._total = total
        self._done = 0
        self._began_s = time.monotonic()
        self._bar: Progress | None = None
        if sys.stdout.isatty():
            columns = (
                TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("left"),
                TimeRemainingColumn(), TextColumn("so far"), TimeElapsedColumn(),
            )  # fmt: skip
            self._bar = Progress(*columns, console=Console(highlight=False, markup=False))
            self._task = self._bar.add_task(what, total=total)

    def __enter__(self) -> Self:
        if self._bar:
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar:
            self._bar.stop()

    def say(self, line: str) -> None:
        """Print a line above the bar."""
        if self._bar:
            self._bar.console.print(line, soft_wrap=True)
        else:
            print(line, flush=True)

    def advance(self) -> None:
        """One more is done."""
        self._done += 1
        if self._bar:
            self._bar.advance(self._task)
        elif self._done * 10 // self._total > (self._done - 1) * 10 // self._total:
            left_s = (time.monotonic() - self._began_s) / self._done * (self._total - self._done)
            rest = f", about {_duration(left_s)} left" if self._done < self._total else ""
            print(f"{self._what}: {self._done} of {self._total}{rest}", flush=True)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
