"""What a worker does with one job: run it in a jail, then judge what came out. No gradebook, no course folder."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from autograder.job import Job, Outcome, Score
from autograder.judge.script import JudgeError, Look, Page, Script

Execute = Callable[[Job], Outcome]


@dataclass(frozen=True)
class Performed:
    """What a worker gives back.

    Attributes:
        outcome: what running it gave.
        scores: what it is worth; None where the tests in the notebook decide, or the judge failed.
        trouble: why the judge failed; empty otherwise.
        pages: what is shown to whoever grades by hand, by grade_id.
        pictures: what is shown below the reasons, by grade_id.
        flags: what the instructor should know about the files, a sentence each.
        needs_human: whether one of them asks for a person.
    """

    outcome: Outcome
    scores: tuple[Score, ...] | None = None
    trouble: str = ""
    pages: Mapping[str, Page] = field(default_factory=dict)
    pictures: Mapping[str, str] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    needs_human: bool = False


def perform(job: Job, script: Script | None, execute: Execute | None = None) -> Performed:
    """Run and judge one job; a function of its arguments alone, for any executor.

    Args:
        script: the judge; None for ``judging: asserts``.
        execute: a stand-in for `autograder.execute.execute`, in tests.
    """
    if execute is None:
        from autograder import execute as real

        execute = real.execute
    outcome = execute(job)
    if script is None:
        return Performed(outcome)
    try:
        scores = script.judge(outcome, job.seed, job.files)
        flags = script.flags(job.files, job.seed)
        return Performed(
            outcome,
            scores,
            pages=script.pages(job.files, job.seed),
            pictures=script.pictures(outcome, job.seed),
            flags=tuple(map(str, flags)),
            needs_human=any(isinstance(each, Look) for each in flags),
        )
    except JudgeError as error:
        return Performed(outcome, trouble=str(error))
