"""The processes backend: every broker is a process of its own, and so is every controller that is no broker.

The nodes talk over TCP (`kit.broker.net.peers`), so a kill is a SIGKILL and several cores work at once. The faults of
the links are decided here and told to every node; each node drops and delays its own messages.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import tempfile
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from random import SystemRandom
from typing import Any, NoReturn

from kit.backends import Broker, brokers_of
from kit.backends.arguments import (
    ConfigValue,
    check_brokers,
    check_controllers,
    checked_config,
    made_folder,
)
from kit.backends.child import ASK_TIMEOUT_S
from kit.backends.listening import USER_COMMANDS, ListenerPlan
from kit.backends.node_child import NodeChild
from kit.backends.node_commands import NodeCommands
from kit.backends.ports import ReservedPort
from kit.broker.config.cluster_defaults import PROCESS_TIMERS
from kit.broker.layout import (
    FIRST_CONTROLLER_ID,
    LayoutError,
    cluster_id_of,
    directory_of,
    node_log_file,
    recorded_voters,
    voters_of,
)
from kit.broker.net.handshake import SECRET_BYTES
from kit.broker.process.data_dir import TEMPORARY_PREFIX
from kit.client_settings import ClientSettings
from kit.errors import ClusterClosedError, KitError, StartError
from kit.listeners import Listener


class ProcessesBackend:
    """A cluster of pure-Python brokers on this computer, one process for each.

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

    name = "processes"

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
        settings = checked_config(config, brokers)
        self._listeners = ListenerPlan(listeners, brokers=brokers, port=port)
        self._owner_pid = os.getpid()
        self._lock = threading.RLock()  # one fault after the other
        self._is_closed = False
        self._is_temporary = data_dir is None
        self._reserved: list[ReservedPort] = []
        self._nodes: dict[int, NodeChild] = {}
        try:
            self.data_dir: str | None = (
                tempfile.mkdtemp(prefix=TEMPORARY_PREFIX) if data_dir is None else made_folder(data_dir)
            )
        except OSError as error:
            raise StartError(f"No temporary folder can be made ({error}): free some space, or set TMPDIR.") from error
        try:
            self._begin(brokers, controllers, settings)
        except BaseException:  # an interrupt too must not leave a process behind
            self.close()
            raise

    # -- life ----------------------------------------------------------------------------------------------------

    def _begin(self, brokers: int, controllers: int | None, config: Mapping[str, ConfigValue]) -> None:
        try:
            self._plan(brokers, controllers, config)
            self._commands.start_all()
        except StartError:
            raise
        except (KitError, LayoutError, OSError) as error:
            raise StartError(f"The cluster cannot start: {error}") from error

    def _plan(self, brokers: int, controllers: int | None, config: Mapping[str, ConfigValue]) -> None:
        """Find out which nodes there are, and a port for everything that will ever listen."""
        data_dir = Path(self.data_dir or "")
        broker_ids = list(range(1, brokers + 1))
        voters = recorded_voters(data_dir, voters_of(brokers, controllers), is_chosen=controllers is not None)
        voters_here = [node_id for node_id in voters if node_id in broker_ids or node_id >= FIRST_CONTROLLER_ID]
        node_ids = sorted({*broker_ids, *voters_here})
        self._listeners.reserve(self._reserve)
        self._listeners.add_certificates(data_dir)
        shared = {
            "broker_ids": broker_ids,
            "listeners": self._listeners.described,
            "voters": voters,
            "peer_ports": {node_id: self._reserve(0) for node_id in node_ids},
            "secret": secrets.token_hex(SECRET_BYTES),
            "cluster_id": cluster_id_of({each: directory_of(data_dir, each) for each in node_ids}, SystemRandom()),
            "data_dir": self.data_dir,
            "is_temporary": self._is_temporary,
            "config": {**PROCESS_TIMERS, **config},
        }
        self._commands = NodeCommands(node_ids, voters_here)
        for node_id in node_ids:
            own = {"node_id": node_id, "is_broker": node_id in broker_ids}
            log_path = data_dir / node_log_file(node_id)
            node = self._nodes[node_id] = NodeChild({**shared, **own}, log_path, self._commands.take_event)
            self._commands.add(node)

    def _reserve(self, port: int, host: str = "127.0.0.1") -> int:
        self._reserved.append(ReservedPort(port, host))
        return self._reserved[-1].port

    def close(self) -> None:
        """End all processes and remove the temporary folder.

        Does nothing in a process that was forked from the one that started the cluster.
        """
        if os.getpid() != self._owner_pid:
            return
        with self._lock:
            if self._is_closed:
                return
            self._is_closed = True
            for node in self._nodes.values():
                if node.state == "up":
                    node.tell("close", {})  # all at once, and then wait for each
            for node in self._nodes.values():
                node.end()
            for port in self._reserved:
                port.release()
            if self._is_temporary and self.data_dir is not None:
                shutil.rmtree(self.data_dir, ignore_errors=True)

    # -- what there is -------------------------------------------------------------------------------------------

    def brokers(self) -> list[Broker]:
        """The brokers by node id; each lives and dies with its process."""
        states = {} if self._is_closed else {node_id: node.state for node_id, node in self._nodes.items()}
        return brokers_of(self._listeners.addresses(), states)

    @property
    def client_settings(self) -> ClientSettings:
        """The addresses of all brokers by the first listener, and how to come in there."""
        return self._listeners.client_settings()

    def why_gone(self) -> str | None:
        """One sentence when all processes have ended and not all of them were asked to, else None."""
        if self._is_closed or any(node.state != "down" for node in self._nodes.values()):
            return None
        for node in self._nodes.values():
            if not node.was_asked:
                return (
                    f"All processes of the cluster have ended; node {node.node_id} was not asked to{node.last_words()}"
                )
        return None

    def add_hook(self, _api_key: int, _decide: Callable[[Mapping[str, Any]], Any]) -> NoReturn:
        """Refuse: a request would have to wait for two processes.

        Raises:
            NotSupportedError: always.
        """
        self._commands.refuse("on_request")

    def remove_hook(self, number: int) -> None:
        """Do nothing: there is no hook."""

    # -- what is done to it --------------------------------------------------------------------------------------

    def ask(self, command: str, arguments: Mapping[str, Any]) -> Any:
        """Carry out one of the commands of `kit.broker.process.commands`; see `kit.backends.Backend.ask`."""
        if os.getpid() != self._owner_pid:
            raise ClusterClosedError(f"The cluster belongs to process {self._owner_pid}: ask it from there.")
        if command in USER_COMMANDS:
            return self._change_users(command, arguments)
        return self._commands.carry_out(command, arguments)

    def _change_users(self, command: str, arguments: Mapping[str, Any]) -> None:
        """Tell every broker; one that is down will know when it starts, a paused one when it goes on."""
        with self._lock:
            changed = self._listeners.change_users(command, arguments)
            for node in self._nodes.values():
                if node.state == "up":
                    with contextlib.suppress(ClusterClosedError):  # it ends at this very moment
                        node.ask(command, changed, timeout_s=ASK_TIMEOUT_S)
                else:
                    node.tell(command, changed)
