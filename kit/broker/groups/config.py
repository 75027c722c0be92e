"""The broker settings that the group coordinator honours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

_MINUTE_MS = 60_000


class Settings(Protocol):
    """Anything that gives a broker setting by Kafka's name for it."""

    def __getitem__(self, name: str, /) -> Any:
        """The value, already converted to its type."""


@dataclass(frozen=True, slots=True)
class GroupConfig:
    """Limits and timers of groups; the defaults are Kafka's own."""

    min_session_timeout_ms: int = 6_000
    max_session_timeout_ms: int = 30 * _MINUTE_MS
    initial_rebalance_delay_ms: int = 3_000
    max_size: int = 2_147_483_647
    offset_metadata_max_bytes: int = 4_096
    offsets_retention_ms: int = 7 * 24 * 60 * _MINUTE_MS
    offsets_retention_check_interval_ms: int = 10 * _MINUTE_MS
    offset_commit_timeout_ms: int = 5_000

    @classmethod
    def from_settings(cls, settings: Settings) -> GroupConfig:
        """Read the coordinator's part of a broker's settings."""
        return cls(
            min_session_timeout_ms=settings["group.min.session.timeout.ms"],
            max_session_timeout_ms=settings["group.max.session.timeout.ms"],
            initial_rebalance_delay_ms=settings["group.initial.rebalance.delay.ms"],
            max_size=settings["group.max.size"],
            offset_metadata_max_bytes=settings["offset.metadata.max.bytes"],
            offsets_retention_ms=settings["offsets.retention.minutes"] * _MINUTE_MS,
            offsets_retention_check_interval_ms=settings["offsets.retention.check.interval.ms"],
            offset_commit_timeout_ms=settings["offsets.commit.timeout.ms"],
        )
