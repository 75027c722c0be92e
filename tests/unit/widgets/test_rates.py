"""From offsets to rates and lag."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kit.widgets._rates import WINDOW_S, History, Sample, sample


def history(*samples: tuple[float, int, int]) -> History:
    """Give a history of (time_s, produced, committed)."""
    made = History()
    for each in samples:
        made.add(Sample(*each))
    return made


def test_sample_counts_a_partition_without_commit_from_its_start() -> None:
    """What retention removed is not lag: a group that never committed lags by what is there."""
    taken = sample(0.0, starts={0: 10, 1: 5}, ends={0: 30, 1: 5}, committed={1: 5})

    assert taken.lag == 20


def test_sample_of_a_topic_that_is_not_there_is_zero() -> None:
    """Commits of a deleted topic count for nothing."""
    assert sample(0.0, {}, {}, {0: 7}) == Sample(0.0, 0, 0)


def test_points_are_rates_per_second_over_a_second() -> None:
    """Two samples a second with 25 records each are 50 records/s."""
    made = history(*((index / 2, 25 * index, 10 * index) for index in range(7)))

    newest = made.points()[-1]
    assert (newest.produced_per_s, newest.consumed_per_s) == pytest.approx((50, 20))
    assert newest.lag == 90
    assert newest.age_s == 0


def test_points_need_two_samples() -> None:
    """One look gives no rate."""
    assert history((0.0, 5, 5)).points() == []


@given(st.lists(st.tuples(st.floats(0.001, 20), st.integers(-50, 50), st.integers(-50, 50)), max_size=60))
def test_points_are_never_negative_and_stay_in_the_window(steps: list[tuple[float, int, int]]) -> None:
    """Whatever the offsets do (a topic deleted, a group reset), the chart has no negative rate and bounded memory."""
    made, time_s, produced, committed = History(), 0.0, 1000, 1000
    for pause_s, more, done in steps:
        time_s, produced, committed = time_s + pause_s, produced + more, committed + done
        made.add(Sample(time_s, produced, committed))

    for point in made.points():
        assert min(point.produced_per_s, point.consumed_per_s, point.lag) >= 0
        assert -WINDOW_S <= point.age_s <= 0


def test_turn_is_noticed_once_in_each_direction() -> None:
    """A group that follows closely does not flicker between behind and caught up."""
    made, turns = History(), []
    for time_s, lag in enumerate([0, 50, 150, 120, 60, 40, 10, 40, 90]):
        made.add(Sample(time_s, 1000, 1000 - lag))
        if made.notice_turn():
            turns.append((lag, made.behind))

    assert turns == [(150, True), (10, False)]
