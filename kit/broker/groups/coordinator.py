"""The group coordinator of one broker: finds the shard that a group lives in and asks it.

The methods take a request message and give the response of the newest version; handlers fit it to older ones. Errors
of a whole request, such as NOT_COORDINATOR, are put where the API has its place for them.
Source: Kafka's ``GroupCoordinatorService``.
"""

from __future__ import annotations

import functools
import logging
import uuid
from collections.abc import Callable, Iterable
from typing import TypeVar

from kit.broker.clock import Clock
from kit.broker.deadline import Deadline
from kit.broker.deferred import Deferred
from kit.broker.groups import commits, listing, membership, rebalance
from kit.broker.groups.config import GroupConfig
from kit.broker.groups.group import Group, GroupState
from kit.broker.groups.join import Join
from kit.broker.groups.offset_requests import OffsetRequests
from kit.broker.groups.records import Change, GroupChange, OffsetChange
from kit.broker.groups.shard import OffsetsLog, Requester, Shard
from kit.broker.metadata import CONSUMER_OFFSETS_TOPIC, MetadataImage
from kit.wire import codec
from kit.wire import messages as m
from kit.wire.errors import BrokerError, ErrorCode
from kit.wire.records import CorruptBatch

_log = logging.getLogger(__name__)
T = TypeVar("T")

_JAVA_INT_MIN = -(2**31)


def partition_for(group_id: str, num_partitions: int) -> int:
    """The ``__consumer_offsets`` partition of a group: Java's ``String.hashCode`` modulo the partition count.

    Source: ``GroupCoordinatorService.partitionFor``, ``Utils.abs`` (which makes the one int without a positive 0).
    """
    utf16 = group_id.encode("utf-16-be")
    value = 0
    for position in range(0, len(utf16), 2):
        value = (31 * value + int.from_bytes(utf16[position : position + 2])) & 0xFFFF_FFFF
    signed = value - 2**32 if value >= 2**31 else value
    return 0 if signed == _JAVA_INT_MIN else abs(signed) % num_partitions


def _resolved(value: T) -> Deferred[T]:
    answer: Deferred[T] = Deferred()
    answer.resolve(value)
    return answer


class GroupCoordinator:
    """Answers the group APIs for the groups whose ``__consumer_offsets`` partition this broker leads.

    Args:
        config: limits and timers.
        log: this broker's share of ``__consumer_offsets``.
        topics: what topics and partitions there are.
        new_id: makes the random part of a member_id; another one makes a test repeatable.
    """

    def __init__(
        self,
        *,
        config: GroupConfig,
        clock: Clock,
        log: OffsetsLog,
        topics: MetadataImage,
        new_id: Callable[[], str] = lambda: str(uuid.uuid4()),
    ) -> None:
        self.config = config
        self._clock = clock
        self._offsets_log = log
        self._new_id = new_id
        self._shards: dict[int, Shard] = {}
        self._offset_requests = OffsetRequests(self.shard_of, topics)
        self._sweep = Deadline(clock, self._expire_offsets)

    # -- which groups are ours -----------------------------------------------------------------------------------

    def partition_for(self, group_id: str) -> int:
        """The partition of ``__consumer_offsets`` that a group lives in; its leader is the group's coordinator."""
        return partition_for(group_id, self._offsets_log.num_partitions)

    def shard_of(self, group_id: str) -> Shard:
        """Where a group lives.

        Raises:
            BrokerError: NOT_COORDINATOR when another broker has it, COORDINATOR_LOAD_IN_PROGRESS while its log is read.
        """
        partition = self.partition_for(group_id)
        shard = self._shards.get(partition)
        if shard is None or not self._offsets_log.leads(partition):
            raise BrokerError(ErrorCode.NOT_COORDINATOR)
        if shard.loading:
            raise BrokerError(ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)
        return shard

    def on_elected(self, partition: int, leader_epoch: int, batches: Iterable[bytes | bytearray | memoryview]) -> None:
        """This broker leads a partition of ``__consumer_offsets`` now: become what its log says.

        Members of stable groups find them as they were; their session timers start anew. Told again of an epoch that
        is loaded already, it does nothing.
        """
        current = self._shards.get(partition)
        if current is not None and current.leader_epoch == leader_epoch:
            return
        self.on_resigned(partition)
        shard = Shard(
            partition,
            leader_epoch,
            config=self.config,
            clock=self._clock,
            log=self._offsets_log,
            new_id=self._new_id,
        )
        self._shards[partition] = shard
        try:
            shard.load(batches)
        except (CorruptBatch, codec.DecodeError) as error:
            del self._shards[partition]
            _log.error(
                "%s-%d cannot be read, so its groups have no coordinator: %s. Delete the topic %s to start afresh "
                "(committed offsets are lost)",
                CONSUMER_OFFSETS_TOPIC,
                partition,
                error,
                CONSUMER_OFFSETS_TOPIC,
            )
            return
        with shard.turn():
            self._resume(shard)
        if not self._sweep.is_set:
            self._sweep.set(self.config.offsets_retention_check_interval_ms)

    def _resume(self, shard: Shard) -> None:
        for group in list(shard.groups.values()):
            for member in group.members.values():
                rebalance.start_session(shard, group, member)
            if len(group.members) > self.config.max_size:
                rebalance.prepare(shard, group, f"it has more members than group.max.size={self.config.max_size}")

    def on_resigned(self, partition: int) -> None:
        """Another broker leads the partition now: forget its groups; whoever waits is told NOT_COORDINATOR."""
        shard = self._shards.pop(partition, None)
        if shard is not None:
            shard.close()

    def num_groups(self, partition: int) -> int:
        """How many groups this broker coordinates in a partition of ``__consumer_offsets``."""
        shard = self._shards.get(partition)
        return 0 if shard is None else len(shard.groups)

    def on_topics_deleted(self, topics: Iterable[str]) -> None:
        """Delete the offsets committed for topics that are no more."""
        gone = frozenset(topics)
        for shard in list(self._shards.values()):
            tombstones = [OffsetChange(key, None) for key in shard.offsets.of_topics(gone)]
            if tombstones:
                shard.write(tombstones, lambda _: None)

    def close(self) -> None:
        """Stop every timer and forget every group."""
        self._sweep.cancel()
        for partition in list(self._shards):
            self.on_resigned(partition)

    # -- membership ----------------------------------------------------------------------------------------------

    def join_group(self, request: m.JoinGroupRequest, requester: Requester) -> Deferred[m.JoinGroupResponse]:
        """Let a member in; the answer comes when the rebalance it causes has all members together."""
        try:
            self._check_group_id(request.group_id)
            low, high = self.config.min_session_timeout_ms, self.config.max_session_timeout_ms
            if not low <= request.session_timeout_ms <= high:
                raise BrokerError(ErrorCode.INVALID_SESSION_TIMEOUT)
            shard = self.shard_of(request.group_id)
        except BrokerError as error:
            return _resolved(m.JoinGroupResponse(error_code=error.code))
        with shard.turn():
            return Join(shard, request, requester).run()

    def sync_group(self, request: m.SyncGroupRequest) -> Deferred[m.SyncGroupResponse]:
        """Give a member its assignment; the answer comes when the leader has sent it and it is stored."""
        try:
            self._check_group_id(request.group_id)
            shard = self.shard_of(request.group_id)
            with shard.turn():
                return membership.sync_group(shard, request)
        except BrokerError as error:
            return _resolved(m.SyncGroupResponse(error_code=error.code))

    def heartbeat(self, request: m.HeartbeatRequest) -> m.HeartbeatResponse:
        """Keep a member's session alive and tell it of a rebalance."""
        try:
            self._check_group_id(request.group_id)
            shard = self.shard_of(request.group_id)
            with shard.turn():
                membership.heartbeat(shard, request)
        except BrokerError as error:
            # While the group is loaded nobody knows better than the member itself that it is one.
            loading = error.code is ErrorCode.COORDINATOR_LOAD_IN_PROGRESS
            return m.HeartbeatResponse(error_code=ErrorCode.NONE if loading else error.code)
        return m.HeartbeatResponse()

    def leave_group(self, request: m.LeaveGroupRequest) -> m.LeaveGroupResponse:
        """Let the members named in ``request.members`` go."""
        try:
            self._check_group_id(request.group_id)
            shard = self.shard_of(request.group_id)
            with shard.turn():
                members = membership.leave_group(shard, request.group_id, request.members)
        except BrokerError as error:
            if error.code is not ErrorCode.UNKNOWN_MEMBER_ID:
                return m.LeaveGroupResponse(error_code=error.code)
            members = [
                m.MemberResponse(
                    member_id=each.member_id, group_instance_id=each.group_instance_id, error_code=error.code
                )
                for each in request.members
            ]
        return m.LeaveGroupResponse(members=members)

    @staticmethod
    def _check_group_id(group_id: str) -> None:
        """Only offsets may be kept under an empty group id, as old simple consumers do."""
        if not group_id:
            raise BrokerError(ErrorCode.INVALID_GROUP_ID)

    # -- offsets -------------------------------------------------------------------------------------------------

    def offset_commit(self, request: m.OffsetCommitRequest, requester: Requester) -> Deferred[m.OffsetCommitResponse]:
        """Commit offsets; the answer comes when they are in the log to stay."""
        return self._offset_requests.commit(request, requester.api_version)

    def offset_fetch(self, group: m.OffsetFetchRequestGroup, requester: Requester) -> m.OffsetFetchResponseGroup:
        """What one group has committed; ``topics`` None asks for everything."""
        return self._offset_requests.fetch(group, requester.api_version)

    def offset_delete(self, request: m.OffsetDeleteRequest) -> Deferred[m.OffsetDeleteResponse]:
        """Delete committed offsets of topics that the group does not read."""
        return self._offset_requests.delete(request)

    def _expire_offsets(self) -> None:
        for shard in list(self._shards.values()):
            with shard.turn():
                for group in list(shard.groups.values()):
                    tombstones = commits.expired_changes(shard, group)
                    if tombstones:
                        _log.info("group %s: %d expired records deleted", group.group_id, len(tombstones))
                        self._write_tombstones(shard, group, tombstones)
        self._sweep.set(self.config.offsets_retention_check_interval_ms)

    @staticmethod
    def _write_tombstones(shard: Shard, group: Group, tombstones: list[Change]) -> Deferred[ErrorCode]:
        """Write the end of offsets, and of the group if its own tombstone is among them."""
        done: Deferred[ErrorCode] = Deferred()

        def written(code: ErrorCode) -> None:
            ends_group = any(isinstance(tombstone, GroupChange) for tombstone in tombstones)
            if code is ErrorCode.NONE and ends_group:
                commits.forget_group(shard, group)
            done.resolve(code)

        shard.write(tombstones, written)
        return done

    # -- administration ------------------------------------------------------------------------------------------

    def list_groups(self, request: m.ListGroupsRequest) -> m.ListGroupsResponse:
        """The groups that this broker coordinates, filtered by state and type."""
        if any(shard.loading for shard in self._shards.values()):
            return m.ListGroupsResponse(error_code=ErrorCode.COORDINATOR_LOAD_IN_PROGRESS)
        groups = [
            listed
            for shard in self._shards.values()
            for listed in listing.list_groups(shard, request.states_filter, request.types_filter)
        ]
        return m.ListGroupsResponse(groups=groups)

    def describe_groups(self, request: m.DescribeGroupsRequest, requester: Requester) -> m.DescribeGroupsResponse:
        """The groups asked for, each once and with its own error code, with their members."""
        described = []
        for group_id in dict.fromkeys(request.groups):
            try:
                shard = self.shard_of(group_id)
            except BrokerError as error:
                described.append(m.DescribeGroupsResponse.DescribedGroup(group_id=group_id, error_code=error.code))
                continue
            operations = request.include_authorized_operations
            described.append(listing.describe_group(shard, group_id, requester.api_version, operations))
        return m.DescribeGroupsResponse(groups=described)

    def delete_groups(self, request: m.DeleteGroupsRequest) -> Deferred[m.DeleteGroupsResponse]:
        """Delete empty groups with all they have committed; the answer comes when every tombstone is in the log."""
        response = m.DeleteGroupsResponse(results=[])
        done: Deferred[m.DeleteGroupsResponse] = Deferred()
        waiting_for = len(request.groups_names)

        def finish(result: m.DeletableGroupResult, code: ErrorCode) -> None:
            nonlocal waiting_for
            result.error_code = code
            waiting_for -= 1
            if not waiting_for:
                done.resolve(response)

        for group_id in request.groups_names:
            result = m.DeletableGroupResult(group_id=group_id)
            response.results.append(result)
            self._delete_group(group_id).then(functools.partial(finish, result))
        if not request.groups_names:
            done.resolve(response)
        return done

    def _delete_group(self, group_id: str) -> Deferred[ErrorCode]:
        try:
            shard = self.shard_of(group_id)
            group = shard.group(group_id, ErrorCode.GROUP_ID_NOT_FOUND)
            if group.state is not GroupState.EMPTY:
                raise BrokerError(ErrorCode.NON_EMPTY_GROUP)
        except BrokerError as error:
            return _resolved(error.code)
        return self._write_tombstones(shard, group, commits.delete_group_changes(shard, group))
