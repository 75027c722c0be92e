"""What a cluster says about its consumer groups, in one look."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from kit.topics import Topic

MOST_GROUPS = 200
_ANSWER_MS = 3_000  # of one broker: one that is silent must not hide what the others say
_REBALANCING = ("PreparingRebalance", "CompletingRebalance", "Assigning", "Reconciling")

Key = tuple[str, int]  # topic, partition


class HasGroups(Protocol):
    """All that the reader asks of a cluster."""

    @property
    def brokers(self) -> Sequence[Any]:
        """Its brokers, with ``node_id``, ``is_alive`` and ``is_paused``."""

    def topics(self, names: Any = None, *, wait: bool = True) -> dict[str, Topic]:
        """Its topics."""


@dataclass(frozen=True, slots=True)
class GroupMember:
    """One member of a group.

    Attributes:
        client_id: as the consumer calls itself.
        member_id: as the coordinator calls it: another one each time that it joins anew. Of a static member (KIP-345)
            its ``group.instance.id``: whoever comes with the same one takes its place without a rebalance.
        host: where it connects from.
        keys: the topics and partitions that it holds; none while the group rebalances, for Kafka tells none then.
    """

    client_id: str
    member_id: str
    host: str
    keys: tuple[Key, ...]


@dataclass(frozen=True, slots=True)
class PartitionProgress:
    """How far a group came in one partition.

    Attributes:
        holder: client id of the member that has it; None when nobody has, or nobody knows.
        committed: the offset that the group goes on at; None when it has committed nothing.
        log_start_offset: of the first record that is still there; None when the cluster does not tell.
        log_end_offset: where readers find the end (the high watermark); None when the cluster does not tell.
    """

    topic: str
    partition: int
    holder: str | None
    committed: int | None
    log_start_offset: int | None
    log_end_offset: int | None

    @property
    def lag(self) -> int | None:
        """Records between the committed offset and the end. Without a commit, and before the start, all that are there.

        None when the end is not known.
        """
        if self.log_end_offset is None:
            return None
        begin = max(self.committed or 0, self.log_start_offset or 0)
        return max(0, self.log_end_offset - begin)


@dataclass(frozen=True, slots=True)
class GroupLook:
    """One group at one moment.

    Attributes:
        state: Kafka's word: Stable, PreparingRebalance, CompletingRebalance, Empty or Dead; Unknown if not told.
        assignor: how its members share partitions, such as "range"; empty when it has none.
        coordinator: node id of the broker that takes care of it; None for a group that is gone.
        trouble: why something of it is not known, in one sentence; empty when all is.
    """

    group_id: str
    state: str
    assignor: str = ""
    coordinator: int | None = None
    members: tuple[GroupMember, ...] = ()
    partitions: tuple[PartitionProgress, ...] = ()
    trouble: str = ""

    @property
    def is_rebalancing(self) -> bool:
        """Whether its partitions are being handed out anew."""
        return self.state in _REBALANCING

    @property
    def lag(self) -> int:
        """Of all partitions whose lag is known."""
        return sum(each.lag or 0 for each in self.partitions)

    @property
    def holders(self) -> dict[Key, str]:
        """Topic and partition to the client id of who holds it."""
        return {key: member.client_id for member in self.members for key in member.keys}

    def shares(self) -> dict[str, list[int]]:
        """Client id to the numbers of its partitions; members that have none included."""
        found: dict[str, list[int]] = {member.client_id: [] for member in self.members}
        for member in self.members:
            found[member.client_id] = sorted(number for _, number in member.keys)
        return dict(sorted(found.items()))


class GroupReader:
    """Asks a cluster for its groups, with an ordinary admin client.

    Each broker is asked for the groups that it coordinates. What one broker does not answer is missing, and said.

    Args:
        client_settings: how to log in, in kafka-python's names.
    """

    def __init__(self, client_settings: Mapping[str, Any]) -> None:
        self._settings = client_settings
        self._admin: Any = None

    def read(self, cluster: HasGroups) -> tuple[dict[str, GroupLook], str]:
        """The groups by id, and why some may be missing, in one sentence, or "".

        Raises:
            kit.errors.KitError: the cluster is closed, or lets nobody in.
            kafka.errors.KafkaError: no broker answers.
        """
        alive = [each.node_id for each in cluster.brokers if each.is_alive and not getattr(each, "is_paused", False)]
        if not alive:
            cluster.topics([], wait=False)  # tells in words why
        listed, troubles = self._list(alive)
        described, more = self._describe(listed)
        committed, refused = self._committed(listed)
        names = {name for group in described.values() for name in _topics_of(group)}
        names |= {name for offsets in committed.values() for name, _ in offsets}
        topics = cluster.topics(sorted(names), wait=False) if names else {}
        groups = {
            group_id: _group_look(
                group, listed[group_id], committed.get(group_id, {}), topics, refused.get(group_id, "")
            )
            for group_id, group in described.items()
        }
        left_out = f"Only {MOST_GROUPS} groups are looked at." if len(listed) >= MOST_GROUPS else ""
        return groups, " ".join(each for each in [*troubles, *more, left_out] if each)

    def close(self) -> None:
        """Close the client; a later read makes a new one."""
        admin, self._admin = self._admin, None
        if admin is not None:
            with contextlib.suppress(Exception):  # it is given up: whatever it complains about is of no use
                admin.close()

    # -- asking ----------------------------------------------------------------------------------------------------

    def _client(self) -> Any:
        if self._admin is None:
            from kafka import KafkaAdminClient

            self._admin = KafkaAdminClient(
                **{**self._settings, "request_timeout_ms": _ANSWER_MS, "bootstrap_timeout_ms": _ANSWER_MS}
            )
        return self._admin

    def _list(self, node_ids: Iterable[int]) -> tuple[dict[str, dict[str, Any]], list[str]]:
        """Group id to what the list says of it, with its coordinator: only that one lists it."""
        listed: dict[str, dict[str, Any]] = {}
        troubles: list[str] = []
        for node_id in node_ids:
            with self._noting(f"Broker {node_id} does not tell its groups", troubles):
                for group in self._client().list_groups(broker_ids=[node_id]):
                    listed[group["group_id"]] = {**group, "coordinator": node_id}
        return dict(sorted(listed.items())[:MOST_GROUPS]), troubles

    def _describe(self, listed: Mapping[str, Mapping[str, Any]]) -> tuple[dict[str, dict[str, Any]], list[str]]:
        described: dict[str, dict[str, Any]] = {}
        troubles: list[str] = []
        for node_id in sorted({group["coordinator"] for group in listed.values()}):
            ids = [group_id for group_id, group in listed.items() if group["coordinator"] == node_id]
            with self._noting(f"Broker {node_id} does not describe its groups", troubles):
                described |= self._client().describe_groups(ids, group_coordinator_id=node_id)
        return described, troubles

    def _committed(self, listed: Mapping[str, Any]) -> tuple[dict[str, dict[Key, int]], dict[str, str]]:
        """Committed offsets by group, and by group why they are not known."""
        from kafka.errors import KafkaError

        if not listed:
            return {}, {}
        try:
            return _offsets(self._client().list_group_offsets(list(listed))), {}
        except KafkaError:  # one group that may not be seen, or has moved, spoils the answer for all
            self.close()
        found: dict[str, dict[Key, int]] = {}
        refused: dict[str, str] = {}
        for group_id in listed:
            try:
                found |= _offsets(self._client().list_group_offsets([group_id]))
            except KafkaError as error:
                refused[group_id] = f"Its committed offsets are not told ({type(error).__name__})."
        return found, refused

    @contextlib.contextmanager
    def _noting(self, what: str, troubles: list[str]) -> Iterator[None]:
        from kafka.errors import KafkaError

        try:
            yield
        except KafkaError as error:
            self.close()  # its connections may lead to where nobody is any more
            troubles.append(f"{what} ({type(error).__name__}).")


def _offsets(answer: Mapping[str, Mapping[Any, Any]]) -> dict[str, dict[Key, int]]:
    return {
        group_id: {(at.topic, at.partition): each.offset for at, each in offsets.items() if each.offset >= 0}
        for group_id, offsets in answer.items()
    }


def _keys(member: Mapping[str, Any]) -> tuple[Key, ...]:
    """What a member holds. Other programs than consumers (Kafka Connect) put bytes of their own there."""
    assignment = member["member_assignment"]
    if not isinstance(assignment, Mapping):
        return ()
    held = ((each["topic"], number) for each in assignment["assigned_partitions"] for number in each["partitions"])
    return tuple(sorted(held))


def _topics_of(group: Mapping[str, Any]) -> set[str]:
    """The topics that its members read, held or not."""
    subscribed = {
        name
        for member in group["members"]
        if isinstance(member["member_metadata"], Mapping)
        for name in member["member_metadata"]["topics"]
    }
    return subscribed | {name for member in group["members"] for name, _ in _keys(member)}


def _group_look(
    group: Mapping[str, Any],
    listed: Mapping[str, Any],
    committed: Mapping[Key, int],
    topics: Mapping[str, Topic],
    trouble: str,
) -> GroupLook:
    members = tuple(
        GroupMember(
            each["client_id"],
            each.get("group_instance_id") or each["member_id"],
            each["client_host"].lstrip("/"),
            _keys(each),
        )
        for each in sorted(group["members"], key=lambda each: (each["client_id"], each["member_id"]))
    )
    holders = {key: member.client_id for member in members for key in member.keys}
    # A new-protocol group (KIP-848) is described by another request, which this client does not speak.
    kind = str(listed.get("group_type") or "classic").lower()
    if kind not in ("classic", "unknown"):
        state = listed.get("group_state") or "Stable"
        trouble = f"A {kind} group: this client cannot ask who its members are. {trouble}".strip()
    else:
        state = group["group_state"] or ("Unknown" if group["error"] else "Dead")
        trouble = f"{group['error'] or ''} {trouble}".strip()
    wanted = {*holders, *committed}
    subscribed = [name for name in _topics_of(group) if name in topics]
    wanted |= {(name, each.partition) for name in subscribed for each in topics[name].partitions}
    return GroupLook(
        group_id=group["group_id"],
        state=state,
        assignor=group["protocol_data"] if members else "",
        coordinator=listed["coordinator"],
        members=members,
        partitions=tuple(_progress(key, holders, committed, topics) for key in sorted(wanted)),
        trouble=trouble,
    )


def _progress(
    key: Key, holders: Mapping[Key, str], committed: Mapping[Key, int], topics: Mapping[str, Topic]
) -> PartitionProgress:
    name, number = key
    found = [each for each in topics[name].partitions if each.partition == number] if name in topics else []
    start, end = (found[0].log_start_offset, found[0].high_watermark) if found else (None, None)
    return PartitionProgress(name, number, holders.get(key), committed.get(key), start, end)
