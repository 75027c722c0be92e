"""The network between the containers of a cluster, and the faults of its links.

A node that reaches no other one leaves the network, as if its cable were pulled: its port on this computer stays, so
clients still reach it. Every other cut is a route into nothing ("blackhole") on each node that must not send.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from kit.backends.docker import engine
from kit.backends.docker.node_container import NodeContainer
from kit.broker.faults import Links
from kit.errors import FaultError

_ANY_API = 0
_NO_PROGRAM = (126, 127)  # what a container engine says when it finds no such program
_IS_THERE = "File exists"
_ATTEMPTS = 5  # somebody else may take the range of addresses in a moment between two calls


def cut_off(links: Links, node_ids: Iterable[int]) -> set[int]:
    """The nodes that neither reach another one nor are reached by any."""
    known = list(node_ids)
    return {
        node_id
        for node_id in known
        if len(known) > 1
        and not any(
            _passes(links, node_id, other) or _passes(links, other, node_id) for other in known if other != node_id
        )
    }


def lost_targets(links: Links, node_ids: Iterable[int]) -> dict[int, set[int]]:
    """By node, the others that nothing it sends arrives at; without the nodes that are cut off altogether."""
    known = set(node_ids) - cut_off(links, node_ids)
    lost = {source: {target for target in known if not _passes(links, source, target)} for source in known}
    return {source: targets for source, targets in lost.items() if targets}


def _passes(links: Links, source: int, target: int) -> bool:
    return links.passes(source, target, api_key=_ANY_API, is_reply=False)


class ClusterNetwork:
    """The links between containers as they are; `apply` makes them what they should be.

    Args:
        nodes: all of the cluster, by id.
        image: of the containers, for sentences.
    """

    def __init__(self, nodes: Mapping[int, NodeContainer], image: str) -> None:
        self._nodes = nodes
        self._image = image
        self._routes: dict[int, set[str]] = {node_id: set() for node_id in nodes}  # into nothing, by node

    @property
    def is_whole(self) -> bool:
        """Whether every node is connected, and none of them has a route into nothing that we know of."""
        return not any(self._routes.values()) and all(
            node.is_connected for node in self._nodes.values() if node.is_whole
        )

    def forget(self, node_id: int) -> None:
        """A node was started again: its routes are gone."""
        self._routes[node_id] = set()

    def apply(self, links: Links) -> None:
        """Connect, disconnect and reroute until the containers' network has just these cuts.

        A node that is paused or down gets its routes when this is called after it went on.

        Raises:
            FaultError: the engine or a container refuses; some of it may have been done.
        """
        nodes = {node_id: node for node_id, node in self._nodes.items() if node.is_whole}
        alone = cut_off(links, self._nodes)
        for node_id, node in nodes.items():
            if node_id in alone and node.is_connected:
                node.disconnect()
            elif node_id not in alone and not node.is_connected:
                node.connect()
        lost = lost_targets(links, self._nodes)
        with ThreadPoolExecutor(len(self._nodes), "cluster network") as side_by_side:  # a program in each container
            made = [
                side_by_side.submit(
                    self._reroute, node, {self._nodes[target].plan.address for target in lost.get(node_id, ())}
                )
                for node_id, node in nodes.items()
                if node.state == "up"
            ]
        for each in made:
            each.result()

    def _reroute(self, node: NodeContainer, wanted: set[str]) -> None:
        routes = self._routes[node.node_id]
        for address in sorted(routes - wanted):
            self._route(node, "del", address)
            routes.discard(address)
        for address in sorted(wanted - routes):
            self._route(node, "add", address)
            routes.add(address)

    def _route(self, node: NodeContainer, change: str, address: str) -> None:
        command = ["ip", "route", change, "blackhole", f"{address}/32"]
        status, said = node.run(command)
        if status in _NO_PROGRAM:
            raise FaultError(
                f"The image {self._image} has no program `ip`, which a cut between some of the brokers needs: "
                "isolate() does without, and so does a cut that leaves a broker with no other one."
            )
        if status and not (change == "add" and _IS_THERE in said):
            raise FaultError(f"Node {node.node_id} cannot be cut off from {address}: {said or f'status {status}'}.")


def create(client: Any, name: str, own_labels: Mapping[str, str]) -> Any:
    """Make the network of a cluster, without a way out; returns what the Docker SDK knows it as.

    Only in a network whose range of addresses was asked for can a container keep its address when it leaves and comes
    back. So one is made to see which range is free, and made again with that.

    Raises:
        FaultError: the engine refuses, for example because it has too many networks.
    """
    from docker.types import IPAMConfig, IPAMPool

    doing = "The network of the cluster cannot be made (`docker network prune` removes those that nothing uses)"
    with engine.refusals(doing, FaultError):
        for attempt in range(_ATTEMPTS):
            found = client.networks.create(name, internal=True, labels=dict(own_labels))
            subnet = _subnet(found)
            found.remove()
            pool = IPAMConfig(pool_configs=[IPAMPool(subnet=subnet)])
            try:
                return client.networks.create(name, internal=True, labels=dict(own_labels), ipam=pool)
            except engine.failures() as error:
                if (
                    engine.is_no_answer(error)
                    or "overlap" not in engine.explanation(error).lower()
                    or attempt == _ATTEMPTS - 1
                ):
                    raise
    raise AssertionError("the last attempt returns or raises")


def addresses(network: Any, node_ids: Sequence[int]) -> dict[int, str]:
    """An address of its own for each node, after the first one, which is the engine's."""
    hosts = ipaddress.ip_network(_subnet(network)).hosts()
    next(hosts)
    return {node_id: str(address) for node_id, address in zip(node_ids, hosts, strict=False)}


def _subnet(network: Any) -> str:
    network.reload()
    pools = network.attrs["IPAM"]["Config"]
    return next(str(pool["Subnet"]) for pool in pools if ":" not in pool["Subnet"])
