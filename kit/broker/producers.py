"""Idempotent producers: which sequence numbers each has written, so that a retry is recognised and a gap refused.

Per producer id there are its epoch and its last five batches: as many as a producer may have in flight. The state
follows from the batch headers in the log; a snapshot beside the log only saves reading them all again.
A transaction's first offset will be one more field of `_Producer`; snapshots have its place already.
Source: KIP-98, Kafka's ``ProducerStateManager``, ``ProducerStateEntry`` and ``ProducerAppendInfo``.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import crc32c

from kit.broker.clock import Clock
from kit.wire.errors import BrokerError, ErrorCode
from kit.wire.records import BatchHeader

NO_SEQUENCE = -1
MAX_SEQUENCE = 2**31 - 1
_NUM_BATCHES_TO_RETAIN = 5

_SNAPSHOT_VERSION = 1
_SNAPSHOT_HEAD = struct.Struct(">hI")  # version, CRC-32C of everything behind it
_SNAPSHOT_COUNT = struct.Struct(">i")
# producer_id, epoch, last_sequence, last_offset, offset_delta, timestamp, coordinator_epoch, current_txn_first_offset
_SNAPSHOT_ENTRY = struct.Struct(">qhiqiqiq")
_NO_COORDINATOR_EPOCH = -1
_NO_TRANSACTION = -1


class Duplicate(NamedTuple):
    """The batch was written before; these are the offsets it got and its largest timestamp."""

    base_offset: int
    last_offset: int
    timestamp_ms: int


class _Batch(NamedTuple):
    first_sequence: int
    last_sequence: int
    last_offset: int
    offset_delta: int
    timestamp_ms: int


@dataclass(slots=True)
class _Producer:
    epoch: int
    last_timestamp_ms: int
    batches: deque[_Batch] = field(default_factory=lambda: deque(maxlen=_NUM_BATCHES_TO_RETAIN))

    @property
    def last_sequence(self) -> int:
        return self.batches[-1].last_sequence if self.batches else NO_SEQUENCE


class BadSnapshot(Exception):
    """A producer snapshot whose bytes are not what was written."""


class ProducerState:
    """The producers of one partition."""

    def __init__(self, *, clock: Clock) -> None:
        self._clock = clock
        self._producers: dict[int, _Producer] = {}
        self._has_forgotten = False

    def __len__(self) -> int:
        return len(self._producers)

    def check(self, header: BatchHeader, *, log_start_offset: int) -> Duplicate | None:
        """Decide about a producer's batch before it is appended; None means that it may be.

        A producer that is not known may begin with any sequence number, because its earlier records may have been
        deleted. (Kafka believes that always. But when nothing was deleted, an earlier batch is late, in a request to
        the last leader perhaps, and would be a gap when it comes.)

        Raises:
            BrokerError: INVALID_PRODUCER_EPOCH for an epoch that was replaced, OUT_OF_ORDER_SEQUENCE_NUMBER for a gap.
        """
        producer = self._producers.get(header.producer_id)
        if producer is None:
            if header.base_sequence > 0 and log_start_offset == 0 and not self._has_forgotten:
                raise BrokerError(
                    ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
                    f"producer {header.producer_id} begins with sequence number {header.base_sequence}",
                )
            return None
        if header.producer_epoch != producer.epoch:
            _check_new_epoch(header, producer.epoch)
            return None
        first_sequence = header.base_sequence
        if first_sequence == _next_sequence(producer.last_sequence):
            return None
        last_sequence = _last_sequence(header)
        for batch in producer.batches:
            if batch.first_sequence == first_sequence and batch.last_sequence == last_sequence:
                return Duplicate(batch.last_offset - batch.offset_delta, batch.last_offset, batch.timestamp_ms)
        raise BrokerError(
            ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
            f"producer {header.producer_id} sent sequence number {first_sequence} after {producer.last_sequence}",
        )

    def update(self, header: BatchHeader, base_offset: int, *, max_timestamp_ms: int | None = None) -> None:
        """Note that a batch was appended at ``base_offset``.

        Args:
            max_timestamp_ms: when it is not the header's, because the broker sets the timestamps.
        """
        timestamp_ms = header.max_timestamp if max_timestamp_ms is None else max_timestamp_ms
        producer = self._producers.get(header.producer_id)
        if producer is None or producer.epoch != header.producer_epoch:
            producer = self._producers[header.producer_id] = _Producer(header.producer_epoch, timestamp_ms)
        producer.last_timestamp_ms = timestamp_ms
        if header.is_control:
            return  # a transaction marker has no sequence number
        offset_delta = header.last_offset_delta
        producer.batches.append(
            _Batch(header.base_sequence, _last_sequence(header), base_offset + offset_delta, offset_delta, timestamp_ms)
        )

    def expire(self, expiration_ms: int) -> int:
        """Forget producers whose last timestamp is ``expiration_ms`` old or older; returns how many."""
        expired_at_ms = self._clock.time_ms() - expiration_ms
        expired = [key for key, producer in self._producers.items() if producer.last_timestamp_ms <= expired_at_ms]
        for producer_id in expired:
            del self._producers[producer_id]
        self._has_forgotten = self._has_forgotten or bool(expired)
        return len(expired)

    def clear(self) -> None:
        """Forget everything, before it is built again from the log."""
        self._producers.clear()

    # -- snapshots -----------------------------------------------------------------------------------------------

    def snapshot(self) -> bytes:
        """The state in the format of Kafka's ``.snapshot`` files.

        Kafka writes an entry for the last batch of each producer only, so that a retry of an earlier one is taken for a
        gap after a restart. Here each batch has an entry, the last one last: whoever knows one per producer keeps that.
        """
        entries = [entry for producer in self._producers.items() for entry in _pack_producer(*producer)]
        body = _SNAPSHOT_COUNT.pack(len(entries)) + b"".join(entries)
        return _SNAPSHOT_HEAD.pack(_SNAPSHOT_VERSION, crc32c.crc32c(body)) + body

    def load_snapshot(self, content: bytes) -> None:
        """Take over a snapshot.

        Raises:
            BadSnapshot: it is damaged; the state is empty then.
        """
        self.clear()
        self._producers = _unpack_snapshot(content)


def _check_new_epoch(header: BatchHeader, known_epoch: int) -> None:
    if header.producer_epoch < known_epoch:
        raise BrokerError(
            ErrorCode.INVALID_PRODUCER_EPOCH,
            f"producer {header.producer_id} sent epoch {header.producer_epoch}, but {known_epoch} has been seen: "
            "another producer took over its id",
        )
    if header.base_sequence != 0:
        raise BrokerError(
            ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
            f"producer {header.producer_id} starts epoch {header.producer_epoch} with sequence number "
            f"{header.base_sequence} instead of 0",
        )


def _next_sequence(sequence: int) -> int:
    return 0 if sequence == MAX_SEQUENCE else sequence + 1


def _last_sequence(header: BatchHeader) -> int:
    """Sequence numbers wrap around to 0 after 2^31 - 1."""
    return (header.base_sequence + header.last_offset_delta) & MAX_SEQUENCE


def _pack_producer(producer_id: int, producer: _Producer) -> Iterable[bytes]:
    batches = producer.batches or [_Batch(NO_SEQUENCE, NO_SEQUENCE, -1, 0, producer.last_timestamp_ms)]
    for batch in batches:
        is_last = batch is batches[-1]
        yield _SNAPSHOT_ENTRY.pack(
            producer_id,
            producer.epoch,
            batch.last_sequence,
            batch.last_offset,
            batch.offset_delta,
            producer.last_timestamp_ms if is_last else batch.timestamp_ms,
            _NO_COORDINATOR_EPOCH,
            _NO_TRANSACTION,
        )


def _unpack_snapshot(content: bytes) -> dict[int, _Producer]:
    entries_at = _SNAPSHOT_HEAD.size + _SNAPSHOT_COUNT.size
    if len(content) < entries_at:
        raise BadSnapshot(f"{len(content)} bytes are too few for a producer snapshot")
    version, crc = _SNAPSHOT_HEAD.unpack_from(content)
    body = content[_SNAPSHOT_HEAD.size :]
    if version != _SNAPSHOT_VERSION or crc != crc32c.crc32c(body):
        raise BadSnapshot(f"the producer snapshot (version {version}) does not match its checksum")
    producers: dict[int, _Producer] = {}
    for entry in _SNAPSHOT_ENTRY.iter_unpack(content[entries_at:]):
        producer_id, epoch, last_sequence, last_offset, offset_delta, timestamp_ms, _, _ = entry
        producer = producers.get(producer_id)
        if producer is None or producer.epoch != epoch:
            producer = producers[producer_id] = _Producer(epoch, timestamp_ms)
        producer.last_timestamp_ms = timestamp_ms
        if last_sequence != NO_SEQUENCE:
            first_sequence = (last_sequence - offset_delta) & MAX_SEQUENCE
            producer.batches.append(_Batch(first_sequence, last_sequence, last_offset, offset_delta, timestamp_ms))
    return producers
