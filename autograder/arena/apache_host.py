"""The process that has clusters of Apache Kafka for an arena: ``python -m autograder.arena.apache_host``.

It does what `autograder.arena.host` does, with brokers in containers (`kit.backends.docker`) and a proxy in front of
them, which sees what clients ask and are answered. The proxy's doors are in a network of their own, where the system
allows it; this process is not, for it needs the engine.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from autograder.arena.apache_ground import ApacheGround
from autograder.arena.apache_sight import FETCH, ApacheSight
from autograder.arena.doors import LOOPBACK, Doors
from autograder.arena.host import CONFIG, Host, serve
from autograder.arena.proxy import Proxy, Reply
from autograder.judge.tampering import BETWEEN_BROKERS, CHANGES
from kit.backends.docker.backend import DockerBackend
from kit.broker.broker import InvalidRequest, Peer
from kit.broker.witness import Witness
from kit.broker.witness.describe import OFFSET_COMMIT, PRODUCE
from kit.broker.witness.journal import api_name
from kit.errors import KitError
from kit.wire import codec

_MOST_BROKERS = 5
_WARM_UP = "warm-up"
_TIMERS = {"broker.session.timeout.ms": 2000, "broker.heartbeat.interval.ms": 250, "replica.lag.time.max.ms": 3000}
UNSEEN = (
    "Apache's brokers tell nobody what happens among them: the timeline has what was seen by asking twice a second, "
    "and nothing of what a follower truncated. Requests are seen by a proxy in front of each broker."
)


class ApacheHost(Host):
    """One cluster of Apache Kafka at a time.

    Starting four JVMs takes longer than most runs: so after a run that ended well the brokers stay, and the next one
    finds them swept, unless the student changed anything about the cluster.
    """

    def __init__(self, doors: Doors) -> None:
        super().__init__()
        self._doors = doors
        self._apache: DockerBackend | None = None
        self._stage: _Stage | None = None
        self._made_for: tuple[int, dict[str, Any]] | None = None
        self._is_clean = False

    def start(self, brokers: int, config: Mapping[str, Any]) -> dict[str, Any]:
        """See `Host.start`."""
        self.stop()
        wanted = (brokers, dict(config))
        ports = self._doors.ports[:brokers]
        if wanted != self._made_for or not self._is_clean:
            self.close()
            self._apache = DockerBackend(
                brokers=brokers,
                controllers=1,
                port=None,
                data_dir=None,
                config={**_TIMERS, **CONFIG, **config},
                proxies=ports,
            )
            self._made_for = wanted
        assert self._apache is not None
        self._begin(self._apache, is_new=not self._is_clean)
        servers = ",".join(f"{LOOPBACK}:{port}" for port in ports)
        cluster = {"kind": "docker", "image": self._apache.image, "unseen": UNSEEN}
        return {"bootstrap_servers": servers, "ports": ports, "cluster": cluster}

    def _begin(self, apache: DockerBackend, *, is_new: bool) -> None:
        self._backend, self._is_clean = apache, False
        self._stage = stage = _Stage(apache, self._doors)
        num_brokers = len(apache.brokers())
        if is_new:
            self.create_topic(_WARM_UP, num_brokers, num_brokers, {})
            self.fill(_WARM_UP, [[str(number), "a record for the JVM's sake"] for number in range(50)])
            stage.sight.make_coordinator()
        if not stage.sight.sweep():
            raise KitError("The cluster cannot be made ready for a run: its topics do not go away.")
        self._since_ms = time.time_ns() // 1_000_000

    def stop(self) -> None:
        """End a run; the brokers stay if they are as they were."""
        stage, self._stage = self._stage, None
        if stage is not None:
            stage.close()
        self._backend = None
        if not self._is_clean:
            self._end_apache()

    def close(self) -> None:
        """See `Host.close`."""
        self._is_clean = False
        self.stop()

    def _end_apache(self) -> None:
        apache, self._apache = self._apache, None
        if apache is not None:
            apache.close()

    def finish(self) -> bool:
        """See `Host.finish`."""
        self._is_clean = super().finish()
        return self._is_clean

    def _wait_for_faults(self) -> None:
        super()._wait_for_faults()
        if self._stage is not None:
            self._stage.ground.wait()

    def seen(self) -> dict[str, Any]:
        """See `Host.seen`."""
        found = super().seen()
        if any(entry["api"] in CHANGES for entry in found["entries"]):
            self._is_clean = False
        return found

    def _ask(self, command: str, arguments: Mapping[str, Any]) -> Any:
        stage = self._stage
        if stage is not None and command in stage.commands:
            return stage.commands[command](**arguments)
        return super()._ask(command, arguments)


class _Stage:
    """A cluster with its proxy and its witness.

    Attributes:
        sight: what is seen by asking.
        ground: what the witness stands on.
        commands: those of `kit.broker.witness.commands`, by name.
    """

    def __init__(self, backend: DockerBackend, doors: Doors) -> None:
        self.sight = ApacheSight({each.node_id: each.port for each in backend.brokers()})
        self._proxy = Proxy(backend.front_ports, self._receive)
        self.ground = ApacheGround(backend, self.sight, self._proxy)
        self._witness = Witness(self.ground, self._proxy.loop.clock, self._serve)
        self.commands: Mapping[str, Callable[..., Any]] = {
            "witness": lambda rules: self._in_loop(lambda: self._witness.follow(rules)),
            "witnessed": lambda: self._in_loop(self._witness.dump),
            "fired": lambda: self._in_loop(lambda: list(self._witness.fired)),
            "release": lambda: self._in_loop(self._witness.release),
            "place": lambda: self._in_loop(self._witness.journal.next_place),
            "quiet": lambda: self._in_loop(self._witness.journal.quiet),
            "busy": lambda: self._in_loop(lambda: self._witness.is_busy),
            "settled": self.sight.is_settled,
            "forget_members": self.sight.forget_members,
        }
        listening = doors.opened(len(backend.front_ports))
        self._proxy.open(dict(zip(sorted(backend.front_ports), listening, strict=True)))

    def close(self) -> None:
        """End the proxy, and all that was asked of the brokers; they are still there."""
        self._proxy.close()
        self.ground.close()
        self.sight.close()

    def _in_loop(self, deed: Callable[[], Any]) -> Any:
        try:
            return self._proxy.call(deed)
        except TimeoutError as error:
            raise KitError(str(error)) from error

    def _receive(self, node_id: int, frame: memoryview, peer: Peer) -> Reply:
        return self._witness.receive(node_id, frame, peer)

    def _serve(self, node_id: int, frame: memoryview, peer: Peer) -> Reply:
        return self._proxy.forward(node_id, frame, peer, has_answer=has_answer(frame))


def has_answer(frame: memoryview) -> bool:
    """Whether a broker will answer this request of a client's.

    Raises:
        InvalidRequest: no client may send it, or nobody could see what is in it.
    """
    try:
        header, position = codec.decode_request_header(frame)
        name = api_name(header.api_key)
        if name in BETWEEN_BROKERS:
            raise InvalidRequest(f"{name} is a request that only brokers send one another")
        if header.api_key not in (PRODUCE, FETCH, OFFSET_COMMIT):
            return True
        request = codec.decode_request(header.api_key, header.api_version, frame, position)
    except codec.DecodeError as error:
        raise InvalidRequest(f"the request cannot be read: {error}") from error
    if header.api_key == FETCH and max(request.replica_id, request.replica_state.replica_id) >= 0:
        raise InvalidRequest("Fetch with a replica's id is for brokers only")
    return header.api_key != PRODUCE or request.acks != 0


def main() -> int:
    """Serve until stdin ends."""
    doors = Doors(_MOST_BROKERS, apart="--plain" not in sys.argv)
    try:
        known = {"pid": doors.pid, "is_apart": doors.is_apart, "why_not": doors.why_not}
        return serve(ApacheHost(doors), known)
    finally:
        doors.close()


if __name__ == "__main__":
    sys.exit(main())
