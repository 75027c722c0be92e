"""Fields of a quiz's file, asked for by name; every mistake in one is a sentence: where, what, and what to write."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn, TypeVar

from kit.errors import QuizError
from kit.quizzes import typed

_YES = {"yes": True, "true": True, "no": False, "false": False}
_MOST_POINTS = 1_000
T = TypeVar("T")


class Table:
    """One mapping of the file, asked for its values by name.

    Args:
        where: begins each sentence about it.
    """

    def __init__(self, where: str, values: Mapping[str, Any]) -> None:
        self.where = where
        self._values = values
        self._asked: set[str] = set()

    def fail(self, what: str) -> NoReturn:
        """Raise a QuizError about this mapping."""
        raise QuizError(f"{self.where}: {what}")

    def has(self, name: str) -> bool:
        """Whether the author wrote that field."""
        return name in self._values

    def get(self, name: str) -> Any:
        """What was written, as it was; None when nothing was."""
        self._asked.add(name)
        return self._values.get(name)

    def text(self, name: str, example: str, *, default: str | None = None) -> str:
        """A text; it has to be there when there is no default."""
        value = self.get(name)
        if value is None and default is not None:
            return default
        if value is None or value == "":
            self.fail(f'"{name}" is missing: write a line such as "{name}: {example}".')
        if not isinstance(value, str):
            self.fail(f'"{name}" is not a text: put it in quotes, as in "{name}: {example!r}".')
        return value.strip()

    def one_of(self, name: str, allowed: Sequence[T], default: T | None = None) -> T:
        """One of the allowed words."""
        value = self.get(name)
        if value is None and default is not None:
            return default
        if value not in allowed:
            has = "is missing" if value is None else f"is {value!r}"
            self.fail(f'"{name}" {has}: write one of {listed(allowed)}{guess(value, allowed)}.')
        found: T = value
        return found

    def flag(self, name: str, *, default: bool) -> bool:
        """Yes or no."""
        value = self.get(name)
        if value is None:
            return default
        if not isinstance(value, str) or value.lower() not in _YES:
            self.fail(f'"{name}" is {value!r}: write "{name}: yes" or "{name}: no".')
        return _YES[value.lower()]

    def number(self, name: str, default: float, *, above: float | None = None, least: float | None = None) -> float:
        """A number above one bound, or from another on."""
        value = self.get(name)
        if value is None:
            return default
        try:
            found = typed.number(value)
        except (ValueError, AttributeError):
            self.fail(f'"{name}" is {value!r}: write a number, such as "{name}: 1".')
        if (above is not None and found <= above) or (least is not None and found < least) or found > _MOST_POINTS:
            self.fail(f'"{name}" is {value}: it has to be {"above 0" if above is not None else "0 or more"}.')
        return found

    def tables(self, name: str, kind: str, *, least: int) -> Iterator[Table]:
        """The mappings of a list."""
        items = self.get(name)
        items = [] if items is None and not least else items
        if not isinstance(items, list) or len(items) < least:
            number = "one" if least == 1 else "two"
            self.fail(f'"{name}" has to be a list of at least {number}, each beginning with "- ".')
        for place, item in enumerate(items, start=1):
            if not isinstance(item, dict):
                self.fail(f'{kind} {place} of "{name}" has no fields: write "- id: ..." and the other fields under it.')
            yield Table(f"{self.where}, {kind} {place}", item)

    def texts(self, name: str) -> list[str]:
        """A text, or a list of them."""
        value = self.get(name)
        found = [value] if isinstance(value, str) else value
        if not isinstance(found, list) or not found or not all(isinstance(each, str) and each for each in found):
            self.fail(f'"{name}" is missing: write "{name}: ..." or "{name}: [..., ...]".')
        return found

    def end(self, allowed_elsewhere: Mapping[str, str] | None = None) -> None:
        """No field may be left that nobody asked for: it is a slip of the author's, and would be lost in silence."""
        for name in self._values:
            if name not in self._asked:
                reason = (allowed_elsewhere or {}).get(name) or f"fields are {listed(sorted(self._asked))}"
                self.fail(f'"{name}" has no meaning here{guess(name, self._asked)}: {reason}.')


def listed(values: Sequence[object]) -> str:
    """Each in quotes, with commas."""
    return ", ".join(f'"{value}"' for value in values)


def guess(value: object, allowed: Any) -> str:
    """A hint at the allowed word that was probably meant, or nothing."""
    near = difflib.get_close_matches(str(value), [str(each) for each in allowed], n=1)
    return f' (did you mean "{near[0]}"?)' if near else ""
