"""Who is in sync: joining, being left out, and what the controller may say to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from kit.wire import messages as m
from kit.wire.errors import ErrorCode
from tests.support.replicas import CONTROLLER, TOPIC, Replicas

MakeReplicas = Callable[..., Replicas]
LAG_MS = 1500
SHRINK_WITHIN_MS = LAG_MS * 3 // 2  # it is looked at twice in the time that a follower may lag


def changes(replicas: Replicas, source: int = 1) -> list[tuple[list[tuple[int, int]], int]]:
    """What a leader asked of the controller for partition 0: (broker, broker epoch)s, and the partition epoch."""
    return [
        ([(each.broker_id, each.broker_epoch) for each in asked.new_isr_with_epochs], asked.partition_epoch)
        for sender, target, _, request in replicas.calls
        if (sender, target) == (source, CONTROLLER)
        for asked in request.topics[0].partitions
        if asked.partition_index == 0
    ]


def test_follower_that_lags_is_left_out(replicas: Replicas) -> None:
    """Then the others are enough for acks=all."""
    replicas.cut |= {(3, 1), (1, 3)}
    answer = replicas.produce(1, b"a", timeout_ms=60_000)

    replicas.settle(SHRINK_WITHIN_MS)

    assert replicas.isr() == [1, 2]
    assert changes(replicas) == [([(1, 10), (2, 20)], 0)]
    assert answer.value.error_code == ErrorCode.NONE


def test_follower_without_anything_to_fetch_does_not_lag(replicas: Replicas) -> None:
    """It has all that there is, however long it is silent."""
    replicas.cut |= {(3, 1), (1, 3)}

    replicas.settle(10 * LAG_MS)

    assert replicas.isr() == [1, 2, 3]


def test_follower_under_steady_writes_does_not_lag(replicas: Replicas) -> None:
    """It is always a little behind, and at each fetch it has what was the end at the last one."""
    for _ in range(100):
        replicas.produce(1, b"a", acks=1)
        replicas.settle(LAG_MS / 20)
        replicas.produce(1, b"b", acks=1)

    assert changes(replicas) == []


def test_follower_that_has_caught_up_joins_again(replicas: Replicas) -> None:
    """As soon as it has reached the high watermark."""
    replicas.cut |= {(3, 1), (1, 3)}
    replicas.produce(1, b"a", acks=1)
    replicas.settle(SHRINK_WITHIN_MS)
    assert replicas.isr() == [1, 2]

    replicas.heal()
    replicas.settle(1200)

    assert replicas.isr() == [1, 2, 3]
    assert changes(replicas)[-1] == ([(1, 10), (2, 20), (3, 30)], 1)


def test_leader_cut_off_from_the_controller_keeps_its_in_sync_replicas(replicas: Replicas) -> None:
    """It cannot have them changed, so acks=all is never acknowledged: the lesson of the minority."""
    replicas.isolate(1)
    answers = [replicas.produce(1, b"a", timeout_ms=timeout_ms) for timeout_ms in (1000, 30_000)]

    replicas.settle(20_000)

    assert answers[0].value.error_code == ErrorCode.REQUEST_TIMED_OUT
    assert not answers[1].done
    assert replicas.partition(1).high_watermark == 0
    assert replicas.isr() == [1, 2, 3]


def test_change_is_sent_again_until_somebody_answers(replicas: Replicas) -> None:
    """No answer says nothing about what was done."""
    replicas.alter_errors = [ErrorCode.NOT_CONTROLLER, ErrorCode.UNKNOWN_SERVER_ERROR]
    replicas.cut |= {(3, 1), (1, 3), (CONTROLLER, 1)}
    replicas.produce(1, b"a", acks=1)
    replicas.settle(SHRINK_WITHIN_MS)
    assert replicas.isr() == [1, 2, 3]

    replicas.cut -= {(CONTROLLER, 1)}
    replicas.settle(3000)

    assert replicas.isr() == [1, 2]


@pytest.mark.parametrize("code", [ErrorCode.INVALID_UPDATE_VERSION, ErrorCode.FENCED_LEADER_EPOCH])
def test_leader_with_an_old_view_waits_for_the_metadata(replicas: Replicas, code: ErrorCode) -> None:
    """It does not ask again before it knows how things are."""
    replicas.alter_errors = [code]
    replicas.cut |= {(3, 1), (1, 3)}
    replicas.produce(1, b"a", acks=1)
    replicas.settle(5 * LAG_MS)
    assert (len(changes(replicas)), replicas.isr()) == (1, [1, 2, 3])

    replicas.change(isr=[1, 3])
    replicas.settle(2 * SHRINK_WITHIN_MS)

    assert replicas.isr() == [1, 2]


def test_ineligible_replica_is_proposed_again_with_its_next_fetch(make_replicas: MakeReplicas) -> None:
    """The controller knows a broker's state before the leader does."""
    replicas = make_replicas()
    replicas.alter_errors = [ErrorCode.INELIGIBLE_REPLICA]
    replicas.create_topic(1, 2, 3, isr=[1, 3])
    replicas.settle(1000)

    assert replicas.isr() == [1, 2, 3]
    assert len(changes(replicas)) == 2


def test_changes_of_all_partitions_go_in_one_request(make_replicas: MakeReplicas) -> None:
    """A broker that dies is a follower of many."""
    replicas = make_replicas(brokers=2)
    replicas.create_topic(1, 2, isr=[1], partitions=5)

    requests = [request for _, target, _, request in replicas.calls if target == CONTROLLER]

    assert [sorted(each.partition_index for each in request.topics[0].partitions) for request in requests] == [
        [0, 1, 2, 3, 4]
    ]


def test_replica_that_joins_holds_the_high_watermark_before_the_controller_has_confirmed(
    make_replicas: MakeReplicas,
) -> None:
    """The controller may have done so already: the larger set counts (KIP-497)."""
    replicas = make_replicas(brokers=2)
    replicas.cut |= {(CONTROLLER, 1)}
    replicas.create_topic(1, 2, isr=[1])
    replicas.cut.clear()
    replicas.spread()
    replicas.cut |= {(CONTROLLER, 1)}  # the answer gets lost
    replicas.settle()
    replicas.cut |= {(1, 2), (2, 1)}

    answer = replicas.produce(1, b"a", timeout_ms=60_000)
    replicas.settle(LAG_MS * 2)

    assert replicas.isr() == [1, 2]
    assert not answer.done


def test_fenced_follower_does_not_join(make_replicas: MakeReplicas) -> None:
    """It copies, but it could not lead."""
    replicas = make_replicas(brokers=2)
    replicas.register(2, epoch=20, fenced=True)
    replicas.create_topic(1, 2, isr=[1])
    replicas.write(1, b"a")
    replicas.settle(1000)
    assert (replicas.log_of(2), replicas.isr()) == ([(0, b"a")], [1])

    replicas.register(2, epoch=20)
    replicas.settle(1000)

    assert replicas.isr() == [1, 2]


def test_fetch_from_before_a_restart_does_not_count(replicas: Replicas) -> None:
    """The broker epoch tells whether the log that fetched is still there (KIP-903)."""
    topic = m.FetchTopic(
        topic=TOPIC,
        topic_id=replicas.image.topics[TOPIC].topic_id,
        partitions=[m.FetchPartition(partition=0, current_leader_epoch=0, fetch_offset=0, log_start_offset=0)],
    )
    leader = replicas.brokers[1].replicas

    def fetch(replica_id: int, epoch: int) -> Any:
        state = m.FetchRequest.ReplicaState(replica_id=replica_id, replica_epoch=epoch)
        request = m.FetchRequest(replica_state=state, session_epoch=0, topics=[topic])
        answer: Any = leader.fetch_sessions.handle(replica_id, request)
        return [ErrorCode(data.error_code) for each in answer.responses for data in each.partitions]

    assert fetch(2, 19) == [ErrorCode.NOT_LEADER_OR_FOLLOWER]
    assert fetch(2, 20) == []
    assert fetch(4, 40) == [ErrorCode.UNKNOWN_LEADER_EPOCH]


def test_new_leader_waits_for_the_followers_of_the_last_one(replicas: Replicas) -> None:
    """It does not know how far they are; what it has itself is committed when they have it too."""
    replicas.write(1, b"a")
    replicas.settle()
    replicas.cut |= {(3, 2), (2, 3)}
    replicas.change(leader=2)
    replicas.settle(500)
    assert replicas.produce(2, b"b", acks=1).value.error_code == ErrorCode.NONE
    replicas.settle(300)
    assert replicas.partition(2).high_watermark == 1

    replicas.heal()
    replicas.settle(2000)

    assert replicas.partition(2).high_watermark == 2
    assert [replicas.log_of(node_id) for node_id in (1, 2, 3)] == [[(0, b"a"), (1, b"b")]] * 3
