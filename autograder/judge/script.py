"""A course's ``judge.py``: text that travels with the job, so that it also runs on another machine."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from autograder.assignment import Assignment, AssignmentError
from autograder.job import Outcome, Probe, Score, seed_of

Page = dict[str, Any]  # "source", and "attachments" where there are any

_SLACK = 1e-9  # of points, for sums of floats


class Look(str):
    """One of the sentences of ``flags()``: a person should look, and the submission is counted among those."""

    __slots__ = ()


class JudgeError(Exception):
    """``judge.py`` is wrong, or stopped at this submission. The text is one plain line for the instructor."""


@dataclass(frozen=True)
class Script:
    """The judge of an assignment.

    Attributes:
        where: its path within the course, for messages.
        text: Python; the instructor's, so it is trusted. It defines ``judge(outcome, seed) -> list[Score]`` and,
            where the kernel is asked, ``probes(seed) -> list[Probe]``; for files, see `judge`, `pages` and `flags`.
        points: (grade_id, name of the property) -> the points that it can have, in the order of the assignment.
            Without any there is nothing to judge.
    """

    where: str
    text: str
    points: Mapping[tuple[str, str], float]

    @classmethod
    def of(cls, assignment: Assignment) -> Script:
        """The script of an assignment."""
        points = {(each.grade_id, each.name): each.points for each in assignment.properties}
        return cls(f"judging/{assignment.name}/judge.py", assignment.script, points)

    def check(self, assignment: str) -> None:
        """See before anything runs that the points of judge.py are those of assignment.yaml.

        It judges a submission of which nothing came back; a judge that stops at that may be right about all others.

        Raises:
            AssignmentError: it cannot be loaded, or its properties or points are others.
        """
        if not self.points:
            return
        try:
            function = self._judge()
        except JudgeError as error:
            raise AssignmentError(str(error)) from error
        nothing = Outcome("", assignment, seed_of("", assignment), None, {})
        try:
            scores = list(function(*self._arguments(function, nothing, nothing.seed, {})))
        except Exception:  # noqa: BLE001 - the instructor's own code, asked about a submission that there is not
            return
        for score in scores:
            if isinstance(score, Score) and (wrong := self._wrong_of(score)):
                raise AssignmentError(wrong)

    def probes(self, seed: int) -> tuple[Probe, ...]:
        """What the student's kernel is to be asked.

        Raises:
            JudgeError: the script failed, or two probes have one name.
        """
        function = self._namespace().get("probes")
        if function is None:
            return ()
        made = tuple(self._call(function, seed))
        if not all(isinstance(each, Probe) for each in made):
            raise JudgeError(f"{self.where}: probes() must give a list of Probe.")
        if len({each.name for each in made}) < len(made):
            raise JudgeError(f"{self.where}: two probes have the same name.")
        return made

    def judge(self, outcome: Outcome, seed: int, files: Mapping[str, bytes] | None = None) -> tuple[Score, ...]:
        """The scores of one outcome: one for each property of the assignment, in its order.

        Args:
            files: what was handed in beside the notebooks, for a judge that takes three arguments.

        Raises:
            JudgeError: the script failed, or gave points that the assignment does not have.
        """
        if not self.points:  # only quizzes count
            return ()
        function = self._judge()
        return self._checked(list(self._call(function, *self._arguments(function, outcome, seed, files or {}))))

    def pages(self, files: Mapping[str, bytes], seed: int) -> dict[str, Page]:
        """What is shown to whoever grades by hand, by the grade_id of the text cell that it takes the place of.

        Raises:
            JudgeError: the script failed.
        """
        made = self._optional("pages", files, seed)
        if not all(isinstance(page, dict) and isinstance(page.get("source"), str) for page in made.values()):
            raise JudgeError(f"{self.where}: pages() must give grade_id -> a cell with 'source', and 'attachments'.")
        return {str(grade_id): dict(page) for grade_id, page in made.items()}

    def pictures(self, outcome: Outcome, seed: int) -> dict[str, str]:
        """HTML or SVG that is shown below the reasons of a test cell, by its grade_id. It is not cleaned.

        Raises:
            JudgeError: the script failed.
        """
        made = self._optional("pictures", outcome, seed)
        if not all(isinstance(each, str) for each in made.values()):
            raise JudgeError(f"{self.where}: pictures() must give grade_id -> HTML or SVG.")
        return {str(grade_id): each for grade_id, each in made.items()}

    def flags(self, files: Mapping[str, bytes], seed: int) -> tuple[str, ...]:
        """What the instructor should know about the files, a sentence each; a `Look` asks for a person.

        Raises:
            JudgeError: the script failed.
        """
        function = self._namespace().get("flags")
        made = [] if function is None else self._call(function, files, seed)
        if not isinstance(made, list) or not all(isinstance(each, str) for each in made):
            raise JudgeError(f"{self.where}: flags() must give a list of sentences.")
        return tuple(made)

    def _optional(self, name: str, *arguments: Any) -> dict[Any, Any]:
        function = self._namespace().get(name)
        if function is None:
            return {}
        made = self._call(function, *arguments)
        if not isinstance(made, dict):
            raise JudgeError(f"{self.where}: {name}() must give a dictionary.")
        return made

    def _judge(self) -> Callable[..., Any]:
        function: Callable[..., Any] | None = self._namespace().get("judge")
        if function is None:
            raise JudgeError(f"{self.where} must define judge(outcome, seed).")
        return function

    @staticmethod
    def _arguments(function: Callable[..., Any], *arguments: Any) -> tuple[Any, ...]:
        """As many of them as it takes."""
        return arguments[: len(inspect.signature(function).parameters)]

    def _wrong_of(self, score: Score) -> str:
        """What is wrong with the property that a score is for; empty when nothing is."""
        most = self.points.get((score.grade_id, score.name))
        if most is None:
            return f"{self.where}: {score.grade_id}/{score.name} is no property of assignment.yaml."
        if not (math.isfinite(score.of) and abs(score.of - most) <= _SLACK):
            return (
                f"{self.where} gives {score.grade_id}/{score.name} {score.of:g} points, and assignment.yaml {most:g}: "
                "write the same number in both."
            )
        return ""

    def _checked(self, scores: list[Any]) -> tuple[Score, ...]:
        given: dict[tuple[str, str], Score] = {}
        for score in scores:
            if not isinstance(score, Score):
                raise JudgeError(f"{self.where}: judge() must give a list of Score.")
            if wrong := self._wrong_of(score):
                raise JudgeError(wrong)
            place = (score.grade_id, score.name)
            if place in given:
                raise JudgeError(f"{self.where}: {score.grade_id}/{score.name} was scored twice.")
            most = self.points[place]
            if not (math.isfinite(score.points) and -_SLACK <= score.points <= most + _SLACK):
                raise JudgeError(
                    f"{self.where}: {score.grade_id}/{score.name} has {score.points} points, and can have {most:g}."
                )
            given[place] = score
        if missing := [place for place in self.points if place not in given]:
            raise JudgeError(f"{self.where}: {missing[0][0]}/{missing[0][1]} was not scored.")
        return tuple(given[place] for place in self.points)

    def _namespace(self) -> dict[str, Any]:
        made = _LOADED.get(self.text)
        if made is None:
            module = ModuleType("judge")
            module.__file__ = self.where
            try:
                exec(compile(self.text, self.where, "exec"), module.__dict__)  # the instructor's own code
            except Exception as error:
                raise JudgeError(f"{self.where} cannot be loaded: {_told(error)}") from error
            made = _LOADED[self.text] = module.__dict__
        return made

    def _call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return function(*arguments)
        except Exception as error:
            raise JudgeError(f"{self.where} stopped: {_told(error)}") from error


_LOADED: dict[str, dict[str, Any]] = {}  # by text: a worker judges many submissions


def _told(error: Exception) -> str:
    trace = error.__traceback__
    line = 0
    while trace is not None:
        if trace.tb_frame.f_code.co_filename.endswith("judge.py"):
            line = trace.tb_lineno
        trace = trace.tb_next
    words = " ".join(str(error).split())[:200] or "no message"
    return f"{type(error).__name__}: {words}" + (f" (line {line})." if line else ".")
