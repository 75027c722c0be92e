"""How an assignment is judged: ``judging/<assignment>/assignment.yaml`` of a course, and the ``judge.py`` beside it.

Both lie outside ``source/``, so that nbgrader never releases them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograder.jail import RUNGS
from autograder.job import Budget
from autograder.quick_imports import quick_imports

if TYPE_CHECKING:
    from autograder.late import LatePolicy
    from autograder.quizzes.graded import GradedQuiz
    from kit.quizzes import Quiz

JUDGINGS = ("evidence", "probes", "asserts")
_MIB = 1024 * 1024
_KNOWN = frozenset({
    "title", "judging", "budget", "weakest_rung", "properties", "quizzes", "arena", "late", "needs_notebooks",
})  # fmt: skip
_BUDGET = {each.name for each in dataclasses.fields(Budget)}
_LATE = frozenset({"grace_hours", "percent_per_day", "by_whole_days", "most_percent"})


class AssignmentError(ValueError):
    """An assignment cannot be graded as it is described. The text says why and what to do, in one line."""


@dataclass(frozen=True, slots=True)
class Property:
    """What points are given for.

    Attributes:
        grade_id: the test cell of the source notebook that the points belong to.
        name: unique within the cell, such as "lost-write".
        points: at most.
    """

    grade_id: str
    name: str
    points: float


@dataclass(frozen=True)
class Assignment:
    """One assignment.

    Attributes:
        name: nbgrader's.
        folder: where assignment.yaml was read.
        title: for people.
        judging: "evidence", "probes" or "asserts".
        budget: what one submission may use.
        weakest_rung: the lowest rung of the jail ladder that is good enough.
        properties: what the judge gives points for; empty for "asserts".
        quizzes: quizzes that count; their points come from the answer files.
        arena: the plan of a run with a cluster, for "evidence".
        late: what handing in late costs; None leaves it to nbgrader_config.py.
        script: the text of judge.py; empty for "asserts", and where only quizzes count.
        needs_notebooks: whether a submission without a notebook is none; not so where other files are graded.
    """

    name: str
    folder: Path
    title: str
    judging: str
    budget: Budget = field(default_factory=Budget)
    weakest_rung: str = "landlock"
    properties: tuple[Property, ...] = ()
    quizzes: tuple[GradedQuiz, ...] = ()
    arena: Mapping[str, Any] | None = None
    late: LatePolicy | None = None
    script: str = ""
    needs_notebooks: bool = True

    @property
    def is_forgeable(self) -> bool:
        """Whether a student's code can give itself points: it can where only tests in its own kernel decide."""
        return self.judging == "asserts"

    def points_of(self) -> dict[str, float]:
        """grade_id -> the points of its properties, or of its quiz, together."""
        points: dict[str, float] = {}
        for each in self.properties:
            points[each.grade_id] = points.get(each.grade_id, 0.0) + each.points
        return points | {each.grade_id: each.quiz.points for each in self.quizzes}


def read_assignment(course: Path, name: str) -> Assignment:
    """Read how ``name`` is judged in the course in the folder ``course``.

    Raises:
        AssignmentError: it is not described, or not well.
    """
    folder = course / "judging" / name
    path = folder / "assignment.yaml"
    where = f"judging/{name}/assignment.yaml"
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise AssignmentError(
            f"There is no {where} in {course}. Write one; 'judging: asserts' in it grades as nbgrader itself does."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise AssignmentError(f"{where} cannot be read: {error}.") from None
    reader = _Reader(where, _parsed(where, text))
    return reader.assignment(name, folder)


def _parsed(where: str, text: str) -> dict[str, Any]:
    import yaml

    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f" (line {mark.line + 1})" if mark else ""
        raise AssignmentError(
            f"{where} is not YAML{line}: {getattr(error, 'problem', None) or 'unreadable'}."
        ) from None
    if not isinstance(value, dict):
        raise AssignmentError(f"{where} must have names with values, such as 'judging: probes'.")
    return value


class _Reader:
    """Takes the file's values one by one, and says where one is wrong."""

    def __init__(self, where: str, values: dict[str, Any]) -> None:
        self._where = where
        self._values = values
        if unknown := sorted(str(key) for key in values.keys() - _KNOWN):
            raise self._error(f"'{unknown[0]}' is not known; known are {', '.join(sorted(_KNOWN))}")

    def assignment(self, name: str, folder: Path) -> Assignment:
        judging = self._one_of("judging", JUDGINGS, None)
        properties = self._properties()
        quizzes = self._quizzes(folder, {each.grade_id for each in properties})
        script = self._script(folder) if judging != "asserts" and (properties or not quizzes) else ""
        if judging == "asserts" and (properties or quizzes):
            what = "properties" if properties else "quizzes"
            raise self._error(f"with 'judging: asserts' the points are those of the test cells; remove '{what}'")
        if judging != "asserts" and not properties and not quizzes:
            raise self._error("'properties' is missing: a list of grade_id, name and points")
        if (self._values.get("arena") is not None) != (judging == "evidence"):
            raise self._error("'arena' belongs to 'judging: evidence', and only there")
        return Assignment(
            name=name,
            folder=folder,
            title=str(self._values.get("title") or name),
            judging=judging,
            budget=self._budget(),
            weakest_rung=self._one_of("weakest_rung", RUNGS, "landlock"),
            properties=properties,
            quizzes=quizzes,
            arena=self._mapping("arena") if judging == "evidence" else None,
            late=self._late(),
            script=script,
            needs_notebooks=self._flag("needs_notebooks", default=True),
        )

    def _error(self, what: str) -> AssignmentError:
        return AssignmentError(f"{self._where}: {what}.")

    def _one_of(self, name: str, allowed: tuple[str, ...], default: str | None) -> str:
        value = self._values.get(name, default)
        if value not in allowed:
            raise self._error(f"'{name}' is {value!r}; it must be one of {', '.join(allowed)}")
        return str(value)

    def _flag(self, name: str, *, default: bool) -> bool:
        value = self._values.get(name, default)
        if not isinstance(value, bool):
            raise self._error(f"'{name}' is {value!r}; it must be true or false")
        return value

    def _mapping(self, name: str) -> dict[str, Any]:
        value = self._values.get(name) or {}
        if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
            raise self._error(f"'{name}' must have names with values")
        return value

    def _budget(self) -> Budget:
        values = dict(self._mapping("budget"))
        for unit in ("memory", "file", "disk", "output"):
            if (mib := values.pop(f"{unit}_mib", None)) is not None:
                values[f"{unit}_bytes"] = int(mib * _MIB) if isinstance(mib, int | float) else mib
        if unknown := sorted(values.keys() - _BUDGET):
            raise self._error(f"the budget '{unknown[0]}' is not known")
        try:
            return Budget(**values)
        except ValueError as error:
            raise self._error(str(error)) from None

    def _properties(self) -> tuple[Property, ...]:
        entries = self._values.get("properties") or []
        if not isinstance(entries, list):
            raise self._error("'properties' must be a list")
        made = tuple(self._property(number, entry) for number, entry in enumerate(entries, 1))
        seen = set()
        for each in made:
            if (each.grade_id, each.name) in seen:
                raise self._error(f"the property '{each.name}' of {each.grade_id} is there twice")
            seen.add((each.grade_id, each.name))
        return made

    def _property(self, number: int, entry: Any) -> Property:
        if not isinstance(entry, dict) or entry.keys() != {"grade_id", "name", "points"}:
            raise self._error(f"property {number} must have grade_id, name and points, and nothing else")
        points = entry["points"]
        if isinstance(points, bool) or not isinstance(points, int | float) or not 0 <= points < float("inf"):
            raise self._error(f"property {number} has {points!r} points; it must be a number, 0 or more")
        return Property(str(entry["grade_id"]), str(entry["name"]), float(points))

    def _quizzes(self, folder: Path, taken: set[str]) -> tuple[GradedQuiz, ...]:
        made: dict[str, GradedQuiz] = {}
        for grade_id, entry in self._mapping("quizzes").items():
            where = f"'quizzes' of {grade_id}"
            if grade_id in taken:
                raise self._error(f"{where}: the cell has 'properties', too; give the quiz a cell of its own")
            if not isinstance(entry, dict) or not {"quiz"} <= entry.keys() <= {"quiz", "attempts", "most"}:
                raise self._error(f"{where} must have quiz (a file), and may have attempts and most")
            graded = self._graded_quiz(folder, grade_id, entry, where)
            if graded.quiz.id in made:
                raise self._error(f"{where}: the quiz {graded.quiz.id} is there twice")
            made[graded.quiz.id] = graded
        return tuple(made.values())

    def _graded_quiz(self, folder: Path, grade_id: str, entry: dict[str, Any], where: str) -> GradedQuiz:
        from autograder.quizzes.graded import GradedQuiz
        from autograder.quizzes.marking import POLICIES

        file, attempts, most = entry["quiz"], entry.get("attempts", "last"), entry.get("most")
        if not isinstance(file, str) or Path(file).name != file or not file.endswith(".yml"):
            raise self._error(f"{where}: {file!r} is no name of a .yml file beside assignment.yaml")
        if attempts not in POLICIES:
            raise self._error(f"{where}: attempts is {attempts!r}; it must be one of {', '.join(POLICIES)}")
        if most is not None and (isinstance(most, bool) or not isinstance(most, int) or most < 1):
            raise self._error(f"{where}: most is {most!r}; it must be a whole number, 1 or more")
        return GradedQuiz(grade_id, file, self._quiz(folder / file, where), attempts, most)

    def _quiz(self, path: Path, where: str) -> Quiz:
        from kit.errors import QuizError
        from kit.quizzes import names, read_quiz

        try:
            quiz = read_quiz(path)
        except QuizError as error:
            raise self._error(f"{where}: {' '.join(str(error).split()).rstrip('.')}") from None
        if not quiz.has_keys:
            raise self._error(f"{where}: {path.name} has no keys; the one with keys lies beside assignment.yaml")
        if quiz.id in names():
            raise self._error(f"{where}: the kit has a quiz {quiz.id!r}, whose answers would be in the same file")
        return quiz

    def _late(self) -> LatePolicy | None:
        if "late" not in self._values:
            return None
        with quick_imports():
            from autograder.late import LatePolicy
        values = self._mapping("late")
        if unknown := sorted(values.keys() - _LATE):
            raise self._error(f"'{unknown[0]}' of 'late' is not known; known are {', '.join(sorted(_LATE))}")
        try:
            return LatePolicy(
                grace_s=3600 * float(values.get("grace_hours", 0)),
                share_per_day=float(values.get("percent_per_day", 10)) / 100,
                by_whole_days=bool(values.get("by_whole_days", True)),
                most_share=float(values.get("most_percent", 100)) / 100,
            )
        except (TypeError, ValueError) as error:
            raise self._error(f"'late': {error}".rstrip(".")) from None

    def _script(self, folder: Path) -> str:
        try:
            return (folder / "judge.py").read_text(encoding="utf-8")
        except FileNotFoundError:
            raise self._error("judge.py must lie beside it, with judge(outcome, seed)") from None
        except (OSError, UnicodeDecodeError) as error:
            raise self._error(f"judge.py cannot be read: {error}") from None
