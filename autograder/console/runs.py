"""Runs of a course: one command at a time that writes marks or files, and which runs of ``grade`` have not ended."""

from __future__ import annotations

import json
import os
import shlex
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from autograder.console.words import CommandLineError, did_you_mean, say
from autograder.intake.flags import shown
from autograder.pipeline.course import Course, GradingError
from autograder.state_file import write_json
from kit import file_lock

Settings = dict[str, Any]
"""The options of a run, with ``began`` and ``since``: older results do not count; both in seconds since 1970.

A run that `remember` has seen also has ``lock``: what stood in the course's lock while it was at work."""

_LOCK = "lock"
_UNFINISHED = "unfinished.json"  # a list of `Settings`, the newest last


@contextmanager
def alone(course: Course, words: str) -> Iterator[None]:
    """One command at a time in a course: two would write into one gradebook, or one take what the other reads.

    Args:
        words: what runs, told to whoever is refused meanwhile.

    Raises:
        GradingError: another one is at work.
    """
    file = os.open(course.state / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            file_lock.lock(file)
        except OSError:
            raise GradingError(
                f"{_holder(file)} is at work in {course.root}; wait until it has ended, or end it with Ctrl-C there."
            ) from None
        os.ftruncate(file, 0)
        os.write(file, json.dumps([words, os.getpid(), time.time()]).encode())
        yield
    finally:
        os.close(file)


def _holder(file: int) -> str:
    try:
        words, process, began = json.loads(os.read(file, 4096))
        return f"`{shown(words)}` (process {process}, since {_clock(began)})"
    except (ValueError, TypeError):  # it has the lock, and has not said yet what it is
        return "Another `autograder`"


def remember(course: Course, run: Settings) -> None:
    """Note that a run has begun; earlier ones that it does all the work of are forgotten."""
    waiting = [each for each in _unfinished(course) if not _covers(run, each)]
    _write(course, [*waiting, run | {"lock": _locked_by(course)}])


def forget(course: Course, run: Mapping[str, Any]) -> None:
    """Note that a run has come to its end, also when some submissions have no marks."""
    _write(course, [each for each in _unfinished(course) if each["began"] != run["began"]])


def waiting(course: Course, assignment: str | None = None) -> list[Settings]:
    """The runs that have not come to their end, the newest first; of one assignment when it is named."""
    there = [each for each in _unfinished(course) if course.folder("source", each["assignment"]).is_dir()]
    return [each for each in reversed(there) if assignment in (None, each["assignment"])]


def pick(course: Course, assignment: str | None) -> Settings:
    """The run that ``resume`` goes on with.

    Raises:
        CommandLineError: there is none.
    """
    runs = waiting(course, assignment)
    if not runs and (others := waiting(course)):
        names = sorted({each["assignment"] for each in others})
        hint = did_you_mean(assignment or "", names) or f"; there is for {', '.join(names)}"
        raise CommandLineError(f"There is nothing to go on with for {shown(assignment or '')}{hint}.")
    if not runs:
        raise CommandLineError(
            "There is nothing to go on with: no `grade` was stopped. `autograder grade ASSIGNMENT` grades what is new."
        )
    return runs[0]


def say_waiting(course: Course, assignment: str | None = None) -> None:
    """Say each of `told_waiting`."""
    for line in told_waiting(course, assignment):
        say(line)


def told_waiting(course: Course, assignment: str | None = None) -> list[str]:
    """A line for each run that is at work or was stopped, and has not come to its end; of one assignment when named."""
    return [_told(run, is_at_work=_is_at_work(course, run)) for run in waiting(course, assignment)]


def command(run: Mapping[str, Any]) -> str:
    """The words that began a run, without what only says how."""
    students = [word for name in run["student"] for word in ("--student", name)]
    return shlex.join(["autograder", "grade", run["assignment"], *students, *(["--force"] if run["since"] else [])])


def described(run: Mapping[str, Any]) -> str:
    """A run's command, and when it began."""
    return f"`{shown(command(run))}` of {_clock(run['began'])}"


def _told(run: Mapping[str, Any], *, is_at_work: bool) -> str:
    if is_at_work:
        return (
            f"At work: {described(run)}. What it has not come to yet has the marks of before, or none; look again when "
            "it has ended."
        )
    return (
        f"Not at its end: {described(run)}. What it had not come to has the marks of before, or none. "
        f"`autograder resume {shown(shlex.quote(run['assignment']))}` goes on with it."
    )


def _is_at_work(course: Course, run: Mapping[str, Any]) -> bool:
    """Whether a run has the course's lock: a run that was stopped leaves its words there, and the lock to others."""
    if not run.get("lock") or run["lock"] != _locked_by(course):
        return False
    try:
        file = os.open(course.state / _LOCK, os.O_RDWR)
    except OSError:  # only to be read: nobody can say
        return False
    try:
        file_lock.lock(file)
    except OSError:
        return True
    finally:
        os.close(file)
    return False


def _locked_by(course: Course) -> str:
    """What whoever had the course's lock last has written there; no two write the same."""
    try:
        return (course.state / _LOCK).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""


def _covers(run: Mapping[str, Any], earlier: Mapping[str, Any]) -> bool:
    """Whether a run does all that an earlier one still had to do."""
    has_its_students = not run["student"] or (earlier["student"] and set(earlier["student"]) <= set(run["student"]))
    return run["assignment"] == earlier["assignment"] and has_its_students and run["since"] >= earlier["since"]


def _unfinished(course: Course) -> list[Settings]:
    try:
        runs: list[Settings] = json.loads((course.state / _UNFINISHED).read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return []
    return runs


def _write(course: Course, runs: list[Settings]) -> None:
    write_json(course.state / _UNFINISHED, runs)


def _clock(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(at))
