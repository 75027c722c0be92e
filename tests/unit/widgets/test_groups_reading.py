"""What a cluster says about its groups: from an admin client's answers to one look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from kafka import errors
from kafka.structs import OffsetAndMetadata, TopicPartition

from kit.errors import ClusterClosedError
from kit.topics import Topic
from kit.widgets.groups import PartitionProgress
from kit.widgets.groups.reading import MOST_GROUPS, GroupReader
from tests.support.live_views import partition, topics


def member(client_id: str, *numbers: int, topic: str = "t", assigned: bool = True) -> dict[str, Any]:
    """A member as the admin client describes it."""
    held = {"assigned_partitions": [{"topic": topic, "partitions": list(numbers)}] if numbers else []}
    return {
        "client_id": client_id,
        "member_id": f"{client_id}-uuid",
        "client_host": "/10.0.0.7",
        "member_metadata": {"topics": [topic]},
        "member_assignment": held if assigned else "",
    }


class FakeAdmin:
    """An admin client that answers from dictionaries, and raises what it is told to."""

    def __init__(
        self,
        groups: Mapping[str, Mapping[str, Any]],
        committed: Mapping[str, Mapping[tuple[str, int], int]] | None = None,
        *,
        silent: Sequence[int] = (),
        refused: Sequence[str] = (),
    ) -> None:
        self.groups, self.committed = groups, committed or {}
        self.silent, self.refused = silent, refused
        self.num_closed = 0

    def list_groups(self, broker_ids: Sequence[int]) -> list[dict[str, Any]]:
        """Those of one broker; every group is on the first one."""
        if broker_ids[0] in self.silent:
            raise errors.KafkaConnectionError("silent")
        names = self.groups if broker_ids == [1] else ()
        return [{"group_id": name, "group_type": self.groups[name].get("type", "classic")} for name in names]

    def describe_groups(self, group_ids: Sequence[str], group_coordinator_id: int) -> dict[str, Any]:
        """As told."""
        assert group_coordinator_id == 1
        plain = {"group_state": "Stable", "protocol_data": "range", "members": [], "error": None}
        return {name: {**plain, "group_id": name, **self.groups[name]} for name in group_ids}

    def list_group_offsets(self, group_ids: Sequence[str]) -> dict[str, Any]:
        """As told."""
        if set(self.refused) & set(group_ids):
            raise errors.GroupAuthorizationFailedError("no")
        return {
            name: {
                TopicPartition(*at): OffsetAndMetadata(to, "", -1) for at, to in self.committed.get(name, {}).items()
            }
            for name in group_ids
        }

    def close(self) -> None:
        """Count it."""
        self.num_closed += 1


class FakeCluster:
    """Brokers and topics."""

    def __init__(self, found: Mapping[str, Topic], alive: Sequence[int] = (1, 2)) -> None:
        self.found = found
        self.brokers = [SimpleNamespace(node_id=n, is_alive=n in alive, is_paused=False) for n in (1, 2)]

    def topics(self, names: Any = None, *, wait: bool = True) -> dict[str, Topic]:
        """Those that are asked for."""
        assert not wait
        if not any(broker.is_alive for broker in self.brokers):
            raise ClusterClosedError("closed")
        return {name: topic for name, topic in self.found.items() if name in names}


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give a function that reads a cluster through a made-up admin client."""

    def read_with(admin: FakeAdmin, cluster: FakeCluster) -> Any:
        monkeypatch.setattr("kafka.KafkaAdminClient", lambda **_settings: admin)
        return GroupReader({"bootstrap_servers": "127.0.0.1:1"}).read(cluster)

    return read_with


CLUSTER = FakeCluster(topics(t=[partition(n, high_watermark=10) for n in range(2)]))


def test_read_joins_members_commits_and_ends(read: Any) -> None:
    """Who holds what, where the group goes on, where the end is: one line for each partition of the topic."""
    admin = FakeAdmin({"g": {"members": [member("b"), member("a", 0)]}}, {"g": {("t", 0): 4}})

    groups, trouble = read(admin, CLUSTER)

    look = groups["g"]
    assert trouble == look.trouble == ""
    assert look.shares() == {"a": [0], "b": []}
    assert look.members[0].host == "10.0.0.7"
    assert look.partitions == (
        PartitionProgress("t", 0, "a", 4, 0, 10),
        PartitionProgress("t", 1, None, None, 0, 10),
    )
    assert look.lag == 16


def test_read_tells_nothing_of_partitions_while_a_group_rebalances(read: Any) -> None:
    """Kafka gives members without assignments then: they are members that hold nothing."""
    admin = FakeAdmin({"g": {"group_state": "PreparingRebalance", "members": [member("a", assigned=False)]}})

    groups, _ = read(admin, CLUSTER)

    assert groups["g"].is_rebalancing
    assert groups["g"].shares() == {"a": []}


def test_read_goes_on_without_a_silent_broker(read: Any) -> None:
    """What the others tell is there, and the silent one is named."""
    groups, trouble = read(FakeAdmin({"g": {}}, silent=[2]), CLUSTER)

    assert list(groups) == ["g"]
    assert "Broker 2 does not tell" in trouble


def test_read_says_which_group_s_commits_are_refused(read: Any) -> None:
    """One group that may not be seen does not hide the commits of the others."""
    admin = FakeAdmin({"mine": {}, "theirs": {}}, {"mine": {("t", 0): 4}}, refused=["theirs"])

    groups, _ = read(admin, CLUSTER)

    assert groups["mine"].partitions[0].committed == 4
    assert "GroupAuthorizationFailedError" in groups["theirs"].trouble


def test_read_takes_a_refused_description_for_unknown_not_dead(read: Any) -> None:
    """A group that may not be described is there all the same."""
    groups, _ = read(
        FakeAdmin({"g": {"group_state": "", "error": "[Error 30] GroupAuthorizationFailedError"}}), CLUSTER
    )

    assert groups["g"].state == "Unknown"
    assert "Error 30" in groups["g"].trouble


def test_read_names_a_group_of_the_new_protocol(read: Any) -> None:
    """KIP-848 groups are described by a request that the client does not speak; their lag is known all the same."""
    admin = FakeAdmin({"g": {"type": "Consumer", "group_state": "Dead"}}, {"g": {("t", 1): 9}})

    groups, _ = read(admin, CLUSTER)

    assert groups["g"].state != "Dead"
    assert groups["g"].lag == 1
    assert "cannot ask who its members are" in groups["g"].trouble


def test_read_survives_members_of_other_programs_and_deleted_topics(read: Any) -> None:
    """Bytes where a consumer's partitions stand, and commits for a topic that is gone: no lag, no error."""
    stranger = {**member("connect"), "member_metadata": b"\x00\x01", "member_assignment": b"\xff"}

    groups, _ = read(FakeAdmin({"g": {"members": [stranger]}}, {"g": {("gone", 0): 3}}), CLUSTER)

    assert groups["g"].shares() == {"connect": []}
    assert groups["g"].partitions[0].lag is None
    assert groups["g"].lag == 0


def test_read_of_a_closed_cluster_raises_its_sentence(read: Any) -> None:
    """Without a broker, the cluster is asked why."""
    with pytest.raises(ClusterClosedError):
        read(FakeAdmin({}), FakeCluster({}, alive=()))


def test_read_looks_at_so_many_groups_only(read: Any) -> None:
    """A thousand groups are cut, and that is said."""
    groups, trouble = read(FakeAdmin({f"g{n:04}": {} for n in range(1_000)}), CLUSTER)

    assert len(groups) == MOST_GROUPS
    assert str(MOST_GROUPS) in trouble


@pytest.mark.parametrize(
    ("committed", "start", "end", "lag"),
    [(4, 0, 10, 6), (None, 3, 10, 7), (2, 5, 10, 5), (12, 0, 10, 0), (4, 0, None, None), (None, None, 10, 10)],
)
def test_lag_counts_what_can_still_be_read(
    committed: int | None, start: int | None, end: int | None, lag: int | None
) -> None:
    """From the commit, or the start where that is later; never below 0; not known without an end."""
    assert PartitionProgress("t", 0, None, committed, start, end).lag == lag
