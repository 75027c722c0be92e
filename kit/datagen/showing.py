"""How far a long sending has come: one line that renews itself, in a notebook or in a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

# Shorter than this needs no words.
_SILENT_S = 2.0
_BETWEEN_S = 0.5


class Showing:
    """Shows the number of acknowledged records; does nothing where nobody looks.

    Args:
        total: how many there will be; None when nobody knows.
    """

    def __init__(self, topic: str, total: int | None, *, now: Callable[[], float] = time.monotonic) -> None:
        self._topic = topic
        self._total = total
        self._now = now
        self._next_s = now() + _SILENT_S
        self._show: Callable[[int], None] | None = None

    def __call__(self, acknowledged: int) -> None:
        """Show this number, unless the last one is still fresh."""
        if self._now() < self._next_s:
            return
        self._next_s = self._now() + _BETWEEN_S
        if self._show is None:
            self._show = self._opened()
        self._show(acknowledged)

    def close(self, acknowledged: int) -> None:
        """Show the last number, where one was shown before."""
        if self._show is not None:
            self._show(acknowledged)
            if self._show == self._write:
                sys.stderr.write("\n")

    def sentence(self, acknowledged: int) -> str:
        """The line in words."""
        of_all = "" if self._total is None else f" of {self._total:,}"
        return f"{acknowledged:,}{of_all} records acknowledged in {self._topic}"

    def _opened(self) -> Callable[[int], None]:
        shell: Any = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
        if hasattr(shell, "kernel"):
            return self._display_in_notebook()
        return self._write if sys.stderr.isatty() else _ignore

    def _display_in_notebook(self) -> Callable[[int], None]:
        from IPython.display import display

        bar = _Bar(self)
        handle: Any = display(bar, display_id=True)  # type: ignore[no-untyped-call]

        def renew(acknowledged: int) -> None:
            bar.acknowledged = acknowledged
            handle.update(bar)

        return renew

    def _write(self, acknowledged: int) -> None:
        sys.stderr.write(f"\r{self.sentence(acknowledged)}")
        sys.stderr.flush()


class _Bar:
    """The line as a notebook shows it: a bar where the end is known, and the same in words."""

    def __init__(self, showing: Showing) -> None:
        self._showing = showing
        self.acknowledged = 0

    def __repr__(self) -> str:
        return self._showing.sentence(self.acknowledged)

    def _repr_html_(self) -> str:
        from html import escape

        words = escape(repr(self))
        total = self._showing._total  # noqa: SLF001  (two halves of one thing)
        bar = f'<progress max="{total}" value="{self.acknowledged}" aria-label="{words}"></progress> ' if total else ""
        return f"<div>{bar}{words}</div>"


def _ignore(_acknowledged: int) -> None:
    pass
