"""The listeners of a process that runs brokers, as its parent has described them.

Each is described by its ``name``, ``security_protocol``, ``host``, ``advertised_host``, ``ports`` (by node id, 0 for a
free one), ``sasl_mechanisms``, ``users`` (`kit.broker.security.credentials.salted`, by name) and ``ssl``
(``certificate``, ``key`` and ``client_ca``: paths; null without TLS). No password comes in here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kit.broker.broker import Receive
from kit.broker.clock import Clock
from kit.broker.config.configs import BrokerConfig
from kit.broker.endpoints import Endpoint
from kit.broker.net.connection import Limits, Service
from kit.broker.net.framing import MemoryBudget
from kit.broker.net.guarded import Guard
from kit.broker.net.tls import TlsError, server_context
from kit.broker.process.child_process import RefusedError, limits, listen_for_clients
from kit.broker.process.control import Command
from kit.broker.security.credentials import CredentialStore, Dumped
from kit.broker.security.sasl import SaslListener, guarded

Sockets = list[Any]


class ClientListener:
    """One listener of every broker of this process.

    Raises:
        RefusedError: its certificate or key cannot be used.
    """

    def __init__(self, described: Mapping[str, Any], clock: Clock, failure_delay_ms: float) -> None:
        self.name: str = described["name"]
        self._described = described
        ssl = described["ssl"]
        try:
            self._tls = None if ssl is None else server_context(ssl["certificate"], ssl["key"], ssl["client_ca"])
        except TlsError as error:
            raise RefusedError(str(error)) from error
        self.credentials: CredentialStore | None = None
        self._sasl: SaslListener | None = None
        if described["security_protocol"].startswith("SASL_"):
            self.credentials = CredentialStore(described["users"])
            mechanisms = described["sasl_mechanisms"]
            self._sasl = SaslListener(mechanisms, self.credentials, clock, failure_delay_ms)

    def bind(self, node_id: int) -> Sockets:
        """Listen for a broker; connections wait until it is there.

        Raises:
            RefusedError: the port or the address cannot be used.
        """
        return listen_for_clients(self.port_of(node_id), self._described["host"])

    def port_of(self, node_id: int) -> int:
        """The port of a broker as described, 0 for one that is chosen when it listens."""
        port: int = self._described["ports"][str(node_id)]
        return port

    def endpoint(self, port: int) -> Endpoint:
        """Where clients reach a broker that listens on a port."""
        described = self._described
        is_elsewhere = described["host"] != described["advertised_host"]
        return Endpoint(
            host=described["advertised_host"],
            port=port,
            listener=self.name,
            security_protocol=described["security_protocol"],
            bound_host=described["host"] if is_elsewhere else None,
            mechanisms=tuple(described["sasl_mechanisms"]) if self._sasl is not None else (),
            client_auth="required" if described["ssl"] is not None and described["ssl"]["client_ca"] else "none",
        )

    def service(self, node_id: int, receive: Receive, budget: MemoryBudget, limits: Limits) -> Service:
        """What the connections to one broker share."""
        guard = None if self._tls is None and self._sasl is None else Guard(tls=self._tls, sasl=self._sasl)
        name = f"broker {node_id}" if guard is None else f"broker {node_id} ({self.name})"
        return Service(name, receive, budget, limits, listener=self.name, guard=guard)


class Listeners:
    """All listeners of a process, and the users that may log in.

    Args:
        num_brokers: of this process, which share what it may open.

    Raises:
        RefusedError: a certificate or a key cannot be used.
    """

    def __init__(
        self, described: Sequence[Mapping[str, Any]], *, clock: Clock, config: BrokerConfig, num_brokers: int
    ) -> None:
        delay_ms = config["connection.failed.authentication.delay.ms"]
        self._listeners = [ClientListener(each, clock, delay_ms) for each in described]
        self._limits = limits(config, num_brokers=num_brokers * max(1, len(self._listeners)))
        self._services: list[Service] = []  # of those with logins

    @property
    def guard(self) -> Callable[[Receive], Receive]:
        """What stands before a broker that answers clients of these listeners."""
        return guarded if self._stores() else lambda serve: serve

    def bind(self, node_id: int) -> list[Sockets]:
        """Listen for a broker by each of them.

        Raises:
            RefusedError: a port or an address cannot be used.
        """
        return [listener.bind(node_id) for listener in self._listeners]

    def endpoints(self, ports: Sequence[int]) -> list[Endpoint]:
        """Where clients reach a broker that listens on these ports."""
        return [listener.endpoint(port) for listener, port in zip(self._listeners, ports, strict=True)]

    def endpoints_of(self, node_id: int) -> list[Endpoint]:
        """Where clients reach any broker of the cluster, when the ports are chosen already."""
        return self.endpoints([listener.port_of(node_id) for listener in self._listeners])

    def services(self, node_id: int, receive: Receive, budget: MemoryBudget) -> list[Service]:
        """What the connections to one broker share, for each of them."""
        made = [listener.service(node_id, receive, budget, self._limits) for listener in self._listeners]
        self._services += [service for service in made if service.guard is not None and service.guard.sasl is not None]
        return made

    # -- users ---------------------------------------------------------------------------------------------------

    def _stores(self) -> list[CredentialStore]:
        return [each.credentials for each in self._listeners if each.credentials is not None]

    def commands(self) -> dict[str, Command]:
        """What the parent may ask for."""
        return {"set_user": self.set_user, "remove_user": self.remove_user}

    def set_user(self, name: str, credentials: Dumped) -> None:
        """Let a user log in by every listener with SASL; connections that are open stay so, as in Kafka."""
        for store in self._stores():
            store.set(name, credentials)

    def remove_user(self, name: str) -> None:
        """Forget a user, and close the connections that are open; Kafka would keep them."""
        for store in self._stores():
            store.remove(name)
        for service in self._services:
            service.disconnect(name)
