"""The charts of the class page, in Okabe-Ito colours; each has a table beside it that says the same."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import plotly.graph_objects as go

from autograder.report.facts import ClassFacts, StudentResult

# Told apart by pattern as well as by colour.
_FULL, _PART, _NONE, _OPEN = "#009e73", "#e69f00", "#d55e00", "#999999"
_BAR = "#0072b2"
# The lettering's colour where page.css, which has one for light and one for dark, does not reach it.
_INK, _GRID = "#7a7a7a", "rgba(128,128,128,0.35)"
_MIB = 1024 * 1024


def distribution(facts: ClassFacts) -> go.Figure:
    """How many students have how many points."""
    size = max(facts.of / 20, 1.0 if facts.of >= 8 else 0.5)  # a bar for each point where there is room
    figure = go.Figure(
        go.Histogram(
            x=list(facts.points),
            xbins={"start": -size / 2, "end": facts.of + size, "size": size},
            marker={"color": _BAR, "line": {"color": "white", "width": 1}},
            hovertemplate="%{x} points: %{y} students<extra></extra>",
        )
    )
    dressed = _dressed(figure, "points", "students", 300)
    most = max(Counter(round(each / size) for each in facts.points).values(), default=1)
    dressed.update_yaxes(tick0=0, dtick=math.ceil(most / 8))  # there are no half students
    return dressed


def difficulty(facts: ClassFacts) -> go.Figure:
    """Who has all, some or none of the points, for each property in the order of the notebook."""
    ordered = facts.properties
    names = [each.label for each in ordered]
    bars = [
        ("all points", [each.num_full for each in ordered], _FULL, ""),
        ("some points", [each.num_part for each in ordered], _PART, "/"),
        ("no points", [each.num_none for each in ordered], _NONE, "x"),
    ]
    if any(each.num_open for each in ordered):
        bars.append(("a person decides", [each.num_open for each in ordered], _OPEN, "."))
    figure = go.Figure(
        [
            go.Bar(
                y=names,
                x=numbers,
                name=name,
                orientation="h",
                marker={"color": colour, "pattern": {"shape": pattern}},
                hovertemplate="%{y}: %{x} students with " + name + "<extra></extra>",
            )
            for name, numbers, colour, pattern in bars
        ]
    )
    figure.update_layout(barmode="stack", legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"})
    dressed = _dressed(figure, "students", "", 120 + 26 * len(names))
    most = max((sum(numbers) for numbers in zip(*(numbers for _, numbers, _, _ in bars), strict=True)), default=1)
    dressed.update_xaxes(tick0=0, dtick=math.ceil(most / 8))  # there are no half students
    # The first cell at the top; a grade_id that looks like a number or a date is a name all the same.
    dressed.update_yaxes(type="category", autorange="reversed")
    return dressed


def cost(results: Sequence[StudentResult]) -> go.Figure:
    """Seconds and memory of each submission; the ones that were cut short are crosses."""
    figure = go.Figure()
    for name, symbol, colour, is_stopped in (
        ("ran as written", "circle", _BAR, False),
        ("cut short", "x", _NONE, True),
    ):
        chosen = [each for each in results if bool(each.stops) == is_stopped and each.usage.memory_bytes is not None]
        figure.add_trace(
            go.Scatter(
                x=[each.usage.wall_s for each in chosen],
                y=[(each.usage.memory_bytes or 0) / _MIB for each in chosen],
                text=[each.student for each in chosen],
                name=name,
                mode="markers",
                marker={"symbol": symbol, "color": colour, "size": 9},
                hovertemplate="%{text}: %{x:.2f} s, %{y:.0f} MiB<extra></extra>",
            )
        )
    figure.update_layout(legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"})
    return _dressed(figure, "seconds", "MiB", 320)


def _dressed(figure: go.Figure, x: str, y: str, height: int) -> go.Figure:
    figure.update_layout(
        template="none",
        height=height,
        margin={"l": 10, "r": 10, "t": 30, "b": 40},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"family": "system-ui, sans-serif", "size": 13, "color": _INK},
        bargap=0.15,
    )
    figure.update_xaxes(title=x, gridcolor=_GRID, zeroline=False, automargin=True, rangemode="tozero")
    figure.update_yaxes(title=y, gridcolor=_GRID, zeroline=False, automargin=True)
    if y:
        figure.update_yaxes(rangemode="tozero")
    return figure
