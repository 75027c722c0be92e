"""`Listener`: one more way for clients to reach every broker of a cluster, with encryption or passwords or both."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kit.client_settings import Secret
from kit.errors import StartError

SECURITY_PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
SASL_MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")
ANY_ADDRESS = ("0.0.0.0", "::")
_LAST_PORT = 65_535
_LONGEST_NAME = 1_000  # characters

FilePath = str | os.PathLike[str]


@dataclass(frozen=True, repr=False)
class Listener:
    """How clients reach the brokers of a cluster that `kit.start` starts: an address, encryption, users.

    Args:
        security_protocol: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL, in Kafka's words.
        host: the address that every broker listens on. One that other computers reach ("0.0.0.0": all of this one)
            needs SASL and a user.
        port: of the first broker, the others follow; None for free ports.
        advertised_host: what clients are told to connect to. None for ``host``, and for "0.0.0.0" for this computer's
            address in its network.
        sasl_mechanisms: how clients may prove who they are. PLAIN sends the password itself, so without SSL it is only
            for this computer.
        users: passwords by user name; `kit.Cluster.set_user` adds more while the cluster runs.
        ssl_certificate: a PEM file: the brokers' certificate and those that vouch for it. None lets the kit make one of
            its own; clients find what to trust in ``cluster.client_settings["ssl_cafile"]``.
        ssl_key: a PEM file, not encrypted: the key that belongs to the certificate.
        ssl_client_ca: a PEM file: clients must have a certificate that one of its certificates vouches for.

    Raises:
        StartError: the values do not go together; the text says what would.
    """

    security_protocol: str = "SASL_PLAINTEXT"
    host: str = "127.0.0.1"
    port: int | None = None
    advertised_host: str | None = None
    sasl_mechanisms: tuple[str, ...] = SASL_MECHANISMS
    users: Mapping[str, str] = field(default_factory=dict, hash=False)
    ssl_certificate: FilePath | None = None
    ssl_key: FilePath | None = None
    ssl_client_ca: FilePath | None = None

    def __post_init__(self) -> None:
        """Check the values, the ones that others build on first."""
        _check_protocol(self.security_protocol)
        _check_address("host", self.host)
        if self.advertised_host is not None:
            _check_address("advertised_host", self.advertised_host)
        _check_port(self.port)
        object.__setattr__(self, "users", _checked_users(self.users))
        object.__setattr__(self, "sasl_mechanisms", _checked_mechanisms(self.sasl_mechanisms))
        self._check_together()

    @property
    def uses_ssl(self) -> bool:
        """Whether connections are encrypted."""
        return self.security_protocol in ("SSL", "SASL_SSL")

    @property
    def uses_sasl(self) -> bool:
        """Whether clients have to say who they are, and prove it."""
        return self.security_protocol.startswith("SASL_")

    @property
    def is_local(self) -> bool:
        """Whether only programs on this computer can reach it."""
        return _is_loopback(self.host)

    def _check_together(self) -> None:
        if self.users and not self.uses_sasl:
            raise StartError(
                f"Nobody logs in at a listener with {self.security_protocol}, so users= has no use there: "
                f"write security_protocol={'SASL_SSL' if self.uses_ssl else 'SASL_PLAINTEXT'!r}, or leave users out."
            )
        self._check_ssl_files()
        if self.is_local:
            return
        if not (self.uses_sasl and self.users):
            raise StartError(
                f"Other computers reach host={self.host!r}, so somebody has to log in there: write "
                "security_protocol='SASL_SSL' and users={'name': 'password'}, or keep host='127.0.0.1'."
            )
        if "PLAIN" in self.sasl_mechanisms and not self.uses_ssl:
            raise StartError(
                f"With PLAIN and without SSL everybody in the network of host={self.host!r} could read the passwords: "
                "write sasl_mechanisms=('SCRAM-SHA-256', 'SCRAM-SHA-512'), or security_protocol='SASL_SSL'."
            )

    def _check_ssl_files(self) -> None:
        given = {name: getattr(self, name) for name in ("ssl_certificate", "ssl_key", "ssl_client_ca")}
        for name, path in given.items():
            if path is not None and not self.uses_ssl:
                raise StartError(
                    f"{name}={str(path)!r} has no use with {self.security_protocol}: "
                    f"write security_protocol={'SASL_SSL' if self.uses_sasl else 'SSL'!r}, or leave it out."
                )
            if path is not None and not (isinstance(path, FilePath) and os.fspath(path)):
                raise StartError(f"{name}={path!r} names no file: give the path of a PEM file, or leave it out.")
        if (self.ssl_certificate is None) != (self.ssl_key is None):
            raise StartError(
                "A certificate and its key go together: give both ssl_certificate and ssl_key, or neither, "
                "and the kit makes its own."
            )

    def __repr__(self) -> str:
        names = ("host", "port", "advertised_host", "sasl_mechanisms", "ssl_certificate", "ssl_key", "ssl_client_ca")
        shown = [repr(self.security_protocol)]
        shown += [f"{name}={value!r}" for name in names if (value := getattr(self, name)) is not None]
        return f"Listener({', '.join(shown)}, users={sorted(self.users)})"


def _check_protocol(protocol: object) -> None:
    if protocol not in SECURITY_PROTOCOLS:
        raise StartError(
            f"security_protocol={protocol!r} is none of Kafka's: choose one of {', '.join(SECURITY_PROTOCOLS)}."
        )


def _check_address(name: str, value: object) -> None:
    if not isinstance(value, str) or not _may_be_an_address(value):
        raise StartError(
            f"{name}={value!r} is no address: write a name or a number like '127.0.0.1', without a port or '//'."
        )
    if name == "advertised_host" and value in ANY_ADDRESS:
        raise StartError(f"Nobody can connect to advertised_host={value!r}: name the address that clients shall use.")


def _may_be_an_address(text: str) -> bool:
    if ":" not in text:
        return bool(text) and all(char.isalnum() or char in "-._" for char in text)
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _check_port(port: object) -> None:
    if port is None or (isinstance(port, int) and not isinstance(port, bool) and 0 < port <= _LAST_PORT):
        return
    raise StartError(f"port={port!r} is no port: choose a number from 1024 to {_LAST_PORT}, or leave it out.")


def _checked_users(users: Any) -> dict[str, str]:
    if not isinstance(users, Mapping):
        raise StartError("users must be a dictionary of passwords by name, like {'ann': 'her password'}.")
    for name, password in users.items():
        check_user(name, password)
    return {name: Secret(password) for name, password in users.items()}


def check_user(name: object, password: object) -> None:
    """Make sure that somebody can log in so.

    Raises:
        StartError: the name or the password is none; the password is not in the text.
    """
    for what, value in ((f"name {name!r} of a user", name), (f"password of {name!r}", password)):
        if not isinstance(value, str) or not value or len(value) > _LONGEST_NAME or not value.isprintable():
            raise StartError(f"The {what} must be text of 1 to {_LONGEST_NAME} characters, none of them invisible.")


def _checked_mechanisms(mechanisms: Any) -> tuple[str, ...]:
    given = (mechanisms,) if isinstance(mechanisms, str) else tuple(mechanisms)
    unknown = [each for each in given if each not in SASL_MECHANISMS]
    if unknown or not given:
        what = f"{unknown[0]!r} is unknown" if unknown else "there is none"
        raise StartError(f"sasl_mechanisms: {what}; choose among {', '.join(SASL_MECHANISMS)}.")
    return given


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:  # a name, and only the network knows whose
        return False
