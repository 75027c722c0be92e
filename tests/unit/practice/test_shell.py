"""The interactive shell: lines instead of command lines, and the tab key."""

from __future__ import annotations

import io

import pytest

from kit.practice.context import Context
from kit.practice.errors import CliError
from kit.practice.shell import completions, split
from tests.support.practice import PracticeCli


def completed(cli: PracticeCli, text: str) -> list[str]:
    """What the tab key offers after a text."""
    context = Context(io.StringIO(), io.StringIO(), io.StringIO(), cli.store, lambda: cli.services)
    return [word for word, _ in completions(context, text)]


def test_shell_runs_line_after_line(cli: PracticeCli) -> None:
    """With or without the program's name, as the lecture writes it; comments and empty lines are nothing."""
    result = cli("shell", stdin="environment create day2\n\n# a comment\nconfluent environment list\nexit\nlogout\n")

    assert result.status == 0
    assert result.out.count("day2") == 2
    assert cli.store.read().login
    assert "nothing goes to a cloud" in result.err


def test_shell_goes_on_after_an_error(cli: PracticeCli) -> None:
    """A slip ends no session; the status is that of the last command."""
    result = cli("shell", stdin="environmnt list\nenvironment create 'day two\nenvironment list\n")

    assert result.status == 0
    assert 'unknown command "environmnt"' in result.err
    assert "Error: half a command: a quotation mark is not closed\n" in result.err
    assert result.out == "None found.\n"
    assert cli("shell", stdin="environment list\nenvironment use\n").status == 1


def test_shell_answers_questions_from_the_same_input(cli: PracticeCli) -> None:
    """The line after a deletion is the answer to it."""
    cli.ok("environment create day2")

    result = cli("shell", stdin=f"environment delete {cli.environment}\ny\nenvironment list\n")

    assert result.out.endswith('".\nNone found.\n')


def test_shell_in_the_shell_is_one_shell(cli: PracticeCli) -> None:
    """Nobody has to leave twice."""
    result = cli("shell", stdin="shell\nexit\nlogout\n")

    assert "This is the shell already.\n" in result.err
    assert cli.store.read().login


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('kit confluent environment create "day two"', ["environment", "create", "day two"]),
        ("confluent topic", ["topic"]),
        ("  ", []),
        ("environment list # all", ["environment", "list"]),
    ],
)
def test_line_is_split_as_a_shell_splits_it(line: str, words: list[str]) -> None:
    """Quotation marks hold words together."""
    assert split(line) == words


@pytest.mark.parametrize(("line", "reason"), [('create "day', "quotation mark"), ("create day\\", "backslash")])
def test_half_a_line_is_one_sentence(line: str, reason: str) -> None:
    """It says what is missing."""
    with pytest.raises(CliError, match=reason):
        split(line)


def test_tab_offers_commands(cli: PracticeCli) -> None:
    """Level by level, with what was typed so far."""
    assert completed(cli, "env") == ["environment"]
    assert completed(cli, "confluent environment ") == ["create", "delete", "describe", "list", "update", "use"]
    assert completed(cli, "environment d") == ["delete", "describe"]
    assert completed(cli, "nothing like this ") == []
    assert {"help", "exit", "login"} <= set(completed(cli, ""))


def test_tab_offers_flags_and_their_values(cli: PracticeCli) -> None:
    """A flag that is there already is not offered again."""
    assert completed(cli, "environment list --o") == ["--output"]
    assert "--output" not in completed(cli, "environment list --output json --")
    assert completed(cli, "environment list -o ") == ["human", "json", "yaml"]
    assert completed(cli, "environment list --output y") == ["yaml"]
    assert completed(cli, "kafka cluster create x --cloud ") == ["aws", "azure", "gcp"]


def test_tab_offers_what_there_is(day2: PracticeCli) -> None:
    """Ids of environments, clusters and keys need not be copied."""
    day2.ok(f"api-key create --resource {day2.cluster}")
    (key,) = day2.store.read().api_keys

    assert completed(day2, "environment use ") == [day2.environment]
    assert completed(day2, "kafka cluster delete l") == [day2.cluster]
    assert completed(day2, "api-key create --resource ") == [day2.cluster]
    assert completed(day2, "api-key use ") == [key]


def test_tab_is_quiet_when_the_state_is_damaged(cli: PracticeCli) -> None:
    """A key press is no place for an error."""
    (cli.store.folder / "state.json").write_text("{")

    assert completed(cli, "environment use ") == []
