"""One node of the cluster: a container of Apache Kafka, which stays while it is killed and started again."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kit.backends.docker import engine, labels
from kit.backends.docker.layout import NodePlan
from kit.errors import FaultError, StartError

_TAIL_LINES = 300  # of the log are looked at
_LAST_LINES = 6  # and so many shown
_LOG_SIZE = "10m"  # a node that is cut off complains without end
_LOOK_AGAIN_S = 0.1
_NO_KAFKA = ("No command specified", "no command specified", "unable to start container process", "executable file not")

_ryuk = threading.Lock()


class NodeContainer:
    """A container of one node.

    Args:
        plan: what it is to be.
        image: which it is made from; the engine has it.
        network: the cluster's, as the Docker SDK knows it.
        name: of the container.
        own_labels: of the cluster.
        volumes: folders for which the image would have the engine make volumes.

    Attributes:
        was_asked: whether it is down because somebody wanted it so.
    """

    def __init__(
        self,
        plan: NodePlan,
        image: str,
        network: Any,
        *,
        name: str,
        own_labels: Mapping[str, str],
        volumes: Sequence[str] = (),
    ) -> None:
        self.plan = plan
        self.node_id = plan.node_id
        self.is_broker = plan.is_broker
        self.was_asked = False
        self._image = image
        self._network = network
        self._name = name
        self._volumes = volumes
        self._labels = {**own_labels, labels.NODE: str(plan.node_id)}
        self._container: Any = None
        self._client: Any = None  # Testcontainers' own way to the engine, one for each container

    # -- life ----------------------------------------------------------------------------------------------------

    def create(self, outside_network: str) -> None:
        """Make the container and start it, reachable by its peers and from this computer; see `without_ryuk`.

        Args:
            outside_network: the engine's own network, through which ports are published.

        Raises:
            StartError: the engine refuses.
        """
        from docker.types import EndpointConfig, LogConfig, Mount
        from testcontainers.core.container import DockerContainer

        made = DockerContainer(self._image, env=dict(self.plan.environment), name=self._name)
        for inside, outside in self.plan.published.items():
            # with_bind_ports() would listen on every address of this computer.
            made.ports[f"{inside}/tcp"] = ("127.0.0.1", outside)  # type: ignore[assignment]
        made.with_kwargs(
            network=self._network.name,
            networking_config={
                self._network.name: EndpointConfig("1.41", aliases=[self.plan.alias], ipv4_address=self.plan.address)
            },
            hostname=self.plan.alias,
            log_config=LogConfig(type=LogConfig.types.JSON, config={"max-size": _LOG_SIZE, "max-file": "1"}),
            labels=self._labels,
            mounts=[Mount(path, None, type="tmpfs") for path in self._volumes],  # `docker rm` would leave a volume
            cap_add=["NET_ADMIN"],  # for routes into nothing, in the container's own network
        )
        self._client = made.get_docker_client().client
        try:
            made.start()
            self._container = made.get_wrapped_container()
            self._client.networks.get(outside_network).connect(self._container)
        except engine.failures() as error:
            raise StartError(self._refusal(error)) from error

    def close(self) -> None:
        """Give back what belongs to this process; the container itself is removed with its cluster."""
        if self._client is not None:
            self._client.close()

    def start(self) -> None:
        """Start the container again on the files that it has, and do not wait for the broker in it.

        Raises:
            FaultError: the engine refuses.
        """
        self.was_asked = False
        with engine.refusals(f"Node {self.node_id} cannot be started again", FaultError):
            try:
                self._here.start()
            except engine.failures() as error:
                if engine.is_no_answer(error):
                    raise
                raise FaultError(self._refusal(error)) from error

    @property
    def state(self) -> str:
        """One of "up", "paused" and "down"; down too when somebody removed it.

        Raises:
            ClusterClosedError: the engine does not answer.
        """
        return as_state(self.status)

    @property
    def status(self) -> str:
        """What the engine calls its state, "running" and "exited" for example; "gone" when it was removed.

        Raises:
            ClusterClosedError: the engine does not answer.
        """
        from docker.errors import NotFound

        if self._container is None:
            return "gone"
        with engine.refusals(f"Node {self.node_id} cannot be looked at", FaultError):
            try:
                self._container.reload()
            except NotFound:
                return "gone"
        return str(self._container.status)

    @property
    def is_whole(self) -> bool:
        """Whether the container is there, running or not."""
        return self.status != "gone"

    @property
    def _here(self) -> Any:
        if not self.is_whole:
            raise FaultError(
                f"The container of node {self.node_id} was removed from outside, and its data with it: "
                "close() this cluster and start a new one."
            )
        return self._container

    def _refusal(self, error: Exception) -> str:
        if engine.is_no_answer(error):
            return (
                f"Node {self.node_id} cannot start: the Docker engine does not answer any more ({engine.cause(error)})."
            )
        said = engine.explanation(error)
        if "already allocated" in said or "address already in use" in said or "port is not available" in said.lower():
            ports = " or ".join(str(port) for port in self.plan.published.values())
            return (
                f"Node {self.node_id} cannot start: another program has taken its port {ports}. "
                "End that program and try again, or start a new cluster without port=."
            )
        if "no space left" in said.lower():
            return (
                f"Node {self.node_id} cannot start: the disk of the Docker engine is full. `docker system df` shows "
                "what fills it, and `docker system prune` removes what nothing uses."
            )
        if any(words in said for words in _NO_KAFKA):
            return (
                f"Node {self.node_id} cannot start: {self._image} is no image of Apache Kafka; leave image out or name "
                f"a version of apache/kafka. (The engine says: {said})"
            )
        return f"Node {self.node_id} cannot start from the image {self._image}: {said}."

    # -- faults --------------------------------------------------------------------------------------------------

    def kill(self) -> None:
        """SIGKILL for the broker. Raises `FaultError`."""
        self.was_asked = True
        with self._faults("killed"):
            self._here.kill()
        self._wait_down(10.0)

    def stop(self) -> None:
        """Ask the broker to hand over what it leads and then end; `wait` waits for that. Raises `FaultError`."""
        self.was_asked = True
        with self._faults("stopped"):
            self._here.kill(signal="SIGTERM")

    def wait(self, timeout_s: float) -> bool:
        """Wait for its end; whether that came."""
        return self._wait_down(timeout_s)

    def pause(self) -> None:
        """Freeze the broker. Raises `FaultError`."""
        with self._faults("paused"):
            self._here.pause()

    def resume(self) -> None:
        """Let it go on. Raises `FaultError`."""
        with self._faults("resumed"):
            self._here.unpause()

    def run(self, command: list[str]) -> tuple[int, str]:
        """Run a program in the container as root; returns its exit status and what it wrote. Raises `FaultError`."""
        with engine.refusals(f"No program can be run on node {self.node_id}", FaultError):
            status, output = self._here.exec_run(command, user="root")
        return int(status), output.decode("utf-8", "replace").strip()

    @contextmanager
    def _faults(self, done: str) -> Iterator[None]:
        with engine.refusals(f"Node {self.node_id} cannot be {done}", FaultError):
            yield

    def _wait_down(self, timeout_s: float) -> bool:
        give_up_s = time.monotonic() + timeout_s
        while self.state != "down":
            if time.monotonic() > give_up_s:
                return False
            time.sleep(_LOOK_AGAIN_S)
        return True

    # -- network -------------------------------------------------------------------------------------------------

    @property
    def is_connected(self) -> bool:
        """Whether it belongs to the cluster's network, running or not."""
        return self.status != "gone" and self._network.name in self._container.attrs["NetworkSettings"]["Networks"]

    def connect(self) -> None:
        """Join the cluster's network under its name and address. Raises `FaultError`."""
        with engine.refusals(f"Node {self.node_id} cannot be connected to its peers", FaultError):
            self._network.connect(self._here, aliases=[self.plan.alias], ipv4_address=self.plan.address)

    def disconnect(self) -> None:
        """Leave the cluster's network. Raises `FaultError`."""
        with engine.refusals(f"Node {self.node_id} cannot be cut off", FaultError):
            self._network.disconnect(self._here)

    # -- words ---------------------------------------------------------------------------------------------------

    def last_words(self) -> str:
        """The end of its log, as the end of a sentence."""
        if self._container is None:
            return "."
        try:
            written = self._container.logs(tail=_TAIL_LINES).decode("utf-8", "replace")
        except engine.failures():
            written = ""
        told = telling(written.splitlines())
        return "; its last words:\n" + "\n".join(told) if told else "; it wrote no log."

    def exit_status(self) -> int | None:
        """The status that it ended with; None while it runs."""
        return None if self.state != "down" or not self.is_whole else int(self._container.attrs["State"]["ExitCode"])


def telling(lines: Sequence[str]) -> list[str]:
    """The last lines of a log that tell something: its errors, if there are any."""
    headlines = [line for line in lines if line.strip() and not line.startswith((" ", "\t"))]
    errors = [line for line in headlines if " ERROR " in line or " FATAL " in line or "Exception: " in line]
    return (errors or headlines)[-_LAST_LINES:]


def as_state(status: str) -> str:
    """What the engine calls the state of a container, in the words of `NodeContainer.state`."""
    return {"running": "up", "paused": "paused"}.get(status, "down")


@dataclass(frozen=True, slots=True)
class Seen:
    """How the engine sees a container.

    Attributes:
        state: see `NodeContainer.state`.
        is_connected: whether it belongs to the cluster's network; True when the engine does not tell.
    """

    state: str
    is_connected: bool = True


def seen(client: Any, cluster: str) -> dict[int, Seen]:
    """Every node whose container is there, by node id, with one question to the engine.

    Args:
        cluster: the name on the labels, and of the network.

    Raises:
        ClusterClosedError: the engine does not answer.
    """
    with engine.refusals("The cluster's containers cannot be listed", FaultError):
        found = client.api.containers(all=True, filters={"label": f"{labels.CLUSTER}={cluster}"})
    result = {}
    for each in found:
        networks = each.get("NetworkSettings", {}).get("Networks")
        is_connected = not networks or cluster in networks
        result[int(each["Labels"][labels.NODE])] = Seen(as_state(each["State"]), is_connected)
    return result


@contextmanager
def without_ryuk() -> Iterator[None]:
    """Start containers without Testcontainers' cleaning container, which needs a pull and the engine's socket.

    The reaper takes its place. The setting is the whole process's, so it is put back.
    """
    from testcontainers.core.config import testcontainers_config

    with _ryuk:
        before = testcontainers_config.ryuk_disabled
        testcontainers_config.ryuk_disabled = True
        try:
            yield
        finally:
            testcontainers_config.ryuk_disabled = before
