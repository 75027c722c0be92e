"""What the doctor says about things that are there, missing, or broken, and how it is shown."""

from __future__ import annotations

import json
import subprocess
import sys
from html.parser import HTMLParser
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from kit.diagnosis import Finding, Report, advice, clusters, computer, left, python
from kit.errors import KitError, StartError
from kit.service import folder

WORKS = Finding("Clusters", "embedded cluster", "ok", "3 brokers")
MISSING = Finding("Tools", "kcat", "missing", "not <installed>", "shells", "apt-get install kcat")


class Tags(HTMLParser):
    """Counts what is open and never closed."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words = ""
        self.feed(html)

    def handle_starttag(self, tag: str, _: Any) -> None:
        """One more is open."""
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """The last one is closed."""
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        """What somebody reads."""
        self.words += data + " "


def test_report_works_with_the_embedded_cluster_alone() -> None:
    """Whatever else is missing, the labs work."""
    assert Report([WORKS, MISSING]).works
    assert not Report([MISSING]).works
    assert not Report([Finding("Clusters", "embedded cluster", "problem", "no room")]).works


@pytest.mark.parametrize(
    ("findings", "summary"),
    [
        ([WORKS], "The embedded cluster works and nothing is missing."),
        ([WORKS, MISSING], "The embedded cluster works: 1 thing not here."),
        ([MISSING, MISSING], "The embedded cluster does not work: 2 things not here."),
        (
            [WORKS, Finding("This computer", "disk", "problem", "full"), MISSING],
            "The embedded cluster works: 1 problem, 1 thing not here.",
        ),
    ],
)
def test_summary_counts_what_is_wrong(findings: list[Finding], summary: str) -> None:
    """One sentence at the top."""
    assert Report(findings).summary == summary


def test_text_has_a_word_for_every_state_and_the_command_below() -> None:
    """The sign alone says nothing; what is fine takes one line."""
    lines = str(Report([WORKS, MISSING])).splitlines()

    assert "  ✓ ok      embedded cluster  3 brokers" in lines
    at = lines.index("  – missing kcat              not <installed>")
    assert [line.split() for line in lines[at + 1 : at + 3]] == [
        ["for:", "shells"],
        ["do:", "apt-get", "install", "kcat"],
    ]


def test_notebook_shows_tables_that_a_screen_reader_can_read() -> None:
    """Captions, heads of columns and rows, states as words, and nothing of a finding taken for HTML."""
    html = Report([WORKS, MISSING])._repr_html_()
    tags = Tags(html)

    assert tags.open == []
    assert "not <installed>" in tags.words
    assert html.count("<caption") == 2
    assert html.count('scope="col"') == 3 + 5  # what would be empty in the whole section is left out
    assert html.count('scope="row"') == 2
    assert "missing" in tags.words
    assert html.count('aria-hidden="true"') == 2
    assert "color" not in html


def test_report_is_json() -> None:
    """A program gets every field of every finding."""
    found = json.loads(json.dumps(Report([MISSING]).to_json()))

    assert found["findings"] == [
        {
            "section": "Tools",
            "name": "kcat",
            "state": "missing",
            "text": "not <installed>",
            "purpose": "shells",
            "command": "apt-get install kcat",
        }
    ]


@pytest.mark.parametrize(
    ("manager", "program", "command"),
    [
        ("apt-get", "kcat", "apt-get install kcat"),
        ("apt-get", "java", "apt-get install default-jre-headless"),
        ("dnf", "kcat", None),
        ("brew", "kcat", "brew install kcat"),
        ("brew", "java", "brew install openjdk"),
        ("winget", "kcat", None),
        ("winget", "java", "winget install EclipseAdoptium.Temurin.21.JRE"),
        (None, "java", None),
    ],
)
@pytest.mark.parametrize("is_root", [True, False])
def test_command_is_the_one_of_this_computers_package_manager(
    manager: str | None, program: str, command: str | None, is_root: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Root needs no sudo, and no command is made up where there is no package."""
    monkeypatch.setattr("shutil.which", lambda name: f"/bin/{name}" if name == manager else None)
    monkeypatch.setattr("os.geteuid", lambda: 0 if is_root else 1000, raising=False)
    if command is not None and manager == "apt-get" and not is_root:
        command = f"sudo {command}"

    assert advice.install(program) == command


def test_packages_are_installed_where_this_python_looks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Pip belongs to the running Python; a conda environment gets conda's command."""
    assert advice.install_packages(["lz4"]) == f"{sys.executable} -m pip install lz4"
    (tmp_path / "conda-meta").mkdir()
    monkeypatch.setattr(sys, "prefix", str(tmp_path))

    assert advice.install_packages(["lz4"]) == "conda install -c conda-forge lz4"


def test_missing_package_is_named_with_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of several packages only the missing one is to be installed."""
    real = metadata.version

    def without_lz4(name: str) -> str:
        if name == "lz4":
            raise metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(metadata, "version", without_lz4)
    found = {each.name: each for each in python.look()}

    assert found["speed"].state == "missing"
    assert found["speed"].text == "not installed: lz4"
    assert str(found["speed"].command).endswith("pip install lz4")
    assert found["Kafka client"].state == "ok"


@pytest.mark.parametrize("error", [StartError("No room."), RuntimeError("ours")])
def test_cluster_that_cannot_start_is_a_problem_with_its_reason(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever goes wrong belongs into the report and is no traceback."""

    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(clusters, "start", refuse)
    found = clusters.try_backend("embedded", "embedded cluster", 3)

    assert found.state == "problem"
    assert str(error) in found.text


def test_missing_docker_is_explained_and_no_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine's own sentence is shown; no lab needs it."""
    monkeypatch.setattr("kit.backends.docker.engine.problem", lambda: "Docker is not installed: install it.")

    assert [(each.state, each.text) for each in clusters.look_at_docker()] == [
        ("missing", "Docker is not installed: install it.")
    ]


def test_image_that_is_no_name_is_a_line_of_the_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """What somebody wrote into the environment is a problem that the report names, and not its end."""
    monkeypatch.setenv("KIT_KAFKA_IMAGE", "Bad Image")

    found = clusters.look_at_image(Engine(["/etc/kafka/docker/run"]), None)

    assert found.state == "problem"
    assert found.text.startswith("KIT_KAFKA_IMAGE='Bad Image' is not an image's name")
    assert str(found.command).endswith(("unset KIT_KAFKA_IMAGE", "set KIT_KAFKA_IMAGE="))


@pytest.mark.parametrize(
    ("command", "state", "text"),
    [
        (["/etc/kafka/docker/run"], "ok", "is here; no container was started from it"),
        (["/bin/bash"], "note", "it starts `/bin/bash` and not Kafka"),
        (None, "note", "it starts `nothing`"),
    ],
)
def test_image_is_praised_for_what_was_seen_only(
    command: list[str] | None, state: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another program's image gets no tick for being there."""
    monkeypatch.setenv("KIT_KAFKA_IMAGE", "busybox:1")

    found = clusters.look_at_image(Engine(command), None)

    assert found.state == state
    assert text in found.text


class Engine:
    """An engine that has every image, each with the same command."""

    def __init__(self, command: list[str] | None) -> None:
        self.images = self
        self.attrs = {"Config": {"Cmd": command, "Entrypoint": None}}

    def get(self, _: str) -> Engine:
        """The image."""
        return self


def test_cluster_that_is_not_ready_yet_is_mentioned(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A name that a process has without a word about it is no secret."""
    monkeypatch.setenv("KIT_HOME", str(tmp_path))
    folder.made_clusters()
    lock = folder.NameLock("lab")

    found = clusters.look_at_running()
    lock.release()

    assert [(each.name, each.state) for each in found] == [("lab", "note")]
    assert "just being started" in found[0].text
    assert [each.name for each in clusters.look_at_running()] == ["none"]


def test_left_overs_are_problems_until_they_are_cleaned() -> None:
    """Each has the command; cleaning says what went, or why it did not."""
    removed: list[str] = []

    def fail() -> None:
        raise KitError("The engine refuses.")

    seen = left.findings_of("services", (["one", "two"], lambda: removed.append("all")), clean=False)
    cleaned = left.findings_of("services", (["one"], lambda: removed.append("all")), clean=True)
    refused = left.findings_of("services", (["one"], fail), clean=True)

    assert [(each.state, each.command) for each in seen] == [("problem", "kit doctor --clean")] * 2
    assert [(each.state, each.text) for each in cleaned] == [("ok", "removed: one")]
    assert [(each.state, each.text) for each in refused] == [("problem", "The engine refuses.")]
    assert removed == ["all"]


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({"BINDER_SERVICE_HOST": "x", "JUPYTERHUB_API_TOKEN": "x"}, "Binder"),
        ({"JUPYTERHUB_API_TOKEN": "x"}, "JupyterHub"),
        ({"COLAB_RELEASE_TAG": "x"}, "Colab"),
        ({"CODESPACES": "true"}, "Codespaces"),
    ],
)
def test_somebody_elses_computer_is_recognized(environment: dict[str, str], name: str) -> None:
    """What is different there is said once."""
    names = [each.name for each in computer.look_at_place(environment)]

    assert name in names
    assert not {"Binder", "JupyterHub", "Colab", "Codespaces"} & {each for each in names if each != name}


def test_full_disk_is_a_problem_with_a_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another disk is named by the variable that Python reads."""
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1_000_000})())
    found = computer.look_at_disk()

    assert found.state == "problem"
    assert found.text.startswith("1 MB free")
    assert found.command


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (subprocess.CompletedProcess([], 0, "Version 1.7.1\n", "kcat tool 2\n"), "ok"),
        (subprocess.CompletedProcess([], 1, "", "Unable to locate a runtime"), "missing"),
        (subprocess.TimeoutExpired([], 1), "problem"),
        (OSError("exec format"), "problem"),
    ],
)
def test_tool_counts_when_it_runs(outcome: Any, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """On macOS there is a java that only says how to get one."""

    def run(*_: object, **__: object) -> Any:
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr("shutil.which", lambda name: f"/bin/{name}")
    monkeypatch.setattr(subprocess, "run", run)
    found = computer.look_at_tool("kcat", ("kcat",), "-V", "shells")

    assert found.state == state
    assert found.text == "Version 1.7.1" or state != "ok"
