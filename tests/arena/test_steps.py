"""What becomes of kernels between the steps of a run."""

from __future__ import annotations

from autograder.arena import play
from autograder.job import Job
from tests.support.arena import plain_sessions

_COUNTS = "calls = []\n\n\ndef count():\n    calls.append(1)\n    return len(calls)\n"


def test_kernel_that_is_killed_after_a_step_knows_nothing_in_the_next() -> None:
    """Steps of one session share a kernel until the plan says that it dies."""
    steps = [{"call": "count"}, {"name": "two", "call": "count", "then_kill": True}, {"name": "three", "call": "count"}]
    plan = {"runs": [{"name": "count", "brokers": 1, "topics": {}, "steps": steps}]}
    (evidence,) = play(Job("ann", "counting", {}, arena=plan), plain_sessions(_COUNTS), apart=False)
    assert [step["value"] for step in evidence["steps"]] == [1, 2, 1]
    assert evidence["is_complete"]


def test_kernel_whose_function_failed_is_gone() -> None:
    """As an application would be that an error has ended; its settings have the keys that a notebook has."""
    source = _COUNTS + "\n\ndef fail(settings):\n    count()\n    raise ValueError(list(settings))\n"
    steps = [{"call": "fail", "arguments": ["$client_settings"], "restarts": 1}, {"name": "two", "call": "count"}]
    plan = {"runs": [{"name": "count", "brokers": 1, "topics": {}, "steps": steps}]}
    (evidence,) = play(Job("ann", "counting", {}, arena=plan), plain_sessions(source), apart=False)
    failed, counted = evidence["steps"]
    assert failed["error"] == "ValueError: ['bootstrap_servers']"
    assert failed["crashes"] == ["ValueError: ['bootstrap_servers']"]  # it was made again, once
    assert counted["value"] == 1
