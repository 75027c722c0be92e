"""A `Story` as an SVG: shapes and words carry the meaning, colours help; light and dark follow the reader's system."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from html import escape

from tools.timeline_story import Lane, Mark, Role, Span, Story

_WIDTH, _LEFT, _RIGHT = 1000, 150, 16
_CHARACTER = 6.6  # the width of one at 12 px, about
_BAR = 22
_SMALL_BAR = 15
_CLIENT = 40
_GAP = 10
_FAULT_LINE = 15
_LABEL_LINE = 15

# Okabe and Ito's colours, which colour-blind people tell apart; each role also has its own pattern and word.
_STYLE = """
svg { --paper: #ffffff; --ink: #1b1b1b; --soft: #5c5c5c; --line: #c8c8c8; --sync: #cfe8f8; --out: #f4f4f4; }
@media (prefers-color-scheme: dark) {
  svg { --paper: #121212; --ink: #f0f0f0; --soft: #b4b4b4; --line: #4a4a4a; --sync: #17425c; --out: #1e1e1e; }
}
text { font: 12px system-ui, "Segoe UI", Roboto, "Liberation Sans", sans-serif; fill: var(--ink); }
.halo { stroke: var(--paper); stroke-width: 4px; stroke-linejoin: round; paint-order: stroke; }
.head { font-size: 15px; font-weight: 600; }
.group { font-weight: 600; }
.soft { fill: var(--soft); }
.paper { fill: var(--paper); }
.rule { stroke: var(--line); stroke-width: 1; }
.fault { stroke: var(--ink); stroke-width: 1; stroke-dasharray: 2 3; }
.leader { fill: #0072b2; stroke: #0072b2; }
.on-leader { fill: #ffffff; font-weight: 600; }
.in-sync { fill: var(--sync); stroke: #56b4e9; }
.out-of-sync { fill: var(--out); stroke: var(--soft); stroke-dasharray: 4 3; }
.dead { fill: url(#hatch); stroke: var(--soft); }
.controller { fill: none; stroke: var(--soft); }
.hatch { stroke: var(--soft); stroke-width: 1.5; }
.acknowledged { fill: #009e73; stroke: var(--ink); }
.lost { fill: #e69f00; stroke: var(--ink); }
.refused { fill: none; stroke: #d55e00; stroke-width: 3; }
.read { fill: var(--paper); stroke: var(--ink); stroke-width: 1.5; }
.event { fill: var(--ink); stroke: var(--paper); }
"""
_LEGEND: tuple[tuple[Role, str], ...] = (
    ("leader", "leads"), ("in sync", "follows, in sync"), ("out of sync", "follows, not in sync"), ("dead", "dead"),
)  # fmt: skip


def svg_of(story: Story, command: str) -> str:
    """The whole picture; ``command`` is noted in it as what made it."""
    return "\n".join(_Picture(story).lines(command)) + "\n"


def describe(story: Story) -> str:
    """The picture in words, for who cannot see it: what was done, and each lane from left to right."""
    told = [f"{mark.label} at {mark.time_ms - story.start_ms} ms" for mark in story.faults]
    sentences = [f"Faults: {'; '.join(told) or 'none'}."]
    for lane in story.lanes:
        pieces = [(span.start_ms, span.label) for span in lane.spans] + [
            (mark.time_ms, mark.label) for mark in lane.marks
        ]
        parts = [f"{label} from {time_ms - story.start_ms} ms" for time_ms, label in sorted(pieces)]
        sentences.append(f"{lane.group} {lane.name}".strip() + f": {', '.join(parts) or 'nothing'}.")
    return " ".join(sentences)


class _Picture:
    def __init__(self, story: Story) -> None:
        self._story = story
        self._fault_levels = _levels([(self._x(mark.time_ms), mark.label) for mark in story.faults], centred=True)
        self._top = 36 + _FAULT_LINE * (max(self._fault_levels, default=0) + 1) + 6

    def lines(self, command: str) -> Iterator[str]:
        body: list[str] = []
        y = float(self._top)
        for group, lanes in itertools.groupby(self._story.lanes, key=lambda lane: lane.group):
            y += _GAP
            for number, lane in enumerate(lanes):
                body += self._lane(lane, group if number == 0 else "", y)
                y += self._height(lane)
        bottom = y + _GAP
        height = bottom + 62
        yield (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height:g}" width="{_WIDTH}" '
            f'height="{height:g}" role="img" aria-labelledby="title description">'
        )
        yield f'<title id="title">{escape(self._story.title)}</title>'
        yield f'<desc id="description">{escape(describe(self._story))}</desc>'
        yield f"<!-- made by: {escape(command)} -->"
        yield f"<style>{_STYLE}</style>"
        yield (
            '<defs><pattern id="hatch" width="6" height="6" patternTransform="rotate(45)" '
            'patternUnits="userSpaceOnUse"><line class="hatch" x1="0" y1="0" x2="0" y2="6"/></pattern></defs>'
        )
        yield f'<rect class="paper" width="{_WIDTH}" height="{height:g}"/>'
        yield _text(16, 22, self._story.title, "head")
        yield from self._axis(bottom)
        yield from self._faults(bottom)
        yield from body
        yield from _legend(height - 12)
        yield "</svg>"

    def _x(self, time_ms: int) -> float:
        share = (time_ms - self._story.start_ms) / (self._story.end_ms - self._story.start_ms)
        return round(_LEFT + share * (_WIDTH - _LEFT - _RIGHT), 1)

    def _height(self, lane: Lane) -> int:
        lines = max(self._label_levels(lane), default=-1) + 1
        if not lane.spans:
            return _CLIENT + _LABEL_LINE * max(0, lines - 2)
        return (_SMALL_BAR if lane.name else _BAR) + 3 + _LABEL_LINE * lines

    def _label_levels(self, lane: Lane) -> list[int]:
        return _levels([(self._x(mark.time_ms), mark.label) for mark in lane.marks])

    def _axis(self, bottom: float) -> Iterator[str]:
        length_ms = self._story.end_ms - self._story.start_ms
        step_ms = next(step for step in (100, 200, 250, 500, 1000, 2000, 5000, 60_000) if length_ms / step <= 12)
        for passed_ms in range(0, length_ms, step_ms):
            x = self._x(self._story.start_ms + passed_ms)
            yield f'<line class="rule" x1="{x}" y1="{self._top}" x2="{x}" y2="{bottom:g}"/>'
            yield _text(x, bottom + 16, f"{passed_ms} ms", "soft", anchor="middle" if passed_ms else "start")

    def _faults(self, bottom: float) -> Iterator[str]:
        placed = [
            (mark.label, self._x(mark.time_ms), 48 + level * _FAULT_LINE)
            for mark, level in zip(self._story.faults, self._fault_levels, strict=True)
        ]
        for _label, x, y in placed:
            yield f'<line class="fault" x1="{x}" y1="{y + 4}" x2="{x}" y2="{bottom:g}"/>'
        for label, x, y in placed:
            half = len(label) * _CHARACTER / 2
            yield _text(min(max(x, half + 4), _WIDTH - half - 4), y, label, "halo", anchor="middle")

    def _lane(self, lane: Lane, group: str, y: float) -> Iterator[str]:
        middle = y + (_CLIENT / 2 if not lane.spans else (_SMALL_BAR if lane.name else _BAR) / 2)
        if group:
            yield _text(12, middle + 4, group, "group")
        if lane.name:
            yield _text(_LEFT - 8, middle + 4, lane.name, anchor="end")
        if not lane.spans:
            yield f'<line class="rule" x1="{_LEFT}" y1="{middle:g}" x2="{_WIDTH - _RIGHT}" y2="{middle:g}"/>'
        for span in lane.spans:
            yield from self._span(span, y, _SMALL_BAR if lane.name else _BAR)
        yield from self._marks(lane, y, middle)

    def _span(self, span: Span, y: float, height: int) -> Iterator[str]:
        x, width = self._x(span.start_ms), round(self._x(span.end_ms) - self._x(span.start_ms), 1)
        name = span.role.replace(" ", "-")
        yield (
            f'<rect class="{name}" x="{x}" y="{y:g}" width="{width}" height="{height}">'
            f"<title>{escape(span.label)}</title></rect>"
        )
        if width < len(span.label) * (_CHARACTER + 0.4) + 8:
            return
        look = {"leader": "on-leader", "dead": "halo"}.get(span.role, "")
        yield _text(x + 5, y + height / 2 + 4, span.label, look)

    def _marks(self, lane: Lane, y: float, middle: float) -> Iterator[str]:
        for mark, level in zip(lane.marks, self._label_levels(lane), strict=True):
            x = self._x(mark.time_ms)
            if lane.spans:  # below its bar
                height = _SMALL_BAR if lane.name else _BAR
                yield _shape(mark, x, y + height / 2)
                label_y = y + height + 12 + _LABEL_LINE * level
            else:
                yield _shape(mark, x, middle)
                label_y = middle - 8 if level == 0 else middle + 18 + _LABEL_LINE * (level - 1)
            at = min(x - 5, _WIDTH - len(mark.label) * _CHARACTER - 4)
            yield _text(at, label_y, mark.label, "halo")


def _levels(labels: Sequence[tuple[float, str]], *, centred: bool = False) -> list[int]:
    """For each label the first line on which it does not touch an earlier one."""
    ends: list[float] = []
    levels = []
    for x, label in labels:
        width = len(label) * _CHARACTER
        begin = x - width / 2 if centred else x - 5
        level = next((number for number, end in enumerate(ends) if end < begin), len(ends))
        ends[level : level + 1] = [begin + width + 8]
        levels.append(level)
    return levels


def _shape(mark: Mark, x: float, y: float) -> str:
    title = f"<title>{escape(mark.label)}</title>"
    if mark.kind == "acknowledged":
        return f'<circle class="acknowledged" cx="{x}" cy="{y:g}" r="5">{title}</circle>'
    if mark.kind == "read":
        return f'<rect class="read" x="{x - 4.5}" y="{y - 4.5:g}" width="9" height="9">{title}</rect>'
    paths = {"refused": "m-5 -5l10 10m0 -10l-10 10", "lost": "m0 -7l7 7l-7 7l-7 -7z", "event": "m0 -6l6 11h-12z"}
    return f'<path class="{mark.kind}" d="M{x} {y:g}{paths[mark.kind]}">{title}</path>'


def _legend(y: float) -> Iterator[str]:
    x = 12.0
    for role, label in _LEGEND:
        yield f'<rect class="{role.replace(" ", "-")}" x="{x}" y="{y - 10:g}" width="18" height="12"/>'
        yield _text(x + 24, y, label)
        x += 24 + len(label) * _CHARACTER + 16
    marks: tuple[Mark, ...] = (
        Mark("acknowledged", 0, "write acknowledged"), Mark("lost", 0, "acknowledged and lost"),
        Mark("refused", 0, "not acknowledged"), Mark("read", 0, "read"),
    )  # fmt: skip
    for mark in marks:
        yield _shape(mark, x + 8, y - 4)
        yield _text(x + 20, y, mark.label)
        x += 20 + len(mark.label) * _CHARACTER + 16


def _text(x: float, y: float, words: str, name: str = "", *, anchor: str = "start") -> str:
    style = f' class="{name}"' if name else ""
    end = f' text-anchor="{anchor}"' if anchor != "start" else ""
    return f'<text{style}{end} x="{x:.1f}" y="{y:.1f}">{escape(words)}</text>'
