"""Hopping through a log file from batch header to batch header."""

from __future__ import annotations

from collections.abc import Iterator

from kit.broker.storage.files import LogFile
from kit.wire.records import HEADER_BYTES, MAGIC, BatchHeader, CorruptBatch, check_batch, read_header

_CHUNK_BYTES = 4096  # holds many headers of small batches and costs no more to read than one header


def batch_headers(file: LogFile, position: int) -> Iterator[tuple[int, BatchHeader]]:
    """Each whole batch from ``position`` on, as (position, header); stops where there is none.

    Only the length and the magic byte are looked at: enough for bytes that were written by us and not lost.
    """
    end = file.size_bytes
    chunk = b""
    chunk_start = position
    while end - position >= HEADER_BYTES:
        at = position - chunk_start
        if at + HEADER_BYTES > len(chunk):
            chunk = file.read(position, _CHUNK_BYTES)
            chunk_start = position
            at = 0
            if len(chunk) < HEADER_BYTES:
                return
        header = read_header(chunk, at)
        size_bytes = header.batch_length + 12
        if header.magic != MAGIC or size_bytes < HEADER_BYTES or position + size_bytes > end:
            return
        yield position, header
        position += size_bytes


def valid_batches(file: LogFile, first_offset: int, end_offset: int) -> Iterator[tuple[int, BatchHeader]]:
    """Each batch from the start of the file on, as (position, header), as long as nothing is wrong with them.

    Args:
        first_offset: lowest offset that the first batch may have.
        end_offset: all offsets are below it.

    A batch is right when its CRC is, and when its offsets are above those of the one before: the base offset is not
    covered by the CRC.
    """
    for position, header in batch_headers(file, 0):
        last_offset = header.base_offset + header.last_offset_delta
        if not first_offset <= header.base_offset <= last_offset < end_offset:
            return
        try:
            check_batch(file.read(position, header.batch_length + 12), compacted=True)
        except CorruptBatch:
            return
        yield position, header
        first_offset = last_offset + 1
