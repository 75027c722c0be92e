"""What a learner may do and is told, for each way in which a quiz gives feedback."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from kit import quizzes
from kit.errors import QuizError
from kit.quizzes.model import Feedback, Quiz
from kit.quizzes.quiz_view import QuizView
from kit.quizzes.sitting import Sitting

FIRST = "what-cap-says"


def cap(feedback: Feedback = "at once", *, may_retry: bool = True) -> Quiz:
    """The quiz of the lecture."""
    return dataclasses.replace(quizzes.load("cap"), feedback=feedback, may_retry=may_retry)


def test_feedback_at_once_comes_when_it_is_asked_for(tmp_path: Path) -> None:
    """An answer alone tells nothing; after a check a new answer takes the mark back."""
    sitting = Sitting(cap(), tmp_path)
    sitting.answer(FIRST, "2")
    assert sitting.marks() == {}

    assert not sitting.check(FIRST).is_right
    assert sitting.score() == "0 of 7 points so far, 1 of 6 checked."
    sitting.answer(FIRST, "3")
    assert sitting.marks() == {}
    assert sitting.check(FIRST).is_right
    assert sitting.score() == "1 of 7 points so far, 1 of 6 checked."


def test_answer_without_retry_is_locked_by_its_check(tmp_path: Path) -> None:
    """Also for a kernel that starts anew; and then the right answer is told."""
    sitting = Sitting(cap(may_retry=False), tmp_path)
    sitting.answer(FIRST, "2")
    sitting.answer(FIRST, "1")
    mark = sitting.check(FIRST)

    again = Sitting(cap(may_retry=False), tmp_path)

    assert len(mark.notes) == 2
    assert again.state()["locked"] == [FIRST]
    with pytest.raises(ValueError, match="cannot be changed any more"):
        again.answer(FIRST, "3")
    assert again.answers() == {FIRST: "1"}


def test_feedback_at_the_end_tells_nothing_before(tmp_path: Path) -> None:
    """Then it tells all, locks all, and opens all when it may be tried again."""
    sitting = Sitting(cap("at the end"), tmp_path)
    sitting.answer(FIRST, "3")
    with pytest.raises(ValueError, match="does not say at once"):
        sitting.check(FIRST)
    assert (sitting.marks(), sitting.score()) == ({}, "1 of 6 answered.")

    sitting.finish()

    assert sitting.marks()[FIRST].is_right
    assert sitting.marks()["no-cut"].word == "Not answered: 0 of 1 point."
    assert sitting.score() == "1 of 7 points."
    with pytest.raises(ValueError, match="finished"):
        sitting.answer(FIRST, "2")
    sitting.try_again()
    sitting.answer(FIRST, "2")
    assert sitting.marks() == {}


@pytest.mark.parametrize("quiz", [cap("never"), quizzes.strip_keys(cap())], ids=["never", "without keys"])
def test_feedback_never_tells_nothing(tmp_path: Path, quiz: Quiz) -> None:
    """Not by marks, not by the score, and there is nothing to finish."""
    sitting = Sitting(quiz, tmp_path)
    sitting.answer(FIRST, "3")

    for action in (lambda: sitting.check(FIRST), sitting.finish):
        with pytest.raises(ValueError, match="This quiz"):
            action()
    assert (sitting.marks(), sitting.score(), sitting.state()["locked"]) == ({}, "1 of 6 answered.", [])


def test_right_answers_are_told_at_the_end_when_there_is_no_second_try(tmp_path: Path) -> None:
    """Also to questions that nobody answered."""
    sitting = Sitting(dataclasses.replace(quizzes.load("groups"), feedback="at the end", may_retry=False), tmp_path)
    sitting.finish()

    marks = sitting.marks()

    assert [note.about for note in marks["working-consumers"].notes] == ["4 consumers"]
    assert [note.about for note in marks["two-groups"].notes] == ["one consumer in each of the groups"]
    assert len(marks["rebalance"].notes) == 3
    with pytest.raises(ValueError, match="finished"):
        sitting.try_again()


def test_other_tabs_answers_appear(tmp_path: Path) -> None:
    """Two notebooks with one quiz: each sees the other's answers with its next one."""
    one, two = Sitting(cap(), tmp_path), Sitting(cap(), tmp_path)
    one.answer(FIRST, "3")
    two.answer("no-cut", "b")

    assert two.answers() == {FIRST: "3", "no-cut": "b"}


def test_answer_that_the_quiz_has_no_more_is_left_alone(tmp_path: Path) -> None:
    """The author changed the options since: the question is open again, and nothing fails."""
    Sitting(cap(), tmp_path).answer(FIRST, "3")
    quiz = cap()
    options = tuple(dataclasses.replace(each, id=f"x{each.id}") for each in quiz.questions[0].options)
    changed = dataclasses.replace(
        quiz, questions=(dataclasses.replace(quiz.questions[0], options=options), *quiz.questions[1:])
    )

    assert Sitting(changed, tmp_path).answers() == {}


def test_browser_never_has_the_keys(tmp_path: Path) -> None:
    """Before a check nothing that is sent to the browser holds an explanation or a right answer."""
    for name in quizzes.names():
        view = QuizView(quizzes.load(name), tmp_path)
        sent = str(view.get_state())
        for question in quizzes.load(name).questions:
            whys = [question.why, question.otherwise, *(option.why for option in question.options)]
            assert [why for why in whys if why and why in sent] == []
            assert "is_right" not in sent
        view.close()


def test_view_does_the_same_by_code_and_as_text(tmp_path: Path) -> None:
    """For terminals and printed pages: the questions, what was chosen, the mark, the score."""
    view = QuizView(cap(), tmp_path)
    view.answer(FIRST, 2)
    said = view.check(FIRST)

    assert said.startswith("Not right: 0 of 1 point.\nThis is how the theorem is often told.")
    assert "[x] 2: Of consistency" in str(view)
    assert "[ ] 3: As long as" in str(view)
    assert str(view).endswith("0 of 7 points so far, 1 of 6 checked.")
    assert str(view) == view._repr_mimebundle_()[0]["text/plain"]
    for action, told in [
        (lambda: view.answer("nothing", "1"), "There is no question 'nothing': the questions are what-cap-says"),
        (lambda: view.answer(FIRST, "7"), "There is no option '7': the options are 1, 2, 3, 4"),
        (lambda: view.check("no-cut"), "Choose an answer first"),
    ]:
        with pytest.raises(QuizError, match=told):
            action()
    view.close()


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ({"do": "answer", "question": "nothing", "answer": "1"}, "There is no question"),
        ({"do": "answer", "question": FIRST, "answer": "<img>"}, "There is no option"),
        ({"do": "check", "question": "no-cut"}, "Choose an answer first"),
        ({"do": "finish"}, "has no end"),
        ({"do": "answer", "question": FIRST, "answer": "3"}, ""),
        ({"do": "nonsense"}, ""),
    ],
)
def test_browser_is_told_what_became_of_its_wish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: dict[str, str], told: str
) -> None:
    """Each message gets an answer with its number; nothing raises in the kernel."""
    view = QuizView(cap(), tmp_path)
    answers: list[dict[str, object]] = []
    monkeypatch.setattr(view, "send", answers.append)

    view._handle_custom_msg({**content, "number": 7, "view": "v"}, None)  # noqa: SLF001  (as a message arrives)

    assert (answers[0]["heard"], answers[0]["view"]) == (7, "v")
    assert told in str(answers[0]["trouble"])
    assert bool(answers[0]["trouble"]) == bool(told)
    view.close()


def test_quiz_can_be_shown_with_another_feedback(tmp_path: Path) -> None:
    """The instructor decides where the quiz is used; a quiz without keys can give none."""
    released = tmp_path / "released.yml"
    released.write_text(quizzes.written(quizzes.strip_keys(cap())), encoding="utf-8")

    view = quizzes.quiz("cap", feedback="never", folder=tmp_path)

    assert view.quiz["feedback"] == "never"
    view.close()
    with pytest.raises(QuizError, match="has no keys"):
        quizzes.quiz(released, feedback="at once", folder=tmp_path)
    with pytest.raises(QuizError, match="is none of"):
        quizzes.quiz("cap", feedback="sometimes", folder=tmp_path)  # type: ignore[arg-type]
