"""Looks at clusters that were never there, for tests of the live view."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kit.cluster_state import ClusterState
from kit.topics import Partition, Topic
from kit.widgets.live_view.look import Listed, Look, Offsets
from kit.widgets.live_view.reading import Reading


def partition(
    number: int = 0,
    *,
    leader: int | None = 1,
    replicas: Sequence[int] = (1, 2, 3),
    isr: Sequence[int] = (1, 2, 3),
    high_watermark: int | None = 0,
) -> Partition:
    """A partition; its log begins at 0 where its offsets are known."""
    start = None if high_watermark is None else 0
    return Partition(number, leader, 0, tuple(replicas), tuple(isr), start, high_watermark)


def topics(*named: str, **made: Sequence[Partition]) -> dict[str, Topic]:
    """Topics with one partition each, or with those that are given."""
    sizes: dict[str, Sequence[Partition]] = {name: [partition()] for name in named} | made
    return {name: Topic(name, name.startswith("__"), tuple(partitions)) for name, partitions in sorted(sizes.items())}


def look(
    time_ms: int = 1_000,
    found: Mapping[str, Topic] | None = None,
    *,
    nodes: Mapping[int, str] | None = None,
    trouble: str = "",
    read_ms: int | None = None,
    rates: Mapping[tuple[str, int], float] | None = None,
    **state: Any,
) -> Look:
    """A look at a cluster of three brokers; broker 1 is the active controller."""
    nodes = nodes or {1: "alive", 2: "alive", 3: "alive"}
    found = found or {}
    return Look(
        time_ms,
        ClusterState(nodes=nodes, **{"controller": 1, **state}),
        {node_id: f"127.0.0.1:{9091 + node_id}" for node_id in nodes if node_id < 100},
        Offsets(
            listed=tuple(Listed(topic.name, len(topic.partitions), topic.is_internal) for topic in found.values()),
            topics=found,
            rates=rates or {},
            read_ms=time_ms if read_ms is None else read_ms,
            trouble=trouble,
        ),
    )


class FakeCluster:
    """A cluster that only has topics, and counts how it is asked for them."""

    bootstrap_servers = "127.0.0.1:1"

    def __init__(self, found: Mapping[str, Topic]) -> None:
        self.found = dict(found)
        self.asked: list[set[str] | None] = []

    def topics(self, names: Any = None, *, wait: bool = True) -> dict[str, Topic]:
        """Those that are asked for."""
        assert not wait
        self.asked.append(None if names is None else set(names))
        return {name: topic for name, topic in self.found.items() if names is None or name in names}


def read(reading: Reading, cluster: FakeCluster) -> Offsets:
    """Let a reading read once; what it then knows."""
    reading.read(cluster)  # type: ignore[arg-type]  # it asks for nothing but topics
    return reading.offsets
