"""Which partition a record gets: librdkafka's ways, because the real CLI is built on librdkafka.

Its default hashes a key with CRC32, where the clients of Java and kafka-python use murmur2: the same key may get
another partition from another client. ``--config partitioner=murmur2_random`` makes them agree.
Source: the setting "partitioner" of librdkafka, and rd_kafka_msg_partitioner_* in its rdkafka_msg.c.
"""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable
from typing import Any

from kafka.partitioner import Partitioner
from kafka.partitioner.default import murmur2

DEFAULT = "consistent_random"

_POSITIVE = 0x7FFF_FFFF


def _crc32(key: bytes) -> int:
    return zlib.crc32(key)


def _murmur2(key: bytes) -> int:
    return int(murmur2(key)) & _POSITIVE


# For each: the hash of a key, and whether records without a key are spread at random.
_WAYS: dict[str, tuple[Callable[[bytes], int] | None, bool]] = {
    "random": (None, True),
    "consistent": (_crc32, False),
    "consistent_random": (_crc32, True),
    "murmur2": (_murmur2, False),
    "murmur2_random": (_murmur2, True),
}


@Partitioner.register  # kafka-python asks whether it is one
class LibrdkafkaPartitioner:
    """One of librdkafka's partitioners, for kafka-python's producer.

    Args:
        hash_of: the hash of a key; None leaves everything to chance.
        is_random_without_key: records with no key, or an empty one, may go anywhere; otherwise they stay together.
    """

    def __init__(self, hash_of: Callable[[bytes], int] | None, *, is_random_without_key: bool) -> None:
        self._hash_of = hash_of
        self._is_random_without_key = is_random_without_key

    def partition(self, topic: str, _key: Any, key: bytes | None, *others: Any) -> int:
        """The partition of one record."""
        cluster = others[-1]  # after the value, as it was given and as bytes
        partitions = sorted(cluster.partitions_for_topic(topic) or ())
        if not partitions:
            raise ValueError(f"the topic {topic} is not known")
        if self._hash_of is None or (not key and self._is_random_without_key):
            return int(random.choice(sorted(cluster.available_partitions_for_topic(topic) or partitions)))
        return int(partitions[self._hash_of(key or b"") % len(partitions)])


def partitioner(name: str) -> LibrdkafkaPartitioner:
    """The partitioner of that name.

    Raises:
        KeyError: there is none.
    """
    hash_of, is_random_without_key = _WAYS[name]
    return LibrdkafkaPartitioner(hash_of, is_random_without_key=is_random_without_key)
