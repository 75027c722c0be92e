"""The network that a jail joins instead of its own empty one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Network:
    """Where a cluster for a student's work listens, on 127.0.0.1.

    With namespaces or bubblewrap, a jail joins the network namespace of the process; what else that process has
    (files, pids, signals) stays out of reach. On the rung "landlock", which has no network of its own, the jail may
    only connect to the ports, and ``pid`` is not used. On the rung "docker" it joins the network of a container.

    Attributes:
        pid: of a process in a user and a network namespace of its own, started by the same user.
        ports: that the jail may connect to.
        container: the name of the one that the cluster is in; None when it is in none.
    """

    pid: int
    ports: tuple[int, ...]
    container: str | None = None
