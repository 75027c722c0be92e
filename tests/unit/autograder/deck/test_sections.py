"""`find`: headings that are nearly right, and the words that belong to them."""

from __future__ import annotations

import pytest

from autograder.deck import LECTURE
from autograder.deck.page import Line, Page
from autograder.deck.sections import Found, find
from tests.support.decks import TITLES

TEN = "one two three four five six seven eight nine ten"


def _slides(*slides: tuple[str, ...]) -> list[Page]:
    """The first line of each is the slide's title."""
    return [Page(tuple(Line(text, is_title=number == 0) for number, text in enumerate(slide))) for slide in slides]


def _words(pages: list[Page]) -> list[int]:
    return [found.words if found.page else -1 for found in find(pages, LECTURE)]


def _sections_of(title: str) -> list[int]:
    return [number for number, found in enumerate(find(_slides((title, TEN)), LECTURE)) if found.page]


@pytest.mark.parametrize(
    ("title", "sections"),
    [
        ("Project Idea & Goal", [0]),
        ("1. Our project: idea and goal", [0]),
        ("PROJCT IDEA AND GAOL", [0]),
        ("Motivation", [0]),
        ("Data source & stream design", [1]),
        ("2) Data Sources", [1]),
        ("Stream design: topics, keys, partitions", [1]),
        ("Producers", [2]),
        ("Slide 3 - Producer", [2]),
        ("The Kafka producers of BikeWatch", [2]),
        ("Pruducers", [2]),
        ("Consumers & analysis goals", [3]),
        ("Consumer groups", [3]),
        ("Analysis goals", [3]),
        ("Consumers and Anlysis", [3]),
        ("Producers and consumers", [2, 3]),
        ("Thank you", []),
        ("Goals", []),
        ("Questions?", []),
        ("Why the producers of milk in Bavaria need to see what consumers of butter pay each day", []),
        ("42", []),
        ("", []),
    ],
)
def test_find_knows_titles_that_are_nearly_right(title: str, sections: list[int]) -> None:
    """Spelling, numbers, signs and a few more words do not matter; producers are not consumers."""
    assert _sections_of(title) == sections


def test_find_counts_words_up_to_the_next_heading() -> None:
    """Words on further slides belong to the section that was begun."""
    pages = _slides((TITLES[0], TEN), ("More about it", TEN), (TITLES[1], TEN), (TITLES[2], TEN), (TITLES[3], TEN))

    assert _words(pages) == [23, 10, 10, 10]


def test_find_takes_two_sections_on_one_page() -> None:
    """A deck of two pages has two headings on each; a plain line counts where it stands alone."""
    pages = _slides((TITLES[0], TEN, TITLES[1], TEN), (TITLES[2], TEN, TITLES[3], TEN))

    assert _words(pages) == [10, 10, 10, 10]


def test_find_divides_what_stands_under_two_sections() -> None:
    """One heading for producers and consumers gives each half of the words."""
    assert _words(_slides(("Producers and consumers", TEN)))[2:] == [5, 5]


def test_find_adds_up_a_section_that_goes_on() -> None:
    """Consumers (1/2) and consumers (2/2) are one section."""
    assert _words(_slides(("Consumers (1/2)", TEN), ("Consumers (2/2)", TEN)))[3] == 20


def test_find_is_not_led_astray_by_an_agenda() -> None:
    """An agenda names all sections in two lines each, and each of them is where its words are."""
    pages = _slides(("Agenda", *TITLES), *((title, TEN) for title in TITLES))

    found = find(pages, LECTURE)

    assert [each.page for each in found] == [2, 3, 4, 5]


def test_find_takes_a_line_of_text_for_text_where_there_is_a_title() -> None:
    """The word alone in a list does not cut a section in two when the section has a title of its own."""
    pages = _slides((TITLES[1], TEN, "Producers", TEN), (TITLES[2], TEN))

    assert _words(pages)[1:3] == [21, 10]


@pytest.mark.parametrize(("size", "words"), [(20.0, [10, 10]), (12.0, [-1, 20])])
def test_find_goes_by_the_size_of_letters_in_a_pdf(size: float, words: list[int]) -> None:
    """Larger letters make a heading of a line that has more words than the title."""
    first = Line("Our great project idea: BikeWatch for cities", size)
    lines = [Line("Data source", 20.0), Line(TEN, 12.0), first, Line(TEN, 12.0)]

    found = find([Page(tuple(lines))], LECTURE)

    assert [each.words if each.page else -1 for each in found[:1]] == words[:1]


def test_find_says_where_it_found_what() -> None:
    """The heading is given as it stands, with its page."""
    found = find(_slides(("x",), ("2. Data Sources!", TEN)), LECTURE)[1]

    assert found == Found(LECTURE.sections[1], "2. Data Sources!", 2, 1, 10)
