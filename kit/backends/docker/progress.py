"""One line that tells how far a start has come: in a terminal and in a notebook; what was removed is told anywhere."""

from __future__ import annotations

import os
import sys
from typing import TextIO

SETTING = "KIT_START_LINE"  # 0 for silence, 1 for a line even when nobody seems to look


class Progress:
    """A line that replaces itself; `done` leaves the last one.

    Args:
        stream: where to; None finds out whether somebody looks.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = _stream() if stream is None else stream
        self._shown = ""

    def say(self, text: str) -> None:
        """Show how far it is."""
        if text != self._shown:
            self._write("\r" + text.ljust(len(self._shown)))
            self._shown = text

    def done(self, text: str) -> None:
        """Show a line that stays."""
        self._write("\r" + text.ljust(len(self._shown)) + "\n")
        self._shown = ""

    def tell(self, text: str) -> None:
        """Show a line that stays, also where nobody seems to look: a log of what became of things matters later."""
        if self._stream is None and os.environ.get(SETTING) != "0":
            sys.stderr.write(f"{text}\n")
        else:
            self.done(text)

    def clear(self) -> None:
        """Leave an empty line: something went wrong, and an error says what."""
        if self._shown:
            self._write("\r" + " " * len(self._shown) + "\r")
            self._shown = ""

    def _write(self, text: str) -> None:
        if self._stream is not None:
            self._stream.write(text)
            self._stream.flush()


def _stream() -> TextIO | None:
    wish = os.environ.get(SETTING)
    if wish == "0":
        return None
    if _in_notebook():
        return sys.stdout  # a notebook shows stderr like an error
    return sys.stderr if wish == "1" or sys.stderr.isatty() else None


def _in_notebook() -> bool:
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return hasattr(shell, "kernel")
