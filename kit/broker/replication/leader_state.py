"""What only the leader of a partition has: its followers, the in-sync replicas, and who waits for them.

The in-sync replicas change by the controller's word alone. While a change is under way, the leader reckons with the
larger set: with who shall join, and still with who shall leave ("maximal ISR", KIP-497). So the high watermark never
runs ahead of a decision that may not come.
Source: Kafka's ``Partition``.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING

from kit.broker.metadata import PartitionState
from kit.broker.replication.alter_partition import RETRY_MS, IsrChange
from kit.broker.replication.remote_replica import UNKNOWN, RemoteReplica
from kit.wire import messages as m
from kit.wire.errors import BrokerError, ErrorCode

if TYPE_CHECKING:
    from kit.broker.partition import Partition
    from kit.broker.replication.context import ReplicationContext

log = logging.getLogger(__name__)

CommitCallback = Callable[[ErrorCode], None]
CommitTicket = tuple[int, int, CommitCallback]
"""(the offset that the high watermark must reach, order of arrival, who is told)"""

_NOT_APPLIED = frozenset({ErrorCode.INELIGIBLE_REPLICA, ErrorCode.OPERATION_NOT_ATTEMPTED})
# The leader's view is old, or it leads no more: the metadata log will say how things are.
_AWAIT_METADATA = frozenset({
    ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, ErrorCode.UNKNOWN_TOPIC_ID, ErrorCode.FENCED_LEADER_EPOCH,
    ErrorCode.INVALID_UPDATE_VERSION, ErrorCode.INVALID_REQUEST, ErrorCode.NEW_LEADER_ELECTED,
})  # fmt: skip


class LeaderState:
    """A partition's leader.

    Attributes:
        followers: by node id, in the order of the replicas.
        isr: the in-sync replicas that the controller has confirmed.
        epoch_start_offset: where this leader's epoch starts in the log.
    """

    def __init__(self, partition: Partition, context: ReplicationContext, topic_id: uuid.UUID) -> None:
        self.followers: dict[int, RemoteReplica] = {}
        self.isr: tuple[int, ...] = ()
        self.epoch_start_offset = 0
        self._partition = partition
        self._context = context
        self._topic_id = topic_id
        self._change: IsrChange | None = None
        self._maximal_isr: frozenset[int] = frozenset()
        self._min_isr = 1
        self._is_under_min_isr = False
        self._waiting: list[CommitTicket] = []
        self._order = itertools.count()

    # -- the controller's word -----------------------------------------------------------------------------------

    def take_over(self, state: PartitionState, *, is_news: bool) -> None:
        """Take over replicas and in-sync replicas; whatever was proposed has been answered by that.

        Args:
            is_news: False when AlterPartition has told of the same partition epoch already. Its answer names the
                in-sync replicas alone; and what was proposed since still has to be answered.
        """
        own = self._context.node_id
        self.followers = {
            node_id: self.followers.get(node_id) or RemoteReplica(node_id)
            for node_id in state.replicas
            if node_id != own
        }
        if is_news:
            self._commit(tuple(state.isr))

    def begin_epoch(self, state: PartitionState, *, is_new_leader: bool) -> None:
        """Start a leader epoch at the end of the log."""
        self.epoch_start_offset = end_offset = self._partition.log.log_end_offset
        now_ms = self._context.clock.monotonic_ms()
        for follower in self.followers.values():
            in_sync = follower.node_id in state.isr
            follower.begin_epoch(now_ms, end_offset, is_new_leader=is_new_leader, is_in_sync=in_sync)

    def configure(self, min_insync_replicas: int) -> None:
        """Take over ``min.insync.replicas``; Kafka asks for no more than there are (``Partition.effectiveMinIsr``)."""
        self._min_isr = min(min_insync_replicas, len(self.followers) + 1)
        self._is_under_min_isr = len(self.isr) < self._min_isr

    def _commit(self, isr: tuple[int, ...]) -> None:
        self._drop_change()
        self.isr = isr
        self._maximal_isr = frozenset(isr)
        self._is_under_min_isr = len(isr) < self._min_isr

    def _drop_change(self) -> None:
        if self._change is not None:
            self._context.alter_partition.withdraw(self._change)
            self._change = None

    def resign(self, code: ErrorCode = ErrorCode.NOT_LEADER_OR_FOLLOWER) -> None:
        """End the leadership: who waits for a commit will not see it here."""
        self._drop_change()
        waiting, self._waiting = self._waiting, []
        for _, _, callback in sorted(waiting, key=lambda ticket: ticket[1]):
            callback(code)

    # -- the high watermark --------------------------------------------------------------------------------------

    def committed_offset(self) -> int:
        """How far all in-sync replicas have come, and those that are about to join; the high watermark may follow.

        It stays where it is while too few replicas are in sync, whatever acks the producers use (KIP-966).
        """
        partition = self._partition
        end_offset = found = partition.log.log_end_offset
        if self._is_under_min_isr:
            return partition.high_watermark
        for follower in self.followers.values():
            if follower.log_end_offset < found and (
                follower.node_id in self._maximal_isr or self._is_joining(follower, end_offset)
            ):
                found = follower.log_end_offset
        return found

    def _is_joining(self, follower: RemoteReplica, end_offset: int) -> bool:
        """Whether the high watermark waits for a follower out of sync: else it could run away from it for ever."""
        context = self._context
        return (
            follower.broker_epoch is not None
            and follower.is_caught_up(end_offset, context.clock.monotonic_ms(), context.patience_ms)
            and context.may_join_isr(follower.node_id, follower.broker_epoch)
        )

    @property
    def low_watermark(self) -> int:
        """The lowest log start offset among the replicas that are alive: records below it are gone everywhere."""
        found = self._partition.log.log_start_offset
        for follower in self.followers.values():
            if follower.log_start_offset < found and self._context.is_alive(follower.node_id):
                found = follower.log_start_offset
        return found

    # -- acks=all ------------------------------------------------------------------------------------------------

    def check_in_sync_replicas(self) -> None:
        """Refuse to write for all in-sync replicas when these are too few.

        Raises:
            BrokerError: NOT_ENOUGH_REPLICAS.
        """
        if self._is_under_min_isr:
            name = self._partition.topic_partition
            self._context.tell("write_refused", name, error=ErrorCode.NOT_ENOUGH_REPLICAS.name)
            raise BrokerError(
                ErrorCode.NOT_ENOUGH_REPLICAS,
                f"{name} has {len(self.isr)} in-sync replicas, min.insync.replicas asks {self._min_isr}",
            )

    def commit_code(self) -> ErrorCode:
        """What a producer is told whose records the high watermark has passed.

        Source: ``Partition.checkEnoughReplicasReachOffset``.
        """
        if len(self._maximal_isr) >= self._min_isr:
            return ErrorCode.NONE
        code = ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND
        self._context.tell("write_refused", self._partition.topic_partition, error=code.name)
        return code

    def wait_for_commit(self, offset: int, callback: CommitCallback) -> CommitTicket:
        """Call ``callback`` with NONE or an error once the high watermark has reached ``offset``, or never will."""
        ticket = (offset, next(self._order), callback)
        heapq.heappush(self._waiting, ticket)
        return ticket

    def stop_waiting(self, ticket: CommitTicket) -> None:
        """Forget a ticket; harmless when it is forgotten already."""
        if ticket in self._waiting:
            self._waiting.remove(ticket)
            heapq.heapify(self._waiting)

    def answer_committed(self) -> None:
        """Tell those for whom the high watermark has come far enough."""
        while self._waiting and self._waiting[0][0] <= self._partition.high_watermark:
            _, _, callback = heapq.heappop(self._waiting)
            callback(self.commit_code())

    # -- who is in sync ------------------------------------------------------------------------------------------

    def record_fetch(self, node_id: int, fetch_offset: int, log_start_offset: int, broker_epoch: int) -> None:
        """Note how far a follower has come; it joins the in-sync replicas when that is far enough.

        Raises:
            BrokerError: UNKNOWN_LEADER_EPOCH when it is no replica (that this leader knows of yet),
                NOT_LEADER_OR_FOLLOWER when the broker has registered again since it sent this.
        """
        follower = self.followers.get(node_id)
        if follower is None:
            raise BrokerError(ErrorCode.UNKNOWN_LEADER_EPOCH)
        broker = self._context.image.brokers.get(node_id)
        if broker is not None and -1 < broker_epoch < broker.epoch:
            raise BrokerError(ErrorCode.NOT_LEADER_OR_FOLLOWER)
        now_ms = self._context.clock.monotonic_ms()
        has_moved = fetch_offset != follower.log_end_offset
        has_deleted = log_start_offset != follower.log_start_offset
        follower.record_fetch(fetch_offset, log_start_offset, now_ms, self._partition.log.log_end_offset, broker_epoch)
        self.maybe_expand(node_id)
        if has_moved:
            self._partition.advance_high_watermark()
        if has_deleted:
            self._partition.wake()

    def is_in_sync(self, node_id: int) -> bool:
        """Whether the controller has confirmed a replica."""
        return node_id in self.isr

    def maybe_expand(self, node_id: int) -> None:
        """Propose a follower that has what is committed, and what this leader found when it was elected.

        The latter may be committed too: a new leader does not know how far the high watermark of the last one was.
        """
        follower = self.followers.get(node_id)
        if follower is None or self._change is not None or node_id in self.isr:
            return
        end_offset, epoch = follower.log_end_offset, follower.broker_epoch
        if (
            end_offset >= self._partition.high_watermark
            and end_offset >= self.epoch_start_offset
            and epoch is not None
            and self._context.may_join_isr(follower.node_id, epoch)
        ):
            self._propose((*self.isr, follower.node_id), added=follower.node_id)
            self._maximal_isr = frozenset((*self.isr, follower.node_id))

    def maybe_shrink(self) -> None:
        """Propose to leave out the followers that have lagged for ``replica.lag.time.max.ms``."""
        if self._change is not None:
            return
        context = self._context
        now_ms = context.clock.monotonic_ms()
        end_offset = self._partition.log.log_end_offset

        def lags(node_id: int) -> bool:
            follower = self.followers.get(node_id)
            return follower is None or not follower.is_caught_up(end_offset, now_ms, context.patience_ms)

        staying = tuple(node_id for node_id in self.isr if node_id == context.node_id or not lags(node_id))
        if staying != self.isr:
            log.info("%s: %s of %s are in sync", self._partition.topic_partition, staying, self.isr)
            self._propose(staying, added=None)

    def _propose(self, isr: tuple[int, ...], *, added: int | None) -> None:
        partition = self._partition
        self._change = IsrChange(
            topic_id=self._topic_id,
            partition=partition.topic_partition.partition,
            leader_epoch=partition.leader_epoch,
            partition_epoch=partition.partition_epoch,
            isr=tuple((node_id, self._epoch_of(node_id)) for node_id in isr),
            added=added,
            on_answer=self._on_answer,
        )
        self._context.alter_partition.submit(self._change)

    def _epoch_of(self, node_id: int) -> int:
        if node_id == self._context.node_id:
            return self._context.alter_partition.broker_epoch()
        follower = self.followers.get(node_id)
        return UNKNOWN if follower is None or follower.broker_epoch is None else follower.broker_epoch

    def _on_answer(self, change: IsrChange, answer: m.AlterPartitionResponse.PartitionData) -> None:
        if self._change is not change:
            return  # the metadata was faster, or this broker leads no more
        code = answer.error_code
        if code == ErrorCode.NONE:
            partition = self._partition
            if answer.leader_epoch == partition.leader_epoch and answer.partition_epoch >= partition.partition_epoch:
                partition.partition_epoch = answer.partition_epoch
                self._commit(tuple(answer.isr))
                partition.advance_high_watermark()
        elif code in _NOT_APPLIED:
            self._commit(self.isr)
        elif code not in _AWAIT_METADATA:
            log.warning("%s: AlterPartition failed with error %d, trying again", self._partition.topic_partition, code)
            self._context.clock.call_later(RETRY_MS, lambda: self._submit_again(change))

    def _submit_again(self, change: IsrChange) -> None:
        if self._change is change:
            self._context.alter_partition.submit(change)
