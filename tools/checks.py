"""The steps of ``make test``, in order: cheap checks first, the whole test suite last."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tools.environment import ROOT

IMPORT_LINTER = "from importlinter.cli import lint_imports_command; lint_imports_command()"


class Step(NamedTuple):
    """One command of the run; ``variables`` are added to its environment."""

    title: str
    command: Sequence[str | Path]
    variables: Mapping[str, str]


def quick(python: Path) -> list[Step]:
    """The checks that take seconds."""
    return [
        Step("ruff check", [python, "-m", "ruff", "check", "."], {}),
        Step("ruff format", [python, "-m", "ruff", "format", "--check", "."], {}),
        Step("mypy --strict", [python, "-m", "mypy"], {}),
        Step("import contracts", [python, "-c", IMPORT_LINTER], {}),
    ]


def tests(python: Path) -> list[Step]:
    """The test runs. The full one is last, so that its closing line ends the output."""
    return [
        Step(
            "pytest with the portable fallbacks forced",
            [python, "-m", "pytest", "-m", "portable"],
            {"KIT_FORCE_PORTABLE": "1"},
        ),
        Step("pytest", [python, "-m", "pytest"], {}),
    ]


def run(steps: Sequence[Step]) -> int:
    """Run all steps, also after one has failed, and say at the end which did. Returns 0 when all passed, else 1."""
    failed = []
    for step in steps:
        print(f"\n=== {step.title}", flush=True)
        if subprocess.call(step.command, cwd=ROOT, env={**os.environ, **step.variables}) != 0:
            failed.append(step.title)
    print(f"\nfailed: {', '.join(failed)}" if failed else "\nall steps passed")
    return 1 if failed else 0
