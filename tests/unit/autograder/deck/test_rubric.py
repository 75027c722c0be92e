"""`DeckRubric.read`: a course's own rubric, and what is said about one that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.deck import LECTURE, DeckRubric, RubricError

SMALL = """
name: small
pages: {least: 1, most: 2, points: 1}
sections:
  - {name: idea, min_words: 5, points: 2.5}
"""


def _read(tmp_path: Path, text: str) -> DeckRubric:
    path = tmp_path / "rubric.yaml"
    path.write_text(text, encoding="utf-8")
    return DeckRubric.read(path)


def test_lecture_asks_for_what_the_lecture_asks_for() -> None:
    """Two to four pages, four sections, and a person who gives as much as the check."""
    assert (LECTURE.least_pages, LECTURE.most_pages) == (2, 4)
    assert [section.name for section in LECTURE.sections] == [
        "project idea and goal",
        "data source and stream design",
        "producers",
        "consumers and analysis goals",
    ]
    assert (LECTURE.structure_points, LECTURE.criteria_points) == (10, 10)


def test_read_fills_in_what_may_be_left_out(tmp_path: Path) -> None:
    """A section without titles is called by its name; no order, no criteria."""
    rubric = _read(tmp_path, SMALL)

    assert rubric.sections[0].titles == ("idea",)
    assert (rubric.order_points, rubric.spelling, rubric.criteria, rubric.structure_points) == (0, 80, (), 3.5)


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("name: small", "", "`name` is missing in the file"),
        ("least: 1", "least: 3", "1 <= least <= most"),
        ("points: 1}", "points: -1}", "`points` of pages must be a number, 0 or more"),
        ("points: 1}", "points: .inf}", "`points` of pages must be a number"),
        ("points: 2.5", "points: yes", "`points` of section 1 must be a number"),
        ("min_words: 5", "min_words: 5.5", "`min_words` of section 1 must be a whole number"),
        ("min_words: 5", "words: 5", "section 1 has `words`, which means nothing here"),
        ("- {name: idea", "- {name: 7", "`name` of section 1 must be a text"),
        ("- {name: idea", "- {name: idea, titles: []", "`titles` of section 1 must be texts"),
        ("name: small", "name: [", "cannot be read"),
        ("name: small", "name: !!python/object/apply:os.getcwd []", "cannot be read"),
    ],
)
def test_read_names_the_place_that_is_wrong(before: str, after: str, said: str, tmp_path: Path) -> None:
    """One line with the file and the place in it."""
    with pytest.raises(RubricError) as error:
        _read(tmp_path, SMALL.replace(before, after))

    assert said in str(error.value)
    assert "rubric.yaml" in str(error.value)
    assert "\n" not in str(error.value)


def test_read_says_when_there_is_no_file(tmp_path: Path) -> None:
    """A missing file is one line too."""
    with pytest.raises(RubricError, match="cannot be read"):
        DeckRubric.read(tmp_path / "none.yaml")
