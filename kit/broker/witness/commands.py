"""What the parent of a cluster may ask about its clients (`kit.broker.process.control`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kit.broker.witness import sight

if TYPE_CHECKING:
    from kit.broker.embedded import EmbeddedCluster


class WitnessCommands:
    """The commands; all but ``settled`` and ``forget_members`` have clients witnessed from then on."""

    def __init__(self, cluster: EmbeddedCluster) -> None:
        self._cluster = cluster

    def table(self) -> dict[str, Callable[..., Any]]:
        """The commands by name."""
        names = ("witness", "witnessed", "fired", "release", "place", "quiet", "busy", "settled", "forget_members")
        return {name: getattr(self, name) for name in names}

    def witness(self, rules: list[dict[str, Any]]) -> None:
        """Let these rules act (`kit.broker.witness.rules`)."""
        self._cluster.be_witnessed().follow(rules)

    def witnessed(self) -> dict[str, Any]:
        """All that was seen, and what the logs hold."""
        return self._cluster.be_witnessed().dump()

    def fired(self) -> list[dict[str, Any]]:
        """What rules did."""
        return self._cluster.be_witnessed().fired

    def release(self) -> None:
        """Close the connections on which somebody waits for what a rule took away."""
        self._cluster.be_witnessed().release()

    def place(self) -> int:
        """A new place in the order of events."""
        return self._cluster.be_witnessed().journal.next_place()

    def quiet(self) -> list[Any]:
        """The last request's API and its age in milliseconds."""
        return self._cluster.be_witnessed().journal.quiet()

    def busy(self) -> bool:
        """Whether faults are still being made."""
        return self._cluster.be_witnessed().is_busy

    def settled(self) -> bool:
        """Whether every partition has a leader whose records are all committed."""
        return sight.is_settled(self._cluster)

    def forget_members(self) -> None:
        """Let the sessions of all members of groups be over."""
        sight.forget_members(self._cluster)
