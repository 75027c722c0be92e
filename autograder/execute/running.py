"""`execute`: a whole job, from start to outcome."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from autograder import jail
from autograder.deadline import Deadline
from autograder.execute import words
from autograder.execute.session import Session, open_session
from autograder.job import Answer, Job, Outcome, Probe, Stop, Usage

_MOST_IN_VAIN = 2  # calls of one function that take all of their time


def execute(job: Job) -> Outcome:
    """Run a submission; whatever it does is in the outcome, and nothing of it is left behind.

    A jail that is weaker than the job asks for is not used: the outcome then has no rung and one stop, "start".
    """
    began_s = time.monotonic()
    deadline = Deadline(job.budget.total_s)
    sessions: list[Session] = []

    @contextlib.contextmanager
    def recorded(asked: Job, network: jail.Network | None = None) -> Iterator[Session]:
        with open_session(asked, network, deadline=deadline) as session:
            sessions.append(session)
            yield session

    answers: tuple[Answer, ...] = ()
    evidence: tuple[Mapping[str, Any], ...] = ()
    stops: list[Stop] = []
    try:
        if job.arena is not None:
            from autograder.arena import play

            evidence = tuple(play(job, recorded, deadline=deadline))
        if job.arena is None or job.probes:
            answers = _run(job, recorded)
    except jail.JailError as error:
        stops.append(Stop("start", job.assignment, f"Not run: {error}."))
    answers += tuple(Answer(probe.name, error="not asked") for probe in job.probes[len(answers) :])
    stops = _once([stop for session in sessions for stop in session.stops]) + stops
    return Outcome(
        student=job.student,
        assignment=job.assignment,
        seed=job.seed,
        rung=sessions[0].rung if sessions else None,
        notebooks=_executed(job, sessions),
        answers=answers,
        evidence=evidence,
        stops=tuple(stops),
        usage=_usage(sessions, time.monotonic() - began_s),
    )


def _run(job: Job, opened: Any) -> tuple[Answer, ...]:
    """Every notebook in turn, then the probes to the last one's kernel."""
    with opened(job) as session:
        for name in job.notebooks:
            session.run_notebook(name)
        return _asked(session, job.probes)


def _asked(session: Session, probes: Sequence[Probe]) -> tuple[Answer, ...]:
    """The probes' answers. A function that did not end is asked once more and no further: others have points, too."""
    answers, in_vain = [], Counter[str]()
    for probe in probes:
        if in_vain[probe.function] >= _MOST_IN_VAIN:
            answers.append(Answer(probe.name, error=words.NOT_ASKED))
            continue
        num_stops = len(session.stops)
        answers.append(replace(session.call(probe.function, probe.arguments), probe=probe.name))
        in_vain[probe.function] += any(stop.kind == "cell_time" for stop in session.stops[num_stops:])
    return tuple(answers)


def _once(stops: list[Stop]) -> list[Stop]:
    """The time that is up is up for every session of the submission: it is said once."""
    over = [number for number, stop in enumerate(stops) if stop.kind == "total_time"]
    return [stop for number, stop in enumerate(stops) if number not in over[1:]]


def _executed(job: Job, sessions: list[Session]) -> dict[str, str]:
    """Each notebook as the first session that ran it left it."""
    made = dict(job.notebooks)
    for session in reversed(sessions):
        made.update({name: text for name, text in session.notebooks.items() if name in session.ran})
    return made


def _usage(sessions: list[Session], wall_s: float) -> Usage:
    used = [session.usage() for session in sessions]
    cpu_s = round(sum(each.cpu_s or 0.0 for each in used), 3) if used else None
    memory = max((each.memory_bytes or 0 for each in used), default=0)
    return Usage(round(wall_s, 3), cpu_s, memory or None)
