"""One operation of one client: what it asked for, and how that ended."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from typing import Any, Literal

Outcome = Literal["pending", "ok", "fail", "unknown"]
Value = Hashable

# What a client asks for and is answered.
REQUESTS = ("send", "send_batch", "poll", "commit")
# What is noted as a fact, complete at once.
FACTS = ("assign", "subscribe", "seek", "final_log")
RECORD_PARTS = 5  # topic, partition, offset, key, value


class HistoryError(ValueError):
    """A history that cannot be recorded or judged as it stands; the text says which operation and why."""


class Operation:
    """One operation; `History` makes them, and the client completes its own with `ok`, `fail` or `unknown`.

    Attributes:
        index: its place in the history, by the time it began.
        process: who did it: a name or a number. A producer or consumer that is made anew is a new process.
        action: one of `REQUESTS` or `FACTS`.
        topic, partition: where; None where it is not known (yet) or the records say it.
        offset: of a send its acknowledged offset, of a seek the next offset to read; None when not known.
        key, value: of a send.
        records: of a poll (topic, partition, offset, key, value), of a send_batch (key, value), of an assign or commit
            (topic, partition, offset), of a subscribe the topics, of a final_log (offset, value).
        outcome: "pending" until it is known; what is still pending at the end counts as "unknown".
        error: the reason of "fail" and "unknown".
        start_ms, end_ms: when it began and ended, as the caller said; None when it did not say.
    """

    __slots__ = (
        "_completions",
        "action",
        "end_ms",
        "error",
        "index",
        "key",
        "offset",
        "outcome",
        "partition",
        "process",
        "records",
        "start_ms",
        "topic",
        "value",
    )

    def __init__(  # noqa: PLR0917 (called once for each operation, by History alone: names would cost time)
        self,
        completions: list[Operation],
        index: int,
        process: str | int,
        action: str,
        topic: str | None = None,
        partition: int | None = None,
        key: Any = None,
        value: Any = None,
        records: tuple[Any, ...] = (),
        start_ms: int | None = None,
    ) -> None:
        self._completions = completions
        self.index = index
        self.process = process
        self.action = action
        self.topic = topic
        self.partition = partition
        self.offset: int | None = None
        self.key = key
        self.value = value
        self.records = records
        self.outcome: Outcome = "pending"
        self.error: str | None = None
        self.start_ms = start_ms
        self.end_ms: int | None = None

    def ok(
        self,
        *,
        partition: int | None = None,
        offset: int | None = None,
        records: Iterable[tuple[Any, ...]] | None = None,
        time_ms: int | None = None,
    ) -> Operation:
        """The operation succeeded, and the client was told so.

        Args:
            partition: of a send: where it went, unless it was given when the send began.
            offset: of a send: its offset; of a send_batch: its first record's. None or below 0: the answer had none.
            records: of a poll: what it returned, as (topic, partition, offset, key, value), in that order.
            time_ms: when the answer came.

        Raises:
            HistoryError: the operation is complete already, or the answer does not fit what was asked.
        """
        if self.action in {"send", "send_batch"}:
            if partition is None:
                partition = self.partition
            if partition is None or (self.partition is not None and self.partition != partition):
                raise HistoryError(f"{self}: it went to partition {self.partition}, and the answer says {partition}")
            answer: tuple[object, object] = (partition, offset)
            if not isinstance(answer[0], int) or not isinstance(answer[1], int | None):
                raise HistoryError(f"{self}: partition {partition!r} and offset {offset!r} should be whole numbers")
            self.partition = partition
            self.offset = None if offset is None or offset < 0 else offset
        if records is not None:
            if self.action != "poll":
                raise HistoryError(f"{self}: only a poll returns records")
            self.records = _polled(self, records)
        return self._complete("ok", None, time_ms)

    def fail(self, error: object = None, *, time_ms: int | None = None) -> Operation:
        """The operation certainly had no effect, and never will; if in doubt, it is `unknown`."""
        return self._complete("fail", error, time_ms)

    def unknown(self, error: object = None, *, time_ms: int | None = None) -> Operation:
        """Nobody can tell whether the operation had an effect: no answer, a timeout, the client died."""
        return self._complete("unknown", error, time_ms)

    def _complete(self, outcome: Outcome, error: object, time_ms: int | None) -> Operation:
        if self.outcome != "pending":
            raise HistoryError(f"{self}: it ended as {self.outcome!r} already, and cannot end as {outcome!r} too")
        self.outcome = outcome
        self.error = None if error is None else str(error) or type(error).__name__
        self.end_ms = time_ms
        self._completions.append(self)
        return self

    def sent(self) -> Iterator[tuple[Any, int | None]]:
        """The values that a send or send_batch sent, each with its acknowledged offset or None."""
        if self.action == "send":
            yield self.value, self.offset
        elif self.action == "send_batch":
            for place, (_key, value) in enumerate(self.records):
                yield value, None if self.offset is None else self.offset + place

    def __str__(self) -> str:
        return f"operation {self.index} ({self.action} of process {self.process}, {self.outcome})"

    def __repr__(self) -> str:
        return f"<{self}>"


def _polled(operation: Operation, records: Iterable[tuple[Any, ...]]) -> tuple[tuple[Any, ...], ...]:
    """The records of a poll's answer, which must be what they should."""
    try:
        kept = tuple(records)
        are_whole = all(len(record) == RECORD_PARTS for record in kept)
    except TypeError:
        are_whole, kept = False, ()
    if not are_whole or not all(isinstance(record[1], int) and isinstance(record[2], int) for record in kept):
        raise HistoryError(
            f"{operation}: records is a list; a record is (topic, partition, offset, key, value), with a number for "
            "partition and offset"
        )
    return kept
