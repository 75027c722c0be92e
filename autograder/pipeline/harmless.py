"""What a student's cells say, without what is alive in it: formgrader and feedback show it in a browser.

Two walls, one behind the other. Here, what is recorded loses everything but text, tables, pictures and links. The
pages (``page_templates``) fetch nothing, and what a student wrote can neither leave its box nor lie over another.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from typing import Any

from autograder.deck.images import media_type
from autograder.deck.limits import LIMITS
from autograder.judge.writing import Notebook
from autograder.pipeline.plain_html import cleaned
from autograder.pipeline.plain_markdown import is_harmless

_SAFE = {"text/plain", "application/json", "image/png", "image/jpeg"}
_PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*")
_CLASS = re.compile(r"[\w-]{1,40}")
# Everything that a terminal obeys but colours, which nbconvert turns into HTML.
_CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-ln-~]|\x1b(?!\[[0-9;]*m)|[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f]")


class Harmless:
    """Makes notebooks harmless; one for a whole batch."""

    def clean(self, notebook: Notebook) -> None:
        """Take everything that acts, fetches or covers out of outputs and of students' text cells."""
        notebook["metadata"].pop("widgets", None)
        ids = [str(cell["metadata"].get("nbgrader", {}).get("grade_id", "")) for cell in notebook["cells"]]
        for cell in notebook["cells"]:
            if "tags" in cell["metadata"]:  # templates make classes of them
                cell["metadata"]["tags"] = _classes(cell["metadata"]["tags"])
            if cell["cell_type"] == "code":
                for output in cell["outputs"]:
                    _clean_output(output)
            elif _is_students(cell):
                _clean_attachments(cell)
                if not _may_stay(cell, ids):
                    cell["source"] = _dead(cell["source"])


def _clean_output(output: dict[str, Any]) -> None:
    if "text" in output:
        output["text"] = _CONTROL.sub("", _joined(output["text"]))
    if "traceback" in output:
        output["traceback"] = [_CONTROL.sub("", str(line)) for line in output["traceback"]]
    data = output.get("data")
    if not isinstance(data, dict):
        return
    output["metadata"] = {}  # sizes of pictures and the like, which templates put into attributes
    for kind in list(data):
        if kind == "text/html":
            data[kind] = cleaned(_joined(data[kind]))
        elif kind == "text/markdown":
            text = _joined(data[kind])
            data[kind] = text if is_harmless(text) else _dead(text)
        elif kind == "text/plain":
            data[kind] = _CONTROL.sub("", _joined(data[kind]))
        elif kind not in _SAFE or (kind.startswith("image/") and not _is_picture(kind, data[kind])):
            del data[kind]


def _may_stay(cell: dict[str, Any], ids: list[str]) -> bool:
    if cell["cell_type"] != "markdown":  # a raw cell is HTML to nbconvert
        return "<" not in cell["source"] and "&" not in cell["source"]
    return is_harmless(cell["source"], cell.get("attachments", {}), ids)


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


def _dead(text: str) -> str:
    """A text of which each character is shown as it is, in Markdown and in HTML."""
    return f"<pre>{html.escape(text)}</pre>"


def _is_students(cell: dict[str, Any]) -> bool:
    marks = cell["metadata"].get("nbgrader", {})
    return bool(marks.get("solution")) or not marks.get("locked", False)


def _joined(text: Any) -> str:
    return "".join(map(str, text)) if isinstance(text, list) else str(text)
