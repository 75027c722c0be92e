"""What can run a Kafka cluster for `kit.cluster.Cluster`.

A backend starts its cluster in its constructor, or raises `kit.errors.StartError`. Everything that can be asked over
the Kafka protocol is asked that way by `Cluster` itself, so a backend says only what the protocol cannot: where the
brokers are, whether they live, and how to end them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Broker:
    """One broker as the backend knows it.

    Attributes:
        is_alive: whether its process runs.
    """

    node_id: int
    host: str
    port: int
    is_alive: bool

    @property
    def address(self) -> str:
        """``host:port``, for a client's ``bootstrap_servers``."""
        return f"{self.host}:{self.port}"


class Backend(Protocol):
    """A running cluster, seen from the process that started it."""

    name: str
    data_dir: str | None  # where the brokers' files are on this computer; None when they are elsewhere

    def brokers(self) -> list[Broker]:
        """The brokers by node id; the same addresses for the whole life of the cluster."""

    def why_gone(self) -> str | None:
        """One sentence when the cluster ended without being asked to, else None."""

    def close(self) -> None:
        """End the whole cluster and remove what is temporary; harmless when called again."""
