"""Whether workers keep up: the assignment by ranges, how many are needed, and what was measured in words."""

from __future__ import annotations

import pytest

from kit.lessons.keeping_up import pace, ranges, workers_needed


@pytest.mark.parametrize(
    ("count", "shares"),
    [(1, [[0, 1, 2, 3]]), (2, [[0, 1], [2, 3]]), (3, [[0, 1], [2], [3]]), (4, [[0], [1], [2], [3]])],
)
def test_ranges_are_kafkas(count: int, shares: list[list[int]]) -> None:
    """Neighbours stay together, and the first members get one more."""
    assert ranges([0, 1, 2, 3], count) == shares


@pytest.mark.parametrize(
    ("arrived", "done_per_s", "needed"),
    [
        ({0: 32, 1: 22, 2: 31, 3: 15}, 45, 4),
        ({0: 25, 1: 25, 2: 25, 3: 25}, 50, 2),
        ({0: 25, 1: 25, 2: 25, 3: 25}, 100, 1),
        ({0: 70, 1: 30}, 60, None),
    ],
)
def test_busiest_worker_decides_how_many_are_needed(
    arrived: dict[int, int], done_per_s: float, needed: int | None
) -> None:
    """Not the sum: a partition that is too much for one worker cannot be helped by others."""
    assert workers_needed(arrived, 100, done_per_s) == needed


def test_pace_is_told_worker_by_worker() -> None:
    """What arrives and what is done, per second, and a word that is not upset by chance."""
    lines = pace(
        {"w-1": [0, 1], "w-2": [2], "w-10": []}, {0: 100, 1: 120, 2: 84}, {0: 80, 1: 100, 2: 88}, 4
    ).splitlines()

    assert lines == [
        "  w-1 [0, 1]   55.0 in/s   45.0 done/s  falls behind",
        "  w-2 [2]      21.0 in/s   22.0 done/s  keeps up",
        "  w-10 []       0.0 in/s    0.0 done/s  keeps up",
    ]
    assert pace({"w": [0]}, {0: 40}, {0: 180}, 4).endswith("catches up")
