"""Fetches between brokers: what they name, how many there are, and what happens when one gets lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kit.broker.handlers import api_01_fetch
from kit.wire import messages as m
from kit.wire.errors import ErrorCode
from tests.support.logs import batch
from tests.support.replicas import CLIENT, TOPIC, Replicas

MakeReplicas = Callable[..., Replicas]
WAIT_MS = 500


def named(requests: list[m.FetchRequest]) -> list[list[int]]:
    """Which partitions each fetch named."""
    return [[asked.partition for topic in request.topics for asked in topic.partitions] for request in requests]


def append(replicas: Replicas, index: int, *values: bytes, topic: str = TOPIC) -> None:
    """Append one batch to the leader's log."""
    replicas.partition(1, topic, index).append(memoryview(batch(values)), acks=1)


def test_fetch_names_what_changed(make_replicas: MakeReplicas) -> None:
    """Everything once; then one partition of fifty."""
    replicas = make_replicas(brokers=2)
    replicas.create_topic(1, 2, partitions=50)
    assert [len(each) for each in named(replicas.fetches(2))] == [50, 0]
    replicas.calls.clear()

    append(replicas, 7, b"a")
    replicas.settle(0)

    assert named(replicas.fetches(2)) == [[7]]
    assert replicas.partition(2, index=7).log.log_end_offset == 1


def test_batch_costs_each_follower_one_fetch_under_load(replicas: Replicas) -> None:
    """The high watermark travels with the next records, not alone."""
    replicas.settle()
    replicas.calls.clear()

    for _ in range(20):
        answer = replicas.produce(1, b"a")
        replicas.settle(0)
        assert answer.value.error_code == ErrorCode.NONE

    assert len(replicas.fetches(2)) == len(replicas.fetches(3)) == 20


def test_idle_follower_fetches_twice_a_second(replicas: Replicas) -> None:
    """A fetch waits at the leader for ``replica.fetch.wait.max.ms``."""
    replicas.settle(10)
    replicas.calls.clear()

    replicas.settle(10 * WAIT_MS)

    assert named(replicas.fetches(2)) == [[]] * 10


def test_new_partition_does_not_wait_for_the_fetch_under_way(replicas: Replicas) -> None:
    """A topic can be written to as soon as it is there."""
    replicas.settle(10)
    replicas.create_topic(1, 2, 3, name="plays")
    replicas.settle(0)
    append(replicas, 0, b"a", topic="plays")
    replicas.settle(0)

    assert [replicas.partition(node_id, "plays").log.log_end_offset for node_id in (2, 3)] == [1, 1]


def test_partitions_take_turns_when_an_answer_is_full(make_replicas: MakeReplicas) -> None:
    """``replica.fetch.response.max.bytes`` bounds the answer, and nobody starves."""
    size = len(batch([b"x" * 1000]))
    replicas = make_replicas(brokers=2, replica_fetch_response_max_bytes=2 * size, replica_fetch_max_bytes=size)
    replicas.cut |= {(2, 1), (1, 2)}
    replicas.create_topic(1, 2, partitions=4)
    for index in range(4):
        for _ in range(3):
            append(replicas, index, b"x" * 1000)
    replicas.cut.clear()
    replicas.calls.clear()

    replicas.settle(2000)

    assert [replicas.partition(2, index=index).log.log_end_offset for index in range(4)] == [3] * 4
    assert named(replicas.fetches(2))[:6] == [[0, 1, 2, 3], [0, 1], [2, 3], [0, 1], [2, 3], [0, 1]]


def test_fetch_waits_for_min_bytes(make_replicas: MakeReplicas) -> None:
    """``replica.fetch.min.bytes`` makes followers slower and their fetches fewer."""
    size = len(batch([b"x" * 1000]))
    replicas = make_replicas(brokers=2, replica_fetch_min_bytes=2 * size)
    replicas.create_topic(1, 2)

    append(replicas, 0, b"x" * 1000)
    replicas.settle(0)
    assert replicas.partition(2).log.log_end_offset == 0
    append(replicas, 0, b"x" * 1000)
    replicas.settle(0)

    assert replicas.partition(2).log.log_end_offset == 2


def test_lost_answer_costs_a_new_session(replicas: Replicas) -> None:
    """Nobody knows what the other has heard, so everything is said again."""
    replicas.settle(10)
    replicas.cut |= {(1, 2)}
    append(replicas, 0, b"a")
    replicas.settle(50)
    replicas.cut.clear()
    assert replicas.log_of(2) == []

    replicas.settle(2000)

    assert replicas.log_of(2) == [(0, b"a")]
    assert [request.session_epoch for request in replicas.fetches(2)].count(0) == 2


def test_restarted_leader_knows_no_sessions(replicas: Replicas) -> None:
    """A follower is told so, and begins again at once."""
    replicas.settle(10)
    replicas.kill(1)
    replicas.start(1)
    replicas.settle(3000)

    assert replicas.write(1, b"a") is ErrorCode.NONE


def test_failed_partition_rests_and_the_others_go_on(make_replicas: MakeReplicas) -> None:
    """``replica.fetch.backoff.ms`` is for the partition, not for the leader."""
    replicas = make_replicas(brokers=2)
    replicas.create_topic(1, 2, partitions=2)
    replicas.brokers[1].image.partition(TOPIC, 0)
    gone = replicas.brokers[1].replicas.partitions.pop((TOPIC, 0))  # a leader that has not heard of it yet
    gone.close()
    replicas.settle(50)
    append(replicas, 1, b"a")
    replicas.settle(0)
    assert replicas.partition(2, index=1).log.log_end_offset == 1

    replicas.brokers[1].replicas.partitions[TOPIC, 0] = gone
    state = replicas.brokers[1].image.partition(TOPIC, 0)
    assert state is not None
    gone.apply(state, replicas.brokers[1].replicas.topic_config(TOPIC))
    append(replicas, 0, b"b")
    replicas.settle(200)

    assert replicas.partition(2, index=0).log.log_end_offset == 1


@pytest.mark.parametrize(
    ("session_id", "epoch", "code"),
    [(5, 1, ErrorCode.FETCH_SESSION_ID_NOT_FOUND), (None, 9, ErrorCode.INVALID_FETCH_SESSION_EPOCH)],
)
def test_wrong_session_is_refused(replicas: Replicas, session_id: int | None, epoch: int, code: ErrorCode) -> None:
    """One that is not there, and one whose count is another."""
    last = replicas.fetches(2)[-1]
    state = m.FetchRequest.ReplicaState(replica_id=2, replica_epoch=20)
    request = m.FetchRequest(replica_state=state, session_id=session_id or last.session_id, session_epoch=epoch)

    answer: Any = replicas.brokers[1].replicas.fetch_sessions.handle(2, request)

    assert answer.error_code == code


def test_clients_are_no_replicas(replicas: Replicas) -> None:
    """Nobody moves the high watermark from a notebook."""
    state = m.FetchRequest.ReplicaState(replica_id=3, replica_epoch=30)
    request = m.FetchRequest(replica_id=3, replica_state=state, session_epoch=0)

    assert replicas.ask(1, 1, request, peer=CLIENT).error_code == ErrorCode.CLUSTER_AUTHORIZATION_FAILED
    assert CLIENT.listener != api_01_fetch.INTERNAL_LISTENER
