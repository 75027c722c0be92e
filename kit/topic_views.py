"""What several brokers say of a cluster's topics, made one view: a broker that is cut off goes on telling old news."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Described = dict[str, tuple[bool, dict[int, Any]]]  # by topic: is it Kafka's own, its partitions by number


def newest(answers: Mapping[int, Any]) -> Described:
    """The topics, each partition as the broker describes it that knows its latest leader.

    Brokers of one epoch can differ in who is in sync; then the leader itself is believed.

    Args:
        answers: the ``MetadataResponse`` of each broker that gave one, by node id.
    """
    seen: dict[tuple[str, Any], dict[int, Any]] = {}
    for node_id, answer in answers.items():
        for topic in answer.topics:
            if topic.partitions:
                seen.setdefault((topic.name, topic.topic_id), {})[node_id] = topic
    described: Described = {}
    # A name can have been given again to another topic: what most brokers know comes last, and stays.
    for (name, _), told in sorted(seen.items(), key=lambda each: len(each[1])):
        if 2 * len(told) >= len(answers):  # else it is made or deleted just now
            described[name] = (any(topic.is_internal for topic in told.values()), _partitions(told))
    return described


def _partitions(told: Mapping[int, Any]) -> dict[int, Any]:
    best: dict[int, Any] = {}
    ranks: dict[int, tuple[int, bool]] = {}
    for node_id, topic in told.items():
        for partition in topic.partitions:
            number = partition.partition_index
            rank = (partition.leader_epoch, partition.leader_id == node_id)
            if number not in best or rank > ranks[number]:
                best[number], ranks[number] = partition, rank
    return dict(sorted(best.items()))
