"""From offsets to rates and lag: the arithmetic behind the throughput chart."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

WINDOW_S = 60.0
# A rate needs a stretch of time: shorter jumps about, longer reacts late.
_RATE_OVER_S = 1.0
# A group that follows closely still lags by what is under way, so "behind" begins later than "caught up" ends.
_BEHIND_FROM = 100
_CAUGHT_UP_BELOW = 30


@dataclass(frozen=True)
class Sample:
    """What the cluster said at one moment; ``num_`` counts records, summed over the partitions."""

    time_s: float
    num_produced: int
    num_committed: int

    @property
    def lag(self) -> int:
        """Records that the group has not committed yet."""
        return max(0, self.num_produced - self.num_committed)


@dataclass(frozen=True)
class Point:
    """One moment of the chart. ``age_s`` is negative: seconds before the newest sample."""

    age_s: float
    produced_per_s: float
    consumed_per_s: float
    lag: int


@dataclass
class History:
    """The samples of the last `WINDOW_S` seconds."""

    samples: deque[Sample] = field(default_factory=deque)
    behind: bool = False

    def add(self, sample: Sample) -> None:
        """Take in the newest sample and forget what has left the window."""
        self.samples.append(sample)
        while sample.time_s - self.samples[0].time_s > WINDOW_S:
            self.samples.popleft()

    def notice_turn(self) -> bool:
        """Whether the newest sample turned `behind` round: the group fell behind or caught up."""
        lag = self.samples[-1].lag
        behind = lag > (_CAUGHT_UP_BELOW if self.behind else _BEHIND_FROM)
        turned = behind != self.behind
        self.behind = behind
        return turned

    def points(self) -> list[Point]:
        """The window as rates and lag, oldest first."""
        samples = list(self.samples)
        newest_s = samples[-1].time_s if samples else 0.0
        return [self._point(samples, index, newest_s) for index in range(1, len(samples))]

    @staticmethod
    def _point(samples: list[Sample], index: int, newest_s: float) -> Point:
        now = samples[index]
        begin = index - 1
        while begin > 0 and now.time_s - samples[begin].time_s < _RATE_OVER_S:
            begin -= 1
        then = samples[begin]
        span_s = max(now.time_s - then.time_s, 0.001)
        return Point(
            age_s=now.time_s - newest_s,
            # A deleted topic or a reset group counts backwards; that is no rate.
            produced_per_s=max(0, now.num_produced - then.num_produced) / span_s,
            consumed_per_s=max(0, now.num_committed - then.num_committed) / span_s,
            lag=now.lag,
        )


def sample(time_s: float, starts: dict[int, int], ends: dict[int, int], committed: dict[int, int]) -> Sample:
    """Sum one moment's offsets per partition. A partition without a commit counts as unread from its start."""
    return Sample(
        time_s,
        num_produced=sum(ends.values()),
        num_committed=sum(committed.get(partition, starts.get(partition, 0)) for partition in ends),
    )
