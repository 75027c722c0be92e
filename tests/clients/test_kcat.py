"""Debian's kcat (librdkafka 2.0.2), unmodified, against the cluster under test."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from tests.clients.foreign_client import Outgoing
from tests.clients.kcat_adapter import Kcat, KcatMember
from tests.clients.scenarios import ConsumerGroups, MakeTopic, ProduceAndConsume, settle
from tests.support.requirements import need

pytestmark = pytest.mark.clients


@pytest.fixture
def client(bootstrap: str) -> Iterator[Kcat]:
    """Give the client that the inherited scenarios run with."""
    client = Kcat(bootstrap, need("kcat"))
    yield client
    client.close()


class TestKcat(ProduceAndConsume, ConsumerGroups):
    """What a command line can play: it has no admin requests, and commits by itself when it leaves."""

    def test_listing_shows_brokers_and_leaders(self, client: Kcat, make_topic: MakeTopic) -> None:
        """``kcat -L`` lists every broker at its address, and a leader that is one of them for each partition."""
        topic = make_topic(partitions=3)
        listing = json.loads(client.run("-L", "-J", "-t", topic).stdout)
        assert {broker["name"] for broker in listing["brokers"]} == set(client.bootstrap_servers.split(","))
        broker_ids = {broker["id"] for broker in listing["brokers"]}
        assert {partition["leader"] for partition in listing["topics"][0]["partitions"]} <= broker_ids

    def test_compression_reaches_the_broker(self, client: Kcat, make_topic: MakeTopic) -> None:
        """An old librdkafka compresses only if the broker advertises Produce from version 0 (KAFKA-18659)."""
        topic = make_topic(config={"max.message.bytes": "5000"})
        client.produce(topic, [Outgoing(b"x" * 100_000)], compression="gzip")
        assert [len(record.value or b"") for record in client.consume(topic, 1)] == [100_000]


class TestKilledMember:
    """A member that dies without leaving is missed after its session timeout."""

    @pytest.fixture
    def client(self, bootstrap: str) -> Iterator[Kcat]:
        """Give members with the shortest session that the cluster under test allows (conftest.CONFIG)."""
        client = Kcat(bootstrap, need("kcat"), session_timeout_ms=1_000)
        yield client
        client.close()

    def test_partitions_move_to_the_member_that_lives(
        self, client: Kcat, make_topic: MakeTopic, unique: Callable[[str], str]
    ) -> None:
        """``kill -9``: nobody says goodbye, and who lives owns every partition."""
        topic, group_id = make_topic(partitions=4), unique("group")
        lives, dies = client.join(group_id, topic), client.join(group_id, topic)
        settle([lives, dies], 4)
        assert isinstance(dies, KcatMember)
        dies.vanish()
        settle([lives], 4)
