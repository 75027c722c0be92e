"""A coordinator on a virtual clock with a log in memory, and short ways to send it requests."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from kit.broker.clock import VirtualClock
from kit.broker.deferred import Deferred
from kit.broker.groups import GroupConfig, GroupCoordinator
from kit.broker.metadata import MetadataImage
from kit.wire import messages as m
from kit.wire.errors import ErrorCode

PARTITIONS = 4
TOPIC_ID = uuid.UUID(int=7)


def subscription(*topics: str) -> bytes:
    """A consumer's metadata, version 0: the topics it wants."""
    names = b"".join(len(topic).to_bytes(2) + topic.encode() for topic in topics)
    return b"\0\0" + len(topics).to_bytes(4) + names + b"\xff\xff\xff\xff"


class MemoryLog:
    """``__consumer_offsets`` in lists of batches.

    ``hold`` keeps appended batches uncommitted until `release`; ``refuse`` is the error that every append gets.
    """

    num_partitions = PARTITIONS

    def __init__(self) -> None:
        self.batches: list[list[bytes]] = [[] for _ in range(PARTITIONS)]
        self.led = set(range(PARTITIONS))
        self.hold = False
        self.refuse: ErrorCode | None = None
        self._held: list[tuple[int, Deferred[ErrorCode]]] = []

    def leads(self, partition: int) -> bool:
        """Whether this broker leads the partition."""
        return partition in self.led

    def append(self, partition: int, batch: bytearray) -> Deferred[ErrorCode]:
        """Store a batch; commit it unless told to hold or to refuse."""
        done: Deferred[ErrorCode] = Deferred()
        if self.refuse is not None:
            done.resolve(self.refuse)
            return done
        self.batches[partition].append(bytes(batch))
        if self.hold:
            self._held.append((partition, done))
        else:
            done.resolve(ErrorCode.NONE)
        return done

    def release(self, code: ErrorCode = ErrorCode.NONE) -> None:
        """Commit what was held back, or answer it with an error."""
        held, self._held, self.hold = self._held, [], False
        for _, done in held:
            done.resolve(code)

    def truncate(self) -> None:
        """Lose what was held back: the next leader of the partitions never had it."""
        for partition, _ in self._held:
            self.batches[partition].pop()
        self._held.clear()
        self.hold = False


@dataclass
class Client:
    """Who asks."""

    api_version: int = 9
    client_id: str | None = "client"
    client_host: str = "127.0.0.1"


class Lab:
    """The coordinator of one broker that leads every partition, and one topic, "listens", with three partitions."""

    def __init__(self, **config: int) -> None:
        self.clock = VirtualClock()
        self.log = MemoryLog()
        self.topics = MetadataImage()
        self.add_topic("listens", TOPIC_ID)
        self.config = GroupConfig(**{"initial_rebalance_delay_ms": 0, **config})
        self._ids = itertools.count(1)
        self.epoch = 0
        self.coordinator = self.new_coordinator()

    def add_topic(self, name: str, topic_id: uuid.UUID) -> None:
        """Make a topic with three partitions."""
        self.topics.apply(m.TopicRecord(name=name, topic_id=topic_id))
        for index in range(3):
            self.topics.apply(
                m.PartitionRecord(
                    partition_id=index,
                    topic_id=topic_id,
                    replicas=[0],
                    isr=[0],
                    leader=0,
                    leader_epoch=0,
                    partition_epoch=0,
                )
            )

    def new_coordinator(self) -> GroupCoordinator:
        """A coordinator that has just been elected for every partition: what it knows, it read from the log."""
        coordinator = GroupCoordinator(
            config=self.config, clock=self.clock, log=self.log, topics=self.topics, new_id=lambda: str(next(self._ids))
        )
        self.epoch += 1
        for partition, batches in enumerate(self.log.batches):
            coordinator.on_elected(partition, self.epoch, list(batches))
        return coordinator

    def fail_over(self) -> None:
        """The broker resigns; the next one takes over from the log."""
        self.coordinator.close()
        self.coordinator = self.new_coordinator()

    def ask_join(
        self,
        member_id: str = "",
        *,
        group: str = "g",
        version: int = 9,
        instance: str | None = None,
        protocols: dict[str, bytes] | None = None,
        protocol_type: str = "consumer",
        session_timeout_ms: int = 10_000,
        rebalance_timeout_ms: int = 60_000,
    ) -> Deferred[m.JoinGroupResponse]:
        """Send one JoinGroup."""
        offered = {"range": subscription("listens")} if protocols is None else protocols
        request = m.JoinGroupRequest(
            group_id=group,
            session_timeout_ms=session_timeout_ms,
            rebalance_timeout_ms=rebalance_timeout_ms,
            member_id=member_id,
            group_instance_id=instance,
            protocol_type=protocol_type,
            protocols=[m.JoinGroupRequestProtocol(name=name, metadata=data) for name, data in offered.items()],
        )
        return self.coordinator.join_group(request, Client(version))

    def join(self, **options: Any) -> Deferred[m.JoinGroupResponse]:
        """Join as a client does: a dynamic member comes back with the member_id it is given."""
        answer = self.ask_join(**options)
        if answer.done and answer.value.error_code == ErrorCode.MEMBER_ID_REQUIRED:
            answer = self.ask_join(**{**options, "member_id": answer.value.member_id})
        self.clock.advance(0)
        return answer

    def sync(
        self,
        joined: m.JoinGroupResponse,
        assignments: dict[str, bytes] | None = None,
        *,
        group: str = "g",
        instance: str | None = None,
        generation_id: int | None = None,
        protocol_type: str | None = "consumer",
        protocol_name: str | None = None,
    ) -> Deferred[m.SyncGroupResponse]:
        """Send one SyncGroup; the leader's has ``assignments`` by member_id."""
        request = m.SyncGroupRequest(
            group_id=group,
            generation_id=joined.generation_id if generation_id is None else generation_id,
            member_id=joined.member_id,
            group_instance_id=instance,
            protocol_type=protocol_type,
            protocol_name=protocol_name,
            assignments=[
                m.SyncGroupRequestAssignment(member_id=member_id, assignment=data)
                for member_id, data in (assignments or {}).items()
            ],
        )
        return self.coordinator.sync_group(request)

    def stable_group(self, size: int = 1, **options: Any) -> list[m.JoinGroupResponse]:
        """A stable group of ``size`` members, each assigned its own member_id; the leader is the first."""
        waiting = [self.join(**options)]
        for _ in range(size - 1):
            waiting.append(self.join(**options))
            if waiting[0].done:
                waiting[0] = self.join(member_id=waiting[0].value.member_id, **options)
        joined = [answer.value for answer in waiting]
        leader = next(each for each in joined if each.member_id == each.leader)
        joined.remove(leader)
        group = options.get("group", "g")
        assignments = {each.member_id: each.member_id.encode() for each in [leader, *joined]}
        for each in [*joined, leader]:
            self.sync(each, assignments if each is leader else None, group=group)
        return [leader, *joined]

    def heartbeat(
        self,
        member_id: str,
        generation_id: int,
        *,
        group: str = "g",
        instance: str | None = None,
    ) -> ErrorCode:
        """Send one Heartbeat."""
        request = m.HeartbeatRequest(
            group_id=group, generation_id=generation_id, member_id=member_id, group_instance_id=instance
        )
        return ErrorCode(self.coordinator.heartbeat(request).error_code)

    def leave(self, *members: tuple[str, str | None], group: str = "g") -> m.LeaveGroupResponse:
        """Send one LeaveGroup for members given as (member_id, group_instance_id)."""
        identities = [m.MemberIdentity(member_id=each, group_instance_id=instance) for each, instance in members]
        return self.coordinator.leave_group(m.LeaveGroupRequest(group_id=group, members=identities))

    def commit(
        self,
        offsets: dict[int, int],
        *,
        group: str = "g",
        member_id: str = "",
        generation_id: int = -1,
        topic: str = "listens",
        version: int = 9,
        **fields: Any,
    ) -> Deferred[m.OffsetCommitResponse]:
        """Commit offsets by partition of one topic."""
        partitions = [
            m.OffsetCommitRequestPartition(partition_index=index, committed_offset=offset, committed_metadata="note")
            for index, offset in offsets.items()
        ]
        request = m.OffsetCommitRequest(
            group_id=group,
            member_id=member_id,
            generation_id_or_member_epoch=generation_id,
            topics=[m.OffsetCommitRequestTopic(name=topic, partitions=partitions)],
            **fields,
        )
        return self.coordinator.offset_commit(request, Client(version))

    def commit_codes(self, offsets: dict[int, int], **options: Any) -> list[ErrorCode]:
        """Commit and give the error code of each partition."""
        response = self.commit(offsets, **options).value
        return [ErrorCode(partition.error_code) for topic in response.topics for partition in topic.partitions]

    def fetch(
        self, group: str = "g", topics: dict[str, Sequence[int]] | None = None, version: int = 9
    ) -> m.OffsetFetchResponseGroup:
        """Fetch committed offsets of some topics, or of all."""
        asked = None
        if topics is not None:
            asked = [m.OffsetFetchRequestTopics(name=name, partition_indexes=list(ix)) for name, ix in topics.items()]
        return self.coordinator.offset_fetch(m.OffsetFetchRequestGroup(group_id=group, topics=asked), Client(version))

    def committed(self, group: str = "g") -> dict[tuple[str, int], int]:
        """All committed offsets of a group by topic and partition."""
        return {
            (topic.name, partition.partition_index): partition.committed_offset
            for topic in self.fetch(group).topics
            for partition in topic.partitions
        }

    def describe(self, group: str = "g", version: int = 6) -> m.DescribeGroupsResponse.DescribedGroup:
        """Describe one group."""
        request = m.DescribeGroupsRequest(groups=[group])
        return self.coordinator.describe_groups(request, Client(version)).groups[0]

    def state(self, group: str = "g") -> str:
        """The state of a group as tools show it."""
        return self.describe(group, version=5).group_state


@pytest.fixture
def lab() -> Lab:
    """A coordinator whose new groups wait for nobody."""
    return Lab()


@pytest.fixture(scope="session")
def make_lab() -> type[Lab]:
    """A coordinator with other settings."""
    return Lab
