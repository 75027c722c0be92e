"""``python -m benchmarks.replication``: what three copies cost, and how long a failover takes.

With ``--loopback LOOPBACK`` beside three brokers of Apache Kafka (see `benchmarks.beside_apache`). Rounds, warm-up and
medians are those of `benchmarks.run`; ``benchmarks/README.md`` says how to read the tables.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import kit
from benchmarks import failover, load, run
from benchmarks.beside_apache import NAME as APACHE
from benchmarks.beside_apache import apache
from benchmarks.run import Results, say
from benchmarks.systems import System, ours
from kit.simulation.pool import play
from kit.simulation.workload import STANDARD

BACKENDS = ("embedded", "processes")
ONE_COPY = "embedded RF 1"
ALL = -1
PARTS = ("start", "failover", "simulation", "idle", "throughput")
SETTLE_S = 10
APACHE_PORT = 29292
GOALS = (("MB/s", ONE_COPY, 0.4), ("MB per broker-CPU-s", APACHE, 4.0))
"""Of which figure embedded shall reach how many times what."""


def measure_failover(results: Results, rounds: int, kafka_rounds: int) -> None:
    """Kill leaders, with the kit's timers and with Kafka's; of each the median and the slowest are shown."""
    for timers, config, count in (("lab timers", None, rounds), ("Kafka's timers", kit.KAFKA_TIMERS, kafka_rounds)):
        for backend in BACKENDS:
            for each in failover.measure(backend, count, config):
                case = f"failover, {timers}, {each.controller} is the controller"
                say(f"  {backend:>20}  {case}: elected {each.elected_s:.2f} s, {each.client} {each.sent_s:.2f} s")
                results.add(f"{case}: new leader, s", backend, each.elected_s)
                results.add(f"{case}: first ack, {each.client}, s", backend, each.sent_s)


def slowest(results: Results) -> dict[str, dict[str, float]]:
    """The longest of each failover, by figure and system."""
    return {
        f"slowest {figure}": {name: max(values) for name, values in row.items()}
        for figure, row in results.samples.items()
        if figure.startswith("failover")
    }


def measure_simulation(results: Results, num_seeds: int) -> None:
    """Play the standard workload on all cores; when a seed fails there is no figure, for it would mean nothing."""
    started = time.perf_counter()
    num_messages = cpu_ns = 0
    for result in play(range(1, num_seeds + 1), STANDARD, jobs=os.cpu_count() or 1):
        if not result.ok:
            say(f"seed {result.seed} fails: python -m kit.simulation --seeds {result.seed}")
            return
        num_messages += result.num_messages
        cpu_ns += result.cpu_ns
    results.add(
        f"simulation on {os.cpu_count()} cores: seeds/s", "embedded", num_seeds / (time.perf_counter() - started)
    )
    results.add("simulation: seeds per core-second", "embedded", num_seeds / (cpu_ns / 1e9))
    results.add("simulation: messages per core-second", "embedded", num_messages / (cpu_ns / 1e9))


def measure_throughput(systems: list[System], folder: Path, rounds: int, total_bytes: int, results: Results) -> None:
    """Produce with acks=all and consume; the cluster that keeps three copies does the same with one copy too."""
    subjects = [*systems, replace(systems[0], name=ONE_COPY, replicas=1)]
    for number in range(rounds + 1):
        say(f"round {number}" if number else "warm-up round (discarded)")
        order = subjects if number % 2 else subjects[::-1]
        run.throughput_round(order, folder, total_bytes, results if number else None, acks=ALL)


def ratios(medians: dict[str, dict[str, float]], unit: str, other: str) -> list[float]:
    """Embedded over another system, of each produce case that both have."""
    return [
        row["embedded"] / row[other]
        for figure, row in medians.items()
        if figure.startswith("produce") and figure.endswith(f": {unit}") and {"embedded", other} <= row.keys()
    ]


def verdicts(medians: dict[str, dict[str, float]]) -> list[str]:
    """One sentence for each goal that was measured."""
    sentences = []
    for unit, other, goal in GOALS:
        found = ratios(medians, unit, other)
        if found:
            cases = ", ".join(f"{ratio:.2f}" for ratio in found)
            median = statistics.median(found)
            sentences.append(
                f"Produce, {unit}: embedded RF 3 is {median:.2f} times {other}, the median of {cases} (goal: {goal:g})."
            )
    return sentences


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="python -m benchmarks.replication", description=__doc__)
    made.add_argument("--loopback", help="a command that starts Apache Kafka, to measure beside ours")
    made.add_argument("--rounds", type=int, default=4, help="measured rounds, after one warm-up round")
    made.add_argument("--megabytes", type=int, default=100, help="data per produce case, copies not counted")
    made.add_argument("--kafka-rounds", type=int, default=1, help="failovers of each kind with Kafka's own timers")
    made.add_argument("--failovers", type=int, default=7, help="failovers of each kind with lab timers")
    made.add_argument("--seeds", type=int, default=200, help="simulated runs")
    made.add_argument("--only", choices=PARTS, action="append")
    made.add_argument("--folder", type=Path, default=None, help="where logs go: an ordinary disk, not tmpfs")
    made.add_argument("--json", type=Path, default=None)
    return made


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    """Run what was asked for; returns what ``--json`` writes. What was measured is shown even if the rest fails."""
    options = parser().parse_args(arguments)
    results = Results()
    try:
        _measure(options, options.only or list(PARTS), results)
    finally:
        medians, report = results.medians(), run.report_of(results)
        print(run.table(medians | slowest(results), over=[ONE_COPY, "processes", APACHE]))
        print("", *verdicts(medians), sep="\n")
        if options.json:
            options.json.write_text(json.dumps(report, indent=1))
    return report


def _measure(options: argparse.Namespace, parts: list[str], results: Results) -> None:
    if "start" in parts:
        say("first record")
        for backend in BACKENDS:
            run.first_record(results, options.rounds, backend)
    if "failover" in parts:
        say("failover")
        measure_failover(results, options.failovers, options.kafka_rounds)
    if "simulation" in parts:
        say("simulation")
        measure_simulation(results, options.seeds)
    if {"idle", "throughput"} & set(parts):
        _measure_running(options, parts, results)


def _measure_running(options: argparse.Namespace, parts: list[str], results: Results) -> None:
    """What needs all systems at once, each with three brokers and three copies."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(dir=options.folder, prefix="bench-")))
        systems = [stack.enter_context(ours(backend, 3, folder / backend)) for backend in BACKENDS]
        if options.loopback:
            systems.append(stack.enter_context(apache(options.loopback, folder / "apache", 3, APACHE_PORT)))
        systems = [replace(system, replicas=3) for system in systems]
        for system in systems:
            load.create_topic(system)  # an idle cluster has something to replicate
        if "idle" in parts:
            say("idle")
            time.sleep(SETTLE_S)
            run.idle(systems, results)
        if "throughput" in parts:
            measure_throughput(systems, folder, options.rounds, options.megabytes * 1_000_000, results)


if __name__ == "__main__":
    main()
