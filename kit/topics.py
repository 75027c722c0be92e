"""What a cluster's topics look like now, read over the Kafka protocol by an ordinary client."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kit.errors import ClusterClosedError

if TYPE_CHECKING:
    from kafka import KafkaAdminClient
    from kafka.errors import KafkaError


CLOSED = "This cluster is closed: start a new one with kit.start(), or connect again with kit.connect(...)."

_PATIENCE_S = 5.0
_PAUSE_S = 0.05


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition of a topic.

    Attributes:
        leader: node id of the leader; None while there is none.
        replicas: node ids, the preferred leader first.
        isr: node ids of the in-sync replicas.
        log_start_offset: of the first record that can still be read; None while there is no leader, or for who has no
            right to know.
        high_watermark: consumers can read up to here, exclusive; None as with ``log_start_offset``.
    """

    partition: int
    leader: int | None
    leader_epoch: int
    replicas: tuple[int, ...]
    isr: tuple[int, ...]
    log_start_offset: int | None
    high_watermark: int | None


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic.

    Attributes:
        is_internal: Kafka's own, such as ``__consumer_offsets``.
        partitions: by number.
    """

    name: str
    is_internal: bool
    partitions: tuple[Partition, ...]


class TopicReader:
    """Reads the topics with kafka-python's admin client, which is made when it is first needed.

    Importing kafka-python takes longer than starting a cluster.
    """

    def __init__(self, client_settings: Mapping[str, Any]) -> None:
        self._client_settings = client_settings
        self._admin: KafkaAdminClient | None = None
        self._is_closed = False
        self._lock = threading.Lock()

    def read(self) -> dict[str, Topic]:
        """The topics by name.

        While a broker fails, what one broker says of another may not be true for a moment: then it asks again.

        Raises:
            ClusterClosedError: the reader is closed.
            kafka.errors.KafkaError: the brokers answered with an error, or not at all.
        """
        from kafka.errors import KafkaError

        give_up_s = time.monotonic() + _PATIENCE_S
        with self._lock:
            while True:
                if self._is_closed:  # while this call waited for the lock: a new client would look for brokers in vain
                    raise ClusterClosedError(CLOSED)
                try:
                    return _topics(self._connected())
                except KafkaError as error:
                    self._disconnect()  # the client goes on believing what it has once learnt of the brokers
                    if time.monotonic() > give_up_s:
                        raise _last(error) from error
                time.sleep(_PAUSE_S)

    def close(self) -> None:
        """Close the client, if there is one."""
        with self._lock:
            self._is_closed = True
            self._disconnect()

    def _disconnect(self) -> None:
        admin, self._admin = self._admin, None
        if admin is not None:
            admin.close()

    def _connected(self) -> KafkaAdminClient:
        if self._admin is None:
            from kafka import KafkaAdminClient

            self._admin = KafkaAdminClient(
                **self._client_settings,
                client_id="kit-cluster",
                bootstrap_timeout_ms=int(_PATIENCE_S * 1000),
                request_timeout_ms=int(_PATIENCE_S * 1000),
            )
        return self._admin


def _last(error: KafkaError) -> KafkaError:
    """What is told in the end: of a client that waited in vain, for what."""
    from kafka.errors import KafkaTimeoutError, RequestTimedOutError

    if not isinstance(error, KafkaTimeoutError | RequestTimedOutError):
        return error
    return KafkaTimeoutError(
        f"No broker has answered within {_PATIENCE_S:.0f} seconds: are brokers paused, slow or cut off? "
        "cluster.brokers shows their state."
    )


def _topics(admin: KafkaAdminClient) -> dict[str, Topic]:
    from kafka.admin import OffsetSpec

    described = sorted(admin.describe_topics(), key=lambda topic: str(topic["name"]))
    starts = _offsets(admin, described, OffsetSpec.EARLIEST)
    ends = _offsets(admin, described, OffsetSpec.LATEST)
    return {topic["name"]: _topic(topic, starts, ends) for topic in described if _is_there(topic, ends)}


Offsets = dict[tuple[str, int], int | None]


def _offsets(admin: KafkaAdminClient, described: list[dict[str, Any]], spec: Any) -> Offsets:
    """The offset that ``spec`` names, of every partition that has a leader; None where we may not know it."""
    from kafka import TopicPartition
    from kafka.errors import TopicAuthorizationFailedError, UnknownTopicOrPartitionError

    wanted = {
        TopicPartition(topic["name"], partition["partition_index"]): spec
        for topic in described
        for partition in topic["partitions"]
        if partition["leader_id"] >= 0
    }
    if not wanted:
        return {}
    try:
        found = admin.list_partition_offsets(wanted)
    except (UnknownTopicOrPartitionError, TopicAuthorizationFailedError) as error:
        if len(described) == 1:
            is_secret = isinstance(error, TopicAuthorizationFailedError)
            return dict.fromkeys(((at.topic, at.partition) for at in wanted), None) if is_secret else {}
        # One of them was deleted since it was described, or is not for us, which fails the whole question.
        return {key: offset for topic in described for key, offset in _offsets(admin, [topic], spec).items()}
    return {(key.topic, key.partition): value.offset for key, value in found.items()}


def _is_there(described: dict[str, Any], ends: Offsets) -> bool:
    """Whether the topic still was there when its offsets were asked for."""
    led = [partition for partition in described["partitions"] if partition["leader_id"] >= 0]
    return all((described["name"], partition["partition_index"]) in ends for partition in led)


def _topic(described: dict[str, Any], starts: Offsets, ends: Offsets) -> Topic:
    name = described["name"]
    partitions = [
        Partition(
            partition=index,
            leader=partition["leader_id"] if partition["leader_id"] >= 0 else None,
            leader_epoch=partition["leader_epoch"],
            replicas=tuple(partition["replica_nodes"]),
            isr=tuple(partition["isr_nodes"]),
            log_start_offset=starts.get((name, index)),
            high_watermark=ends.get((name, index)),
        )
        for partition in described["partitions"]
        for index in [partition["partition_index"]]
    ]
    partitions.sort(key=lambda partition: partition.partition)
    return Topic(name, described["is_internal"], tuple(partitions))
