"""`Service`: a cluster in a process of its own, seen from any other process of the same user."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from typing import Any

import kit.errors
from kit.errors import ClusterClosedError, KitError
from kit.service import channel, folder
from kit.service.folder import Record

ASK_TIMEOUT_S = 150.0  # above what any command takes that waits for a cluster
_CLOSE_TIMEOUT_S = 30.0
_KILL_TIMEOUT_S = 10.0
_PAUSE_S = 0.02


class Service:
    """A cluster in a process of its own.

    Args:
        record: what is known about it.

    Attributes:
        name: what it was started as; two that run have different ones.
        kind: what it is for.
        pid: of its process.
        backend: what runs the cluster, as `kit.start` names it.
        bootstrap_servers: where clients reach the cluster, as every client takes it.
        data_dir: where the brokers' files are on this computer; None when they are elsewhere.
    """

    def __init__(self, record: Record) -> None:
        self._record = record
        self.name = record.name
        self.kind = record.kind
        self.pid = record.pid
        self.backend = record.backend
        self.bootstrap_servers = record.bootstrap_servers
        self.data_dir = record.data_dir

    @property
    def is_running(self) -> bool:
        """Whether it still is the service of its name."""
        return folder.is_held(self.name) and folder.read_record(self.name) == self._record

    def ask(self, command: str, **arguments: Any) -> Any:
        """Let it carry out a command: "status", or what `kit.backends.Backend.ask` knows.

        Raises:
            ClusterClosedError: it is not there any more.
            KitError: it refused (in the class that a `kit.Cluster` would raise), or does not answer.
        """
        try:
            answer = self._exchange({"command": command, "arguments": arguments})
        except channel.ChannelError as error:
            if not self.is_running:
                raise ClusterClosedError(f"The cluster {self.name!r} does not run any more: start it again.") from error
            raise KitError(
                f"The cluster {self.name!r} (process {self.pid}) does not answer ({error}): "
                f"wait a moment, or end it with `kit down {self.name}`."
            ) from error
        if "error" in answer:
            raise _error_class(answer.get("kind"))(answer["error"])
        return answer.get("result")

    def _exchange(self, message: dict[str, Any]) -> dict[str, Any]:
        address = self._record.address
        where = address if isinstance(address, str) else (str(address[0]), int(address[1]))
        with channel.call(where, bytes.fromhex(self._record.key)) as connection:
            channel.send(connection, message)
            return channel.receive(connection, ASK_TIMEOUT_S)

    def close(self) -> None:
        """End it and wait until nothing is left of it; harmless when it has ended.

        Raises:
            KitError: it cannot be ended.
        """
        from kit.service import left_overs

        if not self.is_running:
            left_overs.clean_one(self.name)
            return
        with contextlib.suppress(KitError):
            self.ask("close")
        if not self._wait_for_end(_CLOSE_TIMEOUT_S):
            self._kill()
        left_overs.clean_one(self.name)

    def _kill(self) -> None:
        """End it by force. Nobody else can have its process id: it has the lock."""
        if not self.is_running:
            return
        try:
            os.kill(self.pid, getattr(signal, "SIGKILL", signal.SIGTERM))
        except OSError as error:
            raise KitError(
                f"The cluster {self.name!r} (process {self.pid}) cannot be ended: {error.strerror}."
            ) from error
        if not self._wait_for_end(_KILL_TIMEOUT_S):
            raise KitError(f"The cluster {self.name!r} (process {self.pid}) does not end: end that process yourself.")

    def _wait_for_end(self, timeout_s: float) -> bool:
        give_up_s = time.monotonic() + timeout_s
        while self.is_running:
            if time.monotonic() >= give_up_s:
                return False
            time.sleep(_PAUSE_S)
        return True

    def __repr__(self) -> str:
        return f"<Service {self.name!r} ({self.kind}), process {self.pid}, brokers at {self.bootstrap_servers}>"


def find(name: str) -> Service | None:
    """The service of that name, if one runs."""
    record = folder.read_record(name)
    if record is None or not folder.is_held(name):
        return None
    return Service(record)


def running(kind: str | None = None) -> list[Service]:
    """The services that run, by name.

    Args:
        kind: only those for that; None for all.
    """
    found = (find(name) for name in folder.names())
    return [service for service in found if service is not None and kind in (None, service.kind)]


def _error_class(kind: object) -> type[KitError]:
    found = getattr(kit.errors, kind, None) if isinstance(kind, str) else None
    return found if isinstance(found, type) and issubclass(found, KitError) else KitError
