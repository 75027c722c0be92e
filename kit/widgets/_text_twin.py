"""Widgets that are text where no widgets are: in terminals, in printed notebooks, in ``print``."""

from __future__ import annotations

from typing import Any

import anywidget


class TextTwin(anywidget.AnyWidget):
    """A widget whose ``__str__`` says in text what it shows."""

    def __repr__(self) -> str:
        return str(self)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        """The widget, and the whole text beside it, which would be cut after a line otherwise."""
        found: Any = super()._repr_mimebundle_(**kwargs)
        data = found[0] if isinstance(found, tuple) else found
        data["text/plain"] = str(self)
        return found
