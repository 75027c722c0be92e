"""A quiz as plain text, for terminals, printed pages and whoever reads without the widget."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Mapping

from kit.quizzes.marking import Mark
from kit.quizzes.model import Answer, Question, Quiz

_WIDTH = 88


def printed(
    quiz: Quiz, answers: Mapping[str, Answer] | None = None, marks: Mapping[str, Mark] | None = None, score: str = ""
) -> str:
    """The questions, and what was answered and told so far."""
    head = [quiz.title, *([quiz.about] if quiz.about else [])]
    parts = ["\n".join(head)]
    for place, question in enumerate(quiz.questions, start=1):
        given = (answers or {}).get(question.id)
        parts.append(_question(place, question, given, (marks or {}).get(question.id)))
    return "\n\n".join([*parts, *([score] if score else [])])


def _question(place: int, question: Question, given: Answer | None, mark: Mark | None) -> str:
    lines = [_wrapped(question.text, f"{place}. ")]
    chosen: Collection[str] = (given,) if isinstance(given, str) else given or ()
    for option in question.options:
        box = "[x]" if option.id in chosen else "[ ]"
        lines.append(_wrapped(option.text, f"   {box} {option.id}: "))
    if not question.is_choice:
        lines.append(f"   Answer: {given or '____'} {question.unit}".rstrip())
    if mark is not None:
        lines.append(f"   {mark.word}")
        lines += [_wrapped(f"{note.about}: {note.text}" if note.about else note.text, "   - ") for note in mark.notes]
    return "\n".join(lines)


def _wrapped(text: str, begin: str) -> str:
    paragraphs = text.split("\n")
    rest = " " * len(begin)
    return "\n".join(
        textwrap.fill(each, _WIDTH, initial_indent=begin if number == 0 else rest, subsequent_indent=rest)
        for number, each in enumerate(paragraphs)
    )
