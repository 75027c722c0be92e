"""The nodes of a cluster of Apache Kafka, and all that each of them is told in environment variables.

The image turns every ``KAFKA_...`` variable into a setting of the broker, and one of them is enough to drop the
settings that it would have otherwise: so this is the whole configuration.
Source: KIP-853 and KIP-595 for the quorum's settings; the names of the variables are those of the image apache/kafka.
"""

from __future__ import annotations

import base64
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from kit.backends.arguments import ConfigValue
from kit.broker.config.broker_settings import BROKER_SETTINGS, NODE_SETTINGS
from kit.broker.config.cluster_defaults import CONTAINER_TIMERS, cluster_defaults
from kit.broker.config.configs import ConfigError, check_broker_setting
from kit.broker.config.settings import as_text
from kit.broker.layout import FIRST_CONTROLLER_ID
from kit.errors import StartError

CLIENT_PORT = 9092  # inside of each broker's container
CONTROLLER_PORT = 9093
FRONT_PORT = 9094
_INTERNAL_PORT = 19092
_LOG_DIR = "/tmp/kafka-logs"  # Kafka's own default; in no volume, so that it goes with the container however that goes
_HEAP = "-Xms256m -Xmx512m"
_QUICK = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"  # for a short life on few cores: starts at half of the CPU seconds
_OURS = "kit."  # begins the names of settings that only the kit's own broker has

# What the kit's broker has nothing of, so that its table cannot say which names there are.
_APACHE_ONLY = (
    "client.quota.", "controller.quorum.", "delegation.token.", "group.consumer.", "group.coordinator.", "group.share.",
    "group.streams.", "initial.broker.registration.", "metadata.log.", "metric.", "metrics.", "quota.", "remote.log.",
    "sasl.", "share.coordinator.", "socket.connection.", "ssl.",
)  # fmt: skip
_LIKE_A_SLIP = 0.9  # how similar to a name in the table a name is that was probably meant to be it


@dataclass(frozen=True, slots=True)
class NodePlan:
    """One node of the cluster.

    Attributes:
        alias: its name in the cluster's network, for people: brokers use the addresses, because the engine's name
            service does not know a node that is cut off, and Java remembers that for ten seconds more.
        address: its own in the cluster's network.
        client_port: of a broker, on this computer; None for a controller that is no broker.
        controller_port: of a voter of the metadata quorum, on this computer; None for others.
        environment: of its container.
        front_port: of its listener for clients who come through a proxy, on this computer; None without one.
    """

    node_id: int
    alias: str
    address: str
    client_port: int | None
    controller_port: int | None
    environment: Mapping[str, str]
    front_port: int | None = None

    @property
    def is_broker(self) -> bool:
        """Whether clients can connect to it."""
        return self.client_port is not None

    @property
    def published(self) -> dict[int, int]:
        """The ports of the container, and where each is found on this computer."""
        pairs = (
            (CLIENT_PORT, self.client_port),
            (CONTROLLER_PORT, self.controller_port),
            (FRONT_PORT, self.front_port),
        )
        return {inside: outside for inside, outside in pairs if outside is not None}


def alias_of(node_id: int) -> str:
    """The name of a node in the cluster's network."""
    return f"controller-{node_id}" if node_id >= FIRST_CONTROLLER_ID else f"broker-{node_id}"


@dataclass(frozen=True, slots=True)
class Front:
    """The listeners for clients who come through a proxy on this computer.

    Attributes:
        proxies: the proxy's port for each broker, by node id: what the brokers tell those clients to connect to.
        ports: where the proxy finds the listeners, by node id, on this computer.
    """

    proxies: Mapping[int, int]
    ports: Mapping[int, int]


def plans(
    client_ports: Sequence[int],
    voters: Mapping[int, int],
    settings: Mapping[str, str],
    addresses: Mapping[int, str],
    front: Front | None = None,
) -> list[NodePlan]:
    """All nodes, by id.

    Args:
        client_ports: of broker 1 and those that follow, on this computer.
        voters: the port of each voter's controller listener on this computer, by node id.
        settings: see `settings_of`.
        addresses: of each node in the cluster's network, by id.
        front: one more listener of each broker.
    """
    brokers = dict(enumerate(client_ports, start=1))
    cluster_id = _new_cluster_id()
    quorum = ",".join(f"{voter}@{addresses[voter]}:{CONTROLLER_PORT}" for voter in sorted(voters))
    return [
        NodePlan(
            node_id,
            alias_of(node_id),
            addresses[node_id],
            brokers.get(node_id),
            voters.get(node_id),
            {
                "CLUSTER_ID": cluster_id,
                "KAFKA_HEAP_OPTS": _HEAP,
                "KAFKA_JVM_PERFORMANCE_OPTS": _QUICK,
                **_variables(settings),
                **_variables({"controller.quorum.voters": quorum}),
                **_variables(
                    _own(node_id, addresses[node_id], brokers.get(node_id), node_id in voters, _proxy(front, node_id))
                ),
            },
            None if front is None else front.ports.get(node_id),
        )
        for node_id in sorted({*brokers, *voters})
    ]


def _proxy(front: Front | None, node_id: int) -> int | None:
    return None if front is None else front.proxies.get(node_id)


def _own(node_id: int, address: str, client_port: int | None, is_voter: bool, proxy: int | None) -> dict[str, str]:
    """The settings that differ from node to node."""
    roles, listeners = [], []
    settings = {
        "node.id": str(node_id),
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,INTERNAL:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "log.dirs": _LOG_DIR,
    }
    if client_port is not None:
        roles.append("broker")
        listeners += [f"PLAINTEXT://:{CLIENT_PORT}", f"INTERNAL://:{_INTERNAL_PORT}"]
        settings["inter.broker.listener.name"] = "INTERNAL"
        settings["advertised.listeners"] = f"PLAINTEXT://127.0.0.1:{client_port},INTERNAL://{address}:{_INTERNAL_PORT}"
        if proxy is not None:
            listeners.append(f"FRONT://:{FRONT_PORT}")
            settings["advertised.listeners"] += f",FRONT://127.0.0.1:{proxy}"
            settings["listener.security.protocol.map"] += ",FRONT:PLAINTEXT"
        settings["broker.rack"] = f"rack-{node_id}"  # as on the embedded cluster: follower reads work at once
    if is_voter:
        roles.append("controller")
        listeners.append(f"CONTROLLER://:{CONTROLLER_PORT}")
    return {**settings, "process.roles": ",".join(roles), "listeners": ",".join(listeners)}


def settings_of(num_brokers: int, config: Mapping[str, ConfigValue]) -> dict[str, str]:
    """The settings of every broker: the kit's defaults that Apache Kafka knows, and what the user wants.

    Raises:
        StartError: a setting of the user's does not exist, or has an impossible value.
    """
    given = {name: as_text(value) for name, value in config.items()}
    for name, text in given.items():
        _check(name, text)
    defaults = {**cluster_defaults(num_brokers), **CONTAINER_TIMERS}
    copies, in_sync = defaults["default.replication.factor"], defaults["min.insync.replicas"]
    return {
        **{name: value for name, value in defaults.items() if not name.startswith(_OURS)},
        "share.coordinator.state.topic.replication.factor": copies,
        "share.coordinator.state.topic.min.isr": in_sync,
        # A cut swallows packets: who connects into it shall try again soon after the cut is healed.
        "socket.connection.setup.timeout.ms": "1000",
        "socket.connection.setup.timeout.max.ms": "2000",
        # Kafka's broker gives up after a minute in which it could not register; a lab may heal the network later.
        "initial.broker.registration.timeout.ms": "86400000",
        # Kafka's broker begins to delete old segments only after half a minute.
        "log.initial.task.delay.ms": "1000",
        **given,
    }


def _check(name: str, text: str) -> None:
    if name.startswith(_OURS):
        raise StartError(f'config: {name} is a setting of the embedded cluster only: use kit.start("embedded").')
    if name in NODE_SETTINGS:
        raise StartError(f"config: {name} cannot be set: each broker of the cluster gets its own.")
    try:
        check_broker_setting(name, text)
    except ConfigError as error:
        if _is_apaches(name):
            return
        raise StartError(f"config: {error}") from error


def _is_apaches(name: str) -> bool:
    is_slip = bool(get_close_matches(name, BROKER_SETTINGS, n=1, cutoff=_LIKE_A_SLIP))
    return name.startswith(_APACHE_ONLY) and not is_slip


def _variables(settings: Mapping[str, str]) -> dict[str, str]:
    return {variable(name): value for name, value in settings.items()}


def variable(name: str) -> str:
    """The environment variable for a setting: ``KAFKA_`` and the name, its ``_`` doubled and its ``-`` made three."""
    return "KAFKA_" + name.replace("_", "__").replace("-", "___").replace(".", "_").upper()


def _new_cluster_id() -> str:
    """22 characters of base64url, as Kafka's ``Uuid.randomUuid``: none that a command would take for an option."""
    while True:
        made = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode("ascii").rstrip("=")
        if not made.startswith("-"):
            return made
