"""``autograder report``: a page about the class."""

from __future__ import annotations

from pathlib import Path

from autograder.console.words import opened, parser, say
from autograder.pipeline.course import GradingError


def run(argv: list[str]) -> int:
    """Run the command; returns its exit status."""
    made = parser("report", "Write a page about the class: marks, what was hard, flags, time and memory.")
    made.add_argument("assignment")
    made.add_argument("--output", metavar="FILE", help="where it goes (default: report-ASSIGNMENT.html)")
    options = made.parse(argv)
    course, assignment = opened(options)

    from autograder.pipeline.batch import open_ledger
    from autograder.report import StudentResult, page

    entries = open_ledger(course).latest(assignment.name)
    if not entries:
        raise GradingError(f"Nothing was graded for {assignment.name} yet: `autograder grade {assignment.name}`.")
    results = [
        StudentResult(
            student=entry.student,
            scores=entry.scores,
            flags=entry.flags,
            stops=entry.stops,
            usage=entry.usage,
            rung=entry.rung,
            failure=entry.trouble or ("there was nothing that could be graded" if entry.status == "nothing" else None),
        )
        for entry in sorted(entries.values(), key=lambda each: each.student)
    ]
    path = Path(options.output) if options.output else course.root / f"report-{assignment.name}.html"
    path.write_text(page(assignment.title, results, judging=assignment.judging), encoding="utf-8")
    say(f"Report: {path}")
    return 0
