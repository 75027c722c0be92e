"""Flags as the CLI's own library (cobra with pflag) reads them.

``--name value``, ``--name=value``, ``-n value``, ``-nvalue``, and ``--name`` where the flag needs no value. They may
stand before, between and after the arguments; ``--`` ends them; short flags without a value can be joined
(``-bo json``). Texts of errors are pflag's, because students will meet the same ones in the real CLI.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from kit.practice.errors import CliError, UsageError

Kind = Literal["string", "bool", "int", "uint32", "strings", "count"]

_EMPTY: dict[str, Any] = {"string": "", "bool": False, "int": 0, "uint32": 0, "strings": (), "count": 0}
_UINT32_MAX = 2**32 - 1
_INT64_MAX = 2**63 - 1
_TRUE = ("1", "t", "T", "true", "TRUE", "True")
_FALSE = ("0", "f", "F", "false", "FALSE", "False")


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag of a command.

    Args:
        name: the long name, without ``--``.
        help: one sentence for the help text.
        kind: what its value is; "bool" and "count" take none. "strings" takes a comma-separated list, many times.
        short: one letter, or "".
        default: its value when it is not given; None for the empty value of its kind.
        required: it must be given; the help text says so by itself.
        choices: the values that are allowed; empty for any.
        hidden: accepted, but not shown in help texts.
        refusal: why there is no such thing here; the real CLI has the flag, and this one refuses it with the reason.
    """

    name: str
    help: str
    kind: Kind = "string"
    short: str = ""
    default: Any = None
    required: bool = False
    choices: tuple[str, ...] = ()
    hidden: bool = False
    refusal: str = ""

    @property
    def takes_value(self) -> bool:
        """Whether the next word belongs to it."""
        return self.kind not in ("bool", "count")

    @property
    def title(self) -> str:
        """How errors name it: ``-o, --output``."""
        return f"-{self.short}, --{self.name}" if self.short else f"--{self.name}"

    def empty(self) -> Any:
        """Its value when it is not given."""
        return _EMPTY[self.kind] if self.default is None else self.default


class Flags(Mapping[str, Any]):
    """The values of all flags of a command by long name, defaults included."""

    def __init__(self, values: Mapping[str, Any], given: frozenset[str]) -> None:
        self._values = dict(values)
        self._given = given

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def given(self, name: str) -> bool:
        """Whether the flag was on the command line."""
        return name in self._given


def parse(flags: Sequence[Flag], words: Sequence[str]) -> tuple[list[str], Flags]:
    """Sort a command's words into arguments and flags.

    Raises:
        UsageError: a flag is unknown, has no value, or a value that is none of its kind.
    """
    return _Parser(flags).parse(words)


def check_required(flags: Sequence[Flag], values: Flags) -> None:
    """Refuse a command line that lacks required flags; all of them are named, in the order of the help text."""
    missing = [f'"{flag.name}"' for flag in flags if flag.required and not values.given(flag.name)]
    if missing:
        raise UsageError(f"required flag(s) {', '.join(missing)} not set")


def check_values(flags: Sequence[Flag], values: Flags) -> None:
    """Refuse flags that make no sense here, and a value that is not among those a flag allows."""
    for flag in flags:
        if flag.refusal and values.given(flag.name):
            raise CliError(
                f"the `--{flag.name}` flag does nothing in the practice CLI: {flag.refusal}", "Leave it out."
            )
        value = values[flag.name]
        if flag.choices and values.given(flag.name) and value not in flag.choices:
            raise CliError(
                f'invalid value "{value}" for `--{flag.name}` flag',
                f"Allowed values for `--{flag.name}` flag are: {', '.join(flag.choices)}.",
            )


class _Parser:
    def __init__(self, flags: Sequence[Flag]) -> None:
        self._long = {flag.name: flag for flag in flags}
        self._short = {flag.short: flag for flag in flags if flag.short}
        self._values: dict[str, Any] = {flag.name: flag.empty() for flag in flags}
        self._given: set[str] = set()

    def parse(self, words: Sequence[str]) -> tuple[list[str], Flags]:
        args: list[str] = []
        rest = list(words)
        while rest:
            word = rest.pop(0)
            if word == "--":
                args.extend(rest)
                break
            if word.startswith("--"):
                self._read_long(word[2:], rest)
            elif word.startswith("-") and word != "-":
                self._read_short(word[1:], rest)
            else:
                args.append(word)
        return args, Flags(self._values, frozenset(self._given))

    def _read_long(self, text: str, rest: list[str]) -> None:
        name, has_value, value = text.partition("=")
        if not name or name.startswith("-"):
            raise UsageError(f"bad flag syntax: --{text}")
        flag = self._long.get(name)
        if flag is None:
            raise UsageError(f"unknown flag: --{name}")
        if has_value:
            self._set(flag, value)
        elif not flag.takes_value:
            self._set(flag, None)
        elif rest:
            self._set(flag, rest.pop(0))
        else:
            raise UsageError(f"flag needs an argument: --{name}")

    def _read_short(self, letters: str, rest: list[str]) -> None:
        whole = letters
        while letters:
            letter, letters = letters[0], letters[1:]
            flag = self._short.get(letter)
            if flag is None:
                raise UsageError(f"unknown shorthand flag: '{letter}' in -{whole}")
            if letters.startswith("="):
                self._set(flag, letters[1:])
                return
            if not flag.takes_value:
                self._set(flag, None)
                continue
            if not letters and not rest:
                raise UsageError(f"flag needs an argument: '{letter}' in -{whole}")
            self._set(flag, letters or rest.pop(0))
            return

    def _set(self, flag: Flag, text: str | None) -> None:
        value: Any
        if flag.kind == "count":
            value = self._values[flag.name] + 1 if text is None else _integer(flag, text)
        elif flag.kind == "bool":
            value = True if text is None else _boolean(flag, text)
        elif flag.kind in ("int", "uint32"):
            value = _integer(flag, text or "")
        elif flag.kind == "strings":
            earlier = self._values[flag.name] if flag.name in self._given else ()
            value = (*earlier, *_split(text or ""))
        else:
            value = text
        self._values[flag.name] = value
        self._given.add(flag.name)


def _split(text: str) -> list[str]:
    """Values between commas; one in double quotes may contain commas."""
    import csv

    return next(csv.reader([text]), [])


def _boolean(flag: Flag, text: str) -> bool:
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise UsageError(
        f'invalid argument "{text}" for "{flag.title}" flag: strconv.ParseBool: parsing "{text}": invalid syntax'
    )


def _integer(flag: Flag, text: str) -> int:
    function = "ParseUint" if flag.kind == "uint32" else "ParseInt"
    reason = "invalid syntax"
    try:
        number = int(text) if text.strip() == text and "_" not in text else None
    except ValueError:
        number = None
    most = _UINT32_MAX if flag.kind == "uint32" else _INT64_MAX
    if number is not None and abs(number) > most:
        number, reason = None, "value out of range"
    if number is None or (number < 0 and flag.kind == "uint32"):
        raise UsageError(
            f'invalid argument "{text}" for "{flag.title}" flag: strconv.{function}: parsing "{text}": {reason}'
        )
    return number
