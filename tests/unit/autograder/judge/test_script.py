"""A judge that is wrong, or is surprised by an answer, is one line; a right one gives a score for each property."""

from __future__ import annotations

import pickle

import pytest

from autograder.assignment import AssignmentError
from autograder.job import Outcome, Score
from autograder.judge import JudgeError, Script

_HEAD = "from autograder.judge import Probe, Score\n"
_OUTCOME = Outcome("ada", "first", 7, "none", {})


def script(text: str) -> Script:
    """A judge of one property, a, of 2 points."""
    return Script("judging/first/judge.py", _HEAD + text, {("test-a", "a"): 2.0})


def test_judge_gives_a_score_for_each_property() -> None:
    """Also after it has travelled to a worker."""
    made = script("def judge(outcome, seed): return [Score('test-a', 'a', 1.5, 2, f'seed {seed}')]")
    there = pickle.loads(pickle.dumps(made))

    assert there.judge(_OUTCOME, 7) == (Score("test-a", "a", 1.5, 2, "seed 7"),)
    assert there.probes(7) == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("def judge(outcome, seed) return 1", "cannot be loaded: SyntaxError"),
        ("import nothing_of_this_name", "cannot be loaded: ModuleNotFoundError"),
        ("x = 1", "must define judge(outcome, seed)"),
        ("def judge(outcome, seed): return 1 / 0", "stopped: ZeroDivisionError: division by zero (line 2)."),
        ("def judge(outcome, seed): return [3]", "must give a list of Score"),
        ("def judge(outcome, seed): return []", "test-a/a was not scored"),
        ("def judge(outcome, seed): return [Score('test-b', 'a', 1, 2, '')]", "test-b/a is no property"),
        ("def judge(outcome, seed): return [Score('test-a', 'a', 1, 2, '')] * 2", "test-a/a was scored twice"),
        ("def judge(outcome, seed): return [Score('test-a', 'a', 3, 2, '')]", "has 3 points, and can have 2"),
        (
            "def judge(outcome, seed): return [Score('test-a', 'a', 1, 1, '')]",
            "gives test-a/a 1 points, and assignment.yaml 2:",
        ),
        (
            "def judge(outcome, seed): return [Score('test-a', 'a', 1, 3, '')]",
            "gives test-a/a 3 points, and assignment.yaml 2:",
        ),
        ("def judge(outcome, seed): return [Score('test-a', 'a', -1, 2, '')]", "has -1 points"),
        ("def judge(outcome, seed): return [Score('test-a', 'a', float('nan'), 2, '')]", "has nan points"),
    ],
)
def test_judge_that_is_wrong_is_one_line(text: str, said: str) -> None:
    """The instructor learns where to look."""
    with pytest.raises(JudgeError) as stopped:
        script(text).judge(_OUTCOME, 7)

    assert said in str(stopped.value)
    assert "\n" not in str(stopped.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "def judge(outcome, seed): return [Score('test-a', 'a', 0, 1, '')]",
            "gives test-a/a 1 points, and assignment.yaml 2:",
        ),
        ("def judge(outcome, seed, files): return [Score('test-a', 'a', 0, 3, '')]", "gives test-a/a 3 points"),
        ("def judge(outcome, seed): return [Score('test-a', 'b', 0, 2, '')]", "test-a/b is no property"),
        ("def judge(outcome, seed) return 1", "cannot be loaded: SyntaxError"),
        ("x = 1", "must define judge(outcome, seed)"),
    ],
)
def test_judge_with_other_points_is_refused_before_anything_runs(text: str, said: str) -> None:
    """With fewer nobody could have full marks, and nobody would be told."""
    with pytest.raises(AssignmentError) as stopped:
        script(text).check("first")

    assert said in str(stopped.value)
    assert "\n" not in str(stopped.value)


@pytest.mark.parametrize(
    "text",
    [
        "def judge(outcome, seed): return [Score('test-a', 'a', 0, 2, '')]",
        "def judge(outcome, seed): return [Score('test-a', 'a', outcome.answers[0].value, 2, '')]",
        "def judge(outcome, seed): return []",
        "def judge(outcome, seed): return None",
    ],
)
def test_judge_is_not_refused_for_what_only_a_submission_can_show(text: str) -> None:
    """It may be right about all that came back from a kernel."""
    script(text).check("first")


def test_probes_of_one_name_are_refused() -> None:
    """Their answers could not be told apart."""
    with pytest.raises(JudgeError, match="two probes have the same name"):
        script("def probes(seed): return [Probe('a', 'f'), Probe('a', 'g')]").probes(7)


@pytest.mark.parametrize("given", ["'a line'", "[3]", "None"])
def test_flags_must_be_sentences(given: str) -> None:
    """A text would be a flag for each of its letters."""
    with pytest.raises(JudgeError, match="must give a list of sentences"):
        script(f"def flags(files, seed): return {given}").flags({}, 7)


def test_flags_are_optional() -> None:
    """Most judges have none; those that have see the files."""
    assert script("").flags({"a.txt": b"x"}, 7) == ()
    assert script("def flags(files, seed): return sorted(files)").flags({"a.txt": b"x"}, 7) == ("a.txt",)


def test_judge_of_quizzes_alone_has_nothing_to_judge() -> None:
    """The answer files decide."""
    assert Script("judging/first/judge.py", "", {}).judge(_OUTCOME, 7) == ()
