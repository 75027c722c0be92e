"""`Host`: the process that a service is: it has the cluster, lets others find it, and ends it."""

from __future__ import annotations

import contextlib
import dataclasses
import logging
import os
import secrets
import signal
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from types import FrameType
from typing import Any

from kit.cluster import Cluster, start
from kit.errors import KitError, StartError
from kit.listeners import Listener
from kit.service import channel, folder, left_overs
from kit.service.folder import NameLock, Notes, Record
from kit.service.server import Server

log = logging.getLogger(__name__)

END_SIGNALS = ("SIGTERM", "SIGINT", "SIGHUP")
_LOOK_S = 1.0


class EndRequest(BaseException):
    """A signal asks this process to end. Raised in the main thread, wherever that is."""


class Host:
    """A cluster of this process that other processes find and ask.

    Make it in the main thread, `run` it, and `close` it whatever happens.

    Args:
        name: what others find it as.
        settings: the keywords of `kit.start` and "backend", with listeners as dictionaries.
        kind: what it is for.

    Raises:
        StartError: a service of that name runs already, or the cluster cannot start. Nothing is left of it.
    """

    def __init__(self, name: str, settings: Mapping[str, Any], *, kind: str) -> None:
        self.name = folder.check_name(name)
        self._kind = kind
        self._settings = dict(settings)
        self._is_asked_to_end = threading.Event()
        self._stack = contextlib.ExitStack()
        try:
            self._lock = _locked(self.name)
            self._stack.callback(self._release)
            left_overs.tidy(self.name)
            self._lock.forget()
            self.cluster = self._started()
            self._stack.callback(self.cluster.close)
            self._offer()
        except BaseException:
            self.close()
            raise

    def _started(self) -> Cluster:
        settings = dict(self._settings)
        listeners = settings.pop("listeners", None)
        try:
            if listeners is not None:
                settings["listeners"] = [Listener(**each) for each in listeners]
            return start(settings.pop("backend", "embedded"), **settings)
        except TypeError as error:
            raise StartError(f"These are no settings of kit.start: {error}.") from error

    def _offer(self) -> None:
        """Let others find and ask the cluster."""
        key = secrets.token_bytes(channel.KEY_BYTES)
        try:
            server = Server(key, self._answer, self._is_asked_to_end.set)
            self._stack.callback(server.close)
            address = server.door.address
            self.record = Record(
                name=self.name,
                kind=self._kind,
                pid=os.getpid(),
                backend=self._settings.get("backend", "embedded"),
                bootstrap_servers=self.cluster.bootstrap_servers,
                address=address if isinstance(address, str) else list(address),
                key=key.hex(),
                data_dir=self.cluster.data_dir,
                is_temporary=self._settings.get("data_dir") is None,
                started_ms=time.time_ns() // 1_000_000,
            )
            self._notes = Notes(self._lock, self.record)
        except OSError as error:
            raise StartError(
                f"Nobody could find the cluster {self.name!r}: {error}. Name another folder with KIT_HOME."
            ) from error

    def _answer(self, command: str, arguments: dict[str, Any]) -> Any:
        if command == "status":
            return self.status()
        return self.cluster._ask(command, **arguments)  # noqa: SLF001 - the same cluster, seen from another process

    def status(self) -> dict[str, Any]:
        """What somebody who asks is told, without secrets."""
        shown = ("name", "kind", "pid", "backend", "bootstrap_servers", "data_dir", "is_temporary", "started_ms")
        record = dataclasses.asdict(self.record)
        return {
            **{key: record[key] for key in shown},
            "brokers": [dataclasses.asdict(broker) for broker in self.cluster.brokers],
        }

    def run(self, tell: Callable[[str], None] | None = None) -> None:
        """Wait until somebody wants the cluster to end.

        Args:
            tell: gets a sentence when a broker died or came back, whoever did that; None when nobody listens.

        Raises:
            EndRequest: a signal does, see `end_on`.
            ClusterClosedError: the cluster has ended by itself.
        """
        living = {broker.node_id for broker in self.cluster.brokers}  # all of them, or it would not have started
        while not self._is_asked_to_end.wait(_LOOK_S):
            self.cluster._check_running()  # noqa: SLF001 - it asks nobody, which "controller" would
            self._keep_notes()
            if tell is not None:
                living = _tell_changes(living, _living(self.cluster), tell)
        log.info("somebody asked for the end")

    def _keep_notes(self) -> None:
        try:
            self._notes.keep()
        except (OSError, KitError) as error:
            log.warning("nobody finds this cluster: %s", error)

    def _release(self) -> None:
        (self._notes.lock if hasattr(self, "_notes") else self._lock).release()

    def close(self) -> None:
        """End the cluster, and leave nothing behind; harmless when called again."""
        self._stack.close()


def _living(cluster: Cluster) -> set[int]:
    return {broker.node_id for broker in cluster.brokers if broker.is_alive}


def _tell_changes(before: set[int], now: set[int], tell: Callable[[str], None]) -> set[int]:
    for node_id in sorted(before ^ now):
        tell(f"Broker {node_id} {'runs again' if node_id in now else 'does not run any more'}.")
    return now


def end_on(*names: str) -> None:
    """Have signals raise `EndRequest` in the main thread, the first of them only."""
    for number in _numbers(names):
        if signal.getsignal(number) != signal.SIG_IGN or number.name != "SIGHUP":  # `nohup` wants it to live on
            signal.signal(number, _request_end)


def ignore(*names: str) -> None:
    """Have signals do nothing: whoever is ending must not be interrupted in it."""
    for number in _numbers(names):
        signal.signal(number, signal.SIG_IGN)


def _numbers(names: Iterable[str]) -> list[signal.Signals]:
    return [signal.Signals[name] for name in names if name in signal.Signals.__members__]  # Windows has no SIGHUP


def _request_end(number: int, _: FrameType | None) -> None:
    ignore(*END_SIGNALS)
    raise EndRequest(signal.Signals(number).name)


def _locked(name: str) -> NameLock:
    folder.made_clusters()
    try:
        return NameLock(name)
    except BlockingIOError:
        record = folder.read_record(name)
        what = "is just being started" if record is None else f"runs already (process {record.pid})"
        raise StartError(
            f"A cluster of the name {name!r} {what}: end it with `kit down {name}`, or choose another name."
        ) from None
    except OSError as error:
        raise StartError(
            f"The kit cannot keep its notes in {folder.clusters()} ({error.strerror}): name another folder with the "
            "environment variable KIT_HOME."
        ) from error
