"""The timers of the metadata quorum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from kit.broker.config.configs import BrokerConfig

_CHECK_QUORUM_FACTOR = 1.5


@dataclass(frozen=True, slots=True)
class RaftConfig:
    """How patient the replicas of the metadata log are with one another.

    Attributes:
        election_timeout_ms: an election, and the wait for a leader before one, take this long up to twice as long.
        fetch_timeout_ms: a voter that got no answer from its leader for so long stands for election.
        request_timeout_ms: no request takes longer.
        retry_backoff_ms: the first rest after a request without answer; each further one is twice as long.
        fetch_wait_max_ms: the leader holds a fetch back so long when there is nothing new.
        flush: whether what was written is forced to the disk before it counts, so that it survives a power loss.

    Source: Kafka's ``QuorumConfig``, ``LeaderState.CHECK_QUORUM_TIMEOUT_FACTOR``, ``KafkaRaftClient``.
    """

    election_timeout_ms: float = 1000
    fetch_timeout_ms: float = 2000
    request_timeout_ms: float = 2000
    retry_backoff_ms: float = 20
    fetch_wait_max_ms: float = 500
    flush: bool = True

    @classmethod
    def of(cls, config: BrokerConfig, *, flush: bool) -> Self:
        """What the settings ``controller.quorum.*`` of a node say."""
        return cls(
            election_timeout_ms=config["controller.quorum.election.timeout.ms"],
            fetch_timeout_ms=config["controller.quorum.fetch.timeout.ms"],
            flush=flush,
        )

    @property
    def fetch_wait_ms(self) -> int:
        """How long a fetch asks the leader to wait: never so long that the follower becomes impatient."""
        return int(min(self.fetch_wait_max_ms, self.fetch_timeout_ms / 2))

    @property
    def fetch_request_timeout_ms(self) -> float:
        """After which silence a fetch is taken for lost."""
        return min(self.request_timeout_ms, self.fetch_wait_ms + 2 * self.fetch_timeout_ms)

    @property
    def check_quorum_ms(self) -> float:
        """A leader resigns when no majority of voters fetched for so long."""
        return self.fetch_timeout_ms * _CHECK_QUORUM_FACTOR

    @property
    def announce_interval_ms(self) -> float:
        """How often a leader makes itself known to voters that do not fetch."""
        return self.fetch_timeout_ms

    @property
    def retry_backoff_max_ms(self) -> float:
        """The longest rest between two requests."""
        return min(self.fetch_wait_max_ms, self.fetch_timeout_ms / 2)
