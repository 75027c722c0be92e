"""The leader's end of the followers' fetches.

A follower asks for everything once and from then on names only what has changed (KIP-227): a fetch costs as much as
there is news, however many partitions there are. News is brought by the partitions themselves.

New records are answered at once. A high watermark that moved alone waits `OFFSETS_DELAY_MS` for records to travel with:
under load there always are some, and every answer saved is a fetch saved.
Source: Kafka's ``FetchSession``, ``Partition.fetchRecords`` and ``DelayedFetch``.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable

from kit.broker.clock import Clock
from kit.broker.deadline import Deadline
from kit.broker.deferred import Deferred
from kit.broker.partition import Partition
from kit.broker.storage import FileRange
from kit.wire import messages as m
from kit.wire.errors import BrokerError, ErrorCode

OFFSETS_DELAY_MS = 5.0
NEW_SESSION_EPOCHS = (0, -1)
EMPTY = b""
_MAX_SESSION_ID = 2**31 - 1

PartitionFinder = Callable[[uuid.UUID, str, int], Partition]
"""The partition with this topic id (or name) and number, which this broker leads; else a BrokerError."""


class _FollowedPartition:
    """One partition of one session: what the follower asked for last.

    Attributes:
        is_answered: it will ask again when it has taken in what it was sent; until then there is no news for it.
        is_at_end: it has everything; each fetch of its session says so again, without naming the partition.
    """

    __slots__ = ("asked", "is_answered", "is_at_end", "partition", "session")

    def __init__(self, session: _Session, partition: Partition, asked: m.FetchPartition) -> None:
        self.session = session
        self.partition = partition
        self.asked = asked
        self.is_answered = self.is_at_end = False

    def on_append(self) -> None:
        """There are new records."""
        if self.is_at_end:
            self.is_at_end = False
            self.session.was_at_end(self.partition)
        if not self.is_answered:
            self.session.add_news(self, is_urgent=True)

    def on_metadata(self) -> None:
        """The controller decided something about the partition."""
        self.session.watch(self)
        if not self.is_answered and self.has_records():
            self.session.add_news(self, is_urgent=True)

    def on_offsets(self) -> None:
        """The high watermark or the log start offset moved."""
        if not self.is_answered:
            self.session.add_news(self, is_urgent=False)

    def has_records(self) -> bool:
        """Whether there is something to read, or to be told about who leads: in both cases the follower is waiting."""
        partition = self.partition
        return (
            self.asked.fetch_offset < partition.log.log_end_offset
            or partition.leader_epoch != self.asked.current_leader_epoch
            or not partition.is_leader
        )

    def has_offsets(self) -> bool:
        """Whether high watermark or log start offset are further than the follower knows."""
        asked, partition = self.asked, self.partition
        return (
            asked.high_watermark < partition.high_watermark or asked.log_start_offset < partition.log.log_start_offset
        )

    def read(self, max_bytes: int, *, min_one_batch: bool) -> FileRange | None:
        """Records up to the log end offset.

        Raises:
            BrokerError: this broker leads no more, or in another epoch; OFFSET_OUT_OF_RANGE when they were deleted.
        """
        asked, partition = self.asked, self.partition
        partition.leadership()
        partition.check_epoch(asked.current_leader_epoch)
        if not min_one_batch and max_bytes <= 0:
            return None
        limit = min(max_bytes, asked.partition_max_bytes)
        return partition.log.read(asked.fetch_offset, limit, min_one_batch=min_one_batch)


class _Session:
    """What one follower fetches from this broker."""

    def __init__(self, sessions: FetchSessions, session_id: int, replica_id: int) -> None:
        self.session_id = session_id
        self.epoch = 0  # of the last request
        self._sessions = sessions
        self._replica_id = replica_id
        self._followed: dict[tuple[uuid.UUID, int], _FollowedPartition] = {}
        self._news: dict[_FollowedPartition, None] = {}
        self._is_urgent = False
        self._failed: list[tuple[m.FetchTopic, m.FetchResponse.PartitionData]] = []
        self._request = m.FetchRequest()
        self._waiting: Deferred[m.FetchResponse] | None = None
        self._is_busy = False  # a request is being taken in: answers come after that
        self._is_due = False  # `_answer_urgent` will be called
        self._deadline = Deadline(sessions.clock, self.answer_now)
        self._last_fetch_ms = 0.0
        self._out_of_sync: dict[_FollowedPartition, None] = {}  # they may join at any fetch

    # -- requests ------------------------------------------------------------------------------------------------

    def handle(self, request: m.FetchRequest, *, is_new: bool) -> m.FetchResponse | Deferred[m.FetchResponse]:
        """Take a request in and answer it, or let it wait.

        An earlier request that still waits is answered first, with nothing: so a follower need not wait to add a
        partition. The first one of a session is answered at once too, so that the follower learns the session's id.
        """
        self._resolve(m.FetchResponse(session_id=self.session_id))
        self._request = request
        self._last_fetch_ms = self._sessions.clock.monotonic_ms()
        self._is_busy = True
        for forgotten in request.forgotten_topics_data:
            for index in forgotten.partitions:
                self._drop((forgotten.topic_id, index))
        for topic in request.topics:
            for asked in topic.partitions:
                self._take_in(topic, asked)
        for followed in list(self._out_of_sync):
            self._try_to_join(followed)
        self._is_busy = False
        is_in_haste = is_new or request.max_wait_ms <= 0
        if is_in_haste or self._is_urgent or self._failed:
            response = self._answer(whatever=is_in_haste)
            if response is not None:
                return response
        if self._news:
            self._sessions.answer_soon(self)
        self._waiting = Deferred()
        self._deadline.set(request.max_wait_ms)
        return self._waiting

    def _take_in(self, topic: m.FetchTopic, asked: m.FetchPartition) -> None:
        key = (topic.topic_id, asked.partition)
        followed = self._followed.get(key)
        try:
            if followed is None or not followed.partition.is_leader:
                self._drop(key)
                followed = _FollowedPartition(self, self._sessions.find(topic.topic_id, topic.topic, key[1]), asked)
            partition = followed.partition
            partition.check_epoch(asked.current_leader_epoch)
            diverging = _find_divergence(partition, asked)
            if diverging is not None:
                self._failed.append((topic, diverging))
                self._drop(key)
                return
            followed.asked, followed.is_answered = asked, False
            partition.leadership().record_fetch(
                self._replica_id, asked.fetch_offset, asked.log_start_offset, self._request.replica_state.replica_epoch
            )
        except BrokerError as error:
            self._failed.append((topic, _failure(asked.partition, error.code)))
            self._drop(key)
            return
        if key not in self._followed:
            self._followed[key] = followed
            partition.subscribe(followed)
        self.watch(followed)
        followed.is_at_end = not followed.has_records()
        if not followed.is_at_end:
            self._news[followed] = None
            self._is_urgent = True
        elif followed.has_offsets():
            self._news[followed] = None
        else:
            self._news.pop(followed, None)

    def _drop(self, key: tuple[uuid.UUID, int]) -> None:
        followed = self._followed.pop(key, None)
        if followed is not None:
            followed.partition.unsubscribe(followed)
            self._news.pop(followed, None)
            self._out_of_sync.pop(followed, None)

    def watch(self, followed: _FollowedPartition) -> None:
        """See to it that a follower out of sync can join with any fetch, also when it has nothing to ask for."""
        leader = followed.partition.leader
        if leader is not None and not leader.is_in_sync(self._replica_id):
            self._out_of_sync[followed] = None

    def _try_to_join(self, followed: _FollowedPartition) -> None:
        leader = followed.partition.leader
        if leader is None or leader.is_in_sync(self._replica_id):
            del self._out_of_sync[followed]
        else:
            leader.maybe_expand(self._replica_id)

    def was_at_end(self, partition: Partition) -> None:
        """Note that the follower had everything when it fetched last, before what is being appended now."""
        leader = partition.leader
        follower = None if leader is None else leader.followers.get(self._replica_id)
        if follower is not None:
            follower.was_caught_up_at(self._last_fetch_ms)

    # -- news and answers ----------------------------------------------------------------------------------------

    def add_news(self, followed: _FollowedPartition, *, is_urgent: bool) -> None:
        """Note that there is something to tell, and tell it if a fetch waits for it."""
        self._news[followed] = None
        if is_urgent:
            self._is_urgent = True
            if self._waiting is not None and not self._is_busy and not self._is_due:
                self._is_due = True  # soon, not now: more batches of this turn of the loop may go with this one
                self._sessions.clock.call_soon(self._answer_urgent)
        elif self._waiting is not None:
            self._sessions.answer_soon(self)

    def _answer_urgent(self) -> None:
        self._is_due = False
        if self._waiting is not None:
            self._resolve(self._answer(whatever=False))

    def answer_now(self) -> None:
        """Answer the fetch that waits with what there is."""
        if self._waiting is not None:
            self._resolve(self._answer(whatever=True))

    def _resolve(self, response: m.FetchResponse | None) -> None:
        if response is not None and self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            waiting.resolve(response)

    def _answer(self, *, whatever: bool) -> m.FetchResponse | None:
        """An answer with the news; None when there are fewer records than wanted, unless ``whatever`` there is."""
        request = self._request
        found: list[tuple[_FollowedPartition, FileRange | None]] = []
        size_bytes = 0
        for followed in list(self._news):
            partition, asked = followed.partition, followed.asked
            try:
                records = followed.read(request.max_bytes - size_bytes, min_one_batch=size_bytes == 0)
            except BrokerError as error:
                self._give_up(followed, error.code)
                continue
            if records is not None:
                size_bytes += records.size_bytes
            elif asked.fetch_offset < partition.log.log_end_offset:
                continue  # there is no room for it: it comes first in the next answer
            found.append((followed, records))
        if size_bytes < request.min_bytes and not whatever and not self._failed:
            return None
        return self._build(found)

    def _give_up(self, followed: _FollowedPartition, code: ErrorCode) -> None:
        partition = followed.partition
        name, index = partition.topic_partition
        self._failed.append((m.FetchTopic(topic=name, topic_id=partition.topic_id), _failure(index, code)))
        self._drop((partition.topic_id, index))

    def _build(self, found: list[tuple[_FollowedPartition, FileRange | None]]) -> m.FetchResponse:
        response = m.FetchResponse(session_id=self.session_id)
        topics: dict[uuid.UUID, m.FetchableTopicResponse] = {}
        for followed, records in found:
            del self._news[followed]
            followed.is_answered = True
            partition = followed.partition
            name, index = partition.topic_partition
            data = m.FetchResponse.PartitionData(
                partition_index=index,
                high_watermark=partition.high_watermark,
                last_stable_offset=partition.high_watermark,
                log_start_offset=partition.log.log_start_offset,
                records=EMPTY if records is None else records,
            )
            _topic(topics, name, partition.topic_id).partitions.append(data)
        for topic, data in self._failed:
            _topic(topics, topic.topic, topic.topic_id).partitions.append(data)
        self._failed.clear()
        self._is_urgent = any(followed.has_records() for followed in self._news)
        response.responses = list(topics.values())
        return response

    def close(self) -> None:
        """Follow nothing any more; a fetch that waits is told that its session is gone."""
        for key in list(self._followed):
            self._drop(key)
        self._deadline.cancel()
        self._resolve(m.FetchResponse(error_code=ErrorCode.FETCH_SESSION_ID_NOT_FOUND))


class FetchSessions:
    """The sessions of all followers of one broker, one for each.

    Args:
        find: looks up the partitions that this broker leads.
        rng: makes session ids, so that one from before a restart is recognised.
    """

    def __init__(self, *, clock: Clock, find: PartitionFinder, rng: random.Random) -> None:
        self.clock = clock
        self.find = find
        self._random = rng
        self._sessions: dict[int, _Session] = {}  # by replica id
        self._soon: dict[_Session, None] = {}

    def handle(self, replica_id: int, request: m.FetchRequest) -> m.FetchResponse | Deferred[m.FetchResponse]:
        """Answer a follower's fetch; a session begins with epoch 0 and then counts its requests."""
        session = self._sessions.get(replica_id)
        is_new = request.session_epoch in NEW_SESSION_EPOCHS
        if is_new:
            if session is not None:
                session.close()
            session = _Session(self, self._random.randint(1, _MAX_SESSION_ID), replica_id)
            self._sessions[replica_id] = session
        elif session is None or session.session_id != request.session_id:
            return m.FetchResponse(error_code=ErrorCode.FETCH_SESSION_ID_NOT_FOUND)
        elif request.session_epoch != session.epoch + 1:
            return m.FetchResponse(error_code=ErrorCode.INVALID_FETCH_SESSION_EPOCH)
        else:
            session.epoch += 1
        return session.handle(request, is_new=is_new)

    def answer_soon(self, session: _Session) -> None:
        """Answer a session's waiting fetch before long; one timer serves all sessions."""
        if not self._soon:
            self.clock.call_later(OFFSETS_DELAY_MS, self._answer_those)
        self._soon[session] = None

    def _answer_those(self) -> None:
        sessions, self._soon = self._soon, {}
        for session in sessions:
            session.answer_now()

    def close(self) -> None:
        """End all sessions."""
        for session in self._sessions.values():
            session.close()
        self._sessions.clear()


def _find_divergence(partition: Partition, asked: m.FetchPartition) -> m.FetchResponse.PartitionData | None:
    """Compare the end of the follower's log with ours: where they parted, None when they did not (KIP-595).

    Raises:
        BrokerError: OFFSET_OUT_OF_RANGE.
    """
    log = partition.log
    offset, last_epoch = asked.fetch_offset, asked.last_fetched_epoch
    if last_epoch >= 0:
        epoch, end_offset = log.end_offset_for_epoch(last_epoch)
        if epoch < 0 or end_offset < 0 or offset < log.log_start_offset:
            raise BrokerError(ErrorCode.OFFSET_OUT_OF_RANGE)
        if epoch < last_epoch or end_offset < offset:
            return m.FetchResponse.PartitionData(
                partition_index=asked.partition,
                high_watermark=partition.high_watermark,
                log_start_offset=log.log_start_offset,
                diverging_epoch=m.FetchResponse.EpochEndOffset(epoch=epoch, end_offset=end_offset),
                records=EMPTY,
            )
    if not log.log_start_offset <= offset <= log.log_end_offset:
        raise BrokerError(ErrorCode.OFFSET_OUT_OF_RANGE)
    return None


def _failure(index: int, code: ErrorCode) -> m.FetchResponse.PartitionData:
    return m.FetchResponse.PartitionData(partition_index=index, error_code=code, high_watermark=-1, records=EMPTY)


def _topic(
    topics: dict[uuid.UUID, m.FetchableTopicResponse], name: str, topic_id: uuid.UUID
) -> m.FetchableTopicResponse:
    found = topics.get(topic_id)
    if found is None:
        found = topics[topic_id] = m.FetchableTopicResponse(topic=name, topic_id=topic_id)
    return found
