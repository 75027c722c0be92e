"""What the doctor found, as a terminal, a notebook and a program read it."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from html import escape
from typing import Any, Literal

State = Literal["ok", "missing", "problem", "note"]

# Beside the word, never instead of it, and no colour: everybody and every screen reader gets the same.
_SIGNS: dict[State, str] = {"ok": "✓", "missing": "–", "problem": "✗", "note": "·"}
EMBEDDED = "embedded cluster"


@dataclasses.dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at.

    Attributes:
        section: what it belongs to.
        state: "ok", "missing" (the rest works without it), "problem", or "note" for what is neither good nor bad.
        text: what was found.
        purpose: what it is for; empty when the text says it all.
        command: gets it, starts it or removes it on this operating system; None when there is nothing to do.
    """

    section: str
    name: str
    state: State
    text: str
    purpose: str = ""
    command: str | None = None


@dataclasses.dataclass(frozen=True, repr=False)
class Report:
    """What the doctor found; print it, or leave it at the end of a notebook's cell."""

    findings: Sequence[Finding]

    @property
    def works(self) -> bool:
        """Whether the embedded cluster works, which is all that the labs need."""
        return self.has(EMBEDDED)

    def has(self, name: str) -> bool:
        """Whether the thing of that name is here and works, such as "Docker engine"."""
        return any(each.name == name and each.state == "ok" for each in self.findings)

    @property
    def summary(self) -> str:
        """The findings in one sentence."""
        what = "The embedded cluster works" if self.works else "The embedded cluster does not work"
        counts = {state: sum(each.state == state for each in self.findings) for state in ("problem", "missing")}
        parts = [f"{counts['problem']} {'problem' if counts['problem'] == 1 else 'problems'}"] * bool(counts["problem"])
        parts += [f"{counts['missing']} {'thing' if counts['missing'] == 1 else 'things'} not here"] * bool(
            counts["missing"]
        )
        return f"{what}{': ' + ', '.join(parts) if parts else ' and nothing is missing'}."

    def to_json(self) -> dict[str, Any]:
        """The report in values that JSON knows."""
        return {
            "works": self.works,
            "summary": self.summary,
            "findings": [dataclasses.asdict(each) for each in self.findings],
        }

    def __str__(self) -> str:
        width = max((len(each.name) for each in self.findings), default=0)
        lines = [self.summary]
        for section, findings in itertools.groupby(self.findings, key=lambda each: each.section):
            lines += ["", section]
            for each in findings:
                lines.append(f"  {_SIGNS[each.state]} {each.state:8}{each.name:{width}}  {each.text}")
                indent = " " * (width + 14)
                if each.purpose and each.state != "ok":
                    lines.append(f"{indent}for: {each.purpose}")
                if each.command:
                    lines.append(f"{indent}do:  {each.command}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        tables = "".join(
            _table(section, list(findings))
            for section, findings in itertools.groupby(self.findings, key=lambda each: each.section)
        )
        return f"<p>{escape(self.summary)}</p>{tables}"


def _table(section: str, findings: list[Finding]) -> str:
    """One section; columns that would be empty are left out."""
    texts = {
        "What was found": [escape(each.text) for each in findings],
        "What it is for": [escape(each.purpose) for each in findings],
        "What to do": [f"<code>{escape(each.command)}</code>" if each.command else "" for each in findings],
    }
    columns = {head: cells for head, cells in texts.items() if any(cells)}
    heads = "".join(f'<th scope="col" style="text-align: left">{each}</th>' for each in ("State", "What", *columns))
    rows = "".join(
        _row(finding, cells) for finding, cells in zip(findings, zip(*columns.values(), strict=True), strict=True)
    )
    return (
        f'<table><caption style="text-align: left"><b>{escape(section)}</b></caption><thead><tr>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table>"
    )


def _row(finding: Finding, texts: Sequence[str]) -> str:
    cells = "".join(f'<td style="text-align: left">{each}</td>' for each in texts)
    sign = f'<span aria-hidden="true">{_SIGNS[finding.state]}</span> {finding.state}'
    return (
        f'<tr><td style="text-align: left; white-space: nowrap">{sign}</td>'
        f'<th scope="row" style="text-align: left">{escape(finding.name)}</th>{cells}</tr>'
    )
