"""What a setting is: its name, type, default and what values it takes.

The settings themselves are tables: ``topic_settings.py`` and ``broker_settings.py``.
Source: Kafka class ``org.apache.kafka.common.config.ConfigDef``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Protocol

MAX_INT16 = 2**15 - 1
MAX_INT32 = 2**31 - 1
MAX_INT64 = 2**63 - 1


class ConfigType(IntEnum):
    """How a value is written; the numbers are those of DescribeConfigs (KIP-569)."""

    BOOLEAN = 1
    STRING = 2
    INT = 3
    SHORT = 4
    LONG = 5
    DOUBLE = 6
    LIST = 7
    CLASS = 8


class ConfigError(ValueError):
    """A setting that does not exist, or a value that it does not take; the text says which and what is allowed."""

    def __init__(self, name: str, value: str | None, reason: str) -> None:
        super().__init__(reason)
        self.name = name
        self.value = value


class Check(Protocol):
    """A condition on a parsed value; its ``str()`` completes the sentence "the value must be ..."."""

    def __call__(self, value: Any) -> bool:
        """Whether the value is allowed."""


@dataclass(frozen=True, slots=True)
class Between:
    """From ``minimum`` to ``maximum``, both included."""

    minimum: float
    maximum: float

    def __call__(self, value: Any) -> bool:
        """Whether the value is allowed."""
        return bool(self.minimum <= value <= self.maximum)

    def __str__(self) -> str:
        return f"from {self.minimum} to {self.maximum}"


@dataclass(frozen=True, slots=True)
class AtLeast:
    """``minimum`` or more."""

    minimum: float

    def __call__(self, value: Any) -> bool:
        """Whether the value is allowed."""
        return bool(value >= self.minimum)

    def __str__(self) -> str:
        return f"{self.minimum} or more"


@dataclass(frozen=True, slots=True)
class OneOf:
    """One of a few values; of a list, every element."""

    values: tuple[Any, ...]

    def __call__(self, value: Any) -> bool:
        """Whether the value is allowed."""
        return set(value) <= set(self.values) if isinstance(value, tuple) else value in self.values

    def __str__(self) -> str:
        return "one of " + ", ".join(str(value) for value in self.values)


@dataclass(frozen=True, slots=True)
class ThrottledReplicas:
    """Which replicas a replication quota holds for (KIP-73)."""

    def __call__(self, value: Any) -> bool:
        """Whether the value is allowed."""
        return value == ("*",) or all(re.fullmatch(r"\d+:\d+", pair) for pair in value)

    def __str__(self) -> str:
        return "* or a list of partition:broker pairs"


_WHOLE_NUMBERS = {ConfigType.SHORT: MAX_INT16, ConfigType.INT: MAX_INT32, ConfigType.LONG: MAX_INT64}
_WORDS = {
    ConfigType.BOOLEAN: "true or false",
    ConfigType.STRING: "a text",
    ConfigType.SHORT: "a whole number of 16 bits",
    ConfigType.INT: "a whole number of 32 bits",
    ConfigType.LONG: "a whole number of 64 bits",
    ConfigType.DOUBLE: "a number",
    ConfigType.LIST: "a list with commas",
    ConfigType.CLASS: "the name of a class",
}


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of a table.

    ``default`` is as it would be written in a file, None when nothing is set; ``doc`` is one sentence; ``is_dynamic``
    says of a broker setting that it can change while the broker runs (KIP-226).
    """

    name: str
    type: ConfigType
    default: str | None
    check: Check | None
    doc: str
    is_dynamic: bool = False

    def parse(self, text: str) -> Any:
        """The value that ``text`` stands for: bool, int, float, str, or a tuple of str for a list.

        Raises:
            ConfigError: the text has another type or its value is not allowed.
        """
        try:
            value = _parse(self.type, text.strip())
        except ValueError:
            value = None
        if value is None or not (self.check is None or self.check(value)):
            raise ConfigError(self.name, text, f"{self.name}={text} is not possible: it must be {self.allowed()}.")
        return value

    def allowed(self) -> str:
        """In words, what values there are."""
        return _WORDS[self.type] if self.check is None else f"{_WORDS[self.type]}, {self.check}"


def _parse(kind: ConfigType, text: str) -> Any:
    if kind in _WHOLE_NUMBERS:
        if re.fullmatch(r"[+-]?[0-9]{1,20}", text) is None:
            raise ValueError(text)
        limit = _WHOLE_NUMBERS[kind]
        return int(text) if -limit - 1 <= int(text) <= limit else None
    if kind is ConfigType.BOOLEAN:
        return {"true": True, "false": False}.get(text.lower())
    if kind is ConfigType.DOUBLE:
        return float(text)
    if kind is ConfigType.LIST:
        return tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    return text


def as_text(value: Any) -> str:
    """A value as it is written in a configuration file."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ",".join(str(part) for part in value)
    return str(value)


def unknown_setting(kind: str, name: str, known: Iterable[str]) -> ConfigError:
    """The error for a name that is not in the table, with names that look like it."""
    from difflib import get_close_matches

    close = get_close_matches(name, list(known), n=3, cutoff=0.7)
    hint = f" Did you mean {' or '.join(close)}?" if close else ""
    return ConfigError(name, None, f"Unknown {kind} config name: {name}.{hint}")


def table(rows: Iterable[Setting]) -> dict[str, Setting]:
    """The rows by name; two rows of one name are a mistake in the table."""
    named: dict[str, Setting] = {}
    for row in rows:
        if row.name in named:
            raise ValueError(f"{row.name} is in the table twice")
        named[row.name] = row
    return named
