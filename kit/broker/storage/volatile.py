"""A disk that forgets what was not flushed when its node loses power: for simulations of just that.

The files are real ones. What is remembered beside them is how much of each the node has wanted to be on the disk.
"""

from __future__ import annotations

import os
from pathlib import Path

from kit.broker.storage.files import FilePool

_DERIVED_SUFFIXES = (".index", ".timeindex", ".snapshot")  # never flushed, and built again from the log


class VolatileDisk(FilePool):
    """The disk of all nodes of a simulated cluster."""

    def __init__(self) -> None:
        super().__init__()
        self._durable_bytes: dict[Path, int] = {}
        self._num_losses: dict[Path, int] = {}

    def boot_id(self, directory: Path) -> str:
        """Changes when the node with this directory loses its power."""
        return f"boot-{self._num_losses.get(directory, 0)}"

    def force(self, descriptor: int) -> None:
        """Not done: the real disk would take a thousand times as long as everything else in a simulation."""

    def note_durable(self, path: Path, size_bytes: int) -> None:
        """Remember how much of a log file is on the disk itself."""
        self._durable_bytes[path] = size_bytes

    def note_truncated(self, path: Path, size_bytes: int) -> None:
        """Remember that no more than that can be on the disk."""
        if path in self._durable_bytes:
            self._durable_bytes[path] = min(self._durable_bytes[path], size_bytes)

    def lose_power(self, directory: Path) -> int:
        """Take away what was not flushed below a node's directory; returns how many bytes of logs that were.

        Small files that are replaced as a whole (checkpoints, the vote) stay as they were last written. A file that
        was there before this disk is taken as flushed.
        """
        self._num_losses[directory] = self._num_losses.get(directory, 0) + 1
        lost_bytes = 0
        for path in sorted(directory.rglob("*.log")):
            size_bytes = path.stat().st_size
            durable_bytes = self._durable_bytes.get(path, size_bytes)
            if durable_bytes < size_bytes:
                os.truncate(path, durable_bytes)
                lost_bytes += size_bytes - durable_bytes
                for suffix in _DERIVED_SUFFIXES:
                    path.with_suffix(suffix).unlink(missing_ok=True)
        return lost_bytes
