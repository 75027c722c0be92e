"""A consumer whose power is cut in the middle of its work, and its successor: what came of the work?

The work is a payment: a record of the topic that is due becomes a record of the topic that is paid. So what was done
lies in the cluster, where everybody can count it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from kit.client_settings import settings_of
from kit.errors import ClusterClosedError, WorkersTimeoutError
from kit.lessons.delivery import Delivery, compare
from kit.plain_errors import plainly

RUN = "run"
"""The header of a payment with the number of the run that made it."""
LIFE = "life"
"""... with the life of the program in that run: 1 before the power was cut, 2 after it."""
DUE_PARTITION, DUE_OFFSET = "due.partition", "due.offset"
"""... with the place of the record that it pays for."""
BATCH_OFFSET = "batch.offset"
"""... with the offset of the first record of the batch that the program was given with it."""

_GONE = "The cluster is closed, or no broker answers: run its kit.start or kit.connect again, then the cells after it."
_PATIENCE_POLLS = 300  # of a tenth of a second each


class PowerCut(BaseException):
    """The power is gone. No ``except Exception`` keeps a program alive without it."""


def crash(consumer: Any) -> None:
    """Let a kafka-python consumer die at once: connections gone, no more heartbeats, no word to its group.

    Its own ``close()`` leaves the group politely, and it has no public way to die.
    """
    consumer._client.close()  # noqa: SLF001


class Payments:
    """What a program pays with: called with a record that is due, it makes the payment.

    Args:
        cluster: where the payments lie.
        topic: the one that takes them.
        run: the number of the run, noted in each payment.
        producer: sends them.

    Attributes:
        life: of the program, noted in each payment too; see `LIFE`.
        batch_offset: see `BATCH_OFFSET`.
        left: how many can be made until the power goes; None for no end.
    """

    def __init__(self, cluster: Any, topic: str, run: int, producer: Any) -> None:
        self._cluster = cluster
        self._topic = topic
        self._run = run
        self._producer = producer
        self.life = 1
        self.batch_offset = 0
        self.left: int | None = None

    def __call__(self, record: Any) -> None:
        """Pay; returns when the payment is safe.

        Raises:
            PowerCut: the power is gone. The last payment was made; nothing after it will be.
        """
        if self.left == 0:
            raise PowerCut
        noted = {
            RUN: self._run,
            LIFE: self.life,
            DUE_PARTITION: record.partition,
            DUE_OFFSET: record.offset,
            BATCH_OFFSET: self.batch_offset,
        }
        headers = [(name, str(number).encode()) for name, number in noted.items()]
        self._producer.send(self._topic, key=record.key, value=record.value, headers=headers).get(timeout=30)
        if self.left is not None:
            self.left -= 1
        if self.left == 0:  # before the program learns that it has paid
            raise PowerCut

    def made(self) -> set[str]:
        """The names of the payments that this run has made so far, read from the topic, whoever made them."""
        paid = records_of(self._cluster, self._topic)
        return {_name(record.key) for record in paid if run_of(record.headers) == self._run}


Handle = Callable[[Any, list[Any], Payments], object]


@plainly
def play(
    cluster: Any,
    due: str,
    paid: str,
    handle: Handle,
    *,
    group_id: str,
    cut_after: int | None = 6,
    batch: int = 4,
    **settings: Any,
) -> Delivery:
    """Let a consumer pay what is due, cut its power, let its successor go on to the end, and count.

    Each call is a new run: it has a group of its own (``group_id`` with the run's number) and begins at the beginning.

    Args:
        due: a topic of one partition; each record's key names a payment.
        paid: the topic that takes the payments; created where it is missing.
        handle: the program: called as ``handle(consumer, records, pay)`` for each batch, see `Payments`.
        cut_after: how many payments the first consumer makes; its power is cut right after the last of them. None for
            never.
        batch: how many records a poll gives at most.
        settings: more of the consumers, in kafka-python's names.

    Raises:
        WorkersTimeoutError: nothing comes any more and the end is not reached.
        ClusterClosedError: the cluster is closed, or no broker answers.
    """
    from kafka import KafkaProducer

    _check_open(cluster)
    known = settings_of(cluster)
    _create(known, paid)
    run = 1 + max((run_of(record.headers) for record in records_of(cluster, paid)), default=0)
    options = {**known, **_of_consumer(f"{group_id}.{run}", batch), **settings}
    with contextlib.closing(KafkaProducer(**known)) as producer:
        pay = Payments(cluster, paid, run, producer)
        pay.left = cut_after
        with contextlib.suppress(PowerCut):
            _live(due, options, handle, pay)
        pay.life, pay.left = 2, None
        _live(due, options, handle, pay)
    return outcome(records_of(cluster, due), records_of(cluster, paid))


def outcome(due: list[Any], paid: list[Any], run: int | None = None) -> Delivery:
    """What came of a run; the last one if none is given. Takes records with ``key`` and ``headers``."""
    return compare((_name(each.key) for each in due), (_name(each.key) for each in of_run(paid, run)))


def of_run(paid: list[Any], run: int | None = None) -> list[Any]:
    """The payments of a run; the last one if none is given."""
    run = run if run is not None else max((run_of(each.headers) for each in paid), default=0)
    return [each for each in paid if run_of(each.headers) == run]


def run_of(headers: Any) -> int:
    """The number of the run that made a payment; 0 for a record that is none."""
    return noted(headers, RUN) or 0


def noted(headers: Any, name: str) -> int | None:
    """A number in a payment's headers; None when it is not there."""
    with contextlib.suppress(KeyError, ValueError, UnicodeDecodeError):
        return int(dict(headers)[name])
    return None


def why_unproven(due: list[Any], paid: list[Any]) -> str:
    """Why the last run does not show what its program does with a repeat, in one sentence; empty when it does.

    It does when the power was cut, a second life went on, and that one was given something that the first had paid.
    """
    last = of_run(paid)
    lives = {life: [each for each in last if noted(each.headers, LIFE) == life] for life in (1, 2)}
    places = {(each.partition, each.offset): each.key for each in due}
    if any(places.get(_place(each)) != each.key for each in last):
        return "Not every payment says which record it pays for, by partition and offset."
    if not lives[2]:
        return "The power was not cut in this run: all payments were made by one program, and none by a successor."
    if not lives[1]:
        return "The power was cut before anything was paid: all payments were made by the successor."
    paid_before = {noted(each.headers, DUE_OFFSET) or 0 for each in lives[1]}
    begin = min(noted(each.headers, BATCH_OFFSET) or 0 for each in lives[2])
    if begin > max(paid_before):
        return "No payment of the successor shows that something was delivered once more that had been paid already."
    return ""


@plainly
def records_of(cluster: Any, topic: str) -> list[Any]:
    """All records of a topic, read without a group.

    Raises:
        ClusterClosedError: the cluster is closed, or no broker answers.
    """
    from kafka import KafkaConsumer, TopicPartition

    _check_open(cluster)
    options = {"auto_offset_reset": "earliest", "enable_auto_commit": False, "allow_auto_create_topics": False}
    consumer = KafkaConsumer(**{**settings_of(cluster), **options})
    with contextlib.closing(consumer):
        places = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
        consumer.assign(places)
        consumer.seek_to_beginning(*places)
        return [record for batch in _until_end(consumer) for record in batch] if places else []


# -- one life of a consumer ----------------------------------------------------------------------------------------


def _live(due: str, options: Mapping[str, Any], handle: Handle, pay: Payments) -> None:
    from kafka import KafkaConsumer

    consumer = KafkaConsumer(due, **options)
    try:
        consumer.partitions_for_topic(due)  # before it joins: else kafka-python 3.0.12 may join twice
        for records in _until_end(consumer):
            pay.batch_offset = records[0].offset
            handle(consumer, records, pay)
    except PowerCut:
        crash(consumer)
        raise
    except BaseException:
        consumer.close(autocommit=False)
        raise
    consumer.close()


def _until_end(consumer: Any) -> Iterator[list[Any]]:
    """Batches until every partition is read to its end."""
    silent = 0
    while silent < _PATIENCE_POLLS:
        found = [record for batch in consumer.poll(timeout_ms=100).values() for record in batch]
        silent = 0 if found else silent + 1
        if found:
            yield found
        ends = consumer.end_offsets(consumer.assignment())
        if ends and all(consumer.position(at) >= end for at, end in ends.items()):
            return
    raise WorkersTimeoutError(
        f"Nothing comes any more, and the end is not reached. Held: {consumer.assignment() or 'nothing'}."
    )


def _of_consumer(group_id: str, batch: int) -> dict[str, Any]:
    return {
        "group_id": group_id,
        # A member with a name of its own: its successor has the same name and takes its place at once, without waiting
        # until the group gives the dead one up (static membership, KIP-345).
        "group_instance_id": "cashier",
        "client_id": "cashier",
        # Such a member does not say goodbye, so its group is empty after this time only.
        "session_timeout_ms": 6_000,
        "heartbeat_interval_ms": 500,
        "auto_offset_reset": "earliest",
        "enable_auto_commit": False,
        "max_poll_records": batch,
    }


def _check_open(cluster: Any) -> None:
    """A client would look for a broker for half a minute where there is none."""
    if not any(broker.is_alive for broker in cluster.brokers):
        raise ClusterClosedError(_GONE)


def _create(settings: Mapping[str, Any], topic: str) -> None:
    from kafka import KafkaAdminClient
    from kafka.errors import TopicAlreadyExistsError

    with contextlib.closing(KafkaAdminClient(**settings)) as admin, contextlib.suppress(TopicAlreadyExistsError):
        admin.create_topics({topic: {"num_partitions": 1}})


def _place(payment: Any) -> tuple[int | None, int | None]:
    return noted(payment.headers, DUE_PARTITION), noted(payment.headers, DUE_OFFSET)


def _name(key: bytes | None) -> str:
    return (key or b"").decode(errors="backslashreplace")
