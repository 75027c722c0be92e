"""Answers are kept beside the notebook: whole, for everybody who answers, and whatever was in the file."""

from __future__ import annotations

import json
import multiprocessing
import os
from pathlib import Path

import pytest

from kit.quizzes.answers import AnswerFile, Given, Sheet, with_answer


def give(folder: Path, question: str, answer: str) -> Sheet:
    """Put one answer into the file of the quiz "cap"."""
    return AnswerFile(folder, "cap").change(lambda sheet: with_answer(sheet, question, Given(answer)))


def give_many(folder: str, tab: int) -> None:
    """Answer twenty questions, as another process."""
    for number in range(20):
        give(Path(folder), f"tab-{tab}-{number}", str(number))


def test_answers_are_there_again(tmp_path: Path) -> None:
    """What one kernel writes, the next one reads."""
    give(tmp_path / "answers", "one", "a")
    AnswerFile(tmp_path / "answers", "cap").change(
        lambda sheet: with_answer(sheet, "two", Given(("b", "c"), is_checked=True, tries=3))
    )

    again = AnswerFile(tmp_path / "answers", "cap").read()

    assert again.given == {"one": Given("a"), "two": Given(("b", "c"), is_checked=True, tries=3)}
    names = sorted(path.name for path in (tmp_path / "answers").iterdir())
    assert names == [".cap.json.lock", "cap.json"]


def test_two_tabs_lose_nothing_of_each_other(tmp_path: Path) -> None:
    """Four processes answer twenty questions each, at the same time."""
    context = multiprocessing.get_context("spawn")
    tabs = [context.Process(target=give_many, args=(str(tmp_path), tab)) for tab in range(4)]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join(60)

    assert len(AnswerFile(tmp_path, "cap").read().given) == 80


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", '{"answers": 5}', '{"answers": {"a": 1}}', '{"answers": {"a": {"answer": [null]}}}', "\x00" * 100,
     '{"answers": {"a": {"answer": "x", "tries": "many"}}}', "[" * 50_000],
)  # fmt: skip
def test_damaged_file_is_put_aside(tmp_path: Path, content: str) -> None:
    """Nothing is overwritten, and the learner can go on."""
    (tmp_path / "cap.json").write_text(content)
    file = AnswerFile(tmp_path, "cap")

    assert file.read() == Sheet()
    assert "was damaged: it is now called cap.json.damaged-1" in file.trouble
    assert (tmp_path / "cap.json.damaged-1").read_text() == content
    assert give(tmp_path, "one", "a").given == {"one": Given("a")}


def test_folder_that_cannot_be_written_is_told_and_answers_last(tmp_path: Path) -> None:
    """A file stands where the folder should be; the answers live as long as the kernel."""
    (tmp_path / "answers").write_text("not a folder")
    file = AnswerFile(tmp_path / "answers", "cap")

    file.change(lambda sheet: with_answer(sheet, "one", Given("a")))

    assert "Your answers cannot be saved in" in file.trouble
    assert file.read().given == {"one": Given("a")}


def test_file_is_never_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the disk is full the old answers stay."""
    give(tmp_path, "one", "a")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    file = AnswerFile(tmp_path, "cap")
    with monkeypatch.context() as patched:
        patched.setattr(json, "dump", full)
        file.change(lambda sheet: with_answer(sheet, "two", Given("b")))

    assert "No space left on device" in file.trouble
    assert AnswerFile(tmp_path, "cap").read().given == {"one": Given("a")}
    assert not [name for name in os.listdir(tmp_path) if name.endswith(".tmp")]  # noqa: PTH208  (hidden ones too)
    file.change(lambda sheet: with_answer(sheet, "three", Given("c")))
    assert file.trouble == ""


def test_number_is_the_text_that_was_meant(tmp_path: Path) -> None:
    """Somebody wrote 2 for "2" into the file: no answer is lost, this one least of all."""
    answers = {"one": {"answer": 2}, "two": {"answer": ["a", 3]}, "three": {"answer": 2.5}, "four": {"answer": "d"}}
    (tmp_path / "cap.json").write_text(json.dumps({"answers": answers}))
    read = AnswerFile(tmp_path, "cap").read().given
    assert {name: each.answer for name, each in read.items()} == {
        "one": "2",
        "two": ("a", "3"),
        "three": "2.5",
        "four": "d",
    }
