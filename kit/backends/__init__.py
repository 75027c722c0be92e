"""What can run a Kafka cluster for `kit.cluster.Cluster`.

A backend starts its cluster in its constructor, or raises `kit.errors.StartError`. Everything that can be asked over
the Kafka protocol is asked that way by `Cluster` itself, so a backend says and does only what the protocol cannot:
where the brokers are, whether they live, how they are harmed, and how to end them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from kit.client_settings import ClientSettings


@dataclass(frozen=True, slots=True)
class Broker:
    """One broker as the backend knows it.

    Attributes:
        is_alive: whether it runs: not killed, not stopped, and its process is there.
        is_paused: whether it lives but does nothing, until it is resumed.
    """

    node_id: int
    host: str
    port: int
    is_alive: bool
    is_paused: bool = False

    @property
    def address(self) -> str:
        """``host:port``, for a client's ``bootstrap_servers``."""
        return f"{self.host}:{self.port}"


def brokers_of(addresses: Mapping[int, tuple[str, int]], states: Mapping[int, str]) -> list[Broker]:
    """The brokers by node id.

    Args:
        addresses: host and port of each.
        states: "up", "paused" or "down"; down too when one is missing.
    """
    return [
        Broker(node_id, host, port, is_alive=states.get(node_id, "down") != "down",
               is_paused=states.get(node_id) == "paused")
        for node_id, (host, port) in sorted(addresses.items())
    ]  # fmt: skip


class Backend(Protocol):
    """A running cluster, seen from the process that started it."""

    name: str
    data_dir: str | None  # where the brokers' files are on this computer; None when they are elsewhere

    @property
    def client_settings(self) -> ClientSettings:
        """How clients reach it, ``bootstrap_servers`` included; the same for the whole life of the cluster."""

    def brokers(self) -> list[Broker]:
        """The brokers by node id; the same addresses for the whole life of the cluster."""

    def ask(self, command: str, arguments: Mapping[str, Any]) -> Any:
        """Carry out a command of `kit.broker.process.control.cluster_commands` and return its result.

        Raises:
            FaultError: it cannot be done as asked; nothing has changed.
            NotSupportedError: this backend cannot do it; the text names one that can.
            ClusterClosedError: the cluster is not there any more.
        """

    def add_hook(self, api_key: int, decide: Callable[[Mapping[str, Any]], Any]) -> int:
        """Have ``decide`` asked, in another thread, about every request of one API; returns the hook's number.

        Raises:
            NotSupportedError: this backend cannot do it; the text names one that can.
        """

    def remove_hook(self, number: int) -> None:
        """Have a hook asked no more; harmless when called again."""

    def why_gone(self) -> str | None:
        """One sentence when the cluster ended without being asked to, else None."""

    def close(self) -> None:
        """End the whole cluster and remove what is temporary; harmless when called again."""
