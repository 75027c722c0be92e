"""Records per second, under a clock that only moves when somebody waits."""

from __future__ import annotations

import pytest

from kit.datagen.pace import TICK_S, Pace


class VirtualTime:
    """Seconds that pass when somebody waits."""

    def __init__(self) -> None:
        self.now_s = 100.0
        self.num_waits = 0
        self.ends_at_s: float | None = None

    def now(self) -> float:
        """The time."""
        return self.now_s

    def wait(self, seconds: float) -> bool:
        """Let time pass; true when the end has come."""
        assert seconds >= 0
        self.num_waits += seconds > 0
        self.now_s += seconds
        return self.ends_at_s is not None and self.now_s >= self.ends_at_s


def sent(pace: Pace, time: VirtualTime, seconds: float, *, cost_s: float = 0.0) -> int:
    """How many records go out in so many seconds, each costing some time."""
    end_s, total = time.now_s + seconds, 0
    while time.now_s < end_s:
        total += (allowed := pace.allowance(200))
        time.now_s += allowed * cost_s
    return total


@pytest.mark.parametrize("rate", [0.5, 1, 10, 49, 1_000, 20_000])
def test_rate_is_kept(rate: float) -> None:
    """Over a minute the number of records is the rate's, slow or fast."""
    time = VirtualTime()

    assert sent(Pace(rate, now=time.now, wait=time.wait), time, 60) == pytest.approx(
        60 * rate, abs=max(2, rate * TICK_S)
    )


@pytest.mark.parametrize("rate", [10, 1_000])
def test_sending_that_takes_time_does_not_slow_the_rate(rate: float) -> None:
    """What sending costs is taken off the waiting."""
    time = VirtualTime()
    pace = Pace(rate, now=time.now, wait=time.wait)

    assert sent(pace, time, 60, cost_s=0.5 / rate) == pytest.approx(60 * rate, rel=0.03)


def test_fast_rates_do_not_wake_up_for_each_record() -> None:
    """Waking up 20,000 times a second would cost more than sending."""
    time = VirtualTime()
    sent(Pace(20_000, now=time.now, wait=time.wait), time, 10)

    assert time.num_waits <= 10 / TICK_S + 1


def test_a_pause_is_no_reason_for_a_flood() -> None:
    """After a minute without a chance to send, the rate goes on from there."""
    time = VirtualTime()
    pace = Pace(100, now=time.now, wait=time.wait)
    sent(pace, time, 5)
    time.now_s += 60

    assert sent(pace, time, 1) <= 105


def test_no_rate_never_waits() -> None:
    """None is as fast as it goes."""
    time = VirtualTime()

    assert [Pace(None, now=time.now, wait=time.wait).allowance(each) for each in (1, 200)] == [1, 200]
    assert time.num_waits == 0


@pytest.mark.parametrize("rate", [None, 0.1, 100])
def test_stop_is_heard(rate: float | None) -> None:
    """Nothing is allowed any more, however slow the rate."""
    time = VirtualTime()
    pace = Pace(rate, now=time.now, wait=time.wait)
    pace.allowance(1)
    time.ends_at_s = time.now_s

    assert pace.allowance(1) == 0
