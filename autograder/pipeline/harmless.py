"""What a student's cells say, without what is alive in it: formgrader and feedback show it in a browser.

Two walls, one behind the other. Here, what is recorded loses everything but text, tables, pictures and links. The
pages (``page_templates``) fetch nothing, and what a student wrote can neither leave its box nor lie over another.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from autograder.deck.images import media_type
from autograder.deck.limits import LIMITS
from autograder.judge.writing import Notebook
from autograder.pipeline.plain_html import cleaned
from autograder.pipeline.rendering import PLAIN, Question, Shower, Verdict, as_text

_SAFE = {"text/plain", "application/json", "image/png", "image/jpeg"}
_PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*")
_CLASS = re.compile(r"[\w-]{1,40}")
_MOST_COLOURS = 5_000  # changes of them in an output
# Everything that a terminal obeys but colours, which nbconvert turns into HTML.
_CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-ln-~]|\x1b(?!\[[0-9;]*m)|[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f]")


@dataclass(frozen=True)
class _Part:
    """Something of the student's that is rendered: where it stands, and the question whether it can stay so."""

    holder: dict[str, Any]
    key: str
    question: Question

    def show_plainly(self) -> None:
        if self.question.is_code:
            self.holder["metadata"]["magics_language"] = PLAIN  # its text is the student's and stays
        else:
            self.holder[self.key] = as_text(self.question.text)


class Harmless:
    """Makes notebooks harmless; one for a whole batch.

    Args:
        shower: tells what can be shown as it is; in tests one with less patience.
    """

    def __init__(self, shower: Shower | None = None) -> None:
        self._shower = shower or Shower()

    def clean(self, notebook: Notebook) -> list[str]:
        """Take everything that acts, fetches, covers or never ends out of outputs and of students' cells.

        Returns:
            A line when something is shown plainly because of the time that it would take.
        """
        metadata = notebook["metadata"]
        metadata.pop("widgets", None)
        if "language_info" in metadata:  # there are hundreds of lexers, and some can be slow
            metadata["language_info"]["pygments_lexer"] = "ipython3"
        ids = tuple(str(cell["metadata"].get("nbgrader", {}).get("grade_id", "")) for cell in notebook["cells"])
        parts = [part for cell in notebook["cells"] for part in _clean_cell(cell, ids)]
        verdicts = self._shower.verdicts([part.question for part in parts])
        plain = [part for part in parts if verdicts[part.question] != Verdict.FINE]
        for part in plain:
            part.show_plainly()
        slow = sum(verdicts[part.question] == Verdict.SLOW for part in plain)
        return [f"shown as plain text, as more would take too long: {slow} of its cells or outputs."] if slow else []


def _clean_cell(cell: dict[str, Any], ids: tuple[str, ...]) -> Iterator[_Part]:
    """Clean all of it but the texts that are yielded: about them, somebody else has to decide."""
    metadata = cell["metadata"]
    if "tags" in metadata:  # templates make classes of them
        metadata["tags"] = _classes(metadata["tags"])
    if cell["cell_type"] == "code":
        metadata.pop("magics_language", None)
        for output in cell["outputs"]:
            yield from _clean_output(output)
        if _is_students(cell):
            yield _Part(cell, "source", Question(cell["source"], is_code=True))
    elif _is_students(cell):
        _clean_attachments(cell)
        if cell["cell_type"] == "markdown":
            yield _Part(cell, "source", Question(cell["source"], names=tuple(cell.get("attachments", {})), ids=ids))
        elif "<" in cell["source"] or "&" in cell["source"]:  # a raw cell is HTML to nbconvert
            cell["source"] = as_text(cell["source"])


def _clean_output(output: dict[str, Any]) -> Iterator[_Part]:
    if "text" in output:
        output["text"] = _printed(output["text"])
    if "traceback" in output:
        output["traceback"] = [_printed(line) for line in output["traceback"]]
    data = output.get("data")
    if not isinstance(data, dict):
        return
    output["metadata"] = {}  # sizes of pictures and the like, which templates put into attributes
    for kind in list(data):
        if kind == "text/html":
            data[kind] = cleaned(_joined(data[kind]))
        elif kind == "text/markdown":
            data[kind] = _joined(data[kind])
            yield _Part(data, kind, Question(data[kind]))
        elif kind == "text/plain":
            data[kind] = _printed(data[kind])
        elif kind not in _SAFE or (kind.startswith("image/") and not _is_picture(kind, data[kind])):
            del data[kind]


def _clean_attachments(cell: dict[str, Any]) -> None:
    for name, bundle in list(cell.get("attachments", {}).items()):
        if not all(kind in _PICTURES and _is_base64(content) for kind, content in bundle.items()):
            del cell["attachments"][name]


def _is_picture(kind: str, content: Any) -> bool:
    """Whether it is a picture of this kind that does not fill a browser's memory when it is unpacked."""
    if not _is_base64(content):
        return False
    try:
        return media_type(base64.b64decode(_joined(content)), LIMITS) == kind
    except (binascii.Error, ValueError):
        return False


def _is_base64(content: Any) -> bool:
    """Whether it can stand in an attribute; templates put it there as it is, quotes included."""
    return _BASE64.fullmatch(_joined(content)) is not None


def _classes(tags: Any) -> list[str]:
    return [tag for tag in tags if isinstance(tag, str) and _CLASS.fullmatch(tag)] if isinstance(tags, list) else []


def _is_students(cell: dict[str, Any]) -> bool:
    marks = cell["metadata"].get("nbgrader", {})
    return bool(marks.get("solution")) or not marks.get("locked", False)


def _printed(text: Any) -> str:
    """What a terminal would show, with its colours; nbconvert copies all that follows for each of them."""
    shown = _CONTROL.sub("", _joined(text))
    return shown if shown.count("\x1b") <= _MOST_COLOURS else shown.replace("\x1b", "")


def _joined(text: Any) -> str:
    return "".join(map(str, text)) if isinstance(text, list) else str(text)
