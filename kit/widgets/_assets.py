"""The front-end files beside the widgets' Python files."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent


def script(name: str) -> str:
    """The module ``name``.js."""
    return (_HERE / f"{name}.js").read_text(encoding="utf-8")


def style(name: str) -> str:
    """What all widgets share, and ``name``.css after it."""
    return "\n".join((_HERE / f"{each}.css").read_text(encoding="utf-8") for each in ("shared", name))
