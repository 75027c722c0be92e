"""Which segments have to go. Source: Kafka's ``UnifiedLog.deleteOldSegments``."""

from __future__ import annotations

from collections.abc import Iterable

from kit.broker.storage.config import LogConfig
from kit.broker.storage.segment import NO_TIMESTAMP, Segment


def expired(
    segments: Iterable[Segment], config: LogConfig, *, now_ms: int, log_start_offset: int, deletable_below: int
) -> list[tuple[Segment, str]]:
    """The oldest segments that must be deleted, each with the reason; the active one, the last, may be among them.

    Args:
        deletable_below: records from this offset on must stay (the high watermark).
    """
    remaining = list(segments)
    excess_bytes = sum(segment.size_bytes for segment in remaining) - config.retention_bytes
    found: list[tuple[Segment, str]] = []
    for number, segment in enumerate(remaining):
        is_active = number == len(remaining) - 1
        end_offset = segment.next_offset if is_active else remaining[number + 1].base_offset
        if end_offset > deletable_below or not segment.size_bytes:
            break
        if not is_active and end_offset <= log_start_offset:
            reason = f"all its records are below the log start offset {log_start_offset}"
        elif "delete" not in config.cleanup_policy:
            break
        elif config.retention_bytes >= 0 and segment.size_bytes <= excess_bytes:
            reason = f"retention.bytes: the log is larger than {config.retention_bytes} bytes without it"
        elif 0 <= config.retention_ms < now_ms - _age_base_ms(segment):
            reason = f"retention.ms: its newest record is older than {config.retention_ms} ms"
        else:
            break
        found.append((segment, reason))
        excess_bytes -= segment.size_bytes
    return found


def _age_base_ms(segment: Segment) -> int:
    """From when a segment's age counts: its largest timestamp or, when no record has one, when it was opened."""
    largest_ms = segment.largest_timestamp_ms
    return segment.created_ms if largest_ms == NO_TIMESTAMP else largest_ms
