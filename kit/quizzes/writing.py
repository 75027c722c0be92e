"""From a `Quiz` back to the text of a file, above all for one without keys."""

from __future__ import annotations

from typing import Any

import yaml

from kit.quizzes import typed
from kit.quizzes.model import Question, Quiz


def written(quiz: Quiz) -> str:
    """The text of a file from which `kit.quizzes.read_quiz` reads the same quiz again."""
    content = {
        "title": quiz.title,
        "about": quiz.about,
        "feedback": quiz.feedback,
        "retry": _flag(quiz.may_retry),
        "keys": _flag(quiz.has_keys),
        "questions": [_question(question, has_keys=quiz.has_keys) for question in quiz.questions],
    }
    return yaml.safe_dump(_filled(content), sort_keys=False, allow_unicode=True, width=100)


def _question(question: Question, *, has_keys: bool) -> dict[str, Any]:
    options = []
    for option in question.options:
        key = {"right": _flag(bool(option.is_right)), "why": option.why} if has_keys else {}
        options.append({"id": option.id, "text": option.text, **key})
    content: dict[str, Any] = {
        "id": question.id,
        "kind": question.kind,
        "text": question.text,
        "points": typed.shown(question.points),
        "outcomes": list(question.outcomes),
        "unit": question.unit,
        "options": options,
        "why": question.why,
        "wrong": [{"answer": each.answer, "why": each.why} for each in question.mistakes],
        "otherwise": question.otherwise,
    }
    if question.kind == "text":
        content["answers"] = list(question.answers)
    elif question.kind == "number" and has_keys:
        content |= {"answer": question.answers[0], "tolerance": repr(question.tolerance)}
    return _filled(content)


def _filled(content: dict[str, Any]) -> dict[str, Any]:
    """Without what is empty; authors write no such lines either."""
    return {name: value for name, value in content.items() if value not in ("", [])}


def _flag(value: bool) -> str:
    return "yes" if value else "no"
