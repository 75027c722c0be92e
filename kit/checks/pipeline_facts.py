"""What can be seen of a first pipeline, as facts: the same ones while a student works and when it is graded.

Everything here is pure. The check in the notebook hands in the student's own sample, a grader one that nobody knew.
A notebook can import this: what is right for data that it has not seen is worked out elsewhere, by the grader.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kit.checks.evidence import SeenPartition
from kit.checks.result import CheckResult
from kit.checks.wording import clipped, listed, short

TOPIC = "music.listens"
NUM_PARTITIONS = 6
REPLICATION_FACTOR = 3
MIN_IN_SYNC = 2
RETENTION_MS = 24 * 60 * 60 * 1_000
_USUAL_RETENTION_BYTES = 256 * 1024 * 1024  # of the kit's clusters; Kafka has no limit
MOST_PROOF = 5
SHOWN_CHARS = 120


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
    told = f"{first.happened} {'; '.join(first.proof)}".strip()
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
    hint = f"NewTopic(..., {argument}, ...) says it."
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
        f"{clipped(song, SHOWN_CHARS)!r}: {want:,} plays in the log, {short(got)} counted"
        for song, (want, got) in sorted(wrong.items())[:MOST_PROOF]
    )
    happened = f"{len(wrong):,} of {len(expected):,} songs have another number of plays than the log."
    hint = "Begin at the earliest record where the group has no offset, and go on until is_at_end(consumer)."
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
        for partition, end in sorted(open_partitions.items())[:MOST_PROOF]
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
    if not isinstance(again, Mapping):
        happened = f"A second run of the same group returned {short(again)}, and an empty dictionary was expected."
        return Fact(name, False, happened, where, "Return a dictionary also when nothing was left to count.")
    num = sum(each for each in again.values() if isinstance(each, int))
    happened = f"A second run of the same group counted {num:,} plays again."
    hint = "Use the group_id that the function is given, commit what was counted, and begin each run with no counts."
    return Fact(name, False, happened, where, hint)


def member_fact(num_joined: int, num_left: int) -> Fact:
    """One fact about a consumer: it was a member of its group, and it left it when it was done.

    Args:
        num_joined: JoinGroup requests during one run.
        num_left: LeaveGroup requests during the same run.
    """
    name, where = "member", "the requests while your consume ran"
    if not num_joined:
        hint = 'KafkaConsumer("music.listens", group_id=group_id, ...) subscribes; assign() makes no member.'
        return Fact(name, False, "Your consume joined no group, so two of it could share nothing.", where, hint)
    if not num_left:
        happened = "Your consume returned and its consumer is still a member: a second run would wait for it."
        return Fact(
            name, False, happened, where, "consumer.close() before the function returns: that leaves the group."
        )
    return Fact(name, True, "Your consumer joined its group, and left it.", where)


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
