"""Kafka clusters as processes of this computer that outlive the terminal: started, found again, brought back, ended.

The processes are `kit.service`'s. Here is what the practice CLI adds: users for its API keys, a port that stays, and
one terminal at a time for each cluster.
"""

from __future__ import annotations

import importlib
import random
import shutil
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

from kit.errors import KitError
from kit.practice.errors import CliError
from kit.practice.prompts import listed, plural
from kit.practice.state import UP, KafkaCluster
from kit.practice.store import Store

KIND = "practice"
ADMIN = "practice-cli"  # the user as which the CLI makes topics, where the real one uses the login
BROKERS = 3
PROTOCOL = "SASL_PLAINTEXT"  # a password is asked for; nothing is encrypted, because nothing leaves this computer

# As in Confluent Cloud: a topic is there when it was created, and has six partitions unless told otherwise.
_CONFIG = {"auto.create.topics.enable": "false", "num.partitions": "6"}
_START_PATIENCE_S = 120.0
_NOTES_PATIENCE_S = 5.0
_PAUSE_S = 0.05
_PORTS = range(20_000, 32_000)  # below those that systems give to clients, so that nobody takes them by chance
_ATTEMPTS = 50


class RunningService(Protocol):
    """A cluster's process, as `kit.service` gives it."""

    name: str
    bootstrap_servers: str

    def ask(self, command: str, **arguments: Any) -> Any:
        """Let it carry out a command."""

    def close(self) -> None:
        """End it and wait for its end."""


class Services(Protocol):
    """What of `kit.service` is used."""

    def start(self, name: str, settings: dict[str, Any], *, kind: str) -> RunningService:
        """Start a process, and wait until it answers."""

    def find(self, name: str) -> RunningService | None:
        """The process with that name, while it runs."""

    def running(self, kind: str | None = None) -> Sequence[RunningService]:
        """All processes of a kind that run."""

    def clean(self) -> Any:
        """Remove what crashed processes left."""

    def users_of(self, data_dir: Path) -> list[int]:
        """The ids of the processes that have a cluster's folder."""


def kit_services() -> Services:
    """`kit.service`, loaded when a cluster is first used: most commands need none."""
    services: Services = importlib.import_module("kit.service")
    return services


class Processes:
    """The processes of all Kafka clusters in a store.

    Args:
        store: knows the clusters and their keys.
        services: gives the functions of `kit.service`.
        tell: prints one line for the student; used when something happens that nobody asked for.
    """

    def __init__(self, store: Store, services: Callable[[], Services], tell: Callable[[str], None]) -> None:
        self._store = store
        self._services = services
        self._tell = tell

    def ensure(self, cluster_id: str) -> KafkaCluster:
        """A cluster whose process runs and knows its keys; one that ended is started again on its data.

        Raises:
            CliError: there is no such cluster any more, or it cannot start.
        """
        with self._store.lock(cluster_id, _START_PATIENCE_S):
            cluster = self._store.read().clusters.get(cluster_id)
            if cluster is None:
                raise not_found(cluster_id)
            service = self._service(cluster_id)
            if service is not None and cluster.status == UP:
                return cluster
            if service is not None:  # a terminal was ended before it had made the users
                service.close()
            elif cluster.status == UP:
                self._tell(f'The process of Kafka cluster "{cluster_id}" has ended: starting it again on its data.')
            return self._start(cluster)

    def is_running(self, cluster_id: str) -> bool:
        """Whether a cluster's process is there."""
        return self._services().find(cluster_id) is not None

    def _start(self, cluster: KafkaCluster) -> KafkaCluster:
        services = self._services()
        services.clean()
        try:
            service = self._start_on_port(services, cluster)
        except KitError as error:
            raise CliError(
                f'Kafka cluster "{cluster.id}" cannot start: {error}',
                f"Try again, or give its data up with `confluent kafka cluster delete {cluster.id}`.",
            ) from None
        try:
            return self._introduce(service, cluster.id)
        except BaseException:
            service.close()
            raise

    def _introduce(self, service: RunningService, cluster_id: str) -> KafkaCluster:
        """Tell a fresh process its users, and the state where it is."""
        with self._store.change() as state:
            cluster = state.clusters.get(cluster_id)
            if cluster is None:
                raise not_found(cluster_id)
            service.ask("set_user", name=ADMIN, password=cluster.admin_secret)
            for key in state.keys_of(cluster_id):
                service.ask("set_user", name=key.key, password=key.secret)
            cluster.bootstrap_servers = service.bootstrap_servers
            cluster.status = UP
            return cluster

    def _start_on_port(self, services: Services, cluster: KafkaCluster) -> RunningService:
        port = _first_port(cluster.bootstrap_servers)
        if port is not None and not _are_free(port):
            self._tell(f"Port {port} is in use by another program: the cluster gets a new address.")
            port = None
        settings = {
            "backend": "embedded",
            "brokers": BROKERS,
            "config": _CONFIG,
            "data_dir": str(self._store.make_cluster_folder(cluster.id)),
            "listeners": [{"security_protocol": PROTOCOL, "host": "127.0.0.1", "port": port or _free_ports()}],
        }
        return services.start(cluster.id, settings, kind=KIND)

    def set_user(self, cluster_id: str, name: str, password: str) -> None:
        """Let a key in, from now on; a cluster that does not run learns it when it starts."""
        service = self._services().find(cluster_id)
        if service is not None:
            service.ask("set_user", name=name, password=password)

    def remove_user(self, cluster_id: str, name: str) -> None:
        """Let a key in no more."""
        service = self._services().find(cluster_id)
        if service is not None:
            service.ask("remove_user", name=name)

    def end(self, cluster_id: str) -> None:
        """End a cluster's process, remove its folder, and forget it; nobody starts it again meanwhile."""
        with self._store.lock(cluster_id, _START_PATIENCE_S):
            self._end_process(cluster_id)
            remove_folder(self._store.cluster_folder(cluster_id))
            with self._store.change() as state:
                state.forget_cluster(cluster_id)
        self._store.remove_lock(cluster_id)

    def end_all(self) -> list[str]:
        """End every practice cluster that runs, whether the state knows it or not; returns their ids.

        Raises:
            CliError: one does not end.
        """
        services = self._services()
        found = {service.name for service in services.running(kind=KIND)}
        found |= {each.name for each in self._store.cluster_folders() if services.users_of(each)}
        for cluster_id in sorted(found):
            self._end_process(cluster_id)
        services.clean()
        return sorted(found)

    def _end_process(self, cluster_id: str) -> None:
        services = self._services()
        service = self._service(cluster_id)
        if service is not None:
            service.close()
        services.clean()
        pids = services.users_of(self._store.cluster_folder(cluster_id))
        if pids:
            command = "taskkill /F /PID" if sys.platform == "win32" else "kill -9"
            raise CliError(
                f'the process of Kafka cluster "{cluster_id}" does not end: process {pids[0]}',
                f"End it with `{command} {pids[0]}`, and try again.",
            )

    def _service(self, cluster_id: str) -> RunningService | None:
        """A cluster's process, if there is one; one whose notes somebody removed writes them again, so wait for that.

        Brokers whose process has crashed have the folder for a moment too, and then end.
        """
        services = self._services()
        folder = self._store.cluster_folder(cluster_id)
        give_up_s = time.monotonic() + _NOTES_PATIENCE_S
        while (service := services.find(cluster_id)) is None and services.users_of(folder):
            if time.monotonic() >= give_up_s:
                break
            time.sleep(_PAUSE_S)
        return service


def not_found(cluster_id: str) -> CliError:
    """There is no such Kafka cluster."""
    return clusters_not_found([cluster_id])


def clusters_not_found(cluster_ids: Sequence[str]) -> CliError:
    """There are no such Kafka clusters."""
    return CliError(
        f"{plural('Kafka cluster', cluster_ids)} {listed(cluster_ids)} not found",
        "Ensure the cluster ID you entered is valid.",
        "Ensure the cluster you are specifying belongs to the currently selected environment with "
        "`confluent kafka cluster list`, `confluent environment list`, and `confluent environment use`.",
    )


def client_settings(bootstrap_servers: str, name: str, password: str) -> Mapping[str, Any]:
    """Settings of kafka-python for a practice cluster; the password in them is in no repr."""
    from kit.client_settings import ClientSettings

    return ClientSettings(
        {
            "bootstrap_servers": bootstrap_servers,
            "security_protocol": PROTOCOL,
            "sasl_mechanism": "PLAIN",
            "sasl_plain_username": name,
            "sasl_plain_password": password,
        }
    )


def remove_folder(folder: Path) -> None:
    """Remove a cluster's logs.

    Raises:
        CliError: something in it cannot be removed.
    """
    try:
        shutil.rmtree(folder)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise CliError(f'cannot remove "{folder}": {error.strerror}', "Close what uses it, and try again.") from None


def _first_port(bootstrap_servers: str) -> int | None:
    first = bootstrap_servers.split(",", maxsplit=1)[0].rpartition(":")[2]
    return int(first) if first.isdigit() else None


def _free_ports() -> int:
    """The first of as many free ports in a row as there are brokers: such a row can be asked for again later."""
    for _ in range(_ATTEMPTS):
        first = random.choice(_PORTS)
        if _are_free(first):
            return first
    raise CliError("no three free ports in a row were found on this computer", "End other programs, and try again.")


def _are_free(first: int) -> bool:
    with ExitStack() as sockets:
        try:
            for port in range(first, first + BROKERS):
                sockets.enter_context(socket.create_server(("127.0.0.1", port)))
        except OSError:
            return False
    return True
