"""``__cluster_metadata-0``: the log of everything the controller decided, in KRaft's own record format.

Source: KIP-500, KIP-631; ``kafka-dump-log.sh --cluster-metadata-decoder`` reads the files.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from kit.broker.clock import Clock
from kit.broker.storage import Log, LogConfig
from kit.wire import codec
from kit.wire import records as batches

FOLDER_NAME = "__cluster_metadata-0"


class MetadataLog:
    """Appends batches of metadata records and reads them all back."""

    def __init__(self, directory: Path, *, clock: Clock) -> None:
        config = LogConfig(cleanup_policy=())  # keeps everything
        self._clock = clock
        self._log = Log(directory / FOLDER_NAME, config=config, clock=clock)

    def append(self, records: Sequence[Any], *, leader_epoch: int) -> None:
        """Append the records as one batch, so that a crash keeps all or none of them."""
        now_ms = self._clock.time_ms()
        batch = batches.build_batch(
            [
                batches.Record(
                    offset=index, timestamp_ms=now_ms, key=None, value=codec.encode_metadata_record(record), headers=()
                )
                for index, record in enumerate(records)
            ]
        )
        self._log.append(memoryview(batch), [batches.read_header(batch)], leader_epoch=leader_epoch)

    def read_all(self) -> Iterator[Any]:
        """Every metadata record in order."""
        offset = self._log.log_start_offset
        while (found := self._log.read(offset, 1 << 20)) is not None:
            data = found.read()
            for position, header in batches.iter_headers(data):
                for record in batches.read_records(data[position : position + header.size_bytes]):
                    yield codec.decode_metadata_record(record.value or b"")
                offset = header.next_offset

    def close(self) -> None:
        """Close the files cleanly."""
        self._log.close()
