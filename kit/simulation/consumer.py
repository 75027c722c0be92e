"""A simulated consumer of a group: reads what it is assigned, checks its positions after an election, commits.

Source: Kafka's ``Fetcher``, ``SubscriptionState`` and ``OffsetsForLeaderEpochClient`` (KIP-320).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kit.broker.metadata import TopicPartition
from kit.simulation.links import Links
from kit.simulation.membership import GroupSettings, Membership, OffsetAndEpoch
from kit.simulation.metadata import ClientMetadata, LeaderAndEpoch
from kit.simulation.recorder import Recorder
from kit.wire import messages as m
from kit.wire.errors import ErrorCode
from kit.wire.records import iter_headers, read_records

_Api = tuple[int, int]  # key and version
FETCH: _Api = (1, 12)
LIST_OFFSETS: _Api = (2, 7)
OFFSET_FOR_LEADER_EPOCH: _Api = (23, 4)
EARLIEST = -2
FETCH_MAX_WAIT_MS = 500
ALL_BYTES = 2**31 - 1


class _Position:
    """Where the consumer is in one partition."""

    __slots__ = ("epoch", "fetching", "offset", "retry_at_ms", "validated_epoch")

    def __init__(self, committed: OffsetAndEpoch) -> None:
        self.offset = committed.offset  # -1: to be asked for
        self.epoch = committed.leader_epoch  # of the last record before the offset
        self.validated_epoch = -1  # the leader's epoch in which the position was held against its log
        self.fetching = False
        self.retry_at_ms = 0.0


class SimConsumer:
    """One consumer.

    Args:
        links: its connections; their name is its client id and its process in the history.
    """

    def __init__(
        self,
        links: Links,
        recorder: Recorder,
        bootstrap: Sequence[int],
        topics: Sequence[str],
        settings: GroupSettings,
    ) -> None:
        self._links = links
        self._clock = links.clock
        self._recorder = recorder
        self._topics = list(topics)
        self._settings = settings
        self._positions: dict[TopicPartition, _Position] = {}
        self._committed: dict[TopicPartition, int] = {}
        self._is_committing = False
        self._metadata = ClientMetadata(links, bootstrap, topics, self._metadata_is_here)
        self._membership = Membership(
            links,
            recorder,
            bootstrap,
            topics,
            settings,
            num_partitions=lambda: {topic: self._metadata.num_partitions(topic) for topic in self._topics},
            on_revoke=self._revoke,
            on_assign=self._assign,
        )
        self._has_started = False
        self._busy_nodes: set[int] = set()  # with a fetch under way
        self._metadata.refresh()
        self._clock.call_later(settings.auto_commit_interval_ms, self._commit_now_and_then)

    # -- life ----------------------------------------------------------------------------------------------------

    def crash(self) -> None:
        """Fall silent."""
        self._positions.clear()
        self._links.close()

    def close(self) -> None:
        """Commit, leave the group, and stop reading."""
        offsets = self._uncommitted()
        if offsets:
            self._membership.commit(offsets)
        self._membership.leave()
        self._positions.clear()

    def positions(self) -> dict[TopicPartition, int]:
        """The next offset of each assigned partition."""
        return {key: position.offset for key, position in self._positions.items()}

    # -- the group's side ----------------------------------------------------------------------------------------

    def _metadata_is_here(self) -> None:
        if not self._has_started and all(self._metadata.num_partitions(topic) for topic in self._topics):
            self._has_started = True
            self._membership.start()
        self._go_on()

    def _revoke(self) -> dict[TopicPartition, OffsetAndEpoch]:
        offsets = self._uncommitted()
        self._positions.clear()
        return offsets

    def _assign(self, partitions: list[TopicPartition]) -> None:
        self._positions.clear()
        self._committed.clear()
        if partitions:
            self._membership.fetch_committed(partitions, self._begin)

    def _begin(self, committed: Mapping[TopicPartition, OffsetAndEpoch]) -> None:
        for key, position in committed.items():
            self._positions[key] = _Position(position)
            self._metadata.has_seen(key, position.leader_epoch)
            if position.offset >= 0:
                self._committed[key] = position.offset
                self._recorder.seek(self._links.name, key, position.offset)
        self._go_on()

    def _uncommitted(self) -> dict[TopicPartition, OffsetAndEpoch]:
        return {
            key: OffsetAndEpoch(position.offset, position.epoch)
            for key, position in self._positions.items()
            if position.offset >= 0 and position.offset != self._committed.get(key, -1)
        }

    def _commit_now_and_then(self) -> None:
        if self._links.is_closed:
            return
        self._clock.call_later(self._settings.auto_commit_interval_ms, self._commit_now_and_then)
        offsets = self._uncommitted()
        if not offsets or self._is_committing:
            return
        self._is_committing = True

        def committed(is_done: bool) -> None:
            self._is_committing = False
            if is_done:
                self._committed.update((key, each.offset) for key, each in offsets.items())

        self._membership.commit(offsets, committed)

    # -- what is to be done with each partition ---------------------------------------------------------------------

    def _go_on(self) -> None:
        """Ask for positions, validate them, and fetch, each where it is due and nothing is under way."""
        now_ms = self._clock.monotonic_ms()
        to_fetch: dict[int, list[tuple[TopicPartition, _Position, LeaderAndEpoch]]] = {}
        for key, position in self._positions.items():
            if position.fetching or position.retry_at_ms > now_ms:
                continue
            leader = self._metadata.leader(key)
            if leader is None:
                self._metadata.refresh()
            elif position.offset < 0:
                self._list_offsets(key, position, leader)
            elif position.validated_epoch < leader.leader_epoch and position.epoch >= 0:
                self._validate(key, position, leader)
            else:
                position.validated_epoch = leader.leader_epoch
                to_fetch.setdefault(leader.leader, []).append((key, position, leader))
        for node_id, wanted in to_fetch.items():
            if node_id not in self._busy_nodes:
                self._fetch(node_id, wanted)

    def _ask(
        self,
        node_id: int,
        api: _Api,
        request: Any,
        asked: Mapping[TopicPartition, _Position],
        then: Callable[[Any], None],
    ) -> None:
        """Send a request about partitions; when the answer comes, those that are still the same are free again."""
        for position in asked.values():
            position.fetching = True
        if api == FETCH:
            self._busy_nodes.add(node_id)

        def answered(response: Any) -> None:
            if api == FETCH:
                self._busy_nodes.discard(node_id)
            for position in asked.values():
                position.fetching = False
            if response is None:
                for key, position in asked.items():
                    self._try_again(key, position)
            else:
                then(response)
            self._go_on()

        timeout_ms = FETCH_MAX_WAIT_MS + self._settings.request_timeout_ms
        self._links.call(node_id, *api, request, timeout_ms, channel="fetch").then(answered)

    def _is_mine(self, key: TopicPartition, position: _Position) -> bool:
        return self._positions.get(key) is position

    def _try_again(self, key: TopicPartition, position: _Position) -> None:
        """After a while, and with fresh metadata."""
        if not self._is_mine(key, position):
            return
        position.retry_at_ms = self._clock.monotonic_ms() + self._settings.retry_backoff_ms
        self._clock.call_later(self._settings.retry_backoff_ms + 0.1, self._go_on)
        self._metadata.refresh()

    def _list_offsets(self, key: TopicPartition, position: _Position, leader: LeaderAndEpoch) -> None:
        """Nothing is committed: begin with the first record there is."""
        asked = m.ListOffsetsPartition(
            partition_index=key.partition, current_leader_epoch=leader.leader_epoch, timestamp=EARLIEST
        )
        request = m.ListOffsetsRequest(
            replica_id=-1, topics=[m.ListOffsetsTopic(name=key.topic, partitions=[asked])], timeout_ms=1_000
        )

        def answered(response: m.ListOffsetsResponse) -> None:
            answer = response.topics[0].partitions[0]
            if answer.error_code or not self._is_mine(key, position):
                self._try_again(key, position)
                return
            position.offset, position.epoch = answer.offset, -1
            self._recorder.seek(self._links.name, key, answer.offset)

        self._ask(leader.leader, LIST_OFFSETS, request, {key: position}, answered)

    def _validate(self, key: TopicPartition, position: _Position, leader: LeaderAndEpoch) -> None:
        """Ask the new leader where the epoch of the last record ended: who has read further has read what is gone."""
        asked = m.OffsetForLeaderPartition(
            partition=key.partition, current_leader_epoch=leader.leader_epoch, leader_epoch=position.epoch
        )
        request = m.OffsetForLeaderEpochRequest(
            replica_id=-1, topics=[m.OffsetForLeaderTopic(topic=key.topic, partitions=[asked])]
        )

        def answered(response: m.OffsetForLeaderEpochResponse) -> None:
            answer = response.topics[0].partitions[0]
            if answer.error_code or not self._is_mine(key, position):
                self._try_again(key, position)
                return
            position.validated_epoch = leader.leader_epoch
            if answer.end_offset < position.offset or answer.leader_epoch < position.epoch:
                end_offset = max(0, min(answer.end_offset, position.offset))
                self._recorder.truncated(self._links.name, key, position.offset, end_offset)
                self._recorder.seek(self._links.name, key, end_offset)
                position.offset, position.epoch = end_offset, answer.leader_epoch

        self._ask(leader.leader, OFFSET_FOR_LEADER_EPOCH, request, {key: position}, answered)

    # -- fetching ------------------------------------------------------------------------------------------------

    def _fetch(self, node_id: int, wanted: list[tuple[TopicPartition, _Position, LeaderAndEpoch]]) -> None:
        by_topic: dict[str, list[m.FetchPartition]] = {}
        for key, position, leader in wanted:
            by_topic.setdefault(key.topic, []).append(
                m.FetchPartition(
                    partition=key.partition,
                    current_leader_epoch=leader.leader_epoch,
                    fetch_offset=position.offset,
                    partition_max_bytes=ALL_BYTES,
                )
            )
        request = m.FetchRequest(
            max_wait_ms=FETCH_MAX_WAIT_MS,
            min_bytes=1,
            topics=[m.FetchTopic(topic=topic, partitions=partitions) for topic, partitions in by_topic.items()],
        )
        asked = {key: position for key, position, _ in wanted}

        def answered(response: m.FetchResponse) -> None:
            records: list[tuple[str, int, int, bytes | None, bytes | None]] = []
            for topic in response.responses:
                for answer in topic.partitions:
                    key = TopicPartition(topic.topic, answer.partition_index)
                    if self._is_mine(key, asked[key]):
                        self._take(key, asked[key], answer, records)
            if records:
                self._recorder.poll(self._links.name, records)

        self._ask(node_id, FETCH, request, asked, answered)

    def _take(
        self,
        key: TopicPartition,
        position: _Position,
        answer: m.FetchResponse.PartitionData,
        records: list[tuple[str, int, int, bytes | None, bytes | None]],
    ) -> None:
        code = ErrorCode(answer.error_code)
        if code == ErrorCode.OFFSET_OUT_OF_RANGE:
            self._recorder.find(
                "offset-out-of-range", f"{key}: {self._links.name} was refused its own position {position.offset}"
            )
            position.offset, position.epoch = -1, -1  # auto.offset.reset=earliest
            return
        if code != ErrorCode.NONE:
            self._try_again(key, position)
            return
        data = answer.records or b""
        for start, header in iter_headers(data):
            records += [
                (key.topic, key.partition, record.offset, record.key, record.value)
                for record in read_records(data, start)
                if record.offset >= position.offset
            ]
            position.offset = max(position.offset, header.next_offset)
            position.epoch = header.partition_leader_epoch
