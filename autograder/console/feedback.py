"""``autograder feedback``: nbgrader's pages for students, without hidden tests."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

from autograder.assignment import Assignment
from autograder.console.runs import alone, say_waiting
from autograder.console.settling import settle
from autograder.console.showing import Bar
from autograder.console.words import SomeFailed, chosen, one_line, opened, parser, say
from autograder.pipeline.course import Course, GradingError


def run(argv: list[str]) -> int:
    """Run the command; returns its exit status."""
    made = parser("feedback", "Write the pages for students, where they are missing or older than the marks.")
    made.add_argument("assignment")
    made.add_argument("--student", action="append", default=[], metavar="NAME", help="only this one; more than once")
    made.add_argument("--force", action="store_true", help="also where nothing has changed")
    options = made.parse(argv)
    course, assignment = opened(options)
    students = chosen(course, assignment.name, options.student)
    with alone(course, f"autograder feedback {assignment.name}"):
        settle(course, assignment)
        write_pages(course, assignment, students, force=options.force)
    say_waiting(course, assignment.name)
    return 0


def write_pages(course: Course, assignment: Assignment, students: Sequence[str], *, force: bool = False) -> None:
    """Write the pages that are missing.

    Raises:
        SomeFailed: some could not be written.
    """
    from autograder.pipeline.feedback import Feedback
    from autograder.pipeline.page_makers import PageMakers
    from autograder.pipeline.pool import default_workers

    feedback = Feedback(course, assignment)
    todo = [each for each in students if course.folder("autograded", assignment.name, each).is_dir()]
    if not force:
        todo = feedback.missing(todo)
    failed = 0
    makers = PageMakers(course.root, assignment.name, default_workers())
    with Bar("feedback", len(todo)) as bar, closing(makers.make(todo)) as made:
        for student, plain, error in made:
            if isinstance(error, GradingError):
                raise error
            for name in plain:
                bar.say(one_line(student, f"{name}: its page is plain text, as more would take too long."))
            if error is not None:
                failed += 1
                bar.say(one_line(student, f"no page could be written: {' '.join(str(error).split())[:300]}"))
            bar.advance()
    say(f"Feedback: {len(todo) - failed} written.")
    if failed:
        raise SomeFailed(f"{failed} pages could not be written; see above.")
