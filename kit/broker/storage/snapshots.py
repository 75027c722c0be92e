"""Producer snapshots: ``<offset>.snapshot`` holds the producer state as of just below that offset.

One is written when a segment is rolled and one when the log is closed, so that opening it reads few headers or none.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from pathlib import Path

from kit.broker.producers import BadSnapshot, ProducerState
from kit.broker.storage.files import log_file_name, replace_file

log = logging.getLogger(__name__)

_SUFFIX = ".snapshot"


def write(directory: Path, offset: int, producers: ProducerState) -> None:
    """Write the snapshot for ``offset``. A failure is logged: it only makes the next start slower."""
    try:
        replace_file(directory / log_file_name(offset, _SUFFIX), producers.snapshot())
    except OSError as error:
        log.warning("cannot write a producer snapshot to %s: %s", directory, error)


def load(directory: Path, end_offset: int, producers: ProducerState) -> int | None:
    """Load the newest sound snapshot up to ``end_offset``, removing all others that are newer.

    Returns:
        The snapshot's offset: the log has to be replayed from there. None when there is no snapshot to start from.
    """
    producers.clear()
    for offset, path in sorted(_all(directory), reverse=True):
        if offset <= end_offset:
            try:
                producers.load_snapshot(path.read_bytes())
            except (BadSnapshot, OSError) as error:
                log.warning("%s is ignored: %s", path, error)
            else:
                return offset
        path.unlink(missing_ok=True)
    return None


def remove_strays(directory: Path, wanted: Collection[int | None]) -> None:
    """Remove the snapshots of offsets that are not ``wanted``."""
    for offset, path in _all(directory):
        if offset not in wanted:
            path.unlink(missing_ok=True)


def _all(directory: Path) -> list[tuple[int, Path]]:
    return [(int(path.stem), path) for path in directory.glob(f"*{_SUFFIX}") if path.stem.isdecimal()]
