"""What a leader knows of one replica that fetches from it."""

from __future__ import annotations

from dataclasses import dataclass

UNKNOWN = -1


@dataclass(slots=True)
class ReplicaProgress:
    """How far a replica is, as of its last fetch; everything is -1 before the first one.

    Attributes:
        end_offset: of its log.
        high_watermark: the one it knows (KIP-1166).
        last_fetch_ms: when it fetched, in ms since 1970.
        last_caught_up_ms: when it last had all that the leader had, in ms since 1970.

    Source: Kafka's ``LeaderState.ReplicaState``.
    """

    replica_id: int
    end_offset: int = UNKNOWN
    high_watermark: int = UNKNOWN
    last_fetch_ms: int = UNKNOWN
    last_caught_up_ms: int = UNKNOWN
    _leader_end_at_last_fetch: int = UNKNOWN

    def fetched(self, fetch_offset: int, high_watermark: int, *, leader_end_offset: int, now_ms: int) -> None:
        """Note a fetch: the replica has everything below ``fetch_offset``."""
        if fetch_offset >= leader_end_offset:
            self.last_caught_up_ms = now_ms
        elif fetch_offset >= self._leader_end_at_last_fetch > 0:
            self.last_caught_up_ms = max(self.last_caught_up_ms, self.last_fetch_ms)
        self.end_offset = fetch_offset
        self.high_watermark = high_watermark
        self.last_fetch_ms = now_ms
        self._leader_end_at_last_fetch = leader_end_offset
