"""A simulated consumer's place in its group: finding the coordinator, joining, heartbeats, commits.

Source: Kafka's ``AbstractCoordinator`` and ``ConsumerCoordinator`` with the range assignor, so eagerly: everything is
given up before a rejoin.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kit.broker.metadata import TopicPartition
from kit.simulation.assignment import decode_assignment, encode_assignment, range_assign, subscription
from kit.simulation.links import Links
from kit.simulation.recorder import Recorder
from kit.wire import messages as m
from kit.wire.errors import ErrorCode

OFFSET_COMMIT, OFFSET_FETCH, FIND_COORDINATOR, JOIN_GROUP, HEARTBEAT, LEAVE_GROUP, SYNC_GROUP = 8, 9, 10, 11, 12, 13, 14
_VERSIONS = {
    OFFSET_COMMIT: 8, OFFSET_FETCH: 8, FIND_COORDINATOR: 4, JOIN_GROUP: 9, HEARTBEAT: 4, LEAVE_GROUP: 5, SYNC_GROUP: 5,
}  # fmt: skip
NO_GENERATION = -1
PROTOCOL = "range"

_COORDINATOR_GONE = {ErrorCode.NOT_COORDINATOR, ErrorCode.COORDINATOR_NOT_AVAILABLE, ErrorCode.NETWORK_EXCEPTION}
_MEMBER_GONE = {ErrorCode.UNKNOWN_MEMBER_ID, ErrorCode.ILLEGAL_GENERATION, ErrorCode.FENCED_INSTANCE_ID}


@dataclass(frozen=True, slots=True)
class GroupSettings:
    """A consumer's configuration, in Kafka's words; times in milliseconds."""

    group_id: str = "listeners"
    session_timeout_ms: int = 2_000
    heartbeat_interval_ms: int = 500
    rebalance_timeout_ms: int = 2_000
    request_timeout_ms: int = 1_500
    auto_commit_interval_ms: int = 300
    retry_backoff_ms: float = 50.0


@dataclass(frozen=True, slots=True)
class OffsetAndEpoch:
    """A position in a partition: the next offset, and the leader epoch of the record before it (-1 if not known)."""

    offset: int
    leader_epoch: int


class Membership:
    """One member of a group.

    Args:
        num_partitions: of each subscribed topic, as far as the client knows them.
        on_revoke: called before the member joins anew; it stops reading, and says what it has read.
        on_assign: called with the assigned partitions.
    """

    def __init__(
        self,
        links: Links,
        recorder: Recorder,
        bootstrap: Sequence[int],
        topics: Sequence[str],
        settings: GroupSettings,
        *,
        num_partitions: Callable[[], Mapping[str, int]],
        on_revoke: Callable[[], Mapping[TopicPartition, OffsetAndEpoch]],
        on_assign: Callable[[list[TopicPartition]], None],
    ) -> None:
        self._links = links
        self._clock = links.clock
        self._recorder = recorder
        self._bootstrap = list(bootstrap)
        self._topics = list(topics)
        self._settings = settings
        self._num_partitions = num_partitions
        self._on_revoke = on_revoke
        self._on_assign = on_assign
        self._coordinator: int | None = None
        self._member_id = ""
        self._generation_id = NO_GENERATION
        self._is_stable = False
        self._is_leaving = False
        self._last_heartbeat_ms = 0.0

    # -- requests to the coordinator -----------------------------------------------------------------------------

    def _call(self, api_key: int, request: Any, then: Callable[[Any], None], timeout_ms: float | None = None) -> None:
        """Send to the coordinator; ``then`` gets None when there was no answer, and nothing if there is none to ask."""
        if self._coordinator is None:
            self._clock.call_later(self._settings.retry_backoff_ms, lambda: then(None))
            return
        timeout_ms = timeout_ms or self._settings.request_timeout_ms
        answer = self._links.call(
            self._coordinator, api_key, _VERSIONS[api_key], request, timeout_ms, channel="coordinator"
        )
        answer.then(then)

    def _later(self, action: Callable[[], None]) -> None:
        self._clock.call_later(self._settings.retry_backoff_ms, action)

    def start(self) -> None:
        """Find the coordinator, then join; again and again until it works."""
        request = m.FindCoordinatorRequest(key_type=0, coordinator_keys=[self._settings.group_id])
        node_id = self._links.random.choice(self._bootstrap)
        self._links.call(
            node_id, FIND_COORDINATOR, _VERSIONS[FIND_COORDINATOR], request, self._settings.request_timeout_ms
        ).then(self._found)

    def _found(self, response: m.FindCoordinatorResponse | None) -> None:
        if self._is_leaving:
            return
        if response is None or response.coordinators[0].error_code:
            self._later(self.start)
            return
        self._coordinator = response.coordinators[0].node_id
        if self._is_stable:
            self._last_heartbeat_ms = self._clock.monotonic_ms()
            self._heartbeat()  # still a member, as far as it knows
        else:
            self._join()

    def _code(self, response: Any) -> ErrorCode:
        return ErrorCode.NETWORK_EXCEPTION if response is None else ErrorCode(response.error_code)

    def _handle(self, code: ErrorCode) -> None:
        """What every refusal of the coordinator means."""
        if self._is_leaving:
            return
        if code in _MEMBER_GONE:
            if code != ErrorCode.ILLEGAL_GENERATION:
                self._member_id = ""
            self._generation_id = NO_GENERATION
        if code in _COORDINATOR_GONE:
            self._coordinator = None
            self._later(self.start)
        elif code != ErrorCode.NONE:
            self._later(self._join)

    # -- joining -------------------------------------------------------------------------------------------------

    def _join(self) -> None:
        """Give up what is assigned, with a last commit, and ask to be in the next generation."""
        if self._is_leaving or self._coordinator is None:
            return
        if self._is_stable:
            self._is_stable = False
            offsets = self._on_revoke()
            self._recorder.assigned(self._links.name, [])
            if offsets and self._generation_id != NO_GENERATION:
                self.commit(offsets, lambda _: self._send_join())
                return
        self._send_join()

    def _send_join(self) -> None:
        request = m.JoinGroupRequest(
            group_id=self._settings.group_id,
            session_timeout_ms=self._settings.session_timeout_ms,
            rebalance_timeout_ms=self._settings.rebalance_timeout_ms,
            member_id=self._member_id,
            protocol_type="consumer",
            protocols=[m.JoinGroupRequestProtocol(name=PROTOCOL, metadata=subscription(self._topics))],
        )
        timeout_ms = self._settings.rebalance_timeout_ms + self._settings.request_timeout_ms
        self._call(JOIN_GROUP, request, self._joined, timeout_ms)

    def _joined(self, response: m.JoinGroupResponse | None) -> None:
        code = self._code(response)
        if self._is_leaving or response is None:
            self._handle(code)
            return
        if code == ErrorCode.MEMBER_ID_REQUIRED:
            self._member_id = response.member_id
            self._send_join()
            return
        if code != ErrorCode.NONE:
            self._handle(code)
            return
        self._member_id, self._generation_id = response.member_id, response.generation_id
        assignments = []
        if response.leader == self._member_id and not response.skip_assignment:
            plan = range_assign([each.member_id for each in response.members], self._num_partitions())
            assignments = [
                m.SyncGroupRequestAssignment(member_id=member, assignment=encode_assignment(partitions))
                for member, partitions in plan.items()
            ]
        request = m.SyncGroupRequest(
            group_id=self._settings.group_id,
            generation_id=self._generation_id,
            member_id=self._member_id,
            protocol_type="consumer",
            protocol_name=PROTOCOL,
            assignments=assignments,
        )
        self._call(SYNC_GROUP, request, self._synced, self._settings.rebalance_timeout_ms)

    def _synced(self, response: m.SyncGroupResponse | None) -> None:
        code = self._code(response)
        if code != ErrorCode.NONE or response is None or self._is_leaving:
            self._handle(code)
            return
        self._is_stable = True
        partitions = decode_assignment(bytes(response.assignment))
        self._recorder.note("generation", self._links.name, self._generation_id)
        self._recorder.assigned(self._links.name, partitions)
        self._on_assign(partitions)
        self._last_heartbeat_ms = self._clock.monotonic_ms()
        generation_id = self._generation_id
        self._clock.call_later(self._settings.heartbeat_interval_ms, lambda: self._heartbeat(generation_id))

    # -- heartbeats ----------------------------------------------------------------------------------------------

    def _heartbeat(self, generation_id: int | None = None) -> None:
        if generation_id is not None and generation_id != self._generation_id:
            return  # another generation has its own
        if self._is_leaving or not self._is_stable or self._coordinator is None:
            return
        if self._clock.monotonic_ms() - self._last_heartbeat_ms > self._settings.session_timeout_ms:
            self._handle(ErrorCode.NETWORK_EXCEPTION)
            return
        request = m.HeartbeatRequest(
            group_id=self._settings.group_id, generation_id=self._generation_id, member_id=self._member_id
        )
        self._call(HEARTBEAT, request, self._beaten)

    def _beaten(self, response: m.HeartbeatResponse | None) -> None:
        if not self._is_stable:
            return
        code = self._code(response)
        if code == ErrorCode.NONE:
            self._last_heartbeat_ms = self._clock.monotonic_ms()
            generation_id = self._generation_id
            self._clock.call_later(self._settings.heartbeat_interval_ms, lambda: self._heartbeat(generation_id))
        else:
            self._handle(code)

    # -- offsets -------------------------------------------------------------------------------------------------

    def commit(
        self, offsets: Mapping[TopicPartition, OffsetAndEpoch], then: Callable[[bool], None] | None = None
    ) -> None:
        """Commit positions; ``then`` is told whether all of them are committed."""
        operation = self._recorder.commit(self._links.name, {key: each.offset for key, each in offsets.items()})
        by_topic: dict[str, list[Any]] = {}
        for (topic, partition), position in sorted(offsets.items()):
            by_topic.setdefault(topic, []).append(
                m.OffsetCommitRequestPartition(
                    partition_index=partition,
                    committed_offset=position.offset,
                    committed_leader_epoch=position.leader_epoch,
                    committed_metadata="",
                )
            )
        request = m.OffsetCommitRequest(
            group_id=self._settings.group_id,
            generation_id_or_member_epoch=self._generation_id,
            member_id=self._member_id,
            topics=[m.OffsetCommitRequestTopic(name=name, partitions=each) for name, each in by_topic.items()],
        )

        def committed(response: m.OffsetCommitResponse | None) -> None:
            codes = {ErrorCode.NETWORK_EXCEPTION}
            if response is not None:
                codes = {ErrorCode(each.error_code) for topic in response.topics for each in topic.partitions}
            is_done = codes == {ErrorCode.NONE}
            if is_done:
                operation.acked()
            else:
                operation.unknown(min(codes).name)
            if then is not None:
                then(is_done)

        self._call(OFFSET_COMMIT, request, committed)

    def fetch_committed(
        self, partitions: Sequence[TopicPartition], then: Callable[[dict[TopicPartition, OffsetAndEpoch]], None]
    ) -> None:
        """Ask for the committed offsets until there is an answer or another generation; -1 stands for none."""
        generation_id = self._generation_id
        operation = self._recorder.ask_committed(self._links.name, partitions)
        by_topic: dict[str, list[int]] = {}
        for topic, partition in partitions:
            by_topic.setdefault(topic, []).append(partition)
        group = m.OffsetFetchRequestGroup(
            group_id=self._settings.group_id,
            topics=[m.OffsetFetchRequestTopics(name=name, partition_indexes=each) for name, each in by_topic.items()],
        )

        def fetched(response: m.OffsetFetchResponse | None) -> None:
            if self._generation_id != generation_id or not self._is_stable:
                return
            found = {} if response is None else _committed(response)
            if found is None or response is None:
                self._later(lambda: self.fetch_committed(partitions, then))
                return
            operation.answered({key: each.offset for key, each in found.items()})
            then(found)

        self._call(OFFSET_FETCH, m.OffsetFetchRequest(groups=[group], require_stable=True), fetched)

    def leave(self) -> None:
        """Say goodbye; nothing is sent after that."""
        if self._coordinator is not None and self._member_id:
            request = m.LeaveGroupRequest(
                group_id=self._settings.group_id, members=[m.MemberIdentity(member_id=self._member_id)]
            )
            self._call(LEAVE_GROUP, request, lambda _: None)
        self._is_leaving, self._is_stable = True, False


def _committed(response: m.OffsetFetchResponse) -> dict[TopicPartition, OffsetAndEpoch] | None:
    """What an answer says; None when it is a refusal."""
    found = {}
    for group in response.groups:
        if group.error_code:
            return None
        for topic in group.topics:
            for each in topic.partitions:
                if each.error_code:
                    return None
                key = TopicPartition(topic.name, each.partition_index)
                found[key] = OffsetAndEpoch(each.committed_offset, each.committed_leader_epoch)
    return found
