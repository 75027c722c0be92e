"""What a running command has at hand: the streams, the state, the clusters' processes, and what is in use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, TextIO

from kit.practice import output, prompts
from kit.practice.errors import CliError
from kit.practice.flags import Flag, Flags
from kit.practice.output import Field
from kit.practice.processes import ADMIN, Processes, Services, client_settings, kit_services, not_found
from kit.practice.state import ApiKey, Environment, KafkaCluster, State
from kit.practice.store import Store

ENVIRONMENT = Flag("environment", "Environment ID.")
CLUSTER = Flag("cluster", "Kafka cluster ID.")
FORCE = Flag("force", "Skip the deletion confirmation prompt.", "bool")


class Context:
    """What one command line runs with.

    Args:
        stdin, stdout, stderr: text streams; results go to stdout, everything that is told besides to stderr.
        store: the state; None for the one of this user.
        services: gives the functions of `kit.service`.

    Attributes:
        verbosity: how many ``-v`` there are.
    """

    def __init__(
        self,
        stdin: TextIO,
        stdout: TextIO,
        stderr: TextIO,
        store: Store | None = None,
        services: Callable[[], Services] = kit_services,
    ) -> None:
        self.stdin = stdin
        self.stdout = stdout
        self.stderr = stderr
        self.store = store or Store()
        self.processes = Processes(self.store, services, self.tell)
        self.verbosity = 0

    # -- state -------------------------------------------------------------------------------------------------------

    @property
    def state(self) -> State:
        """The state as it is now; changes of it are lost, see `change`."""
        return self.store.read()

    def change(self) -> AbstractContextManager[State]:
        """The state to change; it is written when the block ends without an error."""
        return self.store.change()

    def current_environment(self, flags: Flags | None = None) -> Environment:
        """The environment of ``--environment``, or the one in use.

        Raises:
            CliError: there is no such environment, or none is in use.
        """
        state = self.state
        wanted = flags.get("environment", "") if flags is not None else ""
        if wanted and wanted not in state.environments:
            raise CliError(
                f'environment "{wanted}" not found', "List available environments with `confluent environment list`."
            )
        found = state.environments.get(wanted or state.current_environment)
        if found is None:
            raise CliError(
                "no environment found",
                "Create an environment with `confluent environment create`.",
                "Choose one with `confluent environment use`.",
            )
        return found

    def cluster(self, flags: Flags) -> KafkaCluster:
        """The Kafka cluster of ``--cluster``, or the one in use; its process runs when this returns.

        Raises:
            CliError: there is no such cluster in the environment, none is in use, or it cannot start.
        """
        environment = self.current_environment(flags)
        wanted = flags.get("cluster", "")
        cluster_id = wanted or environment.current_cluster
        if not cluster_id:
            raise CliError(
                "no Kafka cluster selected",
                "You must pass `--cluster` with the command or set an active Kafka cluster in your context with "
                "`confluent kafka cluster use`.",
            )
        self.known_cluster(cluster_id, environment)
        return self.processes.ensure(cluster_id)

    def known_cluster(self, cluster_id: str, environment: Environment) -> KafkaCluster:
        """A Kafka cluster of an environment, whether its process runs or not.

        Raises:
            CliError: the environment has no such cluster.
        """
        found = self.state.clusters.get(cluster_id)
        if found is None or found.environment != environment.id:
            raise not_found(cluster_id)
        return found

    def api_key(self, cluster: KafkaCluster) -> ApiKey:
        """The API key that produce and consume use.

        Raises:
            CliError: none is selected.
        """
        key = self.state.api_keys.get(cluster.current_api_key)
        if key is None:
            raise CliError(
                f'no API key selected for resource "{cluster.id}"',
                f'Select an API key for resource "{cluster.id}" with `confluent api-key use <API_KEY>`.',
                "To do so, you must have either already created or stored an API key for the resource.",
                f"To create an API key, use `confluent api-key create --resource {cluster.id}`.",
                f"To store an existing API key, use `confluent api-key store --resource {cluster.id}`.",
            )
        return key

    def _with_secret(self, cluster: KafkaCluster) -> ApiKey:
        key = self.api_key(cluster)
        if not key.stored_secret:
            raise CliError(
                f'no API secret for API key "{key.key}" of resource "{cluster.id}" stored in local CLI state',
                f"Store the API secret with `confluent api-key store {key.key} --resource {cluster.id}`.",
            )
        return key

    def client_settings(self, cluster: KafkaCluster, api_key: str = "", api_secret: str = "") -> Mapping[str, Any]:
        """Settings of kafka-python's clients with an API key: the one in use, or the one that is given."""
        if api_key:
            return client_settings(cluster.bootstrap_servers, api_key, api_secret)
        key = self._with_secret(cluster)
        return client_settings(cluster.bootstrap_servers, key.key, key.stored_secret)

    def admin_settings(self, cluster: KafkaCluster) -> Mapping[str, Any]:
        """Settings of kafka-python's clients as the CLI itself, where the real CLI uses its login and no API key."""
        return client_settings(cluster.bootstrap_servers, ADMIN, cluster.admin_secret)

    # -- what is printed -----------------------------------------------------------------------------------------------

    def print(self, text: str) -> None:
        """Print one line of the result."""
        self.stdout.write(f"{text}\n")

    def tell(self, text: str) -> None:
        """Print one line that is no result: banners, notes, what happens meanwhile."""
        self.stderr.write(f"{text}\n")
        self.stderr.flush()

    def log(self, text: str) -> None:
        """Print what is done on this computer, when ``-v`` is given."""
        if self.verbosity:
            self.tell(f"[INFO] {text}")

    def print_list(
        self, flags: Flags, fields: Sequence[Field], rows: Iterable[Mapping[str, Any]], *, sort: bool = True
    ) -> None:
        """Print objects in the format of ``-o``."""
        output.print_list(self.stdout, flags["output"], fields, list(rows), sort=sort)

    def print_object(self, flags: Flags, fields: Sequence[Field], row: Mapping[str, Any]) -> None:
        """Print one object in the format of ``-o``."""
        output.print_object(self.stdout, flags["output"], fields, row)

    # -- deletion ------------------------------------------------------------------------------------------------------

    def confirm_deletion(self, flags: Flags, resource: str, names: Sequence[str]) -> None:
        """Ask whether things may be deleted, unless ``--force`` is given.

        Raises:
            kit.practice.errors.Declined: they may not.
        """
        prompts.confirm_deletion(self.stdin, self.stdout, self.stderr, resource, names, force=flags["force"])

    def print_deleted(self, resource: str, names: Sequence[str]) -> None:
        """Say what is deleted."""
        self.print(f"Deleted {prompts.plural(resource, names)} {prompts.listed(names)}.")


def unique(names: Sequence[str]) -> list[str]:
    """Names of a command line, each once."""
    return list(dict.fromkeys(names))


def missing_error(resource: str, names: Sequence[str], suggestion: str) -> CliError:
    """Some of several things to delete are not there."""
    return CliError(f"{prompts.plural(resource, names)} {prompts.listed(names)} not found", suggestion)
