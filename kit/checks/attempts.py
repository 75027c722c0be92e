"""What a learner has checked so far, in a file beside the notebooks: no names, no answers, nothing leaves the computer.

The file is ``.kafka-kit-progress.json`` in the folder where the notebook runs, or the one that the environment variable
KIT_PROGRESS names.
"""

from __future__ import annotations

import dataclasses
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kit.json_file import JsonFile

FILE_NAME = ".kafka-kit-progress.json"


@dataclass(frozen=True, slots=True)
class Attempts:
    """The runs of one check.

    Attributes:
        tries: how many runs looked into a cluster.
        passes: how many of them passed.
        first_pass_ms: when it passed first, milliseconds since 1970; None when it never did.
        last_ms: when it ran last.
    """

    tries: int = 0
    passes: int = 0
    first_pass_ms: int | None = None
    last_ms: int = 0

    def and_one_more(self, *, passed: bool, now_ms: int) -> Attempts:
        """These and another run."""
        first_pass_ms = now_ms if passed and self.first_pass_ms is None else self.first_pass_ms
        return Attempts(self.tries + 1, self.passes + passed, first_pass_ms, now_ms)


AllAttempts = dict[str, Attempts]  # by name of the check


def default_path() -> Path:
    """Where the file is, unless somebody names another one."""
    return Path(os.environ.get("KIT_PROGRESS") or FILE_NAME).expanduser().absolute()


def attempts_file(path: Path | None = None) -> JsonFile[AllAttempts]:
    """The file; None for the default one."""
    return JsonFile(default_path() if path is None else path, decode=_decoded, encode=_encoded, empty=dict)


def remember(name: str, *, passed: bool, path: Path | None = None) -> str:
    """Note that a check ran.

    Returns:
        A sentence when something was wrong with the file; else nothing. A check works without it.
    """
    now_ms = time.time_ns() // 1_000_000
    file = attempts_file(path)
    try:
        file.change(lambda all_: {**all_, name: all_.get(name, Attempts()).and_one_more(passed=passed, now_ms=now_ms)})
    except OSError as error:
        return f"Your progress cannot be kept in {file.path} ({error.strerror or error}): this result is not counted."
    return file.trouble


def _encoded(all_: AllAttempts) -> dict[str, Any]:
    return {"version": 1, "steps": {name: dataclasses.asdict(each) for name, each in sorted(all_.items())}}


def _decoded(content: Any) -> AllAttempts:
    if not isinstance(content, dict) or not isinstance(content.get("steps"), dict):
        raise ValueError("no file of progress")
    return {name: _one(each) for name, each in content["steps"].items()}


def _one(content: Any) -> Attempts:
    try:
        found = Attempts(**content)
    except TypeError:
        raise ValueError("no attempts") from None
    numbers = [found.tries, found.passes, found.last_ms, found.first_pass_ms or 0]
    if any(type(number) is not int or not 0 <= number < 2**48 for number in numbers):
        raise ValueError("no attempts")
    return found
