"""What a check answers: one verdict, as text and as HTML, readable without colour."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

# Colours only frame the box; the word and the sign carry the meaning. The --jp variables follow JupyterLab's theme.
_BOX = (
    "border:1px solid var(--jp-border-color1,#bdbdbd);border-left:6px solid {edge};border-radius:4px;"
    "padding:8px 14px;margin:4px 0;max-width:52em;line-height:1.5;"
    "background:var(--jp-layout-color1,#fff);color:var(--jp-ui-font-color1,#212121)"
)
_EDGE_PASSED = "var(--jp-success-color1,#2e7d32)"
_EDGE_NOT_YET = "var(--jp-warn-color1,#b26a00)"


@dataclass(frozen=True)
class CheckResult:
    """The verdict of one check.

    Args:
        name: the check, for example ``01.record``.
        passed: whether the evidence shows what the task asked for.
        happened: what the evidence shows, one or two sentences.
        where: the topic, partition, offset or group that it was seen at.
        try_next: what to do now; empty when nothing is left to do.
        note: what has nothing to do with the task: why the result is not remembered.
    """

    name: str
    passed: bool
    happened: str
    where: str
    try_next: str = ""
    note: str = ""

    @property
    def headline(self) -> str:
        """The verdict in words, with a sign that differs in shape."""
        return f"✔ {self.name}: passed" if self.passed else f"✘ {self.name}: not yet"

    def _lines(self) -> list[tuple[str, str]]:
        lines = [
            ("What happened", self.happened),
            ("Where", self.where),
            ("Try next", self.try_next),
            ("Note", self.note),
        ]
        return [(label, text) for label, text in lines if text]

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        return "\n".join([self.headline, *(f"  {label}: {text}" for label, text in self._lines())])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        box = _BOX.format(edge=_EDGE_PASSED if self.passed else _EDGE_NOT_YET)
        lines = "".join(f"<div><b>{escape(label)}:</b> {escape(text)}</div>" for label, text in self._lines())
        return f'<div role="note" style="{box}"><div><b>{escape(self.headline)}</b></div>{lines}</div>'
