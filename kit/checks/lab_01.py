"""The checks of lab 01, "First records". Each is a pure function of evidence and answer."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from kit.checks.evidence import Evidence, SeenRecord
from kit.checks.registry import judge, title
from kit.checks.result import CheckResult
from kit.checks.wording import guessed, listed, place, place_of, short, text_of

LISTENS = "music.listens"
SKIPS = "music.skips"
CHARTS = "charts"
ROYALTIES = "royalties"
FIELDS = ("topic", "partition", "offset", "timestamp", "key", "value")

title("01", "First records")


@judge("01.retained")
def retained(evidence: Evidence, answer: Any) -> CheckResult:
    """Is a record that has been read still there? ``answer``: "kept" or "gone"."""
    name = "01.retained"
    records = evidence.records(LISTENS)
    if not records:
        return _no_records(name, LISTENS)
    oldest = min(records, key=lambda record: record.timestamp_ms)
    facts = (
        f"{LISTENS} holds {_count(len(records), 'record')}. The oldest, {_text(oldest.value)}, was written at "
        f"{_clock(oldest.timestamp_ms)} and is still there after every read."
    )
    if guessed(answer) == "kept":
        return CheckResult(name, True, f"Your guess fits. {facts}", place_of(oldest))
    if guessed(answer) == "gone":
        hint = 'Reading takes nothing away. Set your guess to "kept", and say why in your own words.'
    else:
        hint = f'Your guess is {short(answer)}. Set it to "kept" or "gone" and run the cell again.'
    return CheckResult(name, False, facts, place_of(oldest), hint)


@judge("01.record")
def record(evidence: Evidence, answer: Any) -> CheckResult:
    """Is there a record with a key, a JSON value and a header called ``source``? Needs no answer."""
    del answer  # what lies in the topic decides
    name = "01.record"
    records = evidence.records(LISTENS)
    if not records:
        return _no_records(name, LISTENS)
    newest_first = sorted(records, key=lambda each: -each.timestamp_ms)
    complete = next((each for each in newest_first if not _missing_parts(each)), None)
    if complete is None:
        missing = _missing_parts(newest_first[0])
        happened = f"The newest record has no {' and no '.join(missing)}."
        hint = f"Give your send() what is missing: {_recipe(missing)}."
        return CheckResult(name, False, happened, place_of(newest_first[0]), hint)
    headers = ", ".join(f"{key}={_text(value)}" for key, value in complete.headers)
    happened = f"Key {_text(complete.key)}, value {_text(complete.value)}, headers {headers}."
    return CheckResult(name, True, happened, place_of(complete))


@judge("01.offsets")
def offsets(evidence: Evidence, answer: Any) -> CheckResult:
    """Which fields point at exactly one record? ``answer``: a collection of names out of `FIELDS`."""
    name = "01.offsets"
    given = {str(each) for each in answer} if isinstance(answer, list | tuple | set | frozenset) else {str(answer)}
    if not given or not given <= set(FIELDS):
        text = f"Your answer is {answer!r}."
        return CheckResult(name, False, text, "your answer", f"Choose some of {', '.join(FIELDS)}.")
    records = [*evidence.records(LISTENS), *evidence.records(SKIPS)]
    if not records:
        return _no_records(name, LISTENS)
    twins = _twins(records, given)
    if twins:
        one, other = twins
        happened = f"These two records have the same {listed(sorted(given))}, and they are different records."
        where = f"{place_of(one)} and {place_of(other)}"
        return CheckResult(name, False, happened, where, "Look where they differ, and add what tells them apart.")
    if given != {"topic", "partition", "offset"}:
        happened = f"No two of the {len(records)} records here share their {listed(sorted(given))} right now."
        hint = (
            "Only three fields are promised to be enough, for ever and for every record: which broker facts are they?"
        )
        return CheckResult(name, False, happened, f"{LISTENS} and {SKIPS}", hint)
    happened = f"Topic, partition and offset point at exactly one of the {len(records)} records, and always will."
    return CheckResult(name, True, happened, f"{LISTENS} and {SKIPS}")


@judge("01.catch-up")
def catch_up(evidence: Evidence, answer: Any) -> CheckResult:
    """Did the group ``charts`` resume where it had stopped? ``answer``: the records it read after it came back."""
    name = "01.catch-up"
    if isinstance(answer, str):
        hint = "Hand in the records themselves: the list that came back from read_to_end."
        return CheckResult(name, False, f"Your answer is the text {answer!r}.", "your answer", hint)
    if not evidence.log_end_offsets(LISTENS):
        return _no_records(name, LISTENS)
    missing = _not_at_end(evidence, CHARTS)
    if missing:
        return _uncommitted(name, CHARTS, missing)
    places = _places(answer)
    read = set(places)
    retained_places = {(each.partition, each.offset) for each in evidence.records(LISTENS)}
    where = f"group {CHARTS}, topic {LISTENS}"
    if not read:
        hint = "Send something while nobody of the group is reading, then let the group read again."
        return CheckResult(name, False, "The records you handed in are none.", where, hint)
    if read >= retained_places:
        happened = (
            f"Your list has all {_count(len(retained_places), 'record')} of the topic: everything was read again."
        )
        hint = "Commit after the first read, send more records, and read again with the same group."
        return CheckResult(name, False, happened, where, hint)
    if len(places) > len(read):
        return _twice(name, places, "Hand in what one call of read_to_end returned.")
    skipped = _skipped(read, retained_places)
    if skipped:
        hint = "Hand in the whole list that read_to_end returned."
        return CheckResult(name, False, "There is a hole in your list.", place(LISTENS, *skipped[0]), hint)
    happened = (
        f"The group came back and got {len(read)} of the {len(retained_places)} records: those it had not read yet, "
        "and none of the others. Its committed offsets say where it goes on next time."
    )
    return CheckResult(name, True, happened, f"group {CHARTS}, committed {_offsets(evidence, CHARTS)}")


@judge("01.royalties")
def royalties(evidence: Evidence, answer: Any) -> CheckResult:
    """Has a second group read everything and committed?

    ``answer``: the group and the records it read, in all runs together, as in ``{"royalties": records}``. With the
    records alone any group counts whose name begins with "royalties".
    """
    name = "01.royalties"
    if not evidence.log_end_offsets(LISTENS):
        return _no_records(name, LISTENS)
    named = [str(each) for each in answer] if isinstance(answer, Mapping) else []
    if named and named[-1] == CHARTS:
        hint = f'The charts read for themselves. Give the payments a group of their own: "{ROYALTIES}".'
        return CheckResult(name, False, f"Your group is {CHARTS}.", f"group {CHARTS}, topic {LISTENS}", hint)
    groups = named[-1:] or [group for group in evidence.group_ids() if group.startswith(ROYALTIES)]
    places = _places(_paid(answer))
    read = set(places)
    retained_places = {(each.partition, each.offset) for each in evidence.records(LISTENS)}
    unread = retained_places - read
    if unread:
        partition, offset = min(unread)
        committed = next((group for group in groups if evidence.committed_offsets(group, LISTENS)), None)
        happened = (
            f"{_count(len(unread), 'listen')} of {len(retained_places)} went unpaid: your list does not have them."
        )
        return CheckResult(name, False, happened, place(LISTENS, partition, offset), _from_the_start(committed))
    finished = [group for group in groups if not _not_at_end(evidence, group)]
    if not finished:
        group = groups[-1] if groups else ROYALTIES
        return _uncommitted(name, group, _not_at_end(evidence, group))
    happened = (
        f"All {len(retained_places)} listens are paid, and the group will go on after them. {CHARTS} noticed nothing."
        f"{_paid_again(places)}"
    )
    return CheckResult(name, True, happened, f"group {finished[-1]}, committed {_offsets(evidence, finished[-1])}")


def _no_records(name: str, topic: str) -> CheckResult:
    hint = "Run the cells above this one, from the top: they create the topic and send to it."
    return CheckResult(name, False, f"There is no record in {topic}.", f"topic {topic}", hint)


def _twice(name: str, places: Sequence[tuple[int, int]], hint: str) -> CheckResult:
    twin, times = Counter(places).most_common(1)[0]
    happened = f"The same record stands {times} times in your list."
    return CheckResult(name, False, happened, place(LISTENS, *twin), hint)


def _paid(answer: Any) -> Any:
    """The ledger in an answer, which is the ledger itself or a group and its ledger."""
    if isinstance(answer, Mapping):
        answer = next(reversed(list(answer.values())), ())
    return () if isinstance(answer, str) else answer


def _paid_again(places: Sequence[tuple[int, int]]) -> str:
    """What runs without a commit have led to; it is not held against who has found the commit since."""
    again = len(places) - len(set(places))
    return f" {_count(again, 'payment')} too many came from runs that did not commit." if again else ""


def _uncommitted(name: str, group_id: str, missing: Sequence[str]) -> CheckResult:
    hint = "Call commit() when all is read, inside the with block. Without it the group forgets how far it came."
    happened = f"The group {group_id} has not committed that it read everything: {'; '.join(missing)}."
    return CheckResult(name, False, happened, f"group {group_id}, topic {LISTENS}", hint)


def _not_at_end(evidence: Evidence, group_id: str) -> list[str]:
    committed = evidence.committed_offsets(group_id, LISTENS)
    ends = evidence.log_end_offsets(LISTENS)
    return [
        f"partition {partition} ends at {end}, committed is {committed.get(partition, 'nothing')}"
        for partition, end in sorted(ends.items())
        if committed.get(partition, 0) != end
    ]


def _from_the_start(committed_group: str | None) -> str:
    if committed_group is None:
        return 'A group without committed offsets begins where auto_offset_reset says. Set it to "earliest".'
    return (
        f"The group {committed_group} has committed offsets, so auto_offset_reset is not asked any more. "
        f'Use "earliest" with a group that is new: {ROYALTIES}-2, for example.'
    )


def _missing_parts(each: SeenRecord) -> list[str]:
    missing = [] if each.key else ["key"]
    if not _is_json_object(each.value):
        missing.append("JSON object as its value")
    if not any(key == "source" for key, _ in each.headers):
        missing.append("header called source")
    return missing


def _recipe(missing: Iterable[str]) -> str:
    recipes = {
        "key": 'key=b"your-name"',
        "JSON object as its value": 'value=json.dumps({"track": "..."}).encode()',
        "header called source": 'headers=[("source", b"lab")]',
    }
    return ", ".join(recipes[part] for part in missing)


def _is_json_object(value: bytes | None) -> bool:
    try:
        return isinstance(json.loads(value or b""), dict)
    except ValueError:
        return False


def _twins(records: Iterable[SeenRecord], fields: Iterable[str]) -> tuple[SeenRecord, SeenRecord] | None:
    attributes = ["timestamp_ms" if field == "timestamp" else field for field in sorted(fields)]
    seen: dict[tuple[Any, ...], SeenRecord] = {}
    for each in records:
        fingerprint = tuple(getattr(each, attribute) for attribute in attributes)
        if fingerprint in seen:
            return seen[fingerprint], each
        seen[fingerprint] = each
    return None


def _places(handed_in: Any) -> list[tuple[int, int]]:
    """Partition and offset of each handed-in record of the topic; a student may hand in anything."""
    items = handed_in if isinstance(handed_in, Iterable) else ()
    return [(each.partition, each.offset) for each in items if getattr(each, "topic", None) == LISTENS]


def _skipped(read: set[tuple[int, int]], retained_places: set[tuple[int, int]]) -> list[tuple[int, int]]:
    """Places between the first one read in a partition and its end that were not read."""
    begin = {partition: min(offset for p, offset in read if p == partition) for partition, _ in read}
    return sorted((p, offset) for p, offset in retained_places - read if offset > begin.get(p, offset))


def _offsets(evidence: Evidence, group_id: str) -> str:
    committed = sorted(evidence.committed_offsets(group_id, LISTENS).items())
    return ", ".join(f"{offset} in partition {partition}" for partition, offset in committed)


def _text(data: bytes | None) -> str:
    if data is None:
        return "null"
    return text_of(data, 80)


def _clock(timestamp_ms: int) -> str:
    return f"{datetime.fromtimestamp(timestamp_ms / 1000, tz=UTC):%H:%M:%S} UTC"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
