"""The docker backend: Apache Kafka in containers, started, asked, harmed and removed."""

from __future__ import annotations

import contextlib
import functools
import os
import random
import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from kit.backends import Broker, brokers_of
from kit.backends.arguments import ConfigValue, check_brokers, check_controllers, checked_config, checked_ports
from kit.backends.docker import cluster_network, engine, labels, left_overs, node_container, removal
from kit.backends.docker import image as images
from kit.backends.docker.cluster_network import ClusterNetwork
from kit.backends.docker.container_commands import ContainerCommands
from kit.backends.docker.layout import Front, plans, settings_of
from kit.backends.docker.node_container import NodeContainer, without_ryuk
from kit.backends.docker.progress import Progress
from kit.backends.docker.reaper import Reaper
from kit.backends.docker.watcher import Watcher
from kit.backends.ports import ReservedPort
from kit.broker.layout import voters_of
from kit.client_settings import ClientSettings
from kit.errors import ClusterClosedError, FaultError, KitError, NotSupportedError, StartError

# An outgoing connection of this computer may take a port above these while a broker is down.
_PORTS = range(20_000, 32_768)
_START_TIMEOUT_S = 60.0
_START_TIMEOUT_PER_NODE_S = 30.0


class DockerBackend:
    """A cluster of Apache Kafka in containers on this computer.

    Args:
        brokers: how many, 1 to `kit.backends.arguments.MAX_BROKERS`.
        controllers: nodes of their own for the metadata quorum, 1 or 3; None for combined roles on the first brokers.
        port: of the first broker, the next ones follow it; None for free ports.
        data_dir: must be None: the data goes with the containers.
        config: settings for every broker, in Kafka's names.
        listeners: must be None: clients come in plain text from this computer.
        image: see `kit.backends.docker.image.chosen`.
        proxies: ports on 127.0.0.1, one for each broker, where a proxy of the caller's listens: each broker has one
            more listener then, which tells clients to connect to the proxy.

    Attributes:
        image: what the containers are made from.
        front_ports: where the proxy finds these listeners, by node id.

    Raises:
        StartError: it cannot start.
        NotSupportedError: it is asked for what only the embedded cluster has.
    """

    name = "docker"
    data_dir: str | None = None

    def __init__(
        self,
        *,
        brokers: int,
        controllers: int | None,
        port: int | None,
        data_dir: str | os.PathLike[str] | None,
        config: Mapping[str, ConfigValue] | None,
        listeners: Sequence[Any] | None = None,
        image: str | None = None,
        proxies: Sequence[int] = (),
    ) -> None:
        check_brokers(brokers)
        check_controllers(controllers)
        ports = checked_ports(brokers, port)
        settings = settings_of(brokers, checked_config(config, brokers))
        self.image = images.chosen(image)
        _refuse_the_rest(data_dir, listeners)
        self._owner_pid = os.getpid()
        self._closing = threading.RLock()
        self._is_closed = False
        self._cluster = f"kafka-kit-{uuid.uuid4().hex[:12]}"
        self._nodes: dict[int, NodeContainer] = {}
        self._starters: list[threading.Thread] = []
        self._reaper: Reaper | None = None
        self._watcher: Watcher | None = None
        self._progress = Progress()
        self._client = engine.find()
        try:
            self._begin(ports, voters_of(brokers, controllers), settings, proxies)
        except (ClusterClosedError, FaultError) as error:
            self._give_up()
            raise StartError(f"The cluster cannot start: {error}") from error
        except BaseException:  # an interrupt too must not leave a container behind
            self._give_up()
            raise

    # -- starting ------------------------------------------------------------------------------------------------

    def _begin(self, ports: list[int], voters: list[int], settings: Mapping[str, str], proxies: Sequence[int]) -> None:
        started_s = time.monotonic()
        self._clean_up()
        images.get(self._client, self.image, self._progress)
        try:
            self._reaper = Reaper(self._cluster)
        except OSError as error:
            raise StartError(f"No process can be started ({error}): close other programs and try again.") from error
        free = _free_ports(ports.count(0) + len(voters) + len(proxies))
        client_ports = [checked_port(port) if port else free.pop() for port in ports]
        fronts = {node_id: free.pop() for node_id, _ in enumerate(proxies, 1)}
        front = Front(dict(enumerate(proxies, 1)), fronts) if proxies else None
        self._make_nodes(client_ports, {voter: free.pop() for voter in voters}, settings, front)
        self.front_ports = fronts
        network = ClusterNetwork(self._nodes, self.image)
        look = functools.partial(node_container.seen, self._client, self._cluster)
        self._commands = ContainerCommands(self._nodes, voters, network, look)
        num_brokers = len(client_ports)
        self._commands.wait_until_ready(
            _START_TIMEOUT_S + _START_TIMEOUT_PER_NODE_S * len(self._nodes),
            lambda ready: self._progress.say(f"Apache Kafka starts ({self.image}): {ready} of {num_brokers} brokers"),
        )
        self._commands.look()
        self._watcher = Watcher(self._commands.look)
        took_s = time.monotonic() - started_s
        self._progress.done(f"Apache Kafka runs ({self.image}): {num_brokers} broker(s) after {took_s:.1f} s")

    def _give_up(self) -> None:
        self._progress.clear()
        self.close()

    def _clean_up(self) -> None:
        """Remove what crashed notebooks left; that it cannot be removed is no reason not to start."""
        try:
            for left in left_overs.remove_left_overs(self._client):
                self._progress.tell(f"Removed {left.text}.")
        except KitError as error:
            self._progress.tell(str(error))

    def _make_nodes(
        self, client_ports: list[int], voters: Mapping[int, int], settings: Mapping[str, str], front: Front | None
    ) -> None:
        """Make and start all containers side by side; raises the first refusal."""
        own_labels = labels.of_cluster(self._cluster)
        network = cluster_network.create(self._client, self._cluster, own_labels)
        volumes = images.volumes(self._client, self.image)
        node_ids = sorted({*range(1, len(client_ports) + 1), *voters})
        self._plans = plans(client_ports, voters, settings, cluster_network.addresses(network, node_ids), front)
        for plan in self._plans:
            name = f"{self._cluster}-{plan.alias}"
            self._nodes[plan.node_id] = NodeContainer(
                plan, self.image, network, name=name, own_labels=own_labels, volumes=volumes
            )
        outside = "podman" if engine.is_podman(self._client) else "bridge"
        self._progress.say(f"Apache Kafka starts ({self.image}) ...")
        refused: list[BaseException] = []
        with without_ryuk():
            self._starters = [
                threading.Thread(target=_start, args=(node, outside, refused), daemon=True)
                for node in self._nodes.values()
            ]
            for starter in self._starters:
                starter.start()
            for starter in self._starters:
                starter.join()
        if refused:
            raise refused[0]

    # -- what there is -------------------------------------------------------------------------------------------

    def brokers(self) -> list[Broker]:
        """The brokers by node id; they live and die one by one."""
        states: Mapping[int, str] = {}
        if not self._is_closed:
            with contextlib.suppress(KitError):  # the engine does not answer: then nothing is alive
                states = self._commands.states()
        return brokers_of(self._addresses(), states)

    def _addresses(self) -> dict[int, tuple[str, int]]:
        return {plan.node_id: ("127.0.0.1", plan.client_port) for plan in self._plans if plan.client_port is not None}

    @property
    def client_settings(self) -> ClientSettings:
        """The addresses of all brokers."""
        return ClientSettings(
            {"bootstrap_servers": ",".join(f"{host}:{port}" for host, port in self._addresses().values())}
        )

    def why_gone(self) -> str | None:
        """One sentence when the engine ended or somebody removed all containers, else None."""
        if self._is_closed:
            return None
        try:
            if node_container.seen(self._client, self._cluster):
                return None  # those that are down can be started again
        except ClusterClosedError:
            return "The Docker engine, and the cluster with it, does not answer any more."
        return "All containers of the cluster were removed from outside."

    def add_hook(self, _api_key: int, _decide: Callable[[Mapping[str, Any]], Any]) -> NoReturn:
        """Refuse: nobody can look into what clients send to Apache Kafka.

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
        if command == "timeline":
            self._commands.look()  # so that it tells what has happened up to now
        return self._commands.carry_out(command, arguments)

    def close(self) -> None:
        """Remove all containers and the network.

        Does nothing in a process that was forked from the one that started the cluster.
        """
        if os.getpid() != self._owner_pid:
            return
        with self._closing:
            if self._is_closed:
                return
            self._is_closed = True
            is_silent = False
            try:
                is_silent = not self._remove()
            finally:
                if self._reaper is not None:
                    self._reaper.let_go(wait=not is_silent)  # interrupted, or refused: it goes on with the rest
                for node in self._nodes.values():
                    node.close()
                self._client.close()

    def _remove(self) -> bool:
        """Remove all that was made; False when the engine does not answer, and the reaper goes on trying."""
        for starter in self._starters:
            starter.join()  # what it is making would be forgotten
        if self._watcher is not None:
            self._watcher.close()
        if self._reaper is None:
            return True  # nothing had been made
        try:
            removal.remove(self._client, self._cluster)
        except engine.failures() as error:
            return not engine.is_no_answer(error)
        self._reaper.dismiss()
        return True


def _start(node: NodeContainer, outside: str, refused: list[BaseException]) -> None:
    try:
        node.create(outside)
    except Exception as error:  # noqa: BLE001 - raised by who waits for this thread
        refused.append(error)


def _free_ports(count: int) -> list[int]:
    """Ports of the loopback that nobody listens on.

    Raises:
        StartError: there are not so many.
    """
    found: list[int] = []
    for port in random.sample(_PORTS, 50 * count):
        with contextlib.suppress(StartError):
            found.append(checked_port(port))
        if len(found) == count:
            return found
    raise StartError(f"This computer has no {count} free ports from {_PORTS.start} to {_PORTS.stop}: close programs.")


def checked_port(port: int) -> int:
    """The port, if nobody listens on it.

    Raises:
        StartError: somebody does.
    """
    ReservedPort(port).release()
    return port


def _refuse_the_rest(data_dir: object, listeners: object) -> None:
    if data_dir is not None:
        raise NotSupportedError(
            "Apache Kafka in containers keeps no data_dir: its data goes with the containers. "
            'kit.start("embedded", data_dir=...) keeps topics and records for a later start.'
        )
    if listeners is not None:
        raise NotSupportedError(
            "Apache Kafka in containers has no listeners=: clients come in plain text from this computer. "
            'kit.start("embedded", listeners=...) has TLS and passwords.'
        )
