"""Submissions on the workers of a real Dask cluster: processes of this computer, reached as those of others are."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from distributed import LocalCluster

from autograder.assignment import read_assignment
from autograder.console import main
from autograder.pipeline import scheduler
from autograder.pipeline.batch import Batch, open_ledger
from autograder.pipeline.course import GradingError, open_course
from autograder.pipeline.ledger import Entry
from autograder.pipeline.submission import Desk
from tests.support import grading, pretend

pytestmark = pytest.mark.slow

POINTS = {"ada": 13, "bob": 10, "cem": 6, "dan": 0}


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    """Two workers, each in a process with a nanny that replaces it."""
    with LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=":0", host="127.0.0.1", silence_logs=False
    ) as made:
        yield made


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four submissions, each with points of its own."""
    course = grading.make_course(tmp_path_factory.mktemp("dask") / "course", weakest_rung="none")
    assert main(["release", grading.ASSIGNMENT, "--course", str(course)]) == 0
    for student, points in POINTS.items():
        wrong = dict.fromkeys(list(grading.FUNCTIONS)[: (13 - points) // 2], "return None")
        grading.hand_in(course, student, grading.work(course, grading.answers(**wrong)))
    return course


def batch_of(course: Path, pool: Any, execute: Any = None) -> Batch:
    """All of them, to be graded by the workers of a pool."""
    opened = open_course(course)
    batch = Batch(Desk(opened, read_assignment(course, grading.ASSIGNMENT)), pool, open_ledger(opened), execute)
    batch.choose(POINTS, since=10**12)
    return batch


def test_worker_that_dies_costs_nobody_anything(course: Path, cluster: LocalCluster) -> None:
    """Dask gives what it had to another; the jail that held each submission is in the ledger."""
    entries: list[Entry] = []

    def tell(entry: Entry) -> None:
        entries.append(entry)
        if len(entries) == 1:
            os.kill(cluster.workers[0].pid, signal.SIGKILL)

    pool = scheduler.connected(cluster.scheduler_address, weakest_rung="none")
    batch_of(course, pool).run(tell)

    assert sorted((entry.student, entry.status, entry.trouble, entry.rung) for entry in entries) == [
        (student, "graded", "", pool.rungs[0]) for student in POINTS
    ]
    found = {student: sum(filter(None, cells.values())) for student, cells in grading.scores(course).items()}
    assert found == POINTS


def test_workers_that_are_not_fit_are_refused(cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """With another version of this package, or without a jail that is good enough; it is said which one, and why."""
    with pytest.raises(GradingError, match=r"The worker tcp://\S+: there is no jail called 'paper'"):
        scheduler.connected(cluster.scheduler_address, weakest_rung="paper")
    monkeypatch.setattr(scheduler, "versions", lambda: {"kafka-kit": "newer"})
    with pytest.raises(GradingError, match=r"has kafka-kit \w+, and this computer has newer: install the same"):
        scheduler.connected(cluster.scheduler_address)


def test_scheduler_that_goes_ends_the_run_in_one_sentence(course: Path) -> None:
    """What was graded before is kept."""
    entries: list[Entry] = []
    with LocalCluster(
        n_workers=1, processes=False, protocol="tcp", dashboard_address=":0", host="127.0.0.1"
    ) as short_lived:
        pool = scheduler.connected(short_lived.scheduler_address, workers=1)

        def tell(entry: Entry) -> None:
            entries.append(entry)
            if len(entries) == 2:
                short_lived.close()

        with pytest.raises(GradingError, match=r"The Dask scheduler at tcp://\S+ cannot be reached any more"):
            batch_of(course, pool, pretend.execute).run(tell)

    latest = open_ledger(open_course(course)).latest(grading.ASSIGNMENT)
    assert all(latest[entry.student] == entry for entry in entries)
    assert len(entries) in {2, 3}
