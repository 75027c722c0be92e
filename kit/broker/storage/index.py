"""The two sparse indexes of a segment, in Kafka's file format.

An index is kept whole in memory and reaches its file in one go: when its segment is closed, rolled or flushed. What a
crash lost is built again from the batch headers. Source: Kafka's ``OffsetIndex`` and ``TimeIndex``.
"""

from __future__ import annotations

import itertools
import logging
import operator
import struct
from array import array
from bisect import bisect_right
from pathlib import Path

log = logging.getLogger(__name__)

OFFSET_ENTRY = struct.Struct(">ii")  # last offset of a batch less the base offset, position of the batch
TIME_ENTRY = struct.Struct(">qi")  # largest timestamp so far, last offset of its batch less the base offset


class SparseIndex:
    """Pairs of integers, both ascending.

    Attributes:
        keys: what is looked up: relative offsets, or timestamps in ms.
        values: what is found: positions in bytes, or relative offsets.
    """

    __slots__ = ("_entry", "_saved", "keys", "path", "values")

    def __init__(self, path: Path, entry: struct.Struct) -> None:
        self.path = path
        self._entry = entry
        self.keys = array("q")
        self.values = array("q")
        self._saved = -1  # entries in the file; -1: the file has to be written anew

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def size_bytes(self) -> int:
        """How long the file is when it is written."""
        return len(self.keys) * self._entry.size

    def append(self, key: int, value: int) -> None:
        """Add an entry behind the last one."""
        self.keys.append(key)
        self.values.append(value)

    def floor(self, key: int) -> int:
        """The number of the last entry whose key is at most ``key``; -1 when there is none."""
        return bisect_right(self.keys, key) - 1

    def floor_value(self, value: int) -> int:
        """The number of the last entry whose value is at most ``value``; -1 when there is none."""
        return bisect_right(self.values, value) - 1

    def truncate(self, count: int) -> None:
        """Keep the first ``count`` entries."""
        if count < len(self.keys):
            del self.keys[count:]
            del self.values[count:]
            if count < self._saved:
                self._saved = -1

    def load(self) -> bool:
        """Read the file; False (and empty) when it is missing or cannot be an index."""
        self.truncate(0)
        self._saved = -1
        try:
            content = self.path.read_bytes()
        except OSError:
            return False
        if len(content) % self._entry.size:
            return False
        entries = list(self._entry.iter_unpack(content))
        self.keys.extend(key for key, _ in entries)
        self.values.extend(value for _, value in entries)
        if not self._is_plausible():
            self.truncate(0)
            return False
        self._saved = len(entries)
        return True

    def _is_plausible(self) -> bool:
        if self.keys and (self.keys[0] < 0 or self.values[0] < 0):
            return False
        return all(map(operator.lt, self.keys, itertools.islice(self.keys, 1, None))) and all(
            map(operator.le, self.values, itertools.islice(self.values, 1, None))
        )

    def save(self) -> None:
        """Bring the file up to date. A failure is logged and tried again next time: the log itself is not at risk."""
        if self._saved == len(self.keys):
            return
        first = max(self._saved, 0)
        content = b"".join(map(self._entry.pack, self.keys[first:], self.values[first:]))
        try:
            with self.path.open("wb" if self._saved < 0 else "ab", buffering=0) as file:
                file.write(content)
        except OSError as error:
            self._saved = -1
            log.warning("cannot write %s: %s; it will be built again from the log when needed", self.path, error)
        else:
            self._saved = len(self.keys)
