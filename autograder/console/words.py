"""What all commands say alike, and the options they share."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection, Iterable
from pathlib import Path

from autograder.assignment import Assignment, read_assignment
from autograder.intake.flags import shown
from autograder.pipeline.course import Course, open_course
from kit.console.words import CommandLineError, Parser, did_you_mean, say

__all__ = [
    "SETTLED",
    "CommandLineError",
    "Parser",
    "SomeFailed",
    "astray",
    "chosen",
    "did_you_mean",
    "fail",
    "look_for_folder",
    "nobody",
    "of_gradebook",
    "one_line",
    "one_sentence",
    "opened",
    "parser",
    "say",
    "say_unfinished",
    "unfinished_in",
]


SETTLED = "All that formgrader asked for has been given a mark since, so nobody has to look at this any more."


class SomeFailed(Exception):
    """Done, but some submissions have no marks; the text says how many."""


def parser(command: str, text: str, examples: Iterable[tuple[str, str]] = ()) -> Parser:
    """A command's options, with those that all have."""
    made = Parser(f"autograder {command}", text, examples)
    made.add_argument("--course", metavar="FOLDER", default=".", help="the course's folder (default: this one)")
    return made


def opened(options: argparse.Namespace) -> tuple[Course, Assignment]:
    """The course and the assignment that were named.

    Raises:
        CommandLineError: there is no such assignment.
        CourseError, AssignmentError: one of them cannot be worked with.
    """
    course = open_course(Path(options.course))
    name = options.assignment
    source = course.folder("source", "ANY").parent
    known = sorted(each.name for each in source.iterdir() if each.is_dir()) if source.is_dir() else []
    if name not in known:
        hint = did_you_mean(name, known) or (f"; there are {', '.join(known)}" if known else "")
        raise CommandLineError(f"There is no assignment {shown(name)!r} in source/{hint}.")
    return course, read_assignment(course.root, name)


def chosen(course: Course, assignment: str, wanted: Iterable[str]) -> list[str]:
    """The students that were named, or all who handed in.

    Raises:
        CommandLineError: one of them handed nothing in.
    """
    there = course.students(assignment)
    names = list(dict.fromkeys(wanted))
    for name in names:
        if name not in there:
            raise CommandLineError(f"{shown(name)!r} handed nothing in for {assignment}{did_you_mean(name, there)}.")
    return names or there


def look_for_folder(option: str, path: Path) -> None:
    """Find out that a file cannot be written before the work of an hour, not after it.

    Raises:
        CommandLineError: there is no folder for it.
    """
    if not path.absolute().parent.is_dir() or path.is_dir():
        why = "it is a folder" if path.is_dir() else f"there is no folder {path.absolute().parent}"
        raise CommandLineError(f"{option} {path} cannot be written: {why}.")


def nobody(assignment: str) -> str:
    """What to say where there is no submission at all."""
    return (
        f"Nobody handed anything in for {assignment}: there is no folder submitted/STUDENT/{assignment}. "
        f"`autograder collect {assignment} DOWNLOAD` makes them."
    )


def astray(course: Course) -> list[str]:
    """A line for each folder or notebook in submitted/ that belongs to no assignment, so that nobody looks at it."""
    submitted = course.root / "submitted"
    if course.folder("submitted", "ANY", "STUDENT") != submitted / "STUDENT" / "ANY":
        return []  # this course has its folders in other places
    source = course.folder("source", "ANY").parent
    known = sorted(each.name for each in source.iterdir() if each.is_dir()) if source.is_dir() else []
    lines = []
    for student in sorted(submitted.glob("[!.]*")):
        is_folder = student.is_dir() and not student.is_symlink()
        for each in sorted(student.glob("[!.]*")) if is_folder else [student]:
            name = shown(each.relative_to(course.root).as_posix())
            if is_folder and each.is_dir() and each.name not in known:
                lines.append(
                    f"{name}: there is no such assignment{did_you_mean(each.name, known)}; nobody looks at it."
                )
            elif each.suffix == ".ipynb" and not each.is_dir():
                lines.append(f"{name}: it is in no folder of an assignment's; nobody looks at it.")
    return lines


def unfinished_in(course: Course, assignment: str) -> set[str]:
    """The students for whose work points are still to be given by hand."""
    from autograder.exports import marks

    with course.gradebook() as gradebook:
        found = marks.of_assignment(gradebook.find_assignment(assignment))
    return {student for student, mark in found.items() if mark.is_open}


def say_unfinished(unfinished: Collection[str]) -> None:
    """Say that marks are not the last word, and where they become it; nothing when they are."""
    if number := len(unfinished):
        have = "submission has" if number == 1 else "submissions have"
        say(
            f"To be graded by hand: {number} {have} points that a person gives, in formgrader (`jupyter lab` in the "
            "course's folder); until then they are missing from the marks."
        )


def of_gradebook(error: Exception) -> str:
    """What to say about an error of the gradebook's; empty when it is of something else."""
    kinds = {f"{kind.__module__}.{kind.__name__}" for kind in type(error).__mro__}  # to import them takes a second
    if "nbgrader.api.MissingEntry" in kinds:
        return (
            f"The gradebook does not know what is asked for ({one_sentence(error)}). Is it the one that marks were "
            "written into? `autograder release ASSIGNMENT --force` makes an assignment known."
        )
    if "sqlalchemy.exc.DBAPIError" not in kinds:
        return ""
    told = f"The gradebook cannot be used: {one_sentence(getattr(error, 'orig', error))}."
    if "sqlalchemy.exc.OperationalError" in kinds:  # locked, full, not to be opened: it may be whole
        return f"{told} Try again when no other program uses it and the disk has room."
    return (
        f"{told} Put a copy of the file back. Without one, move it away: `autograder release ASSIGNMENT --force` and "
        "`autograder grade ASSIGNMENT --force` make it again, without the marks that a person gave."
    )


def one_sentence(error: BaseException) -> str:
    """An error's text in one line, without its full stop."""
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__


def one_line(student: str, sentence: str) -> str:
    """A line about a student, safe to show in a terminal."""
    return f"{shown(student)}: {''.join(each if each.isprintable() else ascii(each)[1:-1] for each in sentence)}"


def fail(text: str, *, status: int = 1) -> int:
    """Say what went wrong; returns the exit status."""
    print(f"autograder: {text}", file=sys.stderr, flush=True)
    return status
