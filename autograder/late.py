"""What handing in late costs: a share of the score that grows with time, after a time that costs nothing.

In nbgrader_config.py::

    c.AssignLatePenalties.plugin_class = "autograder.late.LinearLatePenalty"
    c.LinearLatePenalty.grace_hours = 2
    c.LinearLatePenalty.percent_per_day = 10
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from nbgrader.plugins import LateSubmissionPlugin
from traitlets import Bool, Float

_DAY_S = 86_400


@dataclass(frozen=True)
class LatePolicy:
    """What being late costs.

    Attributes:
        grace_s: this late costs nothing; time is counted from here on.
        share_per_day: of the score, 0 to 1, for each day.
        by_whole_days: each day that has begun costs as a whole; else seconds count.
        most_share: of the score, 0 to 1, that can be lost.

    Raises:
        ValueError: a number is not in its range.
    """

    grace_s: float = 0.0
    share_per_day: float = 0.1
    by_whole_days: bool = True
    most_share: float = 1.0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.grace_s) and self.grace_s >= 0):
            raise ValueError("The time that costs nothing must be 0 or more.")
        if not (0 <= self.share_per_day <= 1 and 0 <= self.most_share <= 1):
            raise ValueError(
                "What a day costs, and what can be lost in all, must be between nothing and all of the score."
            )

    def share(self, late_s: float) -> float:
        """The share of the score that is lost when it came ``late_s`` seconds after its time."""
        counted_s = late_s - self.grace_s
        if not counted_s > 0:
            return 0.0
        days = counted_s / _DAY_S
        if self.by_whole_days and math.isfinite(days):
            days = math.ceil(days)
        return min(self.most_share, days * self.share_per_day) if self.share_per_day else 0.0

    def penalty(self, score: float, late_s: float) -> float:
        """The points that are lost; never more than there are, nor less than none."""
        return max(0.0, score) * self.share(late_s)


class LinearLatePenalty(LateSubmissionPlugin):  # type: ignore[misc] # nbgrader has no type information
    """nbgrader's plugin for a `LatePolicy`."""

    grace_hours = Float(0.0, help="This late costs nothing; time is counted from here on.").tag(config=True)
    percent_per_day = Float(10.0, help="Percent of the score that each day costs.").tag(config=True)
    by_whole_days = Bool(True, help="Each day that has begun costs as a whole.").tag(config=True)
    most_percent = Float(100.0, help="Percent of the score that can be lost in all.").tag(config=True)

    @property
    def policy(self) -> LatePolicy:
        """The policy that the configuration describes.

        Raises:
            ValueError: a number is not in its range.
        """
        shares = self.percent_per_day / 100, self.most_percent / 100
        return LatePolicy(self.grace_hours * 3600, shares[0], self.by_whole_days, shares[1])

    def late_submission_penalty(self, student_id: str, score: float, total_seconds_late: float) -> float | None:
        """The points that one notebook loses; None for none. nbgrader calls this for each late notebook."""
        penalty = self.policy.penalty(score, total_seconds_late)
        self.log.info(
            "%r is %d minutes late: %.1f%% of %.2f points are lost.",
            student_id,
            total_seconds_late // 60,
            100 * self.policy.share(total_seconds_late),
            score,
        )
        return penalty or None
