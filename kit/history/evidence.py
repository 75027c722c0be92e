"""Who saw what: one walk over a history gathers, per topic and partition, everything that the judges ask for.

Each record costs a few dictionary operations, so the walk is linear in the history's length.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import Any, NamedTuple

from kit.history.operation import HistoryError, Operation

_NOTHING = object()  # a value that no record has
_SENDS = ("send", "send_batch")


class Partition:
    """What is known of one partition.

    Attributes:
        acked: acknowledged sends, as (operation, value, offset or None), as the acknowledgements came.
        values, observers: offset -> the value first claimed to be there, and by which operation.
        conflicts: (offset, another value claimed to be there) -> the operation that claims it.
        polled: offset -> the first poll that returned it.
        lowest: the lowest offset that a reader polled or was told to start at.
        final: the final log that decides what is lost, or None.
        final_values: value -> its first offset in it.
        num_acked_before, num_polled_before: how many of ``acked`` and ``polled`` are older than it.
    """

    __slots__ = (
        "_existing",
        "acked",
        "conflicts",
        "final",
        "final_values",
        "log_start_offset",
        "lowest",
        "num_acked_before",
        "num_polled_before",
        "observers",
        "partition",
        "polled",
        "topic",
        "values",
    )

    def __init__(self, topic: Topic, partition: int) -> None:
        self.topic = topic
        self.partition = partition
        self.acked: list[tuple[Operation, Any, int | None]] = []
        self.values: dict[int, Any] = {}
        self.observers: dict[int, Operation] = {}
        self.conflicts: dict[tuple[int, Any], Operation] = {}
        self.polled: dict[int, Operation] = {}
        self.lowest: int | None = None
        self.final: Operation | None = None
        self.final_values: dict[Any, int] = {}
        self.log_start_offset = 0
        self.num_acked_before = 0
        self.num_polled_before = 0
        self._existing: list[int] | None = None

    def __str__(self) -> str:
        return f"{self.topic.name}-{self.partition}"

    def claim(self, offset: int, value: Any, observer: Operation) -> None:
        """An observer says that ``value`` is at ``offset``."""
        known = self.values.get(offset, _NOTHING)
        if known is _NOTHING:
            self.values[offset] = value
            self.observers[offset] = observer
        elif known == value or (offset, value) in self.conflicts:
            return
        else:
            self._check_kinds(offset, value, observer)
            self.conflicts[offset, value] = observer
        self.topic.place(value, Place(self, offset))

    def _check_kinds(self, offset: int, value: Any, observer: Operation) -> None:
        """No record may count as lost because it is text for one client and bytes for another."""
        known = self.values[offset]
        texts = [each.encode(errors="replace") if isinstance(each, str) else each for each in (known, value)]
        if type(known) is not type(value) and texts[0] == texts[1]:
            raise HistoryError(
                f"{self} offset {offset} is {known!r} for {self.observers[offset]}, and {value!r} for {observer}: "
                "record text everywhere, or bytes everywhere"
            )

    def observer(self, offset: int, value: Any) -> Operation:
        """Who first claimed that this value is at this offset."""
        if (offset, value) in self.conflicts:
            return self.conflicts[offset, value]
        return self.observers[offset]

    def starts_at(self, offset: int) -> None:
        """A reader begins at this offset, or read it."""
        if self.lowest is None or offset < self.lowest:
            self.lowest = offset

    def read(self, offset: int, value: Any, poll: Operation) -> None:
        """A poll returned the value at the offset."""
        if offset not in self.polled:
            self.polled[offset] = poll
            self.starts_at(offset)
        self.topic.read.add(value)
        self.claim(offset, value, poll)

    def end_with(self, log: Operation) -> None:
        """Take a final log."""
        if self.final is None:
            self.final = log
            self.final_values = {value: offset for offset, value in reversed(log.records)}
            self.log_start_offset = log.offset or 0
            self.num_acked_before = len(self.acked)
            self.num_polled_before = len(self.polled)
        for offset, value in log.records:
            self.claim(offset, value, log)

    def existing_between(self, start: int, end: int) -> tuple[int, int]:
        """The first offset from ``start`` to ``end`` (exclusive) that had a record for readers, and how many had.

        With a final log these are its records and those that somebody polled; without one, acknowledged ones too.
        """
        if self._existing is None:
            if self.final is None:
                self._existing = sorted(self.values)
            else:
                self._existing = sorted(self.polled.keys() | {offset for offset, _value in self.final.records})
        first = bisect_left(self._existing, max(start, self.log_start_offset))
        count = bisect_left(self._existing, end) - first
        return (self._existing[first], count) if count > 0 else (end, 0)


class Place(NamedTuple):
    """Where a value is."""

    partition: Partition
    offset: int

    def __str__(self) -> str:
        return f"{self.partition} offset {self.offset}"


class Topic:
    """What is known of one topic.

    Attributes:
        writers: value -> the operation that sent it.
        failed: the same, for sends that certainly failed.
        read: the values that polls returned.
        places: value -> where it was first seen.
        copies: value -> all places, for those that were seen at more than one.
        num_foreign: places of values that nobody in this history sent.
    """

    __slots__ = ("copies", "failed", "name", "num_foreign", "places", "read", "writers")

    def __init__(self, name: str) -> None:
        self.name = name
        self.writers: dict[Any, Operation] = {}
        self.failed: dict[Any, Operation] = {}
        self.read: set[Any] = set()
        self.places: dict[Any, Place] = {}
        self.copies: dict[Any, list[Place]] = {}
        self.num_foreign = 0

    def place(self, value: Any, place: Place) -> None:
        """Note a place that nobody has named for this value before."""
        if value not in self.writers:
            self.num_foreign += 1
        first = self.places.setdefault(value, place)
        if first is not place:
            self.copies.setdefault(value, [first]).append(place)

    def seen_at(self, value: Any) -> Place | None:
        """Where a final log has the value, else where a poll first showed it, else where its acknowledgement says."""
        places = self.copies.get(value) or ([self.places[value]] if value in self.places else [])
        for place in places:
            if place.partition.final_values.get(value) == place.offset:
                return place
        for place in places:
            if place.partition.observer(place.offset, value).action not in _SENDS:
                return place
        return places[0] if places else None


_NOWHERE = Partition(Topic(""), -1)  # stands in until a poll's first record is looked at


class Jump(NamedTuple):
    """A reader polled another offset than the one that was its next."""

    partition: Partition
    expected: int
    offset: int
    before: Operation
    poll: Operation


class Evidence:
    """Everything gathered from one history.

    Raises:
        HistoryError: a value that was sent twice to one topic, or that is not hashable.
    """

    def __init__(self, operations: list[Operation], completions: list[Operation]) -> None:
        self.operations = operations
        self.topics: dict[str, Topic] = {}
        self.partitions: dict[tuple[str, int], Partition] = {}
        self.jumps: list[Jump] = []
        # process -> (topic, partition) -> (next offset, the operation that says so)
        self._positions: dict[str | int, dict[tuple[str, int], tuple[int, Operation]]] = {}
        self._last_reset: dict[str | int, int] = {}  # process -> index of its last assign, subscribe or seek
        for operation in operations:
            if operation.topic is not None and operation.action in _SENDS:
                self._note_writer(operation, self.topic(operation.topic))
        steps = {
            "send": self._send,
            "send_batch": self._send,
            "poll": self._poll,
            "assign": self._assign,
            "subscribe": self._assign,
            "seek": self._seek,
            "final_log": self._final_log,
        }
        for operation in completions:
            step = steps.get(operation.action)
            if step is not None:
                try:
                    step(operation)
                except TypeError as error:
                    raise HistoryError(f"{operation}: its values cannot be compared ({error})") from None

    def topic(self, name: str) -> Topic:
        """The topic, new if it was not known."""
        if name not in self.topics:
            self.topics[name] = Topic(name)
        return self.topics[name]

    def partition(self, topic: str, partition: int) -> Partition:
        """The partition, new if it was not known."""
        known = self.partitions.get((topic, partition))
        if known is None:
            known = self.partitions[topic, partition] = Partition(self.topic(topic), partition)
        return known

    def _note_writer(self, operation: Operation, topic: Topic) -> None:
        for value, _offset in operation.sent():
            try:
                first = topic.writers.get(value)
            except TypeError:
                raise HistoryError(f"{operation}: the value {value!r} is not hashable; record its bytes") from None
            if first is not None:
                raise HistoryError(
                    f"the value {value!r} was sent to {topic.name} twice, by {first} and by {operation}. A record is "
                    "known by its value, so each value is sent once; a retry belongs inside one send"
                )
            topic.writers[value] = operation
            if operation.outcome == "fail":
                topic.failed[value] = operation

    def _send(self, operation: Operation) -> None:
        if operation.outcome != "ok" or operation.topic is None or operation.partition is None:
            return
        partition = self.partition(operation.topic, operation.partition)
        for value, offset in operation.sent():
            partition.acked.append((operation, value, offset))
            if offset is not None:
                partition.claim(offset, value, operation)

    def _poll(self, operation: Operation) -> None:
        positions = self._positions.setdefault(operation.process, {})
        if operation.outcome == "unknown":
            positions.clear()  # records may have been taken that nobody noted
            return
        was_reset_inside = self._last_reset.get(operation.process, -1) > operation.index
        at = ("", -1)  # no partition: the loop begins by moving to the first one
        partition, expected, before = _NOWHERE, 0, operation
        for topic, number, offset, _key, value in operation.records:
            if number != at[1] or topic != at[0]:
                positions[at] = (expected, operation)
                at = (topic, number)
                partition = self.partition(topic, number)
                expected, before = positions.get(at, (offset, operation))
            if offset != expected and not (before is operation and was_reset_inside):
                self.jumps.append(Jump(partition, expected, offset, before, operation))
            expected, before = offset + 1, operation
            if offset not in partition.polled or value not in partition.topic.read or partition.values[offset] != value:
                partition.read(offset, value, operation)
        positions[at] = (expected, operation)

    def _assign(self, operation: Operation) -> None:
        positions = self._positions[operation.process] = {}
        self._last_reset[operation.process] = operation.index
        if operation.action == "assign":
            for topic, number, offset in operation.records:
                if offset is not None:
                    positions[topic, number] = (offset, operation)
                    self.partition(topic, number).starts_at(offset)

    def _seek(self, operation: Operation) -> None:
        if operation.topic is None or operation.partition is None:
            return
        at = (operation.topic, operation.partition)
        positions = self._positions.setdefault(operation.process, {})
        self._last_reset[operation.process] = operation.index
        positions.pop(at, None)
        if operation.offset is not None:
            positions[at] = (operation.offset, operation)
            self.partition(*at).starts_at(operation.offset)

    def _final_log(self, operation: Operation) -> None:
        if operation.topic is not None and operation.partition is not None:
            self.partition(operation.topic, operation.partition).end_with(operation)
