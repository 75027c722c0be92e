"""What a cluster's topics look like now, asked of every broker over the Kafka protocol."""

from __future__ import annotations

import contextlib
import os
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from kit.backends import Broker
from kit.backends.broker_link import LIST_OFFSETS, METADATA, BrokerLink, LinkError
from kit.backends.link_causes import refusal
from kit.connect_settings import tls_context
from kit.errors import ClusterClosedError, ConnectError
from kit.topic_views import Described, newest
from kit.wire import messages as m
from kit.wire.errors import ErrorCode

INTERNAL_TOPICS = frozenset({"__consumer_offsets", "__transaction_state", "__share_group_state", "__cluster_metadata"})
"""Kafka's own. Source: Kafka class ``Topic``."""

CLOSED = "This cluster is closed: start a new one with kit.start(), or connect again with kit.connect(...)."

_PATIENCE_S = 5.0
_ANSWER_S = 3.0  # of one broker: one that is silent must not hide what the others say
_QUICK_ANSWER_S = 1.0  # the same, for who does not want to wait
_PAUSE_S = 0.01
_MOST_AT_ONCE = 16
_EARLIEST, _LATEST = -2, -1  # as timestamps in ListOffsets


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition of a topic.

    Attributes:
        leader: node id of the leader; None while there is none.
        replicas: node ids, the preferred leader first.
        isr: node ids of the in-sync replicas.
        log_start_offset: of the first record that can still be read; None while there is no leader or it does not
            answer, and for who has no right to know.
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


Key = tuple[str, int]  # topic, partition
Offsets = dict[Key, int | None]  # None: not for us to know


class TopicReader:
    """Reads the topics from all brokers, over connections that stay open.

    Args:
        client_settings: how to log in, in kafka-python's names.
        brokers: tells which brokers there are now.
    """

    def __init__(self, client_settings: Mapping[str, Any], brokers: Callable[[], Sequence[Broker]]) -> None:
        self._settings = {"security_protocol": "PLAINTEXT", **client_settings}
        self._brokers = brokers
        self._context: ssl.SSLContext | None = None
        self._links: dict[int, BrokerLink] = {}
        self._failures: dict[int, tuple[LinkError, Broker]] = {}  # of this look, by node id
        self._pid = os.getpid()
        self._is_closed = False
        self._answer_s = _ANSWER_S
        self._lock = threading.Lock()

    def read(self, names: Iterable[str] | None = None, *, wait: bool = True) -> dict[str, Topic]:
        """The topics by name.

        Args:
            names: only those of them that exist; None for all.
            wait: whether to ask again for some seconds while brokers elect a leader, or one does not answer.

        Raises:
            ClusterClosedError: the reader is closed.
            ConnectError: the brokers let nobody in with these settings any more.
            kafka.errors.KafkaTimeoutError: no broker answers.
        """
        give_up_s = time.monotonic() + (_PATIENCE_S if wait else 0)
        wanted = None if names is None else [m.MetadataRequest.MetadataRequestTopic(name=name) for name in names]
        with self._lock:
            self._forget_if_forked()
            self._answer_s = _ANSWER_S if wait else _QUICK_ANSWER_S
            while True:
                if self._is_closed:  # while this call waited for the lock
                    raise ClusterClosedError(CLOSED)
                topics, is_whole = self._look(wanted)
                if is_whole:
                    return topics
                if time.monotonic() > give_up_s:
                    if topics:
                        return topics
                    raise _nobody_answers(_PATIENCE_S if wait else _QUICK_ANSWER_S)
                time.sleep(_PAUSE_S)

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            self._is_closed = True
            for node_id in list(self._links):
                self._drop(node_id)

    def _forget_if_forked(self) -> None:
        """The connections of the process that this one was forked from are not for two."""
        if self._pid != os.getpid():
            self._links, self._pid = {}, os.getpid()

    def _look(self, wanted: list[Any] | None) -> tuple[dict[str, Topic], bool]:
        """The topics, and whether everything is known of them that we may know."""
        reachable = {each.node_id: each for each in self._brokers() if each.is_alive and not each.is_paused}
        for node_id in self._links.keys() - reachable.keys():
            self._drop(node_id)
        request = m.MetadataRequest(topics=wanted, allow_auto_topic_creation=False)
        self._failures.clear()
        given = self._ask_all(METADATA, reachable, {node_id: [request] for node_id in reachable})
        answers = {node_id: answer for node_id, [answer] in given.items() if answer is not None}
        if not answers:
            self._check_let_in()
        described = newest(answers)
        starts, ends = self._offsets(reachable, described)
        led = [
            (name, number)
            for name, (_, partitions) in described.items()
            for number, partition in partitions.items()
            if partition.leader_id >= 0
        ]
        is_whole = bool(answers) and all(key in starts and key in ends for key in led)
        return {name: _topic(name, *told, starts, ends) for name, told in sorted(described.items())}, is_whole

    def _check_let_in(self) -> None:
        """Whoever is refused need not wait for an answer."""
        for error, broker in self._failures.values():
            why = refusal(error, broker.host, broker.port, self._settings)
            if why is not None:
                raise ConnectError(why)

    def _offsets(self, reachable: Mapping[int, Broker], described: Described) -> tuple[Offsets, Offsets]:
        """First and last offset of each partition whose leader answers that it is."""
        wanted: dict[int, dict[str, list[int]]] = {}
        for name, (_, partitions) in described.items():
            for number, partition in partitions.items():
                if partition.leader_id in reachable:
                    wanted.setdefault(partition.leader_id, {}).setdefault(name, []).append(number)
        requests = {
            leader: [_list_offsets(topics, _EARLIEST), _list_offsets(topics, _LATEST)]
            for leader, topics in wanted.items()
        }
        answers = self._ask_all(LIST_OFFSETS, reachable, requests).values()
        return _found(start for start, _ in answers), _found(end for _, end in answers)

    # -- connections -----------------------------------------------------------------------------------------------

    def _ask_all(
        self, api_key: int, brokers: Mapping[int, Broker], requests: Mapping[int, Sequence[Any]]
    ) -> dict[int, list[Any]]:
        """The answers of each broker to its requests, None for one that it did not give."""
        if not requests:
            return {}

        def ask(node_id: int) -> list[Any]:
            return [self._ask(brokers[node_id], api_key, request) for request in requests[node_id]]

        with ThreadPoolExecutor(max_workers=min(len(requests), _MOST_AT_ONCE)) as pool:
            return dict(zip(requests, pool.map(ask, requests), strict=True))

    def _ask(self, broker: Broker, api_key: int, request: Any) -> Any:
        give_up_s = time.monotonic() + self._answer_s
        node_id = broker.node_id
        if node_id in self._links:  # perhaps to a broker that has died and come back meanwhile
            with contextlib.suppress(LinkError):
                return self._links[node_id].ask(api_key, request, give_up_s)
            self._drop(node_id)
        try:
            self._links[node_id] = BrokerLink(broker.host, broker.port, self._settings, self._tls(), give_up_s)
            return self._links[node_id].ask(api_key, request, give_up_s)
        except LinkError as error:
            self._failures[node_id] = error, broker
            self._drop(node_id)
            return None

    def _tls(self) -> ssl.SSLContext | None:
        if self._context is None and self._settings["security_protocol"] in ("SSL", "SASL_SSL"):
            self._context = tls_context(self._settings)
        return self._context

    def _drop(self, node_id: int) -> None:
        link = self._links.pop(node_id, None)
        if link is not None:
            link.close()


def _list_offsets(topics: Mapping[str, Sequence[int]], timestamp: int) -> m.ListOffsetsRequest:
    topic, partition = m.ListOffsetsRequest.ListOffsetsTopic, m.ListOffsetsRequest.ListOffsetsPartition
    return m.ListOffsetsRequest(
        replica_id=-1,
        topics=[
            topic(name=name, partitions=[partition(partition_index=number, timestamp=timestamp) for number in numbers])
            for name, numbers in topics.items()
        ],
    )


def _found(answers: Iterable[Any]) -> Offsets:
    found: Offsets = {}
    for answer in answers:
        for topic in () if answer is None else answer.topics:
            for partition in topic.partitions:
                if partition.error_code == ErrorCode.NONE:
                    found[topic.name, partition.partition_index] = partition.offset
                elif partition.error_code == ErrorCode.TOPIC_AUTHORIZATION_FAILED:
                    found[topic.name, partition.partition_index] = None
    return found


def _topic(name: str, is_internal: bool, partitions: Mapping[int, Any], starts: Offsets, ends: Offsets) -> Topic:
    return Topic(
        name,
        is_internal,
        tuple(
            Partition(
                partition=number,
                leader=partition.leader_id if partition.leader_id >= 0 else None,
                leader_epoch=partition.leader_epoch,
                replicas=tuple(partition.replica_nodes),
                isr=tuple(partition.isr_nodes),
                log_start_offset=starts.get((name, number)),
                high_watermark=ends.get((name, number)),
            )
            for number, partition in partitions.items()
        ),
    )


def _nobody_answers(within_s: float) -> Exception:
    from kafka.errors import KafkaTimeoutError

    error: Exception = KafkaTimeoutError(
        f"No broker has answered within {within_s:.0f} s: are brokers paused, slow or cut off? "
        "cluster.brokers shows their state."
    )
    return error
