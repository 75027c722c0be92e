"""Questions: ``(y/n): `` is asked again until the answer is one; the end of the input is an error."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TextIO

from kit.practice.errors import CliError, Declined

_ANSWERS = {"y": True, "yes": True, "n": False, "no": False}


def ask_yes_no(stdin: TextIO, stdout: TextIO, stderr: TextIO, question: str) -> bool:
    """Ask until the answer is yes or no.

    Raises:
        CliError: the input ended before an answer.
    """
    while True:
        stdout.write(f"{question} (y/n): ")
        stdout.flush()
        line = stdin.readline()
        if not line:
            stdout.write("\n")
            raise CliError("failed to read input", "Use the `--force` flag to delete without a confirmation prompt.")
        answer = _ANSWERS.get(line.strip().lower())
        if answer is not None:
            return answer
        stderr.write(f'"{line.strip()}" is not of valid format for field "confirm"\n')
        stderr.flush()


def confirm_deletion(
    stdin: TextIO, stdout: TextIO, stderr: TextIO, resource: str, names: Sequence[str], *, force: bool
) -> None:
    """Ask whether things may be deleted, unless forced.

    Raises:
        Declined: they may not.
    """
    if force:
        return
    question = f"Are you sure you want to delete {plural(resource, names)} {listed(names)}?"
    if not ask_yes_no(stdin, stdout, stderr, question):
        raise Declined


def plural(resource: str, names: Sequence[str]) -> str:
    """The word for one thing or several: ``topic``, ``topics``."""
    return resource if len(names) == 1 else f"{resource}s"


def listed(names: Sequence[str]) -> str:
    """Names in a sentence: ``"a"``, ``"a" and "b"``, ``"a", "b", and "c"``."""
    quoted = [f'"{name}"' for name in names]
    if len(quoted) < 3:
        return " and ".join(quoted)
    return f"{', '.join(quoted[:-1])}, and {quoted[-1]}"
