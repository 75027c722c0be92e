"""The settings of one log; the names and the defaults are Kafka's topic settings."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

TimestampType = Literal["CreateTime", "LogAppendTime"]


@dataclass(frozen=True, slots=True)
class LogConfig:
    """How one log rolls, what it keeps and how it is indexed; to change it, set ``log.config`` to another one.

    Attributes:
        retention_bytes: -1 keeps any size.
        retention_ms: -1 keeps any age.
        cleanup_policy: only a policy with "delete" lets retention delete segments.
        file_delete_delay_ms: a deleted file is renamed at once and unlinked this much later.

    Source: Kafka's ``LogConfig``.
    """

    segment_bytes: int = 1 << 30
    segment_ms: int = 7 * 24 * 3_600_000
    segment_index_bytes: int = 10 << 20
    index_interval_bytes: int = 4096
    retention_bytes: int = -1
    retention_ms: int = 7 * 24 * 3_600_000
    max_message_bytes: int = 1_048_588
    timestamp_type: TimestampType = "CreateTime"
    cleanup_policy: Collection[str] = frozenset({"delete"})
    file_delete_delay_ms: int = 60_000
