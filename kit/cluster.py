"""`Cluster`: one running Kafka cluster, the same to its user whatever runs it; and `start`, which makes one."""

from __future__ import annotations

import os
import weakref
from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Self

from kit import cells
from kit.backends import Backend, Broker
from kit.backends.embedded import ConfigValue, EmbeddedBackend
from kit.errors import ClusterClosedError, StartError
from kit.topics import Topic, TopicReader

if TYPE_CHECKING:
    from types import TracebackType

_LATER_BACKENDS = {"docker": "Apache Kafka in Docker containers comes with a later version of the kit"}


def start(
    backend: str = "embedded",
    *,
    brokers: int = 3,
    port: int | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    config: Mapping[str, ConfigValue] | None = None,
) -> Cluster:
    """Start a Kafka cluster on this computer.

    It ends with `Cluster.close`, with the ``with`` block, when nothing refers to it any more, when its notebook cell
    is run again, or with this process.

    Args:
        backend: "embedded", the kit's own Kafka in a child process.
        brokers: how many.
        port: of the first broker, the others follow; None for free ports.
        data_dir: a folder that keeps the data: a later start on it finds topics, records and offsets again.
            None for a temporary one, which goes with the cluster.
        config: settings for every broker in Kafka's names, such as ``{"num.partitions": 3}``.

    Raises:
        StartError: it cannot start; the text says why and what to try next.
    """
    if backend != "embedded":
        reason = _LATER_BACKENDS.get(backend, f"There is no backend {backend!r}")
        raise StartError(f'{reason}: use kit.start("embedded").')
    cells.close_earlier()
    cluster = Cluster(EmbeddedBackend(brokers=brokers, port=port, data_dir=data_dir, config=config))
    cells.remember(cluster)
    return cluster


class Cluster:
    """A running Kafka cluster.

    Args:
        backend: what runs it; the cluster owns it from now on.

    Attributes:
        bootstrap_servers: the addresses of all brokers in one comma-separated string, as every client takes them.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self.bootstrap_servers: str = ",".join(broker.address for broker in backend.brokers())
        self._topics = TopicReader(self.bootstrap_servers)
        # Not a method of self: the finalizer must not keep the cluster alive. It also runs when Python ends.
        self._finalizer = weakref.finalize(self, _close, backend, self._topics)

    @property
    def brokers(self) -> list[Broker]:
        """The brokers by node id."""
        return self._backend.brokers()

    @property
    def data_dir(self) -> str | None:
        """The folder of the brokers' logs on this computer; None when they are elsewhere."""
        return self._backend.data_dir

    def topics(self) -> dict[str, Topic]:
        """The topics by name, internal ones included, as the brokers describe them now.

        Raises:
            ClusterClosedError: the cluster is closed, or its process ended.
            kafka.errors.KafkaError: the brokers answered with an error.
        """
        self._check_running()
        return self._topics.read()

    def close(self) -> None:
        """End the whole cluster; harmless when called again."""
        self._finalizer()

    def _check_running(self) -> None:
        if not self._finalizer.alive:
            raise ClusterClosedError("This cluster is closed: start a new one with kit.start().")
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
            f"<tr><td>{broker.node_id}</td><td><code>{escape(broker.address)}</code></td>"
            f"<td>{'alive' if broker.is_alive else 'down'}</td></tr>"
            for broker in self.brokers
        )
        return (
            f"<table><caption>Kafka cluster, {escape(self._backend.name)}, {escape(self._state())}</caption>"
            f'<thead><tr><th scope="col">broker</th><th scope="col">address</th><th scope="col">state</th></tr></thead>'
            f"<tbody>{rows}</tbody></table>"
        )


def _close(backend: Backend, topics: TopicReader) -> None:
    topics.close()
    backend.close()
