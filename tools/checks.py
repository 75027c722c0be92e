"""The steps of ``make test``: cheap checks first, then the tests, in five lanes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tools.environment import ROOT

IMPORT_LINTER = "from importlinter.cli import lint_imports_command; lint_imports_command()"
_COMPUTING = ["tests/sim", "tests/unit"]
_GRADER = "tests/unit/autograder"  # about a third of the seconds of those
_CLIENTS = ["tests/clients"]
_KERNELS = ["tests/labs"]
_GRADING = ["tests/arena", "tests/course", "tests/grading", "tests/jail"]


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
    """The run with browsers and containers, and with whatever has no lane of its own."""
    elsewhere = (*_COMPUTING, *_CLIENTS, *_KERNELS, *_GRADING)
    return [Step("pytest", [python, "-m", "pytest", *(f"--ignore={folder}" for folder in elsewhere)], {})]


def beside(python: Path) -> list[list[Step]]:
    """The lanes beside it: most tests wait for somebody else, so two processors carry five lanes.

    What only computes gives way to all others, and is two lanes because it ends last, when both processors are free.
    """
    lower = ["nice", "-n", "10"] if os.name == "posix" else []
    rest = [*_COMPUTING, f"--ignore={_GRADER}"]
    computing = [Step("pytest of what only computes", [*lower, python, "-m", "pytest", *rest], {})]
    grader = [Step("pytest of the autograder's parts", [*lower, python, "-m", "pytest", _GRADER], {})]
    clients = [
        Step("pytest of foreign clients", [python, "-m", "pytest", *_CLIENTS], {}),
        Step("pytest of labs in kernels", [python, "-m", "pytest", *_KERNELS], {}),
    ]
    grading = [
        Step("pytest of jails and grading", [python, "-m", "pytest", *_GRADING], {}),
        Step(
            "pytest with the portable fallbacks forced",
            [python, "-m", "pytest", "-m", "portable"],
            {"KIT_FORCE_PORTABLE": "1"},
        ),
    ]
    return [computing, grader, clients, grading]


def run(steps: Sequence[Step], beside: Sequence[Sequence[Step]] = ()) -> int:
    """Run all steps, also after one has failed, and say at the end which did.

    Args:
        beside: run meanwhile, each lane in its order; what they print is shown after the last of ``steps``.

    Returns:
        0 when all passed, else 1.
    """
    failed: list[str] = []
    with ThreadPoolExecutor(max_workers=max(1, len(beside))) as others:
        meanwhile = [others.submit(lambda lane: [(step, *_captured(step)) for step in lane], lane) for lane in beside]
        for step in steps:
            print(f"\n=== {step.title}", flush=True)
            if subprocess.call(step.command, cwd=ROOT, env={**os.environ, **step.variables}) != 0:
                failed.append(step.title)
        for step, status, output in (ended for lane in meanwhile for ended in lane.result()):
            print(f"\n=== {step.title}\n{output}", flush=True)
            if status != 0:
                failed.append(step.title)
    print(f"\nfailed: {', '.join(failed)}" if failed else "\nall steps passed")
    return 1 if failed else 0


def _captured(step: Step) -> tuple[int, str]:
    ended = subprocess.run(
        step.command,
        cwd=ROOT,
        env={**os.environ, **step.variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return ended.returncode, ended.stdout.decode(errors="replace")
