"""The segments of one log in the order of their offsets: making, finding and giving up.

Source: Kafka's ``LogSegments``; when a segment is full, its ``LogSegment.shouldRoll``.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator

from kit.broker.clock import Clock
from kit.broker.storage.config import LogConfig
from kit.broker.storage.removal import Remover
from kit.broker.storage.segment import MAX_RELATIVE_OFFSET, Segment
from kit.wire.records import BatchHeader

MakeSegment = Callable[[int], Segment]  # by base offset


class Segments:
    """At least one segment; the last one is the active one, which is appended to."""

    def __init__(self, segments: list[Segment], *, make: MakeSegment, remover: Remover, clock: Clock) -> None:
        self._segments = segments
        self._base_offsets = [segment.base_offset for segment in segments]
        self._make = make
        self._remover = remover
        self._clock = clock
        self.active = segments[-1]

    def __iter__(self) -> Iterator[Segment]:
        return iter(self._segments)

    def __len__(self) -> int:
        return len(self._segments)

    @property
    def first(self) -> Segment:
        """The oldest one."""
        return self._segments[0]

    # -- finding -------------------------------------------------------------------------------------------------

    def containing(self, offset: int) -> Segment:
        """The segment in which ``offset`` lies, or would lie; the first one for what is below it."""
        if offset >= self.active.base_offset:
            return self.active
        return self._segments[max(0, bisect_right(self._base_offsets, offset) - 1)]

    def after(self, segment: Segment) -> Segment | None:
        """The next segment; None for the active one."""
        if segment is self.active:
            return None
        return self._segments[bisect_right(self._base_offsets, segment.base_offset)]

    def since(self, offset: int) -> list[Segment]:
        """The segment in which ``offset`` lies and all later ones."""
        return self._segments[max(0, bisect_right(self._base_offsets, offset) - 1) :]

    def headers(self, offset: int) -> Iterator[BatchHeader]:
        """The header of each batch whose last offset is ``offset`` or above."""
        for segment in self.since(offset):
            for _, header in segment.batches(offset):
                if header.last_offset >= offset:
                    yield header

    # -- making --------------------------------------------------------------------------------------------------

    def is_full(self, config: LogConfig, size_bytes: int, last_offset: int, timestamp_ms: int) -> bool:
        """Whether ``size_bytes`` more bytes, up to ``last_offset``, need a new segment.

        A segment ages by the time of its records, or by the clock when they have none.
        """
        active = self.active
        active_bytes = active.file.size_bytes
        if last_offset - active.base_offset > MAX_RELATIVE_OFFSET:
            return True
        if not active_bytes:
            return False
        if active.first_timestamp_ms >= 0:
            age_ms = timestamp_ms - active.first_timestamp_ms
        else:
            age_ms = self._clock.time_ms() - active.created_ms
        return (
            active_bytes + size_bytes > config.segment_bytes
            or age_ms > config.segment_ms
            or active.index_size_bytes >= config.segment_index_bytes
        )

    def roll(self, base_offset: int, delete_delay_ms: int) -> None:
        """Begin a new active segment, behind the others or in the place of an empty one.

        Raises:
            BrokerError: KAFKA_STORAGE_ERROR; nothing changed.
        """
        new = self._make(base_offset)
        new.create()
        if self.active.size_bytes:
            self.active.save_indexes()
        else:
            self._base_offsets.pop()
            self._discard([self._segments.pop()], delete_delay_ms)
        self._segments.append(new)
        self._base_offsets.append(base_offset)
        self.active = new

    # -- giving up -----------------------------------------------------------------------------------------------

    def remove_first(self, count: int, delete_delay_ms: int) -> None:
        """Give up the oldest ones; the active one has to stay."""
        self._remove(slice(0, count), delete_delay_ms)

    def remove_after(self, offset: int, delete_delay_ms: int) -> None:
        """Give up those whose base offset is above ``offset``; the first one always stays."""
        self._remove(slice(max(1, bisect_right(self._base_offsets, offset)), None), delete_delay_ms)

    def start_over(self, base_offset: int, delete_delay_ms: int) -> None:
        """Give up all of them for an empty one."""
        self._discard(self._segments, delete_delay_ms)
        self.active = self._make(base_offset)
        self.active.create()
        self._segments = [self.active]
        self._base_offsets = [base_offset]

    def _remove(self, which: slice, delete_delay_ms: int) -> None:
        self._discard(self._segments[which], delete_delay_ms)
        del self._segments[which]
        del self._base_offsets[which]
        self.active = self._segments[-1]

    def _discard(self, segments: Iterable[Segment], delete_delay_ms: int) -> None:
        for segment in segments:
            segment.file.close()
            self._remover.remove_files(segment.paths, delete_delay_ms)
