"""Building batches and reading logs back, for the tests of the storage layer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from kit.broker.clock import VirtualClock
from kit.broker.storage import AppendInfo, Log, LogConfig
from kit.wire.batch_builder import build_batch
from kit.wire.records import Record, iter_headers, read_header, read_records

START_MS = 1_700_000_000_000


def batch(values: Sequence[bytes], *, timestamp_ms: int = START_MS, **options: object) -> bytearray:
    """A record batch of keyless records with one timestamp; ``options`` are `build_batch`'s."""
    records = [Record(0, timestamp_ms, None, value) for value in values]
    return build_batch(records, **options)  # type: ignore[arg-type]


def append(log: Log, data: bytearray, *, leader_epoch: int = 0) -> AppendInfo:
    """Append one batch."""
    return log.append(data, [read_header(data)], leader_epoch=leader_epoch)


def append_values(log: Log, *values: bytes, leader_epoch: int = 0, timestamp_ms: int = START_MS) -> AppendInfo:
    """Append one batch of these values."""
    return append(log, batch(values, timestamp_ms=timestamp_ms), leader_epoch=leader_epoch)


def contents(log: Log) -> list[tuple[int, bytes | None]]:
    """(offset, value) of every record that can be read, in the order of reading."""
    found = []
    offset = log.log_start_offset
    while offset < log.log_end_offset:
        data = log.read(offset, 1 << 20)
        if data is None:
            break
        content = data.read()
        for position, header in iter_headers(content):
            found += [(record.offset, record.value) for record in read_records(content, position)]
            offset = header.next_offset
    return [(offset, value) for offset, value in found if offset >= log.log_start_offset]


def open_log(directory: Path, clock: VirtualClock | None = None, **config: object) -> Log:
    """The log in ``directory``, opened as after a crash; ``config`` are fields of LogConfig."""
    return Log(directory, config=LogConfig(**config), clock=clock or VirtualClock(START_MS))  # type: ignore[arg-type]


def files(directory: Path, suffix: str) -> list[str]:
    """The names of the files that end so, in order."""
    return sorted(path.name for path in directory.iterdir() if path.name.endswith(suffix))
