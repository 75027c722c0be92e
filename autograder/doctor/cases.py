"""Notebooks of a few cells, run on one rung of the jail ladder."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from autograder import jail
from autograder.execute import open_session
from autograder.jail import ladder
from autograder.job import Budget, Job, Outcome, Probe

Json = dict[str, Any]
FILE = "work.ipynb"


@dataclass(frozen=True)
class Case:
    """A notebook of three cells: one that is right, the deed, and one that follows it.

    Attributes:
        name: what is tried.
        deed: the code.
        line: a regular expression for the line that the instructor reads; empty where there is nothing to say.
        goes_on: whether the third cell still has its turn; None where it may or may not.
        shows: a regular expression for what the deed's own cell shows.
        budget: what it may use.
    """

    name: str
    deed: str
    line: str = ""
    goes_on: bool | None = True
    shows: str = ""
    budget: Budget = field(default_factory=lambda: Budget(cell_s=2, total_s=40))

    def job(self) -> Job:
        """The submission."""
        return job("print('before')", self.deed, "print('after')", budget=self.budget)


def job(
    *sources: str,
    budget: Budget | None = None,
    probes: Iterable[Probe] = (),
    files: Mapping[str, bytes] | None = None,
    arena: Json | None = None,
) -> Job:
    """A submission of one notebook with these code cells."""
    budget = budget or Budget(cell_s=10, total_s=60)
    return Job("eve", "hostile", {FILE: notebook(*sources)}, files or {}, budget, 7, tuple(probes), arena)


def notebook(*sources: str) -> str:
    """A notebook with these code cells, as JSON text."""
    cells = [
        {"cell_type": "code", "id": f"cell-{number}", "metadata": {}, "source": source, "outputs": []}
        | {"execution_count": None}
        for number, source in enumerate(sources, 1)
    ]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells})


def run(asked: Job, rung: str) -> Outcome:
    """Run a submission without a cluster on this rung, whatever stronger ones there are.

    Raises:
        JailError: no such jail can be made.
    """
    if not ladder.try_rung(rung).holds:
        raise jail.JailError(f"{rung}: {ladder.try_rung(rung).why}")
    with open_session(asked, rung=rung) as session:
        for name in asked.notebooks:
            session.run_notebook(name)
        answers = [replace(session.call(each.function, each.arguments), probe=each.name) for each in asked.probes]
        made = Outcome(asked.student, asked.assignment, asked.seed, rung, dict(session.notebooks), tuple(answers))
        return replace(made, stops=tuple(session.stops))


def outputs(outcome: Outcome) -> list[list[Json]]:
    """The outputs of each cell."""
    return [cell["outputs"] for cell in json.loads(outcome.notebooks[FILE])["cells"]]


def ran(outcome: Outcome, number: int) -> bool:
    """Whether a cell, counted from 1, came to its end."""
    cell = json.loads(outcome.notebooks[FILE])["cells"][number - 1]
    return bool(cell["execution_count"] is not None)


def texts(outcome: Outcome) -> list[str]:
    """What each cell printed and raised, as one text."""
    return ["".join(map(_text, cell)) for cell in outputs(outcome)]


def _text(output: Json) -> str:
    if output["output_type"] == "stream":
        return str(output["text"])
    if output["output_type"] == "error":
        return f"{output['ename']}: {output['evalue']}\n"
    return str(output["data"].get("text/plain", "")) + "\n"
