"""Apache's brokers as the ground of a witness, and what makes the faults of a plan happen to them."""

from __future__ import annotations

import contextlib
import threading
import uuid
from collections.abc import Iterator
from typing import Any

from autograder.arena.apache_sight import ApacheSight
from autograder.arena.proxy import Proxy
from kit.backends.broker_link import LinkError
from kit.backends.docker.backend import DockerBackend
from kit.broker.faults import FaultError
from kit.errors import KitError

_LOOK_S = 0.1
_END_S = 120.0
_SLOW = ("restart", "stop")  # the world does not stand still until a JVM has started, or has handed over what it leads


class ApacheGround:
    """A `kit.broker.witness.ground.Ground`: what a watching thread saw a moment ago, and the engine's faults.

    Args:
        backend: runs the brokers.
        proxy: in front of them.
    """

    def __init__(self, backend: DockerBackend, sight: ApacheSight, proxy: Proxy) -> None:
        self._backend = backend
        self._sight = sight
        self._proxy = proxy
        self._down: set[int] = set()
        self._wanted: dict[tuple[str, int], int] = {}
        self._slow: list[threading.Thread] = []
        self._is_over = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="arena: watching Apache Kafka", daemon=True)
        self._watcher.start()

    def close(self) -> None:
        """Watch no more, and wait for nodes that are on their way up or down."""
        self._is_over.set()
        self._watcher.join()
        self.wait()

    def wait(self) -> None:
        """Wait for nodes that are on their way up or down."""
        for each in self._slow:
            each.join(_END_S)
        self._slow.clear()

    def _watch(self) -> None:
        while not self._is_over.wait(_LOOK_S):
            with contextlib.suppress(LinkError):
                self._sight.look()
                for topic, partition in list(self._wanted):
                    self._wanted[topic, partition] = self._sight.high_watermark(topic, partition)

    # -- what it sees ----------------------------------------------------------------------------------------------

    def topic_name(self, topic_id: uuid.UUID) -> str | None:
        """See `Ground.topic_name`."""
        return self._sight.topic_name(topic_id)

    def is_up(self, node_id: int) -> bool:
        """See `Ground.is_up`."""
        return node_id not in self._down

    def leader(self, topic: str, partition: int) -> int | None:
        """See `Ground.leader`."""
        return self._sight.leader(topic, partition)

    def high_watermark(self, topic: str, partition: int) -> int:
        """See `Ground.high_watermark`; -1 until it has been looked at, which begins with the first question."""
        return self._wanted.setdefault((topic, partition), -1)

    def controller(self) -> int | None:
        """See `Ground.controller`."""
        with _own_words():
            found: int | None = self._backend.ask("state", {})["controller"]
        return found

    def brokers(self) -> list[int]:
        """See `Ground.brokers`."""
        return [each.node_id for each in self._backend.brokers()]

    def dump(self) -> dict[str, Any]:
        """See `Ground.dump`. Raises `LinkError`."""
        self._sight.look()
        return {"logs": self._sight.logs(), "described": self._sight.topics(), "commits": self._sight.commits()}

    # -- what it does ----------------------------------------------------------------------------------------------

    def harm(self, fault: str, node_id: int) -> None:
        """See `Ground.harm`; a restart or a stop has only begun then."""
        if fault in _SLOW:
            thread = threading.Thread(target=self._slowly, args=(fault, node_id), name=f"arena: {fault}", daemon=True)
            self._slow.append(thread)
            thread.start()
            return
        with _own_words():
            self._backend.ask(fault, {"node_id": node_id})
        if fault == "kill":
            self._down.add(node_id)
            self._proxy.refuse(node_id)

    def _slowly(self, fault: str, node_id: int) -> None:
        with contextlib.suppress(KitError):  # `finish` will find it down, and start it
            self._backend.ask(fault, {"node_id": node_id})
            if fault == "restart":
                self._proxy.loop.call_soon_threadsafe(lambda: self._is_back(node_id))

    def _is_back(self, node_id: int) -> None:
        self._down.discard(node_id)
        self._proxy.admit(node_id)

    def cut(self, groups: list[list[int]]) -> None:
        """See `Ground.cut`."""
        with _own_words():
            self._backend.ask("cut", {"groups": groups, "one_way": False, "clients": None})

    def heal(self) -> None:
        """See `Ground.heal`."""
        with _own_words():
            self._backend.ask("heal", {})


@contextlib.contextmanager
def _own_words() -> Iterator[None]:
    """Say in a witness's words what the engine cannot do. Raises `FaultError`."""
    try:
        yield
    except KitError as error:
        raise FaultError(str(error)) from error
