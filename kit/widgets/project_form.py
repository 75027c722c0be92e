"""The form for a project plan: four sections, what is still missing, and a Markdown file beside the notebook."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from kit.lessons import project_plan
from kit.widgets._assets import script, style

FILE_NAME = "my-project.md"
_MOST_CHARACTERS = 20_000  # of a section


class ProjectForm(anywidget.AnyWidget):
    """Four sections to write in; what is typed is in the file at once, and the list of what is missing follows.

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

    def __init__(self, path: str | os.PathLike[str] = FILE_NAME) -> None:
        self.path = Path(path).absolute()
        self._on_disk = self._read()
        title, texts = project_plan.read(self._on_disk or "")
        super().__init__(title=title, texts=texts)
        self.sections = [
            {"id": each.id, "heading": each.heading, "prompts": list(each.prompts)} for each in project_plan.SECTIONS
        ]
        self._look()
        if not self.status:
            self.status = f"{'Loaded from' if self._on_disk else 'Kept in'} {self.path.name}, beside this notebook."
        self.observe(self._changed, ["title", "texts"])

    @property
    def text(self) -> str:
        """The whole plan, as it is in the file."""
        return project_plan.written(self.title, self.texts)

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

    def _write(self) -> None:
        """Keep what was typed, unless somebody else has changed the file meanwhile."""
        if self._read() != self._on_disk:
            self.status = f"Not saved: {self.path.name} was changed elsewhere. Run this cell again to load it."
            return
        text = self.text
        try:
            self.path.write_text(text, encoding="utf-8")
        except (OSError, UnicodeEncodeError) as error:
            self.status = f"Not saved: {self.path.name} cannot be written ({error})."
            return
        self._on_disk = text
        self.status = f"Saved in {self.path.name}, beside this notebook."
