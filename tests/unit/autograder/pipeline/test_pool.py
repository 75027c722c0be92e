"""Workers that begin before there is work."""

from __future__ import annotations

import multiprocessing
import os
import tempfile
from pathlib import Path

import pytest

from autograder.jail import JailError
from autograder.pipeline.pool import LocalPool


def _begin_and_fail(pool: LocalPool) -> None:
    pool.begin("velvet")
    raise JailError


def test_worker_that_finds_no_jail_says_why_and_lives_on() -> None:
    """What the worker found is told where it is asked for; its process is not spoiled by it."""
    with LocalPool(1) as pool:
        pool.begin("velvet")
        with pytest.raises(JailError, match="there is no jail called 'velvet'"):
            pool.held_by()
        assert pool.submit(os.getppid).result() == os.getpid()


def test_pool_that_is_left_ends_its_workers() -> None:
    """Also while they still start: whoever fails before the first job leaves nothing behind."""
    before = multiprocessing.active_children()
    with pytest.raises(JailError), LocalPool(1) as pool:
        _begin_and_fail(pool)
    assert multiprocessing.active_children() == before


def test_worker_that_is_ended_leaves_no_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second worker still tries its jail when a few submissions are done, and has no time to clear up."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with LocalPool(1) as pool:
        made = Path(pool.submit(tempfile.mkdtemp).result())
        assert tmp_path in made.parents
    assert list(tmp_path.iterdir()) == []


def test_pool_that_has_not_begun_knows_no_jail() -> None:
    """Nobody is asked, so nobody waits for an answer."""
    with pytest.raises(ValueError, match="has not begun"):
        LocalPool(1).held_by()
