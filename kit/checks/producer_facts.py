"""What can be seen of a first pipeline's producer, as facts: what lies in the log, and what its function said of it.

As in `kit.checks.pipeline_facts`, everything here is pure.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kit.checks.evidence import SeenRecord
from kit.checks.pipeline_facts import MOST_PROOF, SHOWN_CHARS, TOPIC, Fact
from kit.checks.wording import listed, place_of, short, text_of
from kit.lessons.partition_choice import partition_of

_ALL = -1  # acks=all, as the protocol has it
_MOST_KEY_BYTES = 200
_MOST_VALUE_BYTES = 10_000
_SEND = f'Send the listens: is the topic of your send() "{TOPIC}", letter by letter?'
_WORD = re.compile(r"[\w-]+")


@dataclass(frozen=True, slots=True)
class _Read:
    """A record of the topic.

    Attributes:
        value: the JSON object that it holds; None when it holds none.
        listen: the one of those to be sent that it is, also when its value is not as it should be; None when unknown.
    """

    record: SeenRecord
    value: Mapping[str, Any] | None
    listen: Mapping[str, Any] | None


def produce_facts(
    records: Sequence[SeenRecord],
    listens: Sequence[Mapping[str, Any]],
    num_partitions: int,
    elsewhere: Mapping[str, int] | None = None,
) -> list[Fact]:
    """Five facts about what lies in the log after ``listens`` were produced to an empty topic.

    Args:
        records: all records of the topic, in offset order within each partition.
        listens: what was to be sent, in order, each with its own "id" and a "user".
        elsewhere: other topics, and how many of the listens lie in each.
    """
    sent = {str(each["id"]): each for each in listens}
    read = [_read(record, sent) for record in records]
    facts = [_key(read, listens), _value(read), _partition(read, num_partitions)]
    known = len({each.listen["id"] for each in read if each.listen is not None})
    different = known + sum(each.listen is None for each in read)
    if read and 2 * different < len(listens):
        facts = [_too_few(fact.name, different, len(listens)) for fact in facts]
    order = _too_few("order", known, len(listens)) if read and 2 * known < len(listens) else _order(read, listens)
    return [_complete(read, listens, elsewhere or {}), *facts, order]


def _read(record: SeenRecord, sent: Mapping[str, Mapping[str, Any]]) -> _Read:
    """A record and its listen: by the id in its value, or by the only id of a listen in a value that is not right."""
    try:
        value = json.loads(record.value or b"")
    except (ValueError, RecursionError):
        value = None
    value = value if isinstance(value, dict) else None
    listen = sent.get(str(value.get("id"))) if value is not None else None
    if listen is None:
        text = (record.value or b"")[:_MOST_VALUE_BYTES].decode(errors="replace")
        named = {word for word in _WORD.findall(text) if word in sent}
        listen = sent[named.pop()] if len(named) == 1 else None
    return _Read(record, value, listen)


def listens_among(records: Sequence[SeenRecord], listens: Sequence[Mapping[str, Any]]) -> int:
    """How many of the records are listens that were to be sent."""
    sent = {str(each["id"]): each for each in listens}
    return sum(_read(record, sent).listen is not None for record in records)


def _too_few(name: str, num_seen: int, num_listens: int) -> Fact:
    happened = f"Only {num_seen:,} of {num_listens:,} listens can be found in the log, too few to tell."
    return Fact(name, False, happened, f"topic {TOPIC}", "Send all of the listens, with their id, and look again.")


def _complete(read: Sequence[_Read], listens: Sequence[Mapping[str, Any]], elsewhere: Mapping[str, int]) -> Fact:
    name = "complete"
    seen = Counter(each.listen["id"] for each in read if each.listen is not None)
    missing = [each["id"] for each in listens if not seen[each["id"]]]
    twice = [each.record for each in read if each.listen is not None and seen[each.listen["id"]] > 1]
    strange = sum(each.listen is None for each in read)
    if not missing and not twice and not strange:
        return Fact(name, True, f"All {len(listens):,} listens are in the log, each once.", f"topic {TOPIC}")
    if not read:
        lie = listed(f"{number:,} listens are in topic {topic}" for topic, number in elsewhere.items())
        happened = f"Nothing is in topic {TOPIC}{', and ' if lie else ''}{lie}."
        return Fact(name, False, happened, f"topic {TOPIC}", _SEND)
    proof = [f"{each} is nowhere in the log" for each in missing[:2]]
    proof += [f"{place_of(record)}: {text_of(record.value or b'', SHOWN_CHARS)}" for record in twice[:2]]
    happened = (
        f"Of {len(listens):,} listens {len(missing):,} are missing in the log; {len(twice):,} records hold a listen "
        f"that is there more than once, {strange:,} hold something else."
    )
    hint = "Send each listen once, and flush() or wait for each future before the function returns."
    return Fact(name, False, happened, f"topic {TOPIC}", hint, tuple(proof))


def acknowledged_fact(acks: Collection[Any], returned: tuple[Any, Any], num_records: int) -> Fact:
    """One fact about what a producer asked for and said: all in-sync replicas, and how many listens were acknowledged.

    Args:
        acks: what its Produce requests asked for.
        returned: what the function said where every listen was taken, and where each was refused for good.
        num_records: in the log.
    """
    name, where = "acknowledged", "what your producer asked for and returned"
    careless = sorted(str(each) for each in acks if each != _ALL)
    if careless or not acks:
        happened = f"Your producer asked for acks={', '.join(careless)}." if acks else "Your producer sent nothing."
        return Fact(name, False, happened, where, 'KafkaProducer(acks="all", ...) waits for all in-sync replicas.')
    hint = "Count the futures that succeeded, after flush(): future.succeeded() says it of each."
    for said, right, when in ((returned[0], num_records, "were taken"), (returned[1], 0, "were refused for good")):
        if type(said) is not int or said != right:
            happened = f"When the listens {when}, your function returned {short(said)}; {right:,} were acknowledged."
            return Fact(name, False, happened, where, hint)
    return Fact(name, True, "All in-sync replicas had each listen, and your function knew how many.", where)


def _key(read: Sequence[_Read], listens: Sequence[Mapping[str, Any]]) -> Fact:
    found = {each.listen["id"] for each in read if each.listen is not None}
    left = Counter(str(each["user"]) for each in listens if each["id"] not in found)
    wrong: list[SeenRecord] = []
    for each in read:
        user = (each.listen or each.value or {}).get("user")
        if user is None:  # of such a value nothing is known; it may be any listen that is nowhere else
            text = (each.record.key or b"").decode(errors="replace")
            user = text if left[text] else None
            left[text] -= 1
        if user is None or each.record.key != str(user).encode():
            wrong.append(each.record)
    return _of_records("key", len(read), wrong, "have the user as key", 'key=listen["user"].encode() does it.')


def _value(read: Sequence[_Read]) -> Fact:
    wrong = [each.record for each in read if each.value is None or each.value != each.listen]
    hint = "The value is json.dumps(listen).encode(): all of its fields, as they are."
    return _of_records("value", len(read), wrong, "hold a listen as JSON", hint)


def _partition(read: Sequence[_Read], num_partitions: int) -> Fact:
    wrong = [
        each.record
        for each in read
        # Nobody was asked for such a long key, and hashing megabytes of them would hold up a grader.
        if each.record.key is None
        or len(each.record.key) > _MOST_KEY_BYTES
        or partition_of(each.record.key, num_partitions) != each.record.partition
    ]
    hint = "Leave partition= and partitioner= away: the key decides, by the hash that Java's clients take too."
    return _of_records("partition", len(read), wrong, "lie where Kafka's default puts their key", hint)


def _order(read: Sequence[_Read], listens: Sequence[Mapping[str, Any]]) -> Fact:
    name = "order"
    place = {each["id"]: number for number, each in enumerate(listens)}
    last: dict[Any, tuple[int, SeenRecord]] = {}
    broken: list[tuple[SeenRecord, SeenRecord]] = []
    for each in read:
        if each.listen is None:
            continue
        number, record, user = place[each.listen["id"]], each.record, each.listen["user"]
        before = last.get(user)
        if before is not None and (before[1].partition != record.partition or number < before[0]):
            broken.append((before[1], record))
        last[user] = (number, record)
    if not read:
        return Fact(name, False, "Nothing is in the log, so there is no order.", f"topic {TOPIC}", _SEND)
    if not broken:
        return Fact(name, True, "The listens of each user lie in one partition, in their order.", f"topic {TOPIC}")
    first, second = broken[0]
    happened = f"{len(broken):,} times a user's listens are not in the order in which they were to be sent."
    proof = (f"{place_of(first)}: {text_of(first.value or b'', SHOWN_CHARS)}",
             f"{place_of(second)}: {text_of(second.value or b'', SHOWN_CHARS)}")  # fmt: skip
    hint = "Send the listens in their order through one producer, and let the key choose the partition."
    return Fact(name, False, happened, place_of(second), hint, proof)


def _of_records(name: str, num_records: int, wrong: Sequence[SeenRecord], words: str, hint: str) -> Fact:
    if not num_records:
        return Fact(name, False, f"Nothing is in topic {TOPIC}.", f"topic {TOPIC}", _SEND)
    if not wrong:
        return Fact(name, True, f"All {num_records:,} records {words}.", f"topic {TOPIC}")
    happened = f"{len(wrong):,} of {num_records:,} records do not {words}."
    proof = tuple(
        f"{place_of(each)}: key {short(each.key, SHOWN_CHARS)}, value {text_of(each.value or b'', SHOWN_CHARS)}"
        for each in wrong[:MOST_PROOF]
    )
    return Fact(name, False, happened, place_of(wrong[0]), hint, proof)
