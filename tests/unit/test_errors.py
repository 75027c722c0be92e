"""How an error of the kit looks in a notebook."""

from __future__ import annotations

from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell

KIT = str(Path(__file__).resolve().parents[2] / "kit")


@pytest.fixture
def shell() -> InteractiveShell:
    """Give an IPython of its own."""
    return InteractiveShell()


def test_notebook_shows_the_learners_line_and_the_sentence(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    """No frame of the kit, however deep it was raised."""
    shell.run_cell("import kit\n\ndef begin():\n    kit.connect('kafka')\n\nbegin()")

    out = capsys.readouterr().out
    assert "line 6: begin()\nline 4: kit.connect('kafka')" in out
    assert "ConnectError: The address 'kafka' has no port" in out
    assert KIT not in out
    assert "Traceback" not in out


def test_other_errors_are_shown_as_always(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    """What is not the kit's keeps its traceback."""
    shell.run_cell("1 / 0")

    assert "ZeroDivisionError" in capsys.readouterr().out
