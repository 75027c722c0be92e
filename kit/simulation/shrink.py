"""Makes a failing run small: fewer faults, then fewer clients and records, as long as it fails in the same way.

Source: Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input" (ddmin).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

from kit.simulation.faults import Schedule
from kit.simulation.run import Result, simulate
from kit.simulation.workload import Workload

MAX_RUNS = 150


class Shrunk(NamedTuple):
    """The smallest run that was found to fail like the first one."""

    workload: Workload
    schedule: Schedule
    result: Result
    num_runs: int


class _Search:
    """Tries runs, and keeps the last one that failed."""

    def __init__(self, failed: Result, workload: Workload, run: Callable[..., Result]) -> None:
        self.best = failed
        self.workload = workload
        self.num_runs = 0
        self._run = run
        self._names = {finding.name for finding in failed.findings}

    def still_fails(self, workload: Workload, schedule: Schedule) -> bool:
        if self.num_runs >= MAX_RUNS:
            return False
        self.num_runs += 1
        result = self._run(self.best.seed, workload, schedule)
        if self._names.isdisjoint(finding.name for finding in result.findings):
            return False
        self.best, self.workload = result, workload
        return True


def shrink(failed: Result, workload: Workload, run: Callable[..., Result] = simulate) -> Shrunk:
    """Look for a smaller run with a finding of the same name.

    Args:
        run: plays a seed with a workload and a schedule.
    """
    search = _Search(failed, workload, run)
    _fewer_faults(search)
    if _smaller_workload(search):
        _fewer_faults(search)
    return Shrunk(search.workload, search.best.schedule, search.best, search.num_runs)


def _fewer_faults(search: _Search) -> None:
    """Leave out half of the faults, a quarter, ... one, as long as something can be left out."""
    size = max(1, len(search.best.schedule) // 2)
    while True:
        if any(search.still_fails(search.workload, rest) for rest in _without_chunks(search.best.schedule, size)):
            size = max(1, min(size, len(search.best.schedule) // 2))
        elif size == 1:
            return
        else:
            size //= 2


def _without_chunks(schedule: Schedule, size: int) -> Iterator[Schedule]:
    for start in range(0, len(schedule), size):
        yield schedule[:start] + schedule[start + size :]


def _smaller_workload(search: _Search) -> bool:
    """Whether fewer consumers, producers or records are enough."""
    has_shrunk = False
    for name, lowest in (("num_consumers", 0), ("num_producers", 1), ("records_per_producer", 1)):
        while (value := getattr(search.workload, name)) > lowest:
            smaller: Workload = replace(search.workload, **{name: max(lowest, value // 2)})
            if not search.still_fails(smaller, search.best.schedule):
                break
            has_shrunk = True
    return has_shrunk
