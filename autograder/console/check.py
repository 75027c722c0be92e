"""``autograder check``: what the intake says, without running or writing anything."""

from __future__ import annotations

from autograder.console.words import astray, chosen, nobody, one_line, opened, parser, say
from autograder.pipeline.course import GradingError


def run(argv: list[str]) -> int:
    """Run the command; returns its exit status."""
    made = parser("check", "Say what is wrong with submissions. Nothing is run, and nothing is written.")
    made.add_argument("assignment")
    made.add_argument("--student", action="append", default=[], metavar="NAME", help="only this one; more than once")
    options = made.parse(argv)
    course, assignment = opened(options)

    from autograder.intake import ReleaseError, examine
    from autograder.intake.earlier import is_said, said_of
    from autograder.pipeline.released import earlier_releases

    students = chosen(course, assignment.name, options.student)
    for line in astray(course):
        say(line)
    if not students:
        raise GradingError(nobody(assignment.name))
    release = course.folder("release", assignment.name)
    earlier = earlier_releases(course, assignment.name)
    clean = humans = 0
    from_before: list[str] = []
    for student in students:
        try:
            intake = examine(course.folder("submitted", assignment.name, student), release, earlier=earlier)
        except ReleaseError as error:
            raise GradingError(f"{error} `autograder release {assignment.name}` makes the release.") from error
        lines = [line for line in intake.lines() if not is_said(line)]
        for line in lines:
            say(one_line(student, line))
        from_before += [student] if len(lines) < len(intake.lines()) else []
        clean += not lines
        humans += any(flag.needs_human for flag in (*intake.refused, *intake.flags))
    if from_before:
        say(said_of(from_before))
    nothing = "nothing else" if from_before else "nothing"
    say(f"{len(students)} submissions: {clean} with {nothing} to say about, {humans} to be looked at.")
    return 0
