"""The listeners of a cluster of the kit's own brokers, as the process that starts it plans them.

The brokers' processes get no passwords, only what is needed to check them (`kit.broker.security.credentials`).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from kit.backends.arguments import checked_ports
from kit.backends.certificates import made_certificates
from kit.backends.ports import own_address
from kit.broker.net.tls import TlsError, server_context
from kit.broker.security.credentials import Dumped, salted
from kit.client_settings import ClientSettings
from kit.errors import FaultError, StartError
from kit.listeners import ANY_ADDRESS, Listener, check_user

USER_COMMANDS = ("set_user", "remove_user")
OWN_USER = "kit"
_OWN_PASSWORD_BYTES = 24
_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")


class ListenerPlan:
    """What clients can connect to.

    Args:
        listeners: as `kit.start` got them; None for plain text on the loopback. Where somebody has to log in at the
            first one, and nobody can yet, the kit itself can.
        brokers: how many.
        port: of the first broker, the next ones follow it; None for free ports, or those of the first listener.

    Attributes:
        described: the listeners as the brokers' processes take them, see `kit.broker.process.listening`; they change
            with `set_user` and `remove_user`, for processes that start later.

    Raises:
        StartError: they cannot be as asked.
    """

    def __init__(self, listeners: Sequence[Listener] | Listener | None, *, brokers: int, port: int | None) -> None:
        self._listeners = _checked(listeners)
        self._listeners[0] = _with_a_user(self._listeners[0])
        self._ca_file: str | None = None
        taken: set[int] = set()
        self.described: list[dict[str, Any]] = []
        for number, listener in enumerate(self._listeners):
            ports = checked_ports(brokers, _first_port(listener, port if number == 0 else None))
            chosen = set(ports) - {0}
            if taken & chosen:
                raise StartError(
                    f"Two listeners want port {min(taken & chosen)}: each needs {brokers} port(s) of its own, from its "
                    "port on; without port= the kit finds free ones."
                )
            taken |= chosen
            self.described.append(self._describe(listener, ports))

    def _describe(self, listener: Listener, ports: list[int]) -> dict[str, Any]:
        protocol = listener.security_protocol
        number = sum(each["security_protocol"] == protocol for each in self.described) + 1
        return {
            "name": protocol if number == 1 else f"{protocol}_{number}",
            "security_protocol": protocol,
            "host": listener.host,
            "advertised_host": _advertised(listener),
            "ports": {str(node_id): port for node_id, port in enumerate(ports, start=1)},
            "sasl_mechanisms": list(listener.sasl_mechanisms),
            "users": {name: salted(password) for name, password in listener.users.items()},
            "ssl": None,
        }

    def add_certificates(self, data_dir: Path) -> None:
        """Make sure that every listener with TLS has a certificate that works.

        Raises:
            StartError: a file cannot be used, or none can be written.
        """
        for listener, described in zip(self._listeners, self.described, strict=True):
            if not listener.uses_ssl:
                continue
            files = {"certificate": listener.ssl_certificate, "key": listener.ssl_key}
            if listener.ssl_certificate is None:
                made = made_certificates(data_dir, self._names())
                self._ca_file = made.ca
                files = {"certificate": made.certificate, "key": made.key}
            described["ssl"] = {
                name: None if path is None else str(Path(path).expanduser().absolute())
                for name, path in {**files, "client_ca": listener.ssl_client_ca}.items()
            }
            try:
                server_context(**described["ssl"])
            except TlsError as error:
                raise StartError(str(error)) from error

    def _names(self) -> list[str]:
        """What the brokers are called by clients of a listener whose certificate the kit makes."""
        mine = [
            described["advertised_host"]
            for listener, described in zip(self._listeners, self.described, strict=True)
            if listener.uses_ssl and listener.ssl_certificate is None
        ]
        return [*_LOOPBACK_NAMES, *mine]

    def reserve(self, reserve: Callable[[int, str], int]) -> None:
        """Have every port chosen now, by ``reserve(port, host)``."""
        for described in self.described:
            described["ports"] = {
                node_id: reserve(port, described["host"]) for node_id, port in described["ports"].items()
            }

    def note_ports(self, ports: Mapping[str, Sequence[int]]) -> None:
        """Take over the ports that were chosen: by node id, in the listeners' order."""
        for number, described in enumerate(self.described):
            described["ports"] = {node_id: chosen[number] for node_id, chosen in ports.items()}

    # -- for clients ---------------------------------------------------------------------------------------------

    def addresses(self) -> dict[int, tuple[str, int]]:
        """Where clients reach each broker by the first listener."""
        first = self.described[0]
        return {int(node_id): (first["advertised_host"], port) for node_id, port in first["ports"].items()}

    def client_settings(self) -> ClientSettings:
        """What a client needs to come in by the first listener, as its first user if it has users."""
        listener = self._listeners[0]
        servers = ",".join(
            f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in self.addresses().values()
        )
        settings: dict[str, Any] = {"bootstrap_servers": servers}
        if listener.security_protocol != "PLAINTEXT":
            settings["security_protocol"] = listener.security_protocol
        if listener.uses_ssl and listener.ssl_certificate is None:
            settings["ssl_cafile"] = self._ca_file
        if listener.uses_sasl:
            settings["sasl_mechanism"] = listener.sasl_mechanisms[0]
            for name, password in list(listener.users.items())[:1]:
                settings |= {"sasl_plain_username": name, "sasl_plain_password": password}
        return ClientSettings(settings)

    # -- users ---------------------------------------------------------------------------------------------------

    def change_users(self, command: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Carry out "set_user" or "remove_user" here; returns the arguments of the brokers' command of that name.

        Raises:
            FaultError: as `set_user` and `remove_user`.
        """
        change = self.set_user if command == "set_user" else self.remove_user
        return change(**arguments)

    def set_user(self, name: str, password: str) -> dict[str, Any]:
        """Note a user for every listener with SASL; returns the arguments of the brokers' command.

        Raises:
            FaultError: there is no such listener, or nobody can have that name or password.
        """
        self._check_logins()
        try:
            check_user(name, password)
        except StartError as error:
            raise FaultError(str(error)) from None
        credentials: Dumped = salted(password)
        for users in self._users():
            users[name] = credentials
        return {"name": name, "credentials": credentials}

    def remove_user(self, name: str) -> dict[str, Any]:
        """Forget a user; returns the arguments of the brokers' command.

        Raises:
            FaultError: there is no such user.
        """
        self._check_logins()
        if not any(name in users for users in self._users()):
            raise FaultError(f"There is no user {name!r}: set_user({name!r}, password) makes one.")
        for users in self._users():
            users.pop(name, None)
        return {"name": name}

    def _users(self) -> list[dict[str, Dumped]]:
        return [
            described["users"]
            for listener, described in zip(self._listeners, self.described, strict=True)
            if listener.uses_sasl
        ]

    def _check_logins(self) -> None:
        if not self._users():
            raise FaultError(
                "Nobody logs in to this cluster, so it has no users: start one with "
                "listeners=[kit.Listener('SASL_PLAINTEXT')]."
            )


def _checked(listeners: Sequence[Listener] | Listener | None) -> list[Listener]:
    if listeners is None:
        return [Listener("PLAINTEXT")]
    given: Any = [listeners] if isinstance(listeners, Listener) else listeners
    if not given or not isinstance(given, Sequence) or not all(isinstance(each, Listener) for each in given):
        raise StartError("listeners= takes one or more kit.Listener, like listeners=[kit.Listener('SASL_PLAINTEXT')].")
    return list(given)


def _with_a_user(listener: Listener) -> Listener:
    """The listener with somebody whom the kit itself can log in as, to look at the cluster."""
    if not listener.uses_sasl or listener.users:
        return listener
    return replace(listener, users={OWN_USER: secrets.token_urlsafe(_OWN_PASSWORD_BYTES)})


def _first_port(listener: Listener, port: int | None) -> int | None:
    if port is not None and listener.port is not None and port != listener.port:
        raise StartError(
            f"port={port} and the first listener's port={listener.port} contradict each other: leave one out."
        )
    return listener.port if port is None else port


def _advertised(listener: Listener) -> str:
    if listener.advertised_host is not None:
        return listener.advertised_host
    return own_address() if listener.host in ANY_ADDRESS else listener.host
