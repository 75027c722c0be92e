"""Finding commands, counting their arguments, and the texts of help."""

from __future__ import annotations

import pytest

from kit.practice.commands import Command, find
from kit.practice.errors import UsageError
from kit.practice.program import tree
from tests.support.practice import PracticeCli


def command(usage: str) -> Command:
    """A command that does nothing."""
    return Command(usage, "Nothing.", lambda *_: None)


@pytest.mark.parametrize(
    ("usage", "args", "text"),
    [
        ("environment create <name>", [], "accepts 1 arg(s), received 0"),
        ("environment create <name>", ["a", "b"], "accepts 1 arg(s), received 2"),
        ("environment describe [id]", ["a", "b"], "accepts at most 1 arg(s), received 2"),
        ("api-key store [api-key] [secret]", ["a", "b", "c"], "accepts at most 2 arg(s), received 3"),
        ("x <a> [b]", [], "accepts between 1 and 2 arg(s), received 0"),
        ("environment delete <id-1> [id-2] ... [id-n]", [], "requires at least 1 arg(s), only received 0"),
        ("environment list", ["a"], 'unknown command "a" for "confluent environment list"'),
    ],
)
def test_wrong_number_of_arguments_is_refused(usage: str, args: list[str], text: str) -> None:
    """The sentence is cobra's."""
    with pytest.raises(UsageError) as refused:
        command(usage).check_args(args)

    assert refused.value.text == text


@pytest.mark.parametrize(
    ("usage", "args"),
    [
        ("environment create <name>", ["a"]),
        ("environment describe [id]", []),
        ("environment describe [id]", ["a"]),
        ("environment delete <id-1> [id-2] ... [id-n]", ["a", "b", "c", "d"]),
        ("environment list", []),
    ],
)
def test_right_number_of_arguments_passes(usage: str, args: list[str]) -> None:
    """What the usage line says is allowed."""
    command(usage).check_args(args)


@pytest.mark.parametrize(
    ("line", "path", "rest"),
    [
        ("environment list", ("environment", "list"), []),
        ("env list -o json", ("environment", "list"), ["-o", "json"]),
        ("-o json environment list", ("environment", "list"), ["-o", "json"]),
        ("--output json environment list", ("environment", "list"), ["--output", "json"]),
        ("environment --output=json list", ("environment", "list"), ["--output=json"]),
        ("-v kafka cluster list", ("kafka", "cluster", "list"), ["-v"]),
        ("kafka cluster --all list", ("kafka", "cluster", "list"), ["--all"]),
        ("kafka cluster", ("kafka", "cluster"), []),
        ("kafka -h", ("kafka",), ["-h"]),
        ("environment create list", ("environment", "create"), ["list"]),
        ("environment create -- list", ("environment", "create"), ["--", "list"]),
    ],
)
def test_command_is_found_with_flags_anywhere(line: str, path: tuple[str, ...], rest: list[str]) -> None:
    """Flags may stand before the words that name the command."""
    node, found_rest = find(tree(), line.split())

    assert (node.path, found_rest) == (path, rest)


def test_unknown_command_names_those_that_are_close(cli: PracticeCli) -> None:
    """A slip of a finger costs one look."""
    result = cli("kafka clutser list")

    assert result.status == 1
    assert result.err == (
        'Error: unknown command "clutser" for "confluent kafka"\n'
        "\n"
        "Did you mean this?\n"
        "\tcluster\n"
        "\n"
        "Run 'confluent kafka --help' for usage.\n"
    )


def test_unknown_command_like_nothing_says_where_help_is(cli: PracticeCli) -> None:
    """No guess is better than a wild one."""
    assert cli("xyzzy").err == (
        'Error: unknown command "xyzzy" for "confluent"\n\nRun \'confluent --help\' for usage.\n'
    )


def test_usage_follows_a_wrong_command_line(cli: PracticeCli) -> None:
    """An error of this kind is followed by how to call the command, all on standard error."""
    result = cli("environment use")

    assert (result.status, result.out) == (1, "")
    assert result.err == (
        "Error: accepts 1 arg(s), received 0\n"
        "Usage:\n"
        "  confluent environment use <id>\n"
        "\n"
        "Global Flags:\n"
        "  -h, --help            Show help for this command.\n"
        "  -v, --verbose count   Tell on standard error what is done on this computer.\n"
        "\n"
    )


def test_help_of_a_command_has_its_flags(cli: PracticeCli) -> None:
    """-h anywhere shows what the command is for, its usage, examples and flags."""
    out = cli.ok("environment create -h")

    assert out == cli.ok("help environment create") == cli.ok("environment create day2 --help")
    assert out == (
        "Create a new environment.\n"
        "\n"
        "Usage:\n"
        "  confluent environment create <name> [flags]\n"
        "\n"
        "Examples:\n"
        "Create an environment, and show it as JSON:\n"
        "\n"
        "  $ confluent environment create day2 -o json\n"
        "\n"
        "Flags:\n"
        '      --governance-package string   Specify the Stream Governance package as "essentials" or "advanced". '
        "The practice CLI only remembers it.\n"
        '  -o, --output string               Specify the output format as "human", "json", or "yaml". '
        '(default "human")\n'
        "\n"
        "Global Flags:\n"
        "  -h, --help            Show help for this command.\n"
        "  -v, --verbose count   Tell on standard error what is done on this computer.\n"
    )


def test_help_of_a_group_lists_its_commands(cli: PracticeCli) -> None:
    """A group by itself shows the same as with -h."""
    out = cli.ok("environment")

    assert out == cli.ok("environment -h") == cli.ok("help env")
    assert "Aliases:\n  environment, env\n" in out
    assert "Available Commands:\n  create      Create a new environment.\n" in out
    assert out.endswith('Use "confluent environment [command] --help" for more information about a command.\n')


def test_program_says_at_its_head_what_it_is(cli: PracticeCli) -> None:
    """Nobody takes it for the cloud."""
    assert "nothing goes to a cloud" in cli.ok("")
    assert "practice CLI of kafka-kit" in cli.ok("--version")
    assert cli.ok("--version") == cli.ok("version")


def test_flags_that_only_the_real_cli_has_are_refused_with_the_reason(cli: PracticeCli) -> None:
    """Also one that every command has there."""
    assert "it has one context only" in cli("environment list --context prod").err
    assert "--context" not in cli.ok("environment list -h")
    assert "--network string" in cli.ok("kafka cluster create -h")
    assert "Network ID. Not in the practice CLI." in cli.ok("kafka cluster create -h")


def test_every_command_has_help_and_a_sentence() -> None:
    """No command is without a description, and every flag has one."""
    for each in tree().below():
        assert each.short.endswith("."), each.usage
        assert all(flag.help.endswith((".", ").")) for flag in each.flags), each.usage
