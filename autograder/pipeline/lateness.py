"""What being late costs by what the gradebook has now: marks by hand, due date and extensions change after grading.

nbgrader asks its plugin while it records a notebook, and never again; one that stops there costs a student all points.
So its step is left out of recording (see `converters.Record`), and asked here.

Source: nbgrader 0.9, preprocessors/latesubmissions.py.
"""

from __future__ import annotations

import math
import shlex
import traceback
import warnings
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from autograder.assignment import Assignment
from autograder.intake.flags import shown
from autograder.judge.writing import number
from autograder.pipeline.course import Course, converter_config, quiet_log
from autograder.pipeline.doubts import some_of
from autograder.quick_imports import quick_imports

with quick_imports():
    from nbgrader.api import SubmittedAssignment, SubmittedNotebook
    from nbgrader.preprocessors import AssignLatePenalties

_LEAST = 1e-6  # points: less is the rounding of floats


class PolicyError(Exception):
    """The course's own plugin failed. The text says how, in one line.

    Attributes:
        way: the same for all failures of one kind, whatever the text has of a student's own.
    """

    def __init__(self, text: str, way: str) -> None:
        super().__init__(text)
        self.way = way


class Lateness:
    """The course's policy, asked through nbgrader's own step.

    Args:
        course: whose gradebook is looked at.
        assignment: whose ``late``, where it has one, comes before nbgrader_config.py.
    """

    def __init__(self, course: Course, assignment: Assignment) -> None:
        self._course = course
        self._name = assignment.name
        config = converter_config(course, assignment)
        usual = config.Autograde.get("autograde_preprocessors")
        self._step = AssignLatePenalties(config=config, log=quiet_log())
        is_left_out = isinstance(usual, list) and not any("AssignLatePenalties" in str(each) for each in usual)
        self._is_asked = self._step.enabled and not is_left_out
        self._is_chosen = (
            "plugin_class" in config.AssignLatePenalties or "penalty_method" in config.LateSubmissionPlugin
        )

    def settle(self, student: str | None = None) -> dict[str, str]:
        """Write into the gradebook what being late costs now.

        Args:
            student: only this one's; everybody's when None.

        Returns:
            By student, a line about what has changed; and one for all together at whom the plugin stopped alike, by
            their names: what they lose stays as it was.
        """
        if not self._is_asked:
            return {}
        lines: dict[str, str] = {}
        stopped: defaultdict[str, list[tuple[str, PolicyError]]] = defaultdict(list)
        with warnings.catch_warnings(), self._course.gradebook() as gradebook:
            warnings.simplefilter("ignore")  # of SQLAlchemy about nbgrader's own use of it
            for submission in self._submissions(gradebook, student):
                try:
                    due = self._due(submission)
                except PolicyError as error:
                    stopped[error.way].append((submission.student_id, error))
                    continue
                before = sum(float(each.late_submission_penalty or 0) for each, _ in due)
                for notebook, penalty in due:
                    notebook.late_submission_penalty = penalty or None
                after = sum(penalty for _, penalty in due)
                if abs(after - before) > _LEAST:
                    lines[submission.student_id] = _told(submission, due, before, after)
            gradebook.db.commit()
        return lines | {some_of(name for name, _ in each): self._told_stopped(each[0][1]) for each in stopped.values()}

    def lacks_due_date(self) -> bool:
        """Whether being late is to cost something, but nobody is late, as the gradebook has no due date."""
        if not (self._is_asked and self._is_chosen):
            return False
        with self._course.gradebook() as gradebook:
            return gradebook.find_assignment(self._name).duedate is None

    def due(self, submission: Any) -> float:
        """The points that one submission of the gradebook's loses now, whatever is written there.

        Raises:
            PolicyError: nobody can say.
        """
        if not self._is_asked:
            return float(submission.late_submission_penalty or 0)
        return sum(penalty for _, penalty in self._due(submission))

    def _told_stopped(self, error: PolicyError) -> str:
        return (
            f"{error} What being late costs is as it was before, so nothing for work that is new. Mend it, and "
            f"`autograder grade {shown(shlex.quote(self._name))}` asks it again."
        )

    def _submissions(self, gradebook: Any, student: str | None) -> Iterator[Any]:
        """Those that are late, or have lost points for it."""
        query = gradebook.db.query(SubmittedAssignment).filter(
            SubmittedAssignment.assignment_id == gradebook.find_assignment(self._name).id
        )
        if student is not None:
            query = query.filter(SubmittedAssignment.student_id == student)
        lost = query.join(SubmittedNotebook).filter(SubmittedNotebook.late_submission_penalty.isnot(None))
        charged = {each.id for each in lost}
        for submission in query.order_by(SubmittedAssignment.student_id):
            if submission.id in charged or seconds_late(submission) > 0:
                yield submission

    def _due(self, submission: Any) -> list[tuple[Any, float]]:
        late_s = seconds_late(submission)
        return [(each, self._penalty(submission.student_id, each, late_s)) for each in submission.notebooks]

    def _penalty(self, student: str, notebook: Any, late_s: float) -> float:
        if not late_s > 0:
            return 0.0
        step = self._step
        step.student_id, step.assignment_id, step.notebook_id = student, self._name, notebook.name  # plugins may look
        step.db_url = self._course.db_url
        try:
            step.init_plugin()
            asked = step.plugin_inst.late_submission_penalty(student, notebook.score, late_s)
            penalty = 0.0 if asked is None else float(step._check_late_penalty(notebook, asked))  # noqa: SLF001 - its rules
        except Exception as error:  # the course's own code can fail in any way
            raise self._stopped(error) from error
        if not math.isfinite(penalty):
            text = f"The plugin for late work gave {penalty} points."
            raise PolicyError(text, way=text)
        return penalty

    def _stopped(self, error: Exception) -> PolicyError:
        root = self._course.root
        frames = [
            each for each in traceback.extract_tb(error.__traceback__) if Path(each.filename).is_relative_to(root)
        ]
        where = f" ({Path(frames[-1].filename).relative_to(root)}, line {frames[-1].lineno})" if frames else ""
        kind = type(error).__name__
        words = " ".join(str(error).split())[:200] or "no message"
        return PolicyError(f"The plugin for late work stopped: {kind}: {words}{where}.", way=kind + where)


def seconds_late(submission: Any) -> float:
    """How late one submission of the gradebook's is. An extension of no due date makes nobody late."""
    if submission.assignment.duedate is None:
        return 0.0
    return float(submission.total_seconds_late or 0)


def hours_late(submission: Any) -> str:
    """The same, in words."""
    return f"{seconds_late(submission) / 3600:.1f} hours late"


def _told(submission: Any, due: list[tuple[Any, float]], before: float, after: float) -> str:
    if not after:
        why = "nothing of it is late now" if not seconds_late(submission) else "being late costs nothing now"
        return f"{number(before)} points that were taken off for being late count again: {why}."
    of = sum(float(notebook.score or 0) for notebook, _ in due)
    told = f"{number(after)} of {number(of)} points are taken off now for being {hours_late(submission)}"
    return f"{told}; before, {number(before)} were." if before else f"{told}; before, none were."
