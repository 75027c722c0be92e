"""The labs that are in a folder, and what each says about itself in its first cell."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

_FILE = re.compile(r"(\d\d)-[\w-]+\.ipynb")
_TITLE = re.compile(r"^#\s*Lab \d\d:\s*(.+?)\s*$", re.MULTILINE)
_MINUTES = re.compile(r"About (\d+) minutes")
_OUTCOME = re.compile(r"^[-*]\s+(.+?)\s*$", re.MULTILINE)
_MARKS = re.compile(r"\s*\*\(outcomes? [^)]*\)\*|[*`]|[;,.]\s*$")


@dataclass(frozen=True, slots=True)
class LabPage:
    """One lab's notebook.

    Attributes:
        number: as in "01".
        file: its name in the folder.
        title: without the number.
        minutes: how long it takes; None when the notebook does not say.
        outcomes: what a learner can do after it, in the notebook's own words.
    """

    number: str
    file: str
    title: str
    minutes: int | None = None
    outcomes: tuple[str, ...] = ()


def lab_pages(folder: Path) -> list[LabPage]:
    """The labs of a folder by number; of one that cannot be read, only what its name tells."""
    paths = sorted(path for path in folder.glob("*.ipynb") if _FILE.fullmatch(path.name))
    return [_page(path.name, _first_cell(path)) for path in paths]


def _page(file: str, text: str) -> LabPage:
    title, minutes = _TITLE.search(text), _MINUTES.search(text)
    return LabPage(
        file[:2],
        file,
        title.group(1) if title else Path(file).stem[3:].replace("-", " ").capitalize(),
        int(minutes.group(1)) if minutes else None,
        tuple(_plain(each) for each in _OUTCOME.findall(text)),
    )


def _plain(outcome: str) -> str:
    """An outcome without Markdown's marks and without the number that courses know it by."""
    return _MARKS.sub("", _MARKS.sub("", outcome)).strip()


def _first_cell(path: Path) -> str:
    try:
        source = json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"]
    except (OSError, ValueError, LookupError, TypeError):
        return ""
    return "".join(source) if isinstance(source, str | list) else ""
