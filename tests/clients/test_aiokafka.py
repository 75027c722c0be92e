"""aiokafka, unmodified, against the cluster under test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.clients.admin_scenarios import GroupAdministration, TopicAdministration
from tests.clients.aiokafka_adapter import Aiokafka
from tests.clients.scenarios import CommitsByHand, ConsumerGroups, ProduceAndConsume, SetsTimestamps

pytestmark = pytest.mark.clients


@pytest.fixture
def client(bootstrap: str) -> Iterator[Aiokafka]:
    """Give the client that the inherited scenarios run with."""
    client = Aiokafka(bootstrap)
    yield client
    client.close()


class TestAiokafka(
    ProduceAndConsume, SetsTimestamps, ConsumerGroups, CommitsByHand, TopicAdministration, GroupAdministration
):
    """Every scenario but DeleteGroups and IncrementalAlterConfigs, which its admin client does not have."""
