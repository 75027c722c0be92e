"""The embedded backend: a child process that runs `kit.broker`.

The child ends with its parent, however that ends: its stdin is a pipe that nobody but the parent holds on purpose,
and it watches the parent's process id. The parent ends it by a byte on that pipe, which works on every system.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from kit.backends import Broker
from kit.broker.data_dir import LOG_FILE, TEMPORARY_PREFIX
from kit.errors import StartError

MAX_BROKERS = 9
ConfigValue = str | int | float | bool

_START_TIMEOUT_S = 30.0
_CLOSE_TIMEOUT_S = 10.0
_LAST_PORT = 65_535

# -P keeps the notebook's folder off the child's module path, where a student's random.py would shadow Python's own.
# The kit itself must be the parent's, wherever that was found, and must not bring its folder's neighbours with it.
_BOOT = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); import kit; del sys.path[0]; "
    "from kit.broker.__main__ import main; sys.exit(main())"
)
_NOT_FOR_THE_CHILD = ("PYTHONINSPECT", "PYTHONSTARTUP", "PYTHONWARNINGS")


class EmbeddedBackend:
    """A cluster of pure-Python brokers in one child process on this computer.

    Args:
        brokers: how many, 1 to `MAX_BROKERS`.
        port: of the first broker, the next ones follow it; None for free ports.
        data_dir: keeps the data, and a later start on it finds it again; None for a temporary folder.
        config: settings for every broker, in Kafka's names.

    Raises:
        StartError: it cannot start.
    """

    name = "embedded"

    def __init__(
        self,
        *,
        brokers: int,
        port: int | None,
        data_dir: str | os.PathLike[str] | None,
        config: Mapping[str, ConfigValue] | None,
    ) -> None:
        _check_brokers(brokers)
        ports = _ports(brokers, port)
        settings = _checked_config(config)
        self._owner_pid = os.getpid()
        self._lock = threading.Lock()
        self._is_closed = False
        self._is_temporary = data_dir is None
        try:
            self.data_dir: str | None = (
                tempfile.mkdtemp(prefix=TEMPORARY_PREFIX) if data_dir is None else _prepared(data_dir)
            )
            self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the child
        except OSError as error:
            raise StartError(f"No temporary folder can be made ({error}): free some space, or set TMPDIR.") from error
        self._process = self._spawn()
        try:
            answer = self._ask({"ports": ports, "config": settings})
        except BaseException:  # an interrupt too must not leave a process behind
            self.close()
            raise
        self._ports: dict[int, int] = {int(node_id): number for node_id, number in answer["ports"].items()}

    def brokers(self) -> list[Broker]:
        """The brokers by node id; all of them live in one process."""
        is_alive = not self._is_closed and self._process.poll() is None
        return [Broker(node_id, "127.0.0.1", port, is_alive) for node_id, port in self._ports.items()]

    def why_gone(self) -> str | None:
        """One sentence, with the end of the child's log, when it ended without being asked to; else None."""
        if self._is_closed or self._process.poll() is None:
            return None
        return f"The process of the embedded cluster ended with status {self._process.returncode}{self._last_words()}"

    def close(self) -> None:
        """End the child and remove its temporary folder.

        Does nothing in a process that was forked from the one that started the cluster.
        """
        if os.getpid() != self._owner_pid:
            return
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
            self._end_process()
            self._stderr.close()
            if self._is_temporary and self.data_dir is not None:
                shutil.rmtree(self.data_dir, ignore_errors=True)  # the child did, unless it was killed

    def _spawn(self) -> subprocess.Popen[bytes]:
        environment = {key: value for key, value in os.environ.items() if key not in _NOT_FOR_THE_CHILD}
        package_root = str(Path(__file__).parents[2])
        return subprocess.Popen(
            [sys.executable, "-P", "-c", _BOOT, package_root],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            cwd=Path(package_root).anchor,
            env=environment,
            **_own_group(),
        )

    def _ask(self, settings: dict[str, Any]) -> dict[str, Any]:
        about_us = {"data_dir": self.data_dir, "is_temporary": self._is_temporary, "parent_pid": self._owner_pid}
        request = json.dumps({**settings, **about_us}) + "\n"
        stdin, stdout = self._pipes()
        with contextlib.suppress(BrokenPipeError):  # it died at once: its last words say more
            stdin.write(request.encode())
            stdin.flush()
        line = _read_line(stdout, _START_TIMEOUT_S)
        if line is None:
            raise StartError(
                f"The embedded cluster did not start within {_START_TIMEOUT_S:.0f} seconds: "
                "the computer may be very busy, so try again" + self._last_words()
            )
        if not line:
            status = self._process.wait(_CLOSE_TIMEOUT_S)
            raise StartError(f"The embedded cluster ended with status {status} while starting{self._last_words()}")
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            refusal = StartError(answer["error"])
            if "traceback" in answer:
                refusal.add_note(f"In the cluster's process:\n{answer['traceback']}")
            raise refusal
        return answer

    def _end_process(self) -> None:
        stdin, stdout = self._pipes()
        with contextlib.suppress(OSError):
            stdin.write(b"\n")  # closing alone does not tell it when a forked process holds the pipe too
            stdin.flush()
        with contextlib.suppress(OSError):
            stdin.close()
        try:
            self._process.wait(_CLOSE_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        stdout.close()

    def _pipes(self) -> tuple[IO[bytes], IO[bytes]]:
        if self._process.stdin is None or self._process.stdout is None:
            raise RuntimeError("the child was started without pipes")
        return self._process.stdin, self._process.stdout

    def _last_words(self) -> str:
        """The end of what the child wrote to its stderr and its log, as the end of a sentence."""
        self._stderr.seek(0)
        lines = self._stderr.read().decode("utf-8", "replace").splitlines()
        with contextlib.suppress(OSError):
            log = Path(self.data_dir or "", LOG_FILE).read_text("utf-8", "replace")
            lines = log.splitlines()[-5:] + lines
        return "; its last words:\n" + "\n".join(lines[-12:]) if lines else "."


def _own_group() -> dict[str, Any]:
    """Popen's arguments for a process group of its own: no Ctrl-C and no interrupt of the kernel reaches the child."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"process_group": 0}


def _check_brokers(brokers: object) -> None:
    if not isinstance(brokers, int) or isinstance(brokers, bool):
        raise StartError(f"brokers={brokers!r} is not a whole number: try brokers=3.")
    if brokers < 1:
        raise StartError(f"A cluster needs at least one broker, not brokers={brokers}: try brokers=3.")
    if brokers > MAX_BROKERS:
        raise StartError(
            f"brokers={brokers} is too many: all brokers of the embedded cluster share one process and one core, "
            f"so {MAX_BROKERS} is the most; 3 show everything that a larger cluster does."
        )


def _ports(brokers: int, port: object) -> list[int]:
    if port is None:
        return [0] * brokers
    if not isinstance(port, int) or isinstance(port, bool) or not 0 < port <= _LAST_PORT + 1 - brokers:
        raise StartError(
            f"port={port!r} cannot be the first of {brokers} port(s): choose a number from 1024 to "
            f"{_LAST_PORT + 1 - brokers}, or leave port out and the kit finds free ones."
        )
    return list(range(port, port + brokers))


def _checked_config(config: object) -> dict[str, ConfigValue]:
    if config is None:
        return {}
    if not isinstance(config, Mapping):
        raise StartError(f"config must be a dictionary like {{'num.partitions': 3}}, not {type(config).__name__}.")
    for key, value in config.items():
        if not isinstance(key, str) or not isinstance(value, ConfigValue):
            raise StartError(f"config[{key!r}] = {value!r}: a name must be text, and a value text, a number or a bool.")
    return dict(config)


def _prepared(data_dir: str | os.PathLike[str]) -> str:
    if data_dir == "":
        raise StartError("data_dir is empty: name a folder, or leave data_dir out for a temporary one.")
    try:
        path = Path(data_dir).expanduser().absolute()
    except (TypeError, RuntimeError) as error:  # bytes or no path at all; a ~user that there is not
        raise StartError(
            f"data_dir={data_dir!r} is not a folder's name ({error}): try data_dir='kafka-data'."
        ) from error
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        reason = error.strerror if isinstance(error, OSError) else error
        raise StartError(f"The folder {path} cannot be made ({reason}): choose another data_dir.") from error
    return str(path)


def _read_line(stream: IO[bytes], timeout_s: float) -> bytes | None:
    """One line, b"" at the end of the stream, None when neither came in time (pipes have no timeout on Windows)."""
    lines: list[bytes] = []
    reader = threading.Thread(target=lambda: lines.append(stream.readline()), daemon=True)
    reader.start()
    reader.join(timeout_s)
    return lines[0] if lines else None
