"""Terminals side by side, with a small program in the place of the CLI."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kit.practice.child import COMMAND
from kit.widgets import Terminals
from kit.widgets.terminals import Terminal
from tests.support.wait import wait_until

ECHO = (
    sys.executable,
    "-u",
    "-c",
    "import sys; print('ready', *sys.argv[1:])\nfor line in sys.stdin: print('got', line, end='')",
)
PATIENT = (sys.executable, "-u", "-c", "print('ready'); import time; time.sleep(600)")


@pytest.fixture
def terminals(request: pytest.FixtureRequest) -> Iterator[Terminals]:
    """Give two terminals with the program that the test is parametrized with, or `ECHO`."""
    made = Terminals(("left", "right"), getattr(request, "param", ECHO), os.environ)
    yield made
    made.close()


def test_terminal_types_and_ends_by_ctrl_d(terminals: Terminals) -> None:
    """A line goes to the command that runs, Ctrl-D ends what is typed, and the other terminal sees nothing of it."""
    left = terminals["left"]
    left.enter("produce orders")
    left.wait_for("ready produce orders")
    left.enter("ana:1")
    left.wait_for("got ana:1")
    assert left.is_running
    left.end_input()
    left.wait()

    assert left.text == "$ confluent produce orders\nready produce orders\nana:1\ngot ana:1\n^D\n"
    assert terminals["right"].text == ""
    wait_until(lambda: terminals.screens[0] == {"text": left.text, "running": ""}, "the page to have it")


@pytest.mark.parametrize("terminals", [PATIENT], indirect=True)
def test_interrupt_ends_what_would_go_on(terminals: Terminals) -> None:
    """Ctrl-C does, as does closing the widget; a second command has to wait for the first one's end."""
    left, right = terminals["left"], terminals["right"]
    for each in (left, right):
        each.run("consume orders")
        each.wait_for("ready")
    left.run("again")
    left.wait_for("still runs")
    left.interrupt()
    left.wait()

    assert "^C" in left.text
    terminals.close()
    assert wait_until(lambda: not right.is_running, "its end") is not None


@pytest.mark.parametrize("terminals", [PATIENT], indirect=True)
def test_waiting_looks_at_the_newest_command_alone(terminals: Terminals) -> None:
    """What an earlier command has printed is not waited for, and a command that has ended is waited for no more."""
    left = terminals["left"]
    left.run("first")
    assert left.wait_for("ready")
    terminals.end()
    assert not left.is_running

    left.run('unfinished "')

    assert not left.wait_for("ready")
    assert left.said.startswith('$ confluent unfinished "\nError: ')
    assert "ready" in left.text


def test_word_confluent_may_be_typed(terminals: Terminals) -> None:
    """Whoever types the whole command gets the same."""
    for line in ("confluent login", "kit confluent login"):
        terminals["left"].run(line)
        terminals["left"].end_input()
        terminals["left"].wait()

    assert terminals["left"].text.count("ready login\n") == 2


@pytest.mark.parametrize(("line", "told"), [('produce "orders', "quotation"), ("   ", "")])
def test_line_that_is_no_command_starts_nothing(line: str, told: str, terminals: Terminals) -> None:
    """A quotation mark without its twin is told, an empty line is nothing."""
    terminals["left"].enter(line)

    assert not terminals["left"].is_running
    assert told in terminals["left"].text


def test_screen_keeps_its_end_and_takes_any_bytes() -> None:
    """A screen is bounded, and bytes that are no text are shown as such."""
    program = "import sys; sys.stdout.buffer.write(b'\\xff<b>' + b'x' * 90_000 + b'end')"
    terminal = Terminal((sys.executable, "-c", program), os.environ, lambda: None)
    terminal.run("x")
    terminal.wait()

    assert len(terminal.text) == 20_000
    assert terminal.text.endswith("end")


@pytest.mark.parametrize("content", [None, 7, {}, {"terminal": "up"}, {"terminal": "left", "line": 7, "key": []}])
def test_nonsense_from_the_page_is_left_out(content: object, terminals: Terminals) -> None:
    """A message that no page of ours sends does nothing."""
    terminals.asked(terminals, content, [])

    assert terminals["left"].text == ""


def test_program_that_cannot_start_is_told() -> None:
    """A missing program is a sentence on the screen."""
    terminal = Terminal(("no-such-program-anywhere",), {}, lambda: None)
    terminal.run("login")

    assert "cannot be started" in terminal.text
    assert not terminal.is_running


@pytest.fixture
def kernel_at_rest() -> Iterator[None]:
    """Ignore Ctrl-C, as a notebook's kernel does while no cell runs; what it starts would ignore it too."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="there is no SIGINT for one process")
@pytest.mark.usefixtures("kernel_at_rest")
def test_every_command_can_be_interrupted(tmp_path: Path) -> None:
    """The 1st, 2nd and 3rd command end by Ctrl-C, and none of them by a traceback."""
    terminal = Terminal(COMMAND, {**os.environ, "KIT_HOME": str(tmp_path), "PYTHONUNBUFFERED": "1"}, lambda: None)
    for _ in range(3):
        terminal.run("practice reset")  # asks, and waits for an answer
        assert terminal.wait_for("(y/n)")
        terminal.interrupt()
        terminal.wait()

    assert "Traceback" not in terminal.text
