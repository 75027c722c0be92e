"""The Python code of a submission: code cells of notebooks and .py files, read within limits and never run."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.intake.flags import shown
from autograder.intake.json_text import NotJsonError, parse
from autograder.intake.limits import Limits
from autograder.intake.names import is_left_behind
from autograder.intake.open_folder import OpenFolder, is_link

_LIMITS = Limits(file_bytes=1_000_000, notebook_bytes=20_000_000, entries=500)
_MOST_CHARACTERS = 1_000_000  # of a submission's code
_ENDINGS = (".py", ".ipynb")
# In a cell: a line for IPython or the shell, which is no Python. A whole cell of another language begins with one.
_MAGIC_LINE = re.compile(r"^([ \t]*)(?:[%!?][^\n]*|[^\n#'\"]*\?)$", re.MULTILINE)
_OTHER_CELL = re.compile(r"\A\s*%%(?!time|capture|writefile|prun|debug)(\w+)")
_CELL_MAGIC = re.compile(r"\A(\s*)%%[^\n]*")


@dataclass(frozen=True)
class Unit:
    """A piece of code that stands for itself.

    Attributes:
        where: the file, with the number of the cell from 1.
        text: the code; its first line is line 1.
    """

    where: str
    text: str


@dataclass
class Code:
    """A submission's code.

    Attributes:
        units: cells and files, in the order of names and of cells.
        notes: what was left out, a sentence each.
    """

    units: list[Unit] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def read(path: Path) -> Code:
    """Read the code of a submission: a folder, or one file. What cannot be read is a note."""
    code = Code()
    room = _MOST_CHARACTERS
    for name, content in _files(path, code.notes):
        try:
            units = _cells(name, content) if name.endswith(".ipynb") else [Unit(shown(name), _text(content))]
        except NotJsonError as error:
            code.notes.append(f"{shown(name)} {error}; its code was not compared.")
            continue
        for unit in units:
            if len(unit.text) > room:
                code.notes.append(f"from {unit.where} on, its code was not compared: it is too long.")
                return code
            room -= len(unit.text)
            if unit.text.strip():
                code.units.append(unit)
    return code


def _files(path: Path, notes: list[str]) -> Iterator[tuple[str, bytes]]:
    walk = _Walk(notes)
    try:
        if path.is_dir() and not path.is_symlink():
            with OpenFolder(path) as folder:
                yield from walk.folder(folder, ())
        else:
            with OpenFolder(path.parent) as folder:
                yield from walk.entry(folder, (path.name,))
    except OSError as error:
        notes.append(f"it cannot be read ({error.strerror or type(error).__name__}).")


class _Walk:
    def __init__(self, notes: list[str]) -> None:
        self._notes = notes
        self._entries = 0

    def folder(self, folder: OpenFolder, at: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
        for name in sorted(self._names(folder)):
            yield from self.entry(folder, (*at, name))

    def entry(self, folder: OpenFolder, at: tuple[str, ...]) -> Iterator[tuple[str, bytes]]:
        path = "/".join(at)
        try:
            found = folder.look(at[-1])
            if stat.S_ISDIR(found.st_mode) and not is_link(found) and len(at) <= _LIMITS.depth:
                with folder.folder(at[-1]) as inner:
                    yield from self.folder(inner, at)
            elif path.endswith(_ENDINGS):
                most = _LIMITS.notebook_bytes if path.endswith(".ipynb") else _LIMITS.file_bytes
                if is_link(found) or not stat.S_ISREG(found.st_mode) or found.st_size > most:
                    self._notes.append(f"{shown(path)} is too large or no ordinary file; its code was not compared.")
                else:
                    yield path, folder.read(at[-1], found, most)
        except OSError as error:
            self._notes.append(f"{shown(path)} cannot be read ({error.strerror or type(error).__name__}).")

    def _names(self, folder: OpenFolder) -> list[str]:
        names = []
        for name in folder.names():
            self._entries += 1
            if self._entries > _LIMITS.entries:
                self._notes.append(
                    f"it has more than {_LIMITS.entries} files and folders; the others were not compared."
                )
                break
            if not is_left_behind(name):
                names.append(name)
        return names


def _cells(name: str, content: bytes) -> list[Unit]:
    found = parse(content, _LIMITS).value
    cells = found.get("cells") if isinstance(found, dict) else None
    if not isinstance(cells, list):
        raise NotJsonError("is no notebook with cells")
    units = []
    for number, cell in enumerate(cells, 1):
        if isinstance(cell, dict) and cell.get("cell_type") == "code":
            text = _source(cell.get("source"))
            if not _OTHER_CELL.match(text):
                units.append(Unit(f"{shown(name)}, cell {number}", _as_python(text)))
    return units


def _source(found: Any) -> str:
    if isinstance(found, list):
        return "".join(line for line in found if isinstance(line, str))
    return found if isinstance(found, str) else ""


def _as_python(text: str) -> str:
    """The lines that only IPython knows do nothing; all others keep their numbers."""
    return _MAGIC_LINE.sub(r"\1pass", _CELL_MAGIC.sub(r"\1", text, count=1))


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace").replace("\r\n", "\n")
