"""acks=all: what is committed, who waits for it, and what a producer is told when it does not come."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kit.wire.errors import ErrorCode
from tests.support.logs import batch
from tests.support.replicas import Replicas

MakeReplicas = Callable[..., Replicas]
HIGH_WATERMARK_MS = 10  # after which followers know it too


def test_acks_all_is_answered_when_every_replica_has_the_records(replicas: Replicas) -> None:
    """Not before: until then they are in the leader's log alone, where no consumer sees them."""
    answer = replicas.produce(1, b"a", b"b")
    assert not answer.done
    assert (replicas.partition(1).log.log_end_offset, replicas.partition(1).high_watermark) == (2, 0)

    replicas.settle(0)

    assert (answer.value.error_code, answer.value.base_offset) == (ErrorCode.NONE, 0)
    assert [replicas.log_of(node_id) for node_id in (1, 2, 3)] == [[(0, b"a"), (1, b"b")]] * 3
    assert replicas.partition(1).high_watermark == 2


def test_followers_learn_the_high_watermark_before_long(replicas: Replicas) -> None:
    """They need not wait for the next records."""
    replicas.write(1, b"a")
    replicas.settle(HIGH_WATERMARK_MS)

    assert [replicas.partition(node_id).high_watermark for node_id in (1, 2, 3)] == [1, 1, 1]


@pytest.mark.parametrize("acks", [0, 1])
def test_other_acks_are_not_waited_for(replicas: Replicas, acks: int) -> None:
    """The leader's log is enough for them."""
    if acks:
        assert replicas.produce(1, b"a", acks=1).value.error_code == ErrorCode.NONE
    else:
        replicas.partition(1).append(memoryview(batch([b"a"])), acks=0)

    assert (replicas.partition(1).log.log_end_offset, replicas.partition(1).high_watermark) == (1, 0)


def test_acks_all_with_one_replica_is_answered_at_once(make_replicas: MakeReplicas) -> None:
    """A single copy has nobody to wait for."""
    replicas = make_replicas(brokers=1)
    replicas.create_topic(1)

    assert replicas.produce(1, b"a").value.error_code == ErrorCode.NONE
    assert replicas.partition(1).high_watermark == 1


def test_acks_all_waits_for_every_in_sync_replica_and_not_only_for_the_minimum(replicas: Replicas) -> None:
    """min.insync.replicas is 2, but a follower in sync that does not answer holds everything up."""
    replicas.cut |= {(3, 1), (1, 3)}
    answer = replicas.produce(1, b"a", timeout_ms=1000)

    replicas.settle(999)
    assert not answer.done
    replicas.settle(1)

    assert answer.value.error_code == ErrorCode.REQUEST_TIMED_OUT
    assert (answer.value.base_offset, answer.value.log_start_offset) == (-1, -1)
    assert replicas.kinds("write_timed_out") == [{"node": 1, "offset": 0}]


def test_acks_all_with_too_few_in_sync_replicas_is_refused(replicas: Replicas) -> None:
    """Nothing is appended then."""
    replicas.change(isr=[1])

    assert replicas.write(1, b"a") is ErrorCode.NOT_ENOUGH_REPLICAS
    assert replicas.partition(1).log.log_end_offset == 0
    assert replicas.kinds("write_refused") == [{"node": 1, "error": "NOT_ENOUGH_REPLICAS"}]


def test_min_insync_replicas_is_never_more_than_there_are_replicas(make_replicas: MakeReplicas) -> None:
    """As Kafka's effectiveMinIsr: else nobody could write to a single copy."""
    replicas = make_replicas(brokers=2)
    replicas.create_topic(1, 2, min_insync_replicas=3)

    assert replicas.write(1, b"a") is ErrorCode.NONE


def test_high_watermark_stays_while_too_few_replicas_are_in_sync(replicas: Replicas) -> None:
    """With acks=1 too: what one replica alone has is shown to no consumer (KIP-966)."""
    replicas.cut |= {(2, 1), (1, 2), (3, 1), (1, 3)}
    replicas.change(isr=[1])

    assert replicas.write(1, b"a", acks=1) is ErrorCode.NONE
    assert (replicas.partition(1).high_watermark, bytes(replicas.fetch(1, 0).records)) == (0, b"")

    replicas.heal()
    replicas.settle(2000)
    assert (replicas.isr(), replicas.partition(1).high_watermark) == ([1, 2, 3], 1)


def test_committed_records_with_too_few_copies_by_now(make_replicas: MakeReplicas) -> None:
    """The in-sync replicas have them, but the topic asks for more than there are."""
    replicas = make_replicas(brokers=2)
    replicas.cut |= {(1, 2), (2, 1)}
    replicas.create_topic(1, 2, isr=[1])
    leader = replicas.partition(1).leader
    assert leader is not None
    codes: list[ErrorCode] = []
    leader.wait_for_commit(0, codes.append)

    leader.configure(2)
    leader.answer_committed()

    assert codes == [ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND]
    assert replicas.kinds("write_refused") == [{"node": 1, "error": "NOT_ENOUGH_REPLICAS_AFTER_APPEND"}]


def test_retry_of_a_batch_waits_for_its_own_offset(replicas: Replicas) -> None:
    """A duplicate is no reason to say that it is committed."""
    sent = batch([b"a"], producer_id=7, producer_epoch=0, base_sequence=0)
    replicas.cut |= {(3, 1), (1, 3)}
    replicas.produce(1, data=bytearray(sent))
    retry = replicas.produce(1, data=bytearray(sent), timeout_ms=10_000)
    replicas.settle(500)
    assert not retry.done

    replicas.heal()
    replicas.settle(1000)

    assert (retry.value.error_code, retry.value.base_offset) == (ErrorCode.NONE, 0)
    assert replicas.partition(1).log.log_end_offset == 1


def test_lost_leadership_ends_the_wait(replicas: Replicas) -> None:
    """Nobody knows here what becomes of the records."""
    replicas.cut |= {(3, 1), (1, 3)}
    answer = replicas.produce(1, b"a", timeout_ms=60_000)

    replicas.change(leader=2)

    assert answer.value.error_code == ErrorCode.NOT_LEADER_OR_FOLLOWER


def test_deleted_topic_ends_the_wait(replicas: Replicas) -> None:
    """Of a producer and of a consumer."""
    replicas.cut |= {(3, 1), (1, 3)}
    written, read = replicas.produce(1, b"a", timeout_ms=60_000), replicas.fetch(1, 0, max_wait_ms=60_000)
    topic = replicas.brokers[1].image.topics["listens"]
    replicas.brokers[1].image.apply(replicas.removal())

    replicas.brokers[1].replicas.remove_topic(topic)

    assert written.value.error_code == ErrorCode.NOT_LEADER_OR_FOLLOWER
    assert read.value.responses[0].partitions[0].error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
