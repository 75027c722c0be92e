"""Command lines in a course of the tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from autograder.console import grade, main
from tests.support import pretend


@pytest.fixture
def say(
    course: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str, str]]:
    """Runs one command line in the course: its exit status, and what it printed and complained."""
    monkeypatch.chdir(course)
    plain = grade.run

    def pretended(argv: list[str]) -> int:
        return plain(argv, pretend.execute)

    monkeypatch.setattr(grade, "run", pretended)

    def run(*words: str) -> tuple[int, str, str]:
        status = main(list(words))
        said = capsys.readouterr()
        return status, said.out, said.err

    return run
