"""Raft's promises under random faults: one leader per epoch, nothing committed is lost, and it gets going again."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kit.broker.raft import requests
from tests.unit.raft.simulation import Simulation

SEEDS, SEEDS_PER_TEST = 240, 40
MEMORY = Path("/dev/shm")  # replacing a file there costs a tenth of what it costs on a disk


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """A new one, in memory where the system has such a place."""
    if not MEMORY.is_dir():
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        yield Path(name)


@pytest.mark.parametrize("first", range(0, SEEDS, SEEDS_PER_TEST))
def test_quorum_keeps_its_promises(directory: Path, first: int) -> None:
    """Whatever happens: no two leaders in an epoch, no acknowledged value lost, the same order everywhere."""
    committed = elections = 0
    for seed in range(first, first + SEEDS_PER_TEST):
        simulation = Simulation(directory / str(seed), seed)
        simulation.run()
        assert (seed, simulation.verdict()) == (seed, [])
        committed += len(simulation.judge.committed)
        elections += len(simulation.judge.leaders)
    assert committed > 10 * SEEDS_PER_TEST  # else the runs prove little
    assert elections > 3 * SEEDS_PER_TEST


def test_simulation_is_reproducible(directory: Path) -> None:
    """The same seed is the same life, event by event and message by message."""

    def life(name: str) -> tuple[list[str], list[tuple[int, int, int]]]:
        simulation = Simulation(directory / name, 7)
        simulation.run()
        return [str(event) for event in simulation.cluster.timeline], simulation.cluster.sent

    assert life("first") == life("second")


def found_by_seeds(directory: Path, seeds: range) -> list[str]:
    """What the first of these seeds finds that finds anything."""
    for seed in seeds:
        simulation = Simulation(directory / str(seed), seed)
        with contextlib.suppress(AssertionError):  # it may not come to rest
            simulation.run()
        if simulation.verdict():
            return simulation.verdict()
    return []


def test_simulation_finds_a_vote_for_an_old_log(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If voters elect a candidate that lacks records of theirs, committed ones are lost, and the simulation sees it."""
    rule = requests.grants
    monkeypatch.setattr(requests, "grants", lambda *given, **facts: rule(*given, **{**facts, "is_up_to_date": True}))

    assert any("where another applied" in wrong for wrong in found_by_seeds(directory, range(25, 75)))


def test_simulation_finds_a_second_vote(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If voters vote twice in an epoch, two nodes lead in it, and the simulation sees it."""
    rule = requests.grants

    def forgetful(role: Any, state: Any, **facts: Any) -> bool:
        return rule(role, replace(state, voted_id=None, leader_id=None), **facts)

    monkeypatch.setattr(requests, "grants", forgetful)

    assert any("both lead in epoch" in wrong for wrong in found_by_seeds(directory, range(80, 100)))
