"""What a cluster's nodes and the links between them are like at one moment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from kit.backends import Broker

_WORDS = {"up": "alive", "paused": "paused", "down": "down"}


@dataclass(frozen=True, slots=True)
class ClusterState:
    """One moment.

    Attributes:
        nodes: by node id "alive", "paused" or "down"; controllers of their own are among them.
        controller: the active controller's node id; None while there is none, or nobody may know.
        cut: the links that lose everything, each from a node to a node.
        slow_ms: by node id the delay and the jitter of all its links, in milliseconds.
        faults: what is wrong with the network, one sentence each; lost requests are told only here.
    """

    nodes: Mapping[int, str]
    controller: int | None
    cut: frozenset[tuple[int, int]] = frozenset()
    slow_ms: Mapping[int, tuple[float, float]] = field(default_factory=dict)
    faults: tuple[str, ...] = ()


def state_of(answer: Mapping[str, Any], brokers: Callable[[], Iterable[Broker]]) -> ClusterState:
    """What a backend's answer to "state" means.

    Args:
        brokers: tells what is known of the nodes; asked where the answer says nothing of them.
    """
    nodes = {int(node_id): _WORDS[state] for node_id, state in answer.get("nodes", {}).items()}
    links = answer.get("links", {})
    return ClusterState(
        nodes=nodes or {broker.node_id: word(broker) for broker in brokers()},
        controller=answer["controller"],
        cut=frozenset((source, target) for source, target in links.get("cut", ())),
        slow_ms={node_id: (delay_ms, jitter_ms) for node_id, delay_ms, jitter_ms in links.get("slow", ())},
        faults=tuple(links.get("texts", ())),
    )


def word(broker: Broker) -> str:
    """How a broker is: "alive", "paused" or "down"."""
    if not broker.is_alive:
        return "down"
    return "paused" if broker.is_paused else "alive"
