"""From a quiz's file to a `Quiz`. Whatever is wrong in the file is told in one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from kit.errors import QuizError
from kit.quizzes import typed
from kit.quizzes.fields import Table
from kit.quizzes.model import FEEDBACKS, KINDS, OUTCOMES, Kind, Mistake, Option, Question, Quiz

_CHOICES = ("single choice", "multiple choice")
_MOST_ID_CHARS = 40


class _Loader(yaml.BaseLoader):
    """Every scalar is text, so that ``no`` and ``1.0`` stay what the author wrote; no key comes twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(problem="a field has no name", problem_mark=key.start_mark)
            if key.value in seen:
                raise yaml.MarkedYAMLError(problem=f'"{key.value}:" is there twice', problem_mark=key.start_mark)
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


def read_quiz(path: Path) -> Quiz:
    """Read one file.

    Raises:
        QuizError: it cannot be read, or something in it makes no sense.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise QuizError(f"{path} cannot be read ({error.strerror}): is this the file's name?") from error
    except UnicodeDecodeError as error:
        raise QuizError(f"{path.name} is not in UTF-8: save it again with that encoding.") from error
    return parse_quiz(text, path.stem, path.name)


def parse_quiz(text: str, quiz_id: str, name: str) -> Quiz:
    """Read a quiz from the text of its file.

    Args:
        name: of the file, for messages.

    Raises:
        QuizError: something in it makes no sense.
    """
    table = Table(name, _mapping(text, name))
    title = table.text("title", "CAP, honestly")
    about = table.text("about", "", default="")
    feedback = table.one_of("feedback", FEEDBACKS, "at once")
    may_retry = table.flag("retry", default=True)
    has_keys = table.flag("keys", default=True)
    if not has_keys and feedback != "never":
        table.fail('a quiz without keys cannot give feedback: write "feedback: never".')
    questions = tuple(_question(each, has_keys=has_keys) for each in table.tables("questions", "question", least=1))
    table.end()
    _no_id_twice(name, "questions", [question.id for question in questions])
    return Quiz(quiz_id, title, questions, about, feedback, may_retry, has_keys)


def _mapping(text: str, name: str) -> dict[str, Any]:
    try:
        found = yaml.load(text, _Loader)  # of BaseLoader: it makes texts, lists and mappings
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else "?"
        raise QuizError(
            f'{name}, line {line}: {error.problem}. A text with ": " or " #" in it has to be in quotes, and lines that '
            "belong together begin in one column."
        ) from error
    except (yaml.YAMLError, RecursionError) as error:
        raise QuizError(f"{name} is no YAML: {str(error).splitlines()[0] if str(error) else 'too deep'}.") from error
    if not isinstance(found, dict):
        raise QuizError(f'{name}: a quiz begins with "title: ..." and has a list "questions:".')
    return found


def _question(table: Table, *, has_keys: bool) -> Question:
    question_id = _id(table, "retention")
    table.where = f'{table.where} "{question_id}"'
    kind: Kind = table.one_of("kind", KINDS)
    question = Question(
        question_id,
        kind,
        text=table.text("text", "What happens to a record that has been read?"),
        points=table.number("points", 1, above=0),
        outcomes=_outcomes(table),
    )
    question = (_choice if kind in _CHOICES else _typed)(table, question, has_keys=has_keys)
    options_only = 'it belongs to a choice, and the question is of the kind "' + kind + '"'
    typed_only = f'it belongs to the kinds "number" and "text", and the question is of the kind "{kind}"'
    elsewhere = {"options": options_only, "answer": typed_only, "answers": typed_only, "tolerance": typed_only}
    keys_only = 'the quiz says "keys: no", so nothing may tell the right answer'
    table.end(elsewhere if has_keys else dict.fromkeys(("answer", "answers", "tolerance", "why", "wrong"), keys_only))
    return question


def _outcomes(table: Table) -> tuple[str, ...]:
    outcomes = tuple(table.texts("outcomes")) if table.has("outcomes") else ()
    for each in outcomes:
        if each not in OUTCOMES:
            table.fail(f'there is no outcome "{each}": outcomes are O1 to O{len(OUTCOMES)}.')
    return outcomes


def _choice(table: Table, question: Question, *, has_keys: bool) -> Question:
    options = tuple(_option(each, has_keys=has_keys) for each in table.tables("options", "option", least=2))
    _no_id_twice(table.where, "options", [option.id for option in options])
    num_right = sum(1 for option in options if option.is_right)
    if has_keys and question.kind == "single choice" and num_right != 1:
        table.fail(f'{num_right or "no"} options are right, and a single choice has one: write "right: yes" in one.')
    if has_keys and not num_right:
        table.fail('no option is right: write "right: yes" in each that is.')
    return replace(question, options=options)


def _option(table: Table, *, has_keys: bool) -> Option:
    option_id = _id(table, "a")
    table.where = f'{table.where} "{option_id}"'
    text = table.text("text", "It stays until retention removes it.")
    if not has_keys:
        table.end(dict.fromkeys(("right", "why"), 'the quiz says "keys: no", so nothing may tell the right answer'))
        return Option(option_id, text)
    is_right = table.flag("right", default=False)
    why = table.text("why", "Reading changes nothing in the log.")
    table.end()
    return Option(option_id, text, is_right, why)


def _typed(table: Table, question: Question, *, has_keys: bool) -> Question:
    is_number = question.kind == "number"
    if is_number:
        question = replace(question, unit=table.text("unit", "", default=""))
    if not has_keys:
        return question
    question = replace(
        question,
        answers=tuple(table.texts("answer" if is_number else "answers")),
        tolerance=table.number("tolerance", 0, least=0) if is_number else 0.0,
        why=table.text("why", "why the right answer is right"),
        mistakes=tuple(_mistake(each) for each in table.tables("wrong", "wrong answer", least=0)),
        otherwise=table.text("otherwise", "what to think of after any other wrong answer"),
    )
    _check_keys(table, question)
    return question


def _mistake(table: Table) -> Mistake:
    mistake = Mistake(table.text("answer", "4"), table.text("why", "what is wrong with it"))
    table.end()
    return mistake


def _check_keys(table: Table, question: Question) -> None:
    """Numbers are numbers, and no answer is right and wrong at once."""
    from kit.quizzes.marking import is_right

    if question.kind == "number":
        for each in (*question.answers, *(mistake.answer for mistake in question.mistakes)):
            try:
                typed.number(each)
            except ValueError:
                table.fail(f'the answer "{each}" is no number: write one, or make the question of the kind "text".')
        if len(question.answers) != 1:
            table.fail('a number has one "answer"; "tolerance" says how far others may be off.')
    for mistake in question.mistakes:
        if is_right(question, mistake.answer):
            table.fail(f'the wrong answer "{mistake.answer}" counts as right: change it, or the right one.')


def _id(table: Table, example: str) -> str:
    found = table.text("id", example)
    if not found.replace("-", "").isalnum() or not found.isascii() or len(found) > _MOST_ID_CHARS:
        table.fail(f'"id" is {found!r}: use up to {_MOST_ID_CHARS} letters, digits and "-", as in "id: {example}".')
    return found


def _no_id_twice(where: str, what: str, ids: Sequence[str]) -> None:
    for each in ids:
        if ids.count(each) > 1:
            raise QuizError(f'{where}: two {what} have the id "{each}": give each its own.')
