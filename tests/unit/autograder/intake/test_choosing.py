"""Of several notebooks with the assignment's cells one is graded, and no other is left out without a word."""

from __future__ import annotations

import json

import pytest

from autograder.intake import Kind
from tests.support.submissions import ANSWERS, NAME, Desk, Notebook, answered, cell_of, released


def test_notebook_under_another_name_is_known_by_its_cells(desk: Desk) -> None:
    """Browsers and JupyterLab number copies; the work is graded all the same."""
    (desk.submission / "count (1).ipynb").write_text(json.dumps(answered()))
    (desk.submission / "Untitled.ipynb").write_text("{}")
    intake = desk.examine()
    assert list(intake.notebooks) == [NAME]
    assert list(intake.files) == ["Untitled.ipynb"]
    assert intake.lines() == ["count (1).ipynb: it was taken as count.ipynb, by its cells."]


def test_two_notebooks_under_other_names_are_left_to_a_human(desk: Desk) -> None:
    """Nobody guesses which one is meant."""
    for name in ("a.ipynb", "b.ipynb"):
        (desk.submission / name).write_text(json.dumps(answered()))
    intake = desk.examine()
    assert [(flag.kind, flag.needs_human) for flag in intake.refused] == [(Kind.MISSING_NOTEBOOK, True)]
    assert "unless it is a.ipynb or b.ipynb" in intake.lines()[0]


def mine(number_of_answers: int, mark: str) -> Notebook:
    """A notebook with the first answers, each with a mark."""
    notebook = released()
    for grade_id, source in list(ANSWERS.items())[:number_of_answers]:
        cell_of(notebook, grade_id)["source"] = f"{source} # {mark}"
    return notebook


@pytest.mark.parametrize(
    ("others", "taken", "left"),
    [
        ({"count (1).ipynb": 4}, "count (1).ipynb", {NAME: "by its number it is the newer one"}),
        ({"count(12).ipynb": 4, "count (2).ipynb": 4}, "count(12).ipynb", {
            NAME: "by its number", "count (2).ipynb": "by its number"
        }),
        ({"count (1).ipynb": 3}, NAME, {"count (1).ipynb": "it has more answers (4, not 3)"}),
        ({"count-Copy1.ipynb": 4}, NAME, {"count-Copy1.ipynb": "its name is the one that was asked for"}),
        ({"old/count.ipynb": 4}, NAME, {"old/count.ipynb": "its name is the one that was asked for"}),
        ({"counted (1).ipynb": 4}, NAME, {"counted (1).ipynb": "its name is the one that was asked for"}),
    ],
)  # fmt: skip
def test_second_notebook_is_graded_when_it_is_newer_and_never_left_silently(
    desk: Desk, others: dict[str, int], taken: str, left: dict[str, str]
) -> None:
    """A person is asked to look, and told why."""
    for name, number in others.items():
        (desk.submission / name).parent.mkdir(exist_ok=True)
        (desk.submission / name).write_text(json.dumps(mine(number, name)))

    intake = desk.examine(mine(4, NAME))

    assert cell_of(dict(intake.notebooks[NAME]), "explain")["source"].endswith(f"# {taken}")
    told = {flag.where: flag for flag in intake.flags if flag.kind == Kind.TWO_NOTEBOOKS}
    assert told.keys() == left.keys()
    assert all(words in told[name].sentence and told[name].needs_human for name, words in left.items())
    assert all(f"was not graded: {taken} was" in flag.sentence for flag in told.values())
    assert [flag.where for flag in intake.flags if flag.kind == Kind.RENAMED_NOTEBOOK] == [taken] * (taken != NAME)


def test_released_name_without_answers_is_not_graded_before_one_with_them(desk: Desk) -> None:
    """Whoever downloads it once more, and hands in all that is in the folder, has answered."""
    (desk.submission / "my answers.ipynb").write_text(json.dumps(answered()))
    intake = desk.examine(released())

    assert cell_of(dict(intake.notebooks[NAME]), "explain")["source"] == ANSWERS["explain"]
    assert intake.lines() == ["my answers.ipynb: it was taken as count.ipynb, by its cells."]
    intake.write(desk.submission.parent / "clean")


@pytest.mark.parametrize("second", [answered(), released(), mine(0, "")])
def test_second_notebook_with_nothing_more_in_it_is_no_matter(desk: Desk, second: Notebook) -> None:
    """A copy, or a fresh download: no work of the student's is left out."""
    (desk.submission / "count (1).ipynb").write_text(json.dumps(second))

    assert desk.examine(answered()).lines() == []


def test_second_notebook_is_graded_in_the_place_of_one_that_is_damaged(desk: Desk) -> None:
    """Better than nothing, and a person is asked to look."""
    (desk.submission / "count (1).ipynb").write_text(json.dumps(answered()))
    intake = desk.examine(b"{")

    assert list(intake.notebooks) == [NAME]
    assert "count.ipynb: it cannot be read, so count (1).ipynb was graded in its place." in intake.lines()
    assert any(flag.needs_human for flag in intake.flags)
