"""Nodes that talk over TCP: real sockets and a real loop, played nodes."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest

from kit.broker.deferred import Deferred
from kit.broker.faults import Links
from kit.broker.net.connection import Limits
from kit.broker.net.framing import MemoryBudget
from kit.broker.net.handshake import SECRET_BYTES, Caller
from kit.broker.net.loop import EventLoop
from kit.broker.net.peer_listener import PeerListener
from kit.broker.net.peers import PeerNetwork
from kit.broker.net.server import Server, connect, listen_for_nodes
from kit.broker.storage.files import FileRange, OpenFile
from kit.wire import codec
from kit.wire import messages as m

pytestmark = pytest.mark.portable

SECRET = bytes(range(SECRET_BYTES))
LONG_MS = 60_000.0  # only a failing test waits so long
FETCH, VOTE, ALTER_PARTITION, HEARTBEAT = 1, 52, 56, 12


class PlayedNode:
    """Answers a Heartbeat with its throttle time in ``throttle_ms``, whatever else with ``others``."""

    def __init__(self, node_id: int) -> None:
        self.node_id = node_id
        self.received: list[tuple[int, int, int, str | None, Any]] = []
        self.throttle_ms = 7
        self.others: Callable[[Any], Any] = lambda _: None
        self.held: list[Deferred[Any]] | None = None  # heartbeats wait here for their answers

    def receive_call(
        self, source: int, api_key: int, api_version: int, request: Any, client_id: str | None
    ) -> Deferred[Any]:
        """Note the request and answer it."""
        self.received.append((source, api_key, api_version, client_id, request))
        answer: Deferred[Any] = Deferred()
        if api_key != HEARTBEAT:
            answer.resolve(self.others(request))
        elif self.held is not None:
            self.held.append(answer)
        else:
            answer.resolve(m.HeartbeatResponse(throttle_time_ms=self.throttle_ms))
        return answer


class Peers:
    """Nodes 1 and 2 in one loop, each with its own listener and its own idea of what is wrong with the links."""

    def __init__(self, secrets: tuple[bytes, bytes] = (SECRET, SECRET)) -> None:
        self.loop = EventLoop()
        self.nodes = {1: PlayedNode(1), 2: PlayedNode(2)}
        self.links = {node_id: Links([1, 2], Random(1)) for node_id in self.nodes}
        self.secrets = dict(zip(self.nodes, secrets, strict=True))
        sockets = {node_id: listen_for_nodes(0) for node_id in self.nodes}
        self.ports = {node_id: bound[0].getsockname()[1] for node_id, bound in sockets.items()}
        self.servers: dict[int, Server] = {}
        self.networks: dict[int, PeerNetwork] = {}
        for node_id in self.nodes:
            self.serve(node_id, sockets[node_id])
            self.networks[node_id] = self.network(node_id)

    def serve(self, node_id: int, sockets: list[socket.socket] | None = None) -> None:
        """Let a node listen, on its old port if need be."""
        listener = PeerListener(self.nodes[node_id], self.secrets[node_id])
        service = listener.service(Limits(), MemoryBudget(10_000_000))
        self.servers[node_id] = Server(self.loop, service, sockets or listen_for_nodes(self.ports[node_id]))
        self.servers[node_id].start()

    def network(self, node_id: int) -> PeerNetwork:
        """The links of a node."""
        made = PeerNetwork(
            node_id=node_id,
            ports=self.ports,
            secret=self.secrets[node_id],
            loop=self.loop,
            clock=self.loop.clock,
            links=self.links[node_id],
            connect=connect,
        )
        made.attach(self.nodes[node_id])
        return made

    def down(self, node_id: int) -> None:
        """End a node's listener and its connections."""
        self.servers.pop(node_id).close()

    def beat(self, source: int = 1, target: int = 2, *, timeout_ms: float = LONG_MS, **options: Any) -> Deferred[Any]:
        """Send a Heartbeat."""
        request = m.HeartbeatRequest(group_id="group", generation_id=1, member_id="member")
        return self.networks[source].call(target, HEARTBEAT, request, timeout_ms=timeout_ms, **options)

    def run(self, until: Callable[[], Any]) -> None:
        """Run the loop until the condition holds; the test's own timeout ends it otherwise."""

        def check() -> None:
            if until():
                self.loop.stop()
            else:
                self.loop.clock.call_later(1, check)

        check()
        self.loop.run()

    def value(self, answer: Deferred[Any]) -> Any:
        """What a call comes to."""
        self.run(lambda: answer.done)
        return answer.value

    def close(self) -> None:
        """Close everything."""
        for network in self.networks.values():
            network.close()
        for server in self.servers.values():
            server.close()
        self.loop.close()


@pytest.fixture
def peers() -> Iterator[Peers]:
    """Two nodes."""
    made = Peers()
    yield made
    made.close()


def test_call_reaches_the_other_node_and_comes_back(peers: Peers) -> None:
    """The caller's id, the client's id and the newest version arrive; the reply's message comes back later."""
    answer = peers.beat(client_id="student")
    assert not answer.done

    assert peers.value(answer).throttle_time_ms == 7
    (source, api_key, version, client_id, request) = peers.nodes[2].received[0]
    assert (source, api_key, version, client_id) == (1, HEARTBEAT, codec.api(HEARTBEAT).max_version, "student")
    assert request.member_id == "member"


def test_call_uses_the_version_that_it_names(peers: Peers) -> None:
    """A client's request is passed on in the client's version."""
    assert peers.value(peers.beat(api_version=1)).error_code == 0
    assert peers.nodes[2].received[0][2:4] == (1, None)


def test_calls_go_out_without_waiting_and_arrive_in_order(peers: Peers) -> None:
    """Hundreds of requests travel over one connection, each reply to its own request."""
    answers = [peers.beat(client_id=str(number)) for number in range(300)]
    peers.value(answers[-1])

    assert [client_id for _, _, _, client_id, _ in peers.nodes[2].received] == [str(number) for number in range(300)]
    assert all(answer.value.throttle_time_ms == 7 for answer in answers)


def test_waiting_request_holds_no_other_up(peers: Peers) -> None:
    """The reply to the second request comes first when the first one has to wait, as a Fetch does."""
    peers.nodes[2].held = held = []
    slow = peers.beat()
    peers.run(lambda: held)
    peers.nodes[2].held = None
    assert peers.value(peers.beat()).throttle_time_ms == 7
    assert not slow.done

    held[0].resolve(m.HeartbeatResponse(throttle_time_ms=9))
    assert peers.value(slow).throttle_time_ms == 9


def test_call_to_itself_needs_no_socket(peers: Peers) -> None:
    """A node that calls itself is called back a moment later, also when nobody listens."""
    peers.down(1)
    answer = peers.beat(1, 1)
    assert not answer.done
    assert not peers.nodes[1].received

    assert peers.value(answer).throttle_time_ms == 7
    assert peers.nodes[1].received[0][0] == 1


def test_silent_node_is_given_up_after_the_timeout(peers: Peers) -> None:
    """No reply in time means None; a reply that comes later goes nowhere, and the connection lives on."""
    peers.nodes[2].held = held = []
    late = peers.beat(timeout_ms=20)
    assert peers.value(late) is None

    held[0].resolve(m.HeartbeatResponse(throttle_time_ms=1))
    peers.nodes[2].held = None
    assert peers.value(peers.beat()).throttle_time_ms == 7
    assert late.value is None


def test_node_that_is_down_answers_none_until_it_is_back(peers: Peers) -> None:
    """Nobody listens: None at once; when the node is back on its port the next calls reach it."""
    peers.down(2)
    answer = peers.beat()
    assert not answer.done
    assert peers.value(answer) is None

    peers.serve(2)
    assert peers.value(peers.beat()).throttle_time_ms == 7


def test_broken_connection_answers_all_that_was_under_way(peers: Peers) -> None:
    """When a node dies its callers know at once."""
    peers.nodes[2].held = held = []
    answers = [peers.beat(), peers.beat()]
    peers.run(lambda: len(held) == 2)
    peers.down(2)

    assert [peers.value(answer) for answer in answers] == [None, None]


def test_node_that_has_no_answer_says_so(peers: Peers) -> None:
    """A node that is up but cannot answer, as one that is not the controller, keeps nobody waiting."""
    answer = peers.networks[1].call(2, VOTE, m.VoteRequest(topics=[]), timeout_ms=LONG_MS)
    assert peers.value(answer) is None
    assert len(peers.nodes[2].received) == 1


def test_unknown_node_answers_none(peers: Peers) -> None:
    """A node that the cluster does not have is one that is down."""
    answer = peers.beat(1, 9)
    assert not answer.done
    assert peers.value(answer) is None


def test_large_replies_come_in_pieces(peers: Peers, tmp_path: Any) -> None:
    """A Fetch is answered from a file, larger than any socket buffer."""
    data = bytes(range(256)) * 40_000
    path = tmp_path / "records"
    path.write_bytes(data)
    file = OpenFile(path)
    partition = m.FetchResponse.PartitionData(partition_index=0, records=FileRange(file, 0, len(data)))
    topic = m.FetchResponse.FetchableTopicResponse(topic="topic", partitions=[partition])
    peers.nodes[2].others = lambda _: m.FetchResponse(responses=[topic])
    seen: list[bytes] = []
    request = m.FetchRequest(replica_id=1, max_wait_ms=0, min_bytes=0, topics=[])
    answer = peers.networks[1].call(2, FETCH, request, timeout_ms=LONG_MS, api_version=12)
    answer.then(lambda response: seen.append(bytes(response.responses[0].partitions[0].records)))
    peers.value(answer)

    is_same = seen == [data]
    assert is_same


# -- faults ------------------------------------------------------------------------------------------------------


def heal(peers: Peers) -> None:
    """Heal as each process does when it is told."""
    for node_id, links in peers.links.items():
        links.heal()
        peers.networks[node_id].reset_lost()


@pytest.mark.parametrize("what", ["requests", "replies"])
def test_lost_message_is_found_out_when_its_fault_is_lifted(peers: Peers, what: str) -> None:
    """Others stay lost while theirs lasts."""
    for links in peers.links.values():
        links.drop(2, what, api_key=HEARTBEAT)
        links.drop(2, what, api_key=VOTE)
    heartbeat = peers.beat()
    vote = peers.networks[1].call(2, VOTE, m.VoteRequest(), timeout_ms=LONG_MS)
    behind_them = peers.networks[1].call(2, FETCH, m.FetchRequest(max_wait_ms=0), timeout_ms=LONG_MS)
    peers.value(behind_them)

    for node_id, links in peers.links.items():
        links.drop(2, what, share=0, api_key=HEARTBEAT)
        peers.networks[node_id].reset_lost()
    assert peers.value(heartbeat) is None
    assert not vote.done


@pytest.mark.parametrize("what", ["requests", "replies"])
def test_lost_message_is_found_out_when_the_network_heals(peers: Peers, what: str) -> None:
    """Nothing happens while a request or a reply is lost; healing answers with None and new calls get through."""
    for links in peers.links.values():
        links.drop(2, what, api_key=HEARTBEAT)
    lost = peers.beat()
    behind_it = peers.networks[1].call(2, VOTE, m.VoteRequest(), timeout_ms=LONG_MS)
    peers.value(behind_it)  # so the heartbeat and its reply have been where they got lost
    assert not lost.done

    heal(peers)
    assert not lost.done
    assert peers.value(lost) is None
    arrived = [api_key for _, api_key, _, _, _ in peers.nodes[2].received]
    assert arrived == ([HEARTBEAT, VOTE] if what == "replies" else [VOTE])
    assert peers.value(peers.beat()).throttle_time_ms == 7


def test_one_way_cut_loses_what_goes_that_way(peers: Peers) -> None:
    """What node 1 sends does not arrive: neither its requests nor its replies to node 2."""
    for links in peers.links.values():
        links.cut([{1}, {2}], one_way=True)
    assert peers.value(peers.beat(1, 2, timeout_ms=20)) is None
    assert peers.value(peers.beat(2, 1, timeout_ms=20)) is None

    assert not peers.nodes[2].received
    assert len(peers.nodes[1].received) == 1


def test_slow_link_keeps_the_order(peers: Peers) -> None:
    """Requests and replies wait their delay, whatever it is for each; a healed link lets nothing overtake."""
    for links in peers.links.values():
        links.slow(2, 5, jitter_ms=20)
    order: list[int] = []
    answers = []
    for number in range(20):
        answers.append(peers.beat(client_id=str(number)))
        answers[-1].then(lambda _, number=number: order.append(number))
    start_ms = peers.loop.clock.monotonic_ms()
    peers.run(lambda: peers.nodes[2].received)
    heal(peers)
    answers.append(peers.beat(client_id="20"))
    peers.value(answers[-1])

    assert peers.loop.clock.monotonic_ms() - start_ms >= 5
    assert [int(client_id or -1) for *_, client_id, _ in peers.nodes[2].received] == list(range(21))
    assert order == list(range(20))


# -- strangers ---------------------------------------------------------------------------------------------------


def stranger(peers: Peers, *frames: bytes) -> bytes:
    """All that a raw connection to node 2's listener for nodes gets back before it is closed."""
    client = socket.create_connection(("127.0.0.1", peers.ports[2]))
    client.setblocking(False)
    with client:
        for frame in frames:
            client.sendall(frame)
        received = bytearray()
        ended: list[bool] = []

        def read(_mask: int) -> None:
            try:
                data = client.recv(65_536)
            except ConnectionResetError:
                data = b""
            received.extend(data)
            if not data:
                ended.append(True)
                peers.loop.unwatch(client.fileno())

        peers.loop.watch(client.fileno(), 1, read)
        peers.run(lambda: ended)
        return bytes(received)


def forged(api_key: int) -> bytes:
    """A request that only nodes send, as anybody can write it."""
    requests: dict[int, Any] = {
        FETCH: m.FetchRequest(replica_id=1, max_wait_ms=0, min_bytes=0, topics=[]),
        VOTE: m.VoteRequest(topics=[]),
        ALTER_PARTITION: m.AlterPartitionRequest(broker_id=1, broker_epoch=1, topics=[]),
    }
    version = 12 if api_key == FETCH else codec.api(api_key).max_version
    return codec.encode_request(api_key, version, 1, None, requests[api_key])


@pytest.mark.parametrize("api_key", [FETCH, VOTE, ALTER_PARTITION])
def test_stranger_is_not_listened_to(peers: Peers, api_key: int, caplog: pytest.LogCaptureFixture) -> None:
    """A forged vote, change of in-sync replicas or replica fetch closes the connection, and the log says why."""
    assert stranger(peers, forged(api_key)) == b""
    assert not peers.nodes[2].received
    assert "only nodes of this cluster may speak here" in caplog.text


@pytest.mark.parametrize("secret", [bytes(SECRET_BYTES), b""])
def test_caller_without_the_secret_is_not_listened_to(
    peers: Peers, secret: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """To know how nodes introduce themselves is not enough."""
    caller = Caller(secret, 1, 2)
    proof = struct.pack(">i", 32) + bytes(32)
    challenge = stranger(peers, caller.hello(), proof, forged(VOTE))

    assert len(challenge) == 4 + 64
    assert not peers.nodes[2].received
    assert "does not know the cluster's secret" in caplog.text


def test_overheard_handshake_cannot_be_replayed(peers: Peers) -> None:
    """The proof that one connection accepted is worth nothing on the next."""
    caller = Caller(SECRET, 1, 2)
    client = socket.create_connection(("127.0.0.1", peers.ports[2]))
    with client:
        client.sendall(caller.hello())
        client.setblocking(False)
        ready: list[int] = []
        peers.loop.watch(client.fileno(), 1, ready.append)
        peers.run(lambda: ready)
        peers.loop.unwatch(client.fileno())
        proof = caller.answer(memoryview(client.recv(1000))[4:])
        client.sendall(proof + forged(VOTE))
        peers.run(lambda: peers.nodes[2].received)

    stranger(peers, caller.hello(), proof, forged(VOTE))
    assert len(peers.nodes[2].received) == 1


def test_impostor_gets_no_request(caplog: pytest.LogCaptureFixture) -> None:
    """A node sends nothing to whoever took the port of another without knowing the secret."""
    peers = Peers((SECRET, bytes(SECRET_BYTES)))
    assert peers.value(peers.beat()) is None
    assert not peers.nodes[2].received
    assert "what answers for node 2 does not know the cluster's secret" in caplog.text
    peers.close()
