"""Runs submissions as an instructor would: as an ordinary user, in a process of their own.

`Grader` is the test's end; the module itself, run with ``python -m``, is the grader's.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from typing import Any, Self

from autograder.job import Budget, Job, Outcome, Probe

Json = dict[str, Any]
SECRET = "the-graders-own-secret"  # in its environment


class Grader:
    """A process of an ordinary user that runs submissions on one rung."""

    def __init__(self, rung: str) -> None:
        from tests.support import ordinary_user

        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        self.process = ordinary_user.start(__name__, [rung, SECRET], **pipes)

    def run(self, job: Job, network: Json | None = None) -> Outcome:
        """Run one submission, in a network if one is given by its pid and ports."""
        self.begin(job, network)
        return self.end()

    def begin(self, job: Job, network: Json | None = None) -> None:
        """Ask for one, without waiting."""
        plain = dataclasses.asdict(job) | {"network": network}
        plain["files"] = {name: base64.b64encode(content).decode() for name, content in job.files.items()}
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(plain) + "\n")
        self.process.stdin.flush()

    def end(self) -> Outcome:
        """Wait for it."""
        assert self.process.stdout is not None
        return Outcome.from_json(self.process.stdout.readline())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


def notebook(*sources: str, ids: Iterable[str] = ()) -> str:
    """A notebook with these code cells."""
    names = list(ids) or [f"cell-{number}" for number in range(1, len(sources) + 1)]
    cells = [
        {"cell_type": "code", "id": name, "metadata": {}, "source": source, "outputs": [], "execution_count": None}
        for name, source in zip(names, sources, strict=True)
    ]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells})


def submission(*sources: str, budget: Budget | None = None, probes: Iterable[Probe] = (), **more: Any) -> Job:
    """A submission of one notebook with these cells."""
    budget = budget or Budget(cell_s=10, total_s=60)
    return Job("student", "work", {"work.ipynb": notebook(*sources)}, budget=budget, probes=tuple(probes), **more)


def _in_network(job: Job, network: Json) -> Outcome:
    from autograder.execute import open_session
    from autograder.jail import Network

    with open_session(job, Network(network["pid"], tuple(network["ports"]))) as session:
        for name in job.notebooks:
            session.run_notebook(name)
        made = Outcome(job.student, job.assignment, job.seed, session.rung, session.notebooks)
        return dataclasses.replace(made, stops=tuple(session.stops))


def _serve(rung: str) -> None:
    from autograder import execute, jail

    jail.strongest = lambda _weakest="": rung
    for line in sys.stdin:
        plain = json.loads(line)
        plain["files"] = {name: base64.b64decode(content) for name, content in plain["files"].items()}
        plain["budget"] = Budget(**plain["budget"])
        plain["probes"] = tuple(Probe(**{**each, "arguments": tuple(each["arguments"])}) for each in plain["probes"])
        network = plain.pop("network", None)
        job = Job(**plain)
        outcome = execute.execute(job) if network is None else _in_network(job, network)
        sys.stdout.write(outcome.to_json() + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    os.environ["AUTOGRADER_SECRET"] = sys.argv[2]
    _serve(sys.argv[1])
