"""Read records for somebody who looks around: from any place, filtered, a page at a time, and without a group."""

from __future__ import annotations

import heapq
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kit.widgets._tail import Row, row

PAGE_ROWS = 50
MAX_LOOKED_AT = 20_000
PATIENCE_S = 6.0
_POLL_MS = 200
BEGINNING, LATEST, OFFSET, TIMESTAMP = STARTS = ("beginning", "latest", "offset", "timestamp")


@dataclass(frozen=True)
class Wish:
    """What somebody wants to see.

    Attributes:
        partition: None for all.
        start: out of `STARTS`; "latest" gives the newest records, newest first.
        at: the offset, or the timestamp in milliseconds since 1970.
        needle: only records with this text in key, value or a header; capitals do not count.
        goes_on_at: partition to offset, to read the page after one; nothing else decides then.
    """

    topic: str
    partition: int | None = None
    start: str = BEGINNING
    at: int = 0
    needle: str = ""
    goes_on_at: Mapping[int, int] | None = None


@dataclass
class Answer:
    """What was found.

    Attributes:
        notes: sentences about what is not in the rows, and why.
        num_looked_at: records that were read, shown or not.
        goes_on_at: partition to offset where the next page begins; empty when all was seen.
    """

    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    num_looked_at: int = 0
    goes_on_at: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Span:
    """The offsets of a partition that can be read: ``start`` inclusive, ``end`` exclusive."""

    start: int
    end: int


@dataclass
class _Scan:
    """One partition on its way."""

    at: int
    end: int
    quota: int
    found: deque[tuple[int, Row]]
    num_looked_at: int = 0
    is_full: bool = False

    @property
    def is_done(self) -> bool:
        return self.is_full or self.at >= self.end or self.num_looked_at >= self.quota


class RecordReader:
    """Reads as a consumer without a group does: nothing is committed.

    Args:
        consumer: a KafkaConsumer without group and subscription, used by one thread.
    """

    def __init__(self, consumer: Any) -> None:
        self._consumer = consumer

    def read(self, wish: Wish, spans: Mapping[int, Span], goes_on: Callable[[], bool]) -> Answer | None:
        """One page of what was wished; None when it was given up because ``goes_on`` said so.

        Args:
            spans: what can be read, of each partition that can.

        Raises:
            kafka.errors.KafkaError: for example there is no right to read this topic.
        """
        answer = Answer()
        begins = self._begins(wish, spans, answer)
        newest_first = wish.start == LATEST and wish.goes_on_at is None
        quota = max(1, MAX_LOOKED_AT // max(1, len(begins)))
        scans = {number: _scan(at, spans[number].end, quota, newest_first) for number, at in begins.items()}
        if newest_first:
            window = quota if wish.needle else min(PAGE_ROWS, quota)
            for number, scan in scans.items():
                scan.at = max(scan.at, spans[number].end - window)
        if not self._scan_all(wish, scans, answer, goes_on):
            return None
        answer.num_looked_at = sum(scan.num_looked_at for scan in scans.values())
        if newest_first:
            answer.rows = _merge([reversed(scan.found) for scan in scans.values()], newest_first=True)
        else:
            answer.rows = _merge([scan.found for scan in scans.values()], newest_first=False)
            answer.goes_on_at = _rest(scans, answer.rows)
        return answer

    def one(self, topic: str, partition: int, offset: int) -> Any:
        """The record at a place, or None when there is none any more.

        Raises:
            kafka.errors.KafkaError: it cannot be read.
        """
        place = self._assign(topic, {partition: offset})[partition]
        give_up_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < give_up_s:
            for record in self._consumer.poll(timeout_ms=_POLL_MS).get(place, ()):
                # Batches come whole, from their first record on.
                if record.offset >= offset:
                    return record if record.offset == offset else None
        return None

    def close(self) -> None:
        """Close the consumer."""
        self._consumer.close()

    # -- where to begin ------------------------------------------------------------------------------------------------

    def _begins(self, wish: Wish, spans: Mapping[int, Span], answer: Answer) -> dict[int, int]:
        wanted = [number for number in sorted(spans) if wish.partition in (None, number)]
        if wish.goes_on_at is not None:
            return {number: max(at, spans[number].start) for number, at in wish.goes_on_at.items() if number in spans}
        if wish.start == OFFSET:
            return {number: at for number in wanted if (at := _at_offset(number, wish.at, spans[number], answer)) >= 0}
        if wish.start == TIMESTAMP:
            return self._at_time(wish, wanted, spans, answer)
        return {number: spans[number].start for number in wanted}

    def _at_time(self, wish: Wish, wanted: Sequence[int], spans: Mapping[int, Span], answer: Answer) -> dict[int, int]:
        from kafka import TopicPartition

        places = {TopicPartition(wish.topic, number): wish.at for number in wanted if spans[number].end > 0}
        found = self._consumer.offsets_for_times(places) if places else {}
        begins = {place.partition: at.offset for place, at in found.items() if at is not None}
        if not begins and any(spans[number].end > spans[number].start for number in wanted):
            answer.notes.append("No record here is from that time or later. The newest ones show what is the last.")
        return begins

    # -- reading -------------------------------------------------------------------------------------------------------

    def _scan_all(self, wish: Wish, scans: Mapping[int, _Scan], answer: Answer, goes_on: Callable[[], bool]) -> bool:
        open_scans = {number: scan for number, scan in scans.items() if not scan.is_done}
        if not open_scans:
            return True
        places = self._assign(wish.topic, {number: scan.at for number, scan in open_scans.items()})
        needle = wish.needle.casefold()
        give_up_s = time.monotonic() + PATIENCE_S
        while open_scans:
            if not goes_on():
                return False
            if time.monotonic() > give_up_s:
                answer.notes.append(_unread(open_scans))
                return True
            for place, records in self._consumer.poll(timeout_ms=_POLL_MS).items():
                _take(scans[place.partition], records, needle)
            for number, scan in list(open_scans.items()):
                # Offsets without a record (transaction markers, compaction) move the position only.
                if not scan.is_done and not scan.is_full:
                    scan.at = max(scan.at, self._consumer.position(places[number]))
                if scan.is_done:
                    del open_scans[number]
                    self._consumer.pause(places[number])
        return True

    def _assign(self, topic: str, begins: Mapping[int, int]) -> dict[int, Any]:
        from kafka import TopicPartition

        places = {number: TopicPartition(topic, number) for number in begins}
        self._consumer.assign(list(places.values()))
        for number, at in begins.items():
            self._consumer.resume(places[number])
            self._consumer.seek(places[number], at)
        return places


def _scan(at: int, end: int, quota: int, newest_first: bool) -> _Scan:
    return _Scan(at, end, quota, deque(maxlen=PAGE_ROWS) if newest_first else deque())


def _at_offset(number: int, wanted: int, span: Span, answer: Answer) -> int:
    """Where to begin in a partition for an offset; -1 for not at all, and why in the notes."""
    if wanted > span.end:
        answer.notes.append(f"Partition {number} has no offset {wanted:,} yet: {_extent(span)}")
        return -1
    if wanted == span.end:
        answer.notes.append(f"Offset {wanted:,} is the one that the next record of partition {number} will get.")
        return -1
    if wanted < span.start:
        answer.notes.append(
            f"Offset {wanted:,} of partition {number} is gone (retention, or somebody deleted it): it begins with "
            f"{span.start:,} now."
        )
    return max(wanted, span.start)


def _extent(span: Span) -> str:
    if span.start == span.end:
        return f"it is empty, and its next record will get {span.end:,}."
    return f"it holds {span.start:,} to {span.end - 1:,}."


def _take(scan: _Scan, records: Iterable[Any], needle: str) -> None:
    for record in records:
        if scan.is_done or record.offset >= scan.end:
            break
        scan.at = record.offset + 1
        scan.num_looked_at += 1
        if not needle or _holds(record, needle):
            scan.found.append((record.timestamp, row(record)))
            scan.is_full = scan.found.maxlen is None and len(scan.found) >= PAGE_ROWS


def _holds(record: Any, needle: str) -> bool:
    parts = [record.key, record.value, *(part for name, value in record.headers for part in (name.encode(), value))]
    return any(needle in part.decode("utf-8", errors="replace").casefold() for part in parts if part)


def _merge(found: Iterable[Iterable[tuple[int, Row]]], *, newest_first: bool) -> list[Row]:
    """One page by time. Each partition keeps its own order, whatever its timestamps are."""
    merged = heapq.merge(*found, key=lambda each: each[0], reverse=newest_first)
    return [each for _, (_, each) in zip(range(PAGE_ROWS), merged, strict=False)]


def _rest(scans: Mapping[int, _Scan], shown: Sequence[Row]) -> dict[int, int]:
    """Where each partition goes on: after what is shown of it, or after what was looked at in vain."""
    places = {(each["partition"], each["offset"]) for each in shown}
    rest = {}
    for number, scan in scans.items():
        left_out = [each["offset"] for _, each in scan.found if (number, each["offset"]) not in places]
        at = left_out[0] if left_out else scan.at
        if at < scan.end:
            rest[number] = at
    return rest


def _unread(scans: Iterable[int]) -> str:
    numbers = ", ".join(map(str, sorted(scans)))
    return f"Not everything was read in {PATIENCE_S:.0f} s: partition {numbers} did not answer. Has it a leader?"
