"""``python -m kit.simulation``: play seeds, and make the ones that fail small."""

from __future__ import annotations

import argparse
import itertools
import json
import math
import re
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from kit.simulation.faults import Fault, Schedule
from kit.simulation.pool import play
from kit.simulation.run import Result, remove_leftovers, simulate
from kit.simulation.shrink import Shrunk, shrink
from kit.simulation.workload import STANDARD, Workload

PROGRESS_INTERVAL_S = 5.0
EPILOG = """The exit code is 1 when something was found. A line of the printed schedule is one fault; a file with such
lines can be played again with --schedule."""


def seed_range(text: str) -> Iterable[int]:
    """The seeds in "7", "1-2000" or "1000..", which never ends.

    Raises:
        argparse.ArgumentTypeError: it is something else, or empty.
    """
    match = re.fullmatch(r"(\d+)(?:-(\d+)|(\.\.))?", text)
    if match is None:
        raise argparse.ArgumentTypeError(f"{text!r} names no seeds: try 7, 1-2000, or 1000.. for no end")
    first, last, endless = match.groups()
    if endless:
        return itertools.count(int(first))
    if int(last or first) < int(first):
        raise argparse.ArgumentTypeError(f"{text} has no seeds: the first one comes first")
    return range(int(first), int(last or first) + 1)


def at_least(lowest: int) -> Callable[[str], int]:
    """A type of argument: a whole number, ``lowest`` or above."""

    def parse(text: str) -> int:
        if not text.isdecimal() or int(text) < lowest:
            raise argparse.ArgumentTypeError(f"{text!r} is no whole number from {lowest} on")
        return int(text)

    return parse


def num_controllers(text: str) -> int:
    """A type of argument: how many controllers on nodes of their own."""
    if text not in ("1", "3"):
        raise argparse.ArgumentTypeError(f"{text!r} is not possible: 1 or 3 controllers decide by majority")
    return int(text)


def minutes(text: str) -> float:
    """A type of argument: how long, 0 or more."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of minutes, 0 or more")
    return value


def read_schedule(text: str) -> Schedule:
    """The faults in a file, one per line.

    Raises:
        argparse.ArgumentTypeError: the file cannot be read, or a line is no fault.
    """
    try:
        lines = Path(text).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise argparse.ArgumentTypeError(f"{text} cannot be read: {error}") from error
    schedule = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            schedule.append(Fault.from_json(json.loads(line)))
        except json.JSONDecodeError as error:
            raise argparse.ArgumentTypeError(f"line {number} of {text} is no JSON: {error}") from error
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"line {number} of {text} is no fault: {error}") from error
    return tuple(schedule)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="python -m kit.simulation", description=__doc__, epilog=EPILOG)
    made.add_argument(
        "--seeds", type=seed_range, default="1-100", help="7, 1-2000, or 1000.. for no end (default: %(default)s)"
    )
    made.add_argument("--jobs", type=at_least(1), default=1, help="how many processes (default: %(default)s)")
    made.add_argument("--minutes", type=minutes, help="stop after so long")
    made.add_argument(
        "--failures", type=at_least(1), default=1, help="stop after so many failing seeds (default: %(default)s)"
    )
    made.add_argument("--no-shrink", action="store_true", help="print a failing seed as it is")
    made.add_argument(
        "--schedule", type=read_schedule, help="a file with one fault per line, in place of the seed's own"
    )
    made.add_argument("--brokers", type=at_least(3), default=STANDARD.num_brokers)
    made.add_argument("--controllers", type=num_controllers, help="as many controllers, 1 or 3, on nodes of their own")
    made.add_argument("--producers", type=at_least(1), default=STANDARD.num_producers)
    made.add_argument("--records", type=at_least(1), default=STANDARD.records_per_producer, help="per producer")
    made.add_argument("--consumers", type=at_least(0), default=STANDARD.num_consumers)
    return made


class Tally:
    """Counts results, and says now and then how it goes.

    Args:
        num_seeds: how many there will be, None for no end.
    """

    def __init__(self, num_seeds: int | None) -> None:
        self._num_seeds = num_seeds
        self._began_s = self._told_s = time.monotonic()
        self._num_records = self._num_messages = self._num_faults = self._cpu_ns = 0
        self._fewest_faults = 0
        self.num_played = 0
        self.failed: list[Result] = []

    @property
    def elapsed_s(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._began_s

    def add(self, result: Result) -> None:
        """Count one result."""
        self._fewest_faults = min(result.num_faults, self._fewest_faults) if self.num_played else result.num_faults
        self.num_played += 1
        self._num_records += result.num_records
        self._num_messages += result.num_messages
        self._num_faults += result.num_faults
        self._cpu_ns += result.cpu_ns
        if not result.ok:
            self.failed.append(result)
        if time.monotonic() - self._told_s >= PROGRESS_INTERVAL_S:
            self._told_s = time.monotonic()
            sys.stderr.write(self._progress() + "\n")

    def _progress(self) -> str:
        rate = self.num_played / self.elapsed_s
        text = f"{self.num_played:,} seeds, {rate:.1f}/s, {len(self.failed)} failed"
        if self._num_seeds is not None:
            text += f", {(self._num_seeds - self.num_played) / rate:.0f} s left"
        return text

    def summary(self) -> str:
        """What was played, and how fast."""
        cpu_s = self._cpu_ns / 1e9
        faults = f"{self._num_faults:,} faults (at least {self._fewest_faults} each)"
        return (
            f"{self.num_played:,} seeds with {faults}, {self._num_records:,} records and "
            f"{self._num_messages:,} messages in {self.elapsed_s:.1f} s: "
            f"{self.num_played / self.elapsed_s:.1f} seeds/s, "
            f"{self._num_messages / cpu_s if cpu_s else 0:,.0f} messages per core-second, {len(self.failed)} failed"
        )


def explain(result: Result) -> str:
    """What was found in one run, its faults, and what happened last."""
    lines = [f"seed {result.seed}: {len(result.findings)} findings"]
    lines += [f"  {finding}" for finding in result.findings[:20]]
    lines += ["schedule:", *(json.dumps(fault.as_json()) for fault in result.schedule)]
    lines += ["last events:", *(f"  {event}" for event in result.events)]
    return "\n".join(lines)


def explain_shrunk(failed: Result, shrunk: Shrunk) -> str:
    """The small run, and how to repeat it."""
    workload = shrunk.workload
    return (
        f"Seed {failed.seed} fails with {len(failed.schedule)} faults. After {shrunk.num_runs} runs: "
        f"{len(shrunk.schedule)} faults, {workload.num_producers} producers of {workload.records_per_producer} "
        f"records, {workload.num_consumers} consumers. Put the schedule into a file and repeat it with\n"
        f"python -m kit.simulation --seeds {failed.seed} --producers {workload.num_producers} "
        f"--records {workload.records_per_producer} --consumers {workload.num_consumers} --schedule FILE\n"
        f"{explain(shrunk.result)}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Play what the command line says; 1 when something was found."""
    command = parser()
    options = command.parse_args(arguments)
    remove_leftovers()
    workload = replace(
        STANDARD,
        num_brokers=options.brokers,
        controllers=options.controllers,
        num_producers=options.producers,
        records_per_producer=options.records,
        num_consumers=options.consumers,
    )
    named = [node_id for fault in options.schedule or () for node_id in fault.nodes]
    strangers = [node_id for node_id in named if node_id not in workload.node_ids]
    if strangers:
        known = ", ".join(map(str, workload.node_ids))
        command.error(f"argument --schedule: there is no node {strangers[0]!r} among {known}")
    seeds = options.seeds
    tally = Tally(len(seeds) if isinstance(seeds, range) else None)
    if options.schedule is not None:
        results: Iterable[Result] = (simulate(seed, workload, options.schedule) for seed in seeds)
    else:
        results = play(seeds, workload, jobs=options.jobs)
    for result in results:
        tally.add(result)
        if not result.ok:
            _tell(result, workload, shrinking=not options.no_shrink and options.schedule is None)
        if len(tally.failed) >= options.failures or _time_is_up(tally, options.minutes):
            break
    sys.stdout.write(tally.summary() + "\n")
    return 1 if tally.failed else 0


def _time_is_up(tally: Tally, minutes: float | None) -> bool:
    return minutes is not None and tally.elapsed_s >= minutes * 60


def _tell(result: Result, workload: Workload, *, shrinking: bool) -> None:
    text = explain_shrunk(result, shrink(result, workload)) if shrinking else explain(result)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
