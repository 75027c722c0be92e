"""What stands between a plan and Apache's brokers, tried on the kit's own, which speak the same protocol."""

from __future__ import annotations

import os
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from autograder.arena.apache_host import has_answer
from autograder.arena.apache_sight import ApacheSight
from autograder.arena.doors import Doors
from autograder.arena.host import Host
from autograder.arena.proxy import Proxy, Reply
from kit.backends.broker_link import LIST_OFFSETS, BrokerLink, LinkError
from kit.broker.broker import Farewell, InvalidRequest, Peer
from kit.broker.deferred import Deferred
from kit.wire import codec
from kit.wire import messages as m
from tests.support.requirements import missing
from tests.support.wait import wait_until

RECORDS = [["ann", '{"order": 1}'], ["bob", '{"order": 2}']]
METADATA, PRODUCE, FETCH, WRITE_TXN_MARKERS, VOTE = 3, 0, 1, 27, 52


@pytest.fixture(scope="module")
def cluster() -> Iterator[tuple[Host, list[int]]]:
    """Three brokers with a filled topic of two partitions, and their ports."""
    host = Host()
    try:
        ports = host.start(3, {})["ports"]
        host.create_topic("orders", 2, 3, {"min.insync.replicas": "2"})
        host.fill("orders", RECORDS)
        host.wait_until_settled()
        yield host, ports
    finally:
        host.stop()


@pytest.fixture
def sight(cluster: tuple[Host, list[int]]) -> Iterator[ApacheSight]:
    """What is seen of them by asking."""
    made = ApacheSight(dict(enumerate(cluster[1], 1)))
    yield made
    made.close()


def test_asked_brokers_tell_what_the_kits_own_show(cluster: tuple[Host, list[int]], sight: ApacheSight) -> None:
    """Logs, commits and places of partitions are the same, whether they are asked for or looked up inside."""
    seen = cluster[0].seen()
    assert sight.is_settled()
    assert sight.logs() == seen["logs"]
    assert sight.commits() == seen["commits"]
    described = sight.topics()["orders"]
    assert described["partitions"] == seen["described"]["orders"]["partitions"]
    assert described["configs"]["min.insync.replicas"] == "2"
    assert (sight.leader("orders", 1), sight.leader("orders", 9)) == (2, None)
    assert sum(sight.high_watermark("orders", each) for each in (0, 1)) == len(RECORDS)
    assert sight.high_watermark("orders", 9) == -1


def request(api_key: int, version: int, message: m.Message) -> memoryview:
    """A request's frame, without its size."""
    return memoryview(codec.encode_request(api_key, version, 1, "tests", message))[4:]


def test_requests_of_brokers_are_refused_and_those_of_clients_have_answers() -> None:
    """Only a Produce request with acks=0 has no answer; what nobody could read is refused, too."""
    assert has_answer(request(METADATA, 12, m.MetadataRequest()))
    assert has_answer(request(PRODUCE, 12, m.ProduceRequest(acks=-1)))
    assert not has_answer(request(PRODUCE, 12, m.ProduceRequest(acks=0)))
    assert has_answer(request(FETCH, 12, m.FetchRequest()))
    replica = m.FetchRequest(replica_state=m.FetchRequest.ReplicaState(replica_id=2, replica_epoch=1))
    refused = [
        request(FETCH, 12, m.FetchRequest(replica_id=2)),
        request(FETCH, 17, replica),
        memoryview(struct.pack(">hhih", WRITE_TXN_MARKERS, 1, 1, -1)),
        memoryview(struct.pack(">hhih", VOTE, 0, 1, -1)),
        memoryview(struct.pack(">hhih", PRODUCE, 99, 1, -1)),
        memoryview(struct.pack(">hhih", FETCH, 12, 1, -1)),
        memoryview(b"?"),
    ]
    for frame in refused:
        with pytest.raises(InvalidRequest):
            has_answer(frame)


class Passage:
    """A proxy in front of the first broker, which notes what passes."""

    def __init__(self, port: int, tell: Callable[[Any], None] = lambda _: None) -> None:
        self.frames: list[bytes] = []
        self._tell = tell
        self.proxy = Proxy({1: port}, self._receive)
        (door,) = sockets = [socket.create_server(("127.0.0.1", 0))]
        door.setblocking(False)
        self.port = int(door.getsockname()[1])
        self.proxy.open(dict(enumerate(sockets, 1)))

    def _receive(self, node_id: int, frame: memoryview, peer: Peer) -> Reply:
        self.frames.append(bytes(frame))
        reply = self.proxy.forward(node_id, frame, peer, has_answer=True)
        assert isinstance(reply, Deferred)
        reply.then(self._tell)
        return reply

    def link(self) -> BrokerLink:
        """A client that comes through the proxy."""
        return BrokerLink("127.0.0.1", self.port, {"security_protocol": "PLAINTEXT"}, None, time.monotonic() + 10)


@pytest.fixture
def passage(cluster: tuple[Host, list[int]]) -> Iterator[Passage]:
    """A proxy without opinions."""
    made = Passage(cluster[1][0])
    yield made
    made.proxy.close()


def test_proxy_passes_requests_and_answers(passage: Passage) -> None:
    """A client sees the brokers as if it were connected to one of them, and each request was seen."""
    with passage.link() as link:
        answer = link.ask(METADATA, m.MetadataRequest(topics=None))
        assert [topic.name for topic in answer.topics if not topic.is_internal] == ["orders"]
        assert link.ask(LIST_OFFSETS, m.ListOffsetsRequest(topics=[])).topics == []
    assert [int.from_bytes(frame[:2]) for frame in passage.frames] == [18, METADATA, LIST_OFFSETS]


def test_client_of_a_dead_broker_is_cut_off_until_it_is_back(passage: Passage) -> None:
    """Connections end when the broker is killed, new ones get no answer, and later all is well again."""
    with passage.link() as link:
        passage.proxy.call(lambda: passage.proxy.refuse(1))
        with pytest.raises(LinkError):
            link.ask(METADATA, m.MetadataRequest(topics=[]))
    with pytest.raises(LinkError):
        passage.link()
    passage.proxy.call(lambda: passage.proxy.admit(1))
    with passage.link() as link:
        assert len(link.ask(METADATA, m.MetadataRequest(topics=[])).brokers) == 3


def test_broker_that_hangs_up_ends_the_clients_connection(cluster: tuple[Host, list[int]]) -> None:
    """What a broker refuses by closing the connection is told to whoever waits for the answer."""
    answers: list[Any] = []
    passage = Passage(cluster[1][0], tell=answers.append)
    try:
        with socket.create_connection(("127.0.0.1", passage.port), timeout=10) as client:
            metadata = codec.encode_request(METADATA, 12, 1, "tests", m.MetadataRequest(topics=[]))
            client.sendall(metadata + struct.pack(">ihhih", 10, VOTE, 0, 1, -1))
            while client.recv(65_536):
                pass
        wait_until(lambda: len(answers) == 2, "both have an answer")
        assert [isinstance(each, Farewell) for each in answers] == [False, True]
    finally:
        passage.proxy.close()


def test_clients_that_left_leave_nothing_behind(passage: Passage) -> None:
    """The connection on to the broker ends with the client's."""
    with passage.link():
        assert passage.proxy.call(lambda: passage.proxy.num_clients) == 1
    wait_until(lambda: not passage.proxy.call(lambda: passage.proxy.num_clients), "the connection is swept away")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux has network namespaces")
def test_doors_are_in_a_network_that_this_computer_does_not_share() -> None:
    """Where namespaces are allowed, nobody here reaches them, and the process that keeps the network ends with them."""
    doors = Doors(2, apart=True)
    try:
        if not doors.is_apart:
            missing("a network namespace", doors.why_not)
        networks = {Path(f"/proc/{pid}/ns/net").readlink() for pid in (doors.pid, os.getpid())}
        assert len(networks) == 2
        for port in doors.ports:
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", port), timeout=5)
    finally:
        doors.close()
    assert not Path(f"/proc/{doors.pid}").exists()


def test_doors_of_this_computer_let_anybody_in() -> None:
    """Where there is no network of their own, a jail may connect to their ports only."""
    doors = Doors(1, apart=False)
    try:
        assert (doors.is_apart, doors.pid) == (False, os.getpid())
        with socket.create_connection(("127.0.0.1", doors.ports[0]), timeout=5):
            (door,) = doors.opened(1)
            with door, door.accept()[0]:
                pass
    finally:
        doors.close()
