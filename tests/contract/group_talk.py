"""Kafka's requests about consumer groups in one line each, sent to the group's coordinator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kit.wire import messages as m
from kit.wire.errors import ErrorCode
from tests.contract.talk import Talk
from tests.support.raw_client import RawClient
from tests.support.wait import wait_until

RANGE = {"range": b"\0\0\0\0\0\0\0\0\0\0"}  # version 0, no topics, no user data
GROUP, TRANSACTION = 0, 1
_BY_NAME = {"commit": 9, "fetch": 9}  # the last versions in which topics have names


@dataclass
class Joined:
    """A member as it knows itself; each has a connection of its own, because joining waits for others."""

    client: RawClient
    group_id: str
    member_id: str = ""
    generation_id: int = -1
    instance_id: str | None = None
    protocols: Mapping[str, bytes] = field(default_factory=lambda: dict(RANGE))


class Groups:
    """Asks the coordinators of a cluster's groups.

    Args:
        talk: to the cluster.
    """

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self._clients: list[RawClient] = []

    def close(self) -> None:
        """Close the members' connections; they are missed after their session timeout."""
        for client in self._clients:
            client.close()
        self._clients.clear()

    # -- who ---------------------------------------------------------------------------------------------------------

    def find(self, key: str, kind: int = GROUP, node_id: int | None = None) -> Any:
        """What FindCoordinator answers."""
        request = m.FindCoordinatorRequest(key_type=kind, coordinator_keys=[key])
        return self._talk.ask(request, node_id).coordinators[0]

    def coordinator(self, group_id: str) -> int:
        """The broker that coordinates a group, as soon as one does."""

        def ready() -> int | None:
            found = self.find(group_id)
            if found.error_code != ErrorCode.NONE:
                return None
            answer = self.fetched(group_id, {}, node_id=found.node_id)
            return int(found.node_id) if answer.error_code == ErrorCode.NONE else None

        return int(wait_until(ready, f"a coordinator of {group_id}") or 0)

    def ask(self, group_id: str, request: m.Message, version: int | None = None) -> Any:
        """Ask a group's coordinator."""
        return self._talk.ask(request, self.coordinator(group_id), version)

    # -- members -----------------------------------------------------------------------------------------------------

    def member(self, group_id: str, **options: Any) -> Joined:
        """A member that has not joined yet."""
        client = self._talk.connect(self.coordinator(group_id))
        self._clients.append(client)
        return Joined(client, group_id, **options)

    def join_request(self, member: Joined, **options: Any) -> Any:
        """A JoinGroup request of a member."""
        protocol = m.JoinGroupRequest.JoinGroupRequestProtocol
        return m.JoinGroupRequest(
            **{
                "group_id": member.group_id,
                "session_timeout_ms": 30_000,
                "rebalance_timeout_ms": 30_000,
                "member_id": member.member_id,
                "group_instance_id": member.instance_id,
                "protocol_type": "consumer",
                "protocols": [protocol(name=name, metadata=data) for name, data in member.protocols.items()],
                **options,
            }
        )

    def begin_join(self, member: Joined, **options: Any) -> None:
        """Send the request to join; a new dynamic member asks for its id first."""
        if not member.member_id and member.instance_id is None:
            answer = member.client.ask(self.join_request(member, **options))
            assert answer.error_code == ErrorCode.MEMBER_ID_REQUIRED
            member.member_id = answer.member_id
        member.client.send(self.join_request(member, **options))

    def end_join(self, member: Joined) -> Any:
        """Wait for the answer to the request to join."""
        answer = member.client.receive()
        if answer.error_code == ErrorCode.NONE:
            member.member_id, member.generation_id = answer.member_id, answer.generation_id
        return answer

    def join(self, *members: Joined, **options: Any) -> list[Any]:
        """Let members join together, and return their answers."""
        for member in members:
            self.begin_join(member, **options)
        return [self.end_join(member) for member in members]

    def sync_request(self, member: Joined, shares: Mapping[str, bytes] | None = None, **options: Any) -> Any:
        """A SyncGroup request; the leader's has everybody's share by member id."""
        share = m.SyncGroupRequest.SyncGroupRequestAssignment
        return m.SyncGroupRequest(
            **{
                "group_id": member.group_id,
                "generation_id": member.generation_id,
                "member_id": member.member_id,
                "group_instance_id": member.instance_id,
                "protocol_type": "consumer",
                "protocol_name": next(iter(member.protocols), None),
                "assignments": [share(member_id=to, assignment=data) for to, data in (shares or {}).items()],
                **options,
            }
        )

    def sync(self, member: Joined, shares: Mapping[str, bytes] | None = None, **options: Any) -> Any:
        """Hand in or ask for the assignment."""
        return member.client.ask(self.sync_request(member, shares, **options))

    def stable(self, group_id: str, **options: Any) -> Joined:
        """The only member of a stable group."""
        member = self.member(group_id, **options)
        (answer,) = self.join(member)
        assert answer.error_code == ErrorCode.NONE, ErrorCode(answer.error_code).name
        assert self.sync(member, {member.member_id: b"share"}).error_code == ErrorCode.NONE
        return member

    def heartbeat(self, member: Joined, **options: Any) -> int:
        """The error code of a heartbeat."""
        request = m.HeartbeatRequest(
            **{
                "group_id": member.group_id,
                "generation_id": member.generation_id,
                "member_id": member.member_id,
                "group_instance_id": member.instance_id,
                **options,
            }
        )
        return int(member.client.ask(request).error_code)

    def leave(self, group_id: str, member_id: str, instance_id: str | None = None) -> int:
        """Let a member leave; returns the error code that the answer has for the member."""
        leaving = m.LeaveGroupRequest.MemberIdentity(member_id=member_id, group_instance_id=instance_id)
        answer = self.ask(group_id, m.LeaveGroupRequest(group_id=group_id, members=[leaving]))
        return int(answer.members[0].error_code if answer.error_code == 0 else answer.error_code)

    # -- groups ------------------------------------------------------------------------------------------------------

    def describe(self, group_id: str, version: int | None = None) -> Any:
        """A group as DescribeGroups tells."""
        return self.ask(group_id, m.DescribeGroupsRequest(groups=[group_id]), version).groups[0]

    def wait_state(self, group_id: str, state: str) -> None:
        """Wait until a group is described as being in a state: it is what is committed that Apache describes."""
        wait_until(lambda: self.describe(group_id).group_state == state, f"{group_id} to be {state}")

    def listed(self, states: Sequence[str] = (), types: Sequence[str] = ()) -> dict[str, Any]:
        """All groups of all brokers, by id."""
        request = m.ListGroupsRequest(states_filter=list(states), types_filter=list(types))
        return {
            group.group_id: group
            for node_id in self._talk.node_ids
            for group in self._talk.ask(request, node_id).groups
        }

    def delete(self, group_id: str) -> int:
        """Delete a group; returns the error code."""
        answer = self.ask(group_id, m.DeleteGroupsRequest(groups_names=[group_id]))
        return int(answer.results[0].error_code)

    # -- offsets -----------------------------------------------------------------------------------------------------

    def commit(
        self,
        group_id: str,
        topic: str,
        offset: int,
        *,
        partition: int = 0,
        note: str | None = "",
        epoch: int = -1,
        member: Joined | None = None,
        version: int = _BY_NAME["commit"],
    ) -> int:
        """Commit an offset, as a member or from outside; returns the error code."""
        request = m.OffsetCommitRequest
        place = request.OffsetCommitRequestPartition(
            partition_index=partition, committed_offset=offset, committed_leader_epoch=epoch, committed_metadata=note
        )
        who = {}
        if member is not None:
            who = {
                "member_id": member.member_id,
                "generation_id_or_member_epoch": member.generation_id,
                "group_instance_id": member.instance_id,
            }
        wanted = request(
            **{
                "group_id": group_id,
                "topics": [request.OffsetCommitRequestTopic(name=topic, partitions=[place])],
                **who,
            }
        )
        answer = self.ask(group_id, wanted, version)
        return int(answer.topics[0].partitions[0].error_code)

    def fetched(self, group_id: str, wanted: Mapping[str, Sequence[int]] | None, *, node_id: int | None = None) -> Any:
        """What OffsetFetch says of a group.

        Args:
            wanted: partitions by topic; None for all that the group has committed.
        """
        request = m.OffsetFetchRequest
        topics = None
        if wanted is not None:
            topics = [
                request.OffsetFetchRequestTopics(name=topic, partition_indexes=list(numbers))
                for topic, numbers in wanted.items()
            ]
        group = request.OffsetFetchRequestGroup(group_id=group_id, topics=topics)
        node_id = self.coordinator(group_id) if node_id is None else node_id
        return self._talk.ask(request(groups=[group]), node_id, _BY_NAME["fetch"]).groups[0]

    def committed(self, group_id: str, topic: str, partition: int = 0) -> Any:
        """What a group has committed for a partition."""
        return self.fetched(group_id, {topic: [partition]}).topics[0].partitions[0]
