"""How an error of the kit looks in a notebook."""

from __future__ import annotations

from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell

KIT = str(Path(__file__).resolve().parents[2] / "kit")
_WIDGETS = """
import os, sys
from types import SimpleNamespace
from kit.client_settings import settings_of
from kit.lessons.partition_choice import partition_of
from kit.practice.desk import Desk
from kit.widgets import FailureMatrix, LogInspector, Terminals, Workers

class Cluster(SimpleNamespace):
    __hash__ = object.__hash__

broker = SimpleNamespace(is_alive=True)
cluster = Cluster(bootstrap_servers="127.0.0.1:1", brokers=[broker], data_dir=None)
matrix = FailureMatrix(cluster)
inspector = LogInspector(cluster, "orders")
workers = Workers(cluster, "orders", group_id="royalties")
panes = Terminals(("producer", "consumer"), (sys.executable, "-c", "import time; time.sleep(60)"), os.environ)
desk = Desk(folder)
"""


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


@pytest.mark.parametrize(
    ("cell", "sentence"),
    [
        ("matrix.predict(13, 'refused')", "ArgumentError: Row 13, 'refused': rows are 1 to 12"),
        ("matrix.run('E')", "ArgumentError: There is no failure 'E': they are called A, B, C, D."),
        ("inspector.find(-1)", "ArgumentError: -1 is no offset"),
        ("inspector.find('7')", "ArgumentError: '7' is no offset"),
        ("settings_of(5)", "ArgumentError: A value of type int is no cluster: give what kit.start() or kit.connect()"),
        ("partition_of(b'ana', 0)", "ArgumentError: A topic has at least one partition, not 0."),
        ("partition_of(b'ana', 3, 'md5')", "ArgumentError: There is no hash 'md5' here"),
        ("workers.scale('2')", "WorkersError: '2' workers are not possible: 0 to 8 are."),
        ("workers.add(1.5)", "WorkersError: 1.5 more is not possible"),
        ("workers.look('royalties-9')", "WorkersError: No worker 'royalties-9' was there"),
        ("panes['left']", "ArgumentError: There is no terminal 'left', only producer, consumer."),
        (
            "panes['producer'].run('wait')\npanes['producer'].wait(0)",
            "TerminalTimeoutError: 'wait' still runs after 0 s.",
        ),
        ("desk.confluent('login')['id']", "NotInOutputError: There is no 'id' in what the command printed"),
        ("desk.client_settings", "NothingInUseError: No cluster with an API key is in use here."),
    ],
)
def test_refusals_of_the_widgets_are_sentences(
    shell: InteractiveShell, tmp_path: Path, capsys: pytest.CaptureFixture[str], cell: str, sentence: str
) -> None:
    """A value that a widget, a lesson or the desk cannot take is refused without a traceback."""
    shell.user_ns["folder"] = tmp_path / "desk"
    shell.run_cell(_WIDGETS)
    capsys.readouterr()
    try:
        shell.run_cell(cell)
        out = capsys.readouterr().out
    finally:
        shell.run_cell("for each in (matrix, inspector, workers, panes, desk): each.close()")

    assert sentence in out
    assert "line 1: " in out or "line 2: " in out
    assert KIT not in out
    assert "Traceback" not in out
