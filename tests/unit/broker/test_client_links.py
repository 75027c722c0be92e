"""What happens to requests and replies of clients on faulty links, and what hooks decide about them."""

from __future__ import annotations

import random
import uuid
from collections.abc import Mapping
from typing import Any

import pytest

from kit.broker.broker import DISCONNECT, Chunks, InvalidRequest, Peer
from kit.broker.client_links import ClientLinks, RequestHooks
from kit.broker.clock import NodeClock, VirtualClock
from kit.broker.deferred import Deferred
from kit.broker.faults import Links
from kit.wire import codec
from kit.wire import messages as m
from kit.wire.errors import ErrorCode

PRODUCE, FETCH, METADATA = 0, 1, 3
ME = Peer("127.0.0.1", 40_000)
TOPIC_ID = uuid.UUID(int=7)
PLAYS = m.ProduceRequest(
    acks=-1,
    topic_data=[m.TopicProduceData(topic_id=TOPIC_ID, partition_data=[m.PartitionProduceData(index=3)])],
)


class Played:
    """Broker 1 of three, whose answers are the frames that it saw."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.node_clock = NodeClock(self.clock)
        self.links = Links([1, 2, 3], random.Random(1))
        self.hooks = RequestHooks()
        self.served: list[bytes] = []
        self.answer: Chunks | Deferred[Chunks | None] | None = [b"reply"]
        self.client_links = ClientLinks(
            node_id=1,
            links=self.links,
            hooks=self.hooks,
            clock=self.node_clock,
            topic_name={TOPIC_ID: "plays"}.get,
            serve=self.serve,
        )

    def serve(self, frame: memoryview, peer: Peer) -> Chunks | Deferred[Chunks | None] | None:
        """Note the frame and answer as the test says."""
        assert peer is ME
        if not frame:
            raise InvalidRequest("nothing there")
        self.served.append(bytes(frame))
        return self.answer

    def send(
        self, api_key: int = METADATA, message: Any = None, *, client_id: str | None = "me", version: int | None = None
    ) -> Any:
        """Send a request; gives what the connection gets."""
        api = codec.api(api_key)
        version = api.max_version if version is None else version
        frame = codec.encode_request(api_key, version, 9, client_id, message or api.request())[4:]
        buffer = bytearray(frame)
        answer = self.client_links.receive(memoryview(buffer), ME)
        buffer[:] = bytes(len(buffer))  # the connection may use it again
        return answer


@pytest.fixture
def played() -> Played:
    """A broker with whole links and no hooks."""
    return Played()


def test_whole_links_without_hooks_are_not_in_the_way(played: Played) -> None:
    """The broker's own answer comes back at once."""
    assert played.send() is played.answer
    assert len(played.served) == 1


def test_lost_request_is_never_served(played: Played) -> None:
    """The connection waits; when the network is healed it is closed, so that the client tries again."""
    played.links.drop(1, "requests")
    answer = played.send()
    played.clock.advance(60_000)
    assert (answer.done, played.served) == (False, [])

    played.links.heal()
    played.client_links.reset_lost()
    assert answer.value is DISCONNECT
    assert played.served == []


def test_lifted_drop_closes_the_connections_that_it_silenced(played: Played) -> None:
    """As healing does, and no others."""
    played.links.drop(1, "requests", api_key=PRODUCE)
    played.links.drop(1, "replies", share=1.0)
    produce, fetch = played.send(PRODUCE), played.send(FETCH)
    played.clock.advance(1)
    assert (produce.done, fetch.done) == (False, False)

    played.links.drop(1, "replies", share=0)
    played.client_links.reset_lost()
    assert (produce.done, fetch.value) == (False, DISCONNECT)

    played.links.drop(1, "requests", share=0, api_key=PRODUCE)
    played.client_links.reset_lost()
    assert produce.value is DISCONNECT


def test_lost_reply_was_served(played: Played) -> None:
    """The work is done, and nobody hears of it."""
    played.links.drop(1, "replies")
    answer = played.send()
    played.clock.advance(60_000)

    assert (answer.done, len(played.served)) == (False, 1)


def test_client_on_the_other_side_of_a_cut_is_lost(played: Played) -> None:
    """Only the one that was placed there."""
    played.links.cut([{1}, {2, 3}], clients={"there": 1})

    lost, reached = played.send(client_id="there"), played.send(client_id="here")
    nameless = played.send(client_id=None)
    played.clock.advance(1)

    assert (lost.done, reached.value, nameless.value) == (False, [b"reply"], [b"reply"])


def test_slow_link_delays_request_and_reply(played: Played) -> None:
    """Each way takes its time, and the frame is the one that was sent."""
    played.links.slow(1, 100)
    answer = played.send()
    played.clock.advance(99)
    assert played.served == []
    played.clock.advance(1)
    assert codec.decode_request_header(memoryview(played.served[0]))[0].client_id == "me"
    played.clock.advance(99)
    assert not answer.done
    played.clock.advance(1)
    assert answer.value == [b"reply"]


def test_reply_that_comes_later_takes_the_link_too(played: Played) -> None:
    """A Fetch that waited is cut off by a cut that was made meanwhile."""
    played.answer = Deferred[Chunks | None]()
    played.links.slow(2, 1)
    answer = played.send()
    played.clock.advance(1)
    played.links.drop(1, "replies")
    played.answer.resolve([b"late"])
    played.clock.advance(1)

    assert not answer.done


def test_request_without_a_reply_frees_its_connection(played: Played) -> None:
    """Nothing is carried back for acks=0, so nothing can be lost."""
    played.links.drop(1, "replies")
    played.answer = None
    answer = played.send(PRODUCE, m.ProduceRequest(acks=0))
    played.clock.advance(1)

    assert (answer.done, answer.value) == (True, None)


def test_nonsense_is_refused_as_on_whole_links(played: Played) -> None:
    """At once where it shows at once, and by closing the connection where it shows on arrival."""
    played.links.slow(2, 1)
    with pytest.raises(InvalidRequest):
        played.client_links.receive(memoryview(b""), ME)

    def refuse(frame: memoryview, peer: Peer) -> Chunks:
        raise InvalidRequest("a version that nobody serves")

    played.client_links._serve = refuse  # noqa: SLF001 - the broker's part is played
    answer = played.send()
    played.clock.advance(1)
    assert answer.value is DISCONNECT


def hook(seen: list[Mapping[str, Any]], verdict: Any) -> Any:
    """A hook that notes what it is asked about and answers at once."""

    def decide(described: Mapping[str, Any]) -> Deferred[Any]:
        seen.append(described)
        answer = Deferred[Any]()
        answer.resolve(verdict)
        return answer

    return decide


def test_hook_sees_requests_of_its_api_until_it_is_removed(played: Played) -> None:
    """With the names of topics that the request calls by their ids."""
    seen: list[Mapping[str, Any]] = []
    remove = played.hooks.add(PRODUCE, hook(seen, None))
    answers = [played.send(PRODUCE, PLAYS), played.send(METADATA)]
    played.clock.advance(1)
    assert [answer.value for answer in answers] == [[b"reply"], [b"reply"]]
    assert seen == [{"broker_id": 1, "client_id": "me", "partitions": [("plays", 3)], "acks": PLAYS.acks}]

    remove()
    remove()
    assert played.send(PRODUCE, PLAYS) is played.answer
    assert len(seen) == 1


def test_hook_can_drop_delay_and_refuse(played: Played) -> None:
    """The three verdicts; the broker sees the delayed request only."""
    drop = played.hooks.add(METADATA, hook([], "drop"))
    dropped = played.send()
    played.clock.advance(1)
    drop()
    delay = played.hooks.add(METADATA, hook([], 50.0))
    delayed = played.send()
    played.clock.advance(40)
    assert not delayed.done
    played.clock.advance(20)
    delay()
    played.hooks.add(PRODUCE, hook([], "NOT_LEADER_OR_FOLLOWER"))
    refused = played.send(PRODUCE, PLAYS)
    played.clock.advance(1)

    assert (dropped.done, delayed.value, len(played.served)) == (False, [b"reply"], 1)
    frame = memoryview(b"".join(refused.value))[4:]
    (topic,) = codec.decode_response(PRODUCE, codec.api(PRODUCE).max_version, frame)[1].responses
    assert [each.error_code for each in topic.partition_responses] == [ErrorCode.NOT_LEADER_OR_FOLLOWER]


def test_refused_request_that_wants_no_reply_gets_none(played: Played) -> None:
    """acks=0 hears of no error either."""
    played.hooks.add(PRODUCE, hook([], "NOT_LEADER_OR_FOLLOWER"))
    answer = played.send(PRODUCE, m.ProduceRequest(acks=0))
    played.clock.advance(1)

    assert (answer.done, answer.value, played.served) == (True, None, [])


def test_verdict_for_a_broker_that_died_meanwhile_is_void(played: Played) -> None:
    """A hook that kills the broker whose request it sees."""
    verdict = Deferred[Any]()
    played.hooks.add(METADATA, lambda _: verdict)
    answer = played.send()
    played.clock.advance(1)
    played.node_clock.stop()
    verdict.resolve(None)
    played.clock.advance(1)

    assert (answer.done, played.served) == (False, [])


def test_first_hook_with_an_opinion_decides(played: Played) -> None:
    """The ones behind it are not asked."""
    asked: list[list[Mapping[str, Any]]] = [[], [], []]
    for seen, verdict in zip(asked, [None, "drop", 5.0], strict=True):
        played.hooks.add(METADATA, hook(seen, verdict))
    answer = played.send()
    played.clock.advance(100)

    assert ([len(seen) for seen in asked], answer.done) == ([1, 1, 0], False)


@pytest.mark.parametrize(
    ("api_key", "message", "version", "expected"),
    [
        (FETCH, m.FetchRequest(topics=[m.FetchRequest.FetchTopic(topic="a", partitions=[
            m.FetchRequest.FetchPartition(partition=2)])]), 12, [("a", 2)]),
        (FETCH, m.FetchRequest(topics=[m.FetchRequest.FetchTopic(topic_id=uuid.UUID(int=1), partitions=[
            m.FetchRequest.FetchPartition(partition=2)])]), 16, []),
        (METADATA, m.MetadataRequest(topics=[m.MetadataRequestTopic(name="a")]), 12, []),
        (METADATA, m.MetadataRequest(topics=None), 12, []),
        (21, m.DeleteRecordsRequest(topics=[m.DeleteRecordsTopic(name="a", partitions=[
            m.DeleteRecordsPartition(partition_index=1)])]), 2, [("a", 1)]),
    ],
)  # fmt: skip
def test_hook_learns_the_partitions_that_a_request_names(
    played: Played, api_key: int, message: Any, version: int, expected: list[tuple[str, int]]
) -> None:
    """Whatever the message calls them; a topic id that nobody knows names nothing."""
    seen: list[Mapping[str, Any]] = []
    played.hooks.add(api_key, hook(seen, None))
    played.send(api_key, message, version=version)
    played.clock.advance(1)

    assert [described["partitions"] for described in seen] == [expected]
