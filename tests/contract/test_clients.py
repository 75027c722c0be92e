"""The scenarios that unmodified clients play on the embedded broker in tests/clients, played on Apache Kafka.

That is what shows that they state Kafka's behaviour. On the embedded broker they run there, with more clients.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, wait

import pytest

import kit
from kit.wire.errors import ErrorCode
from tests.clients.admin_scenarios import (
    ConfigAdministration,
    GroupAdministration,
    GroupDeletion,
    TopicAdministration,
)
from tests.clients.confluent_kafka_adapter import ConfluentKafka
from tests.clients.foreign_client import ForeignClient
from tests.clients.kafka_python_adapter import KafkaPython
from tests.clients.scenarios import CommitsByHand, ConsumerGroups, ProduceAndConsume, SetsTimestamps
from tests.contract.conftest import make_whole, not_the_controller
from tests.contract.known_everywhere import KnownEverywhere
from tests.contract.talk import Talk

pytestmark = [pytest.mark.clients, pytest.mark.usefixtures("forgotten_sockets")]


@pytest.fixture
def make_topic(new_topic: Callable[..., str]) -> Callable[..., str]:
    """What the scenarios call it."""
    return new_topic


@pytest.fixture
def seed(client: ForeignClient) -> ForeignClient:
    """Another client to prepare with is not needed here."""
    return client


class PatientKafkaPython(KnownEverywhere, KafkaPython):
    """kafka-python, whose admin client asks whichever broker it likes."""


class PatientConfluentKafka(KnownEverywhere, ConfluentKafka):
    """confluent-kafka on brokers that answer before they act."""


class Answers(KafkaPython):
    """Tells when a change was answered, which it asks of the first broker."""

    _talk: Talk

    def __init__(self, bootstrap_servers: str) -> None:
        super().__init__(bootstrap_servers)
        self.has_answered = threading.Event()

    def create_topic(self, topic: str, *, partitions: int, config: Mapping[str, str] | None = None) -> None:
        """Ask for a topic."""
        assert self._talk.create(topic, partitions=partitions, config=config).error_code == ErrorCode.NONE
        self.has_answered.set()

    def set_topic_config(self, topic: str, name: str, value: str) -> None:
        """Ask for a setting."""
        assert self._talk.alter(topic, (name, 0, value)).error_code == ErrorCode.NONE
        self.has_answered.set()

    def delete_topic(self, topic: str) -> None:
        """Ask for the end of a topic."""
        assert self._talk.delete(name=topic) == ErrorCode.NONE
        self.has_answered.set()


class PatientAnswers(KnownEverywhere, Answers):
    """The same with the patience of the clients above."""


@pytest.mark.clusters("embedded-3")
def test_change_is_waited_for_on_the_last_broker(
    cluster: kit.Cluster, talk: Talk, unique: Callable[[str], str]
) -> None:
    """A patient client comes back when every broker has made the change, not when it is answered."""
    asks = Talk(cluster)  # in another thread than `talk`
    topic, client = unique("patient"), PatientAnswers(asks)
    late = max(not_the_controller(cluster, 2))

    def change_while_one_is_away(change: Callable[[], None]) -> None:
        cluster.cut({late}, set(talk.node_ids) - {late})
        client.has_answered.clear()
        with ThreadPoolExecutor(1) as pool:
            changed = pool.submit(change)
            assert client.has_answered.wait(30)
            assert not wait([changed], timeout=0.1).done
            cluster.heal()
            changed.result()

    change_while_one_is_away(lambda: client.create_topic(topic, partitions=2))
    assert [len(talk.topic(topic, each).partitions) for each in talk.node_ids] == [2, 2, 2]
    change_while_one_is_away(lambda: client.set_topic_config(topic, "retention.ms", "123456"))
    assert {talk.settings(topic, node_id=each)["retention.ms"].value for each in talk.node_ids} == {"123456"}
    change_while_one_is_away(lambda: client.delete_topic(topic))
    assert [len(talk.topic(topic, each).partitions) for each in talk.node_ids] == [0, 0, 0]
    client.close()
    asks.close()
    make_whole(cluster, talk)


class Everything(
    ProduceAndConsume,
    SetsTimestamps,
    ConsumerGroups,
    CommitsByHand,
    TopicAdministration,
    GroupAdministration,
    GroupDeletion,
    ConfigAdministration,
):
    """Every scenario that both clients can play."""


@pytest.mark.clusters("docker-3")
class TestKafkaPython(Everything):
    """kafka-python, which the labs use, on three brokers."""

    @pytest.fixture
    def client(self, talk: Talk) -> Iterator[KafkaPython]:
        """Give the client that the inherited scenarios run with."""
        client = PatientKafkaPython(talk)
        yield client
        client.close()


@pytest.mark.clusters("docker-1")
class TestConfluentKafka(Everything):
    """confluent-kafka on one."""

    @pytest.fixture
    def client(self, talk: Talk) -> Iterator[ConfluentKafka]:
        """Give the client that the inherited scenarios run with."""
        client = PatientConfluentKafka(talk)
        yield client
        client.close()
