"""One partition of ``__consumer_offsets`` that this broker leads, and the groups that live in it.

Rule for the file: state is settled first and answers leave last. An answer can bring the client's next request on the
spot (one event loop, no threads), and that request must find the group in a state that makes sense. So whatever
changes groups runs inside `Shard.turn`, and `Shard.answer` only puts answers into the outbox of the turn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol, TypeVar

from kit.broker.clock import Clock
from kit.broker.deadline import Deadline
from kit.broker.deferred import Deferred
from kit.broker.groups.config import GroupConfig
from kit.broker.groups.group import Group, GroupState
from kit.broker.groups.offsets import OffsetStore
from kit.broker.groups.records import Change, GroupChange, OffsetChange, read_changes, restore_group, to_batch
from kit.wire import messages as m
from kit.wire.errors import BrokerError, ErrorCode

T = TypeVar("T")

# What the log says -> what a client of the coordinator is told. Source: CoordinatorOperationExceptionHelper.
APPEND_ERRORS = {
    ErrorCode.UNKNOWN_TOPIC_OR_PARTITION: ErrorCode.COORDINATOR_NOT_AVAILABLE,
    ErrorCode.NOT_ENOUGH_REPLICAS: ErrorCode.COORDINATOR_NOT_AVAILABLE,
    ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND: ErrorCode.COORDINATOR_NOT_AVAILABLE,
    ErrorCode.REQUEST_TIMED_OUT: ErrorCode.COORDINATOR_NOT_AVAILABLE,
    ErrorCode.NOT_LEADER_OR_FOLLOWER: ErrorCode.NOT_COORDINATOR,
    ErrorCode.KAFKA_STORAGE_ERROR: ErrorCode.NOT_COORDINATOR,
    ErrorCode.MESSAGE_TOO_LARGE: ErrorCode.UNKNOWN_SERVER_ERROR,
    ErrorCode.RECORD_LIST_TOO_LARGE: ErrorCode.UNKNOWN_SERVER_ERROR,
}


class OffsetsLog(Protocol):
    """This broker's share of ``__consumer_offsets``."""

    @property
    def num_partitions(self) -> int:
        """How many partitions the topic has, led by this broker or not."""

    def leads(self, partition: int) -> bool:
        """Whether this broker leads the partition."""

    def append(self, partition: int, batch: bytearray) -> Deferred[ErrorCode]:
        """Append one batch; resolves with NONE when it is committed, in the order of the log."""


class Requester(Protocol):
    """Who sends a request, and in which version of the API."""

    @property
    def api_version(self) -> int:
        """The version that the answer will have too."""

    @property
    def client_id(self) -> str | None:
        """The client's ``client.id``."""

    @property
    def client_host(self) -> str:
        """The address that the client connects from."""


class Shard:
    """The groups of one partition, and the way into its log."""

    def __init__(
        self,
        partition: int,
        leader_epoch: int,
        *,
        config: GroupConfig,
        clock: Clock,
        log: OffsetsLog,
        new_id: Callable[[], str],
    ) -> None:
        self.partition = partition
        self.leader_epoch = leader_epoch
        self.config = config
        self.clock = clock
        self.groups: dict[str, Group] = {}
        self.offsets = OffsetStore()
        self.loading = True
        self.new_id = new_id
        self._log = log
        self._outcomes: set[Deferred[ErrorCode]] = set()
        self._turns = 0
        self._outbox: list[Callable[[], None]] = []

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Change groups inside; the answers leave at the end of the outermost turn."""
        self._turns += 1
        try:
            yield
        finally:
            self._turns -= 1
        while self._outbox and not self._turns:
            self._outbox.pop(0)()

    def answer(self, waiting: Deferred[T], response: T) -> None:
        """Send ``response`` at the end of this turn."""
        self._outbox.append(lambda: waiting.resolve(response))

    def deadline(self, callback: Callable[[], None], delay_ms: float | None = None) -> Deadline:
        """A deadline of this shard, set when ``delay_ms`` is given; its callback is a turn."""

        def run() -> None:
            with self.turn():
                callback()

        deadline = Deadline(self.clock, run)
        if delay_ms is not None:
            deadline.set(delay_ms)
        return deadline

    def group(self, group_id: str, otherwise: ErrorCode) -> Group:
        """The group by this id; raises `BrokerError` with code ``otherwise`` when there is none."""
        group = self.groups.get(group_id)
        if group is None:
            raise BrokerError(otherwise, f"Group {group_id} not found.")
        return group

    def write(self, changes: Sequence[Change], then: Callable[[ErrorCode], None]) -> None:
        """Append ``changes``, put committed offsets into the store, and call ``then`` once, in a turn.

        ``then`` gets NONE when the changes are committed, else the error for the client. When time is up it gets
        COORDINATOR_NOT_AVAILABLE and the changes may be committed later all the same.
        """
        offset_changes = [change for change in changes if isinstance(change, OffsetChange)]
        self.offsets.begin(offset_changes)
        outcome: Deferred[ErrorCode] = Deferred()
        self._outcomes.add(outcome)
        outcome.then(lambda code: self._finish(outcome, code, then))
        appended = self._log.append(self.partition, to_batch(changes, self.clock.time_ms()))
        appended.then(lambda code: self._appended(offset_changes, code))
        appended.then(outcome.resolve)
        if not outcome.done:
            timer = self.clock.call_later(
                self.config.offset_commit_timeout_ms, lambda: outcome.resolve(ErrorCode.REQUEST_TIMED_OUT)
            )
            outcome.then(lambda _: timer.cancel())

    def load(self, batches: Iterable[bytes | bytearray | memoryview]) -> None:
        """Become what the log says."""
        for batch in batches:
            for change in read_changes(batch):
                self._apply(change)
        self.loading = False

    def close(self) -> None:
        """Forget everything; whoever waits is told NOT_COORDINATOR."""
        with self.turn():
            for group in list(self.groups.values()):
                self.bury(group, ErrorCode.NOT_COORDINATOR)
            for outcome in list(self._outcomes):
                outcome.resolve(ErrorCode.NOT_LEADER_OR_FOLLOWER)

    def bury(self, group: Group, code: ErrorCode) -> None:
        """Take a group out of the coordinator's memory; its waiting members are told ``code``."""
        group.transition_to(GroupState.DEAD, self.clock.time_ms())
        group.cancel_deadlines()
        self.groups.pop(group.group_id, None)
        for member in group.members.values():
            if member.awaiting_join is not None:
                refused = m.JoinGroupResponse(error_code=code, member_id=member.member_id)
                self.answer(member.awaiting_join, refused)
            if member.awaiting_sync is not None:
                self.answer(member.awaiting_sync, m.SyncGroupResponse(error_code=code))
        group.members.clear()

    def _finish(self, outcome: Deferred[ErrorCode], code: ErrorCode, then: Callable[[ErrorCode], None]) -> None:
        self._outcomes.discard(outcome)
        with self.turn():
            then(APPEND_ERRORS.get(code, code))

    def _appended(self, changes: list[OffsetChange], code: ErrorCode) -> None:
        self.offsets.end(changes)
        if code is ErrorCode.NONE:
            for change in changes:
                self._apply(change)

    def _apply(self, change: OffsetChange | GroupChange) -> None:
        """Follow the log. Groups change this way only while loading: a live group is ahead of its records."""
        if isinstance(change, OffsetChange):
            self.offsets.apply(change)
            if change.committed is not None and change.key.group_id not in self.groups:
                # Offsets without a group come from a consumer that assigns partitions to itself (a "simple" group).
                self.groups[change.key.group_id] = Group(change.key.group_id, now_ms=self.clock.time_ms())
        elif change.value is None:
            self.groups.pop(change.group_id, None)
        else:
            self.groups[change.group_id] = restore_group(change.group_id, change.value)
