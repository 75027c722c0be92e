"""How fast `kit.history` records and judges, and whether ten times the history takes ten times as long.

``python -m benchmarks.history``. A right history: three producers, a group of two consumers in six partitions, polls
of ten records, the final logs; and the same with one acknowledged record in a hundred lost.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
import tracemalloc

from kit.history import History, check

PARTITIONS = 6
POLLED_TOGETHER = 10


def build(num_operations: int, *, lose_every: int = 0) -> History:
    """Half of the operations are sends; the rest are polls, and polls read every record five times over."""
    history = History()
    num_sends = num_operations // 2
    logs: list[list[tuple[int, int]]] = [[] for _ in range(PARTITIONS)]
    for value in range(num_sends):
        partition, offset = value % PARTITIONS, value // PARTITIONS
        history.invoke(value % 3, "send", "t", partition, None, value, time_ms=value).ok(offset=offset, time_ms=value)
        if not lose_every or value % lose_every:
            logs[partition].append((offset, value))
    for number in range(num_sends):
        partition = number % PARTITIONS
        log = logs[partition]
        start = number // PARTITIONS * POLLED_TOGETHER % len(log)
        if start < POLLED_TOGETHER:
            history.seek("c", "t", partition, None)
        records = [("t", partition, offset, None, value) for offset, value in log[start : start + POLLED_TOGETHER]]
        history.invoke("c", "poll", time_ms=number).ok(records=records, time_ms=number)
    for partition, log in enumerate(logs):
        history.final_log("t", partition, log)
    return history


def measure(num_operations: int, rounds: int, *, lose_every: int) -> tuple[float, float]:
    """Operations recorded and judged per CPU second, medians."""
    recorded, judged = [], []
    for _ in range(rounds):
        started = time.process_time()
        history = build(num_operations, lose_every=lose_every)
        built = time.process_time()
        report = check(history)
        recorded.append(len(history) / (built - started))
        judged.append(len(history) / (time.process_time() - built))
        expected = -(-(num_operations // 2) // lose_every) if lose_every else 0
        if report.counts.get("lost-write", 0) != expected:
            sys.exit(f"{report.counts} where {expected} lost writes must be: the figure would mean nothing")
    return statistics.median(recorded), statistics.median(judged)


def bytes_per_operation(num_operations: int) -> float:
    """Memory of a history, its records included."""
    tracemalloc.start()
    history = build(num_operations)
    used, _peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return used / len(history)


def main(arguments: list[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.history", description=__doc__)
    parser.add_argument("--operations", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(arguments)
    print("| history | operations | recorded per CPU-s | judged per CPU-s | judged over the first row's |")
    print("|" + " --- |" * 5)
    for name, lose_every in (("right", 0), ("1 % lost", 100)):
        first = 0.0
        for num_operations in options.operations:
            recorded, judged = measure(num_operations, options.rounds, lose_every=lose_every)
            first = first or judged
            print(f"| {name} | {num_operations} | {recorded:.3g} | {judged:.3g} | {judged / first:.2f} |")
    print(f"\nMemory: {bytes_per_operation(options.operations[0]):.0f} bytes per operation, records included.")


if __name__ == "__main__":
    main()
