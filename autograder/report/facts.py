"""What is known of each student's work, and what follows from it for the class."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from autograder.job import Score, Stop, Usage
from autograder.quizzes.statistics import correlation
from autograder.report.reasons import commonest

_NO_REASON = "No reason was noted."
_FEWEST = 10  # students, below which how one item goes with the rest is chance


@dataclass(frozen=True)
class StudentResult:
    """The result of one submission.

    Attributes:
        student: nbgrader's name.
        scores: one for each property.
        flags: what the intake and the similarity report said, a line each.
        stops: what was cut short.
        usage: what it cost.
        rung: the rung of the jail ladder that held it; None when nothing was run.
        failure: why it could not be graded at all; None when it was.
        needs_human: whether it is to be looked at.
        is_unfinished: whether points of it are still to be given by hand.
    """

    student: str
    scores: Sequence[Score]
    flags: Sequence[str] = ()
    stops: Sequence[Stop] = ()
    usage: Usage = field(default_factory=Usage)
    rung: str | None = None
    failure: str | None = None
    needs_human: bool = False
    is_unfinished: bool = False

    @property
    def points(self) -> float:
        """All points."""
        return sum(score.points for score in self.scores)


@dataclass(frozen=True, slots=True)
class PropertyFacts:
    """One property in the class.

    Attributes:
        label: what it is called where only one name fits; no other property of the assignment has the same.
        num_full, num_part, num_none: students with all of its points, some, none.
        num_open: students for whom a person decides.
        mean_share: of its points, from 0 to 1, where no person decides; None where one always does.
        with_rest: the correlation with the points for all else, from -1 to 1. Near 0 or below, those who did the rest
            do no better here. None when it cannot be told: fewer than 10 students, or all have the same points.
        commonest_reason: why points were lost most often, without what is each student's own; empty when none were.
        num_commonest: how often that was.
    """

    name: str
    grade_id: str
    label: str
    num_full: int
    num_part: int
    num_none: int
    num_open: int
    mean_share: float | None
    with_rest: float | None
    commonest_reason: str
    num_commonest: int


@dataclass(frozen=True)
class ClassFacts:
    """The class.

    Attributes:
        of: points that could be had.
        points: of each student who was graded, smallest first.
        properties: in the order of the notebook.
        rungs: rung -> submissions it held.
        stop_kinds: kind -> submissions with such a stop.
        to_look_at: student -> lines: flags, stops, failures, and what a person decides about; of those submissions
            that `grade` counts under "to be looked at".
        noted: the same of the others, where there is anything to say.
        num_unfinished: submissions with points that are still to be given by hand.
        slowest: (student, seconds), at most ten.
    """

    num_students: int
    of: float
    points: Sequence[float]
    properties: Sequence[PropertyFacts]
    rungs: Mapping[str, int]
    stop_kinds: Mapping[str, int]
    to_look_at: Mapping[str, Sequence[str]]
    noted: Mapping[str, Sequence[str]]
    num_unfinished: int
    slowest: Sequence[tuple[str, float]]

    @property
    def median(self) -> float | None:
        """The middle of the points; None without students."""
        return statistics.median(self.points) if self.points else None

    @property
    def mean(self) -> float | None:
        """The mean of the points; None without students."""
        return statistics.fmean(self.points) if self.points else None


def class_facts(results: Sequence[StudentResult]) -> ClassFacts:
    """Put the results of a class together."""
    graded = [result for result in results if result.failure is None]
    return ClassFacts(
        num_students=len(results),
        of=max((sum(score.of for score in result.scores) for result in graded), default=0.0),
        points=sorted(result.points for result in graded),
        properties=_properties(graded),
        rungs=Counter(result.rung for result in graded if result.rung),
        stop_kinds=Counter(kind for result in results for kind in {stop.kind for stop in result.stops}),
        to_look_at={each.student: _lines(each) or [_NO_REASON] for each in results if each.needs_human},
        noted={each.student: lines for each in results if not each.needs_human and (lines := _lines(each))},
        num_unfinished=sum(result.is_unfinished for result in results),
        slowest=[
            (result.student, result.usage.wall_s)
            for result in sorted(results, key=lambda each: -each.usage.wall_s)[:10]
            if result.usage.wall_s > 0
        ],
    )


def _lines(result: StudentResult) -> list[str]:
    lines = [*([result.failure] if result.failure else []), *result.flags]
    lines += dict.fromkeys(f"{stop.where}: {stop.sentence}" for stop in result.stops)
    if undecided := [score.name for score in result.scores if score.needs_human]:
        lines.append(f"A person decides about {', '.join(undecided)}.")
    return lines


def _properties(graded: Sequence[StudentResult]) -> list[PropertyFacts]:
    found: dict[tuple[str, str], list[tuple[Score, float]]] = {}
    for result in sorted(graded, key=lambda each: -len(each.scores)):  # a notebook that is missing changes no order
        for score in result.scores:
            found.setdefault((score.grade_id, score.name), []).append((score, result.points - score.points))
    labels = _labels(list(found))
    return [_property(*place, labels[place], scores) for place, scores in found.items()]


def _labels(places: Sequence[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """By grade_id and name: the name where that is enough, else the cell, else both."""
    names, cells = Counter(name for _, name in places), Counter(cell for cell, _ in places)
    return {
        (cell, name): name if names[name] == 1 < len(places) else cell if cells[cell] == 1 else f"{cell}: {name}"
        for cell, name in places
    }


def _property(grade_id: str, name: str, label: str, found: Sequence[tuple[Score, float]]) -> PropertyFacts:
    decided = [(score, rest) for score, rest in found if not score.needs_human]
    scores = [score for score, _ in decided]
    full = sum(score.points >= score.of for score in scores)
    none = sum(score.points <= 0 < score.of for score in scores)
    reason, times = commonest(score.reason for score in scores if score.points < score.of)
    shares = [score.points / score.of if score.of else 1.0 for score in scores]
    return PropertyFacts(
        name=name,
        grade_id=grade_id,
        label=label,
        num_full=full,
        num_part=len(scores) - full - none,
        num_none=none,
        num_open=len(found) - len(scores),
        mean_share=statistics.fmean(shares) if shares else None,
        with_rest=correlation(shares, [rest for _, rest in decided]) if len(shares) >= _FEWEST else None,
        commonest_reason=reason,
        num_commonest=times,
    )
