"""Why there is no Docker engine, and what to do, in words for each place that the kit runs in."""

from __future__ import annotations

from pathlib import Path

import pytest

from kit.backends.docker import engine
from kit.errors import StartError

MISSING = FileNotFoundError(2, "No such file or directory")


@pytest.fixture
def programs(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The programs that are installed; a test adds to it."""
    installed: set[str] = set()
    monkeypatch.setattr(engine.shutil, "which", lambda name: name if name in installed else None)
    monkeypatch.setattr(engine, "_has_docker_desktop", lambda _: False)
    return installed


@pytest.mark.parametrize(
    ("installed", "platform", "error", "expected"),
    [
        (set(), "linux", MISSING, "Docker is not installed: install"),
        ({"docker"}, "linux", MISSING, "`sudo systemctl start docker`"),
        ({"docker"}, "darwin", ConnectionRefusedError(61, "refused"), "open Docker Desktop"),
        ({"docker"}, "win32", MISSING, "open Docker Desktop"),
        ({"docker", "colima"}, "darwin", MISSING, "`colima start`"),
        ({"podman"}, "linux", MISSING, "`systemctl --user start podman.socket`"),
        ({"docker"}, "linux", PermissionError(13, "Permission denied"), "`sudo usermod -aG docker $USER`"),
    ],
)
def test_own_computer_gets_the_command_that_helps(
    programs: set[str], installed: set[str], platform: str, error: OSError, expected: str
) -> None:
    """What is installed decides what to try."""
    programs |= installed
    wrapped = RuntimeError("Error while fetching server API version", error)  # as libraries chain theirs

    assert expected in engine.why_not(wrapped, {}, platform)


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({"BINDER_LAUNCH_HOST": "https://mybinder.example/"}, "Binder has no Docker"),
        ({"JUPYTERHUB_API_TOKEN": "x"}, "This JupyterHub gives notebooks no Docker engine"),
        ({"DOCKER_HOST": "unix:///nowhere"}, "No Docker engine answers at DOCKER_HOST=unix:///nowhere"),
    ],
)
def test_hosted_notebook_is_told_where_containers_work(
    programs: set[str], environment: dict[str, str], expected: str
) -> None:
    """A command for one's own computer would not help there."""
    assert engine.why_not(MISSING, environment, "linux").startswith(expected)


@pytest.mark.parametrize("address", ["tcp://10.1.2.3:2375", "ssh://somebody@somewhere", "https://example:1"])
def test_engine_of_another_computer_is_refused(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    """Its ports would be open there, not here; nothing is sent to it."""
    monkeypatch.setenv("DOCKER_HOST", address)

    with pytest.raises(StartError, match="is on another computer"):
        engine.find()


def test_socket_that_is_not_there_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No traceback of three libraries, and what works instead; `problem` says the same."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none")

    with pytest.raises(StartError, match=r"No such file or directory.*kit\.start\(\) gives the embedded") as caught:
        engine.find()
    assert engine.problem() == str(caught.value)


def test_address_that_is_none_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slip in DOCKER_HOST."""
    monkeypatch.setenv("DOCKER_HOST", "gibberish")

    assert "DOCKER_HOST=gibberish" in (engine.problem() or "")
