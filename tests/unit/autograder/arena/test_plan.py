"""Plans of the arena: what is refused before anything is played, and what a seed decides."""

from __future__ import annotations

import json
from typing import Any

import pytest

from autograder.arena import Plan, PlanError
from autograder.arena.plan import Records
from tests.support import surviving

RUN: dict[str, Any] = {"name": "one", "topics": {"orders": {}}, "steps": [{"call": "produce"}]}


def test_plan_of_surviving_failure_is_read() -> None:
    """Its runs, steps and rules are all there."""
    plan = Plan.read(surviving.plan(*surviving.RUNS, seeds=2))
    assert [run.name for run in plan.runs] == ["survive", "process", "refuse", "lose"]
    assert [step.name for step in plan.runs[1].steps] == ["consume-1", "consume-2", "consume-3"]
    assert plan.seeds == 2


def test_plan_says_what_kind_of_cluster_it_is_played_on() -> None:
    """The kit's own where nothing is said, and no kind that nobody knows."""
    assert Plan.read({"runs": [RUN]}).cluster == "embedded"
    assert Plan.read({"runs": [RUN], "cluster": "docker"}).cluster == "docker"
    with pytest.raises(PlanError, match="cluster is 'zookeeper'"):
        Plan.read({"runs": [RUN], "cluster": "zookeeper"})


def test_kernel_of_a_step_may_be_killed_at_its_end() -> None:
    """Not beside another: all members of all groups are forgotten then."""
    steps = [{"call": "read", "session": "a", "then_kill": True}, {"name": "two", "call": "read", "session": "b"}]
    read = Plan.read({"runs": [RUN | {"steps": steps}]}).runs[0].steps
    assert [step.is_killed for step in read] == [True, False]
    with pytest.raises(
        PlanError, match="step read cannot be killed or restarted in a run with steps beside one another"
    ):
        Plan.read({"runs": [RUN | {"steps": [steps[0], steps[1] | {"beside": True}]}]})


def test_longest_time_counts_steps_beside_one_another_once() -> None:
    """What an assignment's total time must be enough for, so that one slow run does not cost another its points."""
    steps = [
        {"call": "make", "timeout_s": 5},
        {"name": "one", "call": "read", "session": "a", "timeout_s": 20},
        {"name": "two", "call": "read", "session": "b", "timeout_s": 40, "beside": True},
    ]
    assert Plan.read({"runs": [RUN | {"steps": steps}, RUN | {"name": "two"}], "seeds": 2}).longest_s == 2 * (45 + 30)


def test_seed_decides_records_and_counts() -> None:
    """The same seed gives the same run, another seed another one, within the bounds."""
    run = Plan.read(surviving.plan()).runs[0]
    counts = {run.rules_for(seed)[1]["when"]["requests"] for seed in range(30)}
    assert counts == {2, 3, 4}
    assert run.rules_for(5) == run.rules_for(5)
    assert run.records.made(5) == run.records.made(5)
    assert run.records.made(5) != run.records.made(6)


def test_records_are_told_apart_and_as_long_as_asked() -> None:
    """Each value is there once, is JSON, and has its size."""
    made = Records(count=50, keys=3, value_bytes=200).made(1)
    assert len({value for _, value in made}) == 50
    assert {len(value) for _, value in made} == {200}
    assert all(json.loads(value)["customer"] == key for key, value in made)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"steps": []}, "steps of run one must be a list"),
        ({"colour": 1}, "a run has colour"),
        ({"brokers": 9}, "a whole number from 1 to 5"),
        ({"records": {"count": 0}}, "count of run one"),
        ({"steps": [{"call": "f"}, {"call": "f"}]}, "f is there twice"),
        ({"steps": [{"call": "f", "kill_after": "x"}]}, "waits for rule 'x'"),
        ({"steps": [{"call": "f", "timeout_s": 0}]}, "timeout_s is 0"),
        ({"steps": [{"call": "f", "restarts": -1}]}, "restarts in a step of run one is -1"),
        (
            {"steps": [{"call": "f"}, {"call": "g", "session": "b", "beside": True, "restarts": 1}]},
            "step g cannot be killed or restarted",
        ),
        ({"topics": {"t": {"config_from": "f"}}}, "topic t waits for step 'f'"),
        ({"rules": [{"name": "r", "when": {}, "do": [{"fault": "explode"}]}]}, "no fault of a rule"),
        ({"rules": [{"when": {}}]}, "is no rule"),
    ],
)
def test_plan_that_cannot_be_played_is_refused(change: dict[str, Any], words: str) -> None:
    """The sentence says what is wrong, in one line."""
    with pytest.raises(PlanError, match=words) as refused:
        Plan.read({"runs": [{**RUN, **change}]})
    assert "\n" not in str(refused.value)
