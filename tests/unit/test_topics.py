"""`kit.topics`: what is told of topics when brokers know different things, or do not answer."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from kit import topics
from kit.backends import Broker
from kit.backends.broker_link import LIST_OFFSETS, METADATA, LinkError, Step
from kit.topic_views import newest
from kit.topics import TopicReader
from kit.wire import messages as m
from kit.wire.errors import ErrorCode

Answer = Callable[[int, Any], Any]  # api_key, request -> response; may raise LinkError


def view(
    *, leader: int, epoch: int, isr: tuple[int, ...] = (1, 2, 3), name: str = "a", topic_id: int = 1
) -> m.MetadataResponse:
    """A broker's view of one topic with one partition."""
    partition = m.MetadataResponse.MetadataResponsePartition(
        partition_index=0, leader_id=leader, leader_epoch=epoch, replica_nodes=[1, 2, 3], isr_nodes=list(isr)
    )
    topic = m.MetadataResponse.MetadataResponseTopic(
        name=name, topic_id=uuid.UUID(int=topic_id), partitions=[partition]
    )
    return m.MetadataResponse(topics=[topic])


def offsets(request: Any, *, offset: int = 5, error_code: int = ErrorCode.NONE) -> m.ListOffsetsResponse:
    """The same answer for every partition that is asked for."""
    topic, partition = (
        m.ListOffsetsResponse.ListOffsetsTopicResponse,
        m.ListOffsetsResponse.ListOffsetsPartitionResponse,
    )
    return m.ListOffsetsResponse(
        topics=[
            topic(
                name=asked.name,
                partitions=[
                    partition(partition_index=each.partition_index, offset=offset, error_code=error_code)
                    for each in asked.partitions
                ],
            )
            for asked in request.topics
        ]
    )


def test_newer_leader_counts_whoever_tells_of_it() -> None:
    """A broker that is cut off goes on believing that it leads; the others know better."""
    told = newest({1: view(leader=1, epoch=4), 2: view(leader=2, epoch=5, isr=(2, 3)), 3: view(leader=1, epoch=4)})
    assert (told["a"][1][0].leader_id, told["a"][1][0].isr_nodes) == (2, [2, 3])


def test_leader_is_believed_about_who_is_in_sync() -> None:
    """In one epoch the in-sync replicas can change, and the leader knows first."""
    told = newest({1: view(leader=2, epoch=4), 2: view(leader=2, epoch=4, isr=(2, 3)), 3: view(leader=2, epoch=4)})
    assert told["a"][1][0].isr_nodes == [2, 3]


def test_topic_is_there_when_half_of_the_brokers_know_it() -> None:
    """A broker that is cut off does not hear of new topics, nor of deleted ones."""
    nothing = m.MetadataResponse()
    assert "a" in newest({1: nothing, 2: view(leader=2, epoch=0), 3: view(leader=2, epoch=0)})
    assert "a" not in newest({1: view(leader=1, epoch=0), 2: nothing, 3: nothing})


def test_name_that_was_given_again_is_the_newer_topic() -> None:
    """Two topics of one name are told apart by their ids."""
    old, new = view(leader=1, epoch=9, topic_id=1), view(leader=2, epoch=0, topic_id=2)
    assert newest({1: old, 2: new, 3: new})["a"][1][0].leader_id == 2


class FakeLink:
    """Answers from the test's table instead of a broker's port."""

    answers: Mapping[int, Answer] = {}

    def __init__(self, _host: str, port: int, *_: object) -> None:
        self._answer = self.answers[port]

    def ask(self, api_key: int, request: Any, _give_up_s: float) -> Any:
        """Answer, or not, as this broker does."""
        return self._answer(api_key, request)

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Callable[[Mapping[int, Answer]], TopicReader]:
    """Make a reader of brokers that answer as the test says, by node id; no patience with those that do not."""

    def make(answers: Mapping[int, Answer]) -> TopicReader:
        monkeypatch.setattr(FakeLink, "answers", answers)
        monkeypatch.setattr(topics, "BrokerLink", FakeLink)
        monkeypatch.setattr(topics, "_PATIENCE_S", 0.0)
        brokers = [Broker(node_id, "127.0.0.1", node_id, is_alive=True) for node_id in answers]
        return TopicReader({"bootstrap_servers": "unused:1"}, lambda: brokers)

    return make


def answering(seen: m.MetadataResponse, **how: int) -> Answer:
    """A broker with a view of its own."""
    return lambda api_key, request: {METADATA: lambda: seen, LIST_OFFSETS: lambda: offsets(request, **how)}[api_key]()


def silent(_api_key: int, _request: Any) -> Any:
    """A broker that does not answer."""
    raise LinkError(Step.ASK)


def test_read_asks_the_leader_for_the_offsets(reader: Callable[[Mapping[int, Answer]], TopicReader]) -> None:
    """Only the leader knows them; a broker that was its predecessor is not asked."""
    found = reader(
        {
            1: answering(view(leader=1, epoch=4), offset=7),
            2: answering(view(leader=2, epoch=5), offset=9),
            3: answering(view(leader=2, epoch=5)),
        }
    ).read()
    assert (found["a"].partitions[0].leader, found["a"].partitions[0].high_watermark) == (2, 9)


def test_topic_whose_offsets_are_secret_has_none(reader: Callable[[Mapping[int, Answer]], TopicReader]) -> None:
    """A missing right leaves a field empty; it does not take the topic away."""
    refused = answering(view(leader=1, epoch=0), error_code=ErrorCode.TOPIC_AUTHORIZATION_FAILED)
    partition = reader({1: refused}).read()["a"].partitions[0]
    assert (partition.leader, partition.high_watermark) == (1, None)


def test_leader_that_does_not_answer_leaves_its_offsets_unknown(
    reader: Callable[[Mapping[int, Answer]], TopicReader],
) -> None:
    """What the others say is still told."""
    partition = reader({1: silent, 2: answering(view(leader=1, epoch=0))}).read()["a"].partitions[0]
    assert (partition.leader, partition.log_start_offset, partition.high_watermark) == (1, None, None)


def test_silence_of_all_brokers_is_told(reader: Callable[[Mapping[int, Answer]], TopicReader]) -> None:
    """One sentence says what may be wrong and where to look."""
    from kafka.errors import KafkaTimeoutError

    with pytest.raises(KafkaTimeoutError, match=r"No broker has answered .* cluster\.brokers shows their state"):
        reader({1: silent, 2: silent}).read()


def test_who_does_not_wait_gets_what_is_known_at_once(
    reader: Callable[[Mapping[int, Answer]], TopicReader], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A live view shows a leader that does not answer; it does not stand still because of it."""
    impatient = reader({1: silent, 2: answering(view(leader=1, epoch=0))})
    monkeypatch.setattr(topics, "_PATIENCE_S", 3600.0)

    assert impatient.read(wait=False)["a"].partitions[0].high_watermark is None


def test_only_the_named_topics_are_asked_for(reader: Callable[[Mapping[int, Answer]], TopicReader]) -> None:
    """Of a thousand topics a view needs a few."""
    asked = []

    def answer(api_key: int, request: Any) -> Any:
        if api_key == METADATA:
            asked.append(None if request.topics is None else [topic.name for topic in request.topics])
        return answering(view(leader=1, epoch=0))(api_key, request)

    found = reader({1: answer})
    found.read(["a"])
    found.read()

    assert asked == [["a"], None]
