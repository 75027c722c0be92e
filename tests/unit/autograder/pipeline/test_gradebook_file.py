"""Another program has the gradebook: that is waited for, and costs nobody a mark."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from autograder.assignment import read_assignment
from autograder.pipeline import gradebook_file
from autograder.pipeline.batch import Batch, open_ledger
from autograder.pipeline.course import GradingError, open_course
from autograder.pipeline.pool import ForeignPool
from autograder.pipeline.submission import Desk
from tests.support import grading, pretend


@pytest.fixture
def lock(course: Path) -> Iterator[sqlite3.Connection]:
    """Who has the course's gradebook, so that nobody else can even read it."""
    other = sqlite3.connect(course / "gradebook.db", check_same_thread=False, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    yield other
    other.close()


def test_gradebook_is_waited_for(course: Path, lock: sqlite3.Connection) -> None:
    """What opens it goes on when it is free."""
    begun = threading.Event()
    has_ended = []

    def end() -> None:
        begun.wait()
        has_ended.append(True)
        lock.rollback()

    thread = threading.Thread(target=end)
    thread.start()
    begun.set()
    gradebook_file.wait(f"sqlite:///{course / 'gradebook.db'}")
    assert has_ended
    thread.join()


def test_wait_tells_nothing_of_what_it_cannot_read(tmp_path: Path) -> None:
    """Whoever opens it says what is wrong; and what is not there is not made."""
    damaged, missing = tmp_path / "damaged.db", tmp_path / "missing.db"
    damaged.write_bytes(b"lost" * 99)
    for url in (f"sqlite:///{damaged}", f"sqlite:///{missing}", "postgresql://elsewhere/marks"):
        gradebook_file.wait(url)
    assert not missing.exists()


def test_gradebook_that_stays_locked_ends_the_batch_and_costs_nobody_anything(
    course: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no submission's fault: nobody gets 0 points for it, and the next run grades them."""
    monkeypatch.setattr(gradebook_file, "WAIT_S", 0.05)
    for name in ("ada", "bob"):
        grading.hand_in(course, name, grading.work(course))
    opened = open_course(course)
    desk = Desk(opened, read_assignment(course, grading.ASSIGNMENT))
    batch = Batch(desk, ForeignPool(ThreadPoolExecutor(1), 1), open_ledger(opened), pretend.execute)
    batch.choose(["ada"])
    batch.run(lambda _: None)
    batch = Batch(desk, ForeignPool(ThreadPoolExecutor(1), 1), open_ledger(opened), pretend.execute)
    batch.choose(["bob"])
    other = sqlite3.connect(course / "gradebook.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    said = r"Another program has had the gradebook for more than 0\.05 s \(database is locked\).* `autograder resume`"
    with pytest.raises(GradingError, match=said):
        batch.run(lambda _: None)
    other.close()
    assert [entry.student for entry in open_ledger(opened).entries()] == ["ada"]
