"""What Apache's brokers hold and who leads, asked of them in Kafka's own protocol, past the proxy and its clients.

Of two brokers that disagree about a partition the one that knows the newer leader epoch is right: a leader that is cut
off still takes itself for one.
"""

from __future__ import annotations

import contextlib
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kit.backends.broker_link import LIST_OFFSETS, METADATA, BrokerLink, LinkError, Step
from kit.broker.metadata import CONSUMER_OFFSETS_TOPIC
from kit.broker.witness import sight
from kit.wire import messages as m
from kit.wire.records import iter_headers

FETCH, FIND_COORDINATOR, LEAVE_GROUP, DESCRIBE_GROUPS, LIST_GROUPS = 1, 10, 13, 15, 16
DELETE_TOPICS, DESCRIBE_CONFIGS, DELETE_GROUPS = 20, 32, 42
_PLAIN_TEXT = {"security_protocol": "PLAINTEXT"}
_LOOK_S, _ASK_S, _PATIENCE_S = 1.0, 5.0, 20.0
_LATEST, _EARLIEST = -1, -2  # timestamps of ListOffsets
_DEBUGGING_REPLICA = -2  # who asks ListOffsets as this is told the log's end, and not the high watermark
_TOPIC = 2  # a resource type of DescribeConfigs
_READ_BYTES = 4 << 20
_LOOK_AGAIN_S = 0.05


@dataclass(frozen=True, slots=True)
class PlaceSeen:
    """One partition, as the broker that knows most of it told."""

    leader: int
    leader_epoch: int
    replicas: tuple[int, ...]
    isr: tuple[int, ...]


class ApacheSight:
    """The brokers, asked one at a time; for several threads.

    Args:
        ports: of the brokers' own listeners on this computer, by node id.
    """

    def __init__(self, ports: Mapping[int, int]) -> None:
        self._ports = dict(ports)
        self._links: dict[int, BrokerLink] = {}
        self._asking = {node_id: threading.Lock() for node_id in ports}
        self._names: dict[uuid.UUID, str] = {}
        self._ids: dict[str, uuid.UUID] = {}
        self._commits_from: dict[int, int] = {}
        self.partitions: dict[tuple[str, int], PlaceSeen] = {}

    def close(self) -> None:
        """Close all connections."""
        for link in self._links.values():
            link.close()
        self._links.clear()

    def ask(self, node_id: int, api_key: int, request: m.Message, timeout_s: float = _ASK_S) -> Any:
        """A broker's answer. Raises `LinkError`."""
        give_up_s = time.monotonic() + timeout_s
        with self._asking[node_id]:
            link = self._links.pop(node_id, None)
            if link is not None:
                with contextlib.suppress(LinkError):  # it may be from before the broker was killed
                    return self._asked(node_id, link, api_key, request, give_up_s)
            link = BrokerLink("127.0.0.1", self._ports[node_id], _PLAIN_TEXT, None, give_up_s)
            return self._asked(node_id, link, api_key, request, give_up_s)

    def _asked(self, node_id: int, link: BrokerLink, api_key: int, request: m.Message, give_up_s: float) -> Any:
        try:
            answer = link.ask(api_key, request, give_up_s)
        except BaseException:
            link.close()
            raise
        self._links[node_id] = link
        return answer

    # -- who leads -------------------------------------------------------------------------------------------------

    def look(self) -> dict[int, dict[tuple[str, int], PlaceSeen]]:
        """Ask every broker for all topics, and keep the newest of it; what each of them said, by node id."""
        request = m.MetadataRequest(topics=None, allow_auto_topic_creation=False)
        found = {}
        for node_id in self._ports:
            with contextlib.suppress(LinkError):
                answer = self.ask(node_id, METADATA, request, _LOOK_S)
                found[node_id] = dict(_places(answer))
                for topic in answer.topics:
                    self._names[topic.topic_id] = topic.name
                    self._ids[topic.name] = topic.topic_id
        newest: dict[tuple[str, int], PlaceSeen] = {}
        for places in found.values():
            for key, place in places.items():
                known = newest.get(key)
                if known is None or place.leader_epoch > known.leader_epoch:
                    newest[key] = place
        if found:
            self.partitions = newest
        return found

    def topic_name(self, topic_id: uuid.UUID) -> str | None:
        """The name of a topic; None when no broker knows it."""
        if topic_id not in self._names:
            self.look()
        return self._names.get(topic_id)

    def leader(self, topic: str, partition: int) -> int | None:
        """Who led at the last look; None when nobody did."""
        seen = self.partitions.get((topic, partition))
        return None if seen is None or seen.leader < 0 else seen.leader

    def high_watermark(self, topic: str, partition: int) -> int:
        """What the leader says now; -1 when it says nothing."""
        with contextlib.suppress(LinkError):
            return self._offset(topic, partition, _LATEST)
        return -1

    def is_settled(self) -> bool:
        """Whether all brokers agree who leads each partition, and every leader's records are all committed."""
        said = self.look()
        if not said or any(places != self.partitions for places in said.values()):
            return False
        try:
            return all(self._is_committed(*key) for key in self.partitions)
        except LinkError:
            return False

    def _is_committed(self, topic: str, partition: int) -> bool:
        committed = self._offset(topic, partition, _LATEST)
        return committed == self._offset(topic, partition, _LATEST, replica_id=_DEBUGGING_REPLICA)

    def _offset(self, topic: str, partition: int, timestamp: int, *, replica_id: int = -1) -> int:
        leader = self.leader(topic, partition)
        if leader is None:
            raise LinkError(Step.ASK)
        where = m.ListOffsetsRequest.ListOffsetsPartition(partition_index=partition, timestamp=timestamp)
        topics = [m.ListOffsetsRequest.ListOffsetsTopic(name=topic, partitions=[where])]
        answer = self.ask(leader, LIST_OFFSETS, m.ListOffsetsRequest(replica_id=replica_id, topics=topics))
        found = answer.topics[0].partitions[0]
        if found.error_code:
            raise LinkError(Step.ASK, code=found.error_code)
        return int(found.offset)

    # -- what is written -------------------------------------------------------------------------------------------

    def logs(self) -> dict[str, Any]:
        """As `kit.broker.witness.sight.logs`."""
        found: dict[str, Any] = {}
        for topic, partition in sorted(self.partitions):
            if topic == CONSUMER_OFFSETS_TOPIC:
                continue
            try:
                first, end = self._offset(topic, partition, _EARLIEST), self._offset(topic, partition, _LATEST)
                found[f"{topic}-{partition}"] = sight.log_of(self._batches(topic, partition, first, end), first, end)
            except LinkError:
                found[f"{topic}-{partition}"] = None
        return found

    def commits(self) -> list[list[Any]]:
        """As `kit.broker.witness.sight.commits`. Raises `LinkError`."""
        found = []
        for topic, partition in sorted(self.partitions):
            if topic == CONSUMER_OFFSETS_TOPIC:
                first, end = self._commits_from.get(partition, 0), self._offset(topic, partition, _LATEST)
                found += sight.commits_in(self._batches(topic, partition, first, end))
        return found

    def _batches(self, topic: str, partition: int, offset: int, end: int) -> Iterator[bytes]:
        leader = self.leader(topic, partition)
        while offset < end and leader is not None:
            where = m.FetchRequest.FetchPartition(
                partition=partition, fetch_offset=offset, partition_max_bytes=_READ_BYTES
            )
            one = m.FetchRequest.FetchTopic(topic=topic, topic_id=self._ids[topic], partitions=[where])
            request = m.FetchRequest(
                max_wait_ms=500, min_bytes=1, max_bytes=_READ_BYTES, session_epoch=-1, topics=[one]
            )
            answer = self.ask(leader, FETCH, request)
            code = answer.error_code or answer.responses[0].partitions[0].error_code
            if code:
                raise LinkError(Step.ASK, code=code)
            data = bytes(answer.responses[0].partitions[0].records or b"")
            headers = [header for _, header in iter_headers(memoryview(data))]
            if not headers:
                return
            yield data
            offset = headers[-1].next_offset

    def topics(self) -> dict[str, Any]:
        """As `kit.broker.witness.sight.topics`. Raises `LinkError`."""
        found: dict[str, Any] = {}
        for (topic, partition), seen in sorted(self.partitions.items()):
            if topic == CONSUMER_OFFSETS_TOPIC:
                continue
            if topic not in found:
                found[topic] = {"partitions": [], "configs": self._configs(topic)}
            place = [partition, seen.leader, seen.leader_epoch, list(seen.replicas), list(seen.isr)]
            found[topic]["partitions"].append(place)
        return found

    def _configs(self, topic: str) -> dict[str, str | None]:
        resource = m.DescribeConfigsRequest.DescribeConfigsResource(resource_type=_TOPIC, resource_name=topic)
        answer = self.ask(self._any(), DESCRIBE_CONFIGS, m.DescribeConfigsRequest(resources=[resource]))
        return {each.name: each.value for each in answer.results[0].configs}

    def _any(self) -> int:
        return next((node_id for node_id in self._ports if node_id in self._links), min(self._ports))

    # -- groups ----------------------------------------------------------------------------------------------------

    def forget_members(self) -> None:
        """Let every member of every group leave it, as if its session were over; waits for a new coordinator."""
        give_up_s = time.monotonic() + _ASK_S
        while not self._has_forgotten() and time.monotonic() < give_up_s:
            time.sleep(_LOOK_AGAIN_S)

    def _has_forgotten(self) -> bool:
        """Whether all coordinators have been asked, and none of them knows a member any more."""
        self.look()
        due = {place.leader for (topic, _), place in self.partitions.items() if topic == CONSUMER_OFFSETS_TOPIC}
        is_done = True
        for node_id in self._ports:
            with contextlib.suppress(LinkError):
                is_done = self._sent_away(node_id) and is_done
                due.discard(node_id)
        return is_done and not due

    def _sent_away(self, node_id: int) -> bool:
        """Tell the members that one broker knows to leave; whether there were none."""
        listed = self.ask(node_id, LIST_GROUPS, m.ListGroupsRequest())
        groups = [each.group_id for each in listed.groups]
        described = self.ask(node_id, DESCRIBE_GROUPS, m.DescribeGroupsRequest(groups=groups)).groups
        is_empty = not listed.error_code
        for group in described:
            identity = m.LeaveGroupRequest.MemberIdentity
            members = [identity(member_id=each.member_id, group_instance_id=None) for each in group.members]
            if members:
                self.ask(node_id, LEAVE_GROUP, m.LeaveGroupRequest(group_id=group.group_id, members=members))
                is_empty = False
        return is_empty

    def make_coordinator(self) -> None:
        """Let the brokers make ``__consumer_offsets``, before anybody waits for it. Raises `LinkError`."""
        request = m.FindCoordinatorRequest(key="", key_type=0, coordinator_keys=["warm-up"])
        give_up_s = time.monotonic() + _PATIENCE_S
        while self.ask(self._any(), FIND_COORDINATOR, request).coordinators[0].error_code:
            if time.monotonic() > give_up_s:
                raise LinkError(Step.ASK)
            time.sleep(_LOOK_AGAIN_S)

    # -- between two runs ------------------------------------------------------------------------------------------

    def sweep(self) -> bool:
        """Delete all topics and groups, and take no notice of earlier commits: whether it is gone. Raises `LinkError`.

        ``__consumer_offsets`` stays: brokers would make it anew while clients wait.
        """
        self.look()
        self.forget_members()
        for node_id in self._ports:
            groups = [each.group_id for each in self.ask(node_id, LIST_GROUPS, m.ListGroupsRequest()).groups]
            if groups:
                self.ask(node_id, DELETE_GROUPS, m.DeleteGroupsRequest(groups_names=groups))
        names = sorted({topic for topic, _ in self.partitions} - {CONSUMER_OFFSETS_TOPIC})
        if names:
            state = m.DeleteTopicsRequest.DeleteTopicState
            request = m.DeleteTopicsRequest(topics=[state(name=name) for name in names], timeout_ms=5000)
            self.ask(self._any(), DELETE_TOPICS, request)
        give_up_s = time.monotonic() + _ASK_S
        while not (is_settled := self.is_settled()) or {topic for topic, _ in self.partitions} & set(names):
            if time.monotonic() > give_up_s:
                return False
            time.sleep(_LOOK_AGAIN_S)
        for topic, partition in self.partitions:
            self._commits_from[partition] = self._offset(topic, partition, _LATEST)
        return is_settled


def _places(answer: Any) -> Iterator[tuple[tuple[str, int], PlaceSeen]]:
    for topic in answer.topics:
        for each in topic.partitions:
            place = PlaceSeen(each.leader_id, each.leader_epoch, tuple(each.replica_nodes), tuple(each.isr_nodes))
            yield (topic.name, each.partition_index), place
