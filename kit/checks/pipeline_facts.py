"""What can be seen of a first pipeline, as facts: the same ones while a student works and when it is graded.

Everything here is pure. The check in the notebook hands in the student's own sample, a grader one that nobody knew.
A notebook can import this: what is right for data that it has not seen is worked out elsewhere, by the grader.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kit.checks.evidence import SeenPartition, SeenRecord
from kit.checks.result import CheckResult
from kit.checks.wording import clipped, listed, place_of, short, text_of
from kit.lessons.partition_choice import partition_of

TOPIC = "music.listens"
NUM_PARTITIONS = 6
REPLICATION_FACTOR = 3
MIN_IN_SYNC = 2
RETENTION_MS = 24 * 60 * 60 * 1_000
_USUAL_RETENTION_BYTES = 256 * 1024 * 1024  # of the kit's clusters; Kafka has no limit
_ALL = -1  # acks=all, as the protocol has it
_MOST_PROOF = 5
_CHARS = 120
_MOST_KEY_BYTES = 200


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that a pipeline should do.

    Attributes:
        name: such as "key".
        holds: whether it does.
        happened: what was seen, in a sentence or two.
        where: where it was seen.
        try_next: what to do about it; empty when it holds.
        proof: lines that show what is wrong, at most five.
    """

    name: str
    holds: bool
    happened: str
    where: str
    try_next: str = ""
    proof: tuple[str, ...] = ()


def result_of(name: str, facts: Sequence[Fact]) -> CheckResult:
    """What a check says of these facts: the first that does not hold, and which ones do."""
    wrong = [fact for fact in facts if not fact.holds]
    right = ", ".join(fact.name for fact in facts if fact.holds)
    if not wrong:
        return CheckResult(name, True, " ".join(fact.happened for fact in facts), facts[0].where)
    first = wrong[0]
    told = f"{first.happened} {' '.join(first.proof)}".strip()
    so_far = f"{told.removesuffix('.')}. Right so far: {right}." if right else told
    return CheckResult(name, False, so_far, first.where, first.try_next)


# -- the topic ---------------------------------------------------------------------------------------------------------


def topic_facts(partitions: Sequence[SeenPartition], configs: Mapping[str, str]) -> list[Fact]:
    """Four facts about the topic: its partitions, their replicas, and two settings."""
    where = f"topic {TOPIC}"
    if not partitions:
        hint = f"Create it with NewTopic({TOPIC!r}, ...) and admin.create_topics([...])."
        names = ("partitions", "replication factor", "min.insync.replicas", "retention.ms")
        return [Fact(name, False, f"There is no topic {TOPIC}.", "the cluster", hint) for name in names]
    replicas = min(len(each.replicas) for each in partitions)
    return [
        _number_fact("partitions", len(partitions), NUM_PARTITIONS, where, f"num_partitions={NUM_PARTITIONS}"),
        _number_fact("replication factor", replicas, REPLICATION_FACTOR, where, "replication_factor=3"),
        _setting_fact("min.insync.replicas", configs, MIN_IN_SYNC, where),
        _kept_fact(configs, where),
    ]


def _number_fact(name: str, seen: int, wanted: int, where: str, argument: str) -> Fact:
    if seen == wanted:
        return Fact(name, True, f"{name.capitalize()}: {wanted}.", where)
    hint = f"NewTopic(..., {argument}, ...) says it. Delete the topic before you create it anew."
    return Fact(name, False, f"{name.capitalize()}: {seen:,}, and {wanted} were asked for.", where, hint)


def _setting_fact(name: str, configs: Mapping[str, str], wanted: int, where: str) -> Fact:
    seen = configs.get(name, "unknown")
    if seen == str(wanted):
        return Fact(name, True, f"{name} is {seen}.", where)
    hint = f'NewTopic(..., topic_configs={{"{name}": "{wanted}"}}) says it.'
    return Fact(name, False, f"{name} is {clipped(seen, 40)}, and {wanted} was asked for.", where, hint)


def _kept_fact(configs: Mapping[str, str], where: str) -> Fact:
    """Records are kept for as long as was asked for: neither compaction nor a limit in bytes removes them before."""
    name = "retention.ms"
    policy, limit = configs.get("cleanup.policy", "delete"), configs.get("retention.bytes", "-1")
    for other, seen, is_usual in (
        ("cleanup.policy", policy, policy == "delete"),
        ("retention.bytes", limit, limit == "-1" or (limit.isdecimal() and int(limit) >= _USUAL_RETENTION_BYTES)),
    ):
        if not is_usual:
            happened = f"{other} is {clipped(seen, 40)}, so records can be gone before {name} says so."
            return Fact(name, False, happened, where, f"Leave {other} as it is by default.")
    return _setting_fact(name, configs, RETENTION_MS, where)


# -- the producer ------------------------------------------------------------------------------------------------------


def produce_facts(
    records: Sequence[SeenRecord], listens: Sequence[Mapping[str, Any]], num_partitions: int
) -> list[Fact]:
    """Five facts about what lies in the log after ``listens`` were produced to an empty topic.

    Args:
        records: all records of the topic, in offset order within each partition.
        listens: what was to be sent, in order, each with its own "id" and a "user".
    """
    read = [(record, _object(record.value)) for record in records]
    return [
        _complete(read, listens),
        _key(read),
        _value(read, listens),
        _partition(records, num_partitions),
        _order(read, listens),
    ]


def _object(value: bytes | None) -> Mapping[str, Any] | None:
    try:
        read = json.loads(value or b"")
    except (ValueError, RecursionError):
        return None
    return read if isinstance(read, dict) else None


_Read = Sequence[tuple[SeenRecord, Mapping[str, Any] | None]]


def _complete(read: _Read, listens: Sequence[Mapping[str, Any]]) -> Fact:
    name = "complete"
    seen = Counter(str(value.get("id")) for _, value in read if value is not None)
    missing = [each["id"] for each in listens if not seen[each["id"]]]
    twice = [record for record, value in read if value is not None and seen[str(value.get("id"))] > 1]
    strange = len(read) - sum(seen[each["id"]] for each in listens)
    if not missing and not twice and not strange:
        return Fact(name, True, f"All {len(listens):,} listens are in the log, each once.", f"topic {TOPIC}")
    proof = [f"listen {each} is nowhere in the log" for each in missing[:2]]
    proof += [f"{place_of(record)}: {text_of(record.value or b'', _CHARS)}" for record in twice[:2]]
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


def _key(read: _Read) -> Fact:
    wrong = [
        record for record, value in read if value is None or record.key != str(value.get("user")).encode()
    ]  # fmt: skip
    return _of_records("key", read, wrong, "have the user as key", 'key=listen["user"].encode() does it.')


def _value(read: _Read, listens: Sequence[Mapping[str, Any]]) -> Fact:
    sent = {each["id"]: each for each in listens}
    wrong = [record for record, value in read if value is None or value != sent.get(str(value.get("id")))]
    hint = "The value is json.dumps(listen).encode(): all of its fields, as they are."
    return _of_records("value", read, wrong, "hold a listen as JSON", hint)


def _partition(records: Sequence[SeenRecord], num_partitions: int) -> Fact:
    wrong = [
        each
        for each in records
        # Nobody was asked for such a long key, and hashing megabytes of them would hold up a grader.
        if each.key is None
        or len(each.key) > _MOST_KEY_BYTES
        or partition_of(each.key, num_partitions) != each.partition
    ]
    hint = "Leave partition= and partitioner= away: the key decides, by the hash that Java's clients take too."
    read = [(each, None) for each in records]
    return _of_records("partition", read, wrong, "lie where Kafka's default puts their key", hint)


def _order(read: _Read, listens: Sequence[Mapping[str, Any]]) -> Fact:
    name = "order"
    place = {each["id"]: number for number, each in enumerate(listens)}
    last: dict[Any, tuple[int, SeenRecord]] = {}
    broken: list[tuple[SeenRecord, SeenRecord]] = []
    for record, value in read:
        number = place.get(str(value.get("id"))) if value is not None else None
        if value is None or number is None:
            continue
        before = last.get(value.get("user"))
        if before is not None and (before[1].partition != record.partition or number < before[0]):
            broken.append((before[1], record))
        last[value.get("user")] = (number, record)
    if not read:
        return Fact(name, False, "Nothing is in the log, so there is no order.", f"topic {TOPIC}", "Send the listens.")
    if not broken:
        return Fact(name, True, "The listens of each user lie in one partition, in their order.", f"topic {TOPIC}")
    first, second = broken[0]
    happened = f"{len(broken):,} times a user's listens are not in the order in which they were to be sent."
    proof = (f"{place_of(first)}: {text_of(first.value or b'', _CHARS)}",
             f"{place_of(second)}: {text_of(second.value or b'', _CHARS)}")  # fmt: skip
    hint = "Send the listens in their order through one producer, and let the key choose the partition."
    return Fact(name, False, happened, place_of(second), hint, proof)


def _of_records(name: str, read: _Read, wrong: Sequence[SeenRecord], words: str, hint: str) -> Fact:
    if not read:
        return Fact(name, False, f"Nothing is in topic {TOPIC}.", f"topic {TOPIC}", "Send the listens.")
    if not wrong:
        return Fact(name, True, f"All {len(read):,} records {words}.", f"topic {TOPIC}")
    happened = f"{len(wrong):,} of {len(read):,} records do not {words}."
    proof = tuple(
        f"{place_of(each)}: key {short(each.key, _CHARS)}, value {text_of(each.value or b'', _CHARS)}"
        for each in wrong[:_MOST_PROOF]
    )
    return Fact(name, False, happened, place_of(wrong[0]), hint, proof)


# -- the consumer group ------------------------------------------------------------------------------------------------


def consume_facts(
    runs: tuple[Any, Any],
    expected: Mapping[str, int],
    log_end_offsets: Mapping[int, int],
    committed: Mapping[int, int],
    group_id: str,
) -> list[Fact]:
    """Three facts about a consumer that ran until nothing was left, and then once more.

    Args:
        runs: what the first and the second run returned.
        expected: song -> how often it is in the log.
    """
    where = f"group {group_id}, topic {TOPIC}"
    first, second = runs
    return [
        _counts(first, expected, where),
        _committed(log_end_offsets, committed, where),
        _again(first, second, where),
    ]


def _counts(returned: Any, expected: Mapping[str, int], where: str) -> Fact:
    name = "counts"
    if not isinstance(returned, Mapping):
        hint = "Return a dictionary: song -> how often."
        return Fact(name, False, f"The consumer returned {short(returned)}.", where, hint)
    wrong = {
        song: (expected.get(song, 0), returned.get(song, 0))
        for song in {*expected, *map(str, returned)}
        if expected.get(song, 0) != returned.get(song, 0)
    }
    if not wrong:
        return Fact(name, True, f"The plays of all {len(expected):,} songs are right.", where)
    proof = tuple(
        f"{clipped(song, _CHARS)!r}: {want:,} plays in the log, {short(got)} counted"
        for song, (want, got) in sorted(wrong.items())[:_MOST_PROOF]
    )
    happened = f"{len(wrong):,} of {len(expected):,} songs have another number of plays than the log."
    hint = "Begin at the earliest record where the group has no offset, and go on until nothing comes for a while."
    return Fact(name, False, happened, where, hint, proof)


def _committed(log_end_offsets: Mapping[int, int], committed: Mapping[int, int], where: str) -> Fact:
    name = "committed"
    open_partitions = {
        partition: end for partition, end in log_end_offsets.items() if end and committed.get(partition) != end
    }
    if not open_partitions:
        return Fact(name, True, "The group has committed everything: its lag is 0.", where)
    proof = tuple(
        f"partition {partition}: log end offset {end:,}, committed {committed.get(partition, 'nothing')}"
        for partition, end in sorted(open_partitions.items())[:_MOST_PROOF]
    )
    happened = f"The group has not committed everything: {listed(proof[:2])}."
    hint = "consumer.commit() after the last records were counted, and close() the consumer."
    return Fact(name, False, happened, where, hint, proof)


def _again(first: Any, again: Any, where: str) -> Fact:
    name = "nothing twice"
    if not isinstance(first, Mapping) or not any(first.values()):
        hint = "Let the first run count."
        return Fact(name, False, "The first run counted nothing, so a second one proves nothing.", where, hint)
    if isinstance(again, Mapping) and not any(again.values()):
        return Fact(name, True, "A second run of the same group counted nothing again.", where)
    num = sum(each for each in again.values() if isinstance(each, int)) if isinstance(again, Mapping) else None
    happened = f"A second run of the same group counted {f'{num:,} plays' if num is not None else short(again)} again."
    hint = "Use the group_id that the function is given, and commit what was counted."
    return Fact(name, False, happened, where, hint)


def counted_first_fact(used: Any, place: tuple[int, int], committed: int | None) -> Fact:
    """One fact about a consumer whose counting stopped at a record: nothing was committed from that record on.

    Args:
        used: whether the consumer gave the record to `plays`, which is where its counting stopped.
        place: the record's partition and offset.
        committed: the highest offset that was committed in that partition; None when there is none.
    """
    name, (partition, offset) = "after counting", place
    where = f"partition {partition} of topic {TOPIC}"
    if used is not True:
        hint = "In consume, give the values of each poll to plays(...), and add up what it returns."
        happened = "Your consume does not count with your function plays: plays was never given that record."
        return Fact(name, False, happened, where, hint)
    if committed is not None and committed > offset:
        happened = f"Counting stopped at the record at offset {offset:,}, and offset {committed:,} was committed."
        hint = "Commit after plays has counted what the poll gave; a record that fails must not be passed over."
        return Fact(name, False, f"{happened} Nobody would ever count that record.", where, hint)
    return Fact(name, True, "Nothing was committed before it was counted.", where)


def only_read_fact(num_writes: int) -> Fact:
    """One fact about a consumer: it wrote nothing. ``num_writes``: Produce requests while it ran."""
    name, where = "nothing written", "the requests while your consume ran"
    if num_writes == 0:
        return Fact(name, True, "Your consume only read.", where)
    happened = f"While your consume ran, {num_writes:,} requests came that write records."
    return Fact(name, False, happened, where, "Return the counts; consume must not send them anywhere.")
