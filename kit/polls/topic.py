"""A poll's topic on a cluster: making it, writing one entry, reading it from the beginning. Ordinary Kafka clients."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kit.client_settings import settings_of
from kit.errors import PollError
from kit.polls.records import PREFIX, Entry, encode, topic_of
from kit.polls.tally import Tally
from kit.widgets._background import ClusterGoneError, Link

TIMEOUT_S = 10.0
_BACKOFF_MS = 25  # a client that begins waits once for this, so a vote is quick
# One partition: there all records have one order, and "after voting was closed" means the same to everybody.
# No compaction: it would keep a student's last vote even where that one came too late and an earlier one counts.
_SETTINGS = {"cleanup.policy": "delete", "retention.ms": "-1"}


class PollTopic:
    """The topic of one poll.

    Args:
        cluster: anything with ``client_settings`` or ``bootstrap_servers``.

    Raises:
        PollError: that cannot be a poll's name, or is no cluster.
    """

    def __init__(self, cluster: Any, name: str) -> None:
        self.poll = name
        self.name = topic_of(name)
        if not hasattr(cluster, "bootstrap_servers"):
            raise PollError(f"{cluster!r} is no cluster: the first argument is the one of kit.connect or kit.start.")
        self.settings: Mapping[str, Any] = settings_of(cluster)
        self._link = Link(cluster)

    def check_cluster(self) -> None:
        """See whether there is anybody to talk to, before a client looks for brokers for long.

        Raises:
            PollError: there is nobody.
        """
        if self._link.is_gone:
            raise PollError(str(ClusterGoneError()))

    def make(self) -> None:
        """Create the topic unless it is there.

        Raises:
            PollError: it cannot be created, or is there and has more than one partition.
        """
        self.check_cluster()
        from kafka import KafkaAdminClient
        from kafka.errors import KafkaError, TopicAlreadyExistsError

        with told(f"The topic {self.name} cannot be created"):
            admin = KafkaAdminClient(**self.settings, bootstrap_timeout_ms=int(TIMEOUT_S * 1000))
            try:
                if self.name not in _patiently(admin.list_topics, TIMEOUT_S):
                    with contextlib.suppress(TopicAlreadyExistsError):  # another notebook was faster
                        wanted = {"num_partitions": 1, "configs": dict(_SETTINGS)}
                        admin.create_topics({self.name: wanted}, wait_for_metadata=True)
                partitions = admin.describe_topics([self.name])[0]["partitions"]
            finally:
                with contextlib.suppress(KafkaError):
                    admin.close()
        if len(partitions) != 1:
            raise PollError(
                f"The topic {self.name} has {len(partitions)} partitions, and a poll needs one, so that its votes have "
                "one order. Give the poll another name, or delete the topic."
            )

    def consumer(self) -> Any:
        """A consumer without a group, for `place`."""
        from kafka import KafkaConsumer

        return KafkaConsumer(
            **self.settings,
            client_id="kit-poll",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            allow_auto_create_topics=False,
            bootstrap_timeout_ms=int(TIMEOUT_S * 1000),
            retry_backoff_ms=_BACKOFF_MS,
        )

    def find(self, consumer: Any, patience_s: float = TIMEOUT_S) -> bool:
        """Begin at the topic's beginning, if the topic is there.

        Args:
            patience_s: how long to ask again while the cluster has no answer, as in an election.
        """
        from kafka import TopicPartition

        if self.name not in _patiently(consumer.topics, patience_s):
            return False
        place = TopicPartition(self.name, 0)
        consumer.assign([place])
        consumer.seek_to_beginning(place)
        return True

    def fetch(self, consumer: Any, timeout_ms: int) -> list[Any]:
        """The next records, after at most so long."""
        batches = consumer.poll(timeout_ms=timeout_ms)
        return [record for batch in batches.values() for record in batch]

    def take(self, tally: Tally, record: Any) -> str | None:
        """Let the tally take in a record; returns why it does not count, None when it does."""
        return tally.apply(record.offset, record.timestamp, record.key, record.value)

    def read_until(self, consumer: Any, tally: Tally, end: int) -> dict[int, str | None]:
        """Take in the records up to an offset, exclusive; by offset, why one does not count.

        Raises:
            PollError: the records do not come in time.
        """
        found: dict[int, str | None] = {}
        give_up_s = time.monotonic() + TIMEOUT_S
        while tally.next_offset < end:
            if time.monotonic() > give_up_s:
                raise PollError(
                    f"The records of {self.name} do not come: does the broker that leads it run? Try again."
                )
            found |= {record.offset: self.take(tally, record) for record in self.fetch(consumer, timeout_ms=200)}
        return found

    def now(self) -> Tally:
        """What the topic says at this moment; nothing when it is not there.

        Raises:
            PollError: it cannot be read.
        """
        tally = Tally()
        with told(f"The topic {self.name} cannot be read"):
            consumer = self.consumer()
            try:
                if self.find(consumer):
                    self.read_to_end(consumer, tally)
            finally:
                consumer.close()
        return tally

    def read_to_end(self, consumer: Any, tally: Tally) -> None:
        """Take in all records that there are now.

        Raises:
            PollError: the records do not come in time.
        """
        (end,) = consumer.end_offsets(consumer.assignment()).values()
        self.read_until(consumer, tally, end)

    def producer(self) -> Any:
        """A producer that is answered when all in-sync replicas have the record."""
        from kafka import KafkaProducer

        timeout_ms = int(TIMEOUT_S * 1000)
        return KafkaProducer(
            **self.settings,
            client_id="kit-poll",
            acks="all",
            bootstrap_timeout_ms=timeout_ms,
            retry_backoff_ms=_BACKOFF_MS,
            max_block_ms=timeout_ms,
            request_timeout_ms=timeout_ms // 2,
            delivery_timeout_ms=timeout_ms,
        )

    def write(self, entry: Entry) -> int:
        """Write one entry and return its offset.

        Raises:
            PollError: it was not acknowledged.
        """
        key, value = encode(entry)
        self.check_cluster()
        with told("Nothing was sent"):
            producer = self.producer()
            try:
                offset: int = producer.send(self.name, key=key, value=value, partition=0).get(TIMEOUT_S).offset
            finally:
                producer.close(timeout=1)
        return offset

    def known_polls(self, consumer: Any) -> list[str]:
        """The polls that the cluster has."""
        return sorted(name.removeprefix(PREFIX) for name in consumer.topics() if name.startswith(PREFIX))


def _patiently(ask: Callable[[], Any], patience_s: float) -> Any:
    """Ask again while the error is one that passes by itself."""
    from kafka.errors import KafkaError

    give_up_s = time.monotonic() + patience_s
    while True:
        try:
            return ask()
        except KafkaError as error:
            if not error.retriable or time.monotonic() > give_up_s:
                raise
            time.sleep(_BACKOFF_MS / 1000)


@contextlib.contextmanager
def told(what: str) -> Iterator[None]:
    """Turn an error of a client into a PollError that begins with ``what``."""
    from kafka.errors import KafkaError

    try:
        yield
    except KafkaError as error:
        lines = str(error).strip().splitlines()
        name = getattr(error, "message", None) or type(error).__name__
        raise PollError(f"{what}: {name}{': ' + lines[0] if lines else ''}. Does the cluster run?") from error
