"""The way to other in-sync replicas: leaders propose, the controller decides (AlterPartition, KIP-497).

One request is under way at a time, with the changes of all partitions that wait. Until the controller has answered,
nothing is known: a change is sent again, unaltered, until somebody says what became of it.
Source: Kafka's ``DefaultAlterPartitionManager``.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kit.broker.clock import Clock
from kit.broker.deferred import Deferred
from kit.wire import messages as m
from kit.wire.errors import ErrorCode

ALTER_PARTITION = 56
API_VERSION = 3
RETRY_MS = 50

ControllerCall = Callable[[Any, int, int], Deferred[Any]]
"""(request, api_key, api_version) -> the active controller's response, or None."""


@dataclass(frozen=True, slots=True, eq=False)
class IsrChange:
    """The in-sync replicas that a leader wants for one partition.

    Attributes:
        isr: with the broker epoch of each, -1 where the leader does not know it.
        added: who is new; None when replicas are taken out.
        on_answer: told what the controller said.
    """

    topic_id: uuid.UUID
    partition: int
    leader_epoch: int
    partition_epoch: int
    isr: tuple[tuple[int, int], ...]
    added: int | None
    on_answer: Callable[[IsrChange, m.AlterPartitionResponse.PartitionData], None]


class AlterPartitionQueue:
    """The changes that one broker's leaders wait for.

    Args:
        call: reaches the active controller; None where there is none, and nothing is ever proposed.
        broker_epoch: of this broker's registration, now.
    """

    def __init__(
        self, node_id: int, *, clock: Clock, call: ControllerCall | None, broker_epoch: Callable[[], int]
    ) -> None:
        self._node_id = node_id
        self._clock = clock
        self._call = call
        self.broker_epoch = broker_epoch
        self._waiting: dict[tuple[uuid.UUID, int], IsrChange] = {}
        self._is_busy = False  # a request is under way, or about to be sent

    def submit(self, change: IsrChange) -> None:
        """Send a change soon; it replaces one of the same partition that an earlier leader epoch left behind."""
        if self._call is None:
            return
        self._waiting[change.topic_id, change.partition] = change
        if not self._is_busy:
            self._is_busy = True
            self._clock.call_soon(self._send)

    def withdraw(self, change: IsrChange) -> None:
        """Send a change no more: its leader is none any longer."""
        key = (change.topic_id, change.partition)
        if self._waiting.get(key) is change:
            del self._waiting[key]

    def _send(self) -> None:
        if not self._waiting or self._call is None:
            self._is_busy = False
            return
        sent = dict(self._waiting)
        topics: dict[uuid.UUID, m.AlterPartitionRequest.TopicData] = {}
        for change in sent.values():
            topic = topics.setdefault(change.topic_id, m.AlterPartitionRequest.TopicData(topic_id=change.topic_id))
            topic.partitions.append(_to_message(change))
        request = m.AlterPartitionRequest(
            broker_id=self._node_id, broker_epoch=self.broker_epoch(), topics=list(topics.values())
        )
        self._call(request, ALTER_PARTITION, API_VERSION).then(lambda response: self._receive(sent, response))

    def _receive(self, sent: dict[tuple[uuid.UUID, int], IsrChange], response: m.AlterPartitionResponse | None) -> None:
        if response is None or response.error_code != ErrorCode.NONE:
            self._clock.call_later(RETRY_MS, self._send)
            return
        answered = 0
        for topic in response.topics:
            for answer in topic.partitions:
                change = sent.get((topic.topic_id, answer.partition_index))
                if change is not None:
                    answered += 1
                    self.withdraw(change)
                    change.on_answer(change, answer)
        if answered:
            self._send()
        else:  # what was sent is not in the answer: do not ask for ever without a rest
            self._clock.call_later(RETRY_MS, self._send)


def _to_message(change: IsrChange) -> m.AlterPartitionRequest.PartitionData:
    return m.AlterPartitionRequest.PartitionData(
        partition_index=change.partition,
        leader_epoch=change.leader_epoch,
        partition_epoch=change.partition_epoch,
        new_isr_with_epochs=[
            m.AlterPartitionRequest.BrokerState(broker_id=node_id, broker_epoch=epoch) for node_id, epoch in change.isr
        ],
    )
