"""Opening a log: which segments there are and, after a crash, how far they can be trusted.

A crash may leave a torn batch at the end, indexes that are behind or half written, or files that a deletion had not
come to. What is kept is the longest valid prefix: the first batch that is not right, and everything behind it, goes,
and that is logged with the number of bytes. Source: Kafka's ``LogLoader``.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from kit.broker.storage.removal import DELETED_SUFFIX
from kit.broker.storage.segment import MAX_RELATIVE_OFFSET, Segment
from kit.broker.storage.segments import MakeSegment

log = logging.getLogger(__name__)

_LEFTOVER_SUFFIXES = (DELETED_SUFFIX, ".cleaned", ".swap", ".tmp")
_BASE_OFFSET_DIGITS = 20


@dataclass(frozen=True, slots=True)
class Opening:
    """What is known of a log before its files are looked at.

    Attributes:
        log_start_offset: from the checkpoint; lower offsets were deleted.
        recovery_point: what is below it was flushed to disk and needs no check.
        clean_shutdown: whether the log was closed properly, so that nothing needs a check.
    """

    log_start_offset: int = 0
    recovery_point: int = 0
    clean_shutdown: bool = False


def open_segments(directory: Path, opening: Opening, make: MakeSegment) -> list[Segment]:
    """The segments in a partition's directory, cut to what is valid; one empty segment when there is nothing."""
    segments = [make(base_offset) for base_offset in _base_offsets(directory)]
    if segments:
        _cut_after_crash(segments, opening)
        if segments[-1].next_offset < opening.log_start_offset:
            _remove(segments, f"the log start offset is {opening.log_start_offset}, above all of it")
            segments = []
    return segments or [make(opening.log_start_offset)]


def _base_offsets(directory: Path) -> list[int]:
    """The base offsets of the segments there, ascending; what a crash left of deleted ones is removed."""
    base_offsets = []
    for path in directory.iterdir():
        if path.suffix in _LEFTOVER_SUFFIXES:
            path.unlink(missing_ok=True)
        elif path.suffix == ".log" and len(path.stem) == _BASE_OFFSET_DIGITS and path.stem.isdecimal():
            base_offsets.append(int(path.stem))
        elif path.suffix in {".index", ".timeindex"} and not path.with_suffix(".log").exists():
            path.unlink(missing_ok=True)
    return sorted(base_offsets)


def _cut_after_crash(segments: list[Segment], opening: Opening) -> None:
    """Check what has to be checked; truncate at the first damage and remove all segments behind it."""
    for number, segment in enumerate(segments):
        is_last = number == len(segments) - 1
        end_offset = segment.base_offset + MAX_RELATIVE_OFFSET + 1
        if not is_last:
            end_offset = min(end_offset, segments[number + 1].base_offset)
        if not opening.clean_shutdown and (is_last or end_offset > opening.recovery_point):
            valid_bytes = segment.recover(end_offset)
        elif is_last:
            valid_bytes = segment.hop()
        else:
            continue
        lost_bytes = segment.size_bytes - valid_bytes
        if lost_bytes:
            log.error(
                "%s: no valid batch at position %d (offset %d); removing the %d bytes from there on",
                segment.file.path,
                valid_bytes,
                segment.next_offset,
                lost_bytes,
            )
            segment.cut(valid_bytes)
            _remove(segments[number + 1 :], f"they come after damage at offset {segment.next_offset}")
            del segments[number + 1 :]
            return
        segment.save_indexes()


def _remove(segments: list[Segment], reason: str) -> None:
    for segment in segments:
        log.error("%s: removing the segment, %d bytes: %s", segment.file.path, segment.size_bytes, reason)
        segment.file.close()
        for path in segment.paths:
            path.unlink(missing_ok=True)
