"""Fetch, v4-18: read batches; wait for them when there are too few.

Behaviour: answers at once when ``min_bytes`` are there, on an error, when ``max_wait_ms`` is 0, or when the reader is
behind in an older segment; else it waits on every asked partition. The first batch of an answer is sent even if it is
larger than the limits (KIP-74). Consumers read below the high watermark, from version 11 on also from a follower; with
``replica.selector.class`` a leader sends them to a replica in their rack (KIP-392). Without transactions the last
stable offset is the high watermark, so both isolation levels read the same. Followers fetch through
`handle_replica_fetch`; on the listener of clients nobody is a replica.
Version notes: 7 brought fetch sessions (KIP-227): clients are granted none (session_id 0), which the protocol allows
and every client handles by asking in full. 10 brought zstd (KIP-110), 12 the last fetched epoch (KIP-595), 13 topic ids
(KIP-516), 16 names the new leader (KIP-951), 18 says which high watermark the follower knows (KIP-1166).
Left out: diverging epochs for consumers, which ask OffsetForLeaderEpoch instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kit.broker.config.broker_settings import RACK_AWARE
from kit.broker.deferred import Deferred
from kit.broker.handlers import handles
from kit.broker.handlers.current_leader import ASKED_THE_WRONG_ONE, CurrentLeaders
from kit.broker.replication.read_replicas import READ_FROM_LEADER, preferred_read_replica
from kit.wire import messages as m
from kit.wire.errors import BrokerError, ErrorCode

if TYPE_CHECKING:
    from kit.broker.broker import Broker, RequestContext
    from kit.broker.partition import Partition

INTERNAL_LISTENER = "INTERNAL"
FOLLOWER_READS_FROM = 11
TOPIC_IDS_FROM = 13
CURRENT_LEADER_FROM = 16
ZSTD_FROM = 10
NO_SESSION = 0
FULL_FETCH_EPOCHS = (0, -1)  # a new session is wanted; none is wanted, and one that the client has ends
READ_COMMITTED = 1
EMPTY = b""

FetchAnswer = m.FetchResponse | Deferred[m.FetchResponse]


@handles(1, 4, 18)
def handle(broker: Broker, request: m.FetchRequest, context: RequestContext) -> FetchAnswer:
    if request.replica_id >= 0 or request.replica_state.replica_id >= 0:
        if context.peer.listener == INTERNAL_LISTENER:
            return handle_replica_fetch(broker, request, context)
        return m.FetchResponse(error_code=ErrorCode.CLUSTER_AUTHORIZATION_FAILED, session_id=NO_SESSION, responses=[])
    if request.session_epoch not in FULL_FETCH_EPOCHS:
        return m.FetchResponse(error_code=ErrorCode.FETCH_SESSION_ID_NOT_FOUND, session_id=NO_SESSION, responses=[])
    fetch = _Fetch(broker, request, context)
    response = fetch.read()
    if fetch.is_enough() or request.max_wait_ms <= 0:
        return response
    return fetch.wait()


def handle_replica_fetch(broker: Broker, request: m.FetchRequest, context: RequestContext) -> FetchAnswer:
    """Serve a follower; only for requests that came from another node of the cluster."""
    replica_id = request.replica_state.replica_id
    return broker.replicas.fetch_sessions.handle(request.replica_id if replica_id < 0 else replica_id, request)


class _Fetch:
    """One fetch request under way."""

    def __init__(self, broker: Broker, request: m.FetchRequest, context: RequestContext) -> None:
        api_version = context.api_version
        self._broker = broker
        self._request = request
        self._by_id = api_version >= TOPIC_IDS_FROM
        self._knows_zstd = api_version >= ZSTD_FROM
        self._leader_only = api_version < FOLLOWER_READS_FROM
        self._sends_away = bool(request.rack_id) and broker.config["replica.selector.class"] == RACK_AWARE
        self._leaders: CurrentLeaders | None = None
        if api_version >= CURRENT_LEADER_FROM:
            self._leaders = CurrentLeaders(broker.image, m.FetchResponse, context.peer.listener)
        self._max_bytes: int = min(request.max_bytes, broker.config["fetch.max.bytes"])
        self._min_bytes = min(request.min_bytes, self._max_bytes)
        self._aborted_transactions: list[Any] | None = [] if request.isolation_level == READ_COMMITTED else None
        self._size_bytes = 0
        self._is_urgent = not request.topics
        self._partitions: list[Partition] = []
        self._answer: Deferred[m.FetchResponse] = Deferred()

    def is_enough(self) -> bool:
        """Whether the last `read` may be sent without waiting."""
        return self._is_urgent or self._size_bytes >= self._min_bytes

    def read(self) -> m.FetchResponse:
        """Read every asked partition as of now, within the request's limits."""
        self._size_bytes = 0
        self._partitions.clear()
        responses = []
        for topic in self._request.topics:
            name: str | None = topic.topic
            if self._by_id:
                state = self._broker.image.topic_by_id(topic.topic_id)
                name = None if state is None else state.name
            answers = [self._read_partition(name, asked) for asked in topic.partitions]
            responses.append(m.FetchableTopicResponse(topic=topic.topic, topic_id=topic.topic_id, partitions=answers))
        endpoints = [] if self._leaders is None else self._leaders.endpoints()
        return m.FetchResponse(session_id=NO_SESSION, responses=responses, node_endpoints=endpoints)

    def _read_partition(self, topic: str | None, asked: m.FetchPartition) -> m.FetchResponse.PartitionData:
        try:
            if topic is None:
                raise BrokerError(ErrorCode.UNKNOWN_TOPIC_ID)
            partition = self._broker.replicas.find(topic, asked.partition, leader_only=self._leader_only)
            partition.check_epoch(asked.current_leader_epoch)
            if not self._knows_zstd and partition.stores_zstd:
                raise BrokerError(ErrorCode.UNSUPPORTED_COMPRESSION_TYPE)
            elsewhere = self._find_read_replica(partition, asked.fetch_offset)
            left_bytes = self._max_bytes - self._size_bytes
            found = None
            if elsewhere == READ_FROM_LEADER and (left_bytes > 0 or self._size_bytes == 0):
                limit_bytes = min(asked.partition_max_bytes, left_bytes)
                found = partition.read(asked.fetch_offset, limit_bytes, min_one_batch=self._size_bytes == 0)
        except BrokerError as error:
            return self._refuse(topic, asked.partition, error.code)
        self._partitions.append(partition)
        if found is not None:
            self._size_bytes += found.size_bytes
            if asked.fetch_offset < partition.log.active_base_offset:
                self._is_urgent = True  # it is behind: what is to come is in another segment and in another answer
        return m.FetchResponse.PartitionData(
            partition_index=asked.partition,
            high_watermark=partition.high_watermark,
            last_stable_offset=partition.high_watermark,
            log_start_offset=partition.log.log_start_offset,
            aborted_transactions=self._aborted_transactions,
            preferred_read_replica=elsewhere,
            records=EMPTY if found is None else found,
        )

    def _find_read_replica(self, partition: Partition, fetch_offset: int) -> int:
        if not self._sends_away or self._leader_only:
            return READ_FROM_LEADER
        found = preferred_read_replica(self._broker.replicas.context, partition, self._request.rack_id, fetch_offset)
        if found != READ_FROM_LEADER:
            self._is_urgent = True
        return found

    def _refuse(self, topic: str | None, index: int, code: ErrorCode) -> m.FetchResponse.PartitionData:
        self._is_urgent = True
        answer = m.FetchResponse.PartitionData(
            partition_index=index,
            error_code=code,
            high_watermark=-1,
            last_stable_offset=-1,
            log_start_offset=-1,
            records=EMPTY,
        )
        if topic is not None and self._leaders is not None and code in ASKED_THE_WRONG_ONE:
            self._leaders.add(answer, topic, index)
        return answer

    def wait(self) -> Deferred[m.FetchResponse]:
        """Answer when enough has come, when something failed, or after max_wait_ms."""
        watched = list(self._partitions)

        def finish() -> None:
            timer.cancel()
            for partition in watched:
                partition.remove_waiter(look_again)

        def look_again() -> None:
            response = self.read()
            if self.is_enough():
                finish()
                self._answer.resolve(response)

        def time_is_up() -> None:
            finish()
            self._answer.resolve(self.read())

        timer = self._broker.clock.call_later(self._request.max_wait_ms, time_is_up)
        for partition in watched:
            partition.add_waiter(look_again)
        return self._answer
