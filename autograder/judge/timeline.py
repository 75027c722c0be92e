"""A run of the arena as a picture: requests, faults and elections over time, and the operations that prove a fault.

Static HTML for a feedback page: an SVG with a title and a description, and beside it the same as a table. No script,
nothing from a network; every text of a student's is escaped. Kinds differ by shape and place, not by colour alone.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from html import escape
from typing import NamedTuple

from autograder.judge.case import Case, Entry
from autograder.judge.finding import Finding
from autograder.judge.writing import CELL

_WIDTH, _LEFT, _RIGHT, _LANE, _BAR, _BARS_TOP = 860, 130, 20, 34, 16, 8
_LETTER = 5.8  # the width of one in the names of steps, at most
_LANES = ("Produce", "Fetch", "OffsetCommit", "cluster", "proof")
_LANE_NAMES = ("written", "read", "committed", "cluster", "the fault")
_FAULTS = {"kill", "stop", "restart", "pause", "resume", "isolate", "cut", "heal"}
_SHOWN_EVENTS = {*_FAULTS, "leader_elected", "leader_lost", "truncated"}
_LEGEND = (
    "Bars are steps, with how long each took; events stand in their order, evenly spaced. Filled circle: answered; "
    "ring: lost; cross: a fault that was made; triangle: an election, or a log that was cut; square: what "
    "proves the fault."
)
_NO_SCALE = "in their order, evenly spaced: not to scale"
_MOST_MARKS, _MOST_ROWS, _MOST_PROOFS, _MOST_LETTERS = 400, 40, 6, 40


class _Bar(NamedTuple):
    """A step: from ``left`` to ``right``, in a row where it and its name have room, for others may run beside it."""

    row: int
    left: float
    right: float
    text_left: float
    text: str

    @property
    def top(self) -> int:
        """The upper edge."""
        return _BARS_TOP + _BAR * self.row


class Mark(NamedTuple):
    """Something that happened: when, in which lane, how it looks, and in words."""

    time_ms: int
    lane: str
    shape: str
    text: str


def picture(case: Case, findings: Sequence[Finding] = ()) -> str:
    """The run as an HTML fragment; empty when nothing that it could show has happened.

    Args:
        findings: whose operations are marked.
    """
    marks = sorted(_marks(case, findings), key=lambda mark: mark.time_ms)
    if not marks:
        return ""
    times = [time_ms for step in case.evidence["steps"] for time_ms in (step["began_ms"], step["ended_ms"])]
    times = sorted({*times, *(mark.time_ms for mark in marks)}) or [0]
    about = findings[0].name if findings else "all"
    ident = f"arena-{case.evidence['run']}-{case.evidence['seed']}-{about}"
    told = _sentence(case, findings, (times[-1] - times[0]) / 1000)
    bars = _bars(case, times)
    top = _BARS_TOP + _BAR * (1 + max((bar.row for bar in bars), default=0)) + 8
    drawn = "".join(_drawing(bars, marks, times, top))
    height = top + _LANE * len(_LANES) + 30
    return (
        f'<figure class="arena"><svg role="img" aria-labelledby="{escape(ident)}-t {escape(ident)}-d" '
        f'viewBox="0 0 {_WIDTH} {height}" width="100%" style="max-width:{_WIDTH}px;background:#fff;color:#1b1b1b" '
        f'font-family="sans-serif" font-size="12"><title id="{escape(ident)}-t">{escape(case.name)}</title>'
        f'<desc id="{escape(ident)}-d">{escape(told)}</desc>{drawn}</svg>'
        f"<figcaption>{escape(told)} {_LEGEND}</figcaption>{_table(marks, times[0])}</figure>"
    )


def _sentence(case: Case, findings: Sequence[Finding], seconds: float) -> str:
    marked = dict.fromkeys(finding.text for finding in findings[:_MOST_PROOFS] if finding.events)
    fault = f" Marked: {' '.join(marked)}" if marked else " No fault is marked."
    return f"{case.name}: {seconds:.1f} s from the first step to the end.{fault}"


def _marks(case: Case, findings: Sequence[Finding]) -> Iterator[Mark]:
    first_ms = case.evidence["steps"][0]["began_ms"] if case.evidence["steps"] else 0
    entries = case.evidence["entries"]
    every = max(1, len(entries) // _MOST_MARKS)
    for number, entry in enumerate(entries):
        if entry["api"] in _LANES and (number % every == 0 or entry["fault"]):
            yield Mark(entry["began_ms"], entry["api"], _shape(entry), _words(case, entry))
    for event in case.evidence["timeline"]:
        time_ms, kind, node, topic, partition, details = event
        if kind in _SHOWN_EVENTS and time_ms >= first_ms and topic in {None, case.topic}:
            shape = "cross" if kind in _FAULTS else "star"
            yield Mark(time_ms, "cluster", shape, _event(kind, node, topic, partition, details))
    proving = {place for found in findings[:_MOST_PROOFS] for place in found.events}
    for entry in entries:
        if entry["began"] in proving:
            yield Mark(entry["began_ms"], "proof", "target", _words(case, entry))


def _shape(entry: Entry) -> str:
    return {"answered": "dot", "lost": "ring", "pending": "ring"}.get(entry["state"], "cross")


def _words(case: Case, entry: Entry) -> str:
    asked = entry["asked"]
    if entry["api"] == "Produce":
        counts = [f"{each['topic']}-{each['partition']}: {each['num_records']}" for each in asked.get("batches", ())]
        what = f"acks={asked.get('acks')}, records {', '.join(counts)}"
    else:
        offsets = [f"{topic}-{partition} offset {offset}" for topic, partition, offset in asked.get("offsets", ())]
        what = ", ".join(offsets[:4])
    return case.line(entry, what)


def _event(kind: str, node: int | None, topic: str | None, partition: int | None, details: dict[str, object]) -> str:
    where = f"{topic}-{partition}: " if topic is not None else ""
    if kind == "leader_elected":
        return f"{where}broker {details['leader']} leads (before: {details['previous']}; {details['reason']})"
    if kind == "truncated":
        return f"{where}broker {node} cut off offsets {details['offset']} to {details['end_offset']} (exclusive)"
    if kind == "cut":
        return f"network cut: {details['text']}"
    return f"{where}{kind.replace('_', ' ')}" + ("" if node is None else f" broker {node}")


def _at(times: Sequence[int], time_ms: int) -> float:
    room = (_WIDTH - _LEFT - _RIGHT) / max(1, len(times) - 1)
    return round(_LEFT + bisect_left(times, time_ms) * room, 1)


def _bars(case: Case, times: Sequence[int]) -> list[_Bar]:
    """The steps, each in the first row in which nothing else is where it and its name are."""
    bars: list[_Bar] = []
    ends: list[float] = []  # of each row
    for step in case.evidence["steps"]:
        left, right = _at(times, step["began_ms"]), _at(times, step["ended_ms"])
        seconds = (step["ended_ms"] - step["began_ms"]) / 1000
        text = f"{step['name'][:_MOST_LETTERS]}, {seconds:.1f} s"
        length = len(text) * _LETTER
        text_left = max(4.0, min(left + 3, _WIDTH - _RIGHT - length))
        start, end = min(left, text_left), max(right, text_left + length)
        row = next((number for number, taken in enumerate(ends) if taken <= start), len(ends))
        ends[row : row + 1] = [end]
        bars.append(_Bar(row, left, max(left + 2, right), round(text_left, 1), text))
    return bars


def _drawing(bars: Sequence[_Bar], marks: Sequence[Mark], times: Sequence[int], top: int) -> Iterator[str]:
    bottom = top + _LANE * len(_LANES)
    for bar in bars:
        width = round(bar.right - bar.left, 1)
        yield f'<rect x="{bar.left}" y="{bar.top}" width="{width}" height="{_BAR - 2}" fill="#d5e2f2"/>'
        yield f'<path d="M{bar.left} {bar.top}V{bottom}" stroke="#7d9cc0" stroke-width="1"/>'
    for bar in bars:  # after all bars, so that none lies over a name
        yield f'<text x="{bar.text_left}" y="{bar.top + 11}" font-size="10">{escape(bar.text)}</text>'
    for number, name in enumerate(_LANE_NAMES):
        y = top + _LANE * number + _LANE / 2
        yield f'<text x="4" y="{y + 4}">{name}</text>'
        yield f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y}" y2="{y}" stroke="#9aa0a6" stroke-width="0.5"/>'
    for mark in marks:
        x, y = _at(times, mark.time_ms), top + _LANE * _LANES.index(mark.lane) + _LANE / 2
        if mark.lane == "cluster":
            yield f'<line x1="{x}" x2="{x}" y1="{top}" y2="{bottom}" stroke="#8a4b00" stroke-dasharray="3 3"/>'
        told = f"{(mark.time_ms - times[0]) / 1000:.3f} s: {mark.text}"
        yield f"<g><title>{escape(told)}</title>{_glyph(mark.shape, x, y)}</g>"
    yield f'<text x="{_LEFT}" y="{bottom + 18}">earlier</text>'
    yield f'<text x="{(_LEFT + _WIDTH - _RIGHT) / 2}" y="{bottom + 18}" text-anchor="middle">{_NO_SCALE}</text>'
    yield f'<text x="{_WIDTH - _RIGHT}" y="{bottom + 18}" text-anchor="end">later</text>'


def _glyph(shape: str, x: float, y: float) -> str:
    if shape == "dot":
        return f'<circle cx="{x}" cy="{y}" r="3.5" fill="#1a6b3c"/>'
    if shape == "ring":
        return f'<circle cx="{x}" cy="{y}" r="4.5" fill="#fff" stroke="#b3261e" stroke-width="2"/>'
    if shape == "cross":
        return (
            f'<path d="M{x - 5} {y - 5}L{x + 5} {y + 5}M{x - 5} {y + 5}L{x + 5} {y - 5}" '
            'stroke="#b3261e" stroke-width="2.5"/>'
        )
    if shape == "star":
        return f'<path d="M{x} {y - 7}L{x + 6} {y + 5}L{x - 6} {y + 5}Z" fill="#8a4b00"/>'
    return f'<rect x="{x - 6}" y="{y - 6}" width="12" height="12" fill="none" stroke="#b3261e" stroke-width="3"/>'


def _table(marks: Sequence[Mark], start_ms: int) -> str:
    told = [mark for mark in marks if mark.lane in {"cluster", "proof"} or mark.shape != "dot"]
    rows = "".join(
        f"<tr><td {CELL}>{(mark.time_ms - start_ms) / 1000:.3f}&nbsp;s</td>"
        f"<td {CELL}>{_LANE_NAMES[_LANES.index(mark.lane)]}</td><td {CELL}>{escape(mark.text)}</td></tr>"
        for mark in told[:_MOST_ROWS]
    )
    more = f"<tr><td colspan='3'>and {len(told) - _MOST_ROWS} more</td></tr>" if len(told) > _MOST_ROWS else ""
    if not rows:
        return ""
    head = "".join(f'<th scope="col" {CELL}>{name}</th>' for name in ("time", "where", "what"))
    return (
        '<table><caption style="white-space:nowrap">What happened, in order</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}{more}</tbody></table>"
    )
