"""What commands print: the same data as a table for people, as JSON, or as YAML (``-o human|json|yaml``).

A command names its fields once and gives one mapping for each object; `print_list` and `print_object` do the rest.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TextIO

from kit.practice import tables
from kit.practice.flags import Flag

OUTPUT = Flag(
    "output",
    'Specify the output format as "human", "json", or "yaml".',
    short="o",
    default="human",
    choices=("human", "json", "yaml"),
)


@dataclass(frozen=True, slots=True)
class Field:
    """One piece of what is shown.

    Args:
        title: its name in tables; None: only in JSON and YAML.
        key: its name in JSON and YAML, and in the mappings of the command; starts with "!" for tables only.
        omit_empty: an object without it has no row and no key; lists show it anyway.
    """

    title: str | None
    key: str
    omit_empty: bool = False

    @property
    def name(self) -> str:
        """The key in the command's mappings."""
        return self.key.removeprefix("!")


def print_list(
    stdout: TextIO,
    format_name: str,
    fields: Sequence[Field],
    rows: Sequence[Mapping[str, Any]],
    *,
    sort: bool = True,
) -> None:
    """Print objects: rows are sorted by the first field that is shown ("Current" does not count)."""
    if format_name != "human":
        shown = [field for field in fields if not field.key.startswith("!")]
        data = [_serializable(shown, row) for row in _sorted(shown, rows, sort)]
        stdout.write(_json(data) if format_name == "json" else _yaml_list(data))
        return
    if not rows:
        stdout.write("None found.\n")
        return
    shown = [field for field in fields if field.title is not None]
    ordered = _sorted(shown, rows, sort)
    cells = [[_cell(field, row[field.name]) for field in shown] for row in ordered]
    right = [_is_number(ordered[0][field.name]) for field in shown]
    stdout.write(tables.list_text([field.title or "" for field in shown], cells, right))


def print_object(stdout: TextIO, format_name: str, fields: Sequence[Field], row: Mapping[str, Any]) -> None:
    """Print one object."""
    if format_name != "human":
        data = _serializable([field for field in fields if not field.key.startswith("!")], row)
        stdout.write(_json(data) if format_name == "json" else _yaml_map(data))
        return
    shown = [field for field in fields if field.title is not None and not _is_omitted(field, row)]
    stdout.write(tables.box_text([(field.title or "", _text(row[field.name])) for field in shown]))


def _sorted(fields: Sequence[Field], rows: Sequence[Mapping[str, Any]], sort: bool) -> list[Mapping[str, Any]]:
    if not sort:
        return list(rows)
    keys = [field.name for field in fields if field.name != "is_current"]
    return sorted(rows, key=lambda row: [_text(row[key]) for key in keys])


def _is_omitted(field: Field, row: Mapping[str, Any]) -> bool:
    return field.omit_empty and not row[field.name]


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _cell(field: Field, value: Any) -> str:
    if field.title == "Current":
        return "*" if value else " "
    return _text(value)


def _text(value: Any) -> str:
    """A value in a table, as Go prints it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Mapping):
        return "\n".join(f"{key}={item}" for key, item in sorted(value.items()))
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    return "" if value is None else str(value)


def _serializable(fields: Sequence[Field], row: Mapping[str, Any]) -> dict[str, Any]:
    return {field.key: row[field.name] for field in fields if not _is_omitted(field, row)}


_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def _json(data: Any) -> str:
    """JSON as Go writes it: characters that mean something in HTML are escaped."""
    text = json.dumps(data, indent=2, ensure_ascii=False)
    return re.sub("[<>&\u2028\u2029]", lambda found: _ESCAPES[found.group()], text) + "\n"


# -- YAML: maps of plain values and lists of them, all the CLI has -----------------------------------------------------

_PLAIN = re.compile(r"[A-Za-z0-9_./$(<+^;~](?:[^:#]|:(?=\S)|(?<=\S)#)*")
_AMBIGUOUS = re.compile(
    r"(?:true|false|yes|no|on|off|y|n|null|~"  # what some reader of YAML takes for a boolean or nothing
    r"|[-+]?[0-9.][0-9_.,:eE+x-]*[0-9a-fA-F_]*|[-+]?\.(?:inf|nan)|\.nan"  # ... for a number
    r"|\d{4}-\d\d?-\d\d?.*|=|<<)",  # ... for a date
    re.IGNORECASE,
)


def _yaml_list(rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return "[]\n"
    return "".join("- " + _yaml_map(row).replace("\n", "\n  ").removesuffix("  ") for row in rows)


def _yaml_map(row: Mapping[str, Any]) -> str:
    return "".join(_yaml_entry(key, value) for key, value in row.items()) or "{}\n"


def _yaml_entry(key: str, value: Any) -> str:
    if isinstance(value, list | tuple):
        items = "".join(f"    - {_yaml_scalar(item)}\n" for item in value)
        return f"{key}:\n{items}" if items else f"{key}: []\n"
    return f"{key}: {_yaml_scalar(value)}\n"


def _yaml_scalar(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str):
        return str(value)
    if value.isprintable() and value == value.strip() and _PLAIN.fullmatch(value) and not _AMBIGUOUS.fullmatch(value):
        return value
    return _yaml_quoted(value)


def _yaml_quoted(text: str) -> str:
    """In double quotes when something must be escaped or the text only looks like another kind of value."""
    if not text or _AMBIGUOUS.fullmatch(text) or not text.isprintable():
        return '"' + "".join(map(_yaml_character, text)) + '"'
    return "'" + text.replace("'", "''") + "'"


def _yaml_character(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x1_0000 else f"\\U{code:08x}"
