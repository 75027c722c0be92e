"""Plays many seeds, on several cores."""

from __future__ import annotations

import gc
import itertools
import multiprocessing
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait

from kit.simulation.run import Result, simulate
from kit.simulation.workload import Workload

SEEDS_PER_TASK = 8
TASKS_PER_JOB = 2


def play(seeds: Iterable[int], workload: Workload, *, jobs: int) -> Iterator[Result]:
    """The results of all seeds, as they come in; ``seeds`` may be endless.

    Args:
        jobs: how many processes; 1 plays in this one.
    """
    if jobs == 1:
        yield from (simulate(seed, workload) for seed in seeds)
        return
    # Not by fork: whoever calls may have threads.
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        tasks = iter(_chunks(iter(seeds)))
        running: set[Future[list[Result]]] = set()
        try:
            while True:
                for chunk in itertools.islice(tasks, jobs * TASKS_PER_JOB - len(running)):
                    running.add(pool.submit(_play_chunk, chunk, workload))
                if not running:
                    return
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    yield from future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _chunks(seeds: Iterator[int]) -> Iterator[list[int]]:
    while chunk := list(itertools.islice(seeds, SEEDS_PER_TASK)):
        yield chunk


def _play_chunk(seeds: list[int], workload: Workload) -> list[Result]:
    """Without collecting garbage during a run: what it makes lives as long as it does."""
    gc.disable()
    results = []
    for seed in seeds:
        results.append(simulate(seed, workload))
        gc.collect()
        gc.freeze()
    return results
