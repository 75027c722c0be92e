"""What is asked of a deck, as data: read from a YAML file, `lecture.yaml` for the course's own."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_MOST_BYTES = 100_000


class RubricError(ValueError):
    """A rubric file that cannot be used; the text names the place in it."""


@dataclass(frozen=True)
class Section:
    """A part that a deck must have.

    Attributes:
        name: as it is called in reports.
        titles: how its heading may read.
        min_words: for full points; fewer give a share of them.
        points: at most.
    """

    name: str
    titles: tuple[str, ...]
    min_words: int
    points: float


@dataclass(frozen=True)
class Criterion:
    """What a person decides, with the question to ask."""

    name: str
    question: str
    points: float


@dataclass(frozen=True)
class DeckRubric:
    """What is asked of a deck.

    Attributes:
        name: of the rubric, for reports.
        least_pages, most_pages: both allowed.
        pages_points: for a number of pages between the two.
        order_points: for sections in the order of ``sections``.
        spelling: how alike two words of a title must be, of 100.
        sections: in the order in which a deck must have them.
        criteria: for the person who grades.
    """

    name: str
    least_pages: int
    most_pages: int
    pages_points: float
    order_points: float
    spelling: float
    sections: tuple[Section, ...]
    criteria: tuple[Criterion, ...] = ()

    @property
    def structure_points(self) -> float:
        """What the check can give."""
        return self.pages_points + self.order_points + sum(section.points for section in self.sections)

    @property
    def criteria_points(self) -> float:
        """What a person can give."""
        return sum(criterion.points for criterion in self.criteria)

    @classmethod
    def read(cls, path: Path) -> DeckRubric:
        """The rubric in a YAML file.

        Raises:
            RubricError: it cannot be read, or something in it is missing or wrong.
        """
        try:
            with path.open("rb") as file:
                text = file.read(_MOST_BYTES)
            found = yaml.safe_load(text)
        except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
            reason = " ".join(str(error).split())
            raise RubricError(f"The rubric {path} cannot be read: {reason}.") from error
        try:
            return _rubric(_mapping(found, "the file"))
        except RubricError as error:
            raise RubricError(f"The rubric {path} cannot be used: {error}") from None


def _rubric(found: Mapping[str, Any]) -> DeckRubric:
    _only(found, {"name", "pages", "order", "spelling", "sections", "criteria"}, "the file")
    pages = _mapping(_need(found, "pages", "the file"), "pages")
    _only(pages, {"least", "most", "points"}, "pages")
    order = _mapping(found.get("order", {"points": 0}), "order")
    _only(order, {"points"}, "order")
    rubric = DeckRubric(
        name=_text(found, "name", "the file"),
        least_pages=_count(pages, "least", "pages"),
        most_pages=_count(pages, "most", "pages"),
        pages_points=_number(pages, "points", "pages"),
        order_points=_number(order, "points", "order"),
        spelling=_number({"spelling": 80, **found}, "spelling", "the file"),
        sections=tuple(_section(each, n) for n, each in enumerate(_list(_need(found, "sections", "the file")), 1)),
        criteria=tuple(_criterion(each, n) for n, each in enumerate(_list(found.get("criteria", [])), 1)),
    )
    names = [section.name for section in rubric.sections]
    if not names or len(set(names)) < len(names):
        raise RubricError("it needs at least one section, and each with a name of its own.")
    if not 1 <= rubric.least_pages <= rubric.most_pages:
        raise RubricError("`pages` needs 1 <= least <= most.")
    return rubric


def _section(found: Any, number: int) -> Section:
    where = f"section {number}"
    found = _mapping(found, where)
    _only(found, {"name", "titles", "min_words", "points"}, where)
    name = _text(found, "name", where)
    titles = _list(found.get("titles", [name]))
    if not titles or not all(isinstance(title, str) and title.strip() for title in titles):
        raise RubricError(f"`titles` of {where} must be texts.")
    return Section(name, tuple(titles), _count(found, "min_words", where), _number(found, "points", where))


def _criterion(found: Any, number: int) -> Criterion:
    where = f"criterion {number}"
    found = _mapping(found, where)
    _only(found, {"name", "question", "points"}, where)
    return Criterion(_text(found, "name", where), _text(found, "question", where), _number(found, "points", where))


def _need(found: Mapping[str, Any], key: str, where: str) -> Any:
    if key not in found:
        raise RubricError(f"`{key}` is missing in {where}.")
    return found[key]


def _only(found: Mapping[str, Any], known: set[str], where: str) -> None:
    unknown = sorted(str(key) for key in found if key not in known)
    if unknown:
        raise RubricError(
            f"{where} has `{unknown[0]}`, which means nothing here; known are {', '.join(sorted(known))}."
        )


def _mapping(found: Any, where: str) -> Mapping[str, Any]:
    if not isinstance(found, dict):
        raise RubricError(f"{where} must have names and values.")
    return found


def _list(found: Any) -> list[Any]:
    if not isinstance(found, list):
        raise RubricError(f"a list was expected where there is {found!r:.40}.")
    return found


def _text(found: Mapping[str, Any], key: str, where: str) -> str:
    value = _need(found, key, where)
    if not isinstance(value, str) or not value.strip():
        raise RubricError(f"`{key}` of {where} must be a text.")
    return value


def _number(found: Mapping[str, Any], key: str, where: str) -> float:
    value = _need(found, key, where)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        raise RubricError(f"`{key}` of {where} must be a number, 0 or more.")
    return float(value)


def _count(found: Mapping[str, Any], key: str, where: str) -> int:
    value = _number(found, key, where)
    if not value.is_integer():
        raise RubricError(f"`{key}` of {where} must be a whole number.")
    return int(value)


LECTURE = DeckRubric.read(Path(__file__).with_name("lecture.yaml"))
