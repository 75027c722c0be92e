"""The front-end files beside the widgets' Python files."""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).parent


def script(name: str, folder: Path = _HERE) -> str:
    """The module ``name``.js of a folder."""
    return (folder / f"{name}.js").read_text(encoding="utf-8")


def style(name: str, folder: Path = _HERE) -> str:
    """What all widgets share, and ``name``.css of a folder after it."""
    shared, own = _HERE / "shared.css", folder / f"{name}.css"
    return "\n".join(path.read_text(encoding="utf-8") for path in (shared, own))


def with_code_ways(name: str, folder: Path = _HERE) -> tuple[str, str]:
    """Module and style of a widget that shows what it does as code too."""
    own = (folder / f"{name}.css").read_text(encoding="utf-8")
    return f"{script('code_ways')}\n{script(name, folder)}", f"{style('code_ways')}\n{own}"


def joined(folder: str, *names: str) -> str:
    """Several files of a folder, one after the other, as one: a widget's module cannot import a second one."""
    return "\n".join((_HERE / folder / name).read_text(encoding="utf-8") for name in names)
