"""The load: kcat (librdkafka, C) for throughput, confluent-kafka (librdkafka) for latency. 127.0.0.1 only."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event as EventType
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.systems import System

if TYPE_CHECKING:
    from confluent_kafka.admin import AdminClient

PARTITIONS = 4
_MEGABYTE = bytes(1 << 20)


@dataclass(frozen=True)
class Throughput:
    """One measured transfer: MB is 10**6 bytes of record values."""

    wall_mb_per_s: float
    mb_per_broker_cpu_s: float


def payload(folder: Path, record_bytes: int, total_bytes: int) -> Path:
    """A file of lines, one record of ``record_bytes`` each, made once; kcat reads records from it."""
    path = folder / f"records-{record_bytes}-{total_bytes}.txt"
    if not path.exists():
        line = (b"k" * (record_bytes - 12)) + b"%012d\n"
        with path.open("wb") as file:
            for start in range(0, total_bytes // record_bytes, 10_000):
                end = min(start + 10_000, total_bytes // record_bytes)
                file.write(b"".join(line % number for number in range(start, end)))
    return path


def create_topic(system: System) -> str:
    """A fresh topic of `PARTITIONS` partitions; returns its name."""
    from confluent_kafka.admin import NewTopic

    name = f"bench-{uuid.uuid4().hex[:8]}"
    admin = _admin(system)  # a name, or it would be gone before it answers
    for future in admin.create_topics([NewTopic(name, PARTITIONS, system.replicas)]).values():
        future.result(30)
    return name


def fewest_in_sync(system: System, topic: str) -> int:
    """How many in-sync replicas the partition has that has fewest."""
    found = _admin(system).list_topics(topic, timeout=30).topics[topic]
    return min(len(partition.isrs) for partition in found.partitions.values())


def _admin(system: System) -> AdminClient:
    from confluent_kafka.admin import AdminClient

    return AdminClient({"bootstrap.servers": system.bootstrap_servers, "log_level": 0})


def produce(
    system: System, topic: str, source: Path, batch_bytes: int, total_bytes: int, *, acks: int = 1
) -> Throughput:
    """Send every line of ``source``, ``total_bytes`` of values, in batches of about ``batch_bytes``.

    Args:
        acks: 1, or -1 for all in-sync replicas.
    """
    settings = {
        "acks": acks,
        "batch.size": batch_bytes,
        "batch.num.messages": 1_000_000,
        "linger.ms": 50,
        "queue.buffering.max.messages": 2_000_000,
        "queue.buffering.max.kbytes": 1_048_576,
        "partitioner": "random",
        "sticky.partitioning.linger.ms": 0,
    }
    folder = source.parent
    command = ["kcat", "-P", "-b", system.bootstrap_servers, "-t", topic, "-l", str(source)]
    _settle(folder, system.replicas * total_bytes)
    return _measured(system, [*command, *_options(settings)], total_bytes)


def consume(system: System, folder: Path, topic: str, records: int, total_bytes: int) -> Throughput:
    """Read ``records`` records from the beginning, three times over."""
    settings = {"fetch.message.max.bytes": 1_048_576, "queued.max.messages.kbytes": 262_144, "check.crcs": "false"}
    command = ["kcat", "-C", "-b", system.bootstrap_servers, "-t", topic, "-o", "beginning", "-c", str(records), "-q"]
    _settle(folder, total_bytes)
    return _measured(system, [*command, *_options(settings)], total_bytes, times=3)


def _options(settings: dict[str, object]) -> list[str]:
    return [part for key, value in settings.items() for part in ("-X", f"{key}={value}")]


def _settle(folder: Path, num_bytes: int) -> None:
    """Give every case the same start, whichever system went before it.

    What the last case left to be written is written now. And the kernel gets memory at hand for the page cache, by a
    file that is written and removed: on a virtual machine the first touch of a page costs the host's time (measured:
    200 MB of writes took 37 ms of CPU in memory at hand and 530 ms in fresh memory), and it would be put down to
    whoever writes first.
    """
    os.sync()
    scratch = folder / "scratch"
    with scratch.open("wb", buffering=0) as file:
        for _ in range(2 * num_bytes >> 20):
            file.write(_MEGABYTE)
    scratch.unlink()


def _measured(system: System, command: Sequence[str], total_bytes: int, *, times: int = 1) -> Throughput:
    cpu_before = system.cpu_s()
    started = time.perf_counter()
    for _ in range(times):
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=300)
    wall_s = time.perf_counter() - started
    cpu_s = system.cpu_s() - cpu_before
    megabytes = times * total_bytes / 1e6
    return Throughput(megabytes / wall_s, megabytes / cpu_s)


def first_ack(bootstrap_servers: str) -> None:
    """Send one record with a new client and wait for its acknowledgement."""
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": bootstrap_servers, "linger.ms": 0, "log_level": 0})
    producer.produce("first", b"x")
    if producer.flush(60):
        raise RuntimeError(f"no acknowledgement from {bootstrap_servers} within 60 s")


def latency(system: System, *, rate_per_s: int, records: int) -> dict[str, float]:
    """Produce-to-consume milliseconds, one record a batch, acks=1; p50, p90, p99, max of ``records`` records.

    Producer and consumer are processes of their own; both read the same monotonic clock.
    """
    topic = create_topic(system)
    os.sync()
    spawn = multiprocessing.get_context("spawn")
    ready = spawn.Event()
    here, there = spawn.Pipe()
    consumer = spawn.Process(target=_take, args=(system.bootstrap_servers, topic, records, ready, there))
    consumer.start()
    if not ready.wait(60):
        consumer.kill()
        raise RuntimeError(f"the latency consumer of {system.name} did not get its partitions within 60 s")
    producer = spawn.Process(target=_give, args=(system.bootstrap_servers, topic, rate_per_s, records))
    producer.start()
    if not here.poll(60 + records / rate_per_s):
        raise RuntimeError(f"{system.name}: the latency consumer did not see all {records} records")
    delays_ms: list[float] = sorted(here.recv())
    producer.join()
    consumer.join()
    at = {"p50": 0.5, "p90": 0.9, "p99": 0.99}
    return {name: delays_ms[int(share * (len(delays_ms) - 1))] for name, share in at.items()} | {"max": delays_ms[-1]}


def _give(bootstrap_servers: str, topic: str, rate_per_s: int, records: int) -> None:
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": bootstrap_servers, "linger.ms": 0, "acks": 1})
    producer.list_topics(topic, timeout=10)
    started_ns = time.monotonic_ns()
    for number in range(records):
        due_ns = started_ns + number * 1_000_000_000 // rate_per_s
        while (left_ns := due_ns - time.monotonic_ns()) > 0:
            time.sleep(left_ns / 1e9)
        producer.produce(topic, str(time.monotonic_ns()).encode(), partition=number % PARTITIONS)
        producer.poll(0)
    producer.flush(30)


def _take(bootstrap_servers: str, topic: str, records: int, ready: EventType, results: Connection) -> None:
    from confluent_kafka import Consumer, TopicPartition

    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap_servers,
            "group.id": "latency",
            "enable.auto.commit": False,
            "fetch.min.bytes": 1,
        }
    )
    consumer.assign([TopicPartition(topic, index, 0) for index in range(PARTITIONS)])
    consumer.poll(1.0)
    ready.set()
    delays_ms = []
    while len(delays_ms) < records:
        record = consumer.poll(1.0)  # not consume(), which waits until it has many
        if record is not None and record.error() is None:
            delays_ms.append((time.monotonic_ns() - int(record.value())) / 1e6)
    consumer.close()
    results.send(delays_ms)
