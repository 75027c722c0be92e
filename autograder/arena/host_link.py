"""The worker's end of the arena's host: starts it, asks it, ends it."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from autograder.jail import docker
from autograder.jail.network import Network

_START_S, _ANSWER_S, _END_S = 30.0, 60.0, 15.0
_CONTAINER_START_S = 120.0
_CLUSTER_START_S = 300.0  # of containers on a busy computer; who starts them gives up before
_SLOW = {"start", "finish"}
HOSTS = {"embedded": "host", "docker": "apache_host"}
"""The module of each kind of cluster: the kit's own, and Apache Kafka in containers."""


class ArenaError(Exception):
    """The arena itself failed, not the student; one line."""


class HostLink:
    """A host process, from `__enter__` to `__exit__`.

    Args:
        apart: whether it may live in a network of its own.
        cluster: the kind, one of `HOSTS`.
        contained: it lives in a container, for jails that are containers.

    Attributes:
        is_apart: whether it does; else its clusters listen on this computer's own 127.0.0.1.
        why_not: in words.

    Raises:
        ArenaError: it does not start, or ends, or refuses what it was asked.
    """

    def __init__(self, *, apart: bool = True, cluster: str = "embedded", contained: bool = False) -> None:
        self._lock = threading.Lock()
        self._number = 0
        self._container: docker.Container | None = None
        if contained:
            if cluster != "embedded":
                raise ArenaError("Apache Kafka's containers cannot be reached from the jail 'docker'; use another jail")
            self._container = docker.arena("-P", "-m", "autograder.arena.host", "--plain")
        options = [] if apart else ["--plain"]
        here = (sys.executable, "-P", "-c", _BOOT, str(Path(__file__).parents[2]), HOSTS[cluster], *options)
        self._process = subprocess.Popen(
            here if self._container is None else self._container.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            first = self._line(_CONTAINER_START_S if contained else _START_S)
        except BaseException:
            self.close()
            raise
        self.pid: int = first["pid"]
        self.is_apart: bool = first["is_apart"] or contained
        self.why_not: str = first["why_not"]
        self.ports: tuple[int, ...] = ()

    def ask(self, command: str, **arguments: Any) -> Any:
        """Let the host do something, and wait for its answer. Raises `ArenaError`."""
        with self._lock:
            self._number += 1
            message = {"id": self._number, "command": command, "args": arguments}
            assert self._process.stdin is not None
            try:
                self._process.stdin.write(json.dumps(message).encode() + b"\n")
                self._process.stdin.flush()
            except (OSError, ValueError) as error:
                raise ArenaError(f"the arena's host is gone: {error}") from error
            answer = self._line(_CLUSTER_START_S if command in _SLOW else _ANSWER_S)
        if "error" in answer:
            raise ArenaError(f"the arena could not {command}: {answer['error']}")
        return answer["result"]

    def start(self, brokers: int, config: Any) -> dict[str, Any]:
        """Start a cluster, and know its ports for `network`."""
        started: dict[str, Any] = self.ask("start", brokers=brokers, config=config)
        self.ports = tuple(started["ports"])
        return started

    @property
    def network(self) -> Network:
        """What jails join to reach the cluster."""
        return Network(self.pid, self.ports, None if self._container is None else self._container.name)

    def _line(self, timeout_s: float) -> dict[str, Any]:
        assert self._process.stdout is not None
        watchdog = threading.Timer(timeout_s, self._process.kill)
        watchdog.start()
        try:
            line = self._process.stdout.readline()
        finally:
            watchdog.cancel()
        if not line:
            raise ArenaError(f"the arena's host ended, or did not answer in {timeout_s:.0f} s")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """End the host and its cluster."""
        with contextlib.suppress(OSError):
            if self._process.stdin is not None:
                self._process.stdin.close()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._container is not None and self._process.returncode:  # its client may have been killed alone
            docker.kill(self._container.name)
        if self._process.stdout is not None:
            self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


# -P and this keep the folder that the worker was started in off the host's module path.
_BOOT = (
    "import sys; sys.path.insert(0, sys.argv.pop(1)); from importlib import import_module; "
    "sys.exit(import_module('autograder.arena.' + sys.argv.pop(1)).main())"
)
