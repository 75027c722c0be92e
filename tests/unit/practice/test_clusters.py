"""`confluent kafka cluster`, with processes that are only remembered."""

from __future__ import annotations

import json
import socket

import pytest

from kit.errors import StartError
from kit.practice import processes
from kit.practice.processes import ADMIN
from tests.support.practice import PracticeCli

CREATE = "kafka cluster create msds682 --cloud gcp --region us-west1"


@pytest.fixture
def in_day2(cli: PracticeCli) -> PracticeCli:
    """A student with an environment in use, and no cluster."""
    cli.ok("environment create day2")
    cli.ok(f"environment use {cli.environment}")
    return cli


def endpoint(cli: PracticeCli) -> str:
    """Where the only cluster's first broker listens."""
    return "SASL_PLAINTEXT://" + cli.service.bootstrap_servers.partition(",")[0]


def test_cluster_create_shows_the_slides_rows(in_day2: PracticeCli) -> None:
    """The first line is no part of the result; the endpoint is honest about where the cluster is."""
    result = in_day2(CREATE)

    assert result.status == 0
    assert result.err == "It may take up to 5 minutes for the Kafka cluster to be ready.\n"
    where = endpoint(in_day2)
    rule = f"+----------------------+-{'-' * len(where)}-+"
    rows = [
        ("Current", "false"),
        ("ID", in_day2.cluster),
        ("Name", "msds682"),
        ("Type", "BASIC"),
        ("Ingress Limit (MB/s)", "250"),
        ("Egress Limit (MB/s)", "750"),
        ("Storage", "5000 GB"),
        ("Cloud", "gcp"),
        ("Region", "us-west1"),
        ("Availability", "single-zone"),
        ("Status", "PROVISIONING"),
        ("Deletion Protection", "false"),
        ("Endpoint", where),
        ("REST Endpoint", ""),
    ]
    lines = [f"| {name:20} | {value:{len(where)}} |" for name, value in rows]
    assert result.out.splitlines() == [rule, *lines, rule]


def test_cluster_create_starts_three_brokers_that_want_a_password(in_day2: PracticeCli) -> None:
    """Data is in the state folder, only this computer is let in, and no password is in the settings."""
    in_day2.ok(CREATE)

    settings = in_day2.service.settings
    assert settings["brokers"] == 3
    assert settings["data_dir"] == str(in_day2.store.cluster_folder(in_day2.cluster))
    assert [listener["security_protocol"] for listener in settings["listeners"]] == ["SASL_PLAINTEXT"]
    assert [listener["host"] for listener in settings["listeners"]] == ["127.0.0.1"]
    assert list(in_day2.service.users) == [ADMIN]
    assert in_day2.service.users[ADMIN] not in json.dumps(settings)


def test_cluster_json_has_the_slides_keys(in_day2: PracticeCli) -> None:
    """Lists drop limits, storage and REST endpoint."""
    created = json.loads(in_day2.ok(f"{CREATE} -o json"))
    (listed,) = json.loads(in_day2.ok("kafka cluster list -o json"))

    assert list(created) == [
        "is_current", "id", "name", "type", "ingress_limit", "egress_limit", "storage", "cloud", "region",
        "availability", "status", "deletion_protection", "endpoint", "rest_endpoint",
    ]  # fmt: skip
    assert list(listed) == [
        "is_current", "id", "name", "type", "cloud", "region", "availability", "status", "deletion_protection",
        "endpoint",
    ]  # fmt: skip
    assert (created["status"], listed["status"]) == ("PROVISIONING", "UP")


def test_cluster_list_has_the_columns_of_the_cli(day2: PracticeCli) -> None:
    """The cluster in use has a star, and is up."""
    where = endpoint(day2)

    assert day2.ok("kafka cluster list") == (
        "  Current |     ID     |  Name   | Type  | Cloud |  Region  | Availability | Network | Status | "
        f"Deletion Protection | {'Endpoint':^{len(where)}}  \n"
        "----------+------------+---------+-------+-------+----------+--------------+---------+--------+-"
        f"--------------------+-{'-' * len(where)}--\n"
        f"  *       | {day2.cluster} | msds682 | BASIC | gcp   | us-west1 | single-zone  |         | UP     | "
        f"false               | {where}  \n"
    )


def test_cluster_use_names_cluster_and_environment(in_day2: PracticeCli) -> None:
    """The sentence is the CLI's."""
    in_day2.ok(CREATE)

    assert in_day2.ok(f"kafka cluster use {in_day2.cluster}") == (
        f'Set Kafka cluster "{in_day2.cluster}" as the active cluster for environment "{in_day2.environment}".\n'
    )


def test_create_without_cloud_and_region_names_both(in_day2: PracticeCli) -> None:
    """And nothing is started."""
    result = in_day2("kafka cluster create msds682")

    assert result.status == 1
    assert result.err.startswith('Error: required flag(s) "cloud", "region" not set\nUsage:\n')
    assert in_day2.services.started == []


@pytest.mark.parametrize(
    ("flags", "text"),
    [
        ("--cloud aws --region oops", '"oops" is not an available region for "aws"'),
        ("--cloud oops --region us-west1", '"oops" is not an available cloud provider'),
        ("--cloud gcp --region us-west1 --type oops", 'invalid value "oops" for `--type` flag'),
        ("--cloud gcp --region us-west1 --availability oops", 'invalid value "oops" for `--availability` flag'),
        ("--cloud gcp --region us-west1 --type dedicated", "`--cku` value must be greater than 0"),
        (
            "--cloud gcp --region us-west1 --cku 2",
            "the `--cku` flag can only be used when creating a dedicated Kafka cluster",
        ),
        (
            "--cloud gcp --region us-west1 --deletion-protection",
            "Deletion protection is not supported for BASIC clusters.",
        ),
        ("--cloud gcp --region us-west1 --type freight", 'invalid value "single-zone" for `--availability` flag'),
    ],
)
def test_create_with_bad_values_is_refused(in_day2: PracticeCli, flags: str, text: str) -> None:
    """One sentence each, and nothing is started."""
    result = in_day2(f"kafka cluster create msds682 {flags}")

    assert result.status == 1
    assert result.err.splitlines()[0] == f"Error: {text}"
    assert in_day2.services.started == []


def test_create_without_an_environment_says_how_to_get_one(cli: PracticeCli) -> None:
    """The lecture makes one first."""
    result = cli(CREATE)

    assert result.status == 1
    assert result.err.startswith("Error: no environment found\n")
    assert "`confluent environment create`" in result.err


@pytest.mark.parametrize("failure", [StartError("The disk is full."), KeyboardInterrupt()])
def test_create_that_fails_leaves_nothing_behind(in_day2: PracticeCli, failure: BaseException) -> None:
    """Neither an error nor Ctrl-C leaves a cluster that does not run."""
    in_day2.services.failure = failure

    result = in_day2(CREATE)

    assert result.status == (1 if isinstance(failure, StartError) else 130)
    assert in_day2.store.read().clusters == {}
    assert list((in_day2.store.folder / "clusters").iterdir()) == []
    if isinstance(failure, StartError):
        assert "cannot start: The disk is full." in result.err


def test_dead_process_is_told_and_started_again_with_everything(day2: PracticeCli) -> None:
    """The cluster has the same address, the same folder, and the same users."""
    day2.ok(f"api-key create --resource {day2.cluster}")
    before = day2.service
    day2.services.crash(day2.cluster)

    result = day2("kafka cluster describe -v")

    assert result.status == 0
    assert result.err.splitlines()[0] == (
        f'The process of Kafka cluster "{day2.cluster}" has ended: starting it again on its data.'
    )
    assert (day2.service.settings, day2.service.users) == (before.settings, before.users)


def test_dead_process_whose_port_is_taken_gets_a_new_address(day2: PracticeCli) -> None:
    """Another program may listen there meanwhile; the student is told."""
    port = day2.service.settings["listeners"][0]["port"]
    day2.services.crash(day2.cluster)

    with socket.create_server(("127.0.0.1", port)):
        result = day2("kafka cluster describe -v")

    assert f"Port {port} is in use by another program" in result.err
    assert day2.service.settings["listeners"][0]["port"] != port
    assert endpoint(day2) in result.out


def test_dead_process_is_shown_as_down(day2: PracticeCli) -> None:
    """The list starts nothing, and claims nothing."""
    day2.services.crash(day2.cluster)

    assert json.loads(day2.ok("kafka cluster list -o json"))[0]["status"] == "DOWN"
    assert len(day2.services.started) == 1


def test_dead_cluster_can_be_deleted(day2: PracticeCli) -> None:
    """It is not started for that."""
    day2.services.crash(day2.cluster)
    cluster = day2.cluster

    assert day2.ok(f"kafka cluster delete {cluster} --force") == f'Deleted Kafka cluster "{cluster}".\n'
    assert len(day2.services.started) == 1
    assert not day2.store.cluster_folder(cluster).exists()


def test_cluster_delete_asks_and_forgets_keys(day2: PracticeCli) -> None:
    """Its keys go with it, and it is in use no more."""
    cluster = day2.cluster
    day2.ok(f"api-key create --resource {cluster} --use")

    out = day2.ok(f"kafka cluster delete {cluster}", stdin="y\n")

    assert out == (
        f'Are you sure you want to delete Kafka cluster "{cluster}"? (y/n): Deleted Kafka cluster "{cluster}".\n'
    )
    assert day2.services.ended == [cluster]
    assert day2.ok("api-key list") == "None found.\n"
    assert day2("kafka cluster describe").err.startswith("Error: no Kafka cluster selected\n")


@pytest.mark.parametrize("verb", ["use", "delete", "describe", "update --name x"])
def test_unknown_cluster_is_not_found(day2: PracticeCli, verb: str) -> None:
    """Every command that takes an id says the same."""
    result = day2(f"kafka cluster {verb} lkc-000000")

    assert (result.status, result.out) == (1, "")
    assert result.err.splitlines()[0] == 'Error: Kafka cluster "lkc-000000" not found'


def test_cluster_of_another_environment_is_not_found(day2: PracticeCli) -> None:
    """Unless that environment is named."""
    other = json.loads(day2.ok("environment create day3 -o json"))["id"]
    first = day2.cluster

    assert f'"{first}" not found' in day2(f"kafka cluster describe {first} --environment {other}").err
    day2.ok(f"environment use {other}")
    assert day2.ok("kafka cluster list") == "None found.\n"
    assert first in day2.ok("kafka cluster list --all")


def test_id_of_something_else_is_told_apart(day2: PracticeCli) -> None:
    """A name is no id."""
    assert day2("kafka cluster describe msds682").err == (
        'Error: Kafka cluster "msds682" is missing required prefix "lkc-"\n'
    )


def test_cluster_update_knows_the_rules_of_types(day2: PracticeCli) -> None:
    """Only Basic becomes Standard, and only some types can be protected."""
    cluster = day2.cluster

    assert "| Name                 | new" in day2.ok(f"kafka cluster update {cluster} --name new")
    assert "only supported on dedicated clusters" in day2(f"kafka cluster update {cluster} --cku 2").err
    assert "not supported for BASIC" in day2(f"kafka cluster update {cluster} --deletion-protection").err
    assert "| Storage              | Infinite" in day2.ok(f"kafka cluster update {cluster} --type standard")
    assert 'only be upgraded from "Basic" to "Standard"' in day2(f"kafka cluster update {cluster} --type standard").err
    assert day2(f"kafka cluster update {cluster}").err.startswith(
        "Error: at least one of the flags in the group [name cku type deletion-protection] is required\nUsage:\n"
    )


def test_protected_cluster_is_not_deleted(in_day2: PracticeCli) -> None:
    """The protection has to be taken away first."""
    in_day2.ok(f"{CREATE} --type dedicated --cku 2 --deletion-protection")
    cluster = in_day2.cluster
    assert "| Cluster Size         | 2" in in_day2.ok(f"kafka cluster update {cluster} --cku 2")

    result = in_day2(f"kafka cluster delete {cluster} --force")
    assert result.err.startswith(
        f"Error: failed to delete {cluster}: Cluster deletion is blocked by deletion protection.\n"
    )

    in_day2.ok(f"kafka cluster update {cluster} --deletion-protection=false")
    in_day2.ok(f"kafka cluster delete {cluster} --force")


@pytest.mark.parametrize("command", ["kafka cluster delete {} --force", "practice reset --force"])
def test_process_that_cannot_be_ended_is_named_with_the_command(
    day2: PracticeCli, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    """Its logs are not removed under it, and the cluster is not forgotten."""
    monkeypatch.setattr(processes, "_NOTES_PATIENCE_S", 0.0)
    monkeypatch.setattr(day2.services, "users_of", lambda _: [4711])
    cluster = day2.cluster
    day2.services.crash(cluster)

    result = day2(command.format(cluster))

    assert result.status == 1
    assert f'the process of Kafka cluster "{cluster}" does not end: process 4711\n' in result.err
    assert " 4711`, and try again." in result.err
    assert day2.store.cluster_folder(cluster).is_dir()
    assert cluster in day2.store.read().clusters


def test_region_list_of_no_cloud_is_empty(cli: PracticeCli) -> None:
    """As in the real CLI, which asks its server for the regions of whatever is named."""
    assert json.loads(cli.ok("kafka region list --cloud oops -o json")) == []


def test_region_list_has_the_lectures_region(cli: PracticeCli) -> None:
    """Sorted by name, and only those of the provider that is asked for."""
    out = cli.ok("kafka region list --cloud gcp")

    assert ["Oregon", "GCP", "us-west1"] in [[cell.strip() for cell in row.split("|")] for row in out.splitlines()]
    assert "AWS" not in out
    assert {one["cloud"] for one in json.loads(cli.ok("kafka region list -o json"))} == {"AWS", "AZURE", "GCP"}
