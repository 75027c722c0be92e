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
            HistoryError: an unknown action, or a send without a topic.
        """
        if action not in REQUESTS:
            raise HistoryError(f"nothing begins with {action!r}; try one of {', '.join(REQUESTS)}")
        if topic is None and action in {"send", "send_batch"}:
            raise HistoryError(f"process {process}: a {action} needs a topic")
        return self._add(process, action, topic, partition, key, value, tuple(records), time_ms)

    def assign(
        self, process: str | int, partitions: Iterable[tuple[str, int, int | None]], *, time_ms: int | None = None
    ) -> Operation:
        """A consumer has these partitions from now on, and no others: it assigned them, or the group did.

        Args:
            partitions: (topic, partition, next offset to read); None when the offset is not known.
        """
        return self._fact(process, "assign", records=tuple(partitions), start_ms=time_ms)

    def subscribe(self, process: str | int, topics: Iterable[str], *, time_ms: int | None = None) -> Operation:
        """A consumer subscribed; which partitions it gets, and where it starts, is not known yet."""
        return self._fact(process, "subscribe", records=tuple(topics), start_ms=time_ms)

    def seek(
        self, process: str | int, topic: str, partition: int, offset: int | None, *, time_ms: int | None = None
    ) -> Operation:
        """A consumer goes to an offset; None when it is not known which (beginning, end)."""
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
            HistoryError: offsets do not ascend from ``log_start_offset``.
        """
        kept = tuple(records)
        lowest = log_start_offset
        for offset, _value in kept:
            if offset < lowest:
                raise HistoryError(f"final log of {topic}-{partition}: offset {offset} where at least {lowest} must be")
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
