"""`confluent login` and `confluent environment`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.practice import PracticeCli


def test_commands_before_login_are_refused(tmp_path: Path) -> None:
    """The lecture begins with `confluent login`, and the error says so."""
    result = PracticeCli(tmp_path)("environment list")

    assert result.status == 1
    assert result.err == (
        "Error: you must log in to Confluent Cloud to use this command\n"
        "\n"
        "Suggestions:\n"
        "    Log in with `confluent login`: the practice CLI asks for no account and no password.\n"
    )


def test_login_asks_for_nothing_and_says_what_it_is(tmp_path: Path) -> None:
    """Nobody can take it for the cloud; the honest line is not part of the result."""
    result = PracticeCli(tmp_path)("login")

    assert result.status == 0
    assert result.out.startswith('Logged in as "')
    assert result.out.endswith('@localhost".\n')
    assert "nothing goes to a cloud, and nothing costs money" in result.err


def test_logout_keeps_everything(day2: PracticeCli) -> None:
    """Clusters go on, and a later login finds them."""
    result = day2("logout")
    assert (result.status, result.out) == (0, "You are now logged out.\n")
    assert day2.cluster in result.err
    assert day2("environment list").status == 1

    day2.ok("login")

    assert day2.environment in day2.ok("environment list")


def test_environment_create_shows_the_slides_json(cli: PracticeCli) -> None:
    """The keys and their order are those of the lecture."""
    created = json.loads(cli.ok("environment create day2 -o json"))

    assert list(created.items()) == [
        ("is_current", False),
        ("id", cli.environment),
        ("name", "day2"),
        ("stream_governance_package", "ESSENTIALS"),
    ]
    assert len(cli.environment) == len("env-") + 6


def test_environment_create_shows_a_box(cli: PracticeCli) -> None:
    """Without -o, people get a table."""
    out = cli.ok("environment create day2 --governance-package advanced")

    assert out == (
        "+---------------------------+------------+\n"
        "| Current                   | false      |\n"
        f"| ID                        | {cli.environment} |\n"
        "| Name                      | day2       |\n"
        "| Stream Governance Package | ADVANCED   |\n"
        "+---------------------------+------------+\n"
    )


def test_environment_use_marks_the_current_one(cli: PracticeCli) -> None:
    """The list has a star, and JSON says true."""
    cli.ok("environment create day2")

    assert cli.ok(f"environment use {cli.environment}") == f'Using environment "{cli.environment}".\n'
    assert cli.ok("environment list") == (
        "  Current |     ID     | Name | Stream Governance Package  \n"
        "----------+------------+------+----------------------------\n"
        f"  *       | {cli.environment} | day2 | ESSENTIALS                 \n"
    )
    assert json.loads(cli.ok("environment list -o json"))[0]["is_current"] is True
    assert "| Current                   | true       |" in cli.ok("environment describe")


@pytest.mark.parametrize("line", ["environment use env-000000", "environment describe env-000000"])
def test_unknown_environment_is_404(cli: PracticeCli, line: str) -> None:
    """As the real CLI says, and besides what is meant."""
    result = cli(line)

    assert result.status == 1
    assert result.err.startswith("Error: 404 Not Found\n\nSuggestions:\n    There is no environment")


def test_second_environment_of_one_name_is_refused(cli: PracticeCli) -> None:
    """Names are unique."""
    cli.ok("environment create day2")

    result = cli("environment create day2")

    assert result.status == 1
    assert 'Error: environment name "day2" is already in use\n' in result.err


def test_environment_update_changes_name_and_package(cli: PracticeCli) -> None:
    """A package cannot be taken back."""
    cli.ok("environment create day2")

    assert "| Name                      | day3" in cli.ok(f"environment update {cli.environment} --name day3")
    assert "ADVANCED" in cli.ok(f"environment update {cli.environment} --governance-package advanced")
    assert "forbidden" in cli(f"environment update {cli.environment} --governance-package essentials").err
    assert "at least one of" in cli(f"environment update {cli.environment}").err


def test_environment_delete_ends_its_clusters_and_forgets_everything(day2: PracticeCli) -> None:
    """Nothing of it is left: no process, no folder, no key, nothing in use."""
    environment, cluster = day2.environment, day2.cluster
    day2.ok(f"api-key create --resource {cluster} --use")
    folder = day2.store.cluster_folder(cluster)
    assert folder.exists()

    out = day2.ok(f"environment delete {environment}", stdin="y\n")

    assert out == (
        f'Are you sure you want to delete environment "{environment}"? (y/n): Deleted environment "{environment}".\n'
    )
    assert day2.services.ended == [cluster]
    state = day2.store.read()
    assert (state.environments, state.clusters, state.api_keys, state.current_environment) == ({}, {}, {}, "")
    assert not folder.exists()
    assert sorted(path.name for path in (day2.store.folder / "locks").iterdir()) == ["state"]


def test_environment_delete_of_several_asks_once(cli: PracticeCli) -> None:
    """The sentences are in the plural."""
    for name in ("a", "b", "c"):
        cli.ok(f"environment create {name}")
    one, two, three = sorted(cli.store.read().environments)

    out = cli.ok(f"environment delete {one} {two} {three}", stdin="y\n")

    assert out == (
        f'Are you sure you want to delete environments "{one}", "{two}", and "{three}"? (y/n): '
        f'Deleted environments "{one}", "{two}", and "{three}".\n'
    )


def test_delete_of_an_unknown_environment_asks_nothing(cli: PracticeCli) -> None:
    """All are looked for before one is deleted."""
    cli.ok("environment create day2")

    result = cli(f"environment delete {cli.environment} env-000000", stdin="y\n")

    assert (result.status, result.out) == (1, "")
    assert result.err == (
        'Error: environment "env-000000" not found\n'
        "\n"
        "Suggestions:\n"
        "    List available environments with `confluent environment list`.\n"
    )
    assert cli.environment in cli.ok("environment list")


def test_answer_n_deletes_nothing_and_is_no_error(cli: PracticeCli) -> None:
    """Nothing more is printed."""
    cli.ok("environment create day2")

    result = cli(f"environment delete {cli.environment}", stdin="n\n")

    assert (result.status, result.err) == (0, "")
    assert result.out == f'Are you sure you want to delete environment "{cli.environment}"? (y/n): '
    assert cli.environment in cli.ok("environment list")


def test_question_is_asked_again_until_it_is_answered(cli: PracticeCli) -> None:
    """Anything but yes and no is no answer."""
    cli.ok("environment create day2")

    result = cli(f"environment delete {cli.environment}", stdin="maybe\n\nYES\n")

    assert result.status == 0
    assert result.out.count("(y/n): ") == 3
    assert result.err.splitlines()[0] == '"maybe" is not of valid format for field "confirm"'


def test_end_of_input_is_no_answer(cli: PracticeCli) -> None:
    """A script without an answer is told about --force, and nothing is deleted."""
    cli.ok("environment create day2")

    result = cli(f"environment delete {cli.environment}")

    assert result.status == 1
    assert result.err.startswith("Error: failed to read input\n")
    assert "--force" in result.err
    environment = cli.environment
    assert cli.ok(f"environment delete {environment} --force") == f'Deleted environment "{environment}".\n'
