"""One face for every foreign client, so that a scenario is written once.

An adapter does what its library's documentation tells a user to do and hides nothing the broker did: a refusal comes
through as Kafka's own error code.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from tests.support.wait import wait_until

HEARTBEAT_INTERVAL_MS = 200  # a member hears of a rebalance with its heartbeat: often, to keep the tests short
SESSION_TIMEOUT_MS = 6_000  # the least that a broker allows by default
REQUEST_TIMEOUT_S = 30


@dataclass(frozen=True)
class Outgoing:
    """A record to produce; ``partition=None`` lets the client's partitioner choose."""

    value: bytes | None
    key: bytes | None = None
    headers: tuple[tuple[str, bytes], ...] = ()
    timestamp_ms: int | None = None
    partition: int | None = None


@dataclass(frozen=True)
class Placed:
    """Where the broker said that it put a record."""

    partition: int
    offset: int


@dataclass(frozen=True)
class Incoming:
    """A record as a client read it."""

    partition: int
    offset: int
    timestamp_ms: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


@dataclass(frozen=True)
class GroupView:
    """A consumer group as an admin client describes it."""

    state: str
    client_ids: frozenset[str]


class Refused(Exception):
    """The broker answered with an error; ``code`` is Kafka's."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{text} (error code {code})")
        self.code = code


class Member(ABC):
    """A consumer that is a member of a group; reads from the earliest offset where nothing is committed."""

    @abstractmethod
    def assignment(self) -> frozenset[int]:
        """Return the partitions of the topic that it owns now."""

    @abstractmethod
    def poll(self) -> list[Incoming]:
        """Return what arrived, after at most some 0.1 s."""

    @abstractmethod
    def commit(self) -> None:
        """Commit the offsets after everything that was polled."""

    @abstractmethod
    def leave(self) -> None:
        """Close properly: leaves the group, unless it is a static member. A second call does nothing."""


def read_until(poll: Callable[[], Iterable[Incoming]], count: int) -> list[Incoming]:
    """Poll until ``count`` records have arrived."""
    read: list[Incoming] = []

    def enough() -> bool:
        read.extend(poll())
        return len(read) >= count

    wait_until(enough, f"{count} records", pause_s=0)
    return read


class ForeignClient(ABC):
    """A client library, or a command line tool, against one cluster.

    Args:
        bootstrap_servers: ``host:port,host:port``.
    """

    def __init__(self, bootstrap_servers: str) -> None:
        self.bootstrap_servers = bootstrap_servers
        self._members: list[Member] = []

    def close(self) -> None:
        """Leave all groups; a failed test leaves no member behind for the next."""
        for member in self._members:
            member.leave()

    def join(self, group_id: str, topic: str, *, client_id: str = "member", instance_id: str | None = None) -> Member:
        """Become a member of a group, complete only after some polls; a static one with an instance id (KIP-345)."""
        member = self._join(group_id, topic, client_id, instance_id)
        self._members.append(member)
        return member

    @abstractmethod
    def _join(self, group_id: str, topic: str, client_id: str, instance_id: str | None) -> Member: ...

    @abstractmethod
    def partitions(self, topic: str) -> set[int]:
        """Return the partitions that Metadata lists for the topic."""

    @abstractmethod
    def produce(
        self, topic: str, records: Sequence[Outgoing], *, compression: str = "none", idempotent: bool = False
    ) -> list[Placed]:
        """Produce with acks=all, wait for every acknowledgement and return them in the records' order.

        Raises:
            Refused: the broker refused a record.
        """

    @abstractmethod
    def consume(self, topic: str, count: int, *, start: Mapping[int, int] | None = None) -> list[Incoming]:
        """Read without a group until ``count`` records have arrived.

        Args:
            start: offset per partition to read; None reads every partition from its beginning.
        """

    @abstractmethod
    def offsets_at(self, topic: str, timestamp_ms: int) -> dict[int, int | None]:
        """Return per partition the first offset with that timestamp or a later one; None where there is none."""


class AdministersTopics(ABC):
    """What most libraries' admin clients can do with topics; each raises `Refused`."""

    @abstractmethod
    def create_topic(self, topic: str, *, partitions: int, config: Mapping[str, str] | None = None) -> None:
        """Create a topic with one replica a partition."""

    @abstractmethod
    def delete_topic(self, topic: str) -> None:
        """Delete a topic."""

    @abstractmethod
    def topics(self) -> set[str]:
        """Return the names of all topics."""

    @abstractmethod
    def add_partitions(self, topic: str, total: int) -> None:
        """Grow a topic to ``total`` partitions."""

    @abstractmethod
    def delete_records(self, topic: str, before: Mapping[int, int]) -> dict[int, int]:
        """Delete the records before an offset per partition; return the new log start offsets."""

    @abstractmethod
    def topic_config(self, topic: str) -> dict[str, str | None]:
        """Return every setting of a topic."""


class AdministersGroups(ABC):
    """What most libraries' admin clients can do with consumer groups."""

    @abstractmethod
    def groups(self) -> set[str]:
        """Return the ids of all groups."""

    @abstractmethod
    def describe_group(self, group_id: str) -> GroupView:
        """Return a group's state and members."""


class AltersConfigs(ABC):
    """IncrementalAlterConfigs (KIP-339)."""

    @abstractmethod
    def set_topic_config(self, topic: str, name: str, value: str) -> None:
        """Set one setting of a topic and leave the others alone."""


class DeletesGroups(ABC):
    """DeleteGroups (KIP-229)."""

    @abstractmethod
    def delete_group(self, group_id: str) -> None:
        """Delete a group without members."""
