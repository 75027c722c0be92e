"""The verdict on one run: the history by `kit.history`, then what only somebody who sees all brokers can know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from kit.broker.metadata import TopicPartition
from kit.broker.timeline import Event
from kit.history import History, check
from kit.wire.records import iter_headers, read_records


class Finding(NamedTuple):
    """One thing that must not be."""

    name: str
    text: str

    def __str__(self) -> str:
        return f"{self.name}: {self.text}"


class ReplicaLog(NamedTuple):
    """One replica of a partition at the end: its bytes below the leader's high watermark."""

    node_id: int
    is_leader: bool
    data: bytes


def judge(
    history: History, logs: Mapping[TopicPartition, list[ReplicaLog]], *, is_idempotent: bool, caught_up: bool
) -> list[Finding]:
    """What is wrong with the records and the replicas.

    Args:
        logs: of every partition of the workload's topics; they are added to the history.
        is_idempotent: the producers were.
        caught_up: the consumers had the time to read everything.
    """
    findings = list(_differing_replicas(logs))
    for (topic, partition), replicas in logs.items():
        for replica in replicas:
            if replica.is_leader:
                history.final_log(topic, partition, _values(replica.data), observer=f"broker {replica.node_id}")
    report = check(
        history,
        allow_duplicates=not is_idempotent,
        caught_up=caught_up,
        send_order="all" if is_idempotent else None,
        limit=20,
    )
    return findings + [Finding(each.name, each.text) for each in report.errors]


def _values(data: bytes) -> list[tuple[int, bytes | None]]:
    return [
        (record.offset, record.value)
        for start, header in iter_headers(data)
        if not header.is_control
        for record in read_records(data, start)
    ]


def _differing_replicas(logs: Mapping[TopicPartition, list[ReplicaLog]]) -> Iterable[Finding]:
    """Below the high watermark all replicas have the same bytes."""
    for key, replicas in logs.items():
        leaders = [each for each in replicas if each.is_leader]
        if len(leaders) != 1:
            yield Finding("leaders", f"{key} has {len(leaders)} leaders at the end")
            continue
        for replica in replicas:
            if replica.data != leaders[0].data:
                yield Finding(
                    "replicas-differ",
                    f"{key}: broker {replica.node_id} has {len(replica.data)} bytes below the high watermark and "
                    f"broker {leaders[0].node_id}, the leader, {len(leaders[0].data)}, or other ones",
                )


def several_leaders(events: Iterable[Event]) -> list[Finding]:
    """A leader epoch belongs to one leader alone; so does an epoch of the metadata quorum."""
    leaders: dict[tuple[str | None, int | None, int], int] = {}
    controllers: dict[int, int | None] = {}
    findings = []
    for event in events:
        if event.kind == "leader_elected":
            epoch, leader = event.details["leader_epoch"], event.details["leader"]
            other = leaders.setdefault((event.topic, event.partition, epoch), leader)
            if other != leader:
                findings.append(
                    Finding("two-leaders", f"{event.topic}-{event.partition}: {other} and {leader} in epoch {epoch}")
                )
        elif event.kind == "controller_elected":
            epoch = event.details["epoch"]
            if controllers.setdefault(epoch, event.node_id) != event.node_id:
                findings.append(
                    Finding("two-controllers", f"nodes {controllers[epoch]} and {event.node_id} in epoch {epoch}")
                )
    return findings
