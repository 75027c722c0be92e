"""What commands for topics and records build on: the cluster in use, and with which key."""

from __future__ import annotations

import io

import pytest

from kit.practice.context import CLUSTER, ENVIRONMENT, Context
from kit.practice.errors import CliError
from kit.practice.flags import Flags, parse
from tests.support.practice import PracticeCli


@pytest.fixture
def context(day2: PracticeCli) -> Context:
    """What a command runs with."""
    return Context(io.StringIO(), io.StringIO(), io.StringIO(), day2.store, lambda: day2.services)


def flags(line: str = "") -> Flags:
    """The flags that say where a command works."""
    return parse((CLUSTER, ENVIRONMENT), line.split())[1]


def test_cluster_in_use_or_named(day2: PracticeCli, context: Context) -> None:
    """`--cluster` comes before the one in use."""
    first = day2.cluster
    day2.ok("kafka cluster create other --cloud gcp --region us-west1")
    (other,) = set(day2.store.read().clusters) - {first}

    assert context.cluster(flags()).id == first
    assert context.cluster(flags(f"--cluster {other}")).id == other


def test_no_cluster_in_use_is_one_sentence(cli: PracticeCli, context: Context, day2: PracticeCli) -> None:
    """The sentence is the CLI's."""
    with day2.store.change() as state:
        state.environments[day2.environment].current_cluster = ""

    with pytest.raises(CliError) as refused:
        context.cluster(flags())

    assert refused.value.text == "no Kafka cluster selected"
    (suggestion,) = refused.value.suggestions
    assert suggestion.startswith("You must pass `--cluster` with the command or set an active Kafka cluster")


def test_unknown_environment_is_one_sentence(context: Context) -> None:
    """`--environment` is looked at first."""
    with pytest.raises(CliError, match='environment "env-000000" not found'):
        context.cluster(flags("--environment env-000000"))


def test_client_settings_have_the_key_in_use(day2: PracticeCli, context: Context) -> None:
    """Its secret is the stored one, and is in no repr."""
    cluster = context.cluster(flags())
    with pytest.raises(CliError) as refused:
        context.client_settings(cluster)
    assert refused.value.text == f'no API key selected for resource "{cluster.id}"'
    assert len(refused.value.suggestions) == 4

    day2.ok(f"api-key create --resource {cluster.id} --use")
    (key,) = day2.store.read().api_keys.values()
    settings = context.client_settings(context.cluster(flags()))

    assert dict(settings) == {
        "bootstrap_servers": day2.service.bootstrap_servers,
        "security_protocol": "SASL_PLAINTEXT",
        "sasl_mechanism": "PLAIN",
        "sasl_plain_username": key.key,
        "sasl_plain_password": key.secret,
    }
    assert key.secret not in repr(settings)


def test_key_without_a_stored_secret_is_one_sentence(day2: PracticeCli, context: Context) -> None:
    """Nothing is sent that cannot be right."""
    day2.ok(f"api-key create --resource {day2.cluster} --use")
    (key,) = day2.store.read().api_keys
    day2.run(["api-key", "store", key, "", "--force"])

    with pytest.raises(CliError, match=f'no API secret for API key "{key}"'):
        context.client_settings(context.cluster(flags()))


def test_other_key_can_be_given(context: Context) -> None:
    """`--api-key` and `--api-secret` need no key in use."""
    settings = context.client_settings(context.cluster(flags()), "KEY", "secret")

    assert (settings["sasl_plain_username"], settings["sasl_plain_password"]) == ("KEY", "secret")


def test_admin_settings_need_no_key(day2: PracticeCli, context: Context) -> None:
    """Topics are made as with a login."""
    settings = context.admin_settings(context.cluster(flags()))

    assert day2.service.users == {settings["sasl_plain_username"]: settings["sasl_plain_password"]}


def test_environment_delete_also_ends_what_another_terminal_made_meanwhile(
    day2: PracticeCli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cluster that appears while others are ended is ended too."""
    first = day2.service
    close = type(first).close

    def close_late(service: object) -> None:
        if service is first:
            day2.ok("kafka cluster create late --cloud gcp --region us-west1")
        close(first if service is first else service)  # type: ignore[arg-type]

    monkeypatch.setattr(type(first), "close", close_late)

    day2.ok(f"environment delete {day2.environment} --force")

    assert len(day2.services.ended) == 2
    assert day2.services.running() == []
    assert day2.store.read().clusters == {}
