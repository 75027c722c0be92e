"""`confluent api-key`: keys are users of the running cluster."""

from __future__ import annotations

import json
import re

import pytest

from kit.practice.processes import ADMIN
from tests.support.practice import PracticeCli


@pytest.fixture
def key(day2: PracticeCli) -> str:
    """An API key for the cluster in use, which is not in use itself."""
    created: str = json.loads(day2.ok(f"api-key create --resource {day2.cluster} -o json"))["api_key"]
    return created


def test_create_shows_key_and_secret_once(day2: PracticeCli) -> None:
    """Two lines warn, and the box has both; the shapes are Confluent Cloud's."""
    result = day2.run(["api-key", "create", "--resource", day2.cluster, "--description", "day 2"])

    assert result.status == 0
    assert result.err == (
        "It may take a couple of minutes for the API key to be ready.\n"
        "Save the API key and secret. The secret is not retrievable later.\n"
    )
    (issued,) = day2.store.read().api_keys.values()
    assert re.fullmatch("[A-Z0-9]{16}", issued.key)
    assert re.fullmatch("[A-Za-z0-9+/]{64}", issued.secret)
    assert result.out == (
        f"+------------+-{'-' * 64}-+\n"
        f"| API Key    | {issued.key:64} |\n"
        f"| API Secret | {issued.secret} |\n"
        f"+------------+-{'-' * 64}-+\n"
    )


def test_create_in_json_warns_not(day2: PracticeCli) -> None:
    """A program gets the two values and nothing else."""
    result = day2(f"api-key create --resource {day2.cluster} -o json")

    assert result.err == ""
    assert list(json.loads(result.out)) == ["api_key", "api_secret"]


def test_created_key_lets_clients_in_until_it_is_deleted(day2: PracticeCli) -> None:
    """The running cluster learns it at once, and forgets it at once."""
    created = json.loads(day2.ok(f"api-key create --resource {day2.cluster} -o json"))
    assert day2.service.users[created["api_key"]] == created["api_secret"]

    out = day2.ok(f"api-key delete {created['api_key']}", stdin="y\n")

    assert out.endswith(f'Deleted API key "{created["api_key"]}".\n')
    assert list(day2.service.users) == [ADMIN]


def test_secret_is_never_printed_again(day2: PracticeCli, key: str) -> None:
    """Neither for people nor for programs."""
    secret = day2.store.read().api_keys[key].secret
    lines = (f"api-key describe {key}", "api-key list", "api-key list -o json", f"api-key use {key} -v")

    assert all(secret not in day2(line).out + day2(line).err for line in lines)


def test_list_has_the_columns_of_the_cli(day2: PracticeCli, key: str) -> None:
    """The key in use has a star."""
    assert day2.ok(f"api-key use {key}") == f'Using API Key "{key}".\n'
    header, rule, row = day2.ok("api-key list").splitlines()

    assert [title.strip() for title in header.split("|")] == [
        "Current", "Key", "Description", "Owner", "Owner Email", "Resource Type", "Resource", "Created",
    ]  # fmt: skip
    assert set(rule) == {"-", "+"}
    assert row.startswith(f"  *       | {key} |")
    assert f"| kafka         | {day2.cluster} |" in row


def test_list_json_has_the_keys_of_the_cli(day2: PracticeCli, key: str) -> None:
    """Whether one is in use is only said of that one."""
    (listed,) = json.loads(day2.ok("api-key list -o json"))
    assert list(listed) == ["key", "description", "owner", "owner_email", "resource_type", "resource", "created"]

    day2.ok(f"api-key use {key}")

    assert json.loads(day2.ok(f"api-key list --resource {day2.cluster} -o json"))[0]["is_current"] is True


def test_use_accepts_the_lectures_hidden_flag(day2: PracticeCli, key: str) -> None:
    """`--resource` is deprecated, hidden, and still works; a wrong one is refused."""
    assert day2(f"api-key use {key} --resource {day2.cluster}").status == 0
    assert "--resource" not in day2.ok("api-key use -h")
    assert f'invalid API key "{key}" for resource "lkc-000000"' in day2(f"api-key use {key} --resource lkc-000000").err


def test_create_use_does_both(day2: PracticeCli) -> None:
    """One step instead of two."""
    result = day2(f"api-key create --resource {day2.cluster} --use")

    (key,) = day2.store.read().api_keys
    assert result.err.endswith(f'Using API Key "{key}".\n')
    assert day2.store.read().clusters[day2.cluster].current_api_key == key


def test_deleted_key_is_in_use_no_more(day2: PracticeCli, key: str) -> None:
    """Produce and consume then ask for another one."""
    day2.ok(f"api-key use {key}")
    day2.ok(f"api-key delete {key} --force")

    assert day2.store.read().clusters[day2.cluster].current_api_key == ""


def test_store_refuses_to_overwrite_unless_forced(day2: PracticeCli, key: str) -> None:
    """A stored secret is what the CLI sends; what the cluster accepts stays."""
    result = day2(f"api-key store {key} other --resource {day2.cluster}")
    assert result.err == (
        f'Error: refusing to overwrite existing secret for API Key "{key}"\n'
        "\n"
        "Suggestions:\n"
        f'    If you would like to override the existing secret stored for API key "{key}", use `--force` flag.\n'
    )

    assert day2(f"api-key store {key} other -f").err == f'Stored secret for API key "{key}".\n'
    assert day2.store.read().api_keys[key].stored_secret == "other"
    assert day2.service.users[key] != "other"


def test_store_asks_for_what_is_not_given(day2: PracticeCli, key: str) -> None:
    """Key and secret can be typed; half of them is an error."""
    assert day2("api-key store --force", stdin=f"{key}\nother\n").out == "Key: Secret: "
    assert day2.store.read().api_keys[key].stored_secret == "other"
    assert day2("api-key store --force", stdin=f"{key}\n").err.startswith("Error: failed to read input\n")


def test_update_changes_the_description(day2: PracticeCli, key: str) -> None:
    """The sentence names both."""
    assert day2(f"api-key update {key} --description lab").err == (
        f'Updated the description of API key "{key}" to "lab".\n'
    )
    assert "| lab " in day2.ok(f"api-key describe {key}")


def test_key_for_an_unknown_resource_is_refused(day2: PracticeCli) -> None:
    """The id is named, and the command that lists them."""
    result = day2("api-key create --resource lkc-000000")

    assert result.status == 1
    assert result.err.startswith('Error: resource "lkc-000000" not found\n\nSuggestions:\n')


def test_resource_is_required(day2: PracticeCli) -> None:
    """The help text says so too."""
    assert day2("api-key create").err.startswith('Error: required flag(s) "resource" not set\nUsage:\n')
    assert "REQUIRED: The ID of the Kafka cluster" in day2.ok("api-key create -h")


@pytest.mark.parametrize("verb", ["describe", "update --description x", "store --force"])
def test_unknown_key_is_one_sentence(day2: PracticeCli, verb: str) -> None:
    """Every command that takes a key says the same."""
    result = day2(f"api-key {verb} NOKEY", stdin="secret\n")

    assert result.status == 1
    assert result.err.startswith('Error: unknown API key "NOKEY"\n')


def test_delete_of_unknown_keys_names_them_all(day2: PracticeCli, key: str) -> None:
    """And asks nothing, and deletes none."""
    result = day2(f"api-key delete {key} NOKEY1 NOKEY2")

    assert (result.status, result.out) == (1, "")
    assert result.err.splitlines()[0] == 'Error: API keys "NOKEY1" and "NOKEY2" not found'
    assert key in day2.ok("api-key list")


def test_key_made_while_the_process_is_dead_works_afterwards(day2: PracticeCli) -> None:
    """The cluster is started again first."""
    day2.services.crash(day2.cluster)

    result = day2(f"api-key create --resource {day2.cluster} -o json")

    assert "has ended: starting it again" in result.err
    assert json.loads(result.out)["api_key"] in day2.service.users
