"""Where consumed records are printed: a terminal gets text that cannot harm it, a pipe or a file gets the bytes."""

from __future__ import annotations

import select
import sys
from typing import Any, TextIO

from kit.practice.record_text import on_screen


class Screen:
    """Standard output, for records.

    Args:
        stdout: the stream.
    """

    def __init__(self, stdout: TextIO) -> None:
        self._stdout = stdout
        self._raw: Any = None if stdout.isatty() else getattr(stdout, "buffer", None)
        if self._raw is not None:
            stdout.flush()

    def write(self, lines: bytes) -> None:
        """Print whole lines; they may wait for `flush`."""
        if self._raw is not None:
            self._raw.write(lines)
            return
        text = on_screen(lines)
        encoding = getattr(self._stdout, "encoding", None) or "utf-8"
        self._stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))

    def flush(self) -> None:
        """Show what was printed so far."""
        (self._raw or self._stdout).flush()

    def check_reader(self) -> None:
        """Notice that nobody reads any more, as behind ``| head``, without having to print something.

        Raises:
            BrokenPipeError: nobody does.
        """
        if self._raw is None or sys.platform == "win32":
            return
        watch = select.poll()
        watch.register(self._raw.fileno(), 0)
        if any(event & (select.POLLERR | select.POLLNVAL) for _, event in watch.poll(0)):
            raise BrokenPipeError
