"""The command line's own words: help, versions, mistakes, exit statuses, and what is loaded for them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kit.console import COMMANDS, lab, main

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"], ["help"]])
def test_help_names_every_command(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Also who types nothing at all learns what there is."""
    assert main(words) == 0

    said = capsys.readouterr().out
    assert [name for name in COMMANDS if f"\n  {name} " not in said] == []
    assert "python -m kafka.admin" in said


@pytest.mark.parametrize("name", ["up", "down", "doctor", "lab"])
def test_every_command_has_help_with_examples(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    """``kit X --help`` and ``kit help X`` say the same, in lines that fit a terminal."""
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    said = capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["help", name])

    assert ended.value.code == 0
    assert capsys.readouterr().out == said
    assert f"examples:\n  kit {name}" in said
    assert [line for line in said.splitlines() if len(line) > 110] == []


def test_version_names_the_kit_and_python(capsys: pytest.CaptureFixture[str]) -> None:
    """Both matter to whoever helps."""
    assert main(["--version"]) == 0

    said = capsys.readouterr().out
    assert said.startswith("kit ")
    assert f"Python {sys.version_info.major}.{sys.version_info.minor}" in said


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["uo"], "There is no command 'uo' (did you mean 'up'?)"),
        (["Doctor"], "(did you mean 'doctor'?)"),
        (["conf"], "(did you mean 'confluent'?)"),
        (["topics"], "There is no command 'topics'; `kit --help` lists them."),
        (["--data", "x"], "There is no command '--data'"),
        (["doctor", "--jsn"], "kit doctor does not know '--jsn' (did you mean '--json'?)"),
        (["doctor", "me"], "kit doctor does not know 'me'"),
        (["down", "a", "--all"], "not allowed with"),
        (["up", "--backend", "cloud"], "invalid choice: 'cloud'"),
        (["up", "--port"], "expected one argument"),
        (["lab", "--port", "x"], "--port x cannot be a port"),
        (["lab", "--port=70000"], "--port 70000 cannot be a port"),
    ],
)
def test_mistake_is_one_sentence_and_status_2(words: list[str], text: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It says what was not understood and where to read on."""
    assert main(words) == 2

    said = capsys.readouterr()
    assert text in said.err
    assert said.err.startswith("kit: ")
    assert said.err.count("\n") == 1
    assert said.out == ""


def test_interrupt_ends_a_command_with_the_shells_status(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ctrl-C at any moment is one line and no traceback."""

    def interrupted(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("kit.console.down.run", interrupted)

    assert main(["down"]) == 130
    assert capsys.readouterr().err == "kit: Interrupted.\n"


def test_help_loads_neither_clients_nor_brokers() -> None:
    """Help is there at once, because nothing of Kafka is loaded for it."""
    code = "import sys; from kit.console import main; main(['--help']); print([n for n in sys.modules if n in (%r)])"
    heavy = "kafka", "kit.cluster", "kit.broker", "asyncio", "docker", "IPython", "importlib.metadata"
    done = subprocess.run(
        [sys.executable, "-c", code % (heavy,)], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_module_and_command_are_the_same() -> None:
    """``python -m kit`` works where no scripts are installed; its exit status is the command's."""
    done = subprocess.run(
        [sys.executable, "-m", "kit", "nonsense"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 2
    assert "no command 'nonsense'" in done.stderr


def test_output_that_nobody_reads_is_no_error() -> None:
    """``kit --help | head -1`` ends quietly."""
    code = "import sys; from kit.console import main; sys.stdout.close = None; sys.exit(main(['--help']))"
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
        process.wait(60)

    assert b"Traceback" not in said


@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
@pytest.mark.parametrize("words", ["confluent version", "confluent environment list", "--help", "down", "up"])
def test_closed_output_is_one_line_and_a_failure(words: str, tmp_path: Path) -> None:
    """Nobody could read what was done, so nothing is."""
    done = in_shell(f'exec "$0" -m kit {words} >&-', tmp_path)

    assert done.returncode == 1
    assert done.stderr.startswith("kit: Standard output is closed")
    assert done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")
@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("confluent login <&-", 0),
        ("confluent login 2>&-", 0),
        ("nonsense 2>&-", 2),
        ("up --listen 127.0.0.1 <&-", 2),
        ("nonsense >&- 2>&-", 1),
    ],
)
def test_closed_input_and_errors_are_no_traceback(line: str, status: int, tmp_path: Path) -> None:
    """A command does what it can without them."""
    done = in_shell(f'exec "$0" -m kit {line}', tmp_path)

    assert done.returncode == status
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's full device")
def test_output_on_a_full_disk_is_one_line_and_a_failure(tmp_path: Path) -> None:
    """What could not be written counts as not done."""
    done = in_shell('exec "$0" -m kit down >/dev/full', tmp_path)

    assert done.returncode == 1
    assert done.stderr.startswith("kit: The operating system refused: ")
    assert done.stderr.count("\n") == 1


def in_shell(line: str, home: Path) -> subprocess.CompletedProcess[str]:
    """Run a line with this Python as ``$0``; the kit's folder is the test's own."""
    return subprocess.run(
        ["/bin/sh", "-c", line, sys.executable],
        cwd=ROOT,
        env={**os.environ, "KIT_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_signs_that_a_terminal_has_not_are_replaced(capfd: pytest.CaptureFixture[str]) -> None:
    """An old console without the sign for "ok" shows the word all the same."""
    code = "from kit.console.words import make_printable; import sys; make_printable(sys.stdout); print('✓ ok')"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env={"PYTHONIOENCODING": "ascii", "PATH": ""}, check=False, timeout=60
    )

    assert done.returncode == 0
    assert capfd.readouterr().out == "? ok\n"


def test_confluent_hands_every_word_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Flags, help and exit status are the practice CLI's own."""
    seen: list[list[str]] = []

    def practice(argv: list[str], **_: object) -> int:
        seen.append(argv)
        return 3

    monkeypatch.setattr("kit.practice.main", practice)

    assert main(["confluent", "kafka", "topic", "list", "--help"]) == 3
    assert seen == [["kafka", "topic", "list", "--help"]]


def test_lab_runs_the_projects_own_and_hands_options_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """What ``make lab`` runs, with JupyterLab's options."""
    seen: list[list[str]] = []
    monkeypatch.setattr("tools.lab.main", seen.append)

    assert main(["lab", "--no-browser"]) == 0
    assert seen == [["--no-browser"]]


def test_lab_without_the_project_says_where_labs_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who has only the package learns what to get."""
    monkeypatch.setattr(lab, "__file__", str(tmp_path / "kit" / "console" / "lab.py"))
    monkeypatch.chdir(tmp_path)

    assert main(["lab"]) == 1
    assert "source folder" in capsys.readouterr().err


def test_lab_is_found_from_a_folder_inside_the_project(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """An installed package serves the labs of the folder in which it is called."""
    project = tmp_path / "project"
    for each in ("labs", "tools", "work/deep"):
        (project / each).mkdir(parents=True)
    (project / "tools" / "lab.py").touch()
    monkeypatch.setattr(lab, "__file__", str(tmp_path / "site" / "kit" / "console" / "lab.py"))
    monkeypatch.chdir(project / "work" / "deep")

    assert lab.project_folder() == project
