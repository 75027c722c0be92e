"""Where a scenario is played: a cluster, topics of its own, recorded clients, and everything mended at the end."""

from __future__ import annotations

import contextlib
import functools
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from kit.broker.timeline import Event
from kit.cluster import Cluster
from kit.errors import FaultError, NotSupportedError, ScenarioError
from kit.history import History, Report, check
from kit.plain_errors import plainly
from kit.scenarios.clients import PATIENCE_S, Reader, Writer
from kit.scenarios.watching import PartitionNow, Watch
from kit.topics import Partition, Topic

T = TypeVar("T")
_PAUSE_S = 0.02

Logs = dict[str, list[tuple[int, int, str]]]


class Stage:
    """One run of a scenario on a cluster. A context manager: it mends the cluster first and last.

    Attributes:
        cluster: where it is played.
        broker_ids: of its brokers, ascending.
        history: what the clients do.
        topics_before: the scenario's topics as they were made.
        controller_before: who was the active controller then.
        start_ms, end_ms: when the run began and when `end` was done; in milliseconds since 1970.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.broker_ids = tuple(broker.node_id for broker in cluster.brokers)
        self.history = History()
        self.topics_before: dict[str, Topic] = {}
        self.start_ms = self.end_ms = 0
        self.controller_before: int | None = None
        self._run = secrets.token_hex(3)
        self._cleanup = contextlib.ExitStack()
        self._replicas: dict[str, list[tuple[int, ...]]] = {}
        self._before: Event | None = None
        self._watch = Watch(**self.client_options("watch"))

    def __enter__(self) -> Self:
        mend(self.cluster)
        self.controller_before = self.wait(lambda: self.cluster.controller, "an active controller")
        self.start_ms = _now_ms()
        self._before = next(iter(self.cluster.timeline(internal=True)[-1:]), None)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._cleanup.callback(self._watch.close)
        self._cleanup.callback(mend, self.cluster)  # first of all: the last one in is the first to run
        self._cleanup.close()

    # -- waiting and looking -----------------------------------------------------------------------------------------

    def wait(self, condition: Callable[[], T | None], what: str) -> T:
        """Ask until the answer is true, and return it; ``ScenarioError`` when that takes longer than 30 seconds."""
        give_up_s = time.monotonic() + PATIENCE_S
        while True:
            asked_s = time.monotonic()
            if answer := condition():
                return answer
            if time.monotonic() > give_up_s:
                raise ScenarioError(f"Waited {PATIENCE_S:g} s for {what}; the last answer was {answer!r}.")
            # As long as the question took: whoever asks a busy cluster without a pause keeps it busy.
            threading.Event().wait(max(_PAUSE_S, time.monotonic() - asked_s))

    def timeline(self) -> list[Event]:
        """What happened in the cluster since this run began."""
        events = self.cluster.timeline(internal=True)
        if self._before in events:
            events = events[events.index(self._before) + 1 :]
        return events

    def events(self, kind: str, topic: str, partition: int = 0) -> list[Event]:
        """The events of one kind that happened to a partition in this run."""
        wanted = (kind, topic, partition)
        return [each for each in self.timeline() if (each.kind, each.topic, each.partition) == wanted]

    def now(self, topic: str, partition: int = 0) -> PartitionNow:
        """A partition as the metadata has it; who is cut off may not know, but is not believed old news."""
        return self.wait(functools.partial(self._watch.look, [topic]), f"a description of {topic}")[topic, partition]

    def wait_for(
        self, topic: str, holds: Callable[[PartitionNow], bool], what: str, partition: int = 0
    ) -> PartitionNow:
        """Wait until something holds for a partition; see `now`."""

        def look() -> PartitionNow | None:
            seen = self._watch.look([topic])
            return seen[topic, partition] if seen is not None and holds(seen[topic, partition]) else None

        return self.wait(look, f"{what} ({topic}-{partition})")

    def wait_for_isr(self, topic: str, isr: Iterable[int], partition: int = 0) -> PartitionNow:
        """Wait until exactly these replicas are in sync, and one of them leads."""
        wanted = set(isr)
        return self.wait_for(
            topic,
            lambda now: set(now.isr) == wanted and now.leader in wanted,
            f"the in-sync replicas {sorted(wanted)}",
            partition,
        )

    def wait_for_election(self, topic: str) -> PartitionNow:
        """Wait until partition 0 has another leader than at first, and somebody who knows has said so."""
        first = self.topics_before[topic].partitions[0]
        self._watch.expect_newer({(topic, 0): first.leader_epoch})
        return self.wait_for(topic, lambda now: now.leader not in {None, first.leader}, "another leader")

    # -- topics, clients, faults -------------------------------------------------------------------------------------

    def admin(self) -> contextlib.closing[KafkaAdminClient]:
        """An admin client for one ``with`` block."""
        return contextlib.closing(KafkaAdminClient(**self.cluster.client_settings))

    def topic(self, base: str, assignments: Sequence[Sequence[int]], **configs: str) -> str:
        """Make a topic with a fresh name; by partition its replicas, of which the first one will lead."""
        name = f"{base}-{self._run}"
        wanted = {"assignments": dict(enumerate(map(list, assignments))), "configs": configs}
        with self.admin() as admin:
            admin.create_topics({name: wanted}, wait_for_metadata=True)
        self._replicas[name] = [tuple(replicas) for replicas in assignments]
        self.elect_preferred([name])  # a broker that was not quite back leads nothing yet
        seen = self.wait(functools.partial(self._watch.look, [name]), f"a description of {name}")
        self.topics_before[name] = Topic(
            name,
            is_internal=False,
            partitions=tuple(
                Partition(number, now.leader, now.leader_epoch, replicas, now.isr, log_start_offset=0, high_watermark=0)
                for number, replicas in enumerate(self._replicas[name])
                for now in [seen[name, number]]
            ),
        )
        return name

    def writer(self, name: str, brokers: Iterable[int] | None = None, **options: Any) -> Writer:
        """A recorded producer; ``brokers`` are those that it knows first, None for all."""
        return self._add(Writer(name, self.history, **self.client_options(name, brokers), **options))

    def reader(self, name: str, topic: str, brokers: Iterable[int] | None = None, **options: Any) -> Reader:
        """A recorded consumer of all partitions of a topic; see `writer`."""
        partitions = [(topic, each.partition) for each in self.topics_before[topic].partitions]
        return self._add(Reader(name, self.history, partitions, **self.client_options(name, brokers), **options))

    def client_options(self, name: str, brokers: Iterable[int] | None = None) -> dict[str, Any]:
        """Where a client of this name looks for brokers, and its client id."""
        known = self.broker_ids if brokers is None else set(brokers)
        addresses = [broker.address for broker in self.cluster.brokers if broker.node_id in known]
        return {**self.cluster.client_settings, "bootstrap_servers": addresses, "client_id": self.client_id(name)}

    def closing(self, close: Callable[[], object]) -> None:
        """Have a client closed at the end."""
        self._cleanup.callback(close)

    def client_id(self, name: str) -> str:
        """The client id that the client of a name has or will have."""
        return f"{name.replace(' ', '-')}-{self._run}"

    def cut_off(self, broker_id: int, near: Iterable[str], far: Iterable[str]) -> bool:
        """Cut one broker from all other nodes, with the clients of these names on its side and on the other.

        Returns whether the clients were cut too; where that cannot be, they stay on their side by what they know.
        """
        others = set(self.broker_ids) - {broker_id}
        sides = {self.client_id(name): 0 for name in near} | {self.client_id(name): 1 for name in far}
        try:
            self.cluster.cut({broker_id}, others, clients=sides)
            clients_too = True
        except NotSupportedError:
            self.cluster.cut({broker_id}, others)
            clients_too = False
        if self.controller_before not in self.broker_ids:
            self.cluster.isolate(broker_id)  # from the controllers that are nodes of their own
        return clients_too

    def elect_preferred(self, topics: Sequence[str]) -> None:
        """Let the first replica of every partition lead, and wait until all replicas are in sync."""
        wanted = {topic: list(range(len(self._replicas[topic]))) for topic in topics}

        def elect() -> bool:
            if self._is_whole(topics, first_leads=True):
                return True
            with contextlib.suppress(KafkaError), self.admin() as admin:  # who is not quite back cannot be elected
                admin.elect_leaders(0, wanted)
            return False

        self.wait(elect, f"the first leaders of {', '.join(topics)}")

    # -- the end -----------------------------------------------------------------------------------------------------

    def in_sync(self, topics: Iterable[str] | None = None) -> None:
        """Wait until every replica of these topics is in sync, None for all of this run's."""
        names = list(topics or self.topics_before)
        whole = functools.partial(self._is_whole, names, first_leads=False)
        self.wait(whole, f"all replicas of {', '.join(names)} in sync")

    def end(self) -> tuple[Report, Logs]:
        """Mend the cluster, wait until all replicas are in sync, read everything, and judge what the clients did."""
        self.close_clients()
        mend(self.cluster)
        self.in_sync()
        logs = {name: self._read_log(name) for name in self.topics_before}
        self.end_ms = _now_ms()
        return check(self.history, caught_up=True), logs

    def close_clients(self) -> None:
        """Close all clients so far."""
        self._cleanup.close()

    def _read_log(self, topic: str) -> list[tuple[int, int, str]]:
        records = self.reader("reader at the end of " + topic, topic).read_to_end()
        log = sorted((record.partition, record.offset, record.value.decode()) for record in records)
        for each in self.topics_before[topic].partitions:
            held = [(offset, value) for partition, offset, value in log if partition == each.partition]
            self.history.final_log(topic, each.partition, held, time_ms=_now_ms())
        return log

    def _is_whole(self, topics: Sequence[str], *, first_leads: bool) -> bool:
        """Whether all replicas are in sync and one of them leads, perhaps the first one."""
        seen = self._watch.look(topics)
        return seen is not None and all(
            set(now.isr) == set(replicas) and now.leader in (replicas[:1] if first_leads else replicas)
            for name in topics
            for number, replicas in enumerate(self._replicas[name])
            for now in [seen[name, number]]
        )

    def _add(self, client: _Client) -> _Client:
        self.closing(client.close)
        return client


_Client = TypeVar("_Client", Writer, Reader)


@plainly
def mend(cluster: Cluster) -> None:
    """Make every link whole, let every paused broker go on and start every broker that is down."""
    with contextlib.suppress(FaultError):
        cluster.heal()  # refused when there is nothing to heal
    for broker in cluster.brokers:
        if broker.is_paused:
            cluster.resume(broker.node_id)
    for broker in cluster.brokers:
        if not broker.is_alive:
            cluster.restart(broker.node_id)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
