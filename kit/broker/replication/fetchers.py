"""The follower's end of replication: one fetcher for each leader, with all partitions that follow it.

A fetch waits at the leader until there is something new, so a fetcher always has one under way. It names the partitions
that changed since the last one only (KIP-227). What fails is tried again after ``replica.fetch.backoff.ms``; a
partition that is fenced waits until the metadata tells of its new leader.
Source: Kafka's ``AbstractFetcherThread``, ``ReplicaFetcherThread``, ``FetchSessionHandler``; KIP-101, KIP-279, KIP-595.
"""

from __future__ import annotations

import functools
import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass

from kit.broker.clock import Clock
from kit.broker.config.configs import BrokerConfig
from kit.broker.metadata import NO_LEADER, TopicPartition
from kit.broker.network import Network
from kit.broker.partition import Partition
from kit.broker.replication.leader_offsets import LeaderOffsets, ask_leader_offsets
from kit.wire import messages as m
from kit.wire.errors import BrokerError, ErrorCode
from kit.wire.records import CorruptBatch

log = logging.getLogger(__name__)

FETCH = 1
_NEVER_SENT = 2**62
_SESSION_ERRORS = frozenset({ErrorCode.FETCH_SESSION_ID_NOT_FOUND, ErrorCode.INVALID_FETCH_SESSION_EPOCH})


@dataclass(frozen=True, slots=True)
class FetchSettings:
    """How a follower fetches: Kafka's settings ``replica.*``."""

    fetch_max_bytes: int
    fetch_response_max_bytes: int
    fetch_min_bytes: int
    fetch_wait_max_ms: int
    fetch_backoff_ms: int
    socket_timeout_ms: int

    @classmethod
    def of(cls, config: BrokerConfig) -> FetchSettings:
        """Those in force on a broker."""
        return cls(
            fetch_max_bytes=config["replica.fetch.max.bytes"],
            fetch_response_max_bytes=config["replica.fetch.response.max.bytes"],
            fetch_min_bytes=config["replica.fetch.min.bytes"],
            fetch_wait_max_ms=config["replica.fetch.wait.max.ms"],
            fetch_backoff_ms=config["replica.fetch.backoff.ms"],
            socket_timeout_ms=config["replica.socket.timeout.ms"],
        )


@dataclass(slots=True)
class FetcherOwner:
    """The broker whose partitions are fetched.

    Attributes:
        broker_epoch: of its registration, now; sent with each fetch (KIP-903).
        on_append: told how many bytes were appended.
        on_storage_error: told when a partition's disk refuses.
    """

    node_id: int
    clock: Clock
    network: Network
    broker_epoch: Callable[[], int]
    on_append: Callable[[int], None]
    on_storage_error: Callable[[Partition, BrokerError], None]
    settings: FetchSettings

    @property
    def timeout_ms(self) -> float:
        """After how long a request to a leader is taken for lost."""
        return self.settings.socket_timeout_ms + self.network.slack_ms


class _Following:
    """One partition that a fetcher copies, in one leader epoch.

    Attributes:
        offset: what was asked for last.
        sent_in: the session epoch of the last request that named it; answers to earlier ones are out of date.
    """

    __slots__ = ("leader_epoch", "offset", "partition", "sent_in")

    def __init__(self, partition: Partition) -> None:
        self.partition = partition
        self.leader_epoch = partition.leader_epoch
        self.offset = -1
        self.sent_in = _NEVER_SENT

    @property
    def key(self) -> tuple[uuid.UUID, int]:
        return self.partition.topic_id, self.partition.topic_partition.partition

    def to_message(self, max_bytes: int) -> m.FetchPartition:
        partition = self.partition
        self.offset = partition.log.log_end_offset
        return m.FetchPartition(
            partition=partition.topic_partition.partition,
            current_leader_epoch=self.leader_epoch,
            fetch_offset=self.offset,
            last_fetched_epoch=partition.log.latest_epoch,
            log_start_offset=partition.log.log_start_offset,
            partition_max_bytes=max_bytes,
            high_watermark=partition.high_watermark,
        )


class ReplicaFetcher:
    """Copies partitions from one leader."""

    def __init__(self, leader_id: int, owner: FetcherOwner) -> None:
        self._leader_id = leader_id
        self._owner = owner
        self._following: dict[tuple[uuid.UUID, int], _Following] = {}
        self._changed: dict[_Following, None] = {}  # to be named in the next request
        self._forgotten: dict[tuple[uuid.UUID, int], str] = {}  # by topic id and number, the topic's name
        self._session_id = 0
        self._session_epoch = 0  # of the next request
        self._session = object()  # a new one for each session, so that answers to an old one are recognised
        self._in_flight = 0
        self._is_due = False
        self._rests = False

    # -- what to copy --------------------------------------------------------------------------------------------

    def add(self, partition: Partition) -> None:
        """Copy a partition from the end of its log on."""
        following = _Following(partition)
        self._following[following.key] = following
        self._ask_for(following)

    def remove(self, partition: Partition) -> None:
        """Copy it no more; what is under way is thrown away."""
        key = (partition.topic_id, partition.topic_partition.partition)
        following = self._following.pop(key, None)
        if following is not None:
            self._leave_out(following)

    def _leave_out(self, following: _Following) -> None:
        self._changed.pop(following, None)
        if following.sent_in != _NEVER_SENT:
            self._forgotten[following.key] = following.partition.topic_partition.topic
            following.sent_in = _NEVER_SENT

    def _ask_for(self, following: _Following) -> None:
        """Name a partition in the next request, which is sent soon."""
        if self._following.get(following.key) is following:
            self._forgotten.pop(following.key, None)
            self._changed[following] = None
            self._send_soon()

    def close(self) -> None:
        """Copy nothing any more."""
        self._following.clear()
        self._changed.clear()
        self._session = object()
        self._rests = True

    # -- requests ------------------------------------------------------------------------------------------------

    def _send_soon(self) -> None:
        if not self._is_due:
            self._is_due = True
            self._owner.clock.call_soon(self._send_now)

    def _send_now(self) -> None:
        self._is_due = False
        self._send()

    def _send(self) -> None:
        """Send a fetch if there is something to say, or none is under way.

        The first one of a session has to be answered before there can be another.
        """
        if self._rests or not (self._changed or (self._following and not self._in_flight)):
            return
        if self._in_flight and not self._session_id:
            return
        settings, epoch = self._owner.settings, self._session_epoch
        request = m.FetchRequest(
            replica_state=m.FetchRequest.ReplicaState(
                replica_id=self._owner.node_id, replica_epoch=self._owner.broker_epoch()
            ),
            max_wait_ms=settings.fetch_wait_max_ms,
            min_bytes=settings.fetch_min_bytes,
            max_bytes=settings.fetch_response_max_bytes,
            session_id=self._session_id,
            session_epoch=epoch,
            topics=self._changed_topics(epoch),
            forgotten_topics_data=self._forgotten_topics() if self._forgotten else [],
        )
        self._session_epoch += 1
        self._in_flight += 1
        answer = self._owner.network.call(self._leader_id, FETCH, request, timeout_ms=self._owner.timeout_ms)
        answer.then(functools.partial(self._receive, self._session, epoch))

    def _changed_topics(self, epoch: int) -> list[m.FetchTopic]:
        topics: dict[uuid.UUID, m.FetchTopic] = {}
        max_bytes = self._owner.settings.fetch_max_bytes
        for following in self._changed:
            partition = following.partition
            topic = topics.get(partition.topic_id)
            if topic is None:
                topic = m.FetchTopic(topic=partition.topic_partition.topic, topic_id=partition.topic_id)
                topics[partition.topic_id] = topic
            topic.partitions.append(following.to_message(max_bytes))
            following.sent_in = epoch
        self._changed.clear()
        return list(topics.values())

    def _forgotten_topics(self) -> list[m.ForgottenTopic]:
        topics: dict[uuid.UUID, m.ForgottenTopic] = {}
        for (topic_id, index), name in self._forgotten.items():
            topics.setdefault(topic_id, m.ForgottenTopic(topic=name, topic_id=topic_id)).partitions.append(index)
        self._forgotten.clear()
        return list(topics.values())

    # -- answers -------------------------------------------------------------------------------------------------

    def _receive(self, session: object, epoch: int, response: m.FetchResponse | None) -> None:
        if session is not self._session:
            return
        self._in_flight -= 1
        if response is None:
            self._start_over(self._owner.settings.fetch_backoff_ms)
            return
        if response.error_code != ErrorCode.NONE:
            is_lost = response.error_code in _SESSION_ERRORS
            self._start_over(0 if is_lost else self._owner.settings.fetch_backoff_ms)
            return
        self._session_id = response.session_id
        for topic in response.responses:
            for data in topic.partitions:
                following = self._following.get((topic.topic_id, data.partition_index))
                if following is not None and following.sent_in <= epoch and following not in self._changed:
                    self._take_in(following, data)
        self._send()

    def _start_over(self, backoff_ms: int) -> None:
        """Begin a new session with everything; that also ends the one that the leader may still have."""
        self._session = object()
        self._session_id = self._session_epoch = self._in_flight = 0
        self._forgotten.clear()
        for following in self._following.values():
            if following.sent_in != _NEVER_SENT:  # else it rests, by itself
                following.sent_in = _NEVER_SENT
                self._changed[following] = None
        if backoff_ms:
            self._rests = True
        self._owner.clock.call_later(backoff_ms, functools.partial(self._resume, self._session))

    def _resume(self, session: object) -> None:
        if session is self._session:
            self._rests = False
            self._send()

    def _take_in(self, following: _Following, data: m.FetchResponse.PartitionData) -> None:
        partition = following.partition
        if data.error_code != ErrorCode.NONE:
            self._on_error(following, ErrorCode(data.error_code))
            return
        if following.offset != partition.log.log_end_offset:
            self._ask_for(following)
            return
        try:
            if data.diverging_epoch.end_offset >= 0:
                partition.truncate_to_epoch(data.diverging_epoch.epoch, data.diverging_epoch.end_offset)
            else:
                if data.records:
                    partition.append_as_follower(data.records, following.leader_epoch)
                    self._owner.on_append(len(data.records))
                partition.follow_offsets(data.high_watermark, data.log_start_offset)
        except BrokerError as error:
            self._fail(following, error)
        except CorruptBatch as error:
            log.error("%s: the leader sent a broken batch: %s", partition.topic_partition, error)
            self._rest(following)
        except ValueError as error:
            log.error("%s: cannot append what the leader sent: %s", partition.topic_partition, error)
            self._give_up(following)
        else:
            self._changed[following] = None

    def _on_error(self, following: _Following, code: ErrorCode) -> None:
        if code is ErrorCode.OFFSET_OUT_OF_RANGE:
            self._leave_out(following)
            asked = ask_leader_offsets(self._owner, self._leader_id, following.partition, following.leader_epoch)
            asked.then(functools.partial(self._find_place, following))
        elif code is ErrorCode.FENCED_LEADER_EPOCH:
            self._give_up(following)  # the leader is a newer one than we know of: the metadata will tell
        else:
            self._rest(following)

    def _find_place(self, following: _Following, offsets: LeaderOffsets | None) -> None:
        """Cut off what the leader does not have, or start where its log starts now."""
        if self._following.get(following.key) is not following:
            return
        partition = following.partition
        own_end = partition.log.log_end_offset
        try:
            if offsets is not None and offsets.end_offset < own_end:
                partition.truncate_to(offsets.end_offset)
            elif offsets is not None and offsets.start_offset > own_end:
                partition.start_over_at(offsets.start_offset)
            else:
                self._rest(following)
                return
        except BrokerError as error:
            self._fail(following, error)
            return
        self._ask_for(following)

    def _rest(self, following: _Following) -> None:
        self._leave_out(following)
        self._owner.clock.call_later(self._owner.settings.fetch_backoff_ms, functools.partial(self._ask_for, following))

    def _give_up(self, following: _Following) -> None:
        self._leave_out(following)
        self._following.pop(following.key, None)

    def _fail(self, following: _Following, error: BrokerError) -> None:
        self._give_up(following)
        self._owner.on_storage_error(following.partition, error)


class Fetchers:
    """A broker's fetchers, by leader."""

    def __init__(self, owner: FetcherOwner) -> None:
        self.owner = owner
        self._fetchers: dict[int, ReplicaFetcher] = {}
        self._leaders: dict[TopicPartition, tuple[int, int]] = {}  # whom each partition follows, in which epoch

    def follow(self, partition: Partition) -> None:
        """Copy a partition from its leader, if there is one; goes on as before when leader and epoch are the same."""
        wanted = (partition.leader_id, partition.leader_epoch)
        if self._leaders.get(partition.topic_partition) == wanted:
            return
        self.stop(partition)
        if partition.leader_id == NO_LEADER:
            return
        self._leaders[partition.topic_partition] = wanted
        fetcher = self._fetchers.get(partition.leader_id)
        if fetcher is None:
            fetcher = self._fetchers[partition.leader_id] = ReplicaFetcher(partition.leader_id, self.owner)
        fetcher.add(partition)

    def stop(self, partition: Partition) -> None:
        """Copy a partition no more."""
        leader_id, _ = self._leaders.pop(partition.topic_partition, (NO_LEADER, -1))
        if leader_id != NO_LEADER:
            self._fetchers[leader_id].remove(partition)

    def close(self) -> None:
        """Copy nothing any more."""
        for fetcher in self._fetchers.values():
            fetcher.close()
        self._leaders.clear()
