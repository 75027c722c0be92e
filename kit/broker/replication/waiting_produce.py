"""A produce request with acks=all whose records the in-sync replicas do not have yet.

Source: Kafka's ``DelayedProduce``.
"""

from __future__ import annotations

from kit.broker.clock import Timer
from kit.broker.deferred import Deferred
from kit.broker.partition import Partition
from kit.broker.replication.context import ReplicationContext
from kit.broker.replication.leader_state import CommitTicket, LeaderState
from kit.wire import messages as m
from kit.wire.errors import ErrorCode


class WaitingProduce:
    """Answers when each partition has decided, or after the producer's ``timeout_ms``.

    Args:
        response: has every partition's answer; those that turn out otherwise are changed.
    """

    def __init__(self, context: ReplicationContext, response: m.ProduceResponse, timeout_ms: int) -> None:
        self.answer: Deferred[m.ProduceResponse] = Deferred()
        self._context = context
        self._response = response
        self._timeout_ms = timeout_ms
        self._timer: Timer | None = None
        self._waiting: dict[int, tuple[Partition, LeaderState, CommitTicket, m.PartitionProduceResponse]] = {}

    def wait_for(
        self, partition: Partition, leader: LeaderState, last_offset: int, answer: m.PartitionProduceResponse
    ) -> None:
        """Wait until the high watermark has passed ``last_offset``, or this broker leads the partition no more."""
        number = len(self._waiting)

        def decided(code: ErrorCode) -> None:
            del self._waiting[number]
            _settle(answer, code)
            self._maybe_finish()

        ticket = leader.wait_for_commit(last_offset + 1, decided)
        self._waiting[number] = (partition, leader, ticket, answer)

    def start(self) -> Deferred[m.ProduceResponse]:
        """Let the time run; to be called when all partitions are there."""
        self._timer = self._context.clock.call_later(self._timeout_ms, self._time_is_up)
        self._maybe_finish()
        return self.answer

    def _maybe_finish(self) -> None:
        if not self._waiting and self._timer is not None:
            self._timer.cancel()
            self.answer.resolve(self._response)

    def _time_is_up(self) -> None:
        for partition, leader, ticket, answer in self._waiting.values():
            leader.stop_waiting(ticket)
            self._context.tell("write_timed_out", partition.topic_partition, offset=answer.base_offset)
            _settle(answer, ErrorCode.REQUEST_TIMED_OUT)
        self._waiting.clear()
        self._maybe_finish()


def _settle(answer: m.PartitionProduceResponse, code: ErrorCode) -> None:
    if code is not ErrorCode.NONE:
        answer.error_code = code
        answer.base_offset = answer.log_append_time_ms = answer.log_start_offset = -1
