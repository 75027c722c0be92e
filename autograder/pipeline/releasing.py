"""nbgrader's ``generate_assignment``, and a search of what it made for what students must not see."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

from autograder.assignment import Assignment
from autograder.pipeline.course import Course, GradingError, converter_config, quiet_log
from autograder.quick_imports import quick_imports

_SHORTEST = 12  # characters of a line that could not be anywhere by chance
_SECRET = re.compile(r"###\s*BEGIN (SOLUTION|HIDDEN TESTS).*?###\s*END \1", re.DOTALL)
_MARKS = re.compile(r"(BEGIN|END) (SOLUTION|HIDDEN TESTS|MARK SCHEME)")


def release(course: Course, assignment: Assignment, *, force: bool = False) -> None:
    """Make the version for students, and tell the gradebook what is in it.

    Raises:
        GradingError: nbgrader could not.
    """
    with quick_imports():
        from nbgrader.converters import GenerateAssignment
        from nbgrader.converters.base import NbGraderException
    made = course.folder("release", assignment.name)
    if made.is_dir() and not force:
        raise GradingError(f"{assignment.name} is released already, in {made}; --force makes it again.")
    directory = course.directory(assignment_id=assignment.name)
    errors: list[str] = []
    log = quiet_log()
    converter = GenerateAssignment(coursedir=directory, config=converter_config(course), log=log, force=True)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of SQLAlchemy about nbgrader's own use of its database
            converter.start()
    except (NbGraderException, OSError, ValueError) as error:
        errors.append(" ".join(str(error).split()))
    if errors:
        raise GradingError(f"nbgrader could not make the release of {assignment.name}: {errors[0]}")


def leaks(course: Course, assignment: Assignment) -> list[str]:
    """Search every file of a release for solutions, hidden tests, the judge, and keys of quizzes that count.

    Returns:
        One line for each thing that was found; empty when the release tells nothing.
    """
    folder = course.folder("release", assignment.name)
    secrets = sorted(set(_secrets(course, assignment)))
    found = []
    for path in sorted(each for each in folder.rglob("*") if each.is_file()):
        name = path.relative_to(folder).as_posix()
        lines = [line.strip() for line in _lines(path)]
        text = set(lines)
        found += [f"{name} has {what}: {line[:60]!r}" for what, line in secrets if line in text]
        found += [f"{name} has the mark {match.group()!r}" for line in lines if (match := _MARKS.search(line))]
        if name in {"judge.py", "assignment.yaml"}:
            found.append(f"{name} is the judge's")
    return [*found, *_quiz_leaks(course, assignment, folder)]


def _secrets(course: Course, assignment: Assignment) -> Iterator[tuple[str, str]]:
    source = course.folder("source", assignment.name)
    public: set[str] = set()
    secret: list[tuple[str, str]] = []
    for path in source.rglob("*"):
        if path.suffix not in {".ipynb", ".py"} or not path.is_file():
            continue
        text = "\n".join(_lines(path))
        for match in _SECRET.finditer(text):
            what = "a line of a solution" if match.group(1) == "SOLUTION" else "a line of a hidden test"
            secret += [(what, line.strip()) for line in match.group().split("\n")[1:-1]]
        public.update(line.strip() for line in _SECRET.sub("", text).split("\n"))
    yield from ((what, line) for what, line in secret if len(line) >= _SHORTEST and line not in public)
    for line in assignment.script.split("\n"):
        if len(line.strip()) >= 2 * _SHORTEST and line.strip() not in public:
            yield "a line of judge.py", line.strip()


def _lines(path: Path) -> list[str]:
    text = path.read_bytes().decode("utf-8", errors="replace")
    if path.suffix != ".ipynb":
        return text.split("\n")
    try:
        cells = json.loads(text)["cells"]
    except (ValueError, KeyError, TypeError):
        return text.split("\n")
    return [line for cell in cells for line in _source(cell["source"]).split("\n")]


def _source(source: str | Iterable[str]) -> str:
    return source if isinstance(source, str) else "".join(source)


def _quiz_leaks(course: Course, assignment: Assignment, folder: Path) -> list[str]:
    from autograder.quizzes import leaks as leaks_of
    from kit.errors import QuizError
    from kit.quizzes import read_quiz

    found = []
    for path in sorted(course.folder("source", assignment.name).rglob("*.yml")) + sorted(
        assignment.folder.glob("*.yml")
    ):
        try:
            quiz = read_quiz(path)
        except QuizError:
            continue  # another kind of file
        if quiz.has_keys:
            found += leaks_of(quiz, folder)
    return found
