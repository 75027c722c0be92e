"""Terminals as an SVG: their text, in light or dark as the reader's system has it, and the same text as description."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape

_CHARACTER, _LINE = 7.3, 17  # of 12 px monospace, about
_PAD, _BAR = 14, 30

_STYLE = """
svg { --paper: #ffffff; --bar: #e9e9e9; --ink: #1b1b1b; --typed: #00558b; --edge: #8a8a8a; }
@media (prefers-color-scheme: dark) {
  svg { --paper: #121212; --bar: #2a2a2a; --ink: #f0f0f0; --typed: #7cc4f2; --edge: #6a6a6a; }
}
text { font: 12px ui-monospace, "Cascadia Mono", "Liberation Mono", Menlo, Consolas, monospace; fill: var(--ink); }
.typed { fill: var(--typed); font-weight: 600; }
.window { fill: var(--paper); stroke: var(--edge); }
.bar { fill: var(--bar); stroke: var(--edge); }
"""


@dataclass(frozen=True)
class Screen:
    """One terminal.

    Args:
        title: above it.
        lines: its text; what was typed, as a second member of the pair, is shown bold and in another colour.
    """

    title: str
    lines: Sequence[tuple[str, bool]]


def svg_of(title: str, screens: Sequence[Screen], command: str) -> str:
    """The picture of terminals side by side; ``command`` is noted in it as what made it."""
    return "\n".join(_lines(title, screens, command)) + "\n"


def _lines(title: str, screens: Sequence[Screen], command: str) -> Iterator[str]:
    widths = [max(len(line) for line, _ in (*screen.lines, (screen.title, False))) * _CHARACTER + 2 * _PAD
              for screen in screens]  # fmt: skip
    height = _BAR + max(len(screen.lines) for screen in screens) * _LINE + 2 * _PAD
    width = sum(widths) + _PAD * (len(screens) + 1)
    total = height + 2 * _PAD
    description = " ".join(
        f"{screen.title}: {' / '.join(line for line, _ in screen.lines if line)}." for screen in screens
    )
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {total:g}" width="{width:g}" '
        f'height="{total:g}" role="img" aria-labelledby="title description">'
    )
    yield f'<title id="title">{escape(title)}</title>'
    yield f'<desc id="description">{escape(description)}</desc>'
    yield f"<!-- made by: {escape(command)} -->"
    yield f"<style>{_STYLE}</style>"
    left = float(_PAD)
    for screen, each in zip(screens, widths, strict=True):
        yield f'<rect class="window" x="{left:g}" y="{_PAD}" width="{each:g}" height="{height:g}" rx="6"/>'
        yield f'<rect class="bar" x="{left:g}" y="{_PAD}" width="{each:g}" height="{_BAR}" rx="6"/>'
        yield f'<text x="{left + _PAD:g}" y="{_PAD + 20}">{escape(screen.title)}</text>'
        for number, (line, is_typed) in enumerate(screen.lines, start=1):
            kind = ' class="typed"' if is_typed else ""
            y = _PAD + _BAR + number * _LINE
            yield f'<text{kind} x="{left + _PAD:g}" y="{y}" xml:space="preserve">{escape(line)}</text>'
        left += each + _PAD
    yield "</svg>"
