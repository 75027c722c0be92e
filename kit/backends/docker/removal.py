"""Removing containers and networks of ours, by their labels; whoever does the same at the same time is no harm."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from typing import Any

from kit.backends.docker import labels

_PATIENCE_S = 30.0
_PAUSE_S = 0.3


def remove(client: Any, cluster: str) -> int:
    """Remove all that belongs to a cluster; returns how many containers that were.

    What the engine is still making for somebody who has gone away meanwhile goes too.

    Raises:
        Exception: the engine's, when it does not answer, or something is still there after half a minute.
    """
    from docker.errors import APIError

    wanted = {"label": f"{labels.CLUSTER}={cluster}"}
    removed: set[str] = set()
    give_up_s = time.monotonic() + _PATIENCE_S
    while True:
        try:
            removed |= _remove_containers(client, wanted)
            networks = client.networks.list(filters=wanted)
            for network in networks:
                with _gone_already():
                    network.remove()
            if not networks and not client.containers.list(all=True, filters=wanted, ignore_removed=True):
                return len(removed)
        except APIError:  # for example: a container is just being connected to the network
            if time.monotonic() > give_up_s:
                raise
            time.sleep(_PAUSE_S)


def _remove_containers(client: Any, wanted: dict[str, str]) -> set[str]:
    containers = client.containers.list(all=True, filters=wanted, ignore_removed=True)
    _each(containers, lambda container: container.kill())  # all at once: removing one waits until it is dead
    _each(containers, lambda container: container.remove(force=True, v=True))
    return {str(container.id) for container in containers}


def _each(containers: list[Any], do: Callable[[Any], None]) -> None:
    for container in containers:
        with _gone_already():
            do(container)


@contextlib.contextmanager
def _gone_already() -> Iterator[None]:
    """Pass over what somebody else has done: not found, not running, removal in progress."""
    from docker.errors import APIError

    try:
        yield
    except APIError as error:
        if error.status_code not in (404, 409):
            raise
