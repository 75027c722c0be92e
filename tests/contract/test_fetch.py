"""Fetching: where reading may begin, how much comes, and when an empty answer comes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from kit.wire import messages as m
from kit.wire.errors import ErrorCode
from tests.contract.talk import Talk, batch, random_uuid, records_in

NewTopic = Callable[..., str]
Differs = Callable[..., object]


def test_fetch_returns_whole_batches(talk: Talk, topic: str) -> None:
    """The batch that holds the offset comes whole; consumers drop what is before it."""
    talk.write(topic, b"a", b"b", b"c")
    talk.write(topic, b"d")

    assert [each.value for each in records_in(talk.fetch(topic, 1).records)] == [b"a", b"b", b"c", b"d"]
    assert talk.values(topic, 3) == [b"d"]


def test_fetch_tells_high_watermark_and_log_start(talk: Talk, topic: str) -> None:
    """Where consumers can read up to, and from where on."""
    talk.write(topic, b"a", b"b")
    found = talk.fetch(topic, 0)

    assert (found.high_watermark, found.last_stable_offset, found.log_start_offset) == (2, 2, 0)
    assert found.preferred_read_replica == -1


def test_end_of_the_log_is_an_empty_answer(talk: Talk, topic: str) -> None:
    """The offset after the last record can be asked for; beyond it nothing can."""
    talk.write(topic, b"a")

    at_end, beyond, negative = (talk.fetch(topic, offset) for offset in (1, 2, -1))

    assert (at_end.error_code, records_in(at_end.records)) == (0, [])
    assert beyond.error_code == negative.error_code == ErrorCode.OFFSET_OUT_OF_RANGE


@pytest.mark.parametrize("limit", ["max_bytes", "partition_max_bytes"])
def test_first_batch_comes_however_large_it_is(talk: Talk, topic: str, limit: str) -> None:
    """A limit below one batch must not stop a consumer for ever (KIP-74); it holds for the second."""
    talk.write(topic, b"x" * 5_000)
    talk.write(topic, b"y" * 5_000)

    assert [len(value or b"") for value in talk.values(topic, **{limit: 100})] == [5_000]


def test_limit_of_the_answer_spans_its_partitions(talk: Talk, new_topic: NewTopic) -> None:
    """max_bytes is for all partitions together: after the first batch the rest comes with the next fetch."""
    topic = new_topic(partitions=2)
    leader = talk.leader(topic)
    for partition in (0, 1):
        talk.write(topic, b"x" * 5_000, partition=partition)
    request = m.FetchRequest
    places = [
        request.FetchPartition(partition=partition, fetch_offset=0, partition_max_bytes=1_000_000)
        for partition in (0, 1)
        if talk.leader(topic, partition) == leader
    ]
    wanted = request(max_bytes=100, session_epoch=-1, topics=[request.FetchTopic(topic=topic, partitions=places)])

    found = talk.ask(wanted, leader, 12).responses[0].partitions

    assert [len(records_in(each.records)) for each in found] == [1, 0][: len(places)]


def test_fetch_waits_for_enough_bytes(talk: Talk, topic: str) -> None:
    """With min_bytes a fetch is answered when they are there, long before max_wait_ms."""
    with talk.connect(talk.leader(topic)) as client:
        client.send(talk.fetch_request(topic, 0, min_bytes=1, max_wait_ms=50_000), 12)
        talk.write(topic, b"at last")
        found = client.receive().responses[0].partitions[0]

    assert [each.value for each in records_in(found.records)] == [b"at last"]


def test_fetch_gives_up_after_max_wait(talk: Talk, topic: str) -> None:
    """What is there by then comes, though it is less than min_bytes."""
    talk.write(topic, b"little")

    assert talk.values(topic, min_bytes=100_000, max_wait_ms=10) == [b"little"]


def test_refusal_does_not_wait(talk: Talk, topic: str) -> None:
    """An error in one partition answers the request at once."""
    assert talk.fetch(topic, 5, min_bytes=1, max_wait_ms=50_000).error_code == ErrorCode.OFFSET_OUT_OF_RANGE


def test_leader_epoch_of_the_client_is_checked(talk: Talk, topic: str) -> None:
    """An old epoch is fenced, one that the broker does not know yet is told so (KIP-320)."""
    talk.write(topic, b"x")

    assert talk.fetch(topic, 0, epoch=0).error_code == ErrorCode.NONE
    assert talk.fetch(topic, 0, epoch=7).error_code == ErrorCode.UNKNOWN_LEADER_EPOCH
    assert talk.offset_at(topic, -1, epoch=7).error_code == ErrorCode.UNKNOWN_LEADER_EPOCH


def test_unknown_places_are_refused(talk: Talk, topic: str) -> None:
    """A partition that does not exist, a topic that does not, an id that nobody has."""
    leader = talk.leader(topic)

    assert talk.fetch(topic, 0, partition=9, node_id=leader).error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    assert talk.fetch("nobody-made-this", 0, node_id=leader).error_code == ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    request = m.FetchRequest
    place = request.FetchPartition(partition=0, fetch_offset=0, partition_max_bytes=1000)
    wanted = request.FetchTopic(topic_id=random_uuid(), partitions=[place])
    answer = talk.ask(request(session_epoch=-1, topics=[wanted]), leader, 13)
    assert answer.responses[0].partitions[0].error_code == ErrorCode.UNKNOWN_TOPIC_ID


def test_fetch_session_that_does_not_exist_is_refused(talk: Talk, topic: str) -> None:
    """The whole request fails (KIP-227)."""
    wanted = talk.fetch_request(topic, 0, session_epoch=1, session_id=12345)

    assert talk.ask(wanted, talk.leader(topic), 12).error_code == ErrorCode.FETCH_SESSION_ID_NOT_FOUND


def test_fetch_session_is_granted(talk: Talk, topic: str, differs: Differs) -> None:
    """Epoch 0 asks for a session, whose next fetch is empty when nothing is new (KIP-227)."""
    answer = talk.ask(talk.fetch_request(topic, 0, session_epoch=0), talk.leader(topic), 12)

    assert answer.error_code == ErrorCode.NONE
    is_granted = differs("Fetch sessions of clients (KIP-227)", apache=True, embedded=False)
    assert (answer.session_id != 0) == is_granted


def test_isolation_level_makes_no_difference_without_transactions(talk: Talk, topic: str) -> None:
    """read_committed reads up to the last stable offset, which is the high watermark then; nothing was aborted."""
    talk.write(topic, b"a")
    found = talk.fetch(topic, 0, isolation_level=1)

    assert [each.value for each in records_in(found.records)] == [b"a"]
    assert found.last_stable_offset == 1
    assert list(found.aborted_transactions or []) == []


def test_empty_batch_list_is_no_null(talk: Talk, topic: str) -> None:
    """Where nothing is to be read the answer has zero bytes of records, which old clients insist on."""
    assert bytes(talk.fetch(topic, 0).records) == b""


def test_long_reading_goes_on_where_it_stopped(talk: Talk, topic: str) -> None:
    """Fetch after fetch, each from the offset after the last record, gives every record once and in order."""
    for number in range(20):
        talk.produce(topic, batch(*(b"%d-%d" % (number, each) for each in range(5))))

    read: list[bytes | None] = []
    while found := talk.values(topic, len(read), partition_max_bytes=300):
        read += found

    assert read == [b"%d-%d" % (number, each) for number in range(20) for each in range(5)]
