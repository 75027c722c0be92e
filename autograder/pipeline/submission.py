"""One submission through the parent's steps: taken in and sanitized before it runs, recorded after it was judged."""

from __future__ import annotations

import functools
import shutil
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from autograder.assignment import Assignment, AssignmentError
from autograder.intake import Intake, Kind, examine
from autograder.intake.times import TIMESTAMP
from autograder.jail import described
from autograder.job import Job, Outcome, Score, seed_of
from autograder.judge.script import Look, Script
from autograder.judge.writing import Notebook, number, test_cells, write_pages, write_scores
from autograder.pipeline import by_hand, converters, notebooks
from autograder.pipeline.course import Course
from autograder.pipeline.harmless import Harmless
from autograder.pipeline.history import are_over, earlier_answers
from autograder.pipeline.lateness import Lateness
from autograder.pipeline.quick_nbgrader import QuickNbgrader
from autograder.pipeline.released import remember_release
from autograder.pipeline.work import Performed

JAIL = "autograder_jail"
"""In the metadata of a recorded notebook: what held it."""
FORGEABLE = "forgeable: these points come from tests in the student's own process, which it can change"


@dataclass(frozen=True)
class Prepared:
    """A submission that is ready to run.

    Attributes:
        job: what goes to a worker; None when there is no notebook that could run.
        intake: what was taken and what is to be said.
        sanitized: file name -> notebook as nbgrader made it.
    """

    student: str
    seed: int
    job: Job | None
    intake: Intake
    sanitized: dict[str, Notebook]


@dataclass(frozen=True)
class Recorded:
    """What went into the gradebook: a score for each property, and what is to be said about recording it.

    ``needs_human``: somebody should look at the files. ``asks_for_marks``: a mark that was given by hand does not fit
    any more, and formgrader asks for another.
    """

    scores: tuple[Score, ...]
    lines: tuple[str, ...] = ()
    needs_human: bool = False
    asks_for_marks: bool = False


class LinkError(Exception):
    """What was handed in lies somewhere else. The text says so, in a few words."""


class Desk:
    """Where one assignment's submissions are prepared and recorded; made once for a batch.

    Raises:
        AssignmentError: the assignment does not fit what was released.
    """

    def __init__(self, course: Course, assignment: Assignment, *, weakest_rung: str | None = None) -> None:
        self.course = replace(course, opener=QuickNbgrader().gradebook)
        self.assignment = assignment
        self.script = None if assignment.is_forgeable else Script.of(assignment)
        self.weakest_rung = weakest_rung or assignment.weakest_rung
        self.release = course.folder("release", assignment.name)
        self._released = {path.name: notebooks.read(path) for path in sorted(self.release.glob("*.ipynb"))}
        if not self._released:
            raise AssignmentError(
                f"{assignment.name} has not been released: run `autograder release {assignment.name}`."
            )
        self._earlier = remember_release(course, assignment.name)
        self._check_points()
        if self.script is not None:
            self.script.check(assignment.name)
        self._check_arena()
        self._check_gradebook()
        self._sanitize = converters.Sanitize(course, assignment)
        self._record = converters.Record(course, assignment)
        self._harmless = Harmless()
        self._lateness = Lateness(self.course, assignment)

    def prepare(self, student: str) -> Prepared:
        """Take in what a student handed in, and sanitize it. It is not run."""
        name = self.assignment.name
        converters.clear(self.course, name, student)
        folder = self.course.folder("submitted", name, student)
        if folder.parent.is_symlink():
            raise LinkError("its folder is a link, and links are not followed")
        intake = examine(folder, self.release, earlier=self._earlier)
        if not self.assignment.needs_notebooks:
            intake = self._with_released(intake)
        seed = seed_of(student, name)
        if not intake.notebooks:
            return Prepared(student, seed, None, intake, {})
        directory = self.course.directory()
        intake.write(Path(directory.format_path(converters.CLEAN, student, name)))
        self._sanitize.run(student, tuple(intake.notebooks))
        work = Path(directory.format_path(converters.WORK, student, name))
        sanitized = {file: notebooks.read(work / file) for file in intake.notebooks}
        return Prepared(student, seed, self._job(student, seed, sanitized, work), intake, sanitized)

    def record(self, prepared: Prepared, performed: Performed) -> Recorded:
        """Write outputs and points into the notebooks, and have nbgrader record them."""
        outcome, scores = performed.outcome, self._with_doubt(prepared, performed.scores)
        lines = list(performed.flags)
        known = by_hand.digests(prepared.intake.files, prepared.sanitized, performed.pages)
        if scores is not None:
            scores = (*scores, *self._quiz_scores(prepared, lines))
        for file, notebook in prepared.sanitized.items():
            if not notebooks.take_outputs(notebook, file, outcome.notebooks.get(file, ""), outcome.stops):
                lines.append(f"{file}: it did not come back from the worker as it was sent; nothing of it counts.")
            lines += [f"{file}: {line}" for line in self._harmless.clean(notebook)]
            notebook["metadata"][JAIL] = _jail(outcome)
            if scores is None:
                lines += notebooks.refuse_forged(notebook)
            else:
                write_scores(notebook, scores, self._note(outcome), performed.pictures)
                write_pages(notebook, performed.pages)
            by_hand.stamp(notebook, known[file])
        made = scores if scores is not None else tuple(self._asserted(prepared))
        marks = by_hand.ByHand(self.course, self.assignment.name, prepared.student)
        told = marks.take_back(known) if self._was_recorded(prepared.student) else []
        self._put(prepared)
        self._leave_open(prepared.student, made)
        told += marks.close()
        self._lateness.settle(prepared.student)  # a plugin that stops is told once, at the end of the run
        needs_human = performed.needs_human or any(isinstance(line, Look) for line in lines)
        return Recorded(made, (*lines, *told), needs_human, asks_for_marks=bool(told))

    def earlier_answers(self, student: str) -> list[bytes]:
        """What counts of earlier submissions: the answers to all quizzes."""
        course, name = self.course, self.assignment.name
        return [each for quiz in self.assignment.quizzes for each in earlier_answers(course, name, student, quiz)]

    def _quiz_scores(self, prepared: Prepared, lines: list[str]) -> list[Score]:
        made = []
        for quiz in self.assignment.quizzes:
            earlier = earlier_answers(self.course, self.assignment.name, prepared.student, quiz)
            found = quiz.found(prepared.intake.files)
            attempts = quiz.sat(earlier, None if found is None else found.content)
            made += quiz.scores(attempts, self.attempts_are_over)
            lines += quiz.troubles(attempts, found)
        return made

    @functools.cached_property
    def attempts_are_over(self) -> bool | None:
        """Whether all due dates of the class have passed; None where there is none, or no quiz."""
        return are_over(self.course, self.assignment.name) if self.assignment.quizzes else None

    def record_nothing(self, student: str, *, is_gone: bool) -> Recorded:
        """Give 0 points where no notebook could be graded; what nobody has run must not keep an older mark.

        Args:
            is_gone: whether there is no work any more: then marks for it that a person gave go, and nobody is shown it.
        """
        name = self.assignment.name
        converters.clear(self.course, name, student)
        with warnings.catch_warnings(), self.course.gradebook() as gradebook:
            warnings.simplefilter("ignore")  # of SQLAlchemy about nbgrader's own use of it
            gradebook.update_or_create_student(student)
            submission = gradebook.update_or_create_submission(name, student)
            for notebook in submission.notebooks:
                for grade in notebook.grades:
                    if is_gone or grade.manual_score is None:  # what failed is found out again: see `by_hand`
                        grade.auto_score = 0
                        grade.needs_manual_grade = grade.manual_score is not None
            gradebook.db.commit()
        is_recorded = is_gone and self._was_recorded(student)
        told = by_hand.ByHand(self.course, name, student).take_back({}) if is_recorded else []
        self._lateness.settle(student)
        for step in ("feedback", "autograded") if is_recorded else ():  # the latter last: it says what to take back
            shutil.rmtree(self.course.folder(step, name, student), ignore_errors=step == "feedback")
        return Recorded((), tuple(told), asks_for_marks=bool(told))

    def _was_recorded(self, student: str) -> bool:
        return self.course.folder("autograded", self.assignment.name, student).is_dir()

    def _with_doubt(self, prepared: Prepared, scores: tuple[Score, ...] | None) -> tuple[Score, ...] | None:
        """Where files are what is graded and one was refused, nothing is zero before a person has looked at it."""
        if scores is None or self.assignment.needs_notebooks or not prepared.intake.refused:
            return scores
        return tuple(replace(score, needs_human=True) if score.points == 0 else score for score in scores)

    def _leave_open(self, student: str, scores: Sequence[Score]) -> None:
        """Let formgrader ask for a mark where only a person can say; a cell of which nothing is certain has none."""
        asked = {score.grade_id for score in scores if score.needs_human}
        if not asked:
            return
        certain = {score.grade_id for score in scores if not score.needs_human}
        with warnings.catch_warnings(), self.course.gradebook() as gradebook:
            warnings.simplefilter("ignore")  # as above
            for notebook in gradebook.find_submission(self.assignment.name, student).notebooks:
                for grade in notebook.grades:
                    if grade.name in asked:
                        grade.needs_manual_grade = True
                        grade.auto_score = grade.auto_score if grade.name in certain else None
            gradebook.db.commit()

    def _with_released(self, intake: Intake) -> Intake:
        """The release's notebooks in the place of those that were not handed in, where files are what is graded."""
        refused = tuple(flag for flag in intake.refused if flag.kind != Kind.MISSING_NOTEBOOK)
        if not intake.files and not refused:
            return intake
        return replace(intake, notebooks={**self._released, **intake.notebooks}, refused=refused)

    def _put(self, prepared: Prepared) -> None:
        name = self.assignment.name
        work = Path(self.course.directory().format_path(converters.WORK, prepared.student, name))
        for file, notebook in prepared.sanitized.items():
            (work / file).write_text(notebooks.text(notebook), encoding="utf-8")
        self._record.run(prepared.student, tuple(prepared.sanitized))
        converters.put_in_place(self.course, name, prepared.student)
        converters.clear(self.course, name, prepared.student)

    def _job(self, student: str, seed: int, sanitized: dict[str, Notebook], work: Path) -> Job:
        texts = {
            file: notebooks.text(
                notebook if self.script is None else notebooks.without_tests(notebook, self._released[file])
            )
            for file, notebook in sanitized.items()
        }
        files = {
            name: (self.release / name if (self.release / name).is_file() else work / name).read_bytes()
            for path in sorted(work.rglob("*"))
            if path.is_file() and path.suffix != ".ipynb" and (name := path.relative_to(work).as_posix()) != TIMESTAMP
        }  # of the course's own files those that students know: nbgrader put the source's there, with keys of quizzes
        files |= {each.file: (self.release / each.file).read_bytes() for each in self.assignment.quizzes}
        return Job(
            student=student,
            assignment=self.assignment.name,
            notebooks=texts,
            files=files,
            budget=self.assignment.budget,
            seed=seed,
            probes=() if self.script is None else self.script.probes(seed),
            arena=self.assignment.arena,
            weakest_rung=self.weakest_rung,
        )

    def _note(self, outcome: Outcome) -> str:
        is_apache = any(each.get("cluster", {}).get("kind") == "docker" for each in outcome.evidence)
        where = ", on Apache Kafka in containers" if is_apache else ""
        return f"Seed {outcome.seed}. Run in the jail {_jail(outcome)}{where}, judged outside it."

    def _asserted(self, prepared: Prepared) -> list[Score]:
        made = []
        for file, released in self._released.items():
            notebook = prepared.sanitized.get(file)
            for cell in test_cells(notebook or released):
                grade_id, of = cell["metadata"]["nbgrader"]["grade_id"], float(cell["metadata"]["nbgrader"]["points"])
                if notebook is None:
                    made.append(Score(grade_id, "tests", 0.0, of, f"{file} was not handed in, or is left out."))
                    continue
                points, of = notebooks.points_of(cell)
                reason = (
                    "The tests of this cell passed." if points == of else "The tests of this cell did not all pass."
                )
                made.append(Score(grade_id, "tests", points, of, reason))
        return made

    def _check_gradebook(self) -> None:
        with self.course.gradebook() as gradebook:
            known = {each.name for each in gradebook.assignments}
        if self.assignment.name not in known:
            raise AssignmentError(
                f"The gradebook does not know {self.assignment.name}: "
                f"`autograder release {self.assignment.name} --force` tells it."
            )

    def _check_arena(self) -> None:
        """A plan that cannot be played, or too little time for it, would be found out by each submission alone."""
        if self.assignment.arena is None:
            return
        from autograder.arena.plan import Plan, PlanError

        where = f"judging/{self.assignment.name}/assignment.yaml"
        try:
            needed_s = Plan.read(self.assignment.arena).longest_s
        except PlanError as error:
            raise AssignmentError(f"{where}: the arena cannot be played: {error}.") from error
        if self.assignment.budget.total_s < needed_s:
            raise AssignmentError(
                f"{where}: the steps of the arena may take {number(needed_s)} s together, and the budget's total_s is "
                f"{number(self.assignment.budget.total_s)}: who waits in one would be cut off in another. "
                f"Give it more than {number(needed_s)}."
            )

    def _check_points(self) -> None:
        """Each test cell has the points of its properties, and the other way round; else some would be lost unseen."""
        if self.assignment.is_forgeable:
            return
        cells = {
            cell["metadata"]["nbgrader"]["grade_id"]: float(cell["metadata"]["nbgrader"]["points"])
            for notebook in self._released.values()
            for cell in test_cells(notebook)
            if float(cell["metadata"]["nbgrader"]["points"]) > 0  # one for the student alone needs no property
        }
        properties = self.assignment.points_of()
        where = f"judging/{self.assignment.name}/assignment.yaml"
        for grade_id in sorted(cells.keys() | properties.keys()):
            if grade_id not in cells:
                raise AssignmentError(f"{where}: there is no test cell '{grade_id}' in the release.")
            if grade_id not in properties:
                raise AssignmentError(f"{where}: the test cell '{grade_id}' has no properties, so no points.")
            if abs(cells[grade_id] - properties[grade_id]) > 1e-9:
                raise AssignmentError(
                    f"{where}: '{grade_id}' has {number(cells[grade_id])} points in the notebook and "
                    f"{number(properties[grade_id])} here."
                )


def _jail(outcome: Outcome) -> str:
    return described(outcome.rung or "none")
