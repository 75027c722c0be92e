"""``autograder release``: nbgrader's version for students, and a look at what it tells."""

from __future__ import annotations

from autograder.assignment import Assignment
from autograder.console.runs import alone
from autograder.console.words import opened, parser, say
from autograder.pipeline.course import Course, GradingError


def run(argv: list[str]) -> int:
    """Run the command; returns its exit status."""
    made = parser("release", "Make the version for students, and look that it tells no solution and no hidden test.")
    made.add_argument("assignment")
    made.add_argument("--force", action="store_true", help="make it again")
    options = made.parse(argv)
    course, assignment = opened(options)
    with alone(course, f"autograder release {assignment.name}"):
        _release(course, assignment, force=options.force)
    return 0


def _release(course: Course, assignment: Assignment, *, force: bool) -> None:
    from autograder.pipeline.releasing import leaks, release
    from autograder.pipeline.submission import Desk

    release(course, assignment, force=force)
    found = leaks(course, assignment)
    for line in found:
        say(line)
    if found:
        raise GradingError(f"The release of {assignment.name} tells too much, see above; do not hand it out.")
    Desk(course, assignment)  # complains when its points are not those of the notebook
    say(f"Released: {course.folder('release', assignment.name)}")
