"""Small terminals side by side: one command at a time in each, with Ctrl-C and Ctrl-D."""

from __future__ import annotations

import atexit
import codecs
import contextlib
import os
import shlex
import signal
import subprocess
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import anywidget
import traitlets

from kit import cells
from kit.errors import ArgumentError, KitError
from kit.widgets._assets import script, style

_MOST_CHARACTERS = 20_000  # kept of a screen; older lines go
_CHUNK_BYTES = 4_096
_END_S = 3.0
_WAIT_S = 60.0
_PAUSE_S = 0.05


class TerminalTimeoutError(KitError, TimeoutError):
    """A command of a terminal goes on for longer than somebody waits."""


class Terminal:
    """One of the terminals.

    Args:
        command: the words before those that are typed.
        environment: the variables that commands run with.
        changed: called when there is something new to show, in any thread.

    Attributes:
        text: what is on the screen.
        said: what the newest command has put there, from its line on.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], changed: Callable[[], None]) -> None:
        self._command = tuple(command)
        self._environment = dict(environment)
        self._changed = changed
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self.text = ""
        self.said = ""
        self.line = ""

    @property
    def is_running(self) -> bool:
        """Whether a command runs."""
        return self._process is not None

    def enter(self, line: str) -> None:
        """What Enter does: begin a command, or type a line into the one that runs."""
        if self.is_running:
            self.type(line)
        elif line.strip():
            self.run(line)

    def run(self, line: str) -> None:
        """Begin a command, without the word ``confluent``; it goes on in the background."""
        if self.is_running:
            self._write(f"({self.line} still runs: end it with Ctrl-C first)\n")
            return
        self.said = ""
        self._write(f"$ confluent {line}\n")
        try:
            words = shlex.split(line)
        except ValueError as error:
            self._write(f"Error: {error}\n")
            return
        words = words[words.index("confluent") + 1 :] if "confluent" in words[:2] else words
        try:
            process = subprocess.Popen(
                [*self._command, *words],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=self._environment,
                start_new_session=True,
            )
        except OSError as error:
            self._write(f"Error: it cannot be started: {error}\n")
            return
        self.line, self._process = line, process
        threading.Thread(target=self._read, args=(process,), daemon=True, name=f"terminal: {line}").start()
        self._changed()

    def type(self, line: str) -> None:
        """Type a line into the command that runs."""
        process = self._process
        if process is None or process.stdin is None:
            return
        self._write(f"{line}\n")
        try:
            process.stdin.write(f"{line}\n".encode())
            process.stdin.flush()
        except (OSError, ValueError):
            self._write("(nobody reads any more)\n")

    def end_input(self) -> None:
        """Ctrl-D: nothing more will be typed."""
        process = self._process
        if process is not None and process.stdin is not None:
            self._write("^D\n")
            try:
                process.stdin.close()
            except OSError:
                return

    def interrupt(self) -> None:
        """Ctrl-C."""
        process = self._process
        if process is not None and process.poll() is None:
            self._write("^C\n")
            if os.name == "nt":
                process.terminate()
            else:
                process.send_signal(signal.SIGINT)

    def wait_for(self, text: str, timeout_s: float = _WAIT_S) -> bool:
        """Wait until the newest command has printed something; what is on the screen from before does not count.

        Returns:
            Whether it has; False as soon as the command has ended without it.

        Raises:
            TerminalTimeoutError: it goes on and prints something else; the text has the end of the screen.
        """
        self._wait(lambda: text in self.said or not self.is_running, f"{text!r} is not on the screen", timeout_s)
        return text in self.said

    def wait(self, timeout_s: float = _WAIT_S) -> None:
        """Wait until no command runs.

        Raises:
            TerminalTimeoutError: it goes on.
        """
        self._wait(lambda: not self.is_running, f"{self.line!r} still runs", timeout_s)

    def close(self) -> None:
        """End what runs; harmless when called again."""
        process = self._process
        if process is None:
            return
        self.interrupt()
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        with contextlib.suppress(TimeoutError):  # something that it started still holds its output
            self.wait(_END_S)

    def clear(self) -> None:
        """Make the screen empty."""
        with self._lock:
            self.text = ""
        self._changed()

    def _wait(self, reached: Callable[[], bool], why_not: str, timeout_s: float) -> None:
        give_up_s = time.monotonic() + timeout_s
        while not reached():
            if time.monotonic() > give_up_s:
                raise TerminalTimeoutError(
                    f"{why_not} after {timeout_s:.0f} s. The screen ends with: {self.text[-300:]}"
                )
            time.sleep(_PAUSE_S)

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        with process:
            stdout = process.stdout
            while stdout is not None and (chunk := os.read(stdout.fileno(), _CHUNK_BYTES)):
                self._write(decoder.decode(chunk))
        if process.returncode > 0:
            self._write(f"(exit status {process.returncode})\n")
        self._process = None
        self._changed()

    def _write(self, text: str) -> None:
        text = text.replace("\r\n", "\n")
        with self._lock:
            self.text = (self.text + text)[-_MOST_CHARACTERS:]
            self.said = (self.said + text)[-_MOST_CHARACTERS:]
        self._changed()


class Terminals(anywidget.AnyWidget):
    """Terminals side by side. ``terminals["producer"]`` is the one of that name, to be used from Python.

    Args:
        names: of the terminals.
        command: the words before those that are typed.
        environment: the variables that commands run with.
    """

    _esm = script("terminals")
    _css = style("terminals")

    names: traitlets.List[str] = traitlets.List(traitlets.Unicode()).tag(sync=True)
    screens: traitlets.List[Any] = traitlets.List().tag(sync=True)
    answered = traitlets.Int(0).tag(sync=True)

    def __init__(self, names: Sequence[str], command: Sequence[str], environment: Mapping[str, str]) -> None:
        cells.close_earlier()
        super().__init__(names=list(names))
        self._dirty = threading.Event()
        self._closed = threading.Event()
        self._terminals = {name: Terminal(command, environment, self._dirty.set) for name in names}
        self._show()
        self.on_msg(self.asked)
        threading.Thread(target=_redraw, args=(weakref.ref(self),), daemon=True, name="terminals").start()
        atexit.register(_close_all, list(self._terminals.values()))
        cells.remember(self)

    def __getitem__(self, name: str) -> Terminal:
        found = self._terminals.get(name)
        if found is None:
            raise ArgumentError(f"There is no terminal {name!r}, only {', '.join(self._terminals)}.")
        return found

    @property
    def text(self) -> str:
        """All screens as plain text."""
        return "\n\n".join(f"{name}\n{each.text}" for name, each in self._terminals.items())

    def end(self) -> None:
        """End what runs in them, as Ctrl-C does; harmless when nothing does."""
        _close_all(list(self._terminals.values()))

    def close(self) -> None:
        """End what runs in them, and remove the view."""
        self._closed.set()
        self.end()
        super().close()

    def asked(self, _widget: object, content: Any, _buffers: object) -> None:
        """Do what the page asks for; what makes no sense is left out."""
        terminal = self._terminals.get(str(content.get("terminal"))) if isinstance(content, dict) else None
        if terminal is None:
            return
        if isinstance(content.get("line"), str):
            terminal.enter(content["line"])
        keys = {"ctrl-c": terminal.interrupt, "ctrl-d": terminal.end_input, "clear": terminal.clear}
        keys.get(str(content.get("key")), lambda: None)()
        self.answered += 1

    def _show(self) -> None:
        self.screens = [
            {"text": each.text, "running": each.line if each.is_running else ""} for each in self._terminals.values()
        ]


def _redraw(weak: weakref.ref[Terminals]) -> None:
    """Show what is new, at most ten times a second, as long as somebody has the widget."""
    while (shown := weak()) is not None and not shown._closed.is_set():  # noqa: SLF001
        dirty = shown._dirty  # noqa: SLF001
        if dirty.is_set():
            dirty.clear()
            shown._show()  # noqa: SLF001
        del shown
        time.sleep(2 * _PAUSE_S)


def _close_all(terminals: Sequence[Terminal]) -> None:
    for each in terminals:
        each.close()
