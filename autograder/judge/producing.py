"""What the log says of a producer: nothing lost, nothing twice, each key in order and in one place."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

from autograder.judge.case import Attempt, Case, Entry, short
from autograder.judge.finding import Finding
from kit.history import sends

_MOST_IN_VAIN = 10  # requests: a client has five of them on their way when a leader dies
_MOST_PROOF = 6
_ALL = -1  # acks=all, as the protocol has it


def lost_writes(case: Case) -> Iterator[Finding]:
    """A record was acknowledged, or the student's function said so, and the log lacks it."""
    said = set()
    for found in sends.lost_writes(case.faults):
        value = str(found.operations[0].value)
        said.add(value)
        yield _lost(case, value, case.acknowledged.get(value))
    for value, place in case.reported.items():
        if place is not None and value not in case.places and value not in said:
            yield Finding(
                "lost-write",
                f"Your function reported '{short(value)}' as written at {place}, and the log at the end lacks it.",
                tuple(_told(case, value)),
            )


def _lost(case: Case, value: str, attempt: Attempt | None) -> Finding:
    if attempt is None:
        return Finding("lost-write", f"'{short(value)}' was read and is gone.")
    where = f"{case.topic}-{attempt.partition} offset {attempt.offset}"
    now = next((record for record in case.logs[attempt.partition] if record[0] == attempt.offset), None)
    there = "nothing" if now is None else f"'{short(now[2])}'"
    return Finding(
        "lost-write",
        f"'{short(value)}' was acknowledged at {where}, and the log at the end lacks it.",
        (*_told(case, value), f"the log at the end: {where} holds {there}"),
        events=(attempt.entry["began"],),
    )


def unwritten(case: Case) -> Iterator[Finding]:
    """A record that was given is not in the log, and nobody was ever told that it is."""
    for value in case.given:
        if value in case.places or value in case.acknowledged or case.reported.get(value) is not None:
            continue
        why = "your function gave it up" if value in case.reported else "your function did not say so"
        proof = tuple(_told(case, value)) or ("no Produce request had it",)
        yield Finding("lost-write", f"'{short(value)}' was never written, and {why}.", proof)


def nothing_lost(case: Case) -> Iterator[Finding]:
    """Every record that was given is in the log."""
    yield from lost_writes(case)
    yield from unwritten(case)


def duplicates(case: Case) -> Iterator[Finding]:
    """A record that was given once is in the log twice or more."""
    for found in sends.duplicates(case.faults):
        value = str(found.operations[0].value)
        places = case.places.get(value, [])
        if len(places) < 2:
            continue  # one of them is not in the log any more
        lines = [f"the log at the end: {place} holds '{short(value)}'" for place in places]
        yield Finding(
            "duplicate",
            f"'{short(value)}' was given once and is in the log {len(places)} times: at {places[0]} and {places[1]}.",
            (*_told(case, value), *lines),
            tuple(places),
            tuple(attempt.entry["began"] for attempt in case.attempts.get(value, ())),
        )


def partitioning(case: Case, expected: Callable[[str], int] | None = None) -> Iterator[Finding]:
    """All records of a key are in one partition, and in the one that ``expected`` says if it is given."""
    home: dict[str, tuple[int, str]] = {}
    for value, number in case.given.items():
        key = case.keys[number]
        for place in case.places.get(value, ()):
            if key is None:
                continue
            right = expected(key) if expected is not None else home.setdefault(key, (place.partition, value))[0]
            if place.partition == right:
                continue
            first = home.get(key, (right, value))[1]
            proof = [f"{case.places[first][0]} holds '{short(first)}'"] if first != value else []
            yield Finding(
                "partitioning",
                f"Key {key} belongs in partition {right}, and '{short(value)}' went to partition {place.partition}.",
                (*proof, f"{place} holds '{short(value)}'"),
                (place,),
            )


def order(case: Case) -> Iterator[Finding]:
    """The records of one key are in each partition in the order in which they were given; second copies left out."""
    for partition, records in case.logs.items():
        last: dict[str | None, tuple[int, int, str]] = {}
        for record in records:
            offset, value = record[0], record[2]
            number = case.given.get(value)
            if number is None or case.places[value][0][1:] != (partition, offset):
                continue
            key = case.keys[number]
            before = last.get(key)
            if before is not None and before[0] > number:
                where = f"{case.topic}-{partition}"
                yield Finding(
                    "order",
                    f"Key {key}: '{short(value)}' was given before '{short(before[2])}', and follows it in {where}.",
                    (
                        f"{where} offset {before[1]} holds '{short(before[2])}', given as number {before[0] + 1}",
                        f"{where} offset {offset} holds '{short(value)}', given as number {number + 1}",
                    ),
                )
            else:
                last[key] = (number, offset, value)


def acknowledgements(case: Case, step: str) -> Iterator[Finding]:
    """Every request asks for all in-sync replicas, and what a step returns is how many records were acknowledged."""
    entries = [
        entry
        for entry in case.entries("Produce")
        if any(batch["topic"] == case.topic for batch in entry["asked"].get("batches", ()))
    ]
    careless = [entry for entry in entries if entry["asked"].get("acks") != _ALL]
    lines = tuple(case.line(entry, f"acks={entry['asked'].get('acks')}") for entry in careless[:_MOST_PROOF])
    if not entries:
        yield Finding("acknowledged", "No Produce request came, so nothing was acknowledged.")
    elif careless:
        text = f"{len(careless)} of {len(entries)} Produce requests did not ask for all in-sync replicas."
        yield Finding("acknowledged", text, lines)
    number = sum(attempt.offset is not None for attempts in case.attempts.values() for attempt in attempts)
    returned = case.step(step)["value"]
    if type(returned) is not int or returned != number:
        said = short(json.dumps(returned))
        yield Finding("acknowledged", f"Your function returned {said}, and brokers acknowledged {number} records.")


def phantoms(case: Case) -> Iterator[Finding]:
    """The student's function said that a record was not written, and it is in the log. Kafka allows that."""
    for value, place in case.reported.items():
        if place is None and value in case.places:
            where = case.places[value][0]
            yield Finding(
                "phantom",
                f"Your function reported '{short(value)}' as not written, and it is at {where}.",
                (*_told(case, value), f"the log at the end: {where} holds it"),
                (where,),
            )


def refuses(case: Case, rule: str) -> Iterator[Finding]:
    """After a rule has fired nothing is acknowledged, and the student's function says so (CAP: consistency)."""
    at = made_at(case, rule)
    if at is None:
        yield Finding("refuses", "The network was never cut: the producer wrote too little before.")
        return
    end = case.last_step_ended
    for value, attempt in case.acknowledged.items():
        if not _is_in_the_cut(attempt.entry, at, end):
            continue
        told = tuple(_told(case, value))
        where = f"{case.topic}-{attempt.partition} offset {attempt.offset}"
        yield Finding(
            "refuses", f"'{short(value)}' was acknowledged at {where} while the network was cut.",
            (f"event {at}: the network was cut", *told), events=(at, attempt.entry["began"]),
        )  # fmt: skip
    if not any((each.entry["ended"] or 0) <= at + 1 for each in case.acknowledged.values()):
        yield Finding(
            "refuses", "Nothing was acknowledged before the network was cut: refusing the rest proves nothing."
        )
    attempts = (each for found in case.attempts.values() for each in found)
    if not any(_asks_in_vain(each, end) for each in attempts):
        yield Finding("refuses", "No record was sent that asked for all in-sync replicas and was not acknowledged.")
    missing = [value for value in case.given if value not in case.acknowledged]
    silent = [value for value in missing if case.reported.get(value) is not None or value not in case.reported]
    for value in silent:
        yield Finding("refuses", f"'{short(value)}' was refused, and your function did not say so.")


def _is_in_the_cut(entry: Entry, at: int, end: int) -> bool:
    """Whether an answer is the word of a leader that was alone: not what its followers had before, or have since."""
    began_before = entry["began"] <= at and entry["asked"].get("acks") == _ALL
    return at + 1 < (entry["ended"] or 0) < end and not began_before


def _asks_in_vain(attempt: Attempt, end: int) -> bool:
    """Whether all in-sync replicas were asked for, and nobody said yes while the function waited."""
    told = attempt.offset is not None and (attempt.entry["ended"] or 0) < end
    return attempt.entry["asked"]["acks"] == _ALL and not told


def loses(case: Case) -> Iterator[Finding]:
    """Something that a broker acknowledged is lost (CAP: availability at the price of consistency)."""
    if all(value in case.places for value in case.acknowledged):
        yield Finding("loses", f"Nothing that was acknowledged got lost: {len(case.acknowledged)} records.")


def recovery(case: Case, rule: str, partition: int) -> Iterator[Finding]:
    """After a rule has fired, what was not sent before is acknowledged, after a few requests in vain at most.

    It is counted in requests, for seconds are those of a busy computer. Who had sent everything before has nothing to
    recover; what was under way then, and was given up, is a lost write.
    """
    at = fired_at(case, rule)
    if at is None:
        return
    tried = {value for value, found in case.attempts.items() if any(each.entry["began"] <= at for each in found)}
    homes = {
        (case.keys[number], each.partition)
        for value, number in case.given.items()
        for each in case.attempts.get(value, ())
    }
    waiting = [
        each for each, number in case.given.items() if (case.keys[number], partition) in homes and each not in tried
    ]
    after = [
        attempt
        for attempts in case.attempts.values()
        for attempt in attempts
        if attempt.partition == partition and attempt.entry["began"] > at
    ]
    first = min((each.entry["began"] for each in after if each.offset is not None), default=None)
    where = f"{case.topic}-{partition}"
    vain = {each.entry["began"]: each.entry for each in after if first is None or each.entry["began"] < first}
    proof = (
        f"event {at}: {where} had its next leader",
        *(case.line(vain[each], f"for {where}") for each in sorted(vain)),
    )
    if waiting and first is None:
        text = f"{where} had a leader again, and no more of its records were acknowledged: {len(waiting)} were waiting."
        yield Finding("recovery", text, proof[:_MOST_PROOF], events=(at,))
    elif first is not None and len(vain) > _MOST_IN_VAIN:
        text = f"{where} had a leader again, and {len(vain)} requests were made in vain before one was acknowledged."
        yield Finding("recovery", text, proof[:_MOST_PROOF], events=(at, first))


def fired_at(case: Case, rule: str) -> int | None:
    """When a rule fired, in the order of events."""
    return next((each["at"] for each in case.evidence["fired"] if each["rule"] == rule), None)


def _told(case: Case, value: str) -> Iterator[str]:
    for attempt in case.attempts.get(value, ()):
        acks = attempt.entry["asked"].get("acks")
        told = (
            ""
            if attempt.offset is None
            else f", acknowledged at {case.topic}-{attempt.partition} offset {attempt.offset}"
        )
        yield case.line(attempt.entry, f"acks={acks}, with '{short(value)}'{told}")


def made_at(case: Case, rule: str) -> int | None:
    """When all that a rule does was done, in the order of events: what began before may have been spared it."""
    return next((each["made_at"] for each in case.evidence["fired"] if each["rule"] == rule), None)
