"""``confluent environment``: spaces for clusters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kit.practice import names
from kit.practice.commands import Command, Group
from kit.practice.context import FORCE, Context, missing_error, unique
from kit.practice.errors import CliError
from kit.practice.flags import Flag, Flags
from kit.practice.output import OUTPUT, Field
from kit.practice.state import Environment, State

_FIELDS = (
    Field("Current", "is_current"),
    Field("ID", "id"),
    Field("Name", "name"),
    Field("Stream Governance Package", "stream_governance_package", omit_empty=True),
)
_PACKAGE = Flag(
    "governance-package",
    'Specify the Stream Governance package as "essentials" or "advanced". The practice CLI only remembers it.',
    choices=("essentials", "advanced"),
)
_LIST_SUGGESTION = "List available environments with `confluent environment list`."


def _create(context: Context, args: Sequence[str], flags: Flags) -> None:
    with context.change() as state:
        if any(environment.name == args[0] for environment in state.environments.values()):
            raise CliError(
                f'environment name "{args[0]}" is already in use',
                "Choose another name, or use the environment with that name; see `confluent environment list`.",
            )
        made = Environment(names.new_environment_id(state.environments), args[0])
        made.stream_governance_package = (flags["governance-package"] or "essentials").upper()
        state.environments[made.id] = made
    context.print_object(flags, _FIELDS, _row(context.state, made))


def _use(context: Context, args: Sequence[str], _flags: Flags) -> None:
    with context.change() as state:
        state.current_environment = _found(state, args[0]).id
    context.print(f'Using environment "{args[0]}".')


def _list(context: Context, _args: Sequence[str], flags: Flags) -> None:
    state = context.state
    context.print_list(flags, _FIELDS, [_row(state, one) for one in state.environments.values()])


def _describe(context: Context, args: Sequence[str], flags: Flags) -> None:
    found = _found(context.state, args[0]) if args else context.current_environment()
    context.print_object(flags, _FIELDS, _row(context.state, found))


def _update(context: Context, args: Sequence[str], flags: Flags) -> None:
    if not flags.given("name") and not flags.given("governance-package"):
        raise CliError(
            "must specify at least one of `--name` or `--governance-package`",
            f"For example: `confluent environment update {args[0]} --name day3`.",
        )
    with context.change() as state:
        found = _found(state, args[0])
        package = flags["governance-package"].upper()
        if package == "ESSENTIALS" and found.stream_governance_package == "ADVANCED":
            raise CliError("downgrading the package from advanced to essentials is forbidden")
        found.stream_governance_package = package or found.stream_governance_package
        found.name = flags["name"] or found.name
    context.print_object(flags, _FIELDS, _row(state, found))


def _delete(context: Context, args: Sequence[str], flags: Flags) -> None:
    ids = unique(args)
    missing = [one for one in ids if one not in context.state.environments]
    if missing:
        raise missing_error("environment", missing, _LIST_SUGGESTION)
    context.confirm_deletion(flags, "environment", ids)
    for one in ids:
        _delete_one(context, one)
    context.print_deleted("environment", ids)


def _delete_one(context: Context, environment_id: str) -> None:
    """Forget an environment once it has no cluster any more, also none that another terminal made meanwhile."""
    while True:
        with context.change() as state:
            clusters = state.clusters_of(environment_id)
            if not clusters:
                state.forget_environment(environment_id)
                return
        for cluster in clusters:
            context.log(f"Ending the process of {cluster.id} and removing its logs.")
            context.processes.end(cluster.id)


def _found(state: State, environment_id: str) -> Environment:
    found = state.environments.get(environment_id)
    if found is None:
        raise CliError("404 Not Found", f'There is no environment "{environment_id}".', _LIST_SUGGESTION)
    return found


def _row(state: State, environment: Environment) -> dict[str, Any]:
    return {
        "is_current": environment.id == state.current_environment,
        "id": environment.id,
        "name": environment.name,
        "stream_governance_package": environment.stream_governance_package,
    }


def _ids(context: Context) -> list[str]:
    return list(context.state.environments)


GROUPS = (Group("environment", "Manage and select environments.", aliases=("env",)),)
COMMANDS = (
    Command(
        "environment create <name>",
        "Create a new environment.",
        _create,
        (_PACKAGE, OUTPUT),
        examples=(("Create an environment, and show it as JSON:", "confluent environment create day2 -o json"),),
    ),
    Command(
        "environment delete <id-1> [id-2] ... [id-n]",
        "Delete environments and all their resources.",
        _delete,
        (FORCE,),
        long="Delete environments and all their resources: the processes of their Kafka clusters end, and topics, "
        "records and API keys in them are gone.",
        complete=_ids,
    ),
    Command("environment describe [id]", "Describe an environment.", _describe, (OUTPUT,), complete=_ids),
    Command("environment list", "List environments.", _list, (OUTPUT,)),
    Command(
        "environment update <id>",
        "Update an existing environment.",
        _update,
        (Flag("name", "New name for the environment."), _PACKAGE, OUTPUT),
        complete=_ids,
    ),
    Command("environment use <id>", "Use an environment in subsequent commands.", _use, complete=_ids),
)
