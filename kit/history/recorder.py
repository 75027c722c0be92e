"""What clients did against Kafka, as one growing list of operations."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from kit.history import jsonl
from kit.history.operation import REQUESTS, HistoryError, Operation


class History:
    """Records operations; `check` judges them.

    To record is one small object and two list appends. Several threads of CPython may record at once, as long as each
    process is one thread's at a time.
    """

    def __init__(self) -> None:
        self.operations: list[Operation] = []  # as they began
        self.completions: list[Operation] = []  # as they ended
        self._numbers = itertools.count()

    def invoke(  # noqa: PLR0917 (a send reads best in the order of Kafka's own ProducerRecord)
        self,
        process: str | int,
        action: str,
        topic: str | None = None,
        partition: int | None = None,
        key: Any = None,
        value: Any = None,
        *,
        records: Iterable[tuple[Any, ...]] = (),
        time_ms: int | None = None,
    ) -> Operation:
        """A client begins something; complete what is returned with `ok`, `fail` or `unknown`.

        * ``invoke(process, "send", topic, partition, key, value)``; partition None when the partitioner decides.
        * ``invoke(process, "send_batch", topic, partition, records=[(key, value), ...])``: one record batch.
        * ``invoke(process, "poll")``; what it returned goes to ``ok(records=...)``.
        * ``invoke(process, "commit", records=[(topic, partition, offset), ...])``.

        Args:
            value: must be hashable, and no other send to the same topic may have it: by its value a record is known.
            time_ms: when it began.

        Raises:
            HistoryError: an unknown action, a send without a topic, or records that are none.
        """
        if action not in REQUESTS:
            raise HistoryError(f"nothing begins with {action!r}; try one of {', '.join(REQUESTS)}")
        if topic is None and action in {"send", "send_batch"}:
            raise HistoryError(f"process {process}: a {action} needs a topic")
        kept: tuple[Any, ...] = ()
        if records:
            names = ("topic", "partition", "offset") if action == "commit" else ("key", "value")
            kept = _rows(f"process {process}: records of a {action}", records, names)
        return self._add(process, action, topic, partition, key, value, kept, time_ms)

    def assign(
        self, process: str | int, partitions: Iterable[tuple[str, int, int | None]], *, time_ms: int | None = None
    ) -> Operation:
        """A consumer has these partitions from now on, and no others: it assigned them, or the group did.

        Args:
            partitions: (topic, partition, next offset to read); None when the offset is not known.

        Raises:
            HistoryError: they are something else.
        """
        rows = _rows(f"process {process}: assigned partitions", partitions, ("topic", "partition", "offset or None"))
        for _, partition, offset in rows:
            _check_numbers(f"process {process}: an assign", partition=partition, offset=offset)
        return self._fact(process, "assign", records=rows, start_ms=time_ms)

    def subscribe(self, process: str | int, topics: Iterable[str], *, time_ms: int | None = None) -> Operation:
        """A consumer subscribed; which partitions it gets, and where it starts, is not known yet.

        Raises:
            HistoryError: ``topics`` is no list of names.
        """
        names = _listed(topics)
        if names is None or not all(isinstance(name, str) for name in names):
            raise HistoryError(f"process {process}: topics is a list of names, not {topics!r}")
        return self._fact(process, "subscribe", records=tuple(names), start_ms=time_ms)

    def seek(
        self, process: str | int, topic: str, partition: int, offset: int | None, *, time_ms: int | None = None
    ) -> Operation:
        """A consumer goes to an offset; None when it is not known which (beginning, end).

        Raises:
            HistoryError: partition or offset is no number.
        """
        _check_numbers(f"process {process}: a seek", partition=partition, offset=offset)
        return self._fact(process, "seek", topic, partition, offset=offset, start_ms=time_ms)

    def final_log(
        self,
        topic: str,
        partition: int,
        records: Iterable[tuple[int, Any]],
        *,
        log_start_offset: int = 0,
        observer: str = "log",
        time_ms: int | None = None,
    ) -> Operation:
        """What the partition's log holds at the end: the strongest evidence there is.

        Take it when everything is quiet, from the leader, and give only records that consumers may see. It says nothing
        about sends acknowledged after it. The first one given for a partition decides what is lost; others (of
        followers, each with its ``observer``) are compared with it.

        Args:
            records: (offset, value), offsets ascending.
            log_start_offset: retention deleted what is below.

        Raises:
            HistoryError: offsets do not ascend from ``log_start_offset``, or something is no number that should be one.
        """
        what = f"final log of {topic}-{partition}"
        kept = _rows(f"{what}: records", records, ("offset", "value"))
        _check_numbers(what, partition=partition, log_start_offset=log_start_offset)
        lowest = log_start_offset
        for offset, _value in kept:
            if not isinstance(offset, int):
                raise HistoryError(f"{what}: offset {offset!r} should be a whole number")
            if offset < lowest:
                raise HistoryError(f"{what}: offset {offset} where at least {lowest} must be")
            lowest = offset + 1
        return self._fact(
            observer, "final_log", topic, partition, records=kept, offset=log_start_offset, start_ms=time_ms
        )

    def save(self, path: str | Path) -> None:
        """Write JSON lines; ``HistoryError`` when a value is of a kind that JSON lines cannot hold."""
        jsonl.save(path, self.operations, self.completions)

    @classmethod
    def load(cls, path: str | Path) -> History:
        """Read what `save` wrote; ``HistoryError`` with the line's number when a line is none of ours."""
        history = cls()
        history.operations, history.completions = jsonl.load(path)
        history._numbers = itertools.count(len(history.operations))
        return history

    def __iter__(self) -> Iterator[Operation]:
        return iter(self.operations)

    def __len__(self) -> int:
        return len(self.operations)

    def _add(self, process: str | int, action: str, *rest: Any) -> Operation:
        operation = Operation(self.completions, next(self._numbers), process, action, *rest)
        self.operations.append(operation)
        return operation

    def _fact(
        self,
        process: str | int,
        action: str,
        topic: str | None = None,
        partition: int | None = None,
        *,
        records: tuple[Any, ...] = (),
        offset: int | None = None,
        start_ms: int | None,
    ) -> Operation:
        operation = self._add(process, action, topic, partition, None, None, records, start_ms)
        operation.offset = offset
        return operation.ok(time_ms=start_ms)


def _listed(things: object) -> list[Any] | None:
    """What a list or the like holds; None where it is none, or text."""
    return None if isinstance(things, str | bytes) or not isinstance(things, Iterable) else list(things)


def _rows(what: str, rows: object, names: tuple[str, ...]) -> tuple[tuple[Any, ...], ...]:
    """Rows with a part for each name."""
    listed = _listed(rows)
    wrong = [rows] if listed is None else [row for row in listed if not _is_row(row, len(names))]
    if listed is None or wrong:
        raise HistoryError(f"{what}: each is ({', '.join(names)}), in a list, not {wrong[0]!r}")
    return tuple(tuple(row) for row in listed)


def _is_row(row: object, num_parts: int) -> bool:
    return isinstance(row, tuple | list) and len(row) == num_parts


def _check_numbers(what: str, **numbers: object) -> None:
    for name, number in numbers.items():
        if not isinstance(number, int) and (number is not None or name == "partition"):
            raise HistoryError(f"{what}: {name} {number!r} should be a whole number")
