"""The standard workload under random faults: nothing that was acknowledged is lost, whatever happens."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from kit.simulation.faults import ELECT, MIN_FAULTS, REASSIGN
from kit.simulation.run import simulate

NUM_SEEDS = 2_000
SEEDS_PER_TEST = 500  # so that a failure comes early, and the others are played nonetheless
LIMIT_S = 600


def run_suite(*arguments, **environment):
    """The command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "kit.simulation", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
        env=os.environ | environment,
    )


@pytest.mark.slow
@pytest.mark.timeout(LIMIT_S)
@pytest.mark.parametrize("first", range(1, NUM_SEEDS, SEEDS_PER_TEST))
def test_standard_workload_keeps_its_promises(first):
    """600 keyed records by idempotent producers with acks=all, a group, and at least six faults, for many seeds."""
    answer = run_suite("--seeds", f"{first}-{first + SEEDS_PER_TEST - 1}", "--jobs", "2")

    assert answer.returncode == 0, answer.stdout + answer.stderr
    played = re.search(r"^([\d,]+) seeds with [\d,]+ faults \(at least (\d+) each\)", answer.stdout, re.MULTILINE)
    assert played is not None, answer.stdout
    assert int(played[1].replace(",", "")) == SEEDS_PER_TEST
    assert int(played[2]) >= MIN_FAULTS


def test_simulation_is_reproducible():
    """A seed plays out the same way again, in this process and in one that hashes strings differently."""
    program = "from kit.simulation.run import simulate; print(simulate(11).fingerprint)"
    elsewhere = [
        subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            text=True,
            check=True,
            env=os.environ | {"PYTHONHASHSEED": seed},
        ).stdout.strip()
        for seed in ("1", "2")
    ]

    assert {simulate(11).fingerprint, simulate(11).fingerprint, *elsewhere} == {elsewhere[0]}


def test_seeds_play_out_differently():
    """The fingerprint tells runs apart."""
    assert simulate(11).fingerprint != simulate(12).fingerprint


def test_standard_workload_does_what_it_says():
    """All records are sent, most are acknowledged, and faults were played."""
    result = simulate(3)

    assert result.ok, result.findings
    assert result.num_records == 600
    assert result.num_messages > result.num_records
    assert result.num_acknowledged > 400
    assert result.num_faults >= MIN_FAULTS


@pytest.mark.parametrize("seed", [1, 19, 34])
def test_every_fault_of_the_schedule_is_played(seed):
    """What cannot happen when its time comes happens later; what waits for acknowledgements does not wait for ever."""
    result = simulate(seed)

    administration = {REASSIGN, ELECT}
    assert result.num_faults == sum(fault.kind not in administration for fault in result.schedule) >= MIN_FAULTS
