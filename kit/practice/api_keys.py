"""``confluent api-key``: users of a practice cluster. A key works from its creation until it is deleted."""

from __future__ import annotations

import getpass
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from kit.practice import names
from kit.practice.commands import Command, Group
from kit.practice.context import ENVIRONMENT, FORCE, Context, missing_error, unique
from kit.practice.errors import CliError
from kit.practice.flags import Flag, Flags
from kit.practice.output import OUTPUT, Field
from kit.practice.state import ApiKey, KafkaCluster, State

_CREATED_FIELDS = (Field("API Key", "api_key"), Field("API Secret", "api_secret"))
_FIELDS = (
    Field("Current", "is_current", omit_empty=True),
    Field("Key", "key"),
    Field("Description", "description"),
    Field("Owner", "owner"),
    Field("Owner Email", "owner_email"),
    Field("Resource Type", "resource_type"),
    Field("Resource", "resource"),
    Field("Created", "created"),
)

_RESOURCE = Flag("resource", "The ID of the Kafka cluster that the API key is for.")
_SERVICE_ACCOUNT = Flag("service-account", "Service account ID.", refusal="all keys are yours")
_DESCRIPTION = Flag("description", "Description of API key.")
_LIST_SUGGESTION = "List available API keys with `confluent api-key list`."


def _create(context: Context, _args: Sequence[str], flags: Flags) -> None:
    cluster = _cluster(context, flags)
    with context.change() as state:
        if cluster.id not in state.clusters:  # deleted by another terminal meanwhile
            raise _no_resource(cluster.id)
        secret = names.new_secret()
        made = ApiKey(
            names.new_api_key(state.api_keys),
            cluster.id,
            flags["description"],
            state.user,
            state.login,
            datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            secret,
            secret,
        )
        context.processes.set_user(cluster.id, made.key, secret)
        state.api_keys[made.key] = made
        if flags["use"]:
            state.clusters[cluster.id].current_api_key = made.key
    if flags["output"] == "human":
        context.tell("It may take a couple of minutes for the API key to be ready.")
        context.tell("Save the API key and secret. The secret is not retrievable later.")
    context.print_object(flags, _CREATED_FIELDS, {"api_key": made.key, "api_secret": secret})
    if flags["use"]:
        context.tell(f'Using API Key "{made.key}".')


def _use(context: Context, args: Sequence[str], flags: Flags) -> None:
    with context.change() as state:
        key = state.api_keys.get(args[0])
        if key is None:
            raise CliError(
                f'API key "{args[0]}" and associated Kafka cluster are not stored in local CLI state',
                "Create an API key with `confluent api-key create --resource <cluster>`, or see your keys with "
                "`confluent api-key list`.",
            )
        if flags["resource"] not in ("", key.resource):
            raise CliError(
                f'invalid API key "{key.key}" for resource "{flags["resource"]}"',
                f'To list API keys that belong to resource "{flags["resource"]}", use '
                f"`confluent api-key list --resource {flags['resource']}`.",
                f'To create new API key for resource "{flags["resource"]}", use '
                f"`confluent api-key create --resource {flags['resource']}`.",
            )
        state.clusters[key.resource].current_api_key = key.key
    context.print(f'Using API Key "{args[0]}".')


def _store(context: Context, args: Sequence[str], flags: Flags) -> None:
    cluster_id = flags["resource"] or context.current_environment().current_cluster
    if not cluster_id:
        raise CliError("no Kafka cluster selected", "Specify the resource of the key with the `--resource` flag.")
    name = args[0] if args else _asked(context, "Key: ", is_secret=False)
    secret = args[1] if len(args) > 1 else _asked(context, "Secret: ", is_secret=True)
    with context.change() as state:
        key = _found(state, name)
        if key.resource != cluster_id:
            raise CliError(
                "the provided API key does not belong to the target cluster",
                "Specify the cluster this API key belongs to using the `--resource` flag.",
            )
        if key.stored_secret and not flags["force"]:
            raise CliError(
                f'refusing to overwrite existing secret for API Key "{name}"',
                f'If you would like to override the existing secret stored for API key "{name}", use `--force` flag.',
            )
        key.stored_secret = secret
    context.tell(f'Stored secret for API key "{name}".')


def _asked(context: Context, prompt: str, *, is_secret: bool) -> str:
    if is_secret and context.stdin.isatty():
        return getpass.getpass(prompt).strip()
    context.stdout.write(prompt)
    context.stdout.flush()
    answer = context.stdin.readline()
    if not answer:
        context.stdout.write("\n")
        raise CliError("failed to read input", "Give the key and the secret as arguments.")
    return answer.strip()


def _list(context: Context, _args: Sequence[str], flags: Flags) -> None:
    state = context.state
    wanted = flags["resource"]
    if wanted and wanted not in state.clusters:
        raise _no_resource(wanted)
    keys = [key for key in state.api_keys.values() if wanted in ("", key.resource)]
    context.print_list(flags, _FIELDS, [_row(state, key) for key in keys])


def _describe(context: Context, args: Sequence[str], flags: Flags) -> None:
    state = context.state
    context.print_list(flags, _FIELDS, [_row(state, _found(state, args[0]))])


def _update(context: Context, args: Sequence[str], flags: Flags) -> None:
    with context.change() as state:
        key = _found(state, args[0])
        if not flags.given("description"):
            return
        key.description = flags["description"]
    context.tell(f'Updated the description of API key "{key.key}" to "{key.description}".')


def _delete(context: Context, args: Sequence[str], flags: Flags) -> None:
    wanted = unique(args)
    missing = [one for one in wanted if one not in context.state.api_keys]
    if missing:
        raise missing_error("API key", missing, _LIST_SUGGESTION)
    context.confirm_deletion(flags, "API key", wanted)
    with context.change() as state:
        for one in wanted:
            key = state.api_keys.pop(one, None)
            if key is None:  # another terminal was faster
                continue
            context.processes.remove_user(key.resource, one)
            cluster = state.clusters[key.resource]
            if cluster.current_api_key == one:
                cluster.current_api_key = ""
    context.print_deleted("API key", wanted)


def _cluster(context: Context, flags: Flags) -> KafkaCluster:
    wanted = flags["resource"]
    environment = context.current_environment(flags)
    found = context.state.clusters.get(wanted)
    if found is None or found.environment != environment.id:
        raise _no_resource(wanted)
    return context.processes.ensure(wanted)


def _no_resource(wanted: str) -> CliError:
    return CliError(
        f'resource "{wanted}" not found',
        f'Check that the resource "{wanted}" exists.',
        "To list Kafka clusters, use `confluent kafka cluster list`: the practice CLI has API keys for them only.",
    )


def _found(state: State, name: str) -> ApiKey:
    found = state.api_keys.get(name)
    if found is None:
        raise CliError(
            f'unknown API key "{name}"',
            "Ensure the API key exists and has not been deleted, or create a new API key via "
            "`confluent api-key create`.",
        )
    return found


def _row(state: State, key: ApiKey) -> dict[str, Any]:
    return {
        "is_current": state.clusters[key.resource].current_api_key == key.key,
        "key": key.key,
        "description": key.description,
        "owner": key.owner,
        "owner_email": key.owner_email,
        "resource_type": "kafka",
        "resource": key.resource,
        "created": key.created,
    }


def _keys(context: Context) -> list[str]:
    return list(context.state.api_keys)


GROUPS = (Group("api-key", "Manage API keys."),)
COMMANDS = (
    Command(
        "api-key create",
        "Create API keys for a given resource.",
        _create,
        (
            replace(_RESOURCE, required=True),
            _DESCRIPTION,
            Flag("use", "Use the created API key for the provided resource.", "bool"),
            ENVIRONMENT,
            _SERVICE_ACCOUNT,
            OUTPUT,
        ),
        long="Create API keys for a given resource. The key lets clients in to that cluster, to write and to read; the "
        "practice CLI has no service accounts and no access rights.",
        examples=(
            (
                'Create an API key for Kafka cluster "lkc-123456", and use it:',
                'confluent api-key create --resource lkc-123456 --description "day 2" --use',
            ),
        ),
    ),
    Command(
        "api-key delete <api-key-1> [api-key-2] ... [api-key-n]",
        "Delete one or more API keys.",
        _delete,
        (FORCE,),
        complete=_keys,
    ),
    Command("api-key describe <id>", "Describe an API key.", _describe, (OUTPUT,), complete=_keys),
    Command(
        "api-key list",
        "List the API keys.",
        _list,
        (
            _RESOURCE,
            Flag("current-user", "Show only API keys belonging to current user.", "bool"),
            ENVIRONMENT,
            _SERVICE_ACCOUNT,
            OUTPUT,
        ),
    ),
    Command(
        "api-key store [api-key] [secret]",
        "Store an API key/secret locally to use in the CLI.",
        _store,
        (
            _RESOURCE,
            Flag("force", "Force overwrite existing secret for this key.", "bool", "f"),
            ENVIRONMENT,
        ),
        long="Tell the CLI the secret of an API key that was made elsewhere. It knows the secrets of its own keys.",
        complete=_keys,
    ),
    Command("api-key update <api-key>", "Update an API key.", _update, (_DESCRIPTION,), complete=_keys),
    Command(
        "api-key use <api-key>",
        "Use an API key in subsequent commands.",
        _use,
        (replace(_RESOURCE, hidden=True),),
        long="Choose an API key to be used in subsequent commands which need one.",
        complete=_keys,
    ),
)
