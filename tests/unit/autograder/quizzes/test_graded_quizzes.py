"""Graded quizzes: what is handed out, hostile answer files, attempts, and what a class says about the questions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from autograder.quizzes import (
    Attempt,
    GradedQuiz,
    SheetError,
    counted,
    items,
    leaks,
    marked,
    read_answers,
    scores,
    without_keys,
)
from autograder.quizzes.telling import told
from kit import quizzes

QUIZ = quizzes.load("cap")
RIGHT = {
    question.id: sorted(question.right_ids) if question.kind == "multiple choice"
    else next(iter(question.right_ids)) if question.is_choice
    else question.answers[0]
    for question in QUIZ.questions
}  # fmt: skip


def sheet(answers: object, quiz: str = "cap") -> bytes:
    """An answer file as the kit's quiz writes it."""
    if isinstance(answers, dict):
        answers = {question: {"answer": answer, "checked": True, "tries": 1} for question, answer in answers.items()}
    return json.dumps({"quiz": quiz, "answers": answers, "finished": True}).encode()


def wrong(question_id: str) -> str:
    """An option that is not right."""
    question = QUIZ.question(question_id)
    return next(option.id for option in question.options if not option.is_right)


class TestReadingAnswers:
    """Files of strangers."""

    @pytest.mark.parametrize(
        ("content", "says"),
        [
            (b"", "is empty"),
            (b"{", "breaks off"),
            (b"[1]", "not one that a quiz wrote"),
            (b'{"quiz": "cap", "answers": []}', "not one that a quiz wrote"),
            (sheet({}, quiz="groups"), "of the quiz 'groups'"),
            (b'{"quiz": "cap", "answers": {"a": ' + b"[" * 5_000, "brackets within brackets"),
            (b'{"quiz": "cap", "answers": {}, "x": "' + b"a" * 600_000 + b'"}', "bytes"),
            (b"\x80\x04\x95cos\nsystem\n", "is no JSON"),
        ],
        ids=["empty", "cut", "a list", "answers a list", "another quiz", "deep", "long", "a pickle"],
    )
    def test_a_file_that_is_none_is_refused_in_a_sentence(self, content: bytes, says: str) -> None:
        """Nothing but the answers that the kit writes is read."""
        with pytest.raises(SheetError, match=says):
            read_answers(content, "cap")

    def test_one_answer_that_is_none_costs_no_other(self) -> None:
        """A number is the text that was meant; an object is left out; both are told, and tries do not matter."""
        answers: dict[str, dict[str, object]] = {
            name: {"answer": answer, "tries": "many"} for name, answer in RIGHT.items()
        }
        first, second = list(answers)[:2]
        answers[first] = {"answer": {"right": True}}
        answers[second] = {"answer": 2}
        read = read_answers(json.dumps({"quiz": "cap", "answers": answers}).encode(), "cap")
        assert read.given == {name: read.given[name] for name in list(RIGHT)[2:]} | {second: "2"}
        assert read.troubles == (
            f"The answer to {first!r} was left out: it is neither a text nor a list of texts.",
            f"The answer to {second!r} has a number where a text belongs; it was taken as the text.",
        )
        attempt = marked(QUIZ, Attempt(json.dumps({"quiz": "cap", "answers": answers}).encode()))
        lost = QUIZ.question(first).points + QUIZ.question(second).points
        assert attempt.points == QUIZ.points - lost
        assert read.troubles[0] in attempt.trouble

    def test_what_a_student_writes_about_the_own_marks_does_not_count(self) -> None:
        """Points come from the answers alone."""
        content = json.dumps(
            {"quiz": "cap", "answers": {}, "finished": True, "points": 99, "score": {"what-cap-says": 1}}
        ).encode()
        assert marked(QUIZ, Attempt(content)).points == 0


class TestMarking:
    """Points and reasons."""

    def test_right_answers_have_all_points_and_none_has_none(self) -> None:
        """The two ends."""
        assert marked(QUIZ, Attempt(sheet(RIGHT))).points == QUIZ.points
        nothing = marked(QUIZ, Attempt(None))
        assert nothing.points == 0
        assert "answers/cap.json" in nothing.trouble

    def test_a_wrong_answer_loses_its_own_points_and_the_reason_is_the_explanation(self) -> None:
        """The others keep theirs."""
        chosen = wrong("what-cap-says")
        attempt = marked(QUIZ, Attempt(sheet({**RIGHT, "what-cap-says": chosen})))
        lost = {score.name: score for score in scores(QUIZ, "quiz-cap", [attempt])}
        assert attempt.points == QUIZ.points - QUIZ.question("what-cap-says").points
        explained = next(option.why for option in QUIZ.question("what-cap-says").options if option.id == chosen)
        assert any(explained in line for line in lost["cap/what-cap-says"].proof)
        assert sum(score.points for score in lost.values()) == attempt.points

    def test_it_is_told_what_was_chosen_and_what_is_right(self) -> None:
        """A wrong option that was chosen does not look like a right one that was not; a number has both."""
        quiz = quizzes.load("records")
        many = next(each for each in quiz.questions if each.kind == "multiple choice")
        right, not_right = sorted(many.right_ids), next(each.id for each in many.options if not each.is_right)
        first, *lines = told(many, (right[0], not_right), tells_right=True)
        assert first == many.text
        assert sorted(line.split(":")[0] for line in lines) == sorted(
            ["Chosen, and right", "Chosen, but not right", *["Not chosen, but right"] * (len(right) - 1)]
        )
        number = quizzes.load("groups").question("lag")
        assert [line.split(". ")[0] for line in told(number, "77", tells_right=True)[1:]] == [
            "Answered: 77", f"Right: {number.answers[0]} {number.unit}".strip(),
        ]  # fmt: skip

    def test_while_there_may_be_another_attempt_nothing_tells_what_is_right(self) -> None:
        """Points and the own answer, but no explanation: most of them tell."""
        content = sheet({**RIGHT, "what-cap-says": wrong("what-cap-says")})
        secrets = [option.why for question in QUIZ.questions for option in question.options if option.why]
        for most, is_over, is_told in ((3, None, False), (1, None, True), (1, False, False), (3, True, True)):
            graded = GradedQuiz("quiz-cap", "cap.yml", QUIZ, "best", most)
            made = graded.scores(graded.sat([], content), is_over)
            text = " ".join(line for score in made for line in (score.reason, *score.proof))
            assert any(each in text for each in secrets) is is_told
            assert ("told when the attempts are over" in text) is not is_told
            assert "Chosen" in text
            assert sum(score.points for score in made) == QUIZ.points - QUIZ.question("what-cap-says").points

    @pytest.mark.parametrize("content", [None, b"{"], ids=["no file", "one that breaks off"])
    def test_where_no_answers_can_be_read_a_person_decides_and_no_key_is_told(self, content: bytes | None) -> None:
        """A file that is missing is no certain 0."""
        graded = GradedQuiz("quiz-cap", "cap.yml", QUIZ)
        made = graded.scores(graded.sat([], content), is_over=True)
        assert all(score.needs_human and score.points == 0 for score in made)
        assert [score.proof for score in made] == [(question.text,) for question in QUIZ.questions]

    def test_an_answer_that_makes_no_sense_loses_only_its_question(self) -> None:
        """An option that there is not, a list for a single choice."""
        attempt = marked(QUIZ, Attempt(sheet({**RIGHT, "what-cap-says": "<script>", "meaning-of-c": ["a", "b"]})))
        assert attempt.marks["what-cap-says"].points == attempt.marks["meaning-of-c"].points == 0
        assert attempt.points == QUIZ.points - 2
        assert "'what-cap-says' makes no sense" in attempt.trouble

    def test_a_quiz_without_keys_cannot_be_marked_with(self) -> None:
        """The released file by mistake: an error, not a class full of zeros."""
        with pytest.raises(ValueError, match="no keys"):
            marked(quizzes.strip_keys(QUIZ), Attempt(sheet(RIGHT)))


class TestAttempts:
    """Which of several counts."""

    @pytest.mark.parametrize(
        ("policy", "most", "points"),
        [
            ("last", None, 0),
            ("first", None, 1),
            ("best", None, 3),
            ("mean", None, 4 / 3),
            ("last", 2, 3),
            ("mean", 2, 2),
        ],
    )
    def test_the_policy_decides(self, policy: str, most: int | None, points: float) -> None:
        """Three attempts with 1, 3 and 0 points."""
        ids = [question.id for question in QUIZ.questions if question.points == 1]
        attempts = [marked(QUIZ, Attempt(sheet({name: RIGHT[name] for name in ids[:number]}))) for number in (1, 3, 0)]
        chosen = counted(attempts, policy, most)  # type: ignore[arg-type]
        assert sum(score.points for score in scores(QUIZ, "q", chosen)) == pytest.approx(points)

    def test_what_makes_no_sense_is_refused(self) -> None:
        """A policy that there is not; no attempts; none allowed."""
        attempt = marked(QUIZ, Attempt(None))
        with pytest.raises(ValueError, match="'worst' is none of last, first"):
            counted([attempt], "worst")  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="no attempt"):
            counted([], "last")
        with pytest.raises(ValueError, match="below 1"):
            counted([attempt], "last", 0)


class TestHandingOut:
    """What students get."""

    def test_every_quiz_is_handed_out_without_keys_and_explanations(self, tmp_path: Path) -> None:
        """A search of the release finds nothing; of the full file it finds every explanation."""
        for name in quizzes.names():
            quiz = quizzes.load(name)
            released = tmp_path / name / "released"
            released.mkdir(parents=True)
            (released / f"{name}.yml").write_text(without_keys(quiz), encoding="utf-8")
            assert leaks(quiz, released) == []
            assert not quizzes.load(released / f"{name}.yml").has_keys
            full = tmp_path / name / "full"
            full.mkdir()
            (full / f"{name}.yml").write_text(quizzes.written(quiz), encoding="utf-8")
            assert len(leaks(quiz, full)) > len(quiz.questions)

    def test_an_explanation_in_another_file_is_found(self, tmp_path: Path) -> None:
        """Also when JSON has escaped and broken it."""
        why = QUIZ.question("what-cap-says").options[0].why
        notebook = {"cells": [{"source": [why[:40] + "\n", why[40:]]}]}
        (tmp_path / "hint.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
        assert [line.split(" tells")[0] for line in leaks(QUIZ, tmp_path)] == ["hint.ipynb"]


class TestStatistics:
    """What a class says."""

    def test_difficulty_discrimination_and_choices_are_those_of_the_answers(self) -> None:
        """Six students: the upper half knows everything, the lower half nothing; one question is upside down."""
        upside_down, fair = "what-cap-says", "meaning-of-c"
        good = {**RIGHT, upside_down: wrong(upside_down)}
        bad = {name: wrong(name) for name in (fair,)} | {upside_down: RIGHT[upside_down]}
        sheets = [sheet(good)] * 3 + [sheet(bad)] * 3 + [b"{"]
        found = {item.question: item for item in items(QUIZ, [marked(QUIZ, Attempt(each)) for each in sheets])}
        assert found[upside_down].difficulty == 0.5
        assert found[upside_down].discrimination == pytest.approx(-1)
        assert found[fair].discrimination == pytest.approx(1)
        assert dict(found[fair].chosen) == {RIGHT[fair]: 3, wrong(fair): 3}
        assert found[fair].num_students == 6
        others = [item for name, item in found.items() if name not in {upside_down, fair}]
        assert all(item.num_unanswered == 3 for item in others)

    def test_few_students_or_equal_points_tell_no_discrimination(self) -> None:
        """None instead of a number that means nothing."""
        four = items(QUIZ, [marked(QUIZ, Attempt(sheet(RIGHT)))] * 4)
        equal = items(QUIZ, [marked(QUIZ, Attempt(sheet(RIGHT)))] * 9)
        assert all(item.discrimination is None for item in (*four, *equal))
        assert items(QUIZ, [])[0].difficulty is None
