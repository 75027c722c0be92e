"""nbgrader's ``generate_assignment``, and a search of what it made for what students must not see."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from autograder.assignment import Assignment
from autograder.pipeline.course import Course, GradingError
from autograder.pipeline.released import remember_release

if TYPE_CHECKING:
    from kit.quizzes import Quiz

_SHORTEST = 12  # characters of a line that could not be anywhere by chance
_SECRET = re.compile(r"###\s*BEGIN (SOLUTION|HIDDEN TESTS).*?###\s*END \1", re.DOTALL)
_QUIZ = re.compile(r"^questions\s*:", re.MULTILINE)
_MARKS = re.compile(r"(BEGIN|END) (SOLUTION|HIDDEN TESTS|MARK SCHEME)")


def release(course: Course, assignment: Assignment, *, force: bool = False) -> None:
    """Make the version for students, and tell the gradebook what is in it.

    Raises:
        GradingError: nbgrader could not; then the release that is there stays.
    """
    made = course.folder("release", assignment.name)
    if made.is_dir() and not force:
        raise GradingError(f"{assignment.name} is released already, in {made}; --force makes it again.")

    from autograder.pipeline.generating import generate

    def finish(folder: Path) -> None:
        from autograder.quizzes import without_keys

        _strip_quizzes(folder)
        for each in assignment.quizzes:
            (folder / each.file).write_text(without_keys(each.quiz), encoding="utf-8")

    remember_release(course, assignment.name)  # students may have the one that is there, whoever made it
    generate(course, assignment.name, finish)


def _strip_quizzes(folder: Path) -> None:
    """Take keys and explanations out of the quizzes that nbgrader copied from the source."""
    from autograder.quizzes import without_keys

    for path, quiz in _quizzes(folder):
        path.write_text(without_keys(quiz), encoding="utf-8")


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

    broken: list[str] = []
    kept = [*_quizzes(course.folder("source", assignment.name)), *_quizzes(assignment.folder)]
    _quizzes(folder, broken)
    return [*broken, *(line for _, quiz in kept for line in leaks_of(quiz, folder))]


def _quizzes(folder: Path, broken: list[str] | None = None) -> list[tuple[Path, Quiz]]:
    """The quizzes in a folder that have keys; a line for each that cannot be read goes to ``broken``."""
    from kit.errors import QuizError
    from kit.quizzes import read_quiz

    found = []
    for path in sorted(folder.rglob("*.yml")):
        try:
            quiz = read_quiz(path)
        except QuizError as error:
            if broken is not None and _QUIZ.search(path.read_text(encoding="utf-8", errors="replace")):
                words = " ".join(str(error).split())
                broken.append(f"{path.name} looks like a quiz, and its keys cannot be taken out: {words}")
            continue
        if quiz.has_keys:
            found.append((path, quiz))
    return found
