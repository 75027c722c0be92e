"""Two runs of one program side by side: what they noted, what took how long, and what their clusters told."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from kit.lessons.two_runs import Run, together

_TABLE = (
    "border-collapse:collapse;margin:4px 0 18px;font-size:var(--jp-ui-font-size1,13px);width:100%;table-layout:fixed"
)
_CELL = "padding:4px 12px;text-align:left;vertical-align:top;border-top:1px solid var(--jp-border-color2,#e0e0e0)"
_BAR = "display:inline-block;height:14px;margin-right:8px;vertical-align:-2px;box-sizing:border-box;border:1px solid;{}"
# Okabe-Ito blue and orange; one is plain and the other one striped, so that nobody needs the colours.
_FILLS = (
    "border-color:#0072b2;background:#0072b2",
    "border-color:#b36b00;background:repeating-linear-gradient(45deg,#e69f00 0 5px,#fff3d6 5px 9px)",
)
_WIDEST = 72  # percent of a cell; the figure needs the rest


class SideBySide:
    """Both runs as tables with bars; a screen reader reads the figures. Made once, it does not change.

    Args:
        left, right: the runs.
        last: names of notes that only describe the program; they stand below everything else.
    """

    def __init__(self, left: Run, right: Run, last: Iterable[str] = ()) -> None:
        self.left, self.right = left, right
        self._last = tuple(last)

    def rows(self) -> list[tuple[str, str, str]]:
        """What was noted: its name, and what each run says."""
        names = [name for name in self.left.notes if name not in self._last]
        return [(name, self.left.notes[name], self.right.notes.get(name, "")) for name in [*names, *self._last]]

    def __str__(self) -> str:
        lines = [f"{'':24}{self.left.where:32}{self.right.where}"]
        lines += [f"{name:24}{one:32}{other}" for name, one, other in self.rows()]
        lines += [f"{name:24}{f'{one:.1f} s':32}{other:.1f} s" for name, one, other in self._seconds()]
        for run in (self.left, self.right):
            lines += ["", f"After the crash, {run.where}:", *(f"{at:6.1f} s  {text}" for at, text in run.events)]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)

    def _seconds(self) -> list[tuple[str, float, float]]:
        right = self.right.seconds
        return [(name, took, right[name]) for name, took in self.left.seconds.items() if name in right]

    def _repr_html_(self) -> str:
        noted = [self._noted(*row) for row in self.rows() if row[0] not in self._last]
        about = [self._noted(*row) for row in self.rows() if row[0] in self._last]
        steps = self._seconds()
        widest = max((max(one, other) for _, one, other in steps), default=0.0) or 1.0
        bars = [
            _row(name, *(_bar(took, widest, fill) for took, fill in zip(pair, _FILLS, strict=True)))
            for name, *pair in steps
        ]
        told = [_row(f"{at:.1f}", _lines(one), _lines(other)) for at, one, other in together(self.left, self.right)]
        return "".join(
            (
                self._table("What the program noted", "", noted),
                self._table("What took how long", "", bars),
                self._table("What the clusters tell about the crash", "seconds after it", told),
                self._table("What else is known", "", about),
            )
        )

    def _noted(self, name: str, one: str, other: str) -> str:
        sign = '<b aria-hidden="true">= </b>' if one == other else '<b aria-hidden="true">≠ </b>'
        return _row(name, escape(one), f"{sign}{escape(other)}")

    def _table(self, caption: str, first: str, rows: list[str]) -> str:
        if not rows:
            return ""
        corner = f'<th scope="col" style="{_CELL}">{first}</th>' if first else f'<td style="{_CELL}"></td>'
        heads = "".join(f'<th scope="col" style="{_CELL}">{escape(run.where)}</th>' for run in (self.left, self.right))
        widths = '<colgroup><col style="width:18%"><col style="width:41%"><col style="width:41%"></colgroup>'
        return (
            f'<table style="{_TABLE}"><caption style="text-align:left;padding:2px 12px 6px"><b>{caption}</b></caption>'
            f"{widths}<thead><tr>{corner}{heads}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
        )


def _row(name: str, one: str, other: str) -> str:
    cells = "".join(f'<td style="{_CELL}">{each}</td>' for each in (one, other))
    return f'<tr><th scope="row" style="{_CELL}">{escape(name)}</th>{cells}</tr>'


def _bar(took: float, widest: float, fill: str) -> str:
    width = max(took / widest * _WIDEST, 0.5)
    return f'<span aria-hidden="true" style="{_BAR.format(fill)};width:{width:.1f}%"></span>{took:.1f} s'


def _lines(texts: list[str]) -> str:
    return "<br>".join(map(escape, texts))
