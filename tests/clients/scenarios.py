"""What every foreign client must be able to do: each scenario once, run for each client by inheritance.

A test module gives the fixture ``client`` and subclasses the scenarios that its client is able to play.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import pytest

from tests.clients.foreign_client import ForeignClient, Incoming, Member, Outgoing, Refused, read_until
from tests.support.wait import wait_until

MESSAGE_TOO_LARGE = 10

MakeTopic = Callable[..., str]


def outgoing(prefix: str, count: int, **fields: Any) -> list[Outgoing]:
    """Return records with values of their own; ``fields`` are the same in all of them."""
    return [Outgoing(f"{prefix}-{index}".encode(), **fields) for index in range(count)]


def values(records: Iterable[Incoming | Outgoing]) -> list[bytes | None]:
    """Return the values, in order."""
    return [record.value for record in records]


def settle(members: Sequence[Member], num_partitions: int) -> list[Incoming]:
    """Poll until each partition is owned by one of the members, and each member owns some; return what came."""
    read: list[Incoming] = []

    def shared_out() -> bool:
        for member in members:
            read.extend(member.poll())
        owned = [member.assignment() for member in members]
        return all(owned) and sorted(p for one in owned for p in one) == list(range(num_partitions))

    wait_until(shared_out, f"{len(members)} members to own {num_partitions} partitions, each once", pause_s=0)
    return read


def gather(members: Sequence[Member], count: int) -> list[Incoming]:
    """Poll all members until they have read ``count`` records together."""
    return read_until(lambda: [record for member in members for record in member.poll()], count)


class ProduceAndConsume:
    """Records go in, come back whole, in order, and are found again by timestamp."""

    def test_consume_from_the_beginning_returns_every_record_in_order(
        self, client: ForeignClient, make_topic: MakeTopic
    ) -> None:
        """A consumer that was not there yet reads each partition's records in the order of their offsets."""
        topic = make_topic(partitions=3)
        sent = [record for partition in range(3) for record in outgoing(f"p{partition}", 200, partition=partition)]
        placed = client.produce(topic, sent)
        by_partition: dict[int, list[Incoming]] = defaultdict(list)
        for record in client.consume(topic, len(sent)):
            by_partition[record.partition].append(record)
        for partition in range(3):
            assert [r.offset for r in by_partition[partition]] == list(range(200))
            assert values(by_partition[partition]) == [f"p{partition}-{index}".encode() for index in range(200)]
        assert [(place.partition, place.offset) for place in placed] == [(p, o) for p in range(3) for o in range(200)]

    def test_record_keeps_key_value_and_headers(self, client: ForeignClient, make_topic: MakeTopic) -> None:
        """Key, value and headers, repeated header names in their order, arrive as they were sent."""
        topic = make_topic()
        headers = (("trace", b"7"), ("unit", b"ms"), ("trace", b"8"))
        client.produce(topic, [Outgoing("größe".encode(), key="schlüssel".encode(), headers=headers)])
        client.produce(topic, [Outgoing(b"keyless")])
        whole, keyless = client.consume(topic, 2)
        assert (whole.key, whole.value, whole.headers) == ("schlüssel".encode(), "größe".encode(), headers)
        assert (keyless.key, keyless.value, keyless.headers) == (None, b"keyless", ())

    def test_record_without_value_is_a_tombstone(self, client: ForeignClient, make_topic: MakeTopic) -> None:
        """A null value, which deletes its key in a compacted topic, stays null."""
        topic = make_topic()
        client.produce(topic, [Outgoing(None, key=b"gone")])
        (tombstone,) = client.consume(topic, 1)
        assert (tombstone.key, tombstone.value) == (b"gone", None)

    def test_produce_stamps_the_records_with_the_clock(self, client: ForeignClient, make_topic: MakeTopic) -> None:
        """A record for which no timestamp was given has the time of its creation, in ms since 1970."""
        topic = make_topic()
        before_ms = time.time_ns() // 1_000_000
        client.produce(topic, [Outgoing(b"now")])
        (record,) = client.consume(topic, 1)
        assert before_ms <= record.timestamp_ms <= time.time_ns() // 1_000_000

    def test_records_with_one_key_go_to_one_partition(self, client: ForeignClient, make_topic: MakeTopic) -> None:
        """Whatever the partitioner, a key has one partition, and different keys use several."""
        topic = make_topic(partitions=4)
        sent = [record for key in range(16) for record in outgoing(f"k{key}", 3, key=f"key-{key}".encode())]
        client.produce(topic, sent)
        places: dict[bytes | None, set[int]] = defaultdict(set)
        for record in client.consume(topic, len(sent)):
            places[record.key].add(record.partition)
        assert [len(partitions) for partitions in places.values()] == [1] * 16
        assert len(set.union(*places.values())) > 1

    @pytest.mark.parametrize("compression", ["gzip", "snappy", "lz4", "zstd"])
    def test_compressed_records_come_back(
        self, client: ForeignClient, seed: ForeignClient, make_topic: MakeTopic, compression: str
    ) -> None:
        """Each codec's batches are stored and served, to the client itself and to kafka-python."""
        topic = make_topic()
        sent = [Outgoing(f"{index}:".encode() + b"again and " * 50) for index in range(50)]
        client.produce(topic, sent, compression=compression)
        assert values(client.consume(topic, 50)) == values(sent)
        assert values(seed.consume(topic, 50)) == values(sent)

    def test_idempotent_producer_writes_each_record_once(self, client: ForeignClient, make_topic: MakeTopic) -> None:
        """With a producer id and sequences, two producers after one another write every record exactly once."""
        topic = make_topic(partitions=2)
        first = [record for p in range(2) for record in outgoing(f"a{p}", 100, partition=p)]
        second = [record for p in range(2) for record in outgoing(f"b{p}", 100, partition=p)]
        client.produce(topic, first, idempotent=True)
        client.produce(topic, second, idempotent=True)
        assert Counter(values(client.consume(topic, 400))) == Counter(values(first + second))

    def test_large_record_comes_back(self, client: ForeignClient, make_topic: MakeTopic) -> None:
        """A record just under the usual 1 MB limit, far above one socket read, is stored and served."""
        topic = make_topic()
        large = b"0123456789abcdef" * 56_000
        client.produce(topic, [Outgoing(large), Outgoing(b"next")])
        assert values(client.consume(topic, 2)) == [large, b"next"]

    def test_too_large_record_is_refused(self, client: ForeignClient, make_topic: MakeTopic) -> None:
        """The broker refuses a batch above the topic's max.message.bytes and keeps the others."""
        topic = make_topic(config={"max.message.bytes": "5000"})
        client.produce(topic, [Outgoing(b"small")])
        with pytest.raises(Refused) as refused:
            client.produce(topic, [Outgoing(b"x" * 20_000)])
        assert refused.value.code == MESSAGE_TOO_LARGE
        client.produce(topic, [Outgoing(b"small again")])
        assert values(client.consume(topic, 2)) == [b"small", b"small again"]

    def test_offsets_are_found_by_timestamp(
        self, client: ForeignClient, seed: ForeignClient, make_topic: MakeTopic
    ) -> None:
        """ListOffsets answers with the first offset at or after a time, and with none after the last record."""
        topic = make_topic(partitions=2)
        start_ms = time.time_ns() // 1_000_000 - 60_000
        ticks = [Outgoing(b"tick", partition=0, timestamp_ms=start_ms + 1_000 * index) for index in range(10)]
        seed.produce(topic, ticks[:6])
        seed.produce(topic, ticks[6:], compression="gzip")
        assert client.offsets_at(topic, start_ms) == {0: 0, 1: None}
        assert client.offsets_at(topic, start_ms + 3_000) == {0: 3, 1: None}
        assert client.offsets_at(topic, start_ms + 3_001) == {0: 4, 1: None}
        assert client.offsets_at(topic, start_ms + 7_500) == {0: 8, 1: None}
        assert client.offsets_at(topic, start_ms + 9_001) == {0: None, 1: None}

    def test_consume_starts_in_the_middle_of_a_batch(
        self, client: ForeignClient, seed: ForeignClient, make_topic: MakeTopic
    ) -> None:
        """A fetch at an offset inside a batch gets the batch, and the client drops what lies before the offset."""
        topic = make_topic(partitions=2)
        seed.produce(topic, outgoing("r", 20, partition=0) + outgoing("s", 20, partition=1), compression="gzip")
        read = client.consume(topic, 18, start={0: 13, 1: 9})
        assert sorted((r.partition, r.offset) for r in read) == [(0, o) for o in range(13, 20)] + [
            (1, o) for o in range(9, 20)
        ]

    def test_first_record_creates_its_topic(self, client: ForeignClient, unique: Callable[[str], str]) -> None:
        """With auto.create.topics.enable a topic is there as soon as somebody produces to it."""
        topic = unique("auto-created")
        client.produce(topic, [Outgoing(b"hello")])
        assert values(client.consume(topic, 1)) == [b"hello"]


class SetsTimestamps:
    """For clients whose users can choose a record's timestamp."""

    def test_record_keeps_its_timestamp(self, client: ForeignClient, make_topic: MakeTopic) -> None:
        """CreateTime: the producer's timestamp is stored, even when they do not rise with the offsets."""
        topic = make_topic()
        now_ms = time.time_ns() // 1_000_000
        stamps_ms = [now_ms - 5_000, now_ms - 9_000, now_ms - 1_000]
        client.produce(topic, [Outgoing(b"t", timestamp_ms=stamp_ms) for stamp_ms in stamps_ms])
        assert [record.timestamp_ms for record in client.consume(topic, 3)] == stamps_ms

    def test_log_append_time_replaces_the_timestamp(self, client: ForeignClient, make_topic: MakeTopic) -> None:
        """message.timestamp.type=LogAppendTime: the record has the broker's time, not the producer's."""
        topic = make_topic(config={"message.timestamp.type": "LogAppendTime"})
        before_ms = time.time_ns() // 1_000_000
        client.produce(topic, [Outgoing(b"t", timestamp_ms=before_ms - 60_000)])
        (record,) = client.consume(topic, 1)
        assert before_ms <= record.timestamp_ms <= time.time_ns() // 1_000_000


class ConsumerGroups:
    """The classic group protocol, played by two members."""

    def test_two_members_read_each_record_once(
        self, client: ForeignClient, make_topic: MakeTopic, unique: Callable[[str], str]
    ) -> None:
        """Two members own each partition once, so that together they read each record exactly once."""
        topic, group_id = make_topic(partitions=4), unique("group")
        members = [client.join(group_id, topic), client.join(group_id, topic)]
        settle(members, 4)
        sent = [record for partition in range(4) for record in outgoing(f"p{partition}", 25, partition=partition)]
        client.produce(topic, sent)
        assert Counter(values(gather(members, len(sent)))) == Counter(values(sent))

    def test_partitions_move_when_a_member_joins_and_leaves(
        self, client: ForeignClient, make_topic: MakeTopic, unique: Callable[[str], str]
    ) -> None:
        """A joiner gets a share; when it leaves, who stays owns every partition again."""
        topic, group_id = make_topic(partitions=4), unique("group")
        stays = client.join(group_id, topic)
        settle([stays], 4)
        leaves = client.join(group_id, topic)
        settle([stays, leaves], 4)
        leaves.leave()
        settle([stays], 4)
        sent = [record for partition in range(4) for record in outgoing(f"p{partition}", 5, partition=partition)]
        client.produce(topic, sent)
        assert Counter(values(gather([stays], len(sent)))) == Counter(values(sent))

    def test_group_resumes_after_the_committed_offsets(
        self, client: ForeignClient, make_topic: MakeTopic, unique: Callable[[str], str]
    ) -> None:
        """Records that came while nobody was in the group are read by the next member, those before are not."""
        topic, group_id = make_topic(partitions=2), unique("group")
        read_before = [record for p in range(2) for record in outgoing(f"before-{p}", 10, partition=p)]
        meanwhile = [record for p in range(2) for record in outgoing(f"meanwhile-{p}", 5, partition=p)]
        client.produce(topic, read_before)
        first = client.join(group_id, topic)
        assert Counter(values(gather([first], 20))) == Counter(values(read_before))
        first.commit()
        first.leave()
        client.produce(topic, meanwhile)
        second = client.join(group_id, topic)
        assert Counter(values(gather([second], 10))) == Counter(values(meanwhile))

    def test_static_member_comes_back_to_its_partitions(
        self, client: ForeignClient, make_topic: MakeTopic, unique: Callable[[str], str]
    ) -> None:
        """KIP-345: a member with an instance id may restart; nobody takes its partitions, and it gets the same."""
        topic, group_id = make_topic(partitions=4), unique("group")
        stays = client.join(group_id, topic, instance_id="stays")
        restarts = client.join(group_id, topic, instance_id="restarts")
        settle([stays, restarts], 4)
        owned = {member: member.assignment() for member in (stays, restarts)}
        restarts.leave()
        back = client.join(group_id, topic, instance_id="restarts")
        taken: set[int] = set()

        def is_back() -> bool:
            for member in (stays, back):
                member.poll()
            taken.update(stays.assignment() - owned[stays])
            return back.assignment() == owned[restarts] and stays.assignment() == owned[stays]

        wait_until(is_back, "the restarted member to own what it owned", pause_s=0)
        assert taken == set()


class CommitsByHand:
    """For clients whose users decide when to commit."""

    def test_uncommitted_records_are_read_again(
        self, client: ForeignClient, make_topic: MakeTopic, unique: Callable[[str], str]
    ) -> None:
        """At least once: what was read but not committed comes again to the next member."""
        topic, group_id = make_topic(), unique("group")
        client.produce(topic, outgoing("committed", 4))
        first = client.join(group_id, topic)
        gather([first], 4)
        first.commit()
        client.produce(topic, outgoing("uncommitted", 3))
        assert values(gather([first], 3)) == values(outgoing("uncommitted", 3))
        first.leave()
        assert values(gather([client.join(group_id, topic)], 3)) == values(outgoing("uncommitted", 3))
