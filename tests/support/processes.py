"""Look at a cluster from outside: its process, its ports, its folder."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.support.wait import wait_until


@dataclass(frozen=True)
class Traces:
    """What a running cluster consists of, and what nothing may be left of afterwards."""

    pid: int
    ports: tuple[int, ...]
    data_dir: Path


def traces_of(ports: Iterable[int], data_dir: str | None, *, parent_pid: int | None = None) -> Traces:
    """Find the process of a cluster by its first port.

    Args:
        parent_pid: of the process that started the cluster; None for this one.
    """
    assert data_dir is not None
    ports = tuple(ports)
    for child in psutil.Process(parent_pid).children():
        with contextlib.suppress(psutil.Error):
            if ports[0] in {each.laddr.port for each in child.net_connections("tcp")}:
                return Traces(child.pid, ports, Path(data_dir))
    raise AssertionError(f"no child of process {parent_pid or 'this'} has port {ports[0]}")


def is_running(pid: int) -> bool:
    """Whether the process still does something; in a container nobody may bury the dead."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def is_free(port: int) -> bool:
    """Whether nobody listens on the port."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) != 0


def assert_gone(traces: Traces) -> None:
    """Wait until nothing of a cluster is left."""
    wait_until(lambda: not is_running(traces.pid), f"process {traces.pid} to end")
    wait_until(lambda: all(is_free(port) for port in traces.ports), f"ports {traces.ports} to be free")
    wait_until(lambda: not traces.data_dir.exists(), f"{traces.data_dir} to be removed")
