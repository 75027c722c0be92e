"""The image of the docker rung: what it is built from, and which one is used. No engine: its program is a stand-in."""

from __future__ import annotations

import itertools
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from autograder.code_digest import code_digest
from autograder.console import main
from autograder.jail import JailError, RungReport, docker, image, ladder
from autograder.jail.cage import Cage
from autograder.jail.network import Network
from autograder.job import Budget

Answer = Callable[[list[str]], tuple[int, str, str]]


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Answer], list[list[str]]]]:
    """Sets what the docker program says; gives what it was asked."""

    def answering(answer: Answer) -> list[list[str]]:
        asked: list[list[str]] = []

        def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[Any]:
            asked.append(list(command))
            status, out, err = answer(command)
            if options.get("text"):
                return subprocess.CompletedProcess(command, status, out, err)
            return subprocess.CompletedProcess(command, status, out.encode(), err.encode())

        monkeypatch.setattr(subprocess, "run", run)
        monkeypatch.setattr("shutil.which", lambda name: f"/bin/{name}")
        return asked

    docker._image.cache_clear()  # noqa: SLF001 - it is remembered for the life of a process
    yield answering
    docker._image.cache_clear()  # noqa: SLF001


def test_image_is_built_from_the_code_and_versions_of_this_computer(
    engine: Callable[[Answer], list[list[str]]], tmp_path: Path
) -> None:
    """All of it lies in the folder that the engine gets; no notebook, no judge of a course, no cache."""
    (tmp_path / "one.whl").write_text("")
    there: dict[str, str] = {}

    def build(command: list[str]) -> tuple[int, str, str]:
        if command[1] != "build":
            return 0, "", ""
        folder = Path(command[-1])
        there.update({path.relative_to(folder).as_posix(): "" for path in folder.rglob("*") if path.is_file()})
        there.update({name: (folder / name).read_text() for name in ("requirements.txt", "constraints.txt")})
        return 0, "", ""

    asked = engine(build)
    assert image.build("some/python:3", tmp_path) == image.NAME
    command, after = asked
    assert after[1:3] == ["image", "prune"]  # a build leaves the older one without a name, and nearly a gigabyte

    assert command[:4] == ["docker", "build", "--tag", image.NAME]
    assert f"{image.LABEL}={code_digest()}" in command
    assert {"BASE=some/python:3", "PIP_OPTIONS=--no-index"} <= set(command)
    assert {"Dockerfile", "wheels/one.whl", "code/autograder/kernel/contained.py", "code/kit/__init__.py"} <= set(there)
    assert not [name for name in there if "__pycache__" in name or name.startswith("code/course")]
    assert "kafka-python" in there["requirements.txt"]
    assert "distributed" not in there["requirements.txt"]
    assert any(line.startswith("kafka-python==") for line in there["constraints.txt"].splitlines())


def test_build_that_fails_is_one_line(engine: Callable[[Answer], list[list[str]]]) -> None:
    """The last of what the engine said, without its advice."""
    engine(lambda _: (1, "Step 1", "DEPRECATED: old\nInstall the buildx component\n  no such\n host\n"))

    with pytest.raises(JailError, match=r"^the image could not be built: no such host$"):
        image.build()


def images(**labels: str) -> Answer:
    """An engine that has these images, made from these versions of the code."""

    def answer(command: list[str]) -> tuple[int, str, str]:
        if command[1:3] != ["image", "inspect"]:
            return 0, "28", ""
        name = command[-1].partition(":")[0].replace("-", "_")
        return (0, labels[name], "") if name in labels else (1, "", "no such image")

    return answer


def test_other_systems_use_the_image_that_was_built(
    engine: Callable[[Answer], list[list[str]]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With its own Python, and no folder of this computer but the student's."""
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.delenv("AUTOGRADER_IMAGE", raising=False)
    engine(images(autograder_kit=code_digest()))
    assert docker.missing() is None

    network = Network(7, (9092,), "autograder-arena-1")
    command = docker.container(Cage("docker", Budget(), tmp_path, (Path("/usr"),), network)).command
    volumes = [after for before, after in itertools.pairwise(command) if before == "--volume"]
    assert volumes == [f"{tmp_path}:/given:ro"]
    assert command[command.index("--network") + 1] == "container:autograder-arena-1"
    assert command[command.index(image.NAME) + 1] == "python"


@pytest.mark.parametrize(
    ("labels", "named", "said"),
    [
        ({}, None, "there is no image for it: `autograder doctor --build-image` makes one"),
        ({}, "mine:2", "there is no image 'mine:2' (AUTOGRADER_IMAGE): `autograder doctor --build-image` makes one"),
        ({"autograder_kit": "older"}, None, "has another version of this package"),
        ({"mine": ""}, "mine:2", ""),
    ],
)
def test_image_that_is_missing_or_old_is_said(
    engine: Callable[[Answer], list[list[str]]],
    monkeypatch: pytest.MonkeyPatch,
    labels: dict[str, str],
    named: str | None,
    said: str,
) -> None:
    """With what to do; one that somebody made by hand does not tell its version, and is tried as it is."""
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.delenv("AUTOGRADER_IMAGE", raising=False)
    if named:
        monkeypatch.setenv("AUTOGRADER_IMAGE", named)
    engine(images(**labels))

    assert said in (docker.missing() or "")
    assert bool(docker.missing()) is bool(said)


def test_container_joins_no_network_but_a_containers(tmp_path: Path) -> None:
    """A cluster on this computer's own 127.0.0.1 cannot be reached from it."""
    with pytest.raises(JailError, match="only if that is a container's"):
        docker.container(Cage("docker", Budget(), tmp_path, (), Network(7, (9092,))))


def test_doctor_builds_it_and_tries_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """What goes wrong is one line; one that was built is tried before it is called good."""

    def refuse(base: str | None, _: Path | None) -> str:
        raise JailError(f"there is no {base}")

    assert main(["doctor", "--build-image", "--wheels", "nowhere"]) == 2
    monkeypatch.setattr(image, "build", refuse)
    assert main(["doctor", "--build-image", "--base", "my:1"]) == 1
    said = capsys.readouterr().err.splitlines()
    assert said == ["autograder: --wheels nowhere: there is no such folder.", "autograder: there is no my:1."]

    monkeypatch.setenv("AUTOGRADER_IMAGE", "")  # the command sets it
    monkeypatch.setattr(image, "build", lambda *_: "made:1")
    monkeypatch.setattr(ladder, "try_rung", lambda name: RungReport(name, name == "docker", "a container"))
    assert main(["doctor", "--build-image"]) == 0
    assert "It holds: a container." in capsys.readouterr().out
