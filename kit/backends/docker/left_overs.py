"""Clusters whose owner died together with its reaper: finding them and removing them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kit.backends.docker import engine, labels, removal
from kit.errors import KitError


@dataclass(frozen=True, slots=True)
class LeftOver:
    """Containers and a network that nobody owns any more.

    Attributes:
        cluster: the name on their labels.
        containers: their names.
    """

    cluster: str
    containers: tuple[str, ...]

    @property
    def text(self) -> str:
        """The left-over in one sentence."""
        what = f"{len(self.containers)} container(s)" if self.containers else "a network"
        return f"{what} of the cluster {self.cluster}, which a notebook or program left that is no more"


def left_overs(client: Any = None) -> list[LeftOver]:
    """What is left of clusters whose process is dead; empty when there is no Docker engine.

    Args:
        client: of the engine; None looks for one.
    """
    try:
        client = engine.find() if client is None else client
    except KitError:
        return []
    wanted = {"label": labels.CLUSTER}
    names: dict[str, list[str]] = {}
    try:
        for container in client.containers.list(all=True, filters=wanted, ignore_removed=True):
            if labels.has_dead_owner(container.labels):
                names.setdefault(container.labels[labels.CLUSTER], []).append(container.name)
        for network in client.networks.list(filters=wanted):
            own = network.attrs["Labels"]
            if labels.has_dead_owner(own):
                names.setdefault(own[labels.CLUSTER], [])
    except engine.failures():
        return []
    return [LeftOver(cluster, tuple(sorted(found))) for cluster, found in sorted(names.items())]


def remove_left_overs(client: Any = None) -> list[LeftOver]:
    """Remove what `left_overs` finds; returns what is gone now.

    Raises:
        KitError: the engine refuses to remove it.
    """
    if client is None and engine.problem() is not None:
        return []
    client = engine.find() if client is None else client
    found = left_overs(client)
    for each in found:
        with engine.refusals(f"{each.text} cannot be removed", KitError):
            removal.remove(client, each.cluster)
    return found
