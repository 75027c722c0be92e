"""What every part of a replica needs to know of its node and may use."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kit.broker.clock import Clock
from kit.broker.network import Network
from kit.broker.patience import extra_ms
from kit.broker.raft.config import RaftConfig
from kit.broker.timeline import Timeline


@dataclass(frozen=True, slots=True)
class RaftNode:
    """One node as a member of the metadata quorum.

    Attributes:
        voters: the nodes that elect the leader; a node that is not among them is an observer.
    """

    node_id: int
    voters: tuple[int, ...]
    cluster_id: str
    clock: Clock
    network: Network
    random: random.Random
    config: RaftConfig
    timeline: Timeline

    @property
    def is_voter(self) -> bool:
        """Whether this node votes, and may lead."""
        return self.node_id in self.voters

    @property
    def other_voters(self) -> tuple[int, ...]:
        """The voters without this node."""
        return tuple(voter for voter in self.voters if voter != self.node_id)

    @property
    def majority(self) -> int:
        """How many voters decide."""
        return len(self.voters) // 2 + 1

    @property
    def extra_ms(self) -> float:
        """How much longer than the timers say one waits for other voters now; see `kit.broker.patience`."""
        timeout_ms = self.config.fetch_timeout_ms
        return extra_ms("controller.quorum.fetch.timeout.ms", timeout_ms, self.network.slack_ms)

    def call(
        self, target: int, api_key: int, request: Any, then: Callable[[Any], None], *, timeout_ms: float | None = None
    ) -> None:
        """Ask another node; ``then`` gets the response, or None when there is none in time."""
        if timeout_ms is None:
            timeout_ms = self.config.request_timeout_ms
        timeout_ms += self.network.slack_ms
        self.network.call(target, api_key, request, timeout_ms=timeout_ms).then(then)

    def backoff_ms(self, failures: int) -> float:
        """How long to rest after so many failures in a row, the last one included."""
        exponent = min(failures - 1, 16)
        return min(self.config.retry_backoff_ms * 2.0**exponent, self.config.retry_backoff_max_ms)
