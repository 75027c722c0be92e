"""The steps of ``make test``, in order: cheap checks first, the whole test suite last."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, NamedTuple

from tools.environment import ROOT

IMPORT_LINTER = "from importlinter.cli import lint_imports_command; lint_imports_command()"
_BESIDE = ["tests/sim", "tests/unit"]


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
    """The test runs. The one with the real parts is last, so that its closing line ends the output."""
    return [
        Step(
            "pytest with the portable fallbacks forced",
            [python, "-m", "pytest", "-m", "portable"],
            {"KIT_FORCE_PORTABLE": "1"},
        ),
        Step("pytest", [python, "-m", "pytest", *(f"--ignore={folder}" for folder in _BESIDE)], {}),
    ]


def beside(python: Path) -> Step:
    """The tests that only compute. They run while the others wait for browsers, kernels and containers."""
    return Step("pytest of what only computes", [python, "-m", "pytest", *_BESIDE], {})


def run(steps: Sequence[Step], beside: Step | None = None) -> int:
    """Run all steps, also after one has failed, and say at the end which did.

    Args:
        beside: runs meanwhile, with lower priority; what it prints is shown before the last step's result is told.

    Returns:
        0 when all passed, else 1.
    """
    failed = []
    with tempfile.TemporaryFile() as output:
        other = None if beside is None else _started(beside, output)
        for step in steps:
            print(f"\n=== {step.title}", flush=True)
            if subprocess.call(step.command, cwd=ROOT, env={**os.environ, **step.variables}) != 0:
                failed.append(step.title)
        if beside is not None and other is not None:
            if other.wait() != 0:
                failed.append(beside.title)
            output.seek(0)
            print(f"\n=== {beside.title}\n{output.read().decode(errors='replace')}", flush=True)
    print(f"\nfailed: {', '.join(failed)}" if failed else "\nall steps passed")
    return 1 if failed else 0


def _started(step: Step, output: IO[bytes]) -> subprocess.Popen[bytes]:
    lower = ["nice", "-n", "10"] if os.name == "posix" else []
    return subprocess.Popen(
        [*lower, *map(str, step.command)],
        cwd=ROOT,
        env={**os.environ, **step.variables},
        stdout=output,
        stderr=subprocess.STDOUT,
    )
