"""What can be seen after a failure, as facts: of a producer, a consumer, and a choice between refusing and losing.

Everything here is pure. A grader looks at the same things, and also at what brokers told the clients meanwhile.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kit.checks.evidence import SeenRecord
from kit.checks.pipeline_facts import Fact
from kit.checks.wording import place_of, text_of

Given = Sequence[Sequence[str]]  # [key, value], each value once
Report = Sequence[Any]  # [partition, offset] or None, one for each record that was given
_CHARS = 60
_MOST_PROOF = 2
_MOST_SILENT = 10  # of so many records one may be reported as None, and be there: it came after the wait for it
_ALL = -1  # acks="all", as the protocol has it
_COMMIT = "KafkaConsumer(topic, group_id=group) makes it a member, and consumer.commit() commits."


def is_place(each: Any) -> bool:
    """Whether it is what a report may have for one record."""
    return each is None or (
        isinstance(each, Sequence) and len(each) == 2 and all(isinstance(number, int) for number in each)
    )


# -- the producer ------------------------------------------------------------------------------------------------------


def written_facts(records: Sequence[SeenRecord], given: Given, report: Report, where: str) -> list[Fact]:
    """Five facts about what lies in the log after ``given`` were written to an empty topic.

    Args:
        records: all records of the topic, in offset order within each partition.
    """
    return [
        _all_written(records, given, report, where),
        _each_once(records, given, where),
        _one_partition(records, where),
        _in_order(records, given, where),
        _true_report(records, given, report, where),
    ]


def _true_report(records: Sequence[SeenRecord], given: Given, report: Report, where: str) -> Fact:
    """Whether the records are where the report says; what is nowhere is told elsewhere."""
    name = "report"
    there = _by_value(records)
    places = {value: {(each.partition, each.offset) for each in found} for value, found in there.items()}
    known = [(value, told, places.get(value.encode(), set())) for (_, value), told in zip(given, report, strict=True)]
    wrong = [(value, told, at) for value, told, at in known if told is not None and at and tuple(told) not in at]
    silent = [value for value, told, at in known if told is None and at]
    if wrong:
        value, told, at = wrong[0]
        happened = f"Your function reported {len(wrong):,} records at places where they are not."
        partition, offset = min(at)
        proof = (f"reported at {list(told)}, and at [{partition}, {offset}]: {text_of(value.encode(), _CHARS)}",)
        hint = "The answer to each record has its partition and its offset; keep them in the order of the list."
        return Fact(name, False, happened, where, hint, proof)
    if _MOST_SILENT * len(silent) > len(given):
        happened = f"{len(silent):,} of {len(given):,} records are there, and your function reported None."
        return Fact(name, False, happened, where, "Report the place of whatever was acknowledged.")
    return Fact(name, True, "They are where your function reported them.", where)


def _by_value(records: Iterable[SeenRecord]) -> dict[bytes | None, list[SeenRecord]]:
    found: dict[bytes | None, list[SeenRecord]] = {}
    for each in records:
        found.setdefault(each.value, []).append(each)
    return found


def _lost(records: Sequence[SeenRecord], given: Given, report: Report) -> list[tuple[str, Any]]:
    """What was reported as written and is not there: the value, and where it should be."""
    there = _by_value(records)
    return [
        (value, told)
        for (_, value), told in zip(given, report, strict=True)
        if told is not None and value.encode() not in there
    ]


def _all_written(records: Sequence[SeenRecord], given: Given, report: Report, where: str) -> Fact:
    name = "lost-write"
    there = _by_value(records)
    lost = _lost(records, given, report)
    missing = [value for _, value in given if value.encode() not in there]
    if lost:
        happened = f"{len(lost):,} of {len(given):,} records were acknowledged, and the log lacks them."
        value, place = lost[0]
        proof: tuple[str, ...] = (
            f"partition {place[0]}, offset {place[1]} was to hold {text_of(value.encode(), _CHARS)}",
        )
        hint = "A leader that is alone must not be enough: how many replicas have to have a record before it counts?"
        return Fact(name, False, happened, where, hint, proof)
    if missing:
        happened = f"{len(missing):,} of {len(given):,} records were never written."
        proof = tuple(text_of(each.encode(), _CHARS) for each in missing[:_MOST_PROOF])
        hint = "Let the producer try again for long enough, and wait for it before the function returns."
        return Fact(name, False, happened, where, hint, proof)
    return Fact(name, True, f"All {len(given):,} records are in the log.", where)


def _each_once(records: Sequence[SeenRecord], given: Given, where: str) -> Fact:
    name = "duplicate"
    if not records:
        return Fact(name, False, "Nothing is in the log.", where, "Send the records.")
    known = {value.encode() for _, value in given}
    copies = [found for value, found in _by_value(records).items() if value in known and len(found) > 1]
    strange = [each for each in records if each.value not in known]
    if copies:
        happened = f"{len(copies):,} records are in the log more than once."
        proof = tuple(f"{place_of(each)}: {text_of(each.value or b'', _CHARS)}" for each in copies[0][:_MOST_PROOF])
        hint = "An answer got lost, and the producer sent again. Which setting lets brokers recognise what they have?"
        return Fact(name, False, happened, where, hint, proof)
    if strange:
        happened = f"{len(strange):,} records are in the log that were not to be written."
        hint = "Send the values as they are given, as UTF-8."
        return Fact(name, False, happened, place_of(strange[0]), hint)
    return Fact(name, True, "Each is there once, and nothing else is.", where)


def _one_partition(records: Sequence[SeenRecord], where: str) -> Fact:
    name = "partitioning"
    if not records:
        return Fact(name, False, "Nothing is in the log.", where, "Send the records.")
    homes: dict[bytes | None, SeenRecord] = {}
    for each in records:
        first = homes.setdefault(each.key, each)
        if each.key is None or first.partition != each.partition:
            proof = (place_of(first), place_of(each))
            key = "no key" if each.key is None else f"the key {text_of(each.key, _CHARS)}"
            happened = f"Records with {key} are in more than one partition, or may be."
            return Fact(name, False, happened, where, "Send the key, and let it choose the partition.", proof)
    return Fact(name, True, "All records of a key are in one partition.", where)


def _in_order(records: Sequence[SeenRecord], given: Given, where: str) -> Fact:
    name = "order"
    if not records:
        return Fact(name, False, "Nothing is in the log.", where, "Send the records.")
    places = {value.encode(): (key, number) for number, (key, value) in enumerate(given)}
    seen: set[bytes] = set()
    last: dict[tuple[int, str], tuple[int, SeenRecord]] = {}
    for each in records:
        if each.value is None or each.value not in places or each.value in seen:
            continue
        seen.add(each.value)
        key, number = places[each.value]
        before = last.get((each.partition, key))
        if before is not None and before[0] > number:
            happened = f"Of key {key}, what was given as number {number + 1} comes after number {before[0] + 1}."
            hint = "Send the records in their order, through one producer that keeps it when it sends again."
            return Fact(name, False, happened, place_of(each), hint, (place_of(before[1]), place_of(each)))
        last[each.partition, key] = (number, each)
    return Fact(name, True, "The records of each key are in their order.", where)


# -- the consumer ------------------------------------------------------------------------------------------------------


def result_facts(orders: Sequence[SeenRecord], results: Sequence[SeenRecord], where: str) -> list[Fact]:
    """Two facts about the results of orders: each order has the right one, and a repeat changed none."""
    rows = [(each, _row(each.value)) for each in results]
    return [_right_results(orders, rows, where), _same_again(rows, where)]


_Rows = Sequence[tuple[SeenRecord, Mapping[str, Any]]]


def _row(value: bytes | None) -> Mapping[str, Any]:
    try:
        read = json.loads(value or b"")
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}


def _named(row: Mapping[str, Any]) -> tuple[int, int] | None:
    """The partition and offset that a result is of; None when it does not say so in numbers."""
    partition, offset = row.get("partition"), row.get("offset")
    return (partition, offset) if type(partition) is int and type(offset) is int else None


def _right_results(orders: Sequence[SeenRecord], rows: _Rows, where: str) -> Fact:
    name = "results"
    if nameless := [each for each, row in rows if _named(row) is None]:
        happened = f"{len(nameless):,} results do not say which record they are of."
        proof = (f"{place_of(nameless[0])}: {text_of(nameless[0].value or b'', _CHARS)}",)
        hint = 'The value is a JSON object with "partition" and "offset" as numbers, and "result".'
        return Fact(name, False, happened, where, hint, proof)
    state = {_named(row): row.get("result") for _, row in rows}
    for each in orders:
        told = state.get((each.partition, each.offset))
        right = _row(each.value).get("amount")
        if type(told) is not type(right) or told != right:
            happened = f"The result of {place_of(each)} is {told!r:.40}, and {right!r:.40} is right."
            hint = "Store one result for each record: its partition, its offset, and amount_of(record.value)."
            return Fact(name, False, happened, where, hint)
    return Fact(name, True, f"All {len(orders):,} orders have their result.", where)


def _same_again(rows: _Rows, where: str) -> Fact:
    name = "repeat"
    first: dict[tuple[str, str], SeenRecord] = {}
    if not rows:
        return Fact(name, False, "No result is stored.", where, "Send the results, and flush.")
    for each, row in rows:
        before = first.setdefault((str(row.get("partition")), str(row.get("offset"))), each)
        if before is not each and (each.key is None or (each.key, each.value) != (before.key, before.value)):
            happened = "A record that was read twice has two results that do not replace one another."
            hint = "The key has to be the same each time, and so has the value: make it from partition and offset."
            proof = tuple(f"{place_of(one)}: key {one.key!r:.60}" for one in (before, each))
            return Fact(name, False, happened, where, hint, proof)
    owners: dict[bytes | None, tuple[Any, Any]] = {}
    for each, row in rows:
        if owners.setdefault(each.key, (row.get("partition"), row.get("offset"))) != (
            row.get("partition"),
            row.get("offset"),
        ):
            happened = f"Results of several records have the key {each.key!r:.60}: one would replace the other."
            return Fact(name, False, happened, where, "Make the key from partition and offset.", (place_of(each),))
    return Fact(name, True, "Reading everything again changed no result.", where)


def safe_results_fact(asked: Sequence[int], where: str) -> Fact:
    """Whether every result waited for all in-sync replicas.

    Args:
        asked: how many replicas each Produce request of the consumer asked for: 0, 1, or -1 for all in-sync ones.
    """
    careless = sum(each != _ALL for each in asked)
    if careless:
        happened = f"{careless:,} of {len(asked):,} requests with results did not ask for all in-sync replicas."
        return Fact("results", False, happened, where, 'A leader that dies takes such results with it: acks="all".')
    return Fact("results", True, "All in-sync replicas were asked for.", where)


def commit_facts(
    log_end_offsets: Mapping[int, int],
    committed: Mapping[str, Mapping[int, int]],
    stored: Sequence[int],
    where: str,
) -> list[Fact]:
    """Two facts about commits.

    Args:
        committed: by group, partition to offset.
        stored: how many results there were when each commit of a member came.
    """
    early = "committed-before-processed"
    if not stored:
        facts = [Fact(early, False, "No member of the group has committed anything.", where, _COMMIT)]
    elif not stored[0]:
        hint = "Wait until the results are acknowledged, and commit then."
        facts = [Fact(early, False, "When the first commit came, no result was stored.", where, hint)]
    else:
        facts = [Fact(early, True, f"When the first commit came, {stored[0]:,} results were stored.", where)]
    behind = [
        f"{group}, partition {partition}: {offsets.get(partition, 'nothing')} of {end:,}"
        for group, offsets in committed.items()
        for partition, end in sorted(log_end_offsets.items())
        if end and offsets.get(partition) != end
    ]
    if behind:
        hint = "Commit after each poll that brought something, and end when everything was read."
        happened = "At the end not everything is committed."
        return [*facts, Fact("committed", False, happened, where, hint, tuple(behind[:_MOST_PROOF]))]
    return [*facts, Fact("committed", True, "Everything is committed.", where)]


# -- the choice --------------------------------------------------------------------------------------------------------


def refusing_facts(
    records: Sequence[SeenRecord],
    given: Given,
    report: Report,
    where: str,
    *,
    asked: Sequence[int],
    configs: Mapping[str, str],
) -> list[Fact]:
    """Two facts: nothing was acknowledged while the leader was alone, and nothing that was is lost.

    Args:
        asked: how many replicas each request asked for: 0, 1, or -1 for all in-sync ones.
        configs: the topic's settings.
    """
    told = [each for each in report if each is not None]
    lost = _lost(records, given, report)
    refused = Fact("refuses", True, f"None of {len(given):,} records was acknowledged in the cut.", where)
    hint = "Who has to have a record before it counts, and how many of them have to be there?"
    if told:
        happened = f"{len(told):,} of {len(given):,} records were acknowledged while the leader was alone."
        refused = Fact("refuses", False, happened, where, hint)
    elif _ALL not in asked:
        happened = 'No request came with acks="all", so there was nothing to refuse.'
        refused = Fact("refuses", False, happened, where, "Send the records, and let the brokers refuse them.")
    elif configs.get("min.insync.replicas", "1") in {"0", "1"}:
        happened = "The topic takes what a single replica has; you only did not wait for its answer."
        refused = Fact("refuses", False, happened, where, hint)
    kept = Fact("keeps", True, "Nothing that was acknowledged is lost.", where)
    if lost:
        happened = f"{len(lost):,} of them are lost."
        kept = Fact("keeps", False, happened, where, "What is not acknowledged cannot get lost.")
    elif configs.get("unclean.leader.election.enable") == "true":
        happened = "A replica that lacks acknowledged records may lead the topic."
        kept = Fact("keeps", False, happened, where, "unclean.leader.election.enable decides that.")
    return [refused, kept]


def losing_facts(
    records: Sequence[SeenRecord],
    given: Given,
    report: Report,
    where: str,
    *,
    asked: Sequence[int],
    configs: Mapping[str, str],
) -> list[Fact]:
    """Two facts: the leader that was alone went on, and what it acknowledged is lost. The rest: as above."""
    told = [tuple(each) for each in report if each is not None]
    lost = _lost(records, given, report)
    went_on = Fact("goes on", True, f"{len(told):,} records were acknowledged by the leader alone.", where)
    if not told:
        hint = 'acks="all" lets the leader ask the others first. What does not?'
        went_on = Fact("goes on", False, "Nothing was acknowledged in the cut.", where, hint)
    elif not any(asked) or len(set(told)) < len(told):
        happened = "No leader said so: no request asked for an answer, or two records were reported at one place."
        hint = "Send the records, and report what the leader answers."
        went_on = Fact("goes on", False, happened, where, hint)
    elif (least := configs.get("min.insync.replicas", "1")) not in {"0", "1"}:
        happened = f"The leader said yes, and with min.insync.replicas={least} nobody can read what it has alone."
        hint = "A topic that goes on has to be content with a leader that is alone, whoever writes or reads."
        went_on = Fact("goes on", False, happened, where, hint)
    loses = Fact("loses", True, f"{len(lost):,} of them are lost, as you chose.", where)
    if not lost:
        hint = "Somebody who lacks the records has to be allowed to lead: unclean.leader.election.enable."
        loses = Fact("loses", False, "Nothing that was acknowledged is lost.", where, hint)
    elif not went_on.holds:
        hint = "Let the leader that is alone say yes first."
        loses = Fact("loses", False, "Nothing was lost by choice: see above.", where, hint)
    return [went_on, loses]
