"""``autograder explain STUDENT``: every property, its points and why, and how it was run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from autograder.assignment import AssignmentError, read_assignment
from autograder.console.runs import say_waiting
from autograder.console.words import SETTLED, CommandLineError, did_you_mean, one_line, parser, say
from autograder.intake.flags import shown
from autograder.jail import described
from autograder.judge.writing import number, safe
from autograder.pipeline.course import Course, CourseError, open_course
from autograder.pipeline.ledger import Entry

_SHOWN = 0.005  # points: less is not seen in two digits
_NOT_THERE = "not in the gradebook any more, which counts nothing of this: `autograder grade` puts it there again"


def run(argv: list[str]) -> int:
    """Run the command; returns its exit status."""
    made = parser(
        "explain",
        "Say why a student has these points.",
        [
            ("autograder explain ada", "all assignments"),
            ("autograder explain -- -x streams", "of a student whose name begins with a dash"),
        ],
    )
    made.add_argument("student")
    made.add_argument("assignment", nargs="?")
    options = made.parse(argv)
    course = open_course(Path(options.course))

    from autograder.pipeline.batch import open_ledger

    latest: dict[str, Entry] = {}
    students: set[str] = set()
    assignments: set[str] = set()
    for entry in open_ledger(course).entries():
        students.add(entry.student)
        assignments.add(entry.assignment)
        if entry.student == options.student and options.assignment in (None, entry.assignment):
            latest[entry.assignment] = entry
    if not latest:
        hint = did_you_mean(options.student, students) if options.student not in students else ""
        if options.student in students:
            what = f"{shown(options.assignment)!r}{did_you_mean(options.assignment, assignments)}"
            raise CommandLineError(f"Nothing was graded for {shown(options.student)!r} in {what}.")
        if options.student in assignments:
            hint = f"; that is an assignment: autograder explain STUDENT {options.student}"
        raise CommandLineError(f"Nothing was graded for {shown(options.student)!r}{hint}.")
    with course.gradebook() as gradebook:
        for entry in latest.values():
            found = gradebook.assignment_submissions(entry.assignment)
            submission = next((each for each in found if each.student_id == entry.student), None)
            _explain(entry, _NOT_THERE if submission is None else _counted(course, submission, entry))
            if submission is not None and entry.is_settled({entry.student} if submission.needs_manual_grade else ()):
                say(f"  now: {SETTLED}")
            say_waiting(course, entry.assignment)
    return 0


def _counted(course: Course, submission: Any, entry: Entry) -> str:
    """What the gradebook counts: also what a person gave, and without what being late costs."""
    from autograder.pipeline.lateness import hours_late

    points, penalty = float(submission.score or 0), float(submission.late_submission_penalty or 0)
    text = f"in the gradebook: {_points(max(0.0, points - penalty))} of {_points(float(submission.max_score))} points"
    if penalty:
        text += f"; {_points(penalty)} of {_points(points)} were taken off for being {hours_late(submission)}"
    due = _due(course, submission, entry.assignment)
    if due is not None and abs(due - penalty) >= _SHOWN:
        text += f"; now it would be {number(due)}: `autograder grade {shown(entry.assignment)}` sees to it"
    return text + ("; a part is still to be graded by hand" if submission.needs_manual_grade else "")


def _due(course: Course, submission: Any, assignment: str) -> float | None:
    """What being late costs now; None where nobody can say."""
    from autograder.pipeline.lateness import Lateness, PolicyError

    try:
        return Lateness(course, read_assignment(course.root, assignment)).due(submission)
    except (AssignmentError, CourseError, PolicyError):  # `grade` says what is wrong
        return None


def _explain(entry: Entry, counted: str) -> None:
    from autograder.pipeline.batch import note_of

    points, of = sum(score.points for score in entry.scores), sum(score.of for score in entry.scores)
    if entry.status == "graded":
        earned = f"{_points(points)} of {_points(of)} points"
    else:
        earned = "nothing that could be graded; 0 points" if entry.status == "nothing" else "not graded"
    say(one_line(entry.student, f"{entry.assignment}: {earned}"))
    jail = described(entry.rung) if entry.rung else "nothing was run"
    say(f"  judged by {entry.judging}; jail: {jail}; seed {entry.seed}")
    if counted:
        say(f"  {counted}")
    if note := note_of(entry):
        say(f"  {note}")
    if entry.trouble:
        say(f"  {_plain(entry.trouble)}")
    for score in entry.scores:
        say(
            f"  {_plain(score.grade_id)} / {_plain(score.name)}: {_points(score.points)} of {_points(score.of)}"
            f"{', a person decides' if score.needs_human else ''}. {_plain(score.reason)}"
        )
        for line in score.proof:
            say(f"      {_plain(line)}")
    for line in entry.flags:
        say(f"  flag: {_plain(line)}")
    for line in entry.stop_lines():
        say(f"  stopped: {_plain(line)}")
    usage = entry.usage
    memory = f", {usage.memory_bytes / 1e6:.0f} MB" if usage.memory_bytes else ""
    say(f"  it took {usage.wall_s:.1f} s{memory}")


def _points(points: float) -> str:
    """As grades.csv has them; the rounding of floats is not seen."""
    return f"{round(points, 6):.10g}"


def _plain(text: str) -> str:
    return safe(text).replace("\n", " ")
