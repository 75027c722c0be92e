"""One look at a cluster: everything that the view shows of one moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from kit.cluster_state import ClusterState
from kit.topics import Topic

Key = tuple[str, int]  # topic, partition


@dataclass(frozen=True, slots=True)
class Listed:
    """A topic's name and size: that much is known of every topic, however many there are."""

    name: str
    num_partitions: int
    is_internal: bool


@dataclass(frozen=True, slots=True)
class Offsets:
    """What was last read over the Kafka protocol.

    Attributes:
        listed: every topic, by name.
        topics: those that were looked into: all of a small cluster, the shown ones of a big one.
        rates: records per second that reached each partition's high watermark within the last second or so.
        counts: by node id, how many partitions it leads and how many it follows, over all topics.
        read_ms: when, in milliseconds since 1970; 0 for never.
        trouble: why nothing newer is known, in one sentence; empty when all is well.
    """

    listed: tuple[Listed, ...] = ()
    topics: Mapping[str, Topic] = field(default_factory=dict)
    rates: Mapping[Key, float] = field(default_factory=dict)
    counts: Mapping[int, tuple[int, int]] = field(default_factory=dict)
    read_ms: int = 0
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """A cluster at one moment.

    Attributes:
        time_ms: when, in milliseconds since 1970.
        addresses: of the brokers, by node id; controllers of their own have none.
    """

    time_ms: int
    state: ClusterState
    addresses: Mapping[int, str]
    offsets: Offsets


class HasAddress(Protocol):
    """All that the view asks of one broker."""

    @property
    def node_id(self) -> int:
        """Its id."""

    @property
    def address(self) -> str:
        """``host:port``."""

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""


class Watched(Protocol):
    """A cluster that can be looked at; what can be done to it is called by name."""

    bootstrap_servers: str

    @property
    def brokers(self) -> Sequence[HasAddress]:
        """The brokers."""

    def state(self) -> ClusterState:
        """Its nodes and links."""

    def topics(self, names: Any = None, *, wait: bool = True) -> dict[str, Topic]:
        """Its topics."""

    def timeline(self, since_ms: int = 0, *, internal: bool = False) -> Sequence[Any]:
        """What happened."""
