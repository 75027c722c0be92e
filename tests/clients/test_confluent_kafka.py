"""confluent-kafka (today's librdkafka), unmodified, against the cluster under test."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from tests.clients.admin_scenarios import (
    ConfigAdministration,
    GroupAdministration,
    GroupDeletion,
    TopicAdministration,
)
from tests.clients.confluent_kafka_adapter import ConfluentKafka
from tests.clients.scenarios import (
    CommitsByHand,
    ConsumerGroups,
    MakeTopic,
    ProduceAndConsume,
    SetsTimestamps,
    gather,
    outgoing,
    settle,
    values,
)

pytestmark = pytest.mark.clients


@pytest.fixture
def client(bootstrap: str) -> Iterator[ConfluentKafka]:
    """Give the client that the inherited scenarios run with."""
    client = ConfluentKafka(bootstrap)
    yield client
    client.close()


class TestConfluentKafka(
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

    def test_committed_offsets_are_listed_for_an_admin(
        self, client: ConfluentKafka, make_topic: MakeTopic, unique: Callable[[str], str]
    ) -> None:
        """An admin reads a group's committed offsets without being a member."""
        topic, group_id = make_topic(partitions=2), unique("group")
        client.produce(topic, outgoing("p0", 7, partition=0) + outgoing("p1", 2, partition=1))
        member = client.join(group_id, topic)
        gather([member], 9)
        member.commit()
        assert client.committed(group_id) == {0: 7, 1: 2}


class TestCooperativeRebalance:
    """KIP-429: the client revokes only what moves; the broker's protocol is the same and meets more rebalances."""

    @pytest.fixture
    def client(self, bootstrap: str) -> Iterator[ConfluentKafka]:
        """Give members that use the cooperative-sticky assignor."""
        client = ConfluentKafka(bootstrap, assignor="cooperative-sticky")
        yield client
        client.close()

    def test_joiner_takes_partitions_from_a_member_that_keeps_the_rest(
        self, client: ConfluentKafka, make_topic: MakeTopic, unique: Callable[[str], str]
    ) -> None:
        """Who was there keeps some of its own partitions, and each record is read once."""
        topic, group_id = make_topic(partitions=4), unique("group")
        first = client.join(group_id, topic)
        settle([first], 4)
        second = client.join(group_id, topic)
        settle([first, second], 4)
        sent = [record for partition in range(4) for record in outgoing(f"p{partition}", 5, partition=partition)]
        client.produce(topic, sent)
        assert Counter(values(gather([first, second], 20))) == Counter(values(sent))
