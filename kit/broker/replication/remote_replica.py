"""What a leader knows of one follower. Source: Kafka's ``Replica`` and ``ReplicaState``; KIP-903 (the broker epoch)."""

from __future__ import annotations

UNKNOWN = -1
_LONG_AGO_MS = float("-inf")


class RemoteReplica:
    """A follower, as its fetches show it.

    Attributes:
        log_end_offset: the offset that it asked for last; it has everything below.
        log_start_offset: its first offset.
        last_caught_up_ms: the last time at which it had all that the leader had, by the monotonic clock.
        broker_epoch: of the registration with which it fetches; None before its first fetch, -1 if it did not say.
    """

    __slots__ = (
        "_last_fetch_leader_end_offset",
        "_last_fetch_ms",
        "broker_epoch",
        "last_caught_up_ms",
        "log_end_offset",
        "log_start_offset",
        "node_id",
    )

    def __init__(self, node_id: int) -> None:
        self.node_id = node_id
        self.log_end_offset = self.log_start_offset = UNKNOWN
        self.last_caught_up_ms = _LONG_AGO_MS
        self.broker_epoch: int | None = None
        self._last_fetch_leader_end_offset = UNKNOWN
        self._last_fetch_ms = _LONG_AGO_MS

    def begin_epoch(self, now_ms: float, leader_end_offset: int, *, is_new_leader: bool, is_in_sync: bool) -> None:
        """Give the follower the time to show itself to a leader that has just been elected."""
        self.last_caught_up_ms = now_ms if is_in_sync else _LONG_AGO_MS
        if is_new_leader:  # what it knew is from another time at which it led
            self.log_end_offset = self.log_start_offset = UNKNOWN
            self.broker_epoch = None
            self._last_fetch_leader_end_offset = UNKNOWN
            self._last_fetch_ms = _LONG_AGO_MS
        else:
            self._last_fetch_leader_end_offset = leader_end_offset
            self._last_fetch_ms = self.last_caught_up_ms

    def record_fetch(
        self, fetch_offset: int, log_start_offset: int, now_ms: float, leader_end_offset: int, broker_epoch: int
    ) -> None:
        """Note a fetch.

        It is caught up now if it asks for the leader's end; and it was at the time of its last fetch if it asks for
        what was the end then: with a leader that never stops writing it is always a little behind.
        """
        if fetch_offset >= leader_end_offset:
            self.last_caught_up_ms = now_ms
        elif fetch_offset >= self._last_fetch_leader_end_offset:
            self.last_caught_up_ms = max(self.last_caught_up_ms, self._last_fetch_ms)
        self.log_start_offset = log_start_offset
        self.log_end_offset = fetch_offset
        self._last_fetch_leader_end_offset = max(leader_end_offset, self._last_fetch_leader_end_offset)
        self._last_fetch_ms = now_ms
        self.broker_epoch = broker_epoch

    def was_caught_up_at(self, fetch_ms: float) -> None:
        """Note a fetch that did not name the partition, because nothing had changed and there was nothing to fetch."""
        self.last_caught_up_ms = max(self.last_caught_up_ms, fetch_ms)
        self._last_fetch_ms = max(self._last_fetch_ms, fetch_ms)

    def is_caught_up(self, leader_end_offset: int, now_ms: float, lag_time_max_ms: float) -> bool:
        """Whether it has everything, or had within the allowed time."""
        return self.log_end_offset == leader_end_offset or now_ms - self.last_caught_up_ms <= lag_time_max_ms
