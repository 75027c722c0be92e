"""A child process that runs `kit.broker`: how it is started, asked and ended.

The child ends with its parent, however that ends: its stdin is a pipe that nobody but the parent holds on purpose,
and it watches the parent's process id. Over its stdin and stdout it takes commands (`kit.broker.process.control`).
"""

from __future__ import annotations

import contextlib
import itertools
import json
import logging
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

from kit.broker.process.control import CLOSE
from kit.errors import ClusterClosedError, FaultError, KitError, StartError

log = logging.getLogger(__name__)

ASK_TIMEOUT_S = 10.0
_START_TIMEOUT_S = 30.0
_CLOSE_TIMEOUT_S = 10.0
_READ_BYTES = 65_536

# -P keeps the notebook's folder off the child's module path, where a student's random.py would shadow Python's own.
# The kit itself must be the parent's, wherever that was found, and must not bring its folder's neighbours with it.
_BOOT = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); import kit; del sys.path[0]; "
    "from importlib import import_module; sys.exit(import_module(sys.argv.pop(1)).main())"
)
_NOT_FOR_THE_CHILD = ("PYTHONINSPECT", "PYTHONSTARTUP", "PYTHONWARNINGS")

Decide = Callable[[Mapping[str, Any]], Any]  # a request as the child describes it -> the verdict


class Child:
    """One child process; it starts at once, and `started` waits until it answers.

    Args:
        settings: its first line of input, see `kit.broker.__main__`; the parent's process id is added.
        name: in sentences about it, such as "The embedded cluster".
        log_path: the file that it logs to.
        module: whose ``main`` it runs.
        on_event: gets what it sends for the timeline (`kit.broker.timeline.SentTimeline`), in a thread.

    Raises:
        OSError: no temporary file or no process can be made.
    """

    def __init__(
        self,
        settings: Mapping[str, Any],
        *,
        name: str,
        log_path: Path,
        module: str = "kit.broker.__main__",
        on_event: Callable[[Any], None] = lambda _: None,
    ) -> None:
        self._name = name
        self._log_path = log_path
        self._on_event = on_event
        self._owner_pid = os.getpid()
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the child
        self._write_lock = threading.RLock()  # the garbage collector may close a cluster in any thread, at any time
        self._numbers = itertools.count(1)
        self._first: Future[dict[str, Any]] = Future()
        self._answers: dict[int, Future[dict[str, Any]]] = {}
        self._hooks: dict[int, Decide] = {}
        self._calls: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self._asks_hooks = False
        self._has_ended = False
        self._process = spawn(module, self._stderr)
        self._reader = threading.Thread(target=self._read, name=f"{name}: answers", daemon=True)
        self._reader.start()
        with contextlib.suppress(OSError):  # it died at once: `started` has its last words
            self._write(_line({**settings, "parent_pid": self._owner_pid}))

    # -- life ----------------------------------------------------------------------------------------------------

    def started(self) -> dict[str, Any]:
        """What the child says when it is ready.

        Raises:
            StartError: it refuses to start, ended, or takes too long.
        """
        try:
            answer = self._first.result(_START_TIMEOUT_S)
        except TimeoutError:
            raise StartError(
                f"{self._name} did not start within {_START_TIMEOUT_S:.0f} seconds: "
                "the computer may be very busy, so try again" + self.last_words()
            ) from None
        except EOFError:
            status = self._process.wait(_CLOSE_TIMEOUT_S)
            raise StartError(f"{self._name} ended with status {status} while starting{self.last_words()}") from None
        if "error" in answer:
            raise StartError(answer["error"])
        return answer

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def status(self) -> int | None:
        """Its exit status; None while it runs."""
        return self._process.poll()

    def last_words(self) -> str:
        """The end of what it wrote to its stderr and its log, as the end of a sentence."""
        if self._stderr.closed:  # it was ended on purpose
            return "."
        self._stderr.seek(0)
        lines = self._stderr.read().decode("utf-8", "replace").splitlines()
        with contextlib.suppress(OSError):
            lines = self._log_path.read_text("utf-8", "replace").splitlines()[-5:] + lines
        return "; its last words:\n" + "\n".join(lines[-12:]) if lines else "."

    def kill(self) -> None:
        """End it without a warning, and wait until it is gone and what it had said has arrived."""
        self._process.kill()
        self._process.wait()
        if threading.current_thread() is not self._reader:
            self._reader.join(_CLOSE_TIMEOUT_S)

    def wait(self, timeout_s: float) -> bool:
        """Wait until it has ended by itself; whether it has."""
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def close(self) -> None:
        """End it in peace, or after a while by force. Not to be called in a process that was forked from the owner."""
        with contextlib.suppress(OSError, ValueError):  # ValueError: it was closed before
            self._write(_line({"command": CLOSE}))  # the end of the pipe says less when a forked process holds it too
        with contextlib.suppress(OSError):
            self._stdin.close()
        try:
            self._process.wait(_CLOSE_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self.kill()
        self._calls.put(None)
        if threading.current_thread() is not self._reader:
            self._reader.join(_CLOSE_TIMEOUT_S)
        if self._process.stdout is not None and not self._reader.is_alive():
            self._process.stdout.close()
        self._stderr.close()

    # -- commands ------------------------------------------------------------------------------------------------

    def ask(self, command: str, arguments: Mapping[str, Any], *, timeout_s: float = ASK_TIMEOUT_S) -> Any:
        """Let the child carry out a command; returns its result. Any thread may ask.

        Raises:
            FaultError: it refused.
            ClusterClosedError: it is not there any more.
            KitError: it did not answer in time, or failed.
        """
        if os.getpid() != self._owner_pid:
            raise ClusterClosedError(f"{self._name} belongs to process {self._owner_pid}: ask it from there.")
        number = next(self._numbers)
        line = _line({"id": number, "command": command, "args": arguments})
        answer = self._answers[number] = Future()
        try:
            self._write(line)
            if self._has_ended:  # the reader may have been too early to see that somebody waits
                raise self._gone()
            return self._result(command, answer.result(timeout_s))
        except TimeoutError:
            raise KitError(
                f"{self._name} did not answer to {command}() within {timeout_s:.0f} seconds{self.last_words()}"
            ) from None
        except (OSError, EOFError, ValueError):  # ValueError: the pipe was closed here
            raise self._gone() from None
        finally:
            self._answers.pop(number, None)

    def tell(self, command: str, arguments: Mapping[str, Any]) -> None:
        """Let the child carry out a command when it comes to it, and do not wait for the result."""
        with contextlib.suppress(OSError, ValueError):
            self._write(_line({"command": command, "args": arguments}))

    def _result(self, command: str, answer: Mapping[str, Any]) -> Any:
        if "error" not in answer:
            return answer["result"]
        if answer["kind"] == FaultError.__name__:
            raise FaultError(answer["error"])
        raise KitError(f"{self._name} failed in {command}(): {answer['error']}")

    def add_hook(self, arguments: Mapping[str, Any], decide: Decide) -> int:
        """Have ``decide`` asked about requests, in a thread of its own; returns the hook's number.

        Args:
            arguments: of the child's command ``add_hook``.

        Raises:
            KitError: as `ask`.
        """
        if not self._asks_hooks:
            self._asks_hooks = True
            threading.Thread(target=self._ask_hooks, name=f"{self._name}: hooks", daemon=True).start()
        number = next(self._numbers)
        self._hooks[number] = decide
        try:
            self.ask("add_hook", {**arguments, "hook": number})
        except BaseException:
            del self._hooks[number]
            raise
        return number

    def remove_hook(self, number: int) -> None:
        """Have the hook asked no more; harmless when that was so already.

        Raises:
            KitError: as `ask`.
        """
        if self._hooks.pop(number, None) is not None:
            self.ask("remove_hook", {"hook": number})

    # -- the pipes -----------------------------------------------------------------------------------------------

    @property
    def _stdin(self) -> Any:
        return self._process.stdin

    def _write(self, line: bytes) -> None:
        rest = memoryview(line)
        with self._write_lock:
            while rest:  # a signal can cut a write short
                rest = rest[self._stdin.write(rest) :]

    def _gone(self) -> ClusterClosedError:
        return ClusterClosedError(f"{self._name} is not there any more{self.last_words()}")

    def _read(self) -> None:
        for line in _lines(self._process.stdout):
            try:
                message = json.loads(line)
            except ValueError:
                log.warning("%s said what is no JSON: %r", self._name, line[:200])
                continue
            self._take(message)
        self._has_ended = True
        for waiting in [self._first, *list(self._answers.values())]:
            if not waiting.done():
                waiting.set_exception(EOFError())

    def _take(self, message: dict[str, Any]) -> None:
        if not self._first.done():
            self._first.set_result(message)
        elif "event" in message or "decisions" in message:
            self._on_event(message)
        elif "call" in message:
            self._calls.put(message)
        else:
            waiting = self._answers.get(message["id"])
            if waiting is not None:
                waiting.set_result(message)

    def _ask_hooks(self) -> None:
        """Not in the reader's thread: a hook may itself ask the child for something, and wait for it."""
        while (message := self._calls.get()) is not None:
            decide = self._hooks.get(message["hook"])
            verdict = None if decide is None else decide(message["request"])
            with contextlib.suppress(OSError, ValueError):
                self._write(_line({"call": message["call"], "verdict": verdict}))


def spawn(
    module: str, stderr: Any, *, stdout: Any = subprocess.PIPE, is_detached: bool = False
) -> subprocess.Popen[bytes]:
    """Start the ``main`` of a module of ours in a process and a process group of its own; its stdin is a pipe.

    Args:
        is_detached: away from the terminal too, so that it lives on when that is closed.

    Raises:
        OSError: no process can be made.
    """
    environment = {key: value for key, value in os.environ.items() if key not in _NOT_FOR_THE_CHILD}
    package_root = str(Path(__file__).parents[2])
    return subprocess.Popen(
        [sys.executable, "-P", "-c", _BOOT, package_root, module],
        stdin=subprocess.PIPE,
        stdout=stdout,
        stderr=stderr,
        bufsize=0,  # the reader's thread must not hold a buffer's lock when Python ends
        cwd=Path(package_root).anchor,
        env=environment,
        **(_own_session() if is_detached else _own_group()),
    )


def _own_group() -> dict[str, Any]:
    """Popen's arguments for a process group of its own: no Ctrl-C and no interrupt of the kernel reaches the child."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"process_group": 0}


def _own_session() -> dict[str, Any]:
    """Popen's arguments for a process that no terminal ends when it is closed."""
    if sys.platform == "win32":  # a console without a window: with none at all, each child would open a window
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.CREATE_NO_WINDOW}
    return {"start_new_session": True}


def _line(message: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(message).encode() + b"\n"
    except (TypeError, ValueError) as error:
        raise FaultError(f"An argument is neither a number nor text nor a collection of those: {error}.") from error


def _lines(stream: Any) -> Iterator[bytes]:
    """The lines of a raw stream as they come; what follows the last line's end is left out."""
    rest = b""
    while data := stream.read(_READ_BYTES):
        *lines, rest = (rest + data).split(b"\n")
        yield from lines
