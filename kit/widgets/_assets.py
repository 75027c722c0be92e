"""The front-end files beside the widgets' Python files."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent


def script(name: str, folder: Path = _HERE) -> str:
    """The module ``name``.js of a folder, after what all views build their page from."""
    return _module(folder / f"{name}.js")


def scripts(folder: str, *names: str) -> str:
    """Several files of a folder as one module, after what all views build their page from."""
    return _module(*(_HERE / folder / name for name in names))


def style(name: str, folder: Path = _HERE) -> str:
    """What all widgets share, and ``name``.css of a folder after it."""
    shared, own = _HERE / "shared.css", folder / f"{name}.css"
    return "\n".join(path.read_text(encoding="utf-8") for path in (shared, own))


def with_code_ways(name: str, folder: Path = _HERE) -> tuple[str, str]:
    """Module and style of a widget that shows what it does as code too."""
    own = (folder / f"{name}.css").read_text(encoding="utf-8")
    return _module(_HERE / "code_ways.js", folder / f"{name}.js"), f"{style('code_ways')}\n{own}"


def joined(folder: str, *names: str) -> str:
    """Several style files of a folder, one after the other."""
    return "\n".join((_HERE / folder / name).read_text(encoding="utf-8") for name in names)


def _module(*paths: Path) -> str:
    """Files in their order as one module: what a widget hands to the browser cannot import a second one."""
    return "\n".join(path.read_text(encoding="utf-8") for path in (_HERE / "dom.js", *paths))
