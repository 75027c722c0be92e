"""The map of the labs: which there are, what each is for, and how far the learner is."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

from kit import cells
from kit.checks import Progress, progress
from kit.checks.attempts import default_path
from kit.errors import ProgressError
from kit.lessons.lab_list import LabPage, lab_pages
from kit.widgets._assets import style

_LOOK_S = 2.0  # between two looks at the file of progress; somebody who comes back from a lab does not wait longer
_SIGNS = {"done": "✔", "begun": "", "open": ""}


@dataclass(frozen=True, slots=True)
class Stop:
    """One lab on the map.

    Attributes:
        num_done, num_steps: how many of its checks have passed, and how many it has.
        last_ms: when one of them ran last; None when none ever did.
    """

    page: LabPage
    num_done: int = 0
    num_steps: int = 0
    last_ms: int | None = None

    @property
    def state(self) -> str:
        """How it stands: "done", "begun" or "open"."""
        if self.num_steps and self.num_done == self.num_steps:
            return "done"
        return "begun" if self.last_ms else "open"

    @property
    def words(self) -> str:
        """How far the learner is, in words."""
        if not self.num_steps:
            return "nothing to check"
        checks = f"{self.num_steps} check{'' if self.num_steps == 1 else 's'}"
        if self.state == "done":
            return f"done, {self.num_steps} of {checks}"
        return f"{self.num_done} of {checks}" if self.last_ms else f"open, {checks}"


class LabMap:
    """The labs of a folder as stops of one line, each with a link; leave it at the end of a cell.

    It is a page and no widget, because in JupyterLab only a page's links open notebooks. While its kernel runs it
    follows what is checked in other notebooks.

    Args:
        here: the number of the lab that shows it; None to ask Jupyter.
        folder: where the notebooks are; None for the one that this notebook runs in.
    """

    def __init__(self, here: str | None = None, folder: str | os.PathLike[str] | None = None) -> None:
        cells.close_earlier()
        self.here = Path(os.environ.get("JPY_SESSION_NAME", "")).name[:2] if here is None else here
        self._folder = Path.cwd() if folder is None else Path(folder)
        self._closed = threading.Event()
        cells.remember(self)

    def close(self) -> None:
        """Follow no longer; what is on the page stays."""
        self._closed.set()

    @property
    def stops(self) -> list[Stop]:
        """The labs that are in the folder now, as far as they are done now."""
        return self._look()[0]

    @property
    def following(self) -> str | None:
        """The number of the lab to go on with: the one tried last if it is not done, else the next; None for none."""
        stops = [stop for stop in self.stops if stop.num_steps and stop.page.number != self.here]
        tried = max((stop for stop in stops if stop.last_ms), key=lambda stop: stop.last_ms or 0, default=None)
        later = [stop for stop in stops if tried is None or stop.page.number >= tried.page.number]
        return next((stop.page.number for stop in [*later, *stops] if stop.state != "done"), None)

    def _look(self) -> tuple[list[Stop], str]:
        """The stops, and a sentence when the file of progress has something wrong."""
        pages = lab_pages(self._folder)
        try:
            found = progress()
        except ProgressError as error:
            return [Stop(page) for page in pages], str(error)
        return [_stop(page, found) for page in pages], found.trouble

    def __str__(self) -> str:
        lines = []
        for stop in self.stops:
            minutes = f"{stop.page.minutes} min" if stop.page.minutes else ""
            mark = " <- you are here" if stop.page.number == self.here else ""
            lines.append(f"{stop.page.number} {stop.page.title:34} {minutes:>7}  {stop.words}{mark}")
        return "\n".join(lines or [_no_labs(self._folder)])

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        stops, trouble = self._look()
        if not stops:
            return f"<p>{escape(_no_labs(self._folder))}</p>"
        following = self.following
        rows = "".join(_row(stop, self.here, following) for stop in stops)
        note = f'<p role="note">{escape(trouble)}</p>' if trouble else ""
        return (
            f"<style>{style('lab_map')}</style>"
            f'<div class="kit-widget kit-map" role="region" aria-label="Map of the labs">'
            f'<p><span class="kit-title">{len(stops)} labs</span> {escape(_sum(stops))}</p>{note}'
            f'<ol class="kit-map-line">{rows}</ol></div>'
        )

    def _ipython_display_(self) -> None:
        """Show the map, and show it anew whenever a check has run."""
        from IPython.display import display

        shown = {"text/html": self._repr_html_(), "text/plain": str(self)}
        handle: Any = display(shown, raw=True, display_id=True)  # type: ignore[no-untyped-call]
        if handle is not None:  # there is none outside of notebooks
            threading.Thread(target=self._follow, args=(handle,), daemon=True, name="lab map").start()

    def _follow(self, handle: Any) -> None:
        """Redraw when the file of progress changes."""
        seen = _written_at()
        while not self._closed.wait(_LOOK_S):
            now = _written_at()
            if now != seen:
                seen = now
                handle.update({"text/html": self._repr_html_(), "text/plain": str(self)}, raw=True)


def _written_at() -> int:
    try:
        return default_path().stat().st_mtime_ns
    except OSError:
        return 0


def _stop(page: LabPage, found: Progress) -> Stop:
    for lab in found.labs:
        if lab.lab.number == page.number:
            return Stop(page, lab.num_done, len(lab.steps), lab.last_ms)
    return Stop(page)


def _sum(stops: list[Stop]) -> str:
    done, steps = sum(stop.num_done for stop in stops), sum(stop.num_steps for stop in stops)
    minutes = sum(stop.page.minutes or 0 for stop in stops if stop.state != "done")
    hours, left = divmod(round(minutes / 5) * 5, 60)
    time = " and ".join(part for part in (f"{hours} h" if hours else "", f"{left} min" if left else "") if part)
    return f"You have passed {done} of {steps} checks. About {time or 'no time'} left, in any portions you like."


def _row(stop: Stop, here: str, following: str | None) -> str:
    page, share = stop.page, stop.num_done / stop.num_steps if stop.num_steps else 0
    is_here = page.number == here
    flag = '<span class="kit-map-flag">you are here</span>' if is_here else ""
    if page.number == following:
        flag += '<span class="kit-map-flag">go on here</span>'
    name = f"{page.number} {escape(page.title)}"
    link = name if is_here else f'<a href="{escape(page.file)}">{name}</a>'
    filled = f'<span class="kit-map-bar-in" style="width:{share:.0%}"></span>'
    bar = f'<span class="kit-map-bar-out" aria-hidden="true">{filled}</span>' if stop.num_steps else ""
    return (
        f'<li data-state="{stop.state}"{" data-here" if is_here else ""}{" aria-current=page" if is_here else ""}>'
        f'<span class="kit-map-stop" aria-hidden="true">{_SIGNS[stop.state] or page.number}</span>'
        f'<div><span class="kit-map-lab">{link}</span>{flag}'
        f'<p class="kit-map-quiet">{escape(_outcomes(page))}</p></div>'
        f'<div class="kit-map-when">{f"{page.minutes} min" if page.minutes else ""}</div>'
        f'<div class="kit-map-how-far">{bar}{escape(stop.words)}</div></li>'
    )


def _outcomes(page: LabPage) -> str:
    """The first outcome: the map shall fit on a screen, and the lab itself has them all."""
    if not page.outcomes:
        return ""
    more = len(page.outcomes) - 1
    return f"You can {page.outcomes[0]}{f'; and {more} more' if more else ''}."


def _no_labs(folder: Path) -> str:
    return f"There are no labs in {folder}: open this notebook from the folder that `make lab` shows."
