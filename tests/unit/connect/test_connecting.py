"""`kit.connect` to what is no Kafka, to half a Kafka, and to an embedded cluster."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from kafka import KafkaProducer

import kit
from kit import cells
from kit.backends.broker_link import METADATA, BrokerLink, LinkError
from kit.cells import Run
from kit.wire import codec
from kit.wire import messages as m
from tests.support.wait import wait_until


@contextlib.contextmanager
def served(answer: Callable[[socket.socket], None]) -> Iterator[str]:
    """An address where each connection is answered by a function, in a thread of its own."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threads: list[threading.Thread] = []

        def one(connection: socket.socket) -> None:
            with connection, contextlib.suppress(OSError):
                connection.settimeout(10)
                answer(connection)

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    threads.append(threading.Thread(target=one, args=(server.accept()[0],)))
                    threads[-1].start()

        acceptor = threading.Thread(target=accept)
        acceptor.start()
        try:
            yield f"127.0.0.1:{server.getsockname()[1]}"
        finally:
            server.shutdown(socket.SHUT_RDWR)
            acceptor.join()
            for thread in threads:
                thread.join()


def says(text: bytes) -> Callable[[socket.socket], None]:
    """Take something in and say this, whatever it was."""

    def answer(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(text)
        connection.recv(4096)

    return answer


def kafka_with(*brokers: tuple[int, str, int], apis: tuple[int, ...] = (3, 18)) -> Callable[[socket.socket], None]:
    """A Kafka that knows two APIs and names these brokers."""

    def answer(connection: socket.socket) -> None:
        stream = connection.makefile("rb")
        while size := stream.read(4):
            frame = memoryview(stream.read(int.from_bytes(size, "big")))
            header, _ = codec.decode_request_header(frame)
            response: m.Message = m.ApiVersionsResponse(
                api_keys=[m.ApiVersionsResponse.ApiVersion(api_key=key, min_version=0, max_version=1) for key in apis]
            )
            if header.api_key == 3:
                named = [m.MetadataResponse.MetadataResponseBroker(node_id=i, host=h, port=p) for i, h, p in brokers]
                response = m.MetadataResponse(brokers=named)
            connection.sendall(
                b"".join(codec.encode_response(header.api_key, header.api_version, header.correlation_id, response))
            )

    return answer


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (says(b"HTTP/1.1 400 Bad Request\r\n\r\n"), "A web server answers at .*, no Kafka broker: check the port"),
        (says(b"SSH-2.0-OpenSSH_9.2\r\n"), "is no Kafka broker that the kit understands"),
        (says(b"\x00\x00\x00\x02hi"), "is no Kafka broker that the kit understands"),
        (lambda _: None, "is no Kafka broker that the kit understands"),
        (lambda connection: connection.recv(4096), "is no Kafka broker that the kit understands"),
        (kafka_with(apis=(18,)), "may be a controller. Give the address of a broker"),
        (kafka_with(), "knows no brokers yet, itself included: try again in a moment"),
        (
            kafka_with((1, "127.0.0.1", 1)),
            r"tells clients to go on to 127\.0\.0\.1:1, and nothing can be reached there",
        ),
        (kafka_with((1, "no-such-host.invalid", 9092)), "go on to no-such-host.invalid:9092"),
    ],
)
def test_what_answers_is_no_usable_kafka(answer: Callable[[socket.socket], None], sentence: str) -> None:
    """Each kind of stranger has its sentence."""
    with served(answer) as address, pytest.raises(kit.ConnectError, match=sentence):
        kit.connect(address)


def test_silence_ends_in_time() -> None:
    """Who takes the connection and says nothing is not waited for without end."""
    ended = threading.Event()
    with served(lambda _: ended.wait(30) and None) as address:
        with pytest.raises(kit.ConnectError, match="takes the connection but says nothing"):
            kit.connect(address, timeout_s=0.2)
        ended.set()


def test_nobody_listens_and_nobody_is_called_so() -> None:
    """A closed port and an unknown name are different mistakes; of several addresses the furthest is told."""
    with pytest.raises(kit.ConnectError, match=r"Nobody listens at 127\.0\.0\.1:1: is the cluster running"):
        kit.connect("127.0.0.1:1")
    with pytest.raises(kit.ConnectError, match=r"computer 'no-such-host\.invalid' cannot be found: check the spelling"):
        kit.connect("no-such-host.invalid:9092")
    with pytest.raises(kit.ConnectError, match=r"Nobody listens at .* \(1 more address did not work either\.\)"):
        kit.connect("no-such-host.invalid:9092,127.0.0.1:1")


def test_broker_that_nobody_reaches_is_down_and_the_others_are_used() -> None:
    """One bad address of several does not keep anybody out."""
    with served(kafka_with()) as other, contextlib.ExitStack() as opened:
        port = int(other.rpartition(":")[2])
        address = opened.enter_context(served(kafka_with((1, "127.0.0.1", 1), (2, "127.0.0.1", port))))
        with kit.connect(address) as cluster:
            assert [(broker.node_id, broker.is_alive) for broker in cluster.brokers] == [(1, False), (2, True)]
            assert cluster.controller is None  # it cannot be asked for one


@pytest.fixture(scope="module")
def embedded() -> Iterator[kit.Cluster]:
    """Give a cluster of three, which tests harm and mend."""
    with kit.start(brokers=3) as cluster:
        yield cluster


def test_connect_shows_what_the_brokers_tell(embedded: kit.Cluster) -> None:
    """The same brokers, controller and topics as the cluster's owner sees, and clients that work."""
    with kit.connect(embedded.brokers[0].address) as cluster:
        assert cluster.brokers == embedded.brokers
        assert cluster.controller == embedded.controller
        producer = KafkaProducer(**cluster.client_settings)
        producer.send("plays", b"Hello").get(timeout=10)
        producer.close()
        assert cluster.topics() == embedded.topics()
        assert repr(cluster) == f"<Cluster external, running, brokers at {embedded.brokers[0].address}>"
        assert embedded.brokers[1].address in cluster._repr_html_()


def test_existing_cluster_cannot_be_harmed(embedded: kit.Cluster) -> None:
    """Every fault is refused by one sentence that names what can do it."""
    with kit.connect(embedded.bootstrap_servers) as cluster:
        for harm in (
            lambda: cluster.kill(1), lambda: cluster.stop(1), lambda: cluster.restart(1), lambda: cluster.pause(1),
            lambda: cluster.resume(1), lambda: cluster.isolate(1), lambda: cluster.cut({1}, {2}), cluster.heal,
            lambda: cluster.slow(1, 5), lambda: cluster.drop(1), lambda: cluster.on_request("Produce", print),
            cluster.timeline,
        ):  # fmt: skip
            with pytest.raises(kit.NotSupportedError, match=r"not for an existing cluster.*kit\.start\(\.\.\.\)"):
                harm()
        assert all(broker.is_alive for broker in embedded.brokers)


def test_brokers_follow_what_happens(embedded: kit.Cluster) -> None:
    """Who dies is shown as down, also when it is the one that was asked, and comes back."""
    with kit.connect(embedded.bootstrap_servers) as cluster:

        def alive() -> list[int]:
            return [broker.node_id for broker in cluster.brokers if broker.is_alive]

        assert alive() == [1, 2, 3]
        embedded.kill(1)
        wait_until(lambda: alive() == [2, 3], "broker 1 to be missed")
        assert cluster.controller in {2, 3}
        assert len(cluster.brokers) == 3
        embedded.restart(1)
        wait_until(lambda: alive() == [1, 2, 3], "broker 1 to be back")


def test_close_leaves_the_cluster_alone(embedded: kit.Cluster) -> None:
    """What ends is our connection."""
    cluster = kit.connect(embedded.bootstrap_servers)
    cluster.close()
    cluster.close()

    assert repr(cluster).startswith("<Cluster external, closed")
    assert not any(broker.is_alive for broker in cluster.brokers)
    with pytest.raises(kit.ClusterClosedError, match=r"kit\.connect\(\.\.\.\)"):
        cluster.topics()
    assert all(broker.is_alive for broker in embedded.brokers)
    kit.connect(embedded.bootstrap_servers).close()


def test_cell_that_runs_again_closes_its_earlier_connection(
    embedded: kit.Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with kit.start: never two, and the cluster stays."""
    runs = iter([Run("cell", "first"), Run("cell", "first"), Run("cell", "second"), Run("cell", "second")])
    monkeypatch.setattr(cells, "current_run", lambda: next(runs))

    first = kit.connect(embedded.bootstrap_servers)
    with kit.connect(embedded.bootstrap_servers) as second:
        assert "closed" in repr(first)
        assert "running" in repr(second)


def test_cluster_that_goes_away_is_told_in_one_sentence() -> None:
    """When nobody answers any more, the views say so and nothing hangs."""
    from kafka.errors import KafkaConnectionError

    with kit.start(brokers=1) as mine, kit.connect(mine.bootstrap_servers) as cluster:
        mine.close()
        wait_until(lambda: not cluster.brokers[0].is_alive, "the broker to be missed")
        assert cluster.controller is None
        with pytest.raises(KafkaConnectionError, match=r"No broker of this cluster answers \(down: 1\)") as told:
            cluster.topics()
        assert "restart" not in str(told.value)  # which is refused here


def test_cluster_that_is_back_answers_the_first_question() -> None:
    """However lately it was seen dead, and over however many dead connections."""
    with kit.start(brokers=1) as mine, kit.connect(mine.bootstrap_servers) as cluster:
        assert cluster.topics() == {}
        mine.kill(1)
        wait_until(lambda: not cluster.brokers[0].is_alive, "it to be missed")
        mine.restart(1)
        assert cluster.topics(wait=False) == {}
        mine.kill(1)
        mine.restart(1)
        assert cluster.topics(wait=False) == {}


def test_request_that_an_old_broker_cannot_understand_is_a_failure_of_the_link() -> None:
    """No caller has to know in which version a field came."""
    settings = {"security_protocol": "PLAINTEXT"}
    with served(kafka_with((1, "127.0.0.1", 1))) as address:
        host, _, port = address.rpartition(":")
        with (
            BrokerLink(host, int(port), settings, None, time.monotonic() + 10) as link,
            pytest.raises(LinkError, match="ASK"),
        ):
            link.ask(METADATA, m.MetadataRequest(topics=None, allow_auto_topic_creation=False))
