"""What runs of the arena prove, as scores: for a course's ``judge.py`` whose assignment says ``judging: evidence``.

Each checker takes one `Case` and yields a `Finding` for each fault, linear in what happened. `judged` makes scores of
them: the worst of all runs and seeds counts, and its operations are shown.
"""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from autograder.job import Score
from autograder.judge.case import Case
from autograder.judge.consuming import committed_first, committed_unread, poll_skips, repeats, unseen
from autograder.judge.finding import Finding, Found, worst
from autograder.judge.producing import duplicates, nothing_lost, order, partitioning
from autograder.judge.tampering import foreign_records, tampering, writes
from autograder.judge.timeline import picture

Checker = Callable[[Case], Iterable[Finding]]
_SHOWN = 2  # findings whose proof is shown


@dataclass(frozen=True, slots=True)
class Rule:
    """A property of an assignment.

    Attributes:
        grade_id, name, points: as in assignment.yaml.
        checker: finds what is wrong.
        kept: the sentence when nothing is.
        runs: the names of the plan's runs that it is about; None for all.
    """

    grade_id: str
    name: str
    points: float
    checker: Checker
    kept: str
    runs: tuple[str, ...] | None = None


STANDARD: dict[str, tuple[Checker, str]] = {
    "lost-write": (nothing_lost, "Every record is in the log at the end."),
    "duplicate": (duplicates, "No record is in the log twice."),
    "partitioning": (partitioning, "All records of a key are in one partition."),
    "order": (order, "The records of each key are in the order in which they were given."),
    "unseen": (unseen, "Every record was fetched."),
    "poll-skip": (poll_skips, "No reader went past a record."),
    "committed-before-processed": (committed_first, "No offset was committed before its results were stored."),
    "committed-unread": (committed_unread, "No offset was committed that was not read."),
    "repeat": (repeats, "A record that was read again changed no result."),
    "foreign": (foreign_records, "Nothing else was written."),
}
"""Checkers that need nothing but a case, by the name of their property, and what to say when nothing is wrong."""


def judged(
    cases: Sequence[Case], rules: Sequence[Rule], *, administered: Collection[str] = (), reading: Collection[str] = ()
) -> list[Score]:
    """A score for each rule: all of its points, or none with the reason.

    Args:
        administered: names of runs in which the student's functions are to make topics, and so may change them.
        reading: names of runs in which they are only to read: a topic that they make or write to can be a mailbox,
            through which kernels tell one another what they did not count. It costs what those runs are about.

    Whoever tampered with a cluster gets no points for anything: what else was seen there proves nothing. A run that the
    arena itself could not bring to its end gives no points either, and says that it is not the student's fault; other
    runs do. Nor does one that was not played because the submission's time was used up.
    """
    with _no_collecting():
        return _judged(cases, rules, administered, reading)


@contextlib.contextmanager
def _no_collecting() -> Iterator[None]:
    """Nothing here makes cycles, and a collector that walks a growing heap again and again costs a third."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _judged(
    cases: Sequence[Case], rules: Sequence[Rule], administered: Collection[str], reading: Collection[str]
) -> list[Score]:
    problems = [case for case in cases if case.evidence.get("problem") or not case.evidence["is_complete"]]
    bad = [found for case in cases for found in tampering(case, administers=case.evidence["run"] in administered)]
    wrote = {case.name: found for case in cases if case.evidence["run"] in reading and (found := list(writes(case)))}
    return [_score(rule, cases, problems, bad, wrote) for rule in rules]


def _score(
    rule: Rule,
    cases: Sequence[Case],
    problems: Sequence[Case],
    bad: Sequence[Finding],
    wrote: Mapping[str, Sequence[Finding]],
) -> Score:
    if bad:
        reason = f"No points, because the cluster was tampered with. {bad[0].text}"
        return Score(rule.grade_id, rule.name, 0.0, rule.points, reason, _proof(bad))
    about = _about(rule, cases)
    failed = [case for case in problems if case in about]
    if failed or not about:
        which = failed[0].name if failed else "there was no run of it"
        reason = f"Not judged: the arena failed, not you ({which}). Ask for it to be graded again."
        return Score(rule.grade_id, rule.name, 0.0, rule.points, reason)
    if late := [case for case in about if case.evidence.get("not_played")]:
        reason = f"{late[0].evidence['not_played']} ({late[0].name})"
        return Score(rule.grade_id, rule.name, 0.0, rule.points, reason)
    if written := [case for case in about if case.name in wrote]:
        what = wrote[written[0].name]
        reason = f"{what[0].text} So what was seen there proves nothing. ({written[0].name})"
        return Score(rule.grade_id, rule.name, 0.0, rule.points, reason, _proof(what))
    found = [Found.of(rule.checker(case)) for case in about]
    number = worst(found)
    if not found[number].count:
        return Score(rule.grade_id, rule.name, rule.points, rule.points, rule.kept)
    first, count = found[number].kept[0], found[number].count
    more = "" if count == 1 else f" There are {count} faults of this kind."
    reason = f"{first.text}{more} ({about[number].name})"
    return Score(rule.grade_id, rule.name, 0.0, rule.points, reason, _proof(found[number].kept))


def pictures(cases: Sequence[Case], rules: Sequence[Rule]) -> dict[str, str]:
    """By grade_id, a picture of each run that costs points there, with its faults marked: a judge's ``pictures``."""
    costly: dict[str, dict[int, list[Finding]]] = {}
    with _no_collecting():
        for rule in rules:
            if not (about := _about(rule, cases)):
                continue
            found = [Found.of(rule.checker(case)) for case in about]
            number = worst(found)
            if found[number].count:
                of_cell = costly.setdefault(rule.grade_id, {})
                of_cell.setdefault(cases.index(about[number]), []).append(found[number].kept[0])
        drawn = {
            grade_id: "".join(picture(cases[number], findings) for number, findings in of_cell.items())
            for grade_id, of_cell in costly.items()
        }
    return {grade_id: text for grade_id, text in drawn.items() if text}


def _about(rule: Rule, cases: Sequence[Case]) -> list[Case]:
    return [case for case in cases if rule.runs is None or case.evidence["run"] in rule.runs]


def _proof(found: Sequence[Finding]) -> tuple[str, ...]:
    """Each line once: what failed is told with every finding."""
    return tuple(dict.fromkeys(line for each in found[:_SHOWN] for line in each.proof))


def cases_of(
    evidence: Sequence[Mapping[str, Any]], topic: str | Mapping[str, str], results: str | None = None
) -> list[Case]:
    """A case for each run and seed.

    Args:
        topic: what the student wrote to and read; by the name of the run where that differs.
    """
    return [
        Case(
            each,
            topic if isinstance(topic, str) else topic[each["run"]],
            results if results in each["topics"] else None,
        )
        for each in evidence
    ]
