"""Which partition a record gets: the client decides, by the key's hash or, without a key, by one of three habits.

Everything here is pure: the same arguments give the same partitions, on every computer.
Source: Java's ``BuiltInPartitioner`` and ``RoundRobinPartitioner``; kafka-python's ``DefaultPartitioner``; librdkafka's
setting "partitioner"; KIP-480, KIP-794, KAFKA-9965.
"""

from __future__ import annotations

import itertools
import random
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from kit.errors import ArgumentError

MURMUR2, CRC32 = "murmur2", "CRC32"
RANDOM, ROUND_ROBIN, STICKY = "random", "round-robin", "sticky"

_POSITIVE = 0x7FFF_FFFF


def murmur2(key: bytes) -> int:
    """The hash that Java's clients and kafka-python take, as kafka-python computes it: 0 to 2**32 - 1."""
    from kafka.partitioner.default import murmur2 as kafka_pythons_own  # kafka-python is slow to import

    return int(kafka_pythons_own(key))


def crc32(key: bytes) -> int:
    """The hash that librdkafka takes unless it is told otherwise: 0 to 2**32 - 1."""
    return zlib.crc32(key)


HASHES: dict[str, Callable[[bytes], int]] = {MURMUR2: murmur2, CRC32: crc32}


@dataclass(frozen=True, slots=True)
class Choice:
    """How a key got its partition.

    Attributes:
        hash_name: "murmur2" or "CRC32".
        hash_value: of the key, as an unsigned number of 32 bits.
        dividend: what is divided: murmur2 without its topmost bit, because Java's numbers have a sign; CRC32 whole.
    """

    hash_name: str
    hash_value: int
    dividend: int
    num_partitions: int

    @property
    def partition(self) -> int:
        """What remains of the division."""
        return self.dividend % self.num_partitions

    @property
    def arithmetic(self) -> str:
        """The calculation as Python would write it."""
        if self.hash_name == CRC32:
            return f"{self.hash_value} % {self.num_partitions} = {self.partition}"
        return f"({self.hash_value} & 0x7fffffff) % {self.num_partitions} = {self.partition}"


def choice(key: bytes, num_partitions: int, hash_name: str = MURMUR2) -> Choice:
    """What a client does with a key.

    Args:
        num_partitions: of the topic, at least 1.
        hash_name: a name out of `HASHES`.

    Raises:
        ArgumentError: there is no such hash, or no partition.
    """
    if hash_name not in HASHES:
        raise ArgumentError(f"There is no hash {hash_name!r} here, only {', '.join(HASHES)}.")
    if num_partitions < 1:
        raise ArgumentError(f"A topic has at least one partition, not {num_partitions}.")
    value = HASHES[hash_name](key)
    return Choice(hash_name, value, value & _POSITIVE if hash_name == MURMUR2 else value, num_partitions)


def partition_of(key: bytes, num_partitions: int, hash_name: str = MURMUR2) -> int:
    """The partition of a key; arguments and errors are those of `choice`."""
    return choice(key, num_partitions, hash_name).partition


def moved(keys: Iterable[bytes], before: int, after: int, hash_name: str = MURMUR2) -> list[bytes]:
    """The keys whose partition is another one when a topic has ``after`` instead of ``before`` partitions."""
    return [key for key in keys if partition_of(key, before, hash_name) != partition_of(key, after, hash_name)]


def sample_keys(count: int = 200) -> list[bytes]:
    """Keys to try things with: "user-0001", "user-0002" and so on."""
    return [b"user-%04d" % number for number in range(1, count + 1)]


def skew(counts: Iterable[int]) -> float:
    """How much more the fullest partition has than the mean: 1 is even, the number of partitions is the worst.

    Nothing in any of them counts as even.
    """
    all_counts = list(counts)
    total = sum(all_counts)
    return max(all_counts) * len(all_counts) / total if total else 1.0


# -- records without a key: each of these gives partitions without end --------------------------------------------


def random_choices(num_partitions: int, seed: int = 1) -> Iterator[int]:
    """A partition by chance for every record, as kafka-python does by default."""
    chance = random.Random(seed)
    while True:
        yield chance.randrange(num_partitions)


def sticky_choices(
    num_partitions: int, record_bytes: int = 100, batch_bytes: int = 16_384, seed: int = 1
) -> Iterator[int]:
    """One partition until a batch is full, then one by chance, as Java's producer does by default.

    By chance it can be the same one again (KIP-794); before 3.3 it was always another (KIP-480). That Java's producer
    prefers partitions whose brokers are fast (``partitioner.adaptive.partitioning.enable``) is left out: all are equal.

    Args:
        record_bytes: size of each record in the batch.
        batch_bytes: the setting ``batch.size``.
    """
    chance = random.Random(seed)
    while True:
        partition, filled_bytes = chance.randrange(num_partitions), 0
        while filled_bytes < batch_bytes:
            yield partition
            filled_bytes += record_bytes


def round_robin_choices(num_partitions: int) -> Iterator[int]:
    """One after the other and from the start again: what many books say happens without a key."""
    while True:
        yield from range(num_partitions)


def skewed_round_robin_choices(num_partitions: int, records_per_batch: int = 10) -> Iterator[int]:
    """Java's ``RoundRobinPartitioner`` from 2.4 until 3.9.2 and 4.0, while batches fill (KAFKA-9965, KAFKA-17632).

    When a record does not fit into an open batch of its partition, the producer asks a second time where to put it. The
    counter goes on by two then, and a partition is left out. With an even number of partitions it is always the same.

    Args:
        records_per_batch: so many fit into one; a full batch is sent, and the partition has none open until the next.
    """
    room = [0] * num_partitions
    counter = 0
    while True:
        partition = counter % num_partitions
        counter += 1
        if not room[partition]:
            partition = counter % num_partitions
            counter += 1
            room[partition] = room[partition] or records_per_batch
        room[partition] -= 1
        yield partition


def habit(partitions: Sequence[int]) -> str | None:
    """Which of the three habits a sequence of partitions shows; None when it is too short to tell.

    Turn for turn is round-robin, long runs are sticky, and what has neither is random.
    """
    if len(partitions) < 20 or len(set(partitions)) < 2:
        return None
    num_partitions = max(partitions) + 1
    pairs = list(itertools.pairwise(partitions))
    in_turn = sum((one + 1) % num_partitions == other for one, other in pairs) / len(pairs)
    same = sum(one == other for one, other in pairs) / len(pairs)
    if in_turn > 0.9:
        return ROUND_ROBIN
    # By chance, two neighbours are the same once in so many partitions; half-way to "always" is the border.
    return STICKY if same > (1 + 1 / len(set(partitions))) / 2 else RANDOM


def counted(partitions: Iterable[int], num_partitions: int) -> list[int]:
    """How many records each partition got."""
    counts = Counter(partitions)
    return [counts[partition] for partition in range(num_partitions)]
