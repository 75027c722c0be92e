"""Fetching the metadata log: who knows what, who is refused, who waits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kit.broker.raft.messages import about_partition, partition_of
from kit.wire import messages as m
from kit.wire.errors import ErrorCode
from tests.unit.raft.harness import FETCH, LAB, QuorumCluster, fetch_request, record

MakeQuorum = Callable[..., QuorumCluster]


def fetched(response: Any) -> m.FetchResponse.PartitionData:
    """The partition of a response that is there already."""
    (topic,) = response.responses
    (partition,) = topic.partitions
    return partition


# -- who knows what --------------------------------------------------------------------------------------------------


def test_applied_everywhere_waits_for_all_named_nodes(quorum: QuorumCluster) -> None:
    """Until they said that they know the high watermark, by which time their listeners have the record (KIP-1166)."""
    leader = quorum.replica(1)
    quorum.cut([4], [1])
    offset = leader.append([record(5)])
    everywhere = leader.applied_everywhere(offset, [1, 2, 3, 4], 60_000)
    voters = leader.applied_everywhere(offset, [1, 2, 3], 60_000)
    voters.then(
        lambda _: quorum.judge.wrong.extend([] if quorum.values(2) == quorum.values(3) == [5] else ["too soon"])
    )

    quorum.run(10)
    assert (voters.value, everywhere.done) == (True, False)

    quorum.cuts.clear()
    quorum.run(2000)
    assert everywhere.value is True
    assert leader.applied_everywhere(offset, [1, 2, 3, 4], 1000).value is True


def test_applied_everywhere_gives_up(quorum: QuorumCluster) -> None:
    """After the time that it was given, or when the leader resigns; it leaves no timer behind."""
    leader = quorum.replica(1)
    quorum.crash(3)
    offset = leader.append([record(5)])
    timed = leader.applied_everywhere(offset, [1, 2, 3], 300)
    resigned = leader.applied_everywhere(offset, [1, 2, 3], 60_000)
    unknown = leader.applied_everywhere(offset, [1, 9], 60_000)

    quorum.run(299)
    assert not timed.done
    quorum.run(2)
    assert timed.value is False
    leader.resign()
    assert (resigned.value, unknown.value) == (False, False)


def test_describe_quorum_tells_how_far_everybody_is(quorum: QuorumCluster) -> None:
    """Voters and observers; who lags was last caught up before what it lacks was written."""
    quorum.run(1000)
    quorum.cut([3], [1])
    quorum.run(100)
    written_ms = quorum.clock.time_ms()
    quorum.write(5)
    quorum.run(100)

    found = partition_of(quorum.replica(1).describe_quorum(about_partition(m.DescribeQuorumRequest)))

    assert (found.error_code, found.leader_id, found.leader_epoch, found.high_watermark) == (0, 1, 1, 2)
    assert [(each.replica_id, each.log_end_offset) for each in found.current_voters] == [(1, 2), (2, 2), (3, 1)]
    assert [(each.replica_id, each.log_end_offset) for each in found.observers] == [(4, 2)]
    now_ms = quorum.clock.time_ms()
    caught_up_ms = [each.last_caught_up_timestamp for each in found.current_voters]
    assert caught_up_ms[0] == now_ms
    assert written_ms <= caught_up_ms[1] <= now_ms
    assert caught_up_ms[2] == found.current_voters[2].last_fetch_timestamp < written_ms


def test_describe_quorum_forgets_silent_observers(quorum: QuorumCluster) -> None:
    """After five minutes."""
    quorum.crash(4)
    request = about_partition(m.DescribeQuorumRequest)
    quorum.run(299_000)
    assert len(partition_of(quorum.replica(1).describe_quorum(request)).observers) == 1

    quorum.run(2000)

    assert partition_of(quorum.replica(1).describe_quorum(request)).observers == []


def test_describe_quorum_is_the_leaders_matter(quorum: QuorumCluster) -> None:
    """Others, and questions about other topics, are refused."""
    request = about_partition(m.DescribeQuorumRequest)
    assert partition_of(quorum.replica(2).describe_quorum(request)).error_code == ErrorCode.NOT_LEADER_OR_FOLLOWER
    request.topics[0].topic_name = "listens"
    (topic,) = quorum.replica(1).describe_quorum(request).topics
    assert (topic.topic_name, [each.error_code for each in topic.partitions]) == (
        "listens",
        [ErrorCode.UNKNOWN_TOPIC_OR_PARTITION],
    )


# -- fetches ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("node_id", "request_", "error"),
    [
        (1, fetch_request(2, 0, 1, 1), ErrorCode.FENCED_LEADER_EPOCH),
        (1, fetch_request(2, 2, 1, 1), ErrorCode.UNKNOWN_LEADER_EPOCH),
        (2, fetch_request(3, 1, 1, 1), ErrorCode.NOT_LEADER_OR_FOLLOWER),
        (1, fetch_request(2, 1, -1, 1), ErrorCode.INVALID_REQUEST),
        (1, fetch_request(2, 1, 1, -1), ErrorCode.INVALID_REQUEST),
        (1, fetch_request(2, 1, 1, 1, max_wait_ms=-1), ErrorCode.INVALID_REQUEST),
    ],
)
def test_fetch_is_refused(quorum: QuorumCluster, node_id: int, request_: m.FetchRequest, error: ErrorCode) -> None:
    """And whoever is refused hears who leads."""
    partition = fetched(quorum.replica(node_id).fetch(request_))

    assert partition.error_code == error
    assert (partition.current_leader.leader_id, partition.current_leader.leader_epoch) == (1, 1)


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"cluster_id": "another"}, ErrorCode.INCONSISTENT_CLUSTER_ID),
        ({"topic_id": m.NULL_UUID}, ErrorCode.INVALID_REQUEST),
    ],
)
def test_fetch_of_something_else_is_refused(quorum: QuorumCluster, fields: dict[str, Any], error: ErrorCode) -> None:
    """As a whole."""
    response: Any = quorum.replica(1).fetch(fetch_request(2, 1, 1, 1, **fields))

    assert (response.error_code, response.responses) == (error, [])


def test_fetch_waits_until_there_is_something_new(quorum: QuorumCluster) -> None:
    """For a record, for a high watermark that the follower does not know, or for its time to be over."""
    leader = quorum.replica(1)

    def ask(offset: int, known: int) -> Any:
        return leader.fetch(fetch_request(7, 1, offset, 1, max_wait_ms=400, high_watermark=known))

    for _ in range(2):
        end_offset = leader.log_end_offset
        assert fetched(ask(end_offset, end_offset - 1)).high_watermark == end_offset  # not a Deferred
        waiting = ask(end_offset, end_offset)
        quorum.run(390)
        assert not waiting.done
        quorum.run(20)
        assert (fetched(waiting.value).records, fetched(waiting.value).high_watermark) == (b"", end_offset)
        waiting = ask(end_offset, end_offset)
        leader.append([record(1)])
        assert len(fetched(waiting.value).records or b"") > 61
        quorum.run(10)


def test_second_fetch_of_a_replica_ends_the_first(quorum: QuorumCluster) -> None:
    """Its sender gave it up; the leader holds at most one for each."""
    request = fetch_request(7, 1, 1, 1, max_wait_ms=400, high_watermark=1)
    first: Any = quorum.replica(1).fetch(request)
    second: Any = quorum.replica(1).fetch(request)

    assert (first.done, second.done) == (True, False)


def test_waiting_fetches_hear_that_the_leader_resigned(quorum: QuorumCluster) -> None:
    """At once, so that they look for another one."""
    waiting: Any = quorum.replica(1).fetch(fetch_request(7, 1, 1, 1, max_wait_ms=400, high_watermark=1))
    quorum.replica(1).resign()

    assert fetched(waiting.value).error_code == ErrorCode.NOT_LEADER_OR_FOLLOWER
    assert fetched(waiting.value).current_leader.leader_id == -1


def test_diverging_fetch_gets_no_records(quorum: QuorumCluster) -> None:
    """Only where the logs part; and it does not count as replication."""
    partition = fetched(quorum.replica(1).fetch(fetch_request(2, 1, 9, 1)))

    assert (partition.diverging_epoch.epoch, partition.diverging_epoch.end_offset) == (1, 1)
    assert partition.records == b""
    assert quorum.replica(1).high_watermark == 1


def test_long_log_reaches_a_new_observer(make_quorum: MakeQuorum) -> None:
    """In pieces of a megabyte, one fetch after the other."""
    quorum = make_quorum(voters=1, observers=1)
    quorum.start(1, eager=1)
    quorum.run(1)
    for start in range(0, 40_000, 5000):
        quorum.replica(1).append([record(value) for value in range(start, start + 5000)])
    quorum.start(2)
    quorum.run(200)

    assert quorum.values(2) == list(range(40_000))
    assert len(quorum.calls(2)) >= 2


def test_idle_quorum_is_quiet(quorum: QuorumCluster) -> None:
    """Each follower asks no oftener than its fetches wait, and nobody else says anything."""
    quorum.run(1000)
    before = len(quorum.sent)
    quorum.run(10_000)

    sent = quorum.sent[before:]
    assert {api_key for _, _, api_key in sent} == {FETCH}
    assert len(sent) <= 3 * (10_000 / LAB.fetch_wait_ms + 1)


def test_observer_of_a_cut_leader_finds_the_new_one(quorum: QuorumCluster) -> None:
    """It asks around when its leader is silent, though its last fetch still waits."""
    quorum.isolate(1)
    quorum.run_until(lambda: any(quorum.replica(node_id).is_leader for node_id in (2, 3)))
    quorum.run(LAB.election_timeout_ms)

    assert quorum.replica(4).leader_id in (2, 3)
