"""``kit up --listen``: which address, which password, and what students are told."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from kit.console import classroom, up
from kit.console.classroom import Classroom
from kit.console.words import CommandLineError
from kit.listeners import Listener


def chosen(*options: str) -> Classroom | None:
    """What the options of ``kit up`` mean."""
    return classroom.from_options(up.parser().parse(list(options)))


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    """A password is there, unless the test takes it away."""
    monkeypatch.setenv(classroom.PASSWORD_VARIABLE, "correct horse")


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("192.168.1.20", "192.168.1.20", 9192),
        ("192.168.1.20:19192", "192.168.1.20", 19192),
        ("fd00::20", "fd00::20", 9192),
        ("[fd00::20]", "fd00::20", 9192),
        ("[fd00::20]:19192", "fd00::20", 19192),
        ("teacher.local:1", "teacher.local", 1),
    ],
)
def test_address_may_have_a_port(text: str, host: str, port: int) -> None:
    """IPv6 addresses are told from a port as everywhere, by brackets."""
    found = chosen("--listen", text)

    assert found is not None
    assert [found.host, found.port, found.advertised_host] == [host, port, host]


@pytest.mark.parametrize("text", ["", ":9192", "host:", "host:0", "host:65536", "host:x", "[fd00::20]:x", "host:²"])
def test_address_that_is_none_is_refused(text: str) -> None:
    """One sentence with an example."""
    with pytest.raises(CommandLineError, match="is no address: write --listen"):
        chosen("--listen", text)


def test_all_addresses_are_advertised_as_the_computers_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can connect to 0.0.0.0; --advertise says it better where the guess is wrong."""
    monkeypatch.setattr(classroom, "own_address", lambda: "10.0.0.5")
    guessed, told = chosen("--listen", "0.0.0.0"), chosen("--listen", "0.0.0.0", "--advertise", "teacher.local")

    assert guessed is not None
    assert told is not None
    assert [guessed.advertised_host, told.advertised_host] == ["10.0.0.5", "teacher.local"]
    assert 'bootstrap_servers="10.0.0.5:9192"' in guessed.instructions(3)
    assert "ports 9192 to 9194" in guessed.instructions(3)


def test_address_without_a_network_has_to_be_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """No guess is better than one that nobody can reach."""
    monkeypatch.setattr(classroom, "own_address", lambda: None)

    with pytest.raises(CommandLineError, match="--advertise"):
        chosen("--listen", "0.0.0.0")


def test_password_is_shown_nowhere_and_makes_a_listener() -> None:
    """It is in the listener's users, and in no text."""
    found = chosen("--listen", "10.0.0.5", "--user", "ann")

    assert found is not None
    assert "horse" not in repr(found) + found.instructions(1)
    listener = Listener(**found.listener())
    assert listener.users == {"ann": "correct horse"}
    assert "PLAIN" not in listener.sasl_mechanisms


def test_password_comes_from_the_first_line_of_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file goes before the environment; one that others can read is mentioned."""
    file = tmp_path / "secret"
    file.touch(mode=0o600)
    file.write_text("staple\nnot this\n")
    found = chosen("--listen", "10.0.0.5", "--password-file", str(file))
    assert capsys.readouterr().out == ""
    file.chmod(0o644)
    chosen("--listen", "10.0.0.5", "--password-file", str(file))

    assert found is not None
    assert found.password == "staple"
    assert f"chmod 600 {file}" in capsys.readouterr().out


@pytest.mark.parametrize("content", [b"", b"\n", b"  \nsecond", b"\xff\xfe"])
def test_password_file_without_a_password_is_refused(tmp_path: Path, content: bytes) -> None:
    """An empty password would let everybody in."""
    file = tmp_path / "secret"
    file.write_bytes(content)

    with pytest.raises(CommandLineError, match=r"is empty|no text in UTF-8"):
        chosen("--listen", "10.0.0.5", "--password-file", str(file))


class Terminal(io.StringIO):
    """Somebody sits at it."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@pytest.mark.parametrize(("typed", "text"), [(["a", "b"], "not the same"), (["", ""], "is empty")])
def test_password_that_is_mistyped_is_refused(monkeypatch: pytest.MonkeyPatch, typed: list[str], text: str) -> None:
    """Nobody could log in with what only the teacher's finger knows."""
    monkeypatch.delenv(classroom.PASSWORD_VARIABLE)
    monkeypatch.setattr("sys.stdin", Terminal())
    answers = iter(typed)
    monkeypatch.setattr("getpass.getpass", lambda _: next(answers))

    with pytest.raises(CommandLineError, match=text):
        chosen("--listen", "10.0.0.5")


def test_password_is_asked_for_at_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Typed twice, it counts."""
    monkeypatch.delenv(classroom.PASSWORD_VARIABLE)
    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("getpass.getpass", lambda _: "staple")

    found = chosen("--listen", "10.0.0.5")

    assert found is not None
    assert found.password == "staple"
