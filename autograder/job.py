"""What crosses the boundary between the grader and a student's code: a `Job` goes in, an `Outcome` comes back.

Both are data that JSON can hold, so that a job can run in another process or on another machine, and so that nothing a
student's kernel made is ever unpickled by the grader.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Budget:
    """What one submission may use; each is enforced on every rung of the jail ladder unless the rung says otherwise.

    Attributes:
        cell_s: seconds for one cell, or for one call of a probe.
        total_s: seconds for the whole submission.
        memory_bytes: private memory of each process.
        processes: processes and threads at any moment.
        file_bytes: the largest file.
        disk_bytes: all files that it wrote, together.
        output_bytes: all outputs of its cells, together, and any one answer to a probe.
    """

    cell_s: float = 30.0
    total_s: float = 180.0
    memory_bytes: int = 1024 * _MIB
    processes: int = 128
    file_bytes: int = 64 * _MIB
    disk_bytes: int = 256 * _MIB
    output_bytes: int = 1 * _MIB

    def __post_init__(self) -> None:
        for each in dataclasses.fields(self):
            value = getattr(self, each.name)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
                raise ValueError(f"budget {each.name} is {value!r}; it must be a number above 0")


@dataclass(frozen=True, slots=True)
class Probe:
    """One question to the student's kernel, after its cells have run: ``function(*arguments)``, answered in JSON.

    Attributes:
        name: unique within the job.
        function: a name that the notebook defines.
        arguments: what JSON can hold.
    """

    name: str
    function: str
    arguments: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: ``value`` (any JSON), or ``error`` in words, such as "TypeError: ..." or "no answer in 30 s"."""

    probe: str
    value: Any = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """Why a submission did not run as written: a budget that was spent, a kernel that died.

    Attributes:
        kind: "cell_time", "total_time", "memory", "output", "disk", "died", "start".
        where: the notebook, and the cell's place or id, or the probe.
        sentence: one plain line for the instructor.
    """

    kind: str
    where: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What it cost. ``memory_bytes`` is the largest resident set that was seen; None where nobody measured."""

    wall_s: float = 0.0
    cpu_s: float | None = None
    memory_bytes: int | None = None


@dataclass(frozen=True)
class Job:
    """One submission to be run.

    Attributes:
        student, assignment: nbgrader's names.
        notebooks: file name -> sanitized notebook, JSON text.
        files: path with slashes -> content, base64 in JSON. They lie beside the notebook; the notebooks do not.
        budget: what it may use.
        seed: decides all chance: `seed_of`.
        probes: asked in this order after the cells of the last notebook have run.
        arena: the plan for Kafka work (see `autograder.arena`); None when none is needed.
        weakest_rung: the lowest rung of the jail ladder that is good enough.
    """

    student: str
    assignment: str
    notebooks: Mapping[str, str]
    files: Mapping[str, bytes] = field(default_factory=dict)
    budget: Budget = field(default_factory=Budget)
    seed: int = 0
    probes: tuple[Probe, ...] = ()
    arena: Mapping[str, Any] | None = None
    weakest_rung: str = "landlock"


@dataclass(frozen=True)
class Outcome:
    """What running it gave.

    Attributes:
        student, assignment, seed: as in the job.
        rung: the rung of the jail ladder that held it; None when nothing was run.
        notebooks: file name -> executed notebook, JSON text. Cells that were not reached have no outputs and no
            ``execution_count``; one that was begun and not finished ends with an output of type "error".
        answers: one for each probe, in the job's order.
        evidence: one for each run of the arena: what brokers and the harness saw.
        stops: what was cut short, in order.
        usage: what it cost.
    """

    student: str
    assignment: str
    seed: int
    rung: str | None
    notebooks: Mapping[str, str]
    answers: tuple[Answer, ...] = ()
    evidence: tuple[Mapping[str, Any], ...] = ()
    stops: tuple[Stop, ...] = ()
    usage: Usage = field(default_factory=Usage)

    def to_json(self) -> str:
        """The outcome as JSON text; `from_json` reads it back, equal."""
        return json.dumps(dataclasses.asdict(self), ensure_ascii=True, allow_nan=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what `to_json` wrote.

        Raises:
            ValueError, KeyError, TypeError: it is something else.
        """
        made = json.loads(text)
        return cls(
            **{
                **made,
                "answers": tuple(Answer(**each) for each in made["answers"]),
                "evidence": tuple(made["evidence"]),
                "stops": tuple(Stop(**each) for each in made["stops"]),
                "usage": Usage(**made["usage"]),
            }
        )


@dataclass(frozen=True, slots=True)
class Score:
    """Points for one property of a submission, with the reason.

    Attributes:
        grade_id: the cell of the source notebook that the points belong to.
        name: the property, such as "lost-write".
        points, of: what was earned, and what could be.
        reason: one or two plain sentences for the student; also when all points were earned.
        proof: the operations that show the fault, in order, a line each.
        hidden: True when a student sees the points and the reason only after grading.
        needs_human: True when only a person can say; ``points`` are those that are certain already.
    """

    grade_id: str
    name: str
    points: float
    of: float
    reason: str
    proof: tuple[str, ...] = ()
    hidden: bool = True
    needs_human: bool = False


def seed_of(student: str, assignment: str, number: int = 0) -> int:
    """The seed of a student's work: the same each time, different for each student, assignment and number."""
    digest = hashlib.sha256(json.dumps([student, assignment, number]).encode()).digest()
    return int.from_bytes(digest[:6])


def total(scores: Sequence[Score]) -> tuple[float, float]:
    """Points earned, and points that could be."""
    return sum(score.points for score in scores), sum(score.of for score in scores)
