"""What a witness stands on: a cluster as it looks from behind its clients, and what can be done to it.

The kit's own cluster is one (`kit.broker.witness.sight.EmbeddedGround`), Apache's brokers behind a proxy are another
(`autograder.arena.apache_ground`).
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, Protocol


class Ground(Protocol):
    """A cluster. Everything answers at once, from what is known now."""

    def topic_name(self, topic_id: uuid.UUID) -> str | None:
        """The name of a topic; None when nobody knows it."""

    def is_up(self, node_id: int) -> bool:
        """Whether a node was not killed or stopped."""

    def leader(self, topic: str, partition: int) -> int | None:
        """The node that leads a partition; None when none does, or there is no such partition."""

    def high_watermark(self, topic: str, partition: int) -> int:
        """What the leader has let consumers read up to; -1 while nobody leads."""

    def controller(self) -> int | None:
        """The active controller's node id; None while there is none."""

    def brokers(self) -> Sequence[int]:
        """The ids of all brokers, up or down."""

    def harm(self, fault: str, node_id: int) -> None:
        """Let one of `kit.broker.witness.rules.NODE_FAULTS` happen to a node. Raises `FaultError`."""

    def cut(self, groups: list[list[int]]) -> None:
        """Cut the network between groups of nodes. Raises `FaultError`."""

    def heal(self) -> None:
        """Mend the network. Raises `FaultError`."""

    def dump(self) -> dict[str, Any]:
        """What there is: ``logs``, ``described`` and ``commits``, as docs/reference/arena.md has them."""
