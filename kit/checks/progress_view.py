"""`progress`: which steps of which labs are done, to see, to export, to begin again."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

from kit.checks.attempts import Attempts, attempts_file
from kit.checks.registry import Lab, Step, labs
from kit.errors import ProgressError

ALL = "all"

_TABLE = "border-collapse:collapse;text-align:left"
_CELL = "text-align:left;vertical-align:top;padding:4px 16px 4px 0"


@dataclass(frozen=True, slots=True)
class StepProgress:
    """What was done of one step."""

    step: Step
    attempts: Attempts

    @property
    def is_done(self) -> bool:
        """Whether its check has ever passed; later tries take nothing back."""
        return self.attempts.passes > 0

    @property
    def words(self) -> str:
        """How it stands, in words."""
        tries = "1 try" if self.attempts.tries == 1 else f"{self.attempts.tries:,} tries"
        if self.is_done:
            return f"done, {tries}"
        return f"not yet, {tries}" if self.attempts.tries else "not tried"


@dataclass(frozen=True, slots=True)
class LabProgress:
    """What was done of one lab."""

    lab: Lab
    steps: tuple[StepProgress, ...]

    @property
    def num_done(self) -> int:
        """How many of its steps are done."""
        return sum(step.is_done for step in self.steps)

    @property
    def last_ms(self) -> int | None:
        """When one of its checks ran last, milliseconds since 1970; None when none ever did."""
        return max((step.attempts.last_ms for step in self.steps), default=0) or None

    @property
    def name(self) -> str:
        """Its number and title."""
        return f"{self.lab.number} {self.lab.title}".strip()


class Progress:
    """A learner's progress as it was when this was made; it shows itself.

    Args:
        path: of the file; None for the one beside the notebook.

    Attributes:
        labs: all labs that have checks, done or not.
        trouble: a sentence when something is wrong with the file; else empty.

    Raises:
        ProgressError: the file cannot be read.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._file = attempts_file(path)
        try:
            attempts = self._file.read()
        except OSError as error:
            raise ProgressError(
                f"Your progress in {self._file.path} cannot be read ({error.strerror or error}): "
                "look at the file's rights, or name another one with the environment variable KIT_PROGRESS."
            ) from None
        self.trouble = self._file.trouble
        self.labs = tuple(
            LabProgress(lab, tuple(StepProgress(step, attempts.get(step.name, Attempts())) for step in lab.steps))
            for lab in labs()
        )

    @property
    def num_steps(self) -> int:
        """How many steps there are in all labs."""
        return sum(len(lab.steps) for lab in self.labs)

    @property
    def num_done(self) -> int:
        """How many of them are done."""
        return sum(lab.num_done for lab in self.labs)

    def export(self, path: str | os.PathLike[str]) -> Path:
        """Write everything into a file, one line or entry for each step; times are UTC.

        Args:
            path: ends in ``.csv`` or ``.json``.

        Raises:
            ProgressError: it ends in something else, or cannot be written.
        """
        path = Path(path)
        if path.suffix not in {".csv", ".json"}:
            raise ProgressError(f"{path.name!r} is not possible: choose a name that ends in .csv or .json.")
        rows = list(self._rows())
        try:
            with path.open("w", encoding="utf-8", newline="") as file:
                if path.suffix == ".json":
                    json.dump(rows, file, ensure_ascii=False, indent=1)
                else:
                    writer = csv.DictWriter(file, rows[0])
                    writer.writeheader()
                    writer.writerows(rows)
        except OSError as error:
            raise ProgressError(f"{path} cannot be written ({error.strerror}): choose another folder.") from None
        return path

    def reset(self, lab: str) -> Progress:
        """Forget what was done in a lab, "01" for example, or in "all"; returns the progress after it.

        Raises:
            ProgressError: there is no such lab, or the file cannot be written.
        """
        known = [each.lab.number for each in self.labs]
        if lab != ALL and lab not in known:
            raise ProgressError(f'There is no lab {lab!r} to reset: choose from {", ".join(known)}, or "{ALL}".')
        try:
            self._file.change(
                lambda attempts: {
                    name: each for name, each in attempts.items() if lab != ALL and not name.startswith(f"{lab}.")
                }
            )
        except OSError as error:
            raise ProgressError(f"{self._file.path} cannot be changed ({error.strerror or error}).") from None
        return Progress(self._file.path)

    def _rows(self) -> Iterator[dict[str, Any]]:
        for lab in self.labs:
            for step in lab.steps:
                yield {
                    "lab": lab.lab.number,
                    "title": lab.lab.title,
                    "step": step.step.name,
                    "question": step.step.question,
                    "done": step.is_done,
                    "tries": step.attempts.tries,
                    "first_passed": _utc(step.attempts.first_pass_ms),
                    "last_tried": _utc(step.attempts.last_ms),
                }

    def _headline(self) -> str:
        return f"Your progress: {self.num_done} of {self.num_steps} steps"

    def __str__(self) -> str:
        lines = [self._headline(), *([self.trouble] if self.trouble else [])]
        width = max((len(lab.name) for lab in self.labs), default=0)
        lines += [
            f"  {lab.name:{width}}  {lab.num_done} of {len(lab.steps)}  {_local(lab.last_ms)}".rstrip()
            for lab in self.labs
        ]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        heads = "".join(f'<th scope="col" style="{_CELL}">{name}</th>' for name in ("Lab", "Steps done", "Last time"))
        rows = "".join(_row(lab) for lab in self.labs)
        trouble = f'<div role="note"><b>Note:</b> {escape(self.trouble)}</div>' if self.trouble else ""
        return (
            f'{trouble}<table style="{_TABLE}"><caption style="text-align:left">{self._headline()}</caption>'
            f"<thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
        )


def progress(path: str | os.PathLike[str] | None = None) -> Progress:
    """Which steps of the labs are done, from the file beside this notebook.

    Args:
        path: of another such file.

    Raises:
        ProgressError: the file cannot be read.
    """
    return Progress(None if path is None else Path(path).expanduser().absolute())


def _row(lab: LabProgress) -> str:
    words = f"{lab.num_done} of {len(lab.steps)}"
    bar = (
        f'<progress max="{len(lab.steps)}" value="{lab.num_done}" '
        f'aria-label="{escape(lab.name)}: {words} steps done"></progress>'
    )
    steps = "".join(_item(step) for step in lab.steps)
    listed = f'<ul style="list-style:none;margin:4px 0;padding:0">{steps}</ul>'
    return (
        f'<tr><th scope="row" style="{_CELL}">{escape(lab.name)}</th>'
        f'<td style="{_CELL}"><details><summary>{bar} {words}</summary>{listed}</details></td>'
        f'<td style="{_CELL}">{_local(lab.last_ms)}</td></tr>'
    )


def _item(step: StepProgress) -> str:
    sign = "✔" if step.is_done else "○"
    name, question = escape(step.step.name), escape(step.step.question)
    return f'<li><span aria-hidden="true">{sign}</span> {question} <code>{name}</code>: {step.words}</li>'


def _local(time_ms: int | None) -> str:
    if not time_ms:
        return ""
    return f"{datetime.fromtimestamp(time_ms / 1000, tz=UTC).astimezone():%Y-%m-%d %H:%M}"


def _utc(time_ms: int | None) -> str:
    return f"{datetime.fromtimestamp(time_ms / 1000, tz=UTC):%Y-%m-%dT%H:%M:%SZ}" if time_ms else ""
