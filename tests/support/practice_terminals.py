"""The practice CLI as a student has it: each command a process of its own, some of them in terminals."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import threading
from pathlib import Path

from tests.support.wait import wait_until

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "kit", "confluent")
CTRL_C, CTRL_D = "\x03", "\x04"

_TIMEOUT_S = 100
_SPAWN = "import os, pty, sys; sys.exit(os.waitstatus_to_exitcode(pty.spawn(sys.argv[1:])))"


def confluent(line: str, stdin: str = "", status: int = 0) -> subprocess.CompletedProcess[str]:
    """Run `kit confluent ...` and wait for its end.

    Args:
        line: the words after it.
        stdin: what it reads.
        status: what its exit status must be.
    """
    ended = subprocess.run(
        [*COMMAND, *line.split()],
        check=False,
        cwd=ROOT,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_S,
    )
    assert ended.returncode == status, (line, ended.stdout, ended.stderr)
    return ended


class Running:
    """A command that goes on: its output is collected while it runs.

    Args:
        line: the words after `kit confluent`.
        terminal: whether it runs in a terminal of its own, where it can be typed at; otherwise its streams are pipes.

    Attributes:
        output, errors: what it printed so far; in a terminal both are in `output`, with what was typed.
    """

    def __init__(self, line: str, *, terminal: bool = False) -> None:
        spawn = (sys.executable, "-c", _SPAWN) if terminal else ()
        self._process = subprocess.Popen(
            [*spawn, *COMMAND, *line.split()],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self._is_terminal = terminal
        self._collected = {"output": b"", "errors": b""}
        streams = {"output": self._process.stdout, "errors": self._process.stderr}
        self._threads = [threading.Thread(target=self._collect, args=item, daemon=True) for item in streams.items()]
        for thread in self._threads:
            thread.start()

    def _collect(self, name: str, stream: object) -> None:
        while block := stream.read1(65536):  # type: ignore[attr-defined]
            self._collected[name] += block

    @property
    def output(self) -> str:
        """What it printed on standard output; lines end as they do anywhere else."""
        return self._collected["output"].decode().replace("\r\n", "\n")

    @property
    def errors(self) -> str:
        """What it printed on standard error."""
        return self._collected["errors"].decode().replace("\r\n", "\n")

    def wait_for(self, text: str) -> None:
        """Wait until it has printed a text."""
        wait_until(lambda: text in self.output + self.errors, f"{text!r} in {self._collected}")

    def type(self, text: str) -> None:
        """Type, or write into the pipe."""
        assert self._process.stdin is not None
        self._process.stdin.write(text.encode())
        self._process.stdin.flush()

    def ctrl_c(self) -> None:
        """Press Ctrl-C."""
        if self._is_terminal:
            self.type(CTRL_C)
        else:
            self._process.send_signal(signal.SIGINT)

    def end(self) -> int:
        """Wait until it has ended by itself; returns its exit status."""
        status = self._process.wait(_TIMEOUT_S)
        for thread in self._threads:
            thread.join(_TIMEOUT_S)
        self.close()
        return status

    def close(self) -> None:
        """End it however it is; harmless when it has ended."""
        self._process.kill()
        self._process.wait(_TIMEOUT_S)
        for thread in self._threads:
            thread.join(_TIMEOUT_S)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            assert stream is not None
            with contextlib.suppress(OSError):  # what was typed and never read
                stream.close()
