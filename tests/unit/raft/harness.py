"""A metadata quorum in memory, under virtual time: nodes that crash, and links that are cut, slow and lossy."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kit.broker.clock import NodeClock, VirtualClock
from kit.broker.deferred import Deferred
from kit.broker.raft.config import RaftConfig
from kit.broker.raft.messages import METADATA_TOPIC_ID, about_partition
from kit.broker.raft.replica import RaftReplica
from kit.broker.raft.roles import Role
from kit.broker.timeline import Timeline
from kit.wire import codec
from kit.wire import messages as m
from kit.wire.errors import BrokerError

CLUSTER_ID = "kit-test-cluster"
VOTE, BEGIN, END, DESCRIBE, FETCH = 52, 53, 54, 55, 1
LAB = RaftConfig(election_timeout_ms=200, fetch_timeout_ms=350, flush=False)
_METHODS = {VOTE: "vote", BEGIN: "begin_quorum_epoch", END: "end_quorum_epoch", FETCH: "fetch"}


def record(value: int) -> m.ProducerIdsRecord:
    """A metadata record that carries a number."""
    return m.ProducerIdsRecord(broker_id=1, broker_epoch=0, next_producer_id=value)


def fetch_request(replica_id: int, epoch: int, offset: int, last_epoch: int, **fields: Any) -> m.FetchRequest:
    """A fetch that does not wait."""
    top = {name: fields.pop(name) for name in ("cluster_id", "max_wait_ms") if name in fields}
    topic_id = fields.pop("topic_id", METADATA_TOPIC_ID)
    partition = m.FetchRequest.FetchPartition(
        partition=0,
        current_leader_epoch=epoch,
        fetch_offset=offset,
        last_fetched_epoch=last_epoch,
        partition_max_bytes=1 << 20,
        **fields,
    )
    return m.FetchRequest(
        replica_state=m.FetchRequest.ReplicaState(replica_id=replica_id),
        topics=[m.FetchRequest.FetchTopic(topic_id=topic_id, partitions=[partition])],
        **top,
    )


def vote_request(candidate: int, epoch: int, last: tuple[int, int] = (0, 0), **fields: Any) -> m.VoteRequest:
    """A candidate's request; ``last`` is the epoch of its last record and its log end offset."""
    top = {name: fields.pop(name) for name in ("cluster_id", "voter_id") if name in fields}
    return about_partition(
        m.VoteRequest,
        message_fields=top,
        replica_id=candidate,
        replica_epoch=epoch,
        last_offset_epoch=last[0],
        last_offset=last[1],
        **fields,
    )


class Judge:
    """Watches what all nodes of a run do, and notes what Raft forbids."""

    def __init__(self) -> None:
        self.committed: list[int] = []
        self.leaders: dict[int, int] = {}
        self.wrong: list[str] = []

    def leads(self, node_id: int, epoch: int) -> None:
        """At most one node leads in an epoch."""
        if self.leaders.setdefault(epoch, node_id) != node_id:
            self.wrong.append(f"nodes {self.leaders[epoch]} and {node_id} both lead in epoch {epoch}")

    def applied(self, node_id: int, index: int, value: int) -> None:
        """All nodes apply the same values in the same order."""
        if index == len(self.committed):
            self.committed.append(value)
        elif self.committed[index] != value:
            self.wrong.append(f"node {node_id} applied {value} where another applied {self.committed[index]}")


@dataclass
class Listener:
    """One node's state machine: the numbers it was given."""

    node_id: int
    judge: Judge
    values: list[int] = field(default_factory=list)
    calls: list[tuple[str, Any]] = field(default_factory=list)
    end_offset: int = 0
    on_lead: Callable[[], None] | None = None

    def on_commit(self, records: Sequence[Any], end_offset: int) -> None:
        """Keep the numbers."""
        assert end_offset > self.end_offset
        self.end_offset = end_offset
        for each in records:
            self.judge.applied(self.node_id, len(self.values), each.next_producer_id)
            self.values.append(each.next_producer_id)
        self.calls.append(("commit", [each.next_producer_id for each in records]))

    def on_leader(self, epoch: int) -> None:
        """Note it."""
        self.judge.leads(self.node_id, epoch)
        self.calls.append(("leader", epoch))
        if self.on_lead is not None:
            self.on_lead()

    def on_resigned(self, epoch: int, reason: str) -> None:
        """Note it."""
        assert reason
        self.calls.append(("resigned", epoch))


@dataclass
class Member:
    """One running node."""

    replica: RaftReplica
    clock: NodeClock
    listener: Listener


class Link:
    """What one node sees of the others: `kit.broker.network.Network`."""

    slack_ms = 0.0

    def __init__(self, quorum: QuorumCluster, source: int, clock: NodeClock) -> None:
        self._quorum = quorum
        self._source = source
        self._clock = clock

    def call(
        self,
        target: int,
        api_key: int,
        request: Any,
        *,
        timeout_ms: float,
        api_version: int | None = None,
        client_id: str | None = None,
    ) -> Deferred[Any]:
        """Send a request; the reply comes on this node's clock."""
        assert api_version is client_id is None
        answer: Deferred[Any] = Deferred()
        timer = self._clock.call_later(timeout_ms, lambda: answer.resolve(None))
        answer.then(lambda _: timer.cancel())
        self._quorum.sent.append((self._source, target, api_key))

        def reply(response: Any) -> None:
            response = self._quorum.through_codec(api_key, response, is_request=False)
            self._quorum.deliver(target, self._source, lambda: self._clock.run(lambda: answer.resolve(response)))

        sent = self._quorum.through_codec(api_key, request, is_request=True)
        self._quorum.deliver(self._source, target, lambda: self._quorum.serve(target, api_key, sent, reply))
        return answer


class QuorumCluster:
    """Voters 1..n and observers after them.

    Args:
        delay_ms: least and most one-way delay of a message.
        codec_too: encode and decode each message, as TCP would.
    """

    def __init__(
        self,
        directory: Path,
        *,
        voters: int = 3,
        observers: int = 0,
        seed: int = 0,
        config: RaftConfig = LAB,
        delay_ms: tuple[float, float] = (1, 1),
        codec_too: bool = False,
    ) -> None:
        self.directory = directory
        self.voters = list(range(1, voters + 1))
        self.node_ids = list(range(1, voters + observers + 1))
        self.clock = VirtualClock()
        self.random = random.Random(seed)
        self.config = config
        self.delay_ms = delay_ms
        self.loss = 0.0
        self.cuts: set[tuple[int, int]] = set()
        self.judge = Judge()
        self.timeline = Timeline(self.clock)
        self.members: dict[int, Member] = {}
        self.sent: list[tuple[int, int, int]] = []
        self._codec_too = codec_too
        self._busy_until: dict[tuple[int, int], float] = {}

    # -- nodes -------------------------------------------------------------------------------------------------------

    def start(self, *node_ids: int, eager: int | None = None) -> None:
        """Start nodes (all by default) on what their directories have."""
        for node_id in node_ids or self.node_ids:
            clock = NodeClock(self.clock)
            listener = Listener(node_id, self.judge)
            replica = RaftReplica(
                node_id=node_id,
                voters=self.voters,
                cluster_id=CLUSTER_ID,
                directory=self.directory / f"node-{node_id}",
                clock=clock,
                network=Link(self, node_id, clock),
                random=random.Random(self.random.random()),
                config=self.config,
                listener=listener,
                timeline=self.timeline,
            )
            self.members[node_id] = Member(replica, clock, listener)
            replica.start(eager=node_id == eager)

    def crash(self, *node_ids: int) -> None:
        """Let nodes stop in the middle of everything."""
        for node_id in node_ids:
            self.members.pop(node_id).clock.stop()

    def close(self) -> None:
        """Close all nodes cleanly."""
        for member in self.members.values():
            member.replica.close()

    def replica(self, node_id: int) -> RaftReplica:
        """One node's replica."""
        return self.members[node_id].replica

    def values(self, node_id: int) -> list[int]:
        """What one node has applied."""
        return self.members[node_id].listener.values

    def calls(self, node_id: int) -> list[tuple[str, Any]]:
        """What one node's listener was told."""
        return self.members[node_id].listener.calls

    def leader(self) -> RaftReplica | None:
        """The replica that leads in the newest epoch and knows that it may append."""
        leading = [each.replica for each in self.members.values() if each.replica.is_leader]
        return max(leading, key=lambda replica: replica.epoch, default=None)

    def kinds(self) -> list[tuple[str, int | None]]:
        """(kind, node) of all events."""
        return [(event.kind, event.node_id) for event in self.timeline]

    # -- messages ----------------------------------------------------------------------------------------------------

    def cut(self, side: Sequence[int], other: Sequence[int], *, one_way: bool = False) -> None:
        """Let no message from ``side`` reach ``other`` (nor the other way)."""
        for a in side:
            for b in other:
                self.cuts.add((a, b))
                if not one_way:
                    self.cuts.add((b, a))

    def isolate(self, node_id: int) -> None:
        """Cut a node off from all others."""
        self.cut([node_id], [each for each in self.node_ids if each != node_id])

    def deliver(self, source: int, target: int, arrive: Callable[[], None]) -> None:
        """Carry a message: in order, late, or not at all."""
        if (source, target) in self.cuts or self.random.random() < self.loss:
            return
        due_ms = self.clock.monotonic_ms() + self.random.uniform(*self.delay_ms)
        due_ms = max(due_ms, self._busy_until.get((source, target), 0.0))
        self._busy_until[source, target] = due_ms
        self.clock.call_later(due_ms - self.clock.monotonic_ms(), arrive)

    def serve(self, target: int, api_key: int, request: Any, reply: Callable[[Any], None]) -> None:
        """Let a node answer a request; one that is down does not."""
        member = self.members.get(target)
        if member is not None:
            member.clock.run(lambda: self._answer(member.replica, api_key, request, reply))

    def _answer(self, replica: RaftReplica, api_key: int, request: Any, reply: Callable[[Any], None]) -> None:
        response = getattr(replica, _METHODS[api_key])(request)
        if isinstance(response, Deferred):
            response.then(reply)
        else:
            reply(response)

    def through_codec(self, api_key: int, message: Any, *, is_request: bool) -> Any:
        """The message as it is after encoding and decoding."""
        if not self._codec_too:
            return message
        api = codec.api(api_key)
        encoded = codec.encode(message, api.max_version)
        return codec.decode(api.request if is_request else api.response, api.max_version, encoded)

    # -- time --------------------------------------------------------------------------------------------------------

    def run(self, duration_ms: float) -> None:
        """Let time pass, and look at the roles every 10 ms."""
        until_ms = self.clock.monotonic_ms() + duration_ms
        while self.clock.monotonic_ms() < until_ms:
            self.clock.advance(min(10.0, until_ms - self.clock.monotonic_ms()))
            for node_id, member in self.members.items():
                if member.replica.role is Role.LEADER:
                    self.judge.leads(node_id, member.replica.epoch)

    def run_until(self, condition: Callable[[], bool], limit_ms: float = 10_000) -> None:
        """Let time pass until something is so; an assertion error when it does not come."""
        until_ms = self.clock.monotonic_ms() + limit_ms
        while not condition():
            assert self.clock.monotonic_ms() < until_ms, f"not within {limit_ms} ms: {self.kinds()[-10:]}"
            self.run(10)

    def elect(self) -> RaftReplica:
        """Let time pass until there is a leader that all running nodes follow."""

        def settled() -> bool:
            leader = self.leader()
            return leader is not None and all(
                (each.replica.epoch, each.replica.leader_id) == (leader.epoch, leader.node_id)
                for each in self.members.values()
            )

        self.run_until(settled)
        leader = self.leader()
        assert leader is not None
        return leader

    def write(self, value: int) -> Deferred[bool]:
        """Append a number on whoever leads; resolves with False at once when nobody does."""
        answer: Deferred[bool] = Deferred()
        leader = self.leader()
        if leader is None:
            answer.resolve(False)
            return answer
        try:
            offset = leader.append([record(value)])
        except BrokerError:
            answer.resolve(False)
            return answer
        return leader.committed(offset)
