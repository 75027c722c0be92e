"""How interrupts and kafka-python's errors look in a notebook when they come out of the kit."""

from __future__ import annotations

import sys
from pathlib import Path
from unittest import mock

import pytest
from IPython.core.interactiveshell import InteractiveShell
from kafka.errors import KafkaConnectionError

from kit.plain_errors import plainly

KIT = str(Path(__file__).resolve().parents[2] / "kit")
CLOSED = """
from kit.backends import Broker
from kit.lessons import power_cut

class Closed:
    bootstrap_servers = "127.0.0.1:1"
    brokers = [Broker(1, "127.0.0.1", 1, is_alive=True)]  # as far as is known
    client_settings = {"bootstrap_servers": "127.0.0.1:1", "bootstrap_timeout_ms": 10}
"""


@pytest.fixture
def shell(monkeypatch: pytest.MonkeyPatch) -> InteractiveShell:
    """Give an IPython of its own, which keeps its last error to itself."""
    for name in ("last_type", "last_value", "last_traceback", "last_exc"):
        monkeypatch.setattr(sys, name, None, raising=False)
    return InteractiveShell()


def shown(shell: InteractiveShell, capsys: pytest.CaptureFixture[str], *cells: str) -> str:
    """What the last one of some cells shows."""
    for cell in cells:
        capsys.readouterr()
        shell.run_cell(cell)
    return capsys.readouterr().out


def test_lost_connection_shows_the_learners_line_and_a_sentence(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    """No frame of the kit and none of kafka-python; what to look at next is said."""
    out = shown(shell, capsys, CLOSED, "def read():\n    power_cut.records_of(Closed(), 'plays')\n\nread()")

    assert out.startswith("line 4: read()\nline 2: power_cut.records_of(Closed(), 'plays')\n")
    assert "Does the cluster still run?" in out.splitlines()[-1]
    assert KIT not in out
    assert "site-packages" not in out


def test_interrupt_inside_a_check_shows_the_line_that_was_interrupted(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    """A judge stands for any place in the kit where the interrupt arrives."""
    shell.user_ns["stop"] = mock.patch("kit.checks.registry.verdict", side_effect=KeyboardInterrupt)
    out = shown(shell, capsys, "import kit", "with stop:\n    kit.check('01.record')")

    assert out.startswith("line 2: kit.check('01.record')\n\nKeyboardInterrupt: the cell was interrupted here.")
    assert KIT not in out


def test_learners_own_function_inside_a_kit_call_is_shown(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str]
) -> None:
    """The frames of the learner's code stay, on both sides of the kit's."""
    shell.user_ns["run"] = plainly(max)
    out = shown(shell, capsys, "def mine(_):\n    raise KeyboardInterrupt\n\nrun([1, 2], key=mine)")

    assert out.startswith("line 4: run([1, 2], key=mine)\nline 2: raise KeyboardInterrupt\n\nKeyboardInterrupt")


def test_learners_own_file_is_named(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A module beside the notebook is the learner's code too."""
    (tmp_path / "royalties.py").write_text("def pay(function):\n    function()\n", encoding="utf-8")
    shell.user_ns["connect"] = plainly(_lost)
    out = shown(
        shell, capsys, f"import sys\nsys.path.insert(0, {str(tmp_path)!r})", "import royalties\nroyalties.pay(connect)"
    )

    assert "royalties.py, line 2: function()" in out
    assert "KafkaConnectionError: nobody listens. Does the cluster" in out


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("from kafka.errors import KafkaError\nraise KafkaError('mine')", "Traceback"),
        ("plain(lambda: 1 / 0)", "ZeroDivisionError"),
    ],
)
def test_other_errors_keep_their_traceback(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str], cell: str, told: str
) -> None:
    """What does not come out of the kit, and mistakes in a function that the kit calls, look as always."""
    shell.user_ns["plain"] = plainly(lambda function: function())
    out = shown(shell, capsys, cell)

    assert told in out
    assert "Traceback" in out


def test_error_stays_what_it_is() -> None:
    """Whoever catches it by its class still can, and it holds no frames by itself."""
    with pytest.raises(KafkaConnectionError) as caught:
        plainly(_lost)()

    assert type(caught.value) is KafkaConnectionError


def _lost() -> None:
    raise KafkaConnectionError("nobody listens")
