"""What consumers tell one another through the coordinator: subscriptions, assignments, and the range assignor.

Source: ``ConsumerProtocolSubscription.json`` and ``ConsumerProtocolAssignment.json`` (version 0), ``RangeAssignor``.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence

from kit.broker.metadata import TopicPartition

_VERSION_AND_COUNT = struct.Struct(">hi")
_INT16 = struct.Struct(">h")
_INT32 = struct.Struct(">i")
_NO_USER_DATA = _INT32.pack(-1)


def _string(text: str) -> bytes:
    return _INT16.pack(len(text)) + text.encode()


def subscription(topics: Sequence[str]) -> bytes:
    """The bytes of a subscription."""
    return _VERSION_AND_COUNT.pack(0, len(topics)) + b"".join(map(_string, topics)) + _NO_USER_DATA


def encode_assignment(partitions: Iterable[TopicPartition]) -> bytes:
    """The bytes of an assignment."""
    by_topic: dict[str, list[int]] = {}
    for topic, partition in sorted(partitions):
        by_topic.setdefault(topic, []).append(partition)
    out = _VERSION_AND_COUNT.pack(0, len(by_topic))
    for topic, numbers in by_topic.items():
        out += _string(topic) + struct.pack(f">i{len(numbers)}i", len(numbers), *numbers)
    return out + _NO_USER_DATA


def decode_assignment(data: bytes) -> list[TopicPartition]:
    """The opposite of `encode_assignment`; no bytes are no partitions."""
    if not data:
        return []
    _, count = _VERSION_AND_COUNT.unpack_from(data)
    position, found = _VERSION_AND_COUNT.size, []
    for _ in range(count):
        (length,) = _INT16.unpack_from(data, position)
        topic = data[position + 2 : position + 2 + length].decode()
        position += 2 + length
        (num_partitions,) = _INT32.unpack_from(data, position)
        numbers = struct.unpack_from(f">{num_partitions}i", data, position + 4)
        found += [TopicPartition(topic, number) for number in numbers]
        position += 4 + 4 * num_partitions
    return found


def range_assign(members: Sequence[str], num_partitions: Mapping[str, int]) -> dict[str, list[TopicPartition]]:
    """Each topic's partitions in ranges, over the members in the order of their ids."""
    plan: dict[str, list[TopicPartition]] = {member: [] for member in sorted(members)}
    for topic in sorted(num_partitions):
        share, extra = divmod(num_partitions[topic], len(plan))
        first = 0
        for index, member in enumerate(plan):
            count = share + (index < extra)
            plan[member] += [TopicPartition(topic, number) for number in range(first, first + count)]
            first += count
    return plan
