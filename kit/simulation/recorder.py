"""What the simulated clients did and were told.

It is for the judges: the history, a fingerprint of the run, and the few broken promises that a history of records
cannot show: lost commits, truncations, gaps in sequence numbers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kit.broker.clock import Clock
from kit.broker.metadata import TopicPartition
from kit.history import History, Operation


class SendOperation:
    """One record on its way."""

    __slots__ = ("_operation", "_recorder")

    def __init__(self, recorder: Recorder, operation: Operation) -> None:
        self._recorder = recorder
        self._operation = operation

    def acked(self, offset: int | None) -> None:
        """The broker has it; None when it did not say where."""
        self._operation.ok(offset=offset, time_ms=self._recorder.time_ms())
        self._recorder.num_acknowledged += 1

    def refused(self, error: str) -> None:
        """It was certainly not written."""
        self._operation.fail(error, time_ms=self._recorder.time_ms())

    def unknown(self, error: str) -> None:
        """Nobody knows."""
        self._operation.unknown(error, time_ms=self._recorder.time_ms())


class CommitOperation:
    """One commit on its way."""

    __slots__ = ("_offsets", "_operation", "_process", "_recorder")

    def __init__(
        self, recorder: Recorder, process: str, operation: Operation, offsets: Mapping[TopicPartition, int]
    ) -> None:
        self._recorder = recorder
        self._process = process
        self._operation = operation
        self._offsets = offsets

    def acked(self) -> None:
        """The coordinator has committed it."""
        self._operation.ok(time_ms=self._recorder.time_ms())
        self._recorder.note("committed", self._process, sorted(self._offsets.items()))
        self._recorder.commits.acked(self._process, self._offsets)

    def unknown(self, error: str) -> None:
        """Nobody knows; or parts of it were refused."""
        self._operation.unknown(error, time_ms=self._recorder.time_ms())
        self._recorder.note("commit_failed", self._process, error)


class CommittedQuestion:
    """Somebody asks for committed offsets; what was acknowledged before the question must be in the answer."""

    __slots__ = ("_at_least", "_process", "_recorder")

    def __init__(self, recorder: Recorder, process: str, at_least: dict[TopicPartition, int]) -> None:
        self._recorder = recorder
        self._process = process
        self._at_least = at_least

    def answered(self, offsets: Mapping[TopicPartition, int]) -> None:
        """The committed offsets, -1 for none."""
        self._recorder.note("fetched_offsets", self._process, sorted(offsets.items()))
        for topic_partition, expected in self._at_least.items():
            found = offsets.get(topic_partition, -1)
            if found < expected:
                self._recorder.find(
                    "lost-commit",
                    f"{topic_partition}: {self._process} was told that {found} is committed, "
                    f"but {expected} had been acknowledged before",
                )


class _Commits:
    """The committed offset of each partition as of the commits that were acknowledged.

    Members commit one after another, so the last acknowledged commit counts; a member that begins at an older offset
    commits older offsets, which is no loss.
    """

    def __init__(self) -> None:
        self.last: dict[TopicPartition, int] = {}
        self.in_doubt: dict[TopicPartition, int] = {}

    def acked(self, _process: str, offsets: Mapping[TopicPartition, int]) -> None:
        self.last.update(offsets)


class Recorder:
    """Takes down one run.

    Attributes:
        history: for `kit.history.check`.
        findings: broken promises that were seen while the run went on, as (name, text).
        num_acknowledged: records that were acknowledged so far.
        num_records: records sent, replicas not counted.
    """

    def __init__(self, clock: Clock) -> None:
        self.history = History()
        self.findings: list[tuple[str, str]] = []
        self.num_acknowledged = 0
        self.num_records = 0
        self.commits = _Commits()
        self._clock = clock
        self._hash = hashlib.blake2b(digest_size=16)

    def time_ms(self) -> int:
        """Milliseconds of simulated time since the start."""
        return int(self._clock.monotonic_ms())

    def note(self, *what: Any) -> None:
        """Add to the fingerprint."""
        self._hash.update(f"{self._clock.monotonic_ms():.6f} {what}\n".encode())

    @property
    def fingerprint(self) -> str:
        """Two runs that went the same way have the same."""
        return self._hash.hexdigest()

    def find(self, name: str, text: str) -> None:
        """A promise was broken."""
        self.note(name, text)
        self.findings.append((name, text))

    # -- producers -----------------------------------------------------------------------------------------------

    def send(self, process: str, topic: str, partition: int, key: bytes, value: bytes) -> SendOperation:
        """A producer takes a record."""
        self.num_records += 1
        operation = self.history.invoke(process, "send", topic, partition, key, value, time_ms=self.time_ms())
        return SendOperation(self, operation)

    def sequence_gap(self, process: str, topic_partition: TopicPartition, sequence: int) -> None:
        """A broker refused the sequence number after the last acknowledged one: it lacks what it acknowledged."""
        self.find("sequence-gap", f"{topic_partition}: {process}'s next sequence number {sequence} was refused")

    # -- consumers -----------------------------------------------------------------------------------------------

    def assigned(self, process: str, partitions: Sequence[TopicPartition]) -> None:
        """A consumer has these partitions from now on."""
        self.note("assigned", process, partitions)
        self.history.assign(process, [(topic, number, None) for topic, number in partitions], time_ms=self.time_ms())

    def seek(self, process: str, topic_partition: TopicPartition, offset: int) -> None:
        """A consumer goes to a position that does not follow from what it read."""
        self.note("seek", process, topic_partition, offset)
        self.history.seek(process, topic_partition.topic, topic_partition.partition, offset, time_ms=self.time_ms())

    def poll(self, process: str, records: Iterable[tuple[str, int, int, bytes | None, bytes | None]]) -> None:
        """A consumer got these records: (topic, partition, offset, key, value)."""
        now_ms = self.time_ms()
        taken = tuple(records)
        self.note("polled", process, [(topic, partition, offset) for topic, partition, offset, _, _ in taken])
        self.history.invoke(process, "poll", time_ms=now_ms).ok(records=taken, time_ms=now_ms)

    def truncated(self, process: str, topic_partition: TopicPartition, offset: int, end_offset: int) -> None:
        """A consumer was told that what it has read beyond ``end_offset`` is gone."""
        self.find("truncation", f"{topic_partition}: {process} had read up to {offset}, the log ends at {end_offset}")

    def commit(self, process: str, offsets: Mapping[TopicPartition, int]) -> CommitOperation:
        """A consumer commits."""
        records = [(topic, partition, offset) for (topic, partition), offset in sorted(offsets.items())]
        operation = self.history.invoke(process, "commit", records=records, time_ms=self.time_ms())
        return CommitOperation(self, process, operation, offsets)

    def ask_committed(self, process: str, partitions: Sequence[TopicPartition]) -> CommittedQuestion:
        """A consumer asks for committed offsets."""
        last = self.commits.last
        return CommittedQuestion(self, process, {each: last[each] for each in partitions if each in last})
