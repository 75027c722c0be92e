"""Handing committed records to the listener, each once and in order."""

from __future__ import annotations

from kit.broker.raft.listener import RaftListener
from kit.broker.raft.metadata_log import MetadataLog


class Delivery:
    """How far the records are committed, and how far the listener has them.

    Attributes:
        high_watermark: everything below it is committed; 0 after a start, until the leader says more.
        delivered_offset: everything below it was delivered.
    """

    def __init__(self, metadata_log: MetadataLog, listener: RaftListener) -> None:
        self._log = metadata_log
        self._listener = listener
        self._is_delivering = False
        self.high_watermark = 0
        self.delivered_offset = 0

    def advance(self, high_watermark: int) -> bool:
        """Deliver what is committed by now; returns whether something was delivered before returning.

        A listener that appends while it is called may move the high watermark; then the call that is in progress
        delivers those records too, after the ones it is at.
        """
        self.high_watermark = max(self.high_watermark, high_watermark)
        if self._is_delivering or self.delivered_offset >= self.high_watermark:
            return False
        self._is_delivering = True
        try:
            while self._deliver(self.high_watermark):
                pass
        finally:
            self._is_delivering = False
        return True

    def _deliver(self, end_offset: int) -> bool:
        """Deliver up to ``end_offset``; False when there was nothing to deliver."""
        start_offset = self.delivered_offset
        for records, offset in self._log.read(self.delivered_offset, end_offset):
            self.delivered_offset = offset
            self._listener.on_commit(records, offset)
        return self.delivered_offset > start_offset
