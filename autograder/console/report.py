"""``autograder report``: a page about the class, and the marks in a file that an LMS reads."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from autograder.assignment import Assignment
from autograder.console.runs import say_waiting, told_waiting
from autograder.console.settling import settle_alone
from autograder.console.withdrawn import say_withdrawn, still_known, told, withdrawn
from autograder.console.words import (
    SETTLED,
    look_for_folder,
    opened,
    parser,
    say,
    say_unfinished,
    unfinished_in,
)
from autograder.pipeline.course import Course, GradingError
from autograder.pipeline.ledger import Entry

_EXPORTS = {"csv": "SafeCsvExport", "canvas": "CanvasExport", "moodle": "MoodleExport"}


def run(argv: list[str]) -> int:
    """Run the command; returns its exit status."""
    made = parser(
        "report",
        "Write a page about the class: marks, what was hard, flags, who is like whom, time and memory.",
        [("autograder report streams --export canvas", "and a file with the marks for Canvas")],
    )
    made.add_argument("assignment")
    made.add_argument("--output", metavar="FILE", help="where it goes (default: report-ASSIGNMENT.html)")
    made.add_argument(
        "--export", action="append", default=[], choices=sorted(_EXPORTS), metavar="WHAT",
        help=f"write the marks, too: {', '.join(sorted(_EXPORTS))}; more than once",
    )  # fmt: skip
    options = made.parse(argv)
    course, assignment = opened(options)

    path = Path(options.output) if options.output else course.root / f"report-{assignment.name}.html"
    look_for_folder("--output", path)

    from autograder.pipeline.batch import open_ledger

    entries = still_known(course, open_ledger(course).latest(assignment.name))
    if not entries:
        raise GradingError(f"Nothing was graded for {assignment.name} yet: `autograder grade {assignment.name}`.")
    settle_alone(course, assignment, f"autograder report {assignment.name}")
    unfinished = unfinished_in(course, assignment.name)
    gone = withdrawn(course, assignment.name, entries)
    path.write_text(_page(course, assignment, entries, unfinished, gone), encoding="utf-8")
    say(f"Report: {path}")
    say_unfinished(unfinished)
    say_withdrawn(course, entries, gone)
    say_waiting(course, assignment.name)
    for what in dict.fromkeys(options.export):
        _export(course, assignment, what)
    return 0


def _page(
    course: Course,
    assignment: Assignment,
    entries: Mapping[str, Entry],
    unfinished: set[str],
    gone: Mapping[str, float],
) -> str:
    from autograder.pipeline import review
    from autograder.report import StudentResult, page

    comparison = review.alike(course, assignment, sorted(entries))
    alike = review.flags_of(comparison)
    results = [
        StudentResult(
            student=entry.student,
            scores=entry.scores,
            flags=(
                *entry.flags,
                *([SETTLED] if entry.is_settled(unfinished) else []),
                *([told(course, entry, gone[entry.student])] if entry.student in gone else []),
                *alike.get(entry.student, ()),
            ),
            stops=entry.stops,
            usage=entry.usage,
            rung=entry.rung,
            needs_human=entry.is_to_be_looked_at(unfinished),
            is_unfinished=entry.student in unfinished,
            failure=entry.trouble or ("there was nothing that could be graded" if entry.status == "nothing" else None),
        )
        for _, entry in sorted(entries.items())
    ]
    return page(
        assignment.title,
        results,
        judging=assignment.judging,
        quiz_items=review.quiz_items(course, assignment, sorted(entries)),
        similar=[*(pair.line for pair in comparison.pairs), *comparison.notes],
        warnings=told_waiting(course, assignment.name),
    )


def _export(course: Course, assignment: Assignment, what: str) -> None:
    """Write the marks of one assignment, as `nbgrader export` with this plugin does."""
    from autograder import exports

    path = course.root / f"{what}-{assignment.name}.csv"
    log = logging.getLogger("autograder.exports")
    log.propagate = False
    log.handlers = [_Told()]
    plugin = getattr(exports, _EXPORTS[what])
    with course.gradebook() as gradebook:
        plugin(config=course.config, to=str(path), assignment=[assignment.name], log=log).export(gradebook)
    say(f"Marks: {path}")


class _Told(logging.Handler):
    """What an instructor should know before the file is handed on."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        """Say it."""
        say(record.getMessage())
