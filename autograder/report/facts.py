"""What is known of each student's work, and what follows from it for the class."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from autograder.job import Score, Stop, Usage


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
        needs_human: whether a person should look at it, or has to.
    """

    student: str
    scores: Sequence[Score]
    flags: Sequence[str] = ()
    stops: Sequence[Stop] = ()
    usage: Usage = field(default_factory=Usage)
    rung: str | None = None
    failure: str | None = None
    needs_human: bool = False

    @property
    def points(self) -> float:
        """All points."""
        return sum(score.points for score in self.scores)


@dataclass(frozen=True, slots=True)
class PropertyFacts:
    """One property in the class.

    Attributes:
        num_full, num_part, num_none: students with all of its points, some, none.
        mean_share: of its points, from 0 to 1.
        commonest_reason: why points were lost most often; empty when none were.
        num_commonest: how often that was.
    """

    name: str
    grade_id: str
    num_full: int
    num_part: int
    num_none: int
    mean_share: float
    commonest_reason: str
    num_commonest: int


@dataclass(frozen=True)
class ClassFacts:
    """The class.

    Attributes:
        of: points that could be had.
        points: of each student who was graded, smallest first.
        properties: in the assignment's order.
        rungs: rung -> submissions it held.
        stop_kinds: kind -> submissions with such a stop.
        flagged: student -> lines: flags, stops, failures, and what a person decides about.
        num_for_people: submissions that a person should look at, or has to.
        slowest: (student, seconds), at most ten.
    """

    num_students: int
    of: float
    points: Sequence[float]
    properties: Sequence[PropertyFacts]
    rungs: Mapping[str, int]
    stop_kinds: Mapping[str, int]
    flagged: Mapping[str, Sequence[str]]
    num_for_people: int
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
        flagged={result.student: lines for result in results if (lines := _lines(result))},
        num_for_people=sum(result.needs_human for result in results),
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
    found: dict[tuple[str, str], list[Score]] = {}
    for result in graded:
        for score in result.scores:
            found.setdefault((score.grade_id, score.name), []).append(score)
    return [_property(name, grade_id, scores) for (grade_id, name), scores in found.items()]


def _property(name: str, grade_id: str, scores: Sequence[Score]) -> PropertyFacts:
    full = sum(score.points >= score.of for score in scores)
    none = sum(score.points <= 0 < score.of for score in scores)
    reasons = Counter(score.reason for score in scores if score.points < score.of)
    reason, times = reasons.most_common(1)[0] if reasons else ("", 0)
    shares = [score.points / score.of if score.of else 1.0 for score in scores]
    return PropertyFacts(name, grade_id, full, len(scores) - full - none, none, statistics.fmean(shares), reason, times)
