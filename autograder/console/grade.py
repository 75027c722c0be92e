"""``autograder grade``: marks, feedback and a CSV for what is new or has changed."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from autograder.assignment import Assignment
from autograder.console import runs
from autograder.console.kafka_work import CLUSTERS, is_apache, look_for_engine, on_cluster
from autograder.console.settling import say_no_due_date, settle
from autograder.console.showing import Bar
from autograder.console.withdrawn import say_withdrawn, withdrawn
from autograder.console.words import (
    CommandLineError,
    SomeFailed,
    astray,
    chosen,
    look_for_folder,
    nobody,
    one_line,
    opened,
    parser,
    say,
    say_unfinished,
    unfinished_in,
)
from autograder.intake.earlier import is_said, said_of
from autograder.jail import RUNGS, JailError, is_as_strong
from autograder.pipeline.course import Course, GradingError
from autograder.pipeline.ledger import Entry
from autograder.pipeline.pool import BrokenExecutor, LocalPool, Pool, default_workers
from autograder.pipeline.work import Execute

if TYPE_CHECKING:
    from autograder.pipeline.batch import Batch, Progress

_MARKS = "grades.csv"
_TELLS_POINTS = 20  # submissions; of more, only those are shown that there is something to say about


def run(argv: list[str], execute: Execute | None = None) -> int:
    """Run the command; returns its exit status.

    Args:
        execute: a stand-in for `autograder.execute.execute`, in tests.
    """
    made = parser(
        "grade",
        "Grade what was handed in for an assignment and is new or has changed since it was graded.",
        [
            ("autograder grade streams", "everybody, with as many workers as there are cores"),
            ("autograder grade streams --student ada --force", "one student, again"),
            ("autograder grade streams --scheduler tcp://10.0.0.5:8786", "on the workers of a Dask cluster"),
        ],
    )
    made.add_argument("assignment")
    made.add_argument("--student", action="append", default=[], metavar="NAME", help="only this one; more than once")
    made.add_argument("--force", action="store_true", help="also what has not changed")
    made.add_argument("--workers", type=int, metavar="N", help="how many run at a time (default: one for each core)")
    made.add_argument("--scheduler", metavar="ADDRESS", help="of a Dask cluster that runs them instead")
    made.add_argument(
        "--cluster", choices=CLUSTERS,
        help="what Kafka work runs on: the kit's own brokers, or Apache Kafka in containers (default: as assigned)",
    )  # fmt: skip
    made.add_argument(
        "--allow-weaker-jail", metavar="RUNG", choices=RUNGS,
        help=f"be content with this rung of the jail ladder: {', '.join(RUNGS)} (weakest first)",
    )  # fmt: skip
    made.add_argument("--no-feedback", action="store_true", help="write no pages for students")
    made.add_argument("--csv", metavar="FILE", help=f"where the marks go (default: {_MARKS} in the course's folder)")
    options = made.parse(argv)
    if options.workers is not None and not 1 <= options.workers <= 256:
        raise CommandLineError(f"--workers {options.workers} is not possible: choose 1 to 256.")
    course, assignment = opened(options)
    marks = Path(options.csv).absolute() if options.csv else None
    look_for_folder("--csv", marks or course.root / _MARKS)
    began = round(time.time(), 3)
    settings = vars(options) | {"began": began, "since": began if options.force else 0.0, "course": str(course.root)}
    settings["csv"] = marks and str(marks)  # `resume` may be said in another folder, and the course may be moved
    with runs.alone(course, runs.command(settings)):
        return grade(course, assignment, settings, again=True, execute=execute)


def resume(course: Course, named: str | None, execute: Execute | None = None) -> int:
    """Go on with a run that was stopped; what it has done is not done again, not even what failed.

    Args:
        named: its assignment; None for that of the newest run.

    Raises:
        CommandLineError: there is none.
        GradingError: nothing can be graded here, or no more.
        SomeFailed: all was done, but some submissions have no marks.
    """
    with runs.alone(course, " ".join(["autograder resume", *filter(None, [named])])):
        run = runs.pick(course, named)
        say(f"Going on with {runs.described(run)}.")
        course, assignment = opened(argparse.Namespace(**(run | {"course": str(course.root)})))
        there = [name for name in run["student"] if name in course.students(assignment.name)]
        if run["student"] and not there:
            runs.forget(course, run)
            raise GradingError("What it was to grade was withdrawn, so there is nothing to go on with.")
        return grade(course, assignment, run | {"student": there}, again=False, execute=execute)


def grade(
    course: Course, assignment: Assignment, settings: dict[str, Any], *, again: bool, execute: Execute | None
) -> int:
    """Grade, then write pages and marks.

    Raises:
        GradingError: nothing can be graded here.
        SomeFailed: all was done, but some submissions have no marks.
    """
    assignment = on_cluster(assignment, settings.get("cluster"))
    students = chosen(course, assignment.name, settings["student"])
    if not students:
        raise GradingError(nobody(assignment.name))
    runs.remember(course, settings)  # not before: a name that is misspelt must not take the place of a run
    for line in () if settings["student"] else astray(course):
        say(line)
    rung = _weakest_rung(assignment, settings)
    if is_apache(assignment) and execute is None and not settings["scheduler"]:
        look_for_engine()
        settings = settings | {"workers": settings["workers"] or 1}  # more clusters are too much for most computers
    with _pool(settings, len(students), None if execute is not None else rung) as pool:
        from autograder.pipeline.batch import Batch, open_ledger  # takes a second, in which workers start
        from autograder.pipeline.submission import FORGEABLE, Desk

        batch = Batch(Desk(course, assignment, weakest_rung=rung), pool, open_ledger(course), execute)
        progress = batch.choose(students, since=settings["since"], again=again)
        if progress.reasons:
            say(f"To be graded: {_why(progress.reasons)}.")
        if progress.total and execute is None and isinstance(pool, LocalPool):
            _say_jail(pool, assignment)
        _run(batch, progress)
    unfinished = unfinished_in(course, assignment.name)
    _summarize(progress, assignment.name, unfinished)
    settle(course, assignment)
    say_no_due_date(course, assignment)
    say_unfinished(unfinished)
    entries = open_ledger(course).latest(assignment.name)
    say_withdrawn(course, entries, withdrawn(course, assignment.name, entries))
    if progress.total and assignment.is_forgeable:
        say(f"Judged by 'asserts' ({FORGEABLE}).")
    _export(course, settings["csv"])  # before the pages: marks wait for nothing that is only shown
    failures = [] if settings["no_feedback"] else _feedback(course, assignment, students)
    if failed := progress.statuses["failed"]:
        failures.insert(0, f"{failed} of {progress.total} submissions could not be graded; see above.")
    runs.forget(course, settings)
    runs.say_waiting(course)
    if failures:
        raise SomeFailed(" ".join(failures))
    return 0


def _run(batch: Batch, progress: Progress) -> None:
    from_before: list[str] = []
    with Bar("grading", progress.total) as bar:

        def tell(entry: Entry) -> None:
            progress.add(entry)
            from_before.extend([entry.student] if any(map(is_said, entry.flags)) else [])
            for line in _lines(entry, with_points=progress.total <= _TELLS_POINTS):
                bar.say(line)
            bar.advance()

        try:
            batch.run(tell)
        except KeyboardInterrupt:
            bar.say(f"Stopped: {progress.statuses.total()} of {progress.total} are graded and kept.")
            raise
    if from_before:
        say(said_of(sorted(from_before)))


def _feedback(course: Course, assignment: Assignment, students: list[str]) -> list[str]:
    """Write the pages; what went wrong with them, for the marks are there nevertheless."""
    from autograder.console.feedback import write_pages

    try:
        write_pages(course, assignment, students)
    except SomeFailed as error:
        return [str(error)]
    return []


def _weakest_rung(assignment: Assignment, settings: dict[str, Any]) -> str:
    allowed = settings["allow_weaker_jail"]
    return min(assignment.weakest_rung, allowed or assignment.weakest_rung, key=RUNGS.index)


def _say_jail(pool: LocalPool, assignment: Assignment) -> None:
    try:
        held_by = pool.held_by()
    except JailError as error:
        raise GradingError(
            f"{' '.join(str(error).split()).rstrip('.')}. `autograder doctor` says more; "
            "--allow-weaker-jail RUNG would be content with less."
        ) from error
    except BrokenExecutor as error:
        raise GradingError("A worker ended before it had begun; `autograder doctor` may say why.") from error
    weak = not is_as_strong(held_by, assignment.weakest_rung)
    say(f"Jail: {held_by}." + (" This is weaker than the assignment asks for." if weak else ""))


def _pool(settings: dict[str, Any], num_students: int, rung: str | None) -> Pool:
    """The workers; those of this computer begin at once, unless a stand-in runs the jobs and needs no jail."""
    if settings["scheduler"]:
        from autograder.pipeline.scheduler import connected

        pool = connected(settings["scheduler"], settings["workers"], rung)
        if pool.rungs:
            say(f"Jail: {', '.join(pool.rungs)}, on the workers of {settings['scheduler']}.")
        return pool
    local = LocalPool(min(settings["workers"] or default_workers(), num_students))
    if rung is not None:
        local.begin(rung)
    return local


def _lines(entry: Entry, *, with_points: bool) -> list[str]:
    lines = [
        *(line for line in entry.flags if not is_said(line)),
        *entry.stop_lines(),
        *([entry.trouble] if entry.trouble else []),
    ]
    if entry.status == "nothing":
        lines.append("there was nothing that could be graded; 0 points.")
    if entry.status == "graded" and with_points:
        points, of = sum(score.points for score in entry.scores), sum(score.of for score in entry.scores)
        is_open = any(score.needs_human for score in entry.scores)
        certain = f"at least {points:g} of {of:g} points; a person decides about the rest"
        lines.append(f"{certain}." if is_open else f"{points:g} of {of:g} points.")
    return [one_line(entry.student, line) for line in lines]


def _why(reasons: Mapping[str, int]) -> str:
    words = {"new": "{} new", "handed in again": "{} handed in again", "failed before": "{} that failed before"}
    return ", ".join(words.get(why, f"{{}} ({why})").format(number) for why, number in reasons.items())


def _summarize(progress: Progress, assignment: str, unfinished: set[str]) -> None:
    """Say how many there were of each kind: together they are all submissions, but for those to be looked at."""
    kinds = progress.statuses
    humans = len(progress.for_people - (progress.until_marked - unfinished))
    parts = [f"{kinds['graded']} graded"]
    parts += [f"{kinds['nothing']} with nothing to grade (0 points)"] if kinds["nothing"] else []
    parts += [f"{kinds['failed']} not graded"] if kinds["failed"] else []
    parts += [f"{progress.unchanged} unchanged"] if progress.unchanged else []
    say(", ".join(parts) + ".")
    if humans:
        say(f"To be looked at: {humans}. `autograder report {assignment}` lists them with the reasons.")


def _export(course: Course, marks: str | None) -> None:
    from autograder.exports import SafeCsvExport
    from autograder.pipeline.course import quiet_log

    path = Path(marks) if marks else course.root / _MARKS
    with course.gradebook() as gradebook:
        SafeCsvExport(config=course.config, to=str(path), log=quiet_log()).export(gradebook)
    say(f"Marks: {path}")
