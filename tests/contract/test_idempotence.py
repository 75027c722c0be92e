"""Idempotent producers (KIP-98): sequence numbers, duplicates, gaps and epochs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kit.wire import messages as m
from kit.wire.errors import ErrorCode
from tests.contract.talk import Talk, batch
from tests.support.wait import wait_until

NewTopic = Callable[..., str]
Differs = Callable[..., Any]


class Idempotent:
    """A producer that numbers its records by hand."""

    def __init__(self, talk: Talk, topic: str) -> None:
        self._talk, self._topic = talk, topic
        self.producer_id = talk.producer_id()

    def send(self, sequence: int, *values: bytes, epoch: int = 0, **options: Any) -> tuple[str, int]:
        """Send a batch; returns the error's name and the base offset."""
        data = batch(
            *values or (b"%d" % sequence,),
            producer_id=self.producer_id,
            producer_epoch=epoch,
            base_sequence=sequence,
        )
        answer = self._talk.produce(self._topic, data, **options)
        return ErrorCode(answer.error_code).name, answer.base_offset


def test_each_producer_gets_an_id_of_its_own(talk: Talk) -> None:
    """InitProducerId never gives an id twice, whichever broker is asked; the epoch begins with 0."""
    given = [talk.producer_id(node_id) for node_id in talk.node_ids for _ in range(3)]

    assert len(set(given)) == len(given)


def test_consecutive_sequence_numbers_are_taken(talk: Talk, topic: str) -> None:
    """The next batch begins with the number after the last record's."""
    producer = Idempotent(talk, topic)

    assert producer.send(0, b"0", b"1") == ("NONE", 0)
    assert producer.send(2, b"2") == ("NONE", 2)
    assert talk.values(topic) == [b"0", b"1", b"2"]


def test_duplicate_is_acknowledged_and_not_appended(talk: Talk, topic: str) -> None:
    """A retry of any of the last five batches gets the offset that the batch has."""
    producer = Idempotent(talk, topic)
    for sequence in range(6):
        producer.send(sequence)

    assert [producer.send(sequence) for sequence in range(1, 6)] == [("NONE", offset) for offset in range(1, 6)]
    assert talk.offset_at(topic, -1).offset == 6


def test_retry_of_an_older_batch_is_out_of_order(talk: Talk, topic: str) -> None:
    """Only the last five batches are remembered."""
    producer = Idempotent(talk, topic)
    for sequence in range(6):
        producer.send(sequence)

    assert producer.send(0) == ("OUT_OF_ORDER_SEQUENCE_NUMBER", -1)


def test_gap_is_refused(talk: Talk, topic: str) -> None:
    """A number that is skipped may be a lost batch; the right one is still taken afterwards."""
    producer = Idempotent(talk, topic)
    producer.send(0)

    assert producer.send(2) == ("OUT_OF_ORDER_SEQUENCE_NUMBER", -1)
    assert producer.send(1) == ("NONE", 1)


def test_batch_that_overlaps_a_known_one_is_no_duplicate(talk: Talk, topic: str) -> None:
    """A duplicate has the same first and last number."""
    producer = Idempotent(talk, topic)
    producer.send(0, b"0", b"1")

    assert producer.send(0, b"0") == ("OUT_OF_ORDER_SEQUENCE_NUMBER", -1)
    assert producer.send(1, b"1", b"2") == ("OUT_OF_ORDER_SEQUENCE_NUMBER", -1)


def test_first_batch_of_an_unknown_producer(talk: Talk, topic: str, differs: Differs) -> None:
    """A partition that knows nothing of a producer has to believe its first number, or to refuse."""
    expected = differs(
        "First batch of an idempotent producer that the leader does not know",
        apache=("NONE", 0),
        embedded=("OUT_OF_ORDER_SEQUENCE_NUMBER", -1),
    )
    assert Idempotent(talk, topic).send(5) == expected


def test_new_epoch_begins_with_0(talk: Talk, topic: str) -> None:
    """A producer that raised its epoch starts its numbers anew."""
    producer = Idempotent(talk, topic)
    producer.send(0)

    assert producer.send(1, epoch=1) == ("OUT_OF_ORDER_SEQUENCE_NUMBER", -1)
    assert producer.send(0, epoch=1) == ("NONE", 1)


def test_old_epoch_is_fenced(talk: Talk, topic: str) -> None:
    """Who wrote with a newer epoch has replaced the older one."""
    producer = Idempotent(talk, topic)
    producer.send(0, epoch=3)

    assert producer.send(1, epoch=2) == ("INVALID_PRODUCER_EPOCH", -1)
    assert producer.send(1, epoch=3) == ("NONE", 1)


def test_producers_and_partitions_are_independent(talk: Talk, new_topic: NewTopic) -> None:
    """The numbers are those of one producer in one partition."""
    topic = new_topic(partitions=2)
    first, second = Idempotent(talk, topic), Idempotent(talk, topic)

    assert first.send(0) == ("NONE", 0)
    assert second.send(0) == ("NONE", 1)
    assert first.send(0, partition=1) == ("NONE", 0)
    assert first.send(1) == ("NONE", 2)


def test_duplicate_is_known_with_acks_1_too(talk: Talk, topic: str) -> None:
    """The leader looks at the numbers, whatever acknowledgement is wanted."""
    producer = Idempotent(talk, topic)
    producer.send(0, acks=1)

    assert producer.send(0, acks=1) == ("NONE", 0)
    assert producer.send(1) == ("NONE", 1)
    assert talk.values(topic) == [b"0", b"1"]


def test_producer_id_without_a_sequence_is_refused(talk: Talk, topic: str) -> None:
    """Who has an id numbers its records."""
    assert Idempotent(talk, topic).send(-1, b"x") == ("INVALID_RECORD", -1)


def test_transactional_id_has_a_coordinator(talk: Talk, unique: Callable[[str], str], differs: Differs) -> None:
    """FindCoordinator leads to the broker that decides about a producer's transactions."""
    expected = differs("Transactions", apache=ErrorCode.NONE, embedded=ErrorCode.UNSUPPORTED_VERSION)
    request = m.FindCoordinatorRequest(key_type=1, coordinator_keys=[unique("transactional")])

    wait_until(lambda: talk.ask(request).coordinators[0].error_code == expected, "an answer")
