"""Whether the ports that were asked for are free, and who has them when not."""

from __future__ import annotations

import errno
import os
import socket
import sys

from kit.backends.arguments import checked_ports
from kit.backends.ports import ReservedPort
from kit.console.words import CommandLineError
from kit.errors import StartError
from kit.service import Service, running


def check_free(first: int, brokers: int) -> None:
    """Make sure that the ports of all brokers are free.

    Raises:
        StartError: one is not, or cannot be used; the text says by whom, as far as we know, and what to do.
    """
    for port in checked_ports(max(brokers, 1), first):
        try:
            ReservedPort(port).release()
        except StartError as error:
            if "in use" not in str(error):
                raise
            raise StartError(_taken(port, first)) from error


def check_listen(host: str, first: int, brokers: int) -> None:
    """Make sure that the brokers can have the ports for other computers.

    Raises:
        CommandLineError: the address is none of this computer's.
        StartError: a port cannot be had; the text says what to do.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for port in range(first, first + brokers):
        try:
            socket.getaddrinfo(host, port, family)
            socket.create_server((host, port), family=family).close()
        except (OSError, UnicodeError) as error:
            raise _refusal(error, host, port) from error


def _refusal(error: OSError | UnicodeError, host: str, port: int) -> Exception:
    number = getattr(error, "errno", None)
    if number == errno.EADDRINUSE:
        return StartError(
            f"Port {port}, which --listen asks for, is in use by another program ({_who_command(port)} tells "
            "which): end that one, or choose another port, as in --listen ADDRESS:PORT."
        )
    if number == errno.EADDRNOTAVAIL or isinstance(error, (socket.gaierror, UnicodeError)):  # no name either
        return CommandLineError(
            f"--listen {host} is no address of this computer: write one that it has, or --listen 0.0.0.0 for all of "
            "them."
        )
    return StartError(
        f"Port {port}, which --listen asks for, cannot be had ({os.strerror(number or 0)}): choose another one from "
        "1024 on, as in --listen ADDRESS:PORT."
    )


def _taken(port: int, first: int) -> str:
    other = f"`kit up --port {first + 100 if first < 65_000 else 9192}`"
    service = _who_of_ours(port)
    if service is not None:
        return (
            f"Port {port} is in use by the cluster {service.name} of process {service.pid}: connect to it with "
            f'kit.connect("{service.bootstrap_servers.split(",")[0]}"), end it with `kit down {service.name}`, '
            f"or start another one beside it with {other}."
        )
    return (
        f"Port {port} is in use by another program, perhaps another Kafka or a cluster of a notebook "
        f"({_who_command(port)} tells which): end that one, or choose another port with {other}."
    )


def _who_of_ours(port: int) -> Service | None:
    return next(
        (each for each in running() if f":{port}" in {":" + a.rpartition(":")[2] for a in _addresses(each)}), None
    )


def _addresses(service: Service) -> list[str]:
    return service.bootstrap_servers.split(",")


def _who_command(port: int) -> str:
    if sys.platform == "win32":
        return f"`netstat -ano | findstr :{port}`"
    if sys.platform == "darwin":
        return f"`lsof -nP -iTCP:{port} -sTCP:LISTEN`"
    return f"`ss -ltnp sport = :{port}`"
