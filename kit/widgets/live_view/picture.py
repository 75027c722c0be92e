"""What the browser draws of one look: plain data, in the order in which it is drawn."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from kit.cluster_state import ClusterState
from kit.topics import Partition
from kit.widgets.live_view.look import Key, Listed, Look

PAGE_SIZE = 60  # partitions; a browser stays fluent with as many rows
MAX_NAMES = 200  # that the filter proposes
_LEADER, _IN_SYNC, _BEHIND, _OFFLINE, _NONE = "L", "F", "B", "X", " "
# Older than this, what was read is said to be old.
_OLD_MS = 3_000


@dataclass(frozen=True, slots=True)
class Choice:
    """Which partitions are shown.

    Attributes:
        needle: part of a topic's name, or all of one; the empty string is part of every name.
        internal: whether Kafka's own topics are shown too.
        page: counted from 0.
    """

    needle: str = ""
    internal: bool = False
    page: int = 0

    def matching(self, listed: Iterable[Listed]) -> list[Listed]:
        """The topics of the choice, on all pages."""
        topics = [topic for topic in listed if self.internal or not topic.is_internal]
        exact = [topic for topic in topics if topic.name == self.needle]
        needle = self.needle.lower()
        return exact or [topic for topic in topics if needle in topic.name.lower()]

    def page_of(self, matching: Iterable[Listed]) -> tuple[list[Key], int]:
        """The partitions of the page, or of the last one when there are fewer pages, and its number."""
        keys = [(topic.name, number) for topic in matching for number in range(topic.num_partitions)]
        page = min(self.page, max(len(keys) - 1, 0) // PAGE_SIZE)
        return keys[page * PAGE_SIZE : (page + 1) * PAGE_SIZE], page


def picture(look: Look, choice: Choice) -> dict[str, Any]:
    """One look as the browser gets it.

    Returns:
        ``nodes``, ``cuts`` and ``faults`` of the network; ``order`` of the rows by their keys, ``rows``; ``counts`` of
        what is shown of how much; ``empty``, why there are no rows; ``trouble``, why something is not known.
    """
    matching = choice.matching(look.offsets.listed)
    keys, page = choice.page_of(matching)
    found = {key: partition for key in keys if (partition := _partition(look, key)) is not None}
    return {
        "time_ms": look.time_ms,
        "nodes": _nodes(look),
        "cuts": _cuts(look.state),
        "faults": list(look.state.faults),
        "order": [_name(key) for key in found],
        "rows": {_name(key): _row(look, key, partition) for key, partition in found.items()},
        "names": [topic.name for topic in look.offsets.listed if choice.internal or not topic.is_internal][:MAX_NAMES],
        "counts": {
            "topics": len(look.offsets.listed),
            "matching": len(matching),
            "partitions": sum(topic.num_partitions for topic in matching),
            "page": page,
            "page_size": PAGE_SIZE,
        },
        "empty": _why_empty(look, choice) if not found else "",
        "trouble": _trouble(look),
    }


def _name(key: Key) -> str:
    return f"{key[0]}-{key[1]}"


def _partition(look: Look, key: Key) -> Partition | None:
    topic = look.offsets.topics.get(key[0])
    if topic is None:
        return None
    return next((each for each in topic.partitions if each.partition == key[1]), None)


# -- nodes ----------------------------------------------------------------------------------------------------------


def _nodes(look: Look) -> list[dict[str, Any]]:
    return [
        {
            "id": node_id,
            "is_broker": node_id in look.addresses,
            "address": look.addresses.get(node_id, ""),
            "state": "cut off" if state == "alive" and _is_cut_off(look.state, node_id) else state,
            "is_controller": node_id == look.state.controller,
            "slow": _slow(look.state.slow_ms, node_id),
            "holds": _holds(look.offsets.counts.get(node_id, (0, 0)), state),
        }
        for node_id, state in sorted(look.state.nodes.items())
    ]


def _holds(counts: tuple[int, int], state: str) -> dict[str, int]:
    """How many partitions a node leads and follows. Of one that is down, brokers tell old numbers for a while."""
    leads, follows = counts
    if state == "down":
        return {"leads": 0, "follows": 0, "offline": leads + follows}
    return {"leads": leads, "follows": follows, "offline": 0}


def _is_cut_off(state: ClusterState, node_id: int) -> bool:
    """Whether nothing gets to the node from any other, nor from it."""
    others = [other for other in state.nodes if other != node_id]
    return bool(others) and all({(node_id, other), (other, node_id)} <= state.cut for other in others)


def _slow(slow_ms: Mapping[int, tuple[float, float]], node_id: int) -> str:
    if node_id not in slow_ms:
        return ""
    delay_ms, jitter_ms = slow_ms[node_id]
    return f"+{delay_ms:g} to {delay_ms + jitter_ms:g} ms" if jitter_ms else f"+{delay_ms:g} ms"


def _cuts(state: ClusterState) -> list[list[Any]]:
    """Each pair of nodes with a cut between them once: source, target, whether both ways."""
    return [
        [source, target, both]
        for source, target in sorted(state.cut)
        for both in [(target, source) in state.cut]
        if source < target or not both
    ]


# -- rows -----------------------------------------------------------------------------------------------------------


def _row(look: Look, key: Key, partition: Partition) -> list[Any]:
    """Topic, partition, leader, one letter for each node, log start offset, high watermark, records per second."""
    roles = "".join(_role(look.state, partition, node_id) for node_id in sorted(look.state.nodes))
    leader = partition.leader if _LEADER in roles else None
    return [*key, leader, roles, partition.log_start_offset, partition.high_watermark, look.offsets.rates.get(key, 0)]


def _role(state: ClusterState, partition: Partition, node_id: int) -> str:
    if node_id not in partition.replicas:
        return _NONE
    if state.nodes[node_id] == "down":
        return _OFFLINE
    if node_id == partition.leader:
        return _LEADER
    return _IN_SYNC if node_id in partition.isr else _BEHIND


# -- words ----------------------------------------------------------------------------------------------------------


def _why_empty(look: Look, choice: Choice) -> str:
    if not look.offsets.read_ms:
        return "Looking for topics …" if not look.offsets.trouble else "No topics are known yet."
    if choice.needle:
        return f"No topic has “{choice.needle}” in its name. Empty the filter to see all."
    if look.offsets.listed and not choice.internal:
        return "There are only Kafka's own topics so far. Create one, or send a record to it, and it appears here."
    return "No topics yet. Create one, or send a record to it, and it appears here."


def _trouble(look: Look) -> str:
    brokers = [look.state.nodes[node_id] for node_id in look.addresses if node_id in look.state.nodes]
    old = " What you see of partitions is what was known last." if look.offsets.read_ms else ""
    if brokers and all(state == "down" for state in brokers):
        return f"Every broker is down. Restart one.{old}"
    if brokers and all(state != "alive" for state in brokers):
        return f"No broker answers: they are paused or down. Resume or restart one.{old}"
    if look.offsets.trouble:
        return f"{look.offsets.trouble}{old}"
    age_ms = look.time_ms - look.offsets.read_ms
    if look.offsets.read_ms and age_ms > _OLD_MS:
        return f"A broker answers slowly. What you see of partitions is {age_ms // 1000} seconds old."
    return ""
