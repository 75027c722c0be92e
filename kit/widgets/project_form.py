"""The form for a project plan: four sections, what is still missing, and a Markdown file beside the notebook."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from kit.lessons import project_plan
from kit.widgets._assets import script, style

FILE_NAME = "my-project.md"
_MOST_CHARACTERS = 20_000  # of a section
_MOST_IN_TITLE = 120


class ProjectForm(anywidget.AnyWidget):
    """Four sections to write in; what is typed is in the file at once, and the list of what is missing follows.

    The kernel answers every save. While it does not, the browser says so and keeps the text, and the next form for the
    same file gets it.

    Args:
        path: of the file. One that is there is shown.
    """

    _esm = script("project_form")
    _css = style("project_form")

    sections: traitlets.List[Any] = traitlets.List().tag(sync=True)
    title = traitlets.Unicode().tag(sync=True)
    texts: traitlets.Dict[str, str] = traitlets.Dict().tag(sync=True)
    items: traitlets.List[Any] = traitlets.List().tag(sync=True)
    status = traitlets.Unicode().tag(sync=True)
    # Under which name a browser keeps what was not saved, and what it was typed on top of.
    place = traitlets.Unicode().tag(sync=True)
    version = traitlets.Unicode().tag(sync=True)

    def __init__(self, path: str | os.PathLike[str] = FILE_NAME) -> None:
        self.path = Path(path).absolute()
        self._on_disk = self._read()
        title, texts = project_plan.read(self._on_disk or "")
        super().__init__(title=title, texts=texts, place=_digest(str(self.path)), version=_digest(self._on_disk))
        self.sections = [
            {"id": each.id, "heading": each.heading, "prompts": list(each.prompts)} for each in project_plan.SECTIONS
        ]
        self._look()
        self.status = f"{'Loaded from' if self._on_disk else 'Kept in'} {self.path.name}, beside this notebook."
        self.observe(self._changed, ["title", "texts"])
        self.on_msg(self._received)

    @property
    def text(self) -> str:
        """The whole plan, as it is in the file."""
        return project_plan.written(self.title, self.texts)

    def _received(self, _widget: object, message: object, _buffers: object) -> None:
        """Save what the browser sends, and answer whether it is in the file."""
        if not isinstance(message, Mapping) or message.get("type") != "save":
            return
        title, texts = message.get("title"), message.get("texts")
        if isinstance(title, str) and isinstance(texts, Mapping):
            with self.hold_trait_notifications():
                self.title = title[:_MOST_IN_TITLE]
                self.texts = {each.id: str(texts.get(each.id, ""))[:_MOST_CHARACTERS] for each in project_plan.SECTIONS}
            is_saved = self._write()  # once more where nothing has changed: it may not have worked before
            self.send({"type": "answer", "number": message.get("number"), "is_saved": is_saved, "status": self.status})

    def _changed(self, _change: object) -> None:
        self._look()
        self._write()

    def _look(self) -> None:
        self.items = [
            {"section": each.section, "words": each.words, "is_there": each.is_there, "hint": each.hint}
            for each in project_plan.items(self.texts)
        ]

    def _read(self) -> str | None:
        try:
            return self.path.read_text(encoding="utf-8", errors="replace")[: 5 * _MOST_CHARACTERS]
        except OSError:
            return None

    def _write(self) -> bool:
        """Keep what was typed, unless somebody else has changed the file meanwhile; whether it is in the file."""
        text = self.text
        found = self._read()
        if found not in (self._on_disk, text):
            self.status = (
                f"NOT saved: {self.path.name} was changed elsewhere. Run this cell again to load it. "
                "Your text stays in this browser meanwhile."
            )
            return False
        if found != text:
            try:
                self.path.write_text(text, encoding="utf-8")
            except (OSError, UnicodeEncodeError) as error:
                self.status = f"NOT saved: {self.path.name} cannot be written ({error})."
                return False
        self._on_disk = text
        self.version = _digest(text)
        self.status = f"Saved in {self.path.name}, beside this notebook."
        return True


def _digest(text: str | None) -> str:
    return hashlib.sha256((text or "").encode("utf-8", "surrogatepass")).hexdigest()[:16]
