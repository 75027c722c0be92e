"""The benchmark of `kit.history` measures right histories, and stops when a judge is wrong."""

from __future__ import annotations

import pytest

from benchmarks import history
from kit.history import check


def test_benchmark_history_is_right_or_wrong_as_asked() -> None:
    """Only what was left out of the log on purpose is found."""
    assert check(history.build(6_000), caught_up=True).counts == {}
    assert check(history.build(6_000, lose_every=100)).counts.keys() == {"lost-write"}


def test_benchmark_prints_a_row_for_each_length(capsys: pytest.CaptureFixture[str]) -> None:
    """Two lengths, right and with losses: four rows, and the first of each kind is its own measure."""
    history.main(["--operations", "10000", "20000", "--rounds", "1"])

    rows = [line.split("|") for line in capsys.readouterr().out.splitlines() if line.startswith("| ")][1:]

    assert [row[2].strip() for row in rows if "---" not in row[1]] == ["10000", "20000", "10000", "20000"]
