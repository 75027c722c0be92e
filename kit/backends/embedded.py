"""The embedded backend: a child process that runs all brokers of a cluster in one event loop."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kit.backends import Broker, brokers_of
from kit.backends.arguments import (
    ConfigValue,
    check_brokers,
    check_controllers,
    checked_config,
    made_folder,
)
from kit.backends.child import ASK_TIMEOUT_S, Child, Decide
from kit.backends.listening import USER_COMMANDS, ListenerPlan
from kit.broker.process.data_dir import LOG_FILE, TEMPORARY_PREFIX
from kit.client_settings import ClientSettings
from kit.errors import KitError, StartError
from kit.listeners import Listener

_SLOW_COMMANDS_S = {"stop": 60.0, "restart": 60.0}  # the child itself gives up earlier, with a better reason


class EmbeddedBackend:
    """A cluster of pure-Python brokers in one child process on this computer.

    Args:
        brokers: how many, 1 to `kit.backends.arguments.MAX_BROKERS`.
        controllers: nodes of their own for the metadata quorum, 1 or 3; None for combined roles on the first brokers.
        port: of the first broker, the next ones follow it; None for free ports.
        data_dir: keeps the data, and a later start on it finds it again; None for a temporary folder.
        config: settings for every broker, in Kafka's names.
        listeners: how clients reach every broker; None for plain text on the loopback.

    Raises:
        StartError: it cannot start.
    """

    name = "embedded"

    def __init__(
        self,
        *,
        brokers: int,
        controllers: int | None,
        port: int | None,
        data_dir: str | os.PathLike[str] | None,
        config: Mapping[str, ConfigValue] | None,
        listeners: Sequence[Listener] | None = None,
    ) -> None:
        check_brokers(brokers)
        check_controllers(controllers)
        self._plan = ListenerPlan(listeners, brokers=brokers, port=port)
        settings = {
            "brokers": brokers,
            "controllers": controllers,
            "config": checked_config(config, brokers),
            "is_temporary": data_dir is None,
        }
        self._owner_pid = os.getpid()
        self._lock = threading.Lock()
        self._is_closed = False
        self._is_temporary = data_dir is None
        self._states: dict[int, str] = {}
        try:
            self.data_dir: str | None = (
                tempfile.mkdtemp(prefix=TEMPORARY_PREFIX) if data_dir is None else made_folder(data_dir)
            )
            self._plan.add_certificates(Path(self.data_dir))
            self._child = Child(
                {**settings, "data_dir": self.data_dir, "listeners": self._plan.described},
                name="The embedded cluster",
                log_path=Path(self.data_dir, LOG_FILE),
            )
        except StartError:
            self._remove_temporary()
            raise
        except OSError as error:
            raise StartError(f"No temporary folder can be made ({error}): free some space, or set TMPDIR.") from error
        try:
            answer = self._child.started()
        except BaseException:  # an interrupt too must not leave a process behind
            self.close()
            raise
        self._plan.note_ports(answer["ports"])

    def brokers(self) -> list[Broker]:
        """The brokers by node id; they live and die one by one, and all of them with their process."""
        return brokers_of(self._plan.addresses(), self._node_states())

    @property
    def client_settings(self) -> ClientSettings:
        """The addresses of all brokers by the first listener, and how to come in there."""
        return self._plan.client_settings()

    def _node_states(self) -> dict[int, str]:
        if self._is_closed or self._child.status is not None:
            return {}
        try:
            nodes = self._child.ask("state", {})["nodes"]
        except KitError:  # it is ending, or this is a process that was forked
            return self._states
        self._states = {int(node_id): state for node_id, state in nodes.items()}
        return self._states

    def ask(self, command: str, arguments: Mapping[str, Any]) -> Any:
        """Let the brokers' process carry out a command of `kit.broker.process.control`."""
        if command in USER_COMMANDS:
            arguments = self._plan.change_users(command, arguments)
        return self._child.ask(command, arguments, timeout_s=_SLOW_COMMANDS_S.get(command, ASK_TIMEOUT_S))

    def add_hook(self, api_key: int, decide: Decide) -> int:
        """Have ``decide`` asked about every request of one API."""
        return self._child.add_hook({"api_key": api_key}, decide)

    def remove_hook(self, number: int) -> None:
        """Have the hook asked no more."""
        self._child.remove_hook(number)

    def why_gone(self) -> str | None:
        """One sentence, with the end of the child's log, when it ended without being asked to; else None."""
        if self._is_closed or self._child.status is None:
            return None
        return f"The process of the embedded cluster ended with status {self._child.status}{self._child.last_words()}"

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
            self._child.close()
            self._remove_temporary()

    def _remove_temporary(self) -> None:
        if self._is_temporary and self.data_dir is not None:
            shutil.rmtree(self.data_dir, ignore_errors=True)  # the child did, unless it was killed
