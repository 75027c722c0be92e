"""What instructors read when something was cut short: one plain line each."""

from __future__ import annotations

import signal
from typing import Any

from autograder.job import Budget
from autograder.kernel import Ended

NO_KERNEL = "no answer: the notebook's kernel had ended before"
NOT_ASKED = "not asked: two calls of this function had not ended in time"
NO_REPLY = "no answer: the kernel's reply was none"
NO_JSON = "no answer: the kernel's reply was no JSON, or too deep"


def place(notebook: str, number: int, cell: dict[str, Any]) -> str:
    """Which cell: its place among the code cells, and its id as nbgrader or the notebook knows it."""
    known = cell.get("metadata", {}).get("nbgrader", {}).get("grade_id") or cell.get("id")
    return f"{notebook}, code cell {number}" + (f" ({known})" if known else "")


def cell_time(limit_s: float) -> str:
    """A cell that stopped when it was told to."""
    return f"Ran longer than {limit_s:g} s and was interrupted; what came after it was run."


def stubborn(limit_s: float) -> str:
    """A cell that did not."""
    return f"Ran longer than {limit_s:g} s and ignored the interruption; its kernel was ended, the rest was not run."


def total_time(limit_s: float) -> str:
    """A submission that took too long in all."""
    return f"The submission ran longer than {limit_s:g} s in all; its kernel was ended, the rest was not run."


def output(most_bytes: int) -> str:
    """A cell that printed too much."""
    return f"The outputs together went beyond {_size(most_bytes)}; the rest of this cell's was left out."


def flood(what: str) -> str:
    """A kernel that said what the kernel we started does not say."""
    return f"The kernel sent {what or 'what no kernel sends'}; it was ended, the rest was not run."


def death(ended: Ended, budget: Budget) -> tuple[str, str]:
    """The kind of a kernel's end, and the line about it."""
    rest = "the rest was not run."
    if ended.why == "memory":
        return (
            "memory",
            f"All processes together held more than {_size(2 * budget.memory_bytes)}; they were ended, {rest}",
        )
    if ended.why == "disk":
        return "disk", f"The files together went beyond {_size(budget.disk_bytes)}; the kernel was ended, {rest}"
    if ended.status is None:
        return "died", f"The kernel ended, nobody knows why; {rest}"
    number = -ended.status if ended.status < 0 else ended.status - 128  # as shells and bubblewrap say it
    if number > 0:
        return "died", f"The kernel was ended by {_signal(number)}; {rest}"
    return "died", f"The kernel ended itself with status {ended.status}; {rest}"


def no_answer(kind: str, limit_s: float) -> str:
    """Why a probe has no answer."""
    if kind == "cell_time":
        return f"no answer in {limit_s:g} s"
    return {
        "total_time": "no answer: the submission's time was up",
        "memory": "no answer: the kernel held too much memory",
        "output": "no answer: the kernel sent what no kernel sends",
    }.get(kind, "no answer: the kernel ended")


def line(text: str) -> str:
    """A student's own words as one line, without control characters."""
    shown = "".join(character if character.isprintable() else " " for character in text[:2000])
    return " ".join(shown.split())[:1000]


def too_long(most_bytes: int) -> str:
    """An answer of more than an answer may have."""
    return f"the answer is longer than {_size(most_bytes)}"


def no_number(error: ValueError) -> str:
    """An answer with a number that no judge should calculate with."""
    return f"no answer: {error}"


def _size(count: float) -> str:
    return f"{count / 1_048_576:,.0f} MiB" if count >= 1_048_576 else f"{count / 1024:,.0f} KiB"


def _signal(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
