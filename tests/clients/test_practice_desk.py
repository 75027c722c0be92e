"""A practice desk with real clusters: what it leaves, and what it keeps out of a notebook."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import kit
from kit.diagnosis import left
from kit.practice.desk import Desk
from kit.service import desks
from kit.service.left_overs import users_of

pytestmark = [pytest.mark.slow]


def test_desk_has_a_state_of_its_own_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The learner's own folder stays untouched, a desk begins with what an earlier one left ended, and ends clean."""
    monkeypatch.setenv("KIT_HOME", str(tmp_path / "own"))
    monkeypatch.setenv("KIT_PROGRESS", str(tmp_path / "progress.json"))
    desk = Desk(tmp_path / "desk")
    desk.confluent("login")
    environment = desk.confluent("environment create day2 -o json")["id"]
    desk.confluent(f"environment use {environment}")
    cluster = desk.confluent("kafka cluster create msds682 --cloud gcp --region us-west1").id
    desk.confluent(f"kafka cluster use {cluster}")
    made = desk.confluent(f"api-key create --use --resource {cluster} -o json")
    desk.confluent("kafka topic create orders")
    desk.confluent("kafka topic produce orders --parse-key", typed="ana:1\nana:2")

    assert made["api_secret"] not in capsys.readouterr().out
    assert made["api_secret"] not in f"{made!r}{desk!r}{desk.client_settings!r}{desk.facts()}"
    assert kit.check("08.orders", desk)
    assert not kit.check("08.clean", desk)
    assert desk.facts().processes == (cluster,)
    desk.confluent(f"kafka cluster delete {cluster} --force")
    desk.confluent(f"environment delete {environment} --force")
    assert desk.facts().api_keys == ()  # they went with their cluster, as in Confluent Cloud
    assert kit.check("08.clean", desk)

    again = Desk(tmp_path / "desk")  # after a notebook that was left in the middle
    assert again.facts().processes == ()
    assert again.facts().clusters == ()
    again.close()
    again.close()
    desk.close()

    assert not (tmp_path / "desk").exists()
    assert not (tmp_path / "own").exists()


def test_desk_tells_what_goes_wrong_and_raises_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A quotation mark too few, a command that is refused, an output without JSON."""
    desk = Desk(tmp_path / "desk")

    assert desk.confluent('login "').status == 2
    assert desk.confluent("environment list").status == 1
    assert "you must log in" in capsys.readouterr().out
    assert desk.confluent("kafka cluster create x --cloud gcp --region us-west1").id == ""
    assert not kit.check("08.clean", desk)  # nothing was ever there
    with pytest.raises(kit.KitError, match="-o json"):
        desk.confluent("login")["id"]
    with pytest.raises(LookupError, match="api-key use"):
        _ = desk.client_settings
    desk.close()


def test_interrupted_cell_is_a_ctrl_c(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A consumer goes on until its cell is interrupted; then it stops as in a terminal, and nothing is raised."""
    desk = Desk(tmp_path / "desk")
    desk.confluent("login")
    environment = desk.confluent("environment create day2 -o json")["id"]
    desk.confluent(f"environment use {environment}")
    cluster = desk.confluent("kafka cluster create x --cloud gcp --region us-west1 -o json")["id"]
    desk.confluent(f"kafka cluster use {cluster}")
    desk.confluent(f"api-key create --use --resource {cluster}")
    desk.confluent("kafka topic create orders")
    printed: list[str] = []

    def interrupt(text: str) -> None:
        printed.append(text)
        if "Use Ctrl-C to exit" in text:
            raise KeyboardInterrupt

    monkeypatch.setattr("kit.practice.desk._say", interrupt)
    said = desk.confluent("kafka topic consume orders")
    desk.close()

    assert "Stopping Consumer." in "".join(printed)
    assert said.status == 0


def test_wide_table_is_scrolled_in_a_notebook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A list of clusters is wider than a page: it is shown as one piece, and narrow tables and errors are printed."""
    monkeypatch.setenv("KIT_HOME", str(tmp_path / "own"))
    printed: list[str] = []
    wide: list[str] = []
    monkeypatch.setattr("kit.practice.desk._say", printed.append)
    monkeypatch.setattr("kit.practice.desk._show_wide", wide.append)
    desk = Desk(tmp_path / "desk")
    desk.confluent("login")
    desk.confluent("environment use " + desk.confluent("environment create day2").id)
    desk.confluent("environment list")
    cluster = desk.confluent("kafka cluster create x --cloud gcp --region us-west1").id
    said = desk.confluent("kafka cluster list")
    desk.close()

    assert [table.count("\n") for table in wide] == [3]
    assert said.text == wide[0]
    assert cluster in wide[0]
    assert "ESSENTIALS" in "".join(printed)


_KILLED = """
import os, signal, sys
from kit.practice.desk import Desk
desk = Desk(sys.argv[1])
desk.confluent("login")
desk.confluent("environment use " + desk.confluent("environment create day2").id)
desk.confluent("kafka cluster create x --cloud gcp --region us-west1")
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="kills by SIGKILL")
def test_desk_of_a_killed_kernel_is_found_and_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its cluster goes on in a folder that nobody looks into; the doctor knows it, and ends it."""
    monkeypatch.setenv("KIT_HOME", str(tmp_path / "own"))
    folder = tmp_path / "desk"
    alive = Desk(tmp_path / "other")
    alive.confluent("login")
    subprocess.run([sys.executable, "-c", _KILLED, str(folder)], capture_output=True, check=False)
    assert users_of(next((folder / "practice" / "clusters").glob("*")))
    assert desks.left() == [folder]
    (found,) = [each for each in left.look(clean=False) if each.name == "practice desks"]
    assert str(folder) in found.text
    assert found.command == "kit doctor --clean"

    (removed,) = [each for each in left.look(clean=True) if each.name == "practice desks"]

    assert removed.state == "ok"
    assert desks.left() == []
    assert not folder.exists()
    alive.close()
    assert not (tmp_path / "own").exists()
