"""``python -m benchmarks.run``: every figure of this kit, beside every peer that is named, in one run.

Rounds alternate between the systems, the first round is a warm-up and discarded (a JVM compiles while it runs), and
each figure is the median of the others. ``benchmarks/README.md`` says how to read the table.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import load
from benchmarks.systems import System, ours, parse_peer

CASES = [(record, batch) for record in (100, 1000) for batch in (16_384, 1_000_000)]
IDLE_S = 10
START = "three brokers, from nothing to the first ack"


@dataclass
class Results:
    """All samples, by figure and system: ``samples[figure][system] -> list``."""

    samples: dict[str, dict[str, list[float]]] = field(default_factory=dict)

    def add(self, figure: str, system: str, value: float) -> None:
        """Keep one sample."""
        self.samples.setdefault(figure, {}).setdefault(system, []).append(value)

    def medians(self) -> dict[str, dict[str, float]]:
        """The median of each figure and system."""
        return {
            figure: {name: statistics.median(values) for name, values in by_system.items()}
            for figure, by_system in self.samples.items()
        }


def say(text: str) -> None:
    """Progress goes to stderr, the table to stdout."""
    print(text, file=sys.stderr, flush=True)


def throughput_round(
    systems: list[System], folder: Path, total_bytes: int, results: Results | None, acks: int = 1
) -> None:
    """Produce and read back every case, alternating between the systems."""
    for record_bytes, batch_bytes in CASES:
        source = load.payload(folder, record_bytes, total_bytes)
        for system in systems:
            topic = load.create_topic(system)
            case = f"{record_bytes} B records, {batch_bytes // 1000} KB batches"
            rows = {f"produce {case}": load.produce(system, topic, source, batch_bytes, total_bytes, acks=acks)}
            in_sync = load.fewest_in_sync(system, topic)
            if in_sync < system.replicas:  # then fewer copies were waited for, and the figure would mean something else
                say(f"  {system.name:>20}  {in_sync} of {system.replicas} replicas are in sync after {case}")
            records = total_bytes // record_bytes
            rows[f"consume {case}"] = load.consume(system, folder, topic, records, total_bytes)
            for figure, row in rows.items():
                speeds = f"{row.wall_mb_per_s:.0f} MB/s, {row.mb_per_broker_cpu_s:.0f} MB/CPU-s"
                say(f"  {system.name:>20}  {figure}: {speeds}")
                if results is not None:
                    results.add(f"{figure}: MB/s", system.name, row.wall_mb_per_s)
                    results.add(f"{figure}: MB per broker-CPU-s", system.name, row.mb_per_broker_cpu_s)


def latency_round(systems: list[System], records: int, results: Results | None) -> None:
    """Produce-to-consume at 1,000 records/s."""
    for system in systems:
        row = load.latency(system, rate_per_s=1000, records=records)
        say(f"  {system.name:>20}  latency " + ", ".join(f"{name} {value:.2f} ms" for name, value in row.items()))
        if results is not None:
            for name, value in row.items():
                results.add(f"latency at 1,000 records/s: {name} ms", system.name, value)


def memory(systems: list[System], results: Results, moment: str) -> None:
    """Resident memory now."""
    for system in systems:
        results.add(f"memory of one broker, {moment}: MB", system.name, system.memory_mb())


def idle(systems: list[System], results: Results) -> None:
    """CPU share and memory of idle three-broker clusters, all over the same ten seconds."""
    before = {system.name: system.cpu_s() for system in systems}
    time.sleep(IDLE_S)
    for system in systems:
        share = 100 * (system.cpu_s() - before[system.name]) / IDLE_S
        results.add("idle cluster of three: % of a core", system.name, share)
        results.add("idle cluster of three: MB", system.name, system.memory_mb())


_FIRST_RECORD = """
import sys, time
import kit, {client}
kit.start(brokers=1).close()
started = time.perf_counter()
cluster = kit.start("{backend}", brokers=3)
up = time.perf_counter()
{send}
print(up - started, time.perf_counter() - started)
cluster.close()
"""
_SEND = {
    "kafka-python": (
        "kafka",
        (
            "p = kafka.KafkaProducer(bootstrap_servers=cluster.bootstrap_servers, acks='all'); "
            "p.send('first', b'x').get(10)"
        ),
    ),
    "confluent-kafka": (
        "confluent_kafka",
        (
            "p = confluent_kafka.Producer("
            "{'bootstrap.servers': cluster.bootstrap_servers, 'linger.ms': 0, 'acks': 'all'}); "
            "p.produce('first', b'x'); p.flush(10)"
        ),
    ),
}


def first_record(results: Results, rounds: int, backend: str = "embedded") -> None:
    """From ``kit.start`` with three brokers in a warm kernel (imports done, one start behind it) to the first ack."""
    for client, (module, send) in _SEND.items():
        for _ in range(rounds):
            code = _FIRST_RECORD.format(client=module, send=send, backend=backend)
            out = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
            up_s, first_s = map(float, out.stdout.split())
            results.add("kit.start(brokers=3) returns: s", backend, up_s)
            results.add(f"{START} ({client}): s", backend, first_s)


def table(medians: dict[str, dict[str, float]], over: Sequence[str] | None = None) -> str:
    """The medians as a Markdown table; the last columns are embedded over others.

    Args:
        over: which others; None for the first one.
    """
    names = list(dict.fromkeys(name for row in medians.values() for name in row))
    peers = [name for name in names if name != "embedded"]
    compared = peers[:1] if over is None else [name for name in over if name in peers]
    head = ["figure", "embedded", *peers, *("embedded / " + name for name in compared)]
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    for figure, row in medians.items():
        cells = [figure] + [f"{row[name]:.3g}" if name in row else "-" for name in ["embedded", *peers]]
        for name in compared:
            both = "embedded" in row and row.get(name)
            cells.append(f"{row['embedded'] / row[name]:.2f}" if both else "-")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def report_of(results: Results) -> dict[str, Any]:
    """What ``--json`` writes."""
    return {
        "machine": platform.platform(),
        "python": platform.python_version(),
        "medians": results.medians(),
        "samples": results.samples,
    }


def main(arguments: list[str] | None = None, peer_starts: dict[str, float] | None = None) -> dict[str, Any]:
    """Run what was asked for; returns what ``--json`` writes.

    Args:
        peer_starts: seconds from nothing to the first acknowledged record of a peer's three brokers, by its name.
    """
    parser = argparse.ArgumentParser(prog="python -m benchmarks.run", description=__doc__)
    parser.add_argument(
        "--peer",
        action="append",
        default=[],
        metavar="NAME=HOST:PORT@PID,...",
        type=parse_peer,
        help="another Kafka with one broker, to measure beside ours",
    )
    parser.add_argument(
        "--peer-of-three",
        action="append",
        default=[],
        metavar="NAME=HOST:PORT,...@PID,...",
        type=parse_peer,
        help="another Kafka with three brokers, for the idle figures",
    )
    parser.add_argument("--rounds", type=int, default=4, help="measured rounds, after one warm-up round")
    parser.add_argument("--megabytes", type=int, default=200, help="data per produce case")
    parser.add_argument("--latency-records", type=int, default=5000)
    parser.add_argument("--only", choices=["start", "idle", "latency", "throughput"], action="append")
    parser.add_argument("--folder", type=Path, default=None, help="where logs go: an ordinary disk, not tmpfs")
    parser.add_argument("--json", type=Path, default=None)
    options = parser.parse_args(arguments)
    parts = options.only or ["start", "idle", "latency", "throughput"]
    results = Results()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=options.folder, prefix="bench-")))
        if "start" in parts:
            say("first record")
            first_record(results, options.rounds)
            for name, seconds in (peer_starts or {}).items():
                results.add(f"{START} (confluent-kafka): s", name, seconds)
        if "idle" in parts:
            say("idle")
            with ours("embedded", 3, folder / "three") as system:
                idle([system, *options.peer_of_three], results)
        if {"latency", "throughput"} & set(parts):
            systems = [stack.enter_context(ours("embedded", 1, folder / "one")), *options.peer]
            memory(systems, results, "before load")
            for number in range(options.rounds + 1):
                say(f"round {number}" if number else "warm-up round (discarded)")
                kept = results if number else None
                order = systems if number % 2 else systems[::-1]
                if "latency" in parts:
                    latency_round(order, options.latency_records, kept)
                if "throughput" in parts:
                    throughput_round(order, folder, options.megabytes * 1_000_000, kept)
            memory(systems, results, "after load")
    report = report_of(results)
    print(table(results.medians()))
    if options.json:
        options.json.write_text(json.dumps(report, indent=1))
    return report


if __name__ == "__main__":
    main()
