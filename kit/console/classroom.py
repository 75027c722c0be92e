"""``kit up --listen``: one more address of the cluster, for other computers, where everybody has to log in.

Records cross the network in the clear; the password does not, because SCRAM (RFC 5802) only proves that both ends know
it. It is never taken from the command line, where every user of this computer could read it with ``ps``.
"""

from __future__ import annotations

import argparse
import dataclasses
import getpass
import os
import socket
import sys
from pathlib import Path
from typing import Any

from kit.console.mistakes import in_options
from kit.console.words import CommandLineError, say

PASSWORD_VARIABLE = "KIT_CLASSROOM_PASSWORD"
DEFAULT_PORT = 9192
MECHANISM = "SCRAM-SHA-256"
_ANY = ("0.0.0.0", "::")
_LAST_PORT = 65_535
_SOMEWHERE = ("192.0.2.1", 9)  # reserved for documentation (RFC 5737): nothing is sent to it


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what a classroom needs."""
    group = parser.add_argument_group(
        "for a classroom",
        "With --listen other computers reach the cluster too, and log in with SCRAM. The password comes\n"
        f"from --password-file or the environment variable {PASSWORD_VARIABLE}, or is asked for.\n"
        "Records are not encrypted on their way. Not with --backend docker.",
    )
    group.add_argument(
        "--listen", metavar="ADDRESS[:PORT]",
        help=f"an address of this computer, or 0.0.0.0 for all (default port: {DEFAULT_PORT})",
    )  # fmt: skip
    group.add_argument("--advertise", metavar="HOST", help="the name or number that the others are told to connect to")
    group.add_argument("--user", help="the name that everybody logs in with (default: class)")
    group.add_argument("--password-file", metavar="FILE", help="a file whose first line is the password")
    group.add_argument("--password", help=argparse.SUPPRESS)  # known only to be refused


@dataclasses.dataclass(frozen=True, slots=True)
class Classroom:
    """How other computers reach the cluster.

    Attributes:
        host: the address that is listened on.
        advertised_host: what the others connect to.
    """

    host: str
    port: int
    advertised_host: str
    user: str
    password: str = dataclasses.field(repr=False)

    def listener(self) -> dict[str, Any]:
        """The keywords of a `kit.Listener`."""
        return {
            "security_protocol": "SASL_PLAINTEXT",
            "host": self.host,
            "port": self.port,
            "advertised_host": self.advertised_host,
            "sasl_mechanisms": ["SCRAM-SHA-256", "SCRAM-SHA-512"],
            "users": {self.user: self.password},
        }

    def instructions(self, brokers: int) -> str:
        """What students type, without the password.

        Args:
            brokers: how many there are, each at a port of its own.
        """
        ports = f"port {self.port}" if brokers == 1 else f"ports {self.port} to {self.port + brokers - 1}"
        address = f"[{self.advertised_host}]" if ":" in self.advertised_host else self.advertised_host
        return f"""\
On the other computers, with the password that you tell them in place of the dots:

    settings = dict(
        bootstrap_servers="{address}:{self.port}",
        security_protocol="SASL_PLAINTEXT",
        sasl_mechanism="{MECHANISM}",
        sasl_plain_username="{self.user}",
        sasl_plain_password="...",
    )
    producer = KafkaProducer(**settings)        # or kit.connect(**settings)

  They must be in the same network, and this computer's firewall must let them in (TCP, {ports})."""


def from_options(options: argparse.Namespace) -> Classroom | None:
    """What the options ask for; None without ``--listen``.

    Raises:
        CommandLineError: they do not go together, or there is no password.
    """
    if options.password is not None:
        raise CommandLineError(
            "A password on the command line can be read by every user of this computer: leave --password out, and "
            f"use --password-file FILE, the environment variable {PASSWORD_VARIABLE}, or type it when asked."
        )
    if options.listen is None:
        for name in ("user", "password_file", "advertise"):
            if getattr(options, name) is not None:
                raise CommandLineError(f"--{name.replace('_', '-')} is for --listen ADDRESS, which is missing.")
        return None
    if options.backend == "docker":
        raise CommandLineError(
            "--listen works with the kit's own brokers only, not with --backend docker: leave one of them out."
        )
    host, port = _address(options.listen)
    _check_ports_apart(port, options)
    advertised = options.advertise or (own_address() if host in _ANY else host)
    if advertised is None:
        raise CommandLineError(
            "This computer's address in its network is not known: name it with --advertise ADDRESS, or use an "
            "address of its own for --listen."
        )
    user = "class" if options.user is None else options.user
    return _checked_by_listener(Classroom(host, port, advertised, user, _password(options.password_file)))


def _checked_by_listener(lesson: Classroom) -> Classroom:
    from kit.errors import StartError
    from kit.listeners import Listener

    try:
        Listener(**lesson.listener())
    except StartError as error:
        raise CommandLineError(in_options(str(error))) from error
    return lesson


def _address(text: str) -> tuple[str, int]:
    """Host and port of ``HOST``, ``HOST:PORT``, ``[IPv6]:PORT`` or ``IPv6``."""
    host, sign, port = text.rpartition(":")
    if text.startswith("[") or text.count(":") == 1:
        if text.endswith("]"):
            host, sign, port = text, "", ""
        host = host.strip("[]")
    else:
        host, sign, port = text, "", ""
    if not host or (sign and not (port.isascii() and port.isdigit() and 0 < int(port) <= _LAST_PORT)):
        raise CommandLineError(f"--listen {text} is no address: write --listen 0.0.0.0, or --listen 192.168.1.20:9192.")
    return host, int(port) if sign else DEFAULT_PORT


def _check_ports_apart(port: int, options: argparse.Namespace) -> None:
    if port + options.brokers - 1 > _LAST_PORT:
        raise CommandLineError(
            f"--listen {options.listen} has no room for {options.brokers} brokers, each of which needs a port: choose "
            f"{_LAST_PORT + 1 - options.brokers} at most."
        )
    if abs(port - options.port) < options.brokers:
        raise CommandLineError(
            f"The brokers' ports for this computer begin at {options.port} and those for others at {port}, so they "
            f"overlap: choose --listen {options.listen.partition(':')[0]}:{options.port + 100}."
        )


def own_address() -> str | None:
    """This computer's address in its network: the one that it would send from. None without a network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_SOMEWHERE)
        except OSError:
            return None
        address: str = probe.getsockname()[0]
    return None if address in _ANY else address


def _password(path: str | None) -> str:
    if path is not None:
        return _checked(_from_file(Path(path)), f"the first line of {path}")
    if PASSWORD_VARIABLE in os.environ:
        return _checked(os.environ[PASSWORD_VARIABLE], PASSWORD_VARIABLE)
    if not sys.stdin.isatty():
        raise CommandLineError(
            "Other computers may only come in with a password, and there is none: name a file with --password-file "
            f"FILE, or set the environment variable {PASSWORD_VARIABLE}."
        )
    password = _checked(getpass.getpass("Password for the classroom: "), "the password")
    if getpass.getpass("Once more: ") != password:
        raise CommandLineError("The two passwords are not the same: try again.")
    return password


def _from_file(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8")
        is_open = sys.platform != "win32" and bool(path.stat().st_mode & 0o077)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise CommandLineError(f"The password file {path} cannot be read: {reason}.") from None
    if is_open:
        say(f"Other users of this computer can read {path}; `chmod 600 {path}` keeps it to you.")
    return text.split("\n", maxsplit=1)[0].strip()


def _checked(password: str, source: str) -> str:
    if not password:
        raise CommandLineError(f"{source[:1].upper()}{source[1:]} is empty: other computers need a password.")
    return password
