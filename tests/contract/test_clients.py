"""The scenarios that unmodified clients play on the embedded broker in tests/clients, played on Apache Kafka.

That is what shows that they state Kafka's behaviour. On the embedded broker they run there, with more clients.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

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
