"""What the foreign libraries' admin clients must be able to do; built like `scenarios`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.clients.foreign_client import (
    AdministersGroups,
    AdministersTopics,
    AltersConfigs,
    DeletesGroups,
    ForeignClient,
    Outgoing,
    Refused,
)
from tests.clients.scenarios import MakeTopic, gather, outgoing, settle, values
from tests.support.wait import wait_until

OFFSET_OUT_OF_RANGE, UNKNOWN_TOPIC_OR_PARTITION, INVALID_TOPIC_EXCEPTION = 1, 3, 17
TOPIC_ALREADY_EXISTS, INVALID_PARTITIONS, INVALID_CONFIG = 36, 37, 40
NON_EMPTY_GROUP = 68


class AdminOfTopics(ForeignClient, AdministersTopics):
    """A foreign client with both faces, for annotations."""


class AdminOfGroups(AdminOfTopics, AdministersGroups, DeletesGroups, AltersConfigs):
    """The same with groups and configs."""


class TopicAdministration:
    """Create, list, grow, trim and delete topics, and the refusals that belong to them."""

    def test_created_topic_is_listed_with_its_partitions_and_settings(
        self, client: AdminOfTopics, unique: Callable[[str], str]
    ) -> None:
        """CreateTopics makes the partitions and keeps the settings; Metadata and DescribeConfigs show them."""
        topic = unique("created")
        client.create_topic(topic, partitions=3, config={"retention.ms": "123456"})
        wait_until(lambda: topic in client.topics(), "the topic in the list")
        assert client.partitions(topic) == {0, 1, 2}
        settings = client.topic_config(topic)
        assert settings["retention.ms"] == "123456"
        assert settings["cleanup.policy"] == "delete"

    def test_existing_topic_is_not_created_again(self, client: AdminOfTopics, make_topic: MakeTopic) -> None:
        """A second CreateTopics is refused and changes nothing."""
        topic = make_topic(partitions=2)
        with pytest.raises(Refused) as refused:
            client.create_topic(topic, partitions=5)
        assert refused.value.code == TOPIC_ALREADY_EXISTS
        assert client.partitions(topic) == {0, 1}

    @pytest.mark.parametrize(
        ("topic", "config", "code"),
        [
            ("bad name!", {}, INVALID_TOPIC_EXCEPTION),
            ("x" * 250, {}, INVALID_TOPIC_EXCEPTION),
            ("fine-name", {"retention.ms": "soon"}, INVALID_CONFIG),
            ("fine-name", {"no.such.setting": "1"}, INVALID_CONFIG),
        ],
    )
    def test_bad_topic_is_refused(self, client: AdminOfTopics, topic: str, config: dict[str, str], code: int) -> None:
        """An illegal name or setting is refused with Kafka's own code, and no topic appears."""
        with pytest.raises(Refused) as refused:
            client.create_topic(topic, partitions=1, config=config)
        assert refused.value.code == code
        assert topic not in client.topics()

    def test_deleted_topic_is_gone(self, client: AdminOfTopics, make_topic: MakeTopic) -> None:
        """After DeleteTopics the topic leaves the list; deleting it again is refused."""
        topic = make_topic()
        client.delete_topic(topic)
        wait_until(lambda: topic not in client.topics(), "the topic to be gone")
        with pytest.raises(Refused) as refused:
            client.delete_topic(topic)
        assert refused.value.code == UNKNOWN_TOPIC_OR_PARTITION

    def test_topic_created_again_is_empty(self, client: AdminOfTopics, make_topic: MakeTopic) -> None:
        """A topic of the same name is another topic: its log starts at offset 0, without the old records."""
        topic = make_topic()
        client.produce(topic, outgoing("old", 3))
        client.delete_topic(topic)
        wait_until(lambda: topic not in client.topics(), "the topic to be gone")
        client.create_topic(topic, partitions=1)
        wait_until(lambda: topic in client.topics(), "the topic in the list")
        client.produce(topic, [Outgoing(b"new")])
        (record,) = client.consume(topic, 1)
        assert (record.offset, record.value) == (0, b"new")

    def test_grown_topic_takes_records_in_its_new_partitions(
        self, client: AdminOfTopics, make_topic: MakeTopic
    ) -> None:
        """CreatePartitions adds partitions that work at once; a topic cannot shrink."""
        topic = make_topic(partitions=2)
        client.produce(topic, [Outgoing(b"early", partition=0)])
        client.add_partitions(topic, 4)
        wait_until(lambda: client.partitions(topic) == {0, 1, 2, 3}, "four partitions")
        client.produce(topic, [Outgoing(b"late", partition=3)])
        assert sorted((r.partition, r.value) for r in client.consume(topic, 2)) == [(0, b"early"), (3, b"late")]
        with pytest.raises(Refused) as refused:
            client.add_partitions(topic, 3)
        assert refused.value.code == INVALID_PARTITIONS

    def test_deleted_records_are_not_read(self, client: AdminOfTopics, make_topic: MakeTopic) -> None:
        """DeleteRecords moves the log start offset; who reads from the beginning starts there."""
        topic = make_topic(partitions=2)
        client.produce(topic, outgoing("p0", 10, partition=0) + outgoing("p1", 10, partition=1))
        assert client.delete_records(topic, {0: 6, 1: 3}) == {0: 6, 1: 3}
        read = client.consume(topic, 11)
        assert sorted((r.partition, r.offset) for r in read) == [(0, o) for o in range(6, 10)] + [
            (1, o) for o in range(3, 10)
        ]
        with pytest.raises(Refused) as refused:
            client.delete_records(topic, {0: 1000})
        assert refused.value.code == OFFSET_OUT_OF_RANGE


class GroupAdministration:
    """ListGroups and DescribeGroups."""

    def test_group_is_listed_and_described_with_its_members(
        self, client: AdminOfGroups, make_topic: MakeTopic, unique: Callable[[str], str]
    ) -> None:
        """A group with two members is Stable and shows their client ids; without members it is Empty and stays."""
        topic, group_id = make_topic(partitions=2), unique("group")
        members = [client.join(group_id, topic, client_id=f"student-{number}") for number in (1, 2)]
        settle(members, 2)
        assert group_id in client.groups()
        view = client.describe_group(group_id)
        assert (view.state, view.client_ids) == ("Stable", frozenset({"student-1", "student-2"}))
        client.produce(topic, outgoing("p0", 1, partition=0) + outgoing("p1", 1, partition=1))
        gather(members, 2)
        members[0].commit()
        for member in members:
            member.leave()
        wait_until(lambda: client.describe_group(group_id).state == "Empty", "the group to be Empty")
        assert client.describe_group(group_id).client_ids == frozenset()
        assert group_id in client.groups()


class GroupDeletion:
    """DeleteGroups."""

    def test_deleted_group_starts_from_the_beginning(
        self, client: AdminOfGroups, make_topic: MakeTopic, unique: Callable[[str], str]
    ) -> None:
        """Only a group without members can be deleted; its committed offsets are forgotten then."""
        topic, group_id = make_topic(), unique("group")
        client.produce(topic, outgoing("r", 3))
        first = client.join(group_id, topic)
        wait_until(lambda: len(first.poll()) > 0, "a record", pause_s=0)
        first.commit()
        with pytest.raises(Refused) as refused:
            client.delete_group(group_id)
        assert refused.value.code == NON_EMPTY_GROUP
        first.leave()
        wait_until(lambda: client.describe_group(group_id).state == "Empty", "the group to be Empty")
        client.delete_group(group_id)
        assert group_id not in client.groups()
        second = client.join(group_id, topic)
        assert values(wait_until(second.poll, "the records again", pause_s=0))[:1] == [b"r-0"]


class ConfigAdministration:
    """IncrementalAlterConfigs on topics."""

    def test_altered_setting_is_described_and_obeyed(self, client: AdminOfGroups, make_topic: MakeTopic) -> None:
        """A smaller max.message.bytes shows in DescribeConfigs and is enforced; other settings stay."""
        topic = make_topic(config={"retention.ms": "123456"})
        client.produce(topic, [Outgoing(b"x" * 20_000)])
        client.set_topic_config(topic, "max.message.bytes", "5000")
        wait_until(lambda: client.topic_config(topic)["max.message.bytes"] == "5000", "the new setting")
        assert client.topic_config(topic)["retention.ms"] == "123456"
        with pytest.raises(Refused):
            client.produce(topic, [Outgoing(b"x" * 20_000)])

    def test_bad_setting_is_refused(self, client: AdminOfGroups, make_topic: MakeTopic) -> None:
        """A value of the wrong type is refused with INVALID_CONFIG and nothing changes."""
        topic = make_topic()
        before = client.topic_config(topic)
        with pytest.raises(Refused) as refused:
            client.set_topic_config(topic, "max.message.bytes", "many")
        assert refused.value.code == INVALID_CONFIG
        assert client.topic_config(topic) == before
