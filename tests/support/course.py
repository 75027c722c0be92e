"""The course's own assignments: their solutions, and what their judges say of a student's functions."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from autograder.arena import play
from autograder.assignment import read_assignment
from autograder.job import Answer, Job, Outcome, Score
from autograder.judge.script import Script
from tests.support.arena import PlainSession, plain_sessions

COURSE = Path(__file__).parents[2] / "course"
Scores = dict[str, Score]


def solution(assignment: str, notebook: str) -> str:
    """What the solution of a source notebook defines. Its own cluster and its tests are left out."""
    read = json.loads((COURSE / "source" / assignment / notebook).read_text(encoding="utf-8"))
    texts = []
    for cell in read["cells"]:
        marks = cell["metadata"].get("nbgrader", {})
        if cell["cell_type"] == "code" and not marks.get("grade"):
            text = "".join(cell["source"])
            texts.append(text.split("cluster = kit.start(")[0] if cell["id"] == "start" else text)
    return "\n\n".join(texts) + "\n"


def changed(text: str, *changes: tuple[str, str]) -> str:
    """A text with some of it replaced; each must be there."""
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    return text


def empty(assignment: str, notebook: str) -> str:
    """The notebook as it is released: nothing between the marks of a solution."""
    lines, inside = [], False
    for line in solution(assignment, notebook).splitlines():
        if "### BEGIN SOLUTION" in line:
            inside = True
            lines.append(line.replace("### BEGIN SOLUTION", "raise NotImplementedError()"))
        elif "### END SOLUTION" in line:
            inside = False
        elif not inside:
            lines.append(line)
    return "\n".join(lines) + "\n"


def judged(
    assignment: str,
    text: str,
    seed: int = 7,
    run: str | None = None,
    *,
    seeds: int | None = None,
) -> Scores:
    """What a student gets for these functions, by the name of the property. There is no jail: this is our own code.

    Args:
        run: what is played and judged: the name of a run of the arena, "probes", or None for everything.
        seeds: with how many each run is played; None for as many as the assignment says.
    """
    described = read_assignment(COURSE, assignment)
    script = Script.of(described)
    arena = described.arena
    if arena is not None and run is not None:
        runs = [each for each in arena["runs"] if each["name"] == run]
        arena = {**arena, "runs": runs} if runs else None
    if arena is not None and seeds is not None:
        arena = {**arena, "seeds": seeds}
    probes = script.probes(seed) if run in {None, "probes"} else ()
    job = Job("ann", assignment, {}, seed=seed, probes=probes, arena=arena)
    evidence = play(job, plain_sessions(text), apart=False) if job.arena is not None else ()
    outcome = Outcome(job.student, assignment, seed, "none", {}, _answers(job, text), evidence)
    scores = {score.name: score for score in script.judge(outcome, seed)}
    return {name: score for name, score in scores.items() if run is None or not _is_elsewhere(score)}


def _is_elsewhere(score: Score) -> bool:
    """Whether a score is about a run that was not played, or probes that were not asked."""
    return "there was no run of it" in score.reason or "it failed: it was not asked" in score.proof


def _answers(job: Job, text: str) -> tuple[Answer, ...]:
    if not job.probes:
        return ()
    session = PlainSession(text)
    try:
        found = [session.call(each.function, each.arguments, 10.0) for each in job.probes]
    finally:
        session.close()
    return tuple(replace(answer, probe=probe.name) for answer, probe in zip(found, job.probes, strict=True))


def lost(scores: Scores) -> set[str]:
    """The properties that have not all of their points; each has a reason, whether lost or not."""
    assert all(score.reason for score in scores.values())
    return {name for name, score in scores.items() if score.points < score.of}
