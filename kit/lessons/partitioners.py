"""Partitioners for kafka-python's producer that lab 03 plays with: three clients whose habit is to be found out."""

from __future__ import annotations

from typing import Any

from kafka.partitioner import DefaultPartitioner, Partitioner, StickyPartitioner


class RoundRobinPartitioner(Partitioner):  # type: ignore[misc]  # kafka-python has no types
    """One partition after the other, whatever the key.

    A producer that has to begin a new batch asks a second time for the same record. The first turn is taken back then;
    without that, partitions are left out (KAFKA-9965). Source: Java's class of this name, since 4.0 (KAFKA-17632).
    """

    def __init__(self) -> None:
        self._turn = 0

    def partition(self, topic: str, *others: Any) -> int:
        """The partition of one record."""
        partitions = sorted(others[-1].partitions_for_topic(topic))  # the last argument is the cluster
        self._turn += 1
        return int(partitions[(self._turn - 1) % len(partitions)])

    def on_new_batch(self, *_others: Any) -> None:
        """The record is asked about once more."""
        self._turn -= 1


def three_clients() -> dict[str, Partitioner]:
    """Three partitioners by the letter of their topic, in no order that means anything."""
    return {"a": StickyPartitioner(), "b": RoundRobinPartitioner(), "c": DefaultPartitioner()}
