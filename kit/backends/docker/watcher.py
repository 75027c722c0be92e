"""What happens in a cluster of Apache Kafka, noticed by asking it twice a second: it tells nobody by itself.

So an event's time is when it was noticed, and what came and went between two looks is not among the events.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from kit.broker.timeline import Event
from kit.errors import KitError

_LOOK_S = 0.5
_NO_LEADER = -1

Key = tuple[str, int]  # topic, partition


@dataclass(frozen=True, slots=True)
class PartitionView:
    """One partition: who leads it since which epoch, and who is in sync."""

    leader: int
    leader_epoch: int
    isr: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class View:
    """A cluster at one moment.

    Attributes:
        controller: epoch and node id of the active controller; None while nobody answers as such.
        alive: the brokers that may lead.
        partitions: by topic and number; None when no broker answered.
    """

    controller: tuple[int, int] | None = None
    alive: frozenset[int] = frozenset()
    partitions: Mapping[Key, PartitionView] | None = field(default=None)


def partitions_of(answer: Any) -> dict[Key, PartitionView]:
    """The partitions in a broker's ``MetadataResponse``."""
    return {
        (topic.name, partition.partition_index): PartitionView(
            partition.leader_id, partition.leader_epoch, tuple(partition.isr_nodes)
        )
        for topic in answer.topics
        for partition in topic.partitions
    }


def changes(before: View, after: View, time_ms: int) -> Iterator[Event]:
    """What happened between two looks, causes before effects; nothing about what neither of them could see."""
    if after.controller is not None and after.controller != before.controller:
        epoch, node_id = after.controller
        yield Event(time_ms, "controller_elected", node_id, details={"epoch": epoch})
    if after.partitions is None:
        return
    gone = before.alive - after.alive
    for node_id in sorted(gone):
        reason = "the controller no longer counts it among the living"
        yield Event(time_ms, "broker_fenced", node_id, details={"reason": reason})
    for node_id in sorted(after.alive - before.alive):
        yield Event(time_ms, "broker_unfenced", node_id)
    for key, now in after.partitions.items():
        was = (before.partitions or {}).get(key)
        if was is not None and was != now and now.leader_epoch >= was.leader_epoch:
            yield from _partition_changed(key, was, now, gone, time_ms)


def _partition_changed(
    key: Key, was: PartitionView, now: PartitionView, gone: frozenset[int], time_ms: int
) -> Iterator[Event]:
    if now.leader == _NO_LEADER != was.leader:
        yield Event(time_ms, "leader_lost", None, *key, {"reason": "no replica that may lead is alive"})
    elif now.leader_epoch != was.leader_epoch and now.leader != _NO_LEADER:
        reason = f"broker {was.leader} was fenced" if was.leader in gone else "noticed by asking the brokers"
        details = {"leader": now.leader, "leader_epoch": now.leader_epoch, "previous": was.leader, "reason": reason}
        yield Event(time_ms, "leader_elected", None, *key, details)
    if sorted(now.isr) != sorted(was.isr):
        yield Event(time_ms, "isr_changed", None, *key, {"isr": list(now.isr), "previous": list(was.isr)})


class Watcher:
    """Looks again and again, in a thread of its own.

    Args:
        look: takes the next look.
    """

    def __init__(self, look: Callable[[], None]) -> None:
        self._look = look
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="kit: watches the containers", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Look no more; harmless when called again."""
        self._ended.set()
        if threading.current_thread() is not self._thread:
            self._thread.join(5)

    def _watch(self) -> None:
        while not self._ended.wait(_LOOK_S):
            with contextlib.suppress(KitError):  # the engine does not answer: whoever asks for something is told
                self._look()
