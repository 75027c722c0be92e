"""A quiz's file is read as its author meant it, and each mistake in one is told in a sentence."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kit import quizzes
from kit.errors import QuizError
from kit.quizzes.reading import parse_quiz, read_quiz

GOOD = """\
title: Logs
questions:
  - id: read
    kind: single choice
    points: 2
    outcomes: [O1]
    text: Is a record gone when it was read?
    options:
      - id: 1
        text: No
        right: yes
        why: It stays.
      - id: 2
        text: yes
        why: It is no queue.
  - id: how-many
    kind: number
    text: How many?
    answer: 1,000
    tolerance: 0.5
    unit: records
    why: Count them.
    wrong:
      - answer: 10
        why: Two zeros are missing.
    otherwise: Count again.
  - id: name
    kind: text
    text: What is it called?
    answers: [ISR, in-sync replicas]
    why: So it is.
    otherwise: Think of a set.
"""


def broken(old: str, new: str) -> str:
    """The good file with one change in it."""
    assert old in GOOD
    return GOOD.replace(old, new, 1)


def test_file_is_read_as_it_was_written() -> None:
    """YAML's own ideas of numbers, yes and no change no text."""
    quiz = parse_quiz(GOOD, "logs", "logs.yml")
    choice, number, text = quiz.questions

    assert (quiz.title, quiz.feedback, quiz.may_retry, quiz.points) == ("Logs", "at once", True, 4)
    assert [(option.id, option.text, option.is_right) for option in choice.options] == [
        ("1", "No", True),
        ("2", "yes", False),
    ]
    assert (number.answers, number.tolerance, number.unit) == (("1,000",), 0.5, "records")
    assert text.answers == ("ISR", "in-sync replicas")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", 'logs.yml: a quiz begins with "title: ..."'),
        ("- a", 'logs.yml: a quiz begins with "title: ..."'),
        ("title: x", 'logs.yml: "questions" has to be a list'),
        (broken("title: Logs", "titel: Logs"), 'logs.yml: "title" is missing'),
        (broken("title: Logs", "title: Logs\nretries: 2"), '"retries" has no meaning here (did you mean "retry"?)'),
        (broken("title: Logs", "title: Logs\nretry: maybe"), '"retry" is \'maybe\': write "retry: yes" or "retry: no"'),
        (broken("title: Logs", "title: Logs\nfeedback: later"), 'write one of "at once", "at the end", "never"'),
        (broken("title: Logs", "title: Logs\ntitle: Again"), 'logs.yml, line 2: "title:" is there twice'),
        (broken("title: Logs", "title: Logs: and more"), "logs.yml, line 1: mapping values are not allowed here."),
        (broken("title: Logs", "title: Logs\n? [a]\n: b"), "a field has no name"),
        (broken("id: how-many", "id: read"), 'logs.yml: two questions have the id "read"'),
        (broken("id: how-many", "id: how many"), "logs.yml, question 2: \"id\" is 'how many'"),
        (broken("kind: number", "kind: numbers"), '"kind" is \'numbers\': write one of'),
        (broken("    kind: number\n", ""), 'logs.yml, question 2 "how-many": "kind" is missing'),
        (broken("points: 2", "points: 0"), 'question 1 "read": "points" is 0: it has to be above 0'),
        (broken("points: 2", "points: many"), "\"points\" is 'many': write a number"),
        (broken("points: 2", "point: 2"), '"point" has no meaning here (did you mean "points"?)'),
        (broken("[O1]", "[O12]"), 'there is no outcome "O12": outcomes are O1 to O11'),
        (broken("        right: yes\n", ""), "no options are right, and a single choice has one"),
        (broken("        why: It is no queue.", "        right: yes\n        why: x"), "2 options are right"),
        (broken("        why: It is no queue.\n", ""), 'question 1 "read", option 2 "2": "why" is missing'),
        (broken("- id: 2", "- id: 1"), 'two options have the id "1"'),
        (broken("answer: 1,000", "answer: many"), 'question 2 "how-many": the answer "many" is no number'),
        (broken("answer: 1,000", "answer: [1, 2]"), 'a number has one "answer"'),
        (broken("answer: 10\n", "answer: 1000.2\n"), 'the wrong answer "1000.2" counts as right'),
        (broken("tolerance: 0.5", "tolerance: -1"), '"tolerance" is -1: it has to be 0 or more'),
        (broken("    otherwise: Think of a set.\n", ""), 'question 3 "name": "otherwise" is missing'),
        (broken("kind: text\n", "kind: text\n    options: []\n"), "it belongs to a choice, and the question is of"),
        (broken("title: Logs", "title: Logs\nkeys: no"), "a quiz without keys cannot give feedback: write"),
        (
            broken("title: Logs", "title: Logs\nkeys: no\nfeedback: never"),
            'option 1 "1": "right" has no meaning here: the quiz says "keys: no", so nothing may tell the right answer',
        ),
        ("title: [a]\nquestions: []", '"title" is not a text'),
        ("title: a\nquestions: [b]", 'question 1 of "questions" has no fields'),
        ("a: &a [*a]", "logs.yml"),
        ("title: \x00", "logs.yml is no YAML"),
    ],
)  # fmt: skip
def test_mistake_is_told_in_one_sentence(text: str, told: str) -> None:
    """The sentence says which file, which question, and what to write."""
    with pytest.raises(QuizError) as raised:
        parse_quiz(text, "logs", "logs.yml")

    assert told in str(raised.value)
    assert str(raised.value).startswith("logs.yml")
    assert "\n" not in str(raised.value)


def test_file_that_cannot_be_read_is_a_sentence(tmp_path: Path) -> None:
    """No such file, no UTF-8, no such quiz."""
    latin = tmp_path / "latin.yml"
    latin.write_bytes("title: Größe".encode("latin-1"))

    with pytest.raises(QuizError, match=r"none\.yml cannot be read"):
        read_quiz(tmp_path / "none.yml")
    with pytest.raises(QuizError, match=r"latin\.yml is not in UTF-8"):
        read_quiz(latin)
    with pytest.raises(QuizError, match=r"There is no quiz 'cpa'. The kit has cap, "):
        quizzes.load("cpa")
    with pytest.raises(QuizError, match="is no name of a quiz"):
        quizzes.load(5)  # type: ignore[arg-type]


def test_quiz_is_the_same_after_writing_and_reading() -> None:
    """What `written` writes, `parse_quiz` reads."""
    quiz = parse_quiz(GOOD, "logs", "logs.yml")

    assert parse_quiz(quizzes.written(quiz), "logs", "logs.yml") == quiz


def test_example_for_authors_is_a_quiz() -> None:
    """What docs/reference/quizzes.md shows can be copied."""
    page = Path(__file__).parents[3] / "docs" / "reference" / "quizzes.md"
    (example,) = re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), flags=re.DOTALL)

    quiz = parse_quiz(example, "logs", "logs.yml")

    assert [question.id for question in quiz.questions] == ["after-reading", "how-many", "who"]


@pytest.mark.parametrize("name", quizzes.names())
class TestBank:
    """The quizzes that come with the kit."""

    def test_quiz_has_four_to_six_questions_with_outcomes(self, name: str) -> None:
        """Short enough for a break, and each question shows something that the course promises."""
        quiz = quizzes.load(name)

        assert 4 <= len(quiz.questions) <= 6
        assert all(question.outcomes for question in quiz.questions)

    def test_released_quiz_carries_no_keys(self, name: str) -> None:
        """Nothing of the file that is handed out tells right from wrong, by word or by value."""
        quiz = quizzes.load(name)
        text = quizzes.written(quizzes.strip_keys(quiz))
        secrets = [option.why for question in quiz.questions for option in question.options]
        for question in quiz.questions:
            secrets += [question.why, question.otherwise, *(mistake.why for mistake in question.mistakes)]

        released = parse_quiz(text, name, f"{name}.yml")

        assert released == quizzes.strip_keys(quiz)
        assert [secret for secret in secrets if secret and secret in text] == []
        assert "right" not in [line.strip().split(":")[0] for line in text.splitlines()]
        assert [question.answers for question in released.questions] == [()] * len(released.questions)


def test_bank_has_the_eight_quizzes_of_the_course() -> None:
    """Q0 to Q7, one for each lecture that has one."""
    expected = ["cap", "cli", "groups", "messaging", "partitions", "records", "replication", "review"]

    assert quizzes.names() == expected


def test_cap_quiz_begins_with_the_lectures_question() -> None:
    """Four options, and the third is right."""
    first = quizzes.load("cap").questions[0]

    assert [option.id for option in first.options] == ["1", "2", "3", "4"]
    assert first.right_ids == {"3"}
