"""A group whose coordinator dies: the committed offsets lie in a log, so another broker goes on with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import KafkaError

from kit.history.recording import RecordedConsumer
from kit.scenarios.clients import Sent, values
from kit.scenarios.result import Ending, Step
from kit.scenarios.scenario import Scenario
from kit.scenarios.stage import Stage
from kit.scenarios.wording import all_acknowledged, answers, listed

_OFFSETS = "__consumer_offsets"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class CoordinatorFacts:
    """What was seen.

    Attributes:
        old, new: the group's coordinator before and after the kill.
        committed: what the group had committed before the kill, and what its new coordinator said.
        first_read, second_read, third_read: what the group read before the kill, after it, and with a new member.
    """

    group: str
    topic: str
    old: int
    new: int | None
    committed: tuple[int, int | None]
    sent: Sequence[Sent]
    first_read: Sequence[str]
    second_read: Sequence[str]
    third_read: Sequence[str]


def offsets_partition(group: str, num_partitions: int) -> int:
    """The partition of `__consumer_offsets` that holds a group.

    Source: ``GroupCoordinator.partitionFor``: Java's ``String.hashCode`` of the group, without its sign.
    """
    code = 0
    for unit in group.encode("utf-16-be")[1::2]:  # group names of ours are ASCII
        code = (31 * code + unit) & 0xFFFFFFFF
    return (code & 0x7FFFFFFF) % num_partitions


def play(stage: Stage) -> CoordinatorFacts:
    """Read and commit, kill the coordinator, read on."""
    group = stage.client_id("group")
    old = _coordinator(stage, group)
    others = [broker_id for broker_id in stage.broker_ids if broker_id != old]
    topic = stage.topic("events", [[*others[:2], old]])
    writer = stage.writer("producer")
    place = TopicPartition(topic, 0)

    sent = writer.write(topic, 3)
    member = _member(stage, "member 1", group, topic)
    first_read = _read(stage, member, 3)
    _commit(stage, member)
    committed = _committed(stage, group, place)

    stage.cluster.kill(old)
    new = stage.wait(lambda: _other_coordinator(stage, group, old), "another coordinator")
    committed_then = _committed(stage, group, place)
    sent += writer.write(topic, 3)
    second_read = _read(stage, member, 3)
    _commit(stage, member)
    member.close(autocommit=False)
    sent += writer.write(topic, 1)
    third_read = _read(stage, _member(stage, "member 2", group, topic), 1)
    return CoordinatorFacts(
        group=group,
        topic=topic,
        old=old,
        new=new,
        committed=(committed or 0, committed_then),
        sent=sent,
        first_read=first_read,
        second_read=second_read,
        third_read=third_read,
    )


def tell(facts: CoordinatorFacts, ending: Ending) -> list[Step]:
    """What the group lost (nothing) and read twice (nothing)."""
    before, after = facts.committed
    sent = [each.value for each in facts.sent]
    return [
        Step(
            f"A member of a group, coordinated by broker {facts.old}, read three records and committed.",
            f"It read {listed(facts.first_read)}; committed is offset {before}.",
            list(facts.first_read) == sent[:3] and before == len(facts.first_read),
            {"committed": before},
        ),
        Step(
            f"Broker {facts.old} was killed.",
            f"Broker {facts.new} took the group over by reading {_OFFSETS}; it says that committed is offset {after}.",
            facts.new not in {facts.old, None} and after == before,
            {"coordinator": facts.new, "committed": after},
        ),
        Step(
            "Three more records were sent, and the same member went on.",
            f"It read {listed(facts.second_read)}, each once, and committed.",
            list(facts.second_read) == sent[3:6],
            {"values": facts.second_read},
        ),
        Step(
            "It left, one more record was sent, and a new member joined.",
            f"It read {listed(facts.third_read)}: it began where the group had committed.",
            list(facts.third_read) == sent[6:] != [],
            {"values": facts.third_read},
        ),
        Step(
            "kit.history judged all that was acknowledged, and read, against the logs at the end.",
            f"{answers(facts.sent)}. {ending.report.explain()}",
            all_acknowledged(facts.sent) and ending.report.ok,
            {"counts": ending.report.counts},
        ),
    ]


def _coordinator(stage: Stage, group: str) -> int:
    """Who coordinates a group; asking for its offsets makes `__consumer_offsets`, if it is not there yet."""

    def leader() -> int | None:
        with stage.admin() as admin:
            admin.list_group_offsets(group)
        return _leader(stage, group)

    return stage.wait(lambda: _patiently(leader), "a coordinator")


def _other_coordinator(stage: Stage, group: str, old: int) -> int | None:
    leader = _patiently(lambda: _leader(stage, group))
    return None if leader == old else leader


def _leader(stage: Stage, group: str) -> int | None:
    partitions = stage.cluster.topics()[_OFFSETS].partitions
    return partitions[offsets_partition(group, len(partitions))].leader


def _committed(stage: Stage, group: str, place: TopicPartition) -> int | None:
    def ask() -> int | None:
        with stage.admin() as admin:
            offset: int = admin.list_group_offsets(group)[group][place].offset
            return offset

    return stage.wait(lambda: _patiently(ask), "the committed offset")


def _patiently(ask: Callable[[], T | None]) -> T | None:
    """The answer, None while the brokers are busy electing."""
    try:
        return ask()
    except (KafkaError, KeyError):
        return None


def _member(stage: Stage, name: str, group: str, topic: str) -> RecordedConsumer:
    options = {
        "group_id": group,
        "enable_auto_commit": False,
        "reconnect_backoff_max_ms": 200,
        "metadata_max_age_ms": 1_000,  # a broker that has just been started may not know the topic when it is asked
    }
    client = KafkaConsumer(**{**stage.client_options(name), "auto_offset_reset": "earliest", **options})
    stage.closing(lambda: client.close(autocommit=False, timeout_ms=1_000))
    member = RecordedConsumer(client, stage.history, name, value_of=bytes.decode)
    member.subscribe([topic])
    return member


def _read(stage: Stage, member: RecordedConsumer, count: int) -> list[str]:
    """Poll until so many records came; what comes besides in the same poll is returned too."""
    found: list[str] = []

    def poll() -> bool:
        found.extend(name for records in member.poll(timeout_ms=200).values() for name in values(records))
        return len(found) >= count

    stage.wait(poll, f"{count} records for a member of the group")
    return found


def _commit(stage: Stage, member: RecordedConsumer) -> None:
    def commit() -> bool:
        member.commit()
        return True

    stage.wait(lambda: _patiently(commit), "a commit")


coordinator_failover = Scenario(
    name="coordinator_failover",
    title="The coordinator of a group dies",
    question=(
        "A group has read three records and committed. The broker that keeps its offsets is killed. Does the group "
        "know where it was? Does a member have to be started again?"
    ),
    rules=(
        "Commits are records in __consumer_offsets, a topic with replicas like any other. The new leader of the "
        "group's partition reads them and coordinates the group; the members find it, go on, and read nothing twice."
    ),
    play=play,
    tell=tell,
)
