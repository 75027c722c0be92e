"""A stand-in for a jailed session: a student's functions in a plain subprocess, asked in JSON lines."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

from autograder.job import Answer, Job

_BOOT = """
import json, os, sys, traceback
channel = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
space = {"__name__": "student"}
exec(compile(json.loads(sys.stdin.readline()), "student.py", "exec"), space)
for line in sys.stdin:
    function, arguments = json.loads(line)
    try:
        answer = {"value": space[function](*arguments)}
        text = json.dumps(answer)
    except BaseException as error:
        if "SHOW" in os.environ:
            traceback.print_exc()
        text = json.dumps({"error": f"{type(error).__name__}: {error}"})
    channel.write(text + "\\n")
    channel.flush()
"""


class PlainSession:
    """The functions of one source text, in a process of its own; no jail."""

    def __init__(self, source: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _BOOT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self._write(source)

    def _write(self, message: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()

    def call(self, function: str, arguments: tuple[Any, ...], timeout_s: float) -> Answer:
        """``function(*arguments)``; the process is killed when it takes too long."""
        assert self._process.stdout is not None
        watchdog = threading.Timer(timeout_s, self.kill)
        watchdog.start()
        try:
            self._write([function, list(arguments)])
            line = self._process.stdout.readline()
        except OSError:
            line = ""
        finally:
            watchdog.cancel()
        return Answer(function, **json.loads(line)) if line else Answer(function, error="the kernel died")

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()

    def close(self) -> None:
        """End it, and leave nothing behind."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()


def plain_sessions(source: str) -> Callable[[Job, Any], AbstractContextManager[PlainSession]]:
    """`open_session` for a student who wrote this."""

    @contextlib.contextmanager
    def open_session(job: Job, network: Any) -> Iterator[PlainSession]:
        session = PlainSession(source)
        try:
            yield session
        finally:
            session.close()

    return open_session
