"""What goes to a worker on another computer, and comes back: text, which says the same there."""

from __future__ import annotations

import json
import pickle

import pytest

from autograder.job import Answer, Budget, Job, Outcome, Probe, Stop, Usage
from autograder.judge.script import Script
from autograder.pipeline import wire
from autograder.pipeline.work import Performed, perform

JOB = Job(
    "ada",
    "streams",
    {"streams.ipynb": "{}"},
    files={"data.bin": bytes(range(256))},
    budget=Budget(cell_s=3.5),
    seed=7,
    probes=(Probe("one", "double", (2, "x")),),
    arena={"runs": [{"name": "a"}]},
    weakest_rung="landlock",
)
JUDGE = """
from autograder.job import Score

def judge(outcome, seed, files):
    right = outcome.answers[0].value == 4 and files["data.bin"][255] == 255
    return [Score("test-a", "right", 2.0 * right, 2.0, "Because.", proof=("first", "second"))]
"""
SCRIPT = Script("judging/streams/judge.py", JUDGE, {("test-a", "right"): 2.0})


def execute(job: Job) -> Outcome:
    """Every question is answered with its first argument, twice."""
    answers = tuple(Answer(probe.name, 2 * probe.arguments[0]) for probe in job.probes)
    stops = (Stop("died", "cell 1", f"The kernel of {job.student} ended."),)
    evidence = ({"run": "a", "entries": [[1, None]]},)
    return Outcome(
        job.student, job.assignment, job.seed, "namespaces", job.notebooks, answers, evidence, stops, Usage(1.5, 0.5, 7)
    )


@pytest.mark.parametrize("script", [SCRIPT, None])
def test_text_says_what_the_objects_say(script: Script | None) -> None:
    """Files, budget, judge, points and proofs: there is no difference to a process of this computer."""
    here = perform(JOB, script, execute)

    assert wire.performed(wire.perform_packed(wire.packed(JOB, script), execute)) == here
    assert (here.scores is None) is (script is None)


def test_judge_that_fails_there_is_told_here() -> None:
    """It is the instructor's own mistake."""
    broken = Script(SCRIPT.where, "def judge(outcome, seed): return 1 / 0", SCRIPT.points)
    made = wire.performed(wire.perform_packed(wire.packed(JOB, broken), execute))

    assert "ZeroDivisionError" in made.trouble


def test_worker_that_fails_says_so_in_text() -> None:
    """An exception would have to be pickled."""

    def fail(_: Job) -> Outcome:
        raise OSError("the disk\nis full")

    with pytest.raises(wire.RemoteError, match="OSError: the disk is full"):
        wire.performed(wire.perform_packed(wire.packed(JOB, None), fail))


@pytest.mark.parametrize("answer", [pickle.dumps(Performed), "[]", "{}", "{", None, json.dumps({"outcome": 3})])
def test_other_answers_are_refused(answer: object) -> None:
    """Nothing is made of them."""
    with pytest.raises(wire.RemoteError, match="makes no sense"):
        wire.performed(answer)
