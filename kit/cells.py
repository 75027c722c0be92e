"""Which notebook cell is running, so that running it again replaces what it started before."""

from __future__ import annotations

import sys
import weakref
from dataclasses import dataclass
from typing import Any, Protocol


class Closable(Protocol):
    """Something that a cell started."""

    def close(self) -> None:
        """End it; harmless when called again."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one cell.

    Attributes:
        cell: the same for every run of the cell: JupyterLab's cell id, else the cell's source.
        message_id: of the request to run it, different for every run.
    """

    cell: str
    message_id: str


_started: dict[Run, list[weakref.ref[Closable]]] = {}


def current_run() -> Run | None:
    """The run that this code is part of; None outside of notebooks."""
    ipython = sys.modules.get("IPython")
    shell: Any = ipython.get_ipython() if ipython is not None else None
    if not hasattr(shell, "get_parent"):  # a terminal has no cells
        return None
    request = shell.get_parent()
    cell = request.get("metadata", {}).get("cellId") or request.get("content", {}).get("code")
    message_id = request.get("header", {}).get("msg_id")
    return Run(cell, message_id) if cell and message_id else None


def close_earlier() -> None:
    """Close what earlier runs of the running cell started."""
    now = current_run()
    if now is None:
        return
    for run in [run for run in _started if run.cell == now.cell and run != now]:
        for reference in _started.pop(run):
            thing = reference()
            if thing is not None:
                thing.close()


def remember(thing: Closable) -> None:
    """Let a later run of the running cell close ``thing``, which stays free to be garbage collected."""
    now = current_run()
    if now is not None:
        _started.setdefault(now, []).append(weakref.ref(thing))
