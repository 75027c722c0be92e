"""What fetches, commits and stored results say of a consumer."""

from __future__ import annotations

import itertools
import json
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from autograder.judge.case import Case, Entry, Place, Row, is_place, short
from autograder.judge.finding import Finding


def unseen(case: Case) -> Iterator[Finding]:
    """A record is in the log, and nobody ever fetched it."""
    for partition, records in case.logs.items():
        seen = _covered([(first, after) for first, after, _ in case.fetched.get(partition, ())])
        for record in records:
            if not _is_in(seen, record[0]):
                place = Place(case.topic, partition, record[0])
                yield Finding("unseen", f"'{short(record[2])}' at {place} was never fetched.", (), (place,))


def poll_skips(case: Case) -> Iterator[Finding]:
    """A reader went on past records that are in the log, without joining its group anew in between."""
    joined: dict[str, int] = {}
    for entry in (*case.entries("JoinGroup"), *case.entries("SyncGroup")):
        joined[case.step_of(entry)] = max(joined.get(case.step_of(entry), 0), entry["began"])
    for partition, fetches in case.fetched.items():
        at: dict[str, tuple[int, Entry]] = {}
        for first, after, entry in sorted(fetches, key=lambda fetch: fetch[2]["began"]):
            step = case.step_of(entry)
            expected, before = at.get(step, (first, entry))
            if first > expected and before["began"] > joined.get(step, 0):
                where = f"{case.topic}-{partition}"
                yield Finding(
                    "poll-skip",
                    f"{step} read {where} up to offset {expected - 1} and went on at {first}.",
                    (
                        case.line(before, f"brought {where} up to offset {expected - 1}"),
                        case.line(entry, f"asked {where} from offset {first} on"),
                    ),
                    (Place(case.topic, partition, expected),),
                )
            at[step] = (max(after, expected), entry)


def committed_first(case: Case) -> Iterator[Finding]:
    """An offset was committed before the result of a record below it was stored.

    Results that never came are told as well if others came late, or if there are none at all: then they would have come
    late too. Otherwise nothing is wrong with the order, and `results` tells what is missing.
    """
    missing, is_late = [], False
    for entry, place, offset in _newly_committed(case):
        first = min(case.stored.get(place[1:], ()), key=lambda each: each[0], default=None)
        if first is None:
            missing.append((entry, place, offset))
        elif first[0] > entry["began"]:
            is_late = True
            yield _too_early(case, entry, place, offset, first)
    if is_late or not (case.stored or case.has_nameless_results):
        yield from (_too_early(case, *each, None) for each in missing)


def _newly_committed(case: Case) -> Iterator[tuple[Entry, Place, int]]:
    """Each commit, a record that its group had not committed before, and the offset that it commits."""
    done: dict[tuple[str, int], int] = {}
    for entry in case.entries("OffsetCommit"):
        for topic, partition, offset in entry["asked"].get("offsets", ()):
            if topic != case.topic or not isinstance(offset, int):
                continue
            group = (str(entry["asked"].get("group")), partition)
            for record in _between(case.logs.get(partition, []), done.get(group, 0), offset):
                yield entry, Place(topic, partition, record[0]), offset
            if _arrived(entry):
                done[group] = max(done.get(group, 0), offset)


def _arrived(entry: Entry) -> bool:
    return entry["fault"] not in {"lose", "turn_away"}


def _died_with_their_process(case: Case) -> set[Place]:
    """Records that were committed, and whose process ended then: their results never had a time to come."""
    last = {(case.step_of(each), each["asked"].get("member")): each["began"] for each in case.entries("OffsetCommit")}
    died = {each["name"] for each in case.evidence["steps"] if each["error"] or each.get("crashes")}
    found = set()
    for entry, place, _ in _newly_committed(case):
        step = case.step_of(entry)
        is_last = last[step, entry["asked"].get("member")] == entry["began"]
        if step in died and is_last and _arrived(entry) and place[1:] not in case.stored:
            found.add(place)
    return found


def _too_early(case: Case, entry: Entry, place: Place, offset: int, stored: tuple[int, Entry] | None) -> Finding:
    result = (
        f"the result of {place} was never acknowledged"
        if stored is None
        else case.line(stored[1], f"the result of {place}, stored at event {stored[0]}")
    )
    return Finding(
        "committed-before-processed",
        f"Offset {offset} of {place.topic}-{place.partition} was committed before the result of {place} was "
        "acknowledged.",
        (case.line(entry, f"commits {place.topic}-{place.partition} offset {offset}"), result),
        (place,),
        (entry["began"],),
    )


def committed_unread(case: Case) -> Iterator[Finding]:
    """An offset was committed in a partition beyond everything that anybody had fetched of it."""
    reached = {partition: _reached(fetches) for partition, fetches in case.fetched.items()}
    for entry in case.entries("OffsetCommit"):
        for topic, partition, offset in entry["asked"].get("offsets", ()):
            if topic != case.topic:
                continue
            places, ends = reached.get(partition, ([], [0]))
            read = ends[bisect_left(places, entry["began"])]
            if offset > read:
                yield Finding(
                    "committed-unread",
                    f"Offset {offset} of {topic}-{partition} was committed, and nobody had fetched beyond {read}.",
                    (case.line(entry, f"commits {topic}-{partition} offset {offset}"),),
                )


def _reached(fetches: Iterable[tuple[int, int, Entry]]) -> tuple[list[int], list[int]]:
    """When fetches began, in order, and how far a partition was read before each of them, and in the end."""
    ordered = sorted((entry["began"], after) for _, after, entry in fetches)
    return [began for began, _ in ordered], list(itertools.accumulate((after for _, after in ordered), max, initial=0))


def committed_beyond(case: Case, step: str, place: Place) -> Iterator[Finding]:
    """During a step an offset was committed, for any group, beyond a record at which counting stopped."""
    for entry in case.during(step, "OffsetCommit"):
        for topic, partition, offset in entry["asked"].get("offsets", ()):
            if (topic, partition) == place[:2] and offset > place.offset:
                yield Finding(
                    "committed-uncounted",
                    f"Offset {offset} of {topic}-{partition} was committed, and counting had stopped at the record at "
                    f"offset {place.offset}.",
                    (case.line(entry, f"commits {topic}-{partition} offset {offset}"),),
                    (place,),
                    (entry["began"],),
                )


def repeats(case: Case) -> Iterator[Finding]:
    """A result was stored again in such a way that the state is another one: another key, or another value."""
    first: dict[tuple[Any, Any], Row] = {}
    for row in case.rows:
        if not is_place(row.partition, row.offset):
            yield Finding(
                "repeat",
                f"The result at {row.place} does not say which partition and offset it is of: '{short(row.text)}'.",
                (f"{row.place} holds '{short(row.text)}'",),
                (row.place,),
            )
            continue
        before = first.setdefault((row.partition, row.offset), row)
        if before is row or (row.key is not None and row.key == before.key and row.result == before.result):
            continue
        why = "without a key" if row.key is None else f"under the key {short(row.key)}, not {short(before.key)}"
        if row.key is not None and row.key == before.key:
            why = "as another result"
        yield Finding(
            "repeat",
            f"The result of {case.topic}-{row.partition} offset {row.offset} was stored again {why}.",
            tuple(f"{each.place} holds '{short(each.text)}' with key {short(each.key)}" for each in (before, row)),
            (before.place, row.place),
        )


def results(case: Case, expected: Callable[[str, str], Any]) -> Iterator[Finding]:
    """Each record of the log has the right result; ``expected(key, value)`` says it, of the whole value.

    A result is not told here again if its offset was committed too early, as those of others were that came late, and
    the process died then.
    """
    state = {(row.partition, row.offset): row for row in case.rows if is_place(row.partition, row.offset)}
    excused = _died_with_their_process(case) if case.stored and any(committed_first(case)) else set()
    nameless = [row for row in case.rows if not is_place(row.partition, row.offset)]
    proof = tuple(f"{each.place} holds '{short(each.text)}', which names no record" for each in nameless[:1])
    for partition, records in case.logs.items():
        for record in records:
            place = Place(case.topic, partition, record[0])
            row = state.get((partition, record[0]))
            whole = case.full.get(record[2])
            if whole is None:
                continue  # `foreign_records` tells
            right = expected(record[1], whole)
            if row is None and place not in excused:
                yield Finding("results", f"There is no result for '{short(record[2])}' at {place}.", proof, (place,))
            elif row is not None and not _same(row.result, right):
                yield Finding(
                    "results",
                    f"The result of {place} is {short(json.dumps(row.result))}; right is {short(json.dumps(right))}.",
                    (f"{place} holds '{short(record[2])}'", f"{row.place} holds '{short(row.text)}'"),
                    (place, row.place),
                )
    for found, row in state.items():
        if not _exists(case, *found):
            yield Finding("results", f"{row.place} has a result for a record that does not exist: {short(row.text)}")


def reading_order(case: Case, step: str) -> Iterator[Finding]:
    """What a step said it polled, as a list of [partition, offset], goes on without gaps and never back."""
    told = case.step(step)["value"]
    at: dict[int, int] = {}
    for each in told if isinstance(told, list) else ():
        if not (isinstance(each, list) and len(each) >= 2 and all(isinstance(number, int) for number in each[:2])):
            continue
        partition, offset = each[:2]
        if partition in at and offset != at[partition] + 1:
            name = "poll-skip" if offset > at[partition] else "nonmonotonic-poll"
            where = f"{case.topic}-{partition}"
            yield Finding(name, f"{step} polled {where} offset {at[partition]}, and then {offset}.")
        at[partition] = offset


def _same(value: Any, right: Any) -> bool:
    return type(value) is type(right) and value == right


def _exists(case: Case, partition: int, offset: int) -> bool:
    records = case.logs.get(partition, [])
    return bool(_between(records, offset, offset + 1))


def _between(records: list[Any], start: int, end: int) -> list[Any]:
    """The records from one offset to another; nearly always they lie at their offset's place."""
    if not records:
        return []
    first = records[0][0]
    if records[-1][0] - first + 1 == len(records):
        return records[max(0, start - first) : max(0, end - first)]
    return [record for record in records if start <= record[0] < end]


def _covered(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The same offsets in ranges that do not touch, ascending."""
    merged: list[tuple[int, int]] = []
    for first, after in sorted(ranges):
        if merged and first <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(after, merged[-1][1]))
        else:
            merged.append((first, after))
    return merged


def _is_in(ranges: list[tuple[int, int]], offset: int) -> bool:
    return any(first <= offset < after for first, after in ranges)
