"""`Cluster`: one running Kafka cluster, the same to its user whatever runs it; and `start`, which makes one."""

from __future__ import annotations

import functools
import os
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING, Any, Self

from kit import cells
from kit.backends import Backend, Broker
from kit.backends.arguments import ConfigValue
from kit.backends.embedded import EmbeddedBackend
from kit.backends.external import ExternalBackend
from kit.backends.processes import ProcessesBackend
from kit.broker.timeline import Event
from kit.cluster_state import ClusterState, state_of, word
from kit.connect_settings import checked_timeout_s, merged_settings
from kit.errors import ClusterClosedError, StartError
from kit.fault_arguments import (
    checked_api,
    checked_client_api,
    checked_clients,
    checked_delay_ms,
    checked_flag,
    checked_function,
    checked_group,
    checked_since_ms,
)
from kit.hooks import Request, RequestHook, Verdict
from kit.plain_errors import plainly
from kit.topics import CLOSED, INTERNAL_TOPICS, Topic, TopicReader
from kit.wire import codec

if TYPE_CHECKING:
    from types import TracebackType

    from kit.listeners import Listener
    from kit.widgets import ClusterView

_BACKENDS: dict[str, Callable[..., Backend]] = {"embedded": EmbeddedBackend, "processes": ProcessesBackend}
_DOCKER = "docker"


@plainly
def start(
    backend: str = "embedded",
    *,
    brokers: int = 3,
    controllers: int | None = None,
    port: int | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    config: Mapping[str, ConfigValue] | None = None,
    listeners: Listener | Sequence[Listener] | None = None,
    image: str | None = None,
) -> Cluster:
    """Start a Kafka cluster on this computer.

    It ends with `Cluster.close`, with the ``with`` block, when nothing refers to it any more, when its notebook cell
    is run again, or with this process.

    Args:
        backend: "embedded", the kit's own Kafka in one child process, or "processes": the same with a process for
            every broker, where kill is SIGKILL and several cores work at once, or "docker": Apache Kafka in containers.
        brokers: how many.
        controllers: nodes of their own that decide by majority who leads, 1 or 3. None lets brokers 1 to 3 do it
            besides (broker 1 alone when there are fewer than three). Their ids begin with 101, and they can be killed,
            paused and cut off as brokers can.
        port: of the first broker, the others follow; None for free ports.
        data_dir: a folder that keeps the data: a later start on it finds topics, records and offsets again.
            None for a temporary one, which goes with the cluster.
        config: settings for every broker in Kafka's names, such as ``{"num.partitions": 3}``. A cluster notices within
            a second that a broker died; ``kit.KAFKA_TIMERS`` takes as long as Kafka does.
        listeners: how clients reach every broker, a `kit.Listener` or several in a list; the first is the one of
            ``client_settings``. None for plain text on this computer's own address.
        image: of the containers, "docker" only; None for the kit's own choice.

    Raises:
        StartError: it cannot start; the text says why and what to try next.
    """
    begin = _beginning(backend, image)
    cells.close_earlier()
    cluster = Cluster(
        begin(
            brokers=brokers,
            controllers=controllers,
            port=port,
            data_dir=data_dir,
            config=config,
            listeners=listeners,
        )
    )
    cells.remember(cluster)
    return cluster


@plainly
def connect(
    bootstrap_servers: str | Sequence[str] | None = None,
    *,
    properties: str | os.PathLike[str] | Mapping[str, Any] | None = None,
    timeout_s: float = 10,
    **settings: Any,
) -> Cluster:
    """Connect to a Kafka cluster that exists already: a department's, one of ``kit up``, Confluent Cloud.

    It is there for others too: everything can be read and written as far as rights allow, nothing can be harmed, and
    `Cluster.close` closes our own connections only.

    Args:
        bootstrap_servers: ``"host:port"`` of one broker or several, comma-separated or in a list. None takes what the
            properties say, or else the environment: KAFKA_BOOTSTRAP_SERVERS (or BOOTSTRAP_SERVERS), with
            KAFKA_API_KEY and KAFKA_API_SECRET for Confluent Cloud.
        properties: a file of settings as Java's clients or librdkafka take it, or the same as a dictionary.
        timeout_s: how long connecting may take, in seconds.
        settings: of any client in kafka-python's names: ``security_protocol`` (PLAINTEXT, SSL, SASL_PLAINTEXT,
            SASL_SSL), ``sasl_mechanism`` (PLAIN, SCRAM-SHA-256, SCRAM-SHA-512), ``sasl_plain_username``,
            ``sasl_plain_password``, ``ssl_cafile``, ... They go before the same ones in the properties.

    Raises:
        ConnectError: it cannot be reached, or not with these settings; the text says why and what to try next.
    """
    cells.close_earlier()
    merged = merged_settings(bootstrap_servers, properties, settings)
    cluster = Cluster(ExternalBackend(merged, timeout_s=checked_timeout_s(timeout_s)))
    cells.remember(cluster)
    return cluster


def _beginning(backend: str, image: str | None) -> Callable[..., Backend]:
    """What starts a cluster on this backend."""
    if backend == _DOCKER:
        from kit.backends.docker import DockerBackend  # its libraries are needed for nothing else

        return functools.partial(DockerBackend, image=image)
    if backend not in _BACKENDS:
        known = ", ".join(f'"{name}"' for name in [*_BACKENDS, _DOCKER])
        raise StartError(f'There is no backend {backend!r}, only {known}: use kit.start("embedded").')
    if image is not None:
        raise StartError(
            f'image={image!r} is for containers, and the backend is "{backend}": '
            'write kit.start("docker", image=...), or leave image out.'
        )
    return _BACKENDS[backend]


class Cluster:
    """A running Kafka cluster.

    Args:
        backend: what runs it; the cluster owns it from now on.

    Attributes:
        client_settings: how clients reach it, in kafka-python's names: ``KafkaProducer(**cluster.client_settings)``.
        bootstrap_servers: the addresses among them in one comma-separated string, as every client takes them.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.client_settings = backend.client_settings
        self.bootstrap_servers: str = self.client_settings["bootstrap_servers"]
        self._topics = TopicReader(self.client_settings, backend.brokers)
        # Not a method of self: the finalizer must not keep the cluster alive. It also runs when Python ends.
        self._finalizer = weakref.finalize(self, _close, backend, self._topics)

    @property
    def brokers(self) -> list[Broker]:
        """The brokers by node id."""
        return self._backend.brokers()

    @property
    def controller(self) -> int | None:
        """The id of the active controller; None while the nodes cannot agree on one.

        Raises:
            ClusterClosedError: the cluster is closed, or its process ended.
            ConnectError: the brokers of an existing cluster let nobody in with these settings any more.
        """
        found: int | None = self._ask("state")["controller"]
        return found

    @property
    def data_dir(self) -> str | None:
        """The folder of the brokers' logs on this computer; None when they are elsewhere."""
        return self._backend.data_dir

    @plainly
    def topics(self, names: Iterable[str] | None = None, *, wait: bool = True) -> dict[str, Topic]:
        """The topics by name, internal ones included, as the brokers describe them now.

        Args:
            names: only those of them that exist; None for all.
            wait: for leaders that are being elected and brokers that do not answer, some seconds at most. False tells
                at once what is known.

        Raises:
            ClusterClosedError: the cluster is closed, or its process ended.
            ConnectError: the brokers let nobody in with these settings any more.
            kafka.errors.KafkaError: no broker answers.
        """
        self._check_running()
        _check_anybody(self._backend)
        return self._topics.read(names, wait=wait)

    @plainly
    def state(self) -> ClusterState:
        """Which nodes live, who is the active controller, and what is wrong with the network.

        Raises:
            ClusterClosedError: the cluster is closed, or its process ended.
            ConnectError: the brokers of an existing cluster let nobody in with these settings any more.
        """
        return state_of(self._ask("state"), self._backend.brokers)

    @plainly
    def view(self, topic: str | None = None) -> ClusterView:
        """A live picture of the cluster for a notebook, with its faults as buttons.

        Args:
            topic: what the picture's filter begins with; None for all topics.
        """
        from kit.widgets import cluster_view  # widgets stand above clusters, and are slow to import

        return cluster_view(self, topic)

    # -- users of its SASL listeners -------------------------------------------------------------------------------

    def set_user(self, name: str, password: str) -> None:
        """Let somebody log in at every SASL listener from now on, or change the password.

        Raises:
            FaultError: no listener has SASL, or nobody can have that name or password.
            NotSupportedError: this kind of cluster has no users.
            ClusterClosedError: the cluster is closed, or its process ended.
        """
        self._ask("set_user", name=name, password=password)

    def remove_user(self, name: str) -> None:
        """Let somebody log in no more, and close the connections that are open.

        Raises:
            FaultError: there is no such user.
            NotSupportedError: this kind of cluster has no users.
            ClusterClosedError: the cluster is closed, or its process ended.
        """
        self._ask("remove_user", name=name)

    # -- faults: each returns when it is in force, and raises FaultError, changing nothing, when it cannot be ---------

    def kill(self, broker_id: int) -> None:
        """Let a broker crash: it is gone at once, its files stay, its clients are disconnected."""
        self._ask("kill", node_id=broker_id)

    def stop(self, broker_id: int) -> None:
        """Stop a broker as an administrator does: others take over what it leads, then it goes."""
        self._ask("stop", node_id=broker_id)

    def restart(self, broker_id: int) -> None:
        """Start a killed or stopped broker again on its files and its port, and wait until it may lead again.

        It is in sync with a partition, and can lead it, once it has fetched what it missed: `topics` shows when.
        It does not wait while no majority of the controllers is up and within the broker's reach.
        """
        self._ask("restart", node_id=broker_id)

    def pause(self, broker_id: int) -> None:
        """Let a broker stand still, as in a long garbage collection: connections stay open, nothing is answered."""
        self._ask("pause", node_id=broker_id)

    def resume(self, broker_id: int) -> None:
        """Let a paused broker go on where it stood."""
        self._ask("resume", node_id=broker_id)

    def isolate(self, broker_id: int) -> None:
        """Cut a broker off from all other brokers and controllers; clients still reach every broker."""
        self._ask("isolate", node_id=broker_id)

    def cut(self, *groups: Iterable[int], one_way: bool = False, clients: Mapping[str, int] | None = None) -> None:
        """Cut the network between groups of brokers, as in ``cut({1}, {2, 3})``; cuts add up until `heal`.

        Args:
            one_way: only what the first group sends is lost.
            clients: by client id, the group (counted from 0) on whose side a client is; others reach every broker.
        """
        self._ask(
            "cut",
            groups=[checked_group(group) for group in groups],
            one_way=checked_flag("one_way", one_way),
            clients=checked_clients(clients),
        )

    def slow(self, broker_id: int, delay_ms: float, jitter_ms: float = 0) -> None:
        """Delay every message to and from a broker by ``delay_ms``, and up to ``jitter_ms`` more; 0 for no longer."""
        self._ask(
            "slow",
            node_id=broker_id,
            delay_ms=checked_delay_ms("delay_ms", delay_ms),
            jitter_ms=checked_delay_ms("jitter_ms", jitter_ms),
        )

    def drop(self, broker_id: int, what: str = "requests", share: float = 1.0, api: str | int | None = None) -> None:
        """Lose requests to a broker, or its replies: then it has done what was asked, and nobody knows.

        Args:
            what: "requests" or "replies".
            share: of them, from 0 for none any more to 1 for all.
            api: only those of one API, by its name in Kafka's protocol ("Produce") or its number.
        """
        api_key = None if api is None else checked_api(api)
        self._ask("drop", node_id=broker_id, what=what, share=share, api_key=api_key)

    def heal(self) -> None:
        """Make every link between brokers, controllers and clients whole and fast again."""
        self._ask("heal")

    @plainly
    def on_request(self, api: str | int, function: Callable[[Request], Verdict]) -> RequestHook:
        """Ask a function what becomes of each request of one API, until the hook is removed.

        The function gets a `kit.hooks.Request` and returns None to let it pass, "drop" (nobody answers), a number of
        milliseconds to delay it, or the name of the error that it is answered with ("NOT_LEADER_OR_FOLLOWER").
        """
        api_key = checked_client_api(api)
        checked_function(function)
        self._check_running()
        hook = RequestHook(codec.api(api_key).name, function)
        number = self._backend.add_hook(api_key, hook.decide)
        hook.attach(functools.partial(self._backend.remove_hook, number))
        return hook

    def timeline(self, since_ms: int = 0, *, internal: bool = False) -> list[Event]:
        """What happened so far, in order: every fault that was made, and every change of state that followed.

        Args:
            since_ms: only what happened at that time (milliseconds since 1970) or later, for who looks again and again.
            internal: whether what happened to Kafka's own topics is among it, such as who leads the 50 partitions of
                ``__consumer_offsets``, and so who coordinates which groups.

        Raises:
            ClusterClosedError: the cluster is closed, or its process ended.
        """
        events = (Event(*event) for event in self._ask("timeline", since_ms=checked_since_ms(since_ms)))
        return [event for event in events if internal or event.topic not in INTERNAL_TOPICS]

    @plainly
    def _ask(self, command: str, **arguments: Any) -> Any:
        self._check_running()
        return self._backend.ask(command, arguments)

    @plainly
    def close(self) -> None:
        """End the whole cluster; harmless when called again."""
        self._finalizer()

    def _check_running(self) -> None:
        if not self._finalizer.alive:
            raise ClusterClosedError(CLOSED)
        reason = self._backend.why_gone()
        if reason is not None:
            raise ClusterClosedError(f"{reason}\nStart a new one with kit.start().")

    def _state(self) -> str:
        if not self._finalizer.alive:
            return "closed"
        return "running" if self._backend.why_gone() is None else "gone"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Cluster {self._backend.name}, {self._state()}, brokers at {self.bootstrap_servers}>"

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td>{broker.node_id}</td><td><code>{escape(broker.address)}</code></td><td>{word(broker)}</td></tr>"
            for broker in self.brokers
        )
        return (
            f"<table><caption>Kafka cluster, {escape(self._backend.name)}, {escape(self._state())}</caption>"
            f'<thead><tr><th scope="col">broker</th><th scope="col">address</th><th scope="col">state</th></tr></thead>'
            f"<tbody>{rows}</tbody></table>"
        )


def _check_anybody(backend: Backend) -> None:
    """A client would look for a broker for long where there is none."""
    brokers = backend.brokers()
    if not any(broker.is_alive for broker in brokers):
        from kafka.errors import KafkaConnectionError

        ids = ", ".join(str(broker.node_id) for broker in brokers)
        advice = (
            "is the cluster running, and this computer on its network? When it answers again, so does cluster.topics()."
            if isinstance(backend, ExternalBackend)
            else f"cluster.restart({brokers[0].node_id}) starts one again."
        )
        raise KafkaConnectionError(f"No broker of this cluster answers (down: {ids}): {advice}")


def _close(backend: Backend, topics: TopicReader) -> None:
    topics.close()
    backend.close()
