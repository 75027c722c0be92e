"""Where the sections of a deck begin, by titles that are nearly right, and how many words each has."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz

from autograder.deck.page import Line, Page
from autograder.deck.rubric import DeckRubric, Section

_WORD = re.compile(r"[^\W_]+")
# Said in titles without meaning anything there.
_EMPTY_WORDS = frozenset({
    "a", "an", "and", "are", "for", "from", "how", "in", "is", "my", "of", "on", "our", "part", "section", "slide",
    "step", "the", "their", "to", "und", "we", "what", "which", "who", "why", "with",
})  # fmt: skip
_MORE_WORDS = 4  # that a heading may have beside the title's, when it looks like a heading
_MORE_WORDS_PLAIN = 1  # when it looks like any other line
_LARGER = 1.15  # times the size of most letters: a heading
_MOST_WORDS = 12


@dataclass(frozen=True)
class Found:
    """A section of a deck.

    Attributes:
        section: what was looked for.
        heading: as it stands in the deck; empty when there is none.
        page: of its heading, from 1; 0 when there is none.
        line: of its heading, counted through the deck.
        words: under all its headings.
    """

    section: Section
    heading: str = ""
    page: int = 0
    line: int = -1
    words: int = 0


@dataclass
class _Heading:
    page: int
    line: int
    text: str
    sections: tuple[int, ...]
    is_emphasised: bool
    words: int = 0


def find(pages: Sequence[Page], rubric: DeckRubric) -> list[Found]:
    """Each section of the rubric, in the rubric's order.

    A section with a proper title needs no second look: a line of text that happens to read like it is text then. What
    stands under a heading for two sections is divided between them. An agenda costs nothing: a section is where most
    of its words are.
    """
    candidates = list(_headings(pages, rubric))
    titled = {section for each in candidates if each.is_emphasised for section in each.sections}
    headings = {each.line: each for each in candidates if each.is_emphasised or not titled.issuperset(each.sections)}
    current: _Heading | None = None
    for number, (_, line) in enumerate(_lines(pages)):
        if number in headings:
            current = headings[number]
        elif current is not None:
            current.words += line.words
    return [_found(index, section, headings.values()) for index, section in enumerate(rubric.sections)]


def _found(index: int, section: Section, headings: Iterable[_Heading]) -> Found:
    own = [each for each in headings if index in each.sections]
    if not own:
        return Found(section)
    main = max(own, key=lambda each: (each.words // len(each.sections), each.is_emphasised, -each.line))
    words = sum(each.words // len(each.sections) for each in own)
    return Found(section, main.text, main.page, main.line, words)


def _lines(pages: Sequence[Page]) -> Iterator[tuple[int, Line]]:
    return ((number, line) for number, page in enumerate(pages, 1) for line in page.lines)


def _headings(pages: Sequence[Page], rubric: DeckRubric) -> Iterator[_Heading]:
    body = _usual_size(pages)
    for number, (page, line) in enumerate(_lines(pages)):
        words = _words(line.text)
        if not 0 < len(words) <= _MOST_WORDS:
            continue
        is_emphasised = line.is_title or line.is_bold or (body > 0 and line.size >= _LARGER * body)
        sections = _sections_named(words, rubric, _MORE_WORDS if is_emphasised else _MORE_WORDS_PLAIN)
        if sections:
            yield _Heading(page, number, line.text, sections, is_emphasised)


def _usual_size(pages: Sequence[Page]) -> float:
    """The size of most words; 0 when the file does not say."""
    sizes = [size for _, line in _lines(pages) for size in [line.size] * line.words if line.size > 0]
    return statistics.median_low(sizes) if sizes else 0.0


def _sections_named(words: list[str], rubric: DeckRubric, more_words: int) -> tuple[int, ...]:
    """The sections that a heading names, most words first: each takes its words away from the next."""
    named: list[int] = []
    left = words
    while found := _best(left, rubric, named):
        index, left = found
        named.append(index)
    return tuple(sorted(named)) if len(left) <= more_words else ()


def _best(words: list[str], rubric: DeckRubric, but: list[int]) -> tuple[int, list[str]] | None:
    best: tuple[tuple[int, float], int, list[str]] | None = None
    for index, section in enumerate(rubric.sections):
        for title in section.titles if index not in but else ():
            wanted = _words(title)
            fit = _fit(words, wanted, rubric.spelling)
            if fit is not None and (best is None or (len(wanted), fit[0]) > best[0]):
                best = (len(wanted), fit[0]), index, fit[1]
    return None if best is None else (best[1], best[2])


def _fit(words: list[str], wanted: list[str], spelling: float) -> tuple[float, list[str]] | None:
    """How well the wanted words are all there, and the words that are left over; None when one is missing."""
    left = list(words)
    total = 0.0
    for each in wanted:
        score, place = max(((fuzz.ratio(each, word), at) for at, word in enumerate(left)), default=(0.0, -1))
        if score < spelling:
            return None
        total += score
        del left[place]
    return (total, left) if wanted else None


def _words(text: str) -> list[str]:
    return [word for word in _WORD.findall(text.casefold()) if word not in _EMPTY_WORDS and not word.isdigit()]
