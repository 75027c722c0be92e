"""`LatePolicy` and nbgrader's plugin for it."""

from __future__ import annotations

import pytest
from traitlets.config import Config

from autograder.late import LatePolicy, LinearLatePenalty

HOUR_S = 3_600
DAY_S = 24 * HOUR_S
STEPS = LatePolicy(grace_s=2 * HOUR_S, share_per_day=0.1, most_share=0.5)
LINE = LatePolicy(grace_s=2 * HOUR_S, share_per_day=0.1, by_whole_days=False, most_share=0.5)


@pytest.mark.parametrize(
    ("policy", "late_s", "penalty"),
    [
        (STEPS, -5, 0.0),
        (STEPS, 0, 0.0),
        (STEPS, 2 * HOUR_S, 0.0),
        (STEPS, 2 * HOUR_S + 1, 2.0),
        (STEPS, 2 * HOUR_S + DAY_S, 2.0),
        (STEPS, 2 * HOUR_S + DAY_S + 1, 4.0),
        (STEPS, 365 * DAY_S, 10.0),
        (STEPS, float("nan"), 0.0),
        (STEPS, float("inf"), 10.0),
        (LINE, 2 * HOUR_S, 0.0),
        (LINE, 2 * HOUR_S + DAY_S // 2, 1.0),
        (LINE, 2 * HOUR_S + 3 * DAY_S, 6.0),
        (LINE, 365 * DAY_S, 10.0),
    ],
)
def test_penalty_grows_with_time_after_the_grace(policy: LatePolicy, late_s: float, penalty: float) -> None:
    """Nothing within the grace, then a tenth of 20 points for each day, and never more than half."""
    assert policy.penalty(20.0, late_s) == pytest.approx(penalty)


def test_penalty_takes_nothing_from_nothing() -> None:
    """A score of 0, or below by a grader's hand, loses nothing."""
    assert (STEPS.penalty(0.0, 9 * DAY_S), STEPS.penalty(-3.0, 9 * DAY_S)) == (0.0, 0.0)


@pytest.mark.parametrize(
    "wrong",
    [{"grace_s": -1}, {"grace_s": float("nan")}, {"share_per_day": -0.1}, {"share_per_day": 10}, {"most_share": 2}],
)
def test_policy_refuses_numbers_out_of_range(wrong: dict[str, float]) -> None:
    """Ten percent is 0.1 and not 10; nobody gains by being late."""
    with pytest.raises(ValueError, match="must be"):
        LatePolicy(**wrong)


def test_plugin_is_configured_as_nbgrader_does() -> None:
    """The numbers of nbgrader_config.py reach the policy."""
    config = Config({"LinearLatePenalty": {"grace_hours": 2, "percent_per_day": 10, "most_percent": 50}})

    plugin = LinearLatePenalty(config=config)

    assert plugin.policy == STEPS
    assert plugin.late_submission_penalty("ada", 20.0, 2 * HOUR_S + 1) == 2.0
    assert plugin.late_submission_penalty("ada", 20.0, HOUR_S) is None
