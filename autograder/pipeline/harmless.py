"""What a student's cells put out, without what is alive in it: formgrader and feedback show outputs in a browser."""

from __future__ import annotations

import html
import re
from typing import Any

from nbconvert.preprocessors.sanitize import SanitizeHTML

from autograder.judge.writing import Notebook

_TAGS = (
    "a", "b", "blockquote", "br", "caption", "code", "div", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "li",
    "ol", "p", "pre", "s", "span", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "u",
    "ul",
)  # fmt: skip
_ATTRIBUTES = {"a": ["href", "title"], "td": ["colspan", "rowspan"], "th": ["colspan", "rowspan", "scope"]}
_SAFE = {"metadata", "text/plain", "application/json", "image/png", "image/jpeg"}
_PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*")
# Everything that a terminal obeys but colours, which nbconvert turns into HTML.
_CONTROL = re.compile(r"\x1b\[[0-?]*[ -/]*[@-ln-~]|\x1b(?!\[[0-9;]*m)|[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f-\x9f]")
_WITH_CONTENT = re.compile(r"<(script|style)\b.*?(</\1\s*>|\Z)", re.IGNORECASE | re.DOTALL)
# In a text, honest work has "a < b" and "<br>", hardly ever one of these; only texts that have one are changed.
_ALIVE = re.compile(
    r"<\s*/?\s*(script|style|iframe|object|embed|svg|math|link|meta|base|form|input|button|video|audio|template|img)\b"
    r"|<[^>]*\bon\w+\s*=|(java|vb)\s*script\s*:|data\s*:\s*text/|\\href|&#|&(colon|tab|newline|lpar|sol);|<!--",
    re.IGNORECASE,
)


class Harmless:
    """Makes notebooks harmless; one for a whole batch."""

    def __init__(self) -> None:
        self._html: Any = SanitizeHTML(  # type: ignore[no-untyped-call]
            tags=list(_TAGS),
            attributes=_ATTRIBUTES,
            styles=[],
            strip=True,
            safe_output_keys=_SAFE,
        )

    def clean(self, notebook: Notebook) -> None:
        """Take scripts, forms, pictures from elsewhere and the like out of outputs and of students' text cells."""
        notebook["metadata"].pop("widgets", None)
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                for output in cell["outputs"]:
                    self._clean_output(output)
            elif _is_students(cell):
                cell["source"] = _dead(cell["source"])
                _clean_attachments(cell)

    def _clean_output(self, output: dict[str, Any]) -> None:
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
                data[kind] = self._text(_joined(data[kind]))
            elif kind == "text/markdown":
                data[kind] = _dead(_joined(data[kind]))
            elif kind == "text/plain":
                data[kind] = _CONTROL.sub("", _joined(data[kind]))
            elif kind not in _SAFE or (kind.startswith("image/") and not _is_base64(data[kind])):
                del data[kind]

    def _text(self, text: str) -> str:
        return str(self._html.sanitize_html_tags(_WITH_CONTENT.sub("", text)))


def _clean_attachments(cell: dict[str, Any]) -> None:
    for name, bundle in list(cell.get("attachments", {}).items()):
        if not all(kind in _PICTURES and _is_base64(content) for kind, content in bundle.items()):
            del cell["attachments"][name]


def _is_base64(content: Any) -> bool:
    """Whether it is a picture and no more; templates put it into an attribute, quotes included."""
    return _BASE64.fullmatch(_joined(content)) is not None


def _dead(text: str) -> str:
    """A text in Markdown; where something is alive in it, its characters are shown as they are."""
    return f"<pre>{html.escape(text)}</pre>" if _ALIVE.search(text) else text


def _is_students(cell: dict[str, Any]) -> bool:
    marks = cell["metadata"].get("nbgrader", {})
    return bool(marks.get("solution")) or not marks.get("locked", False)


def _joined(text: Any) -> str:
    return "".join(map(str, text)) if isinstance(text, list) else str(text)
