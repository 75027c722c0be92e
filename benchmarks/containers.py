"""``python -m benchmarks.containers``: the embedded cluster beside Apache Kafka in containers, in one run.

Start-up, first record and memory of one and of three brokers. Needs a Docker engine that has the image. Rounds
alternate between the two, and the first round is a warm-up and discarded; each figure is the median of the others.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import psutil
from kafka import KafkaProducer

import kit
from benchmarks.run import Results, report_of, say, table
from kit.backends.docker import engine, labels

BACKENDS = ("embedded", "docker")
SETTLE_S = 3


def container_memory_mb() -> float:
    """Memory of this process's containers without the page cache, in MB (10**6 bytes)."""
    client = engine.find()
    try:
        found = client.containers.list(filters={"label": f"{labels.OWNER}={labels.of_cluster('')[labels.OWNER]}"})
        return sum(_used_bytes(container.stats(stream=False)["memory_stats"]) for container in found) / 1e6
    finally:
        client.close()


def _used_bytes(stats: dict[str, Any]) -> int:
    cache = stats["stats"].get("inactive_file", stats["stats"].get("total_inactive_file", 0))
    return int(stats["usage"] - cache)


def process_memory_mb(others: set[int]) -> float:
    """Resident memory of this process's children, without those that were there before, in MB (10**6 bytes)."""
    children = [child for child in psutil.Process().children() if child.pid not in others]
    return sum(child.memory_info().rss for child in children) / 1e6


def one_round(backend: str, brokers: int, results: Results | None) -> None:
    """Start a cluster, send a record, look at its memory, end it."""
    others = {child.pid for child in psutil.Process().children()}
    started_s = time.perf_counter()
    with kit.start(backend, brokers=brokers) as cluster:
        up_s = time.perf_counter() - started_s
        producer = KafkaProducer(**cluster.client_settings, acks="all")
        producer.send("first", b"x").get(60)
        first_s = time.perf_counter() - started_s
        producer.close()
        time.sleep(SETTLE_S)
        memory_mb = process_memory_mb(others) + (container_memory_mb() if backend == "docker" else 0)
        ending_s = time.perf_counter()
    close_s = time.perf_counter() - ending_s
    say(f"  {backend:>10}  {brokers} broker(s): up {up_s:.2f} s, first record {first_s:.2f} s, {memory_mb:.0f} MB")
    if results is not None:
        plural = "broker" if brokers == 1 else "brokers"
        results.add(f"{brokers} {plural}: kit.start returns, s", backend, up_s)
        results.add(f"{brokers} {plural}: from nothing to the first ack (kafka-python, acks=all), s", backend, first_s)
        results.add(f"{brokers} {plural}: memory, MB", backend, memory_mb)
        results.add(f"{brokers} {plural}: close, s", backend, close_s)


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    """Run it; returns what ``--json`` writes."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.containers", description=__doc__)
    parser.add_argument("--rounds", type=int, default=4, help="measured rounds, after one warm-up round")
    parser.add_argument("--json", type=Path, default=None)
    options = parser.parse_args(arguments)
    reason = engine.problem()
    if reason is not None:
        raise SystemExit(reason)
    results = Results()
    for number in range(options.rounds + 1):
        say(f"round {number}" if number else "warm-up round (discarded)")
        for brokers in (1, 3):
            for backend in BACKENDS if number % 2 else BACKENDS[::-1]:
                one_round(backend, brokers, results if number else None)
    print(table(results.medians()))
    report = report_of(results)
    if options.json:
        options.json.write_text(json.dumps(report, indent=1))
    return report


if __name__ == "__main__":
    main()
