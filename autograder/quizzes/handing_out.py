"""A graded quiz as students get it, and a search of what they get for anything that they should not."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from kit.quizzes import Quiz, strip_keys, written

_SHORTEST = 12  # characters of an explanation that could not be anywhere by chance


def without_keys(quiz: Quiz) -> str:
    """The text of the file to hand out: no keys, no explanations, no feedback."""
    return written(strip_keys(quiz))


def leaks(quiz: Quiz, folder: Path) -> list[str]:
    """Search every file of a release for explanations and keys of a graded quiz.

    Returns:
        One line for each file and each thing found in it; empty when the release tells nothing.
    """
    secrets = sorted(set(_secrets(quiz)))
    found = []
    for path in sorted(each for each in folder.rglob("*") if each.is_file() and not each.is_symlink()):
        text = _flat(path.read_bytes().decode("utf-8", errors="replace"))
        for question, secret in secrets:
            if _flat(secret) in text:
                found.append(f"{path.relative_to(folder).as_posix()} tells about {quiz.id}/{question}: {secret[:60]!r}")
        if path.name == f"{quiz.id}.yml" and _has_keys(path):
            found.append(f"{path.relative_to(folder).as_posix()} has keys")
    return found


def _secrets(quiz: Quiz) -> Iterable[tuple[str, str]]:
    for question in quiz.questions:
        explanations = [question.why, question.otherwise, *(option.why for option in question.options)]
        explanations += [mistake.why for mistake in question.mistakes]
        for each in explanations:
            if len(each) >= _SHORTEST:
                yield question.id, each


def _has_keys(path: Path) -> bool:
    from kit.errors import QuizError
    from kit.quizzes import read_quiz

    try:
        return read_quiz(path).has_keys
    except QuizError:
        return True  # what cannot be read is not known to be without keys


def _flat(text: str) -> str:
    r"""Without the line breaks, quotes and escapes that YAML and JSON put into a text."""
    return "".join(character for character in text.replace("\\n", "") if character.isalnum()).casefold()
