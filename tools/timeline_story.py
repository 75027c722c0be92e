"""What a picture of a scenario shows, as data: who was what from when to when, and what clients were told. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from kit.broker.timeline import Event
from kit.history import Operation
from kit.scenarios import ScenarioResult

Role = Literal["leader", "in sync", "out of sync", "dead", "controller"]
MarkKind = Literal["acknowledged", "lost", "refused", "read", "event"]

_END_READER = "reader at the end"
_DOWN, _UP = {"kill", "stopped", "pause"}, {"restart", "resume"}
_FAULTS = {
    "kill": "broker {} killed", "stop": "broker {} stops", "restart": "broker {} started", "pause": "broker {} paused",
    "resume": "broker {} goes on", "isolate": "broker {} cut off", "cut": "network cut", "heal": "network healed",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Span:
    """What somebody was for a while. Times here and below are milliseconds since 1970."""

    role: Role
    start_ms: int
    end_ms: int
    label: str


@dataclass(frozen=True, slots=True)
class Mark:
    """What happened at one moment."""

    kind: MarkKind
    time_ms: int
    label: str


@dataclass(frozen=True, slots=True)
class Lane:
    """One line of the picture.

    Attributes:
        group: whose it is, such as "broker 1"; several lanes in a row may have the same.
        name: which of the group's lanes; empty for the only one.
    """

    group: str
    name: str
    spans: Sequence[Span] = ()
    marks: Sequence[Mark] = ()


@dataclass(frozen=True, slots=True)
class Story:
    """A whole picture.

    Attributes:
        faults: what was done to the cluster.
    """

    title: str
    start_ms: int
    end_ms: int
    faults: Sequence[Mark]
    lanes: Sequence[Lane]


def story_of(result: ScenarioResult) -> Story:
    """What there is to draw of a scenario's result."""
    events = [each for each in result.timeline if each.topic is None or each.topic in result.topics]
    operations = [each for each in result.history if each.end_ms and not str(each.process).startswith(_END_READER)]
    told = [each for each in operations if each.action in {"send", "poll"} and (each.action == "send" or each.records)]
    times = [each.time_ms for each in events] + [each.end_ms for each in told if each.end_ms]
    start_ms, end_ms = min(times), max(times)
    room_ms = max(1, (end_ms - start_ms) // 20)
    start_ms, end_ms = start_ms - room_ms, end_ms + 2 * room_ms
    return Story(
        title=result.title,
        start_ms=start_ms,
        end_ms=end_ms,
        faults=[
            Mark("event", each.time_ms, _FAULTS[each.kind].format(each.node_id))
            for each in events
            if each.kind in _FAULTS
        ],
        lanes=[
            _controller_lane(result, events, start_ms, end_ms),
            *_broker_lanes(result, events, start_ms, end_ms),
            *_client_lanes(result, told),
        ],
    )


def _controller_lane(result: ScenarioResult, events: Sequence[Event], start_ms: int, end_ms: int) -> Lane:
    changes = [(start_ms, result.controller)]
    changes += [(each.time_ms, each.node_id) for each in events if each.kind == "controller_elected"]
    ends = [*(time_ms for time_ms, _ in changes[1:]), end_ms]
    spans = [
        Span("controller", begin_ms, stop_ms, f"node {node_id}")
        for (begin_ms, node_id), stop_ms in zip(changes, ends, strict=True)
    ]
    return Lane("controller", "", spans)


# -- brokers -----------------------------------------------------------------------------------------------------


def _broker_lanes(result: ScenarioResult, events: Sequence[Event], start_ms: int, end_ms: int) -> Iterator[Lane]:
    placed = [(topic, each) for topic in result.topics.values() for each in topic.partitions]
    for broker_id in result.brokers:
        for topic, partition in placed:
            if broker_id in partition.replicas:
                where = (topic.name, partition.partition)
                lane = _Replica(broker_id, partition.leader, partition.leader_epoch, list(partition.isr))
                yield Lane(
                    f"broker {broker_id}",
                    f"{topic.name.rsplit('-', 1)[0]}-{partition.partition}" if len(placed) > 1 else "",
                    list(lane.spans(events, where, start_ms, end_ms)),
                    list(_broker_marks(events, broker_id, where)),
                )


@dataclass(slots=True)
class _Replica:
    """One replica as the controller sees it, and whether its broker runs; changed event by event."""

    broker_id: int
    leader: int | None
    leader_epoch: int
    isr: list[int]
    is_down: bool = False

    def spans(self, events: Sequence[Event], where: tuple[str, int], start_ms: int, end_ms: int) -> Iterator[Span]:
        begin_ms, current = start_ms, self._state()
        for event in events:
            if event.topic is None or (event.topic, event.partition) == where:
                self._see(event)
            if self._state() != current:
                if event.time_ms > begin_ms:
                    yield Span(current[0], begin_ms, event.time_ms, current[1])
                begin_ms, current = event.time_ms, self._state()
        yield Span(current[0], begin_ms, end_ms, current[1])

    def _see(self, event: Event) -> None:
        if event.kind == "leader_elected":
            self.leader, self.leader_epoch = event.details["leader"], event.details["leader_epoch"]
        elif event.kind == "leader_lost":
            self.leader = None
        elif event.kind == "isr_changed":
            self.isr = event.details["isr"]
        elif event.node_id == self.broker_id and event.kind in _DOWN | _UP:
            self.is_down = event.kind in _DOWN

    def _state(self) -> tuple[Role, str]:
        if self.is_down:
            return "dead", "dead"
        if self.leader == self.broker_id:
            return "leader", f"leader, epoch {self.leader_epoch}"
        return ("in sync", "in sync") if self.broker_id in self.isr else ("out of sync", "not in sync")


def _broker_marks(events: Sequence[Event], broker_id: int, where: tuple[str, int]) -> Iterator[Mark]:
    for each in events:
        if each.node_id != broker_id or (each.topic, each.partition) != where:
            continue
        if each.kind == "truncated":
            offsets = _range(each.details["offset"], each.details["end_offset"] - 1)
            yield Mark("event", each.time_ms, f"cuts off {offsets}")
        elif each.kind == "write_timed_out":
            yield Mark("event", each.time_ms, "write timed out")
        elif each.kind == "write_refused":
            yield Mark("event", each.time_ms, f"refuses: {each.details['error']}")


# -- clients -----------------------------------------------------------------------------------------------------


def _client_lanes(result: ScenarioResult, told: Sequence[Operation]) -> Iterator[Lane]:
    has_one = sum(len(topic.partitions) for topic in result.topics.values()) == 1
    lost = {each.operations[0].index for each in result.report.by_name("lost-write")}
    together_ms = max(1, (result.end_ms - result.start_ms) // 25)
    for process in dict.fromkeys(each.process for each in told):
        answers = [each for each in told if each.process == process]
        yield Lane(str(process), "", (), list(_client_marks(answers, lost, together_ms, has_one=has_one)))


def _client_marks(answers: Sequence[Operation], lost: set[int], together_ms: int, *, has_one: bool) -> Iterator[Mark]:
    """Marks of answers of one kind that came at nearly one time are one mark."""
    bunch: list[Operation] = []
    for each in answers:
        if bunch and (_kind(each, lost) != _kind(bunch[0], lost) or _end(each) - _end(bunch[0]) > together_ms):
            yield _mark(bunch, lost, has_one=has_one)
            bunch = []
        bunch.append(each)
    if bunch:
        yield _mark(bunch, lost, has_one=has_one)


def _mark(bunch: Sequence[Operation], lost: set[int], *, has_one: bool) -> Mark:
    kind = _kind(bunch[0], lost)
    if kind == "refused":
        label = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", (bunch[0].error or "").removesuffix("Error")).upper()
    else:
        verb = {"read": "read", "lost": "acknowledged, then lost:"}.get(kind, "acknowledged")
        label = f"{verb} {_what(bunch, has_one=has_one)}"
    return Mark(kind, _end(bunch[0]), label)


def _kind(operation: Operation, lost: set[int]) -> MarkKind:
    if operation.action == "poll":
        return "read"
    if operation.index in lost:
        return "lost"
    return "acknowledged" if operation.outcome == "ok" else "refused"


def _what(bunch: Sequence[Operation], *, has_one: bool) -> str:
    """Offsets where there is one partition, else how many records."""
    offsets = [each.offset for each in bunch if each.action == "send" and each.offset is not None]
    offsets += [record[2] for each in bunch for record in each.records if each.action == "poll"]
    if not has_one:
        return f"{len(offsets)} record" + "s" * (len(offsets) > 1)
    return _range(min(offsets), max(offsets))


def _range(first: int, last: int) -> str:
    return f"offset {first}" if first == last else f"offsets {first} to {last}"


def _end(operation: Operation) -> int:
    return operation.end_ms or 0
