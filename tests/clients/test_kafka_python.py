"""kafka-python 3, unmodified, against the cluster under test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.clients.admin_scenarios import (
    ConfigAdministration,
    GroupAdministration,
    GroupDeletion,
    TopicAdministration,
)
from tests.clients.kafka_python_adapter import KafkaPython
from tests.clients.scenarios import CommitsByHand, ConsumerGroups, ProduceAndConsume, SetsTimestamps

pytestmark = pytest.mark.clients


@pytest.fixture
def client(bootstrap: str) -> Iterator[KafkaPython]:
    """Give the client that the inherited scenarios run with."""
    client = KafkaPython(bootstrap)
    yield client
    client.close()


class TestKafkaPython(
    ProduceAndConsume,
    SetsTimestamps,
    ConsumerGroups,
    CommitsByHand,
    TopicAdministration,
    GroupAdministration,
    GroupDeletion,
    ConfigAdministration,
):
    """Every scenario."""
