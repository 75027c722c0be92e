"""Judges of what became of sends: lost, unseen, aborted, in the log twice, in another order."""

from __future__ import annotations

import itertools
from bisect import bisect_left
from collections.abc import Iterator
from typing import Any, Literal

from kit.history.evidence import Evidence, Partition, Place, Topic
from kit.history.findings import Finding, finding
from kit.history.operation import Operation

SendOrder = Literal["acknowledged", "all"]
_Span = tuple[Operation, int, int]  # a send, and the offsets of its first and its last record


def lost_writes(evidence: Evidence) -> Iterator[Finding]:
    """Acknowledged, or read by somebody, and gone."""
    for partition in evidence.partitions.values():
        if partition.final is not None:
            yield from _not_in_final_log(partition, partition.final)
        else:
            yield from _passed_over(partition)


def _not_in_final_log(partition: Partition, log: Operation) -> Iterator[Finding]:
    topic = partition.topic
    lost = set()
    for send, value, offset in partition.acked[: partition.num_acked_before]:
        if value not in partition.final_values and not _may_be_deleted(partition, offset):
            lost.add(value)
            place = str(partition) if offset is None else f"{partition} offset {offset}"
            text = f"{value!r} was acknowledged to process {send.process} at {place}, and the log at the end lacks it."
            yield finding("lost-write", partition, text, (send, log), value=value, offset=offset)
    for offset, poll in list(partition.polled.items())[: partition.num_polled_before]:
        value = partition.values[offset]
        if value in partition.final_values or value in lost or _may_be_deleted(partition, offset):
            continue
        if value in topic.writers and value not in topic.failed:
            place = f"{partition} offset {offset}"
            text = f"{value!r} was read by process {poll.process} at {place}, and the log at the end lacks it."
            yield finding("lost-write", partition, text, (topic.writers[value], poll, log), value=value, offset=offset)


def _may_be_deleted(partition: Partition, offset: int | None) -> bool:
    """Retention has, or may have, deleted what was there."""
    return partition.log_start_offset > (0 if offset is None else offset)


def _passed_over(partition: Partition) -> Iterator[Finding]:
    """Without a final log, as Jepsen: readers got further, and none of them had it."""
    polled: list[int] | None = None
    for send, value, offset in partition.acked:
        if value in partition.topic.read or offset is None or partition.lowest is None or offset < partition.lowest:
            continue
        polled = polled or sorted(partition.polled)
        after = bisect_left(polled, offset)
        if after == len(polled):
            continue  # nobody came that far: unseen
        poll = partition.polled[polled[after]]
        text = (
            f"{value!r} was acknowledged to process {send.process} at {partition} offset {offset}, and no poll "
            f"returned it, although process {poll.process} read offset {polled[after]}."
        )
        yield finding("lost-write", partition, text, (send, poll), value=value, offset=offset, read=polled[after])


def unseen(evidence: Evidence) -> Iterator[Finding]:
    """Acknowledged, not lost, and no poll returned it up to the end."""
    for partition in evidence.partitions.values():
        end = max(partition.polled, default=-1)
        for send, value, offset in partition.acked:
            if value in partition.topic.read:
                continue
            if partition.final is None:
                if offset is not None and partition.lowest is not None and partition.lowest <= offset <= end:
                    continue  # lost
            elif value not in partition.final_values:
                continue  # lost or deleted
            place = str(partition) if offset is None else f"{partition} offset {offset}"
            text = f"{value!r} was acknowledged to process {send.process} at {place}, and no poll returned it."
            yield finding("unseen", partition, text, (send,), value=value, offset=offset)


def aborted_reads(evidence: Evidence) -> Iterator[Finding]:
    """A send that certainly failed, and its record was read all the same (Adya's G1a)."""
    for topic in evidence.topics.values():
        for value, send in topic.failed.items():
            place = topic.places.get(value)
            if place is None:
                continue
            seen = place.partition.observer(place.offset, value)
            text = (
                f"{value!r} is at {place} for {_who(seen)}, although its send by process {send.process} "
                f"failed{_because(send)}."
            )
            yield finding("aborted-read", place.partition, text, (send, seen), value=value, offset=place.offset)


def duplicates(evidence: Evidence) -> Iterator[Finding]:
    """Sent once, and in the topic at more than one place."""
    for topic in evidence.topics.values():
        for value, places in topic.copies.items():
            send = topic.writers.get(value)
            if send is None:
                continue
            seen = [place.partition.observer(place.offset, value) for place in places]
            text = f"{value!r} was sent once by process {send.process}, and is at {_and(places)}."
            offsets = [[place.partition.partition, place.offset] for place in places]
            yield finding("duplicate", places[0].partition, text, (send, *seen), value=value, places=offsets)


def inconsistent_offsets(evidence: Evidence) -> Iterator[Finding]:
    """Two observers, one offset, two values."""
    for partition in evidence.partitions.values():
        for (offset, value), other in partition.conflicts.items():
            first = partition.observers[offset]
            known = partition.values[offset]
            text = f"{partition} offset {offset} held {known!r} for {_who(first)} and {value!r} for {_who(other)}."
            yield finding("inconsistent-offsets", partition, text, (first, other), offset=offset, values=[known, value])


def nonmonotonic_sends(evidence: Evidence, order: SendOrder) -> Iterator[Finding]:
    """One process sent to one partition, and the later record has the lower offset."""
    last: dict[tuple[str | int, str, int], _Span] = {}
    for send in evidence.operations:
        partition, span = _span(evidence, send, order)
        if partition is None or span is None:
            continue
        at = (send.process, partition.topic.name, partition.partition)
        before = last.get(at)
        last[at] = span
        if before is not None and span[1] <= before[2]:
            text = (
                f"Process {send.process} sent operation {before[0].index} before operation {send.index}, and "
                f"{partition} has them at offsets {before[2]} and {span[1]}."
            )
            yield finding("nonmonotonic-send", partition, text, (before[0], send), offsets=[before[2], span[1]])


def _span(evidence: Evidence, send: Operation, order: SendOrder) -> tuple[Partition | None, _Span | None]:
    """Where the records of a send are; None when it is no send, or not known, or not to be judged."""
    if send.topic is None or send.action not in {"send", "send_batch"} or send.outcome == "fail":
        return None, None
    if send.outcome == "ok":
        if send.offset is None or send.partition is None:
            return None, None
        num_records = len(send.records) or 1
        return evidence.partition(send.topic, send.partition), (send, send.offset, send.offset + num_records - 1)
    places = _places(evidence.topics[send.topic], send) if order == "all" else []
    if not places:
        return None, None
    return places[0].partition, (send, places[0].offset, places[-1].offset)


def _places(topic: Topic, send: Operation) -> list[Place]:
    places = (topic.seen_at(value) for value, _offset in send.sent())
    return [place for place in places if place is not None]


def inside_batches(evidence: Evidence) -> Iterator[Finding]:
    """The records of one batch lie one after the other in the log, with no other record between."""
    for send in evidence.operations:
        if send.action != "send_batch" or send.topic is None or send.outcome == "fail":
            continue
        places = _places(evidence.topics[send.topic], send)
        for before, after in itertools.pairwise(places):
            partition = after.partition
            if before.partition is not partition:
                continue  # then one of them is a duplicate
            offsets = [before.offset, after.offset]
            text = (
                f"Process {send.process} sent two records of one batch one after the other, and {partition} has them "
            )
            if after.offset <= before.offset:
                text += f"at offsets {before.offset} and {after.offset}."
                yield finding("int-nonmonotonic-send", partition, text, (send,), offsets=offsets)
                continue
            between, count = partition.existing_between(before.offset + 1, after.offset)
            if count:
                text += f"at offsets {before.offset} and {after.offset}, with another record at {between}."
                operations = (send, partition.observers[between])
                yield finding("int-send-skip", partition, text, operations, offsets=offsets, between=between)


def _who(operation: Operation) -> str:
    if operation.action == "final_log":
        return f"the log at the end ({operation.process})"
    verb = "poll" if operation.action == "poll" else "send"
    return f"process {operation.process} ({verb}, operation {operation.index})"


def _because(send: Operation) -> str:
    return f" ({send.error})" if send.error else ""


def _and(places: list[Place]) -> str:
    texts: list[Any] = [str(place) for place in places[:4]]
    more = [f"{len(places) - 4} more places"] if len(places) > 4 else []
    return " and ".join([*texts, *more])
