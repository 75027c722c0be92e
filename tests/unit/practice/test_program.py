"""From words to an exit status: what holds for every command."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

from kit.errors import KitError
from kit.practice import clusters, main
from kit.practice.commands import Command
from tests.support.practice import PracticeCli

NO_IMPORTS = """
import io, sys
from kit.practice import main

for line in (["--help"], ["environment", "list"], ["kafka", "cluster", "create", "-h"]):
    main(line, stdin=io.StringIO(), stdout=io.StringIO(), stderr=io.StringIO())
slow = {"kafka", "asyncio", "prompt_toolkit", "kit.broker", "kit.cluster", "kit.service"} & set(sys.modules)
assert not slow, slow
"""


def test_help_and_lists_load_no_client(tmp_path: Path) -> None:
    """Commands that need no cluster answer at once: neither a Kafka client nor a broker is imported for them."""
    subprocess.run([sys.executable, "-c", NO_IMPORTS], check=True, timeout=60, env={"KIT_HOME": str(tmp_path)})


def test_main_keeps_its_state_in_kit_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder of $KIT_HOME is used, and nothing is written elsewhere."""
    monkeypatch.setenv("KIT_HOME", str(tmp_path / "home"))
    out, err = io.StringIO(), io.StringIO()

    assert main(["login"], stdin=io.StringIO(), stdout=out, stderr=err) == 0
    assert out.getvalue().startswith('Logged in as "')
    assert (tmp_path / "home" / "practice" / "state.json").exists()


@pytest.mark.parametrize(
    ("error", "status", "text"),
    [
        (KitError("The cluster is gone."), 1, "Error: The cluster is gone.\n"),
        (OSError(28, "No space left on device"), 1, "Error: the operating system refused: "),
        (KeyboardInterrupt(), 130, "\n"),
        (BrokenPipeError(), 1, ""),
    ],
)
def test_no_command_ends_in_a_traceback(
    day2: PracticeCli, monkeypatch: pytest.MonkeyPatch, error: BaseException, status: int, text: str
) -> None:
    """Whatever happens in a command is one sentence and an exit status."""

    def fail(context: object, cluster: object) -> int:
        raise error

    monkeypatch.setattr(clusters, "topic_count", fail)

    result = day2("kafka cluster describe")

    assert result.status == status
    assert result.err.startswith(text)
    assert result.out == ""


def test_verbose_tells_what_is_done_here(day2: PracticeCli) -> None:
    """With -v, the student sees what stands behind a command."""
    cluster = day2.cluster

    result = day2(f"environment delete {day2.environment} --force -v")

    assert result.err == f"[INFO] Ending the process of {cluster} and removing its logs.\n"


def test_path_of_a_command_is_its_words() -> None:
    """Arguments in the usage line are no part of the name."""
    command = Command("kafka topic delete <topic-1> [topic-2] ... [topic-n]", ".", lambda *_: 0)

    assert command.path == ("kafka", "topic", "delete")
