"""The process that has the clusters of an arena: ``python -m autograder.arena.host``.

Where the system allows it, it lives in a user and a network namespace of its own: its clusters listen on a 127.0.0.1
that only a jail shares which joins that network. It speaks with its starter alone, over its stdin and stdout, one JSON
object a line; no jail has these pipes. It ends with its stdin.

From the starter: ``{"id": 1, "command": "...", "args": {...}}``, answered in turn by ``{"id": 1, "result": ...}`` or
``{"id": 1, "error": "..."}``. The commands are the methods of `Host` without an underscore in front.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Mapping
from typing import Any

from autograder.arena.moving_apart import moved_apart
from kit.backends import Backend
from kit.backends.broker_link import BrokerLink, LinkError
from kit.backends.embedded import EmbeddedBackend
from kit.errors import FaultError, KitError
from kit.wire import messages as m
from kit.wire.errors import ErrorCode

CREATE_TOPICS = 19
_PATIENCE_S = 10.0
_FAULTS_S = 60.0  # a container engine takes long on a busy computer
_LOOK_AGAIN_S = 0.01
CONFIG = {
    "offsets.topic.num.partitions": 1,
    "group.min.session.timeout.ms": 500,
    "group.initial.rebalance.delay.ms": 0,
    "auto.create.topics.enable": False,
    "log.cleaner.enable": False,
}
"""What a cluster of the arena has besides the defaults of embedded ones: one place for all offsets, nothing that waits
for its own sake, and a log that keeps everything that was committed."""

PASSED_ON = ("kill", "restart", "heal", "state", "release", "settled", "fired", "forget_members", "place", "quiet")


class Host:
    """One cluster at a time, and what is asked about it."""

    def __init__(self) -> None:
        self._backend: Backend | None = None
        self._since_ms = 0

    def start(self, brokers: int, config: Mapping[str, Any]) -> dict[str, Any]:
        """Start a cluster, in place of an earlier one; says where its brokers are."""
        self.stop()
        self._backend = backend = EmbeddedBackend(
            brokers=brokers, controllers=1, port=None, data_dir=None, config={**CONFIG, **config}
        )
        return {
            "bootstrap_servers": backend.client_settings["bootstrap_servers"],
            "ports": [each.port for each in backend.brokers()],
            "cluster": {"kind": "embedded", "unseen": None},
        }

    def stop(self) -> None:
        """End the cluster; harmless without one."""
        backend, self._backend = self._backend, None
        if backend is not None:
            backend.close()

    def close(self) -> None:
        """End everything that there is."""
        self.stop()

    def create_topic(self, name: str, partitions: int, replicas: int, config: Mapping[str, str]) -> None:
        """Make a topic; broker 1 leads partition 0, broker 2 partition 1, and so on, in every run alike."""
        ids = [each.node_id for each in self._cluster().brokers()]
        places = [
            m.CreatableReplicaAssignment(
                partition_index=index,
                broker_ids=[ids[(index + step) % len(ids)] for step in range(replicas)],
            )
            for index in range(partitions)
        ]
        topic = m.CreatableTopic(
            name=name,
            num_partitions=-1,
            replication_factor=-1,
            assignments=places,
            configs=[m.CreatableTopicConfig(name=key, value=str(value)) for key, value in config.items()],
        )
        give_up_s = time.monotonic() + _PATIENCE_S
        first = self._cluster().brokers()[0]
        plain = {"security_protocol": "PLAINTEXT"}
        with BrokerLink(first.host, first.port, plain, None, give_up_s) as link:
            answer = link.ask(CREATE_TOPICS, m.CreateTopicsRequest(topics=[topic], timeout_ms=8000), give_up_s)
        code = ErrorCode(answer.topics[0].error_code)
        if code is not ErrorCode.NONE:
            raise KitError(f"Topic {name} cannot be made: {code.name} {answer.topics[0].error_message or ''}")
        self.wait_until_settled()

    def fill(self, topic: str, records: list[list[str]]) -> None:
        """Write records, [key, value], as any producer would."""
        from kafka import KafkaProducer  # only some runs need it

        producer = KafkaProducer(
            bootstrap_servers=self._cluster().client_settings["bootstrap_servers"], acks="all", enable_idempotence=True
        )
        sent = [producer.send(topic, key=key.encode(), value=value.encode()) for key, value in records]
        producer.flush()
        producer.close()
        if not all(each.succeeded() for each in sent):
            raise KitError(f"Topic {topic} could not be filled.")

    def wait_until_settled(self) -> bool:
        """Wait until every partition has a leader and every record is committed; False after ten seconds."""
        give_up_s = time.monotonic() + _PATIENCE_S
        while not self._ask("settled", {}):
            if time.monotonic() > give_up_s:
                return False
            time.sleep(_LOOK_AGAIN_S)
        return True

    def finish(self) -> bool:
        """Mend whatever was harmed, and wait until it is; False when that takes too long."""
        self._wait_for_faults()  # with those that come after them
        # What a rule waits for may come with the mending, and must harm nothing then.
        self._ask("witness", {"rules": []})
        self._wait_for_faults()
        self._ask("release", {})
        return self._is_mended() and self.wait_until_settled()

    def _is_mended(self) -> bool:
        """Mend links and nodes, until nothing is left to be mended; whether that came."""
        give_up_s = time.monotonic() + _FAULTS_S
        while True:
            state = self._ask("state", {})
            harmed = {int(node_id): word for node_id, word in state["nodes"].items() if word != "up"}
            if not state["links"]["texts"] and not harmed:
                return True
            if time.monotonic() > give_up_s:
                return False
            if state["links"]["texts"]:
                self._ask("heal", {})
            for node_id, word in harmed.items():
                with contextlib.suppress(FaultError):  # it is on its way up: a busy engine tells that late
                    self._ask("resume" if word == "paused" else "restart", {"node_id": node_id})
            time.sleep(_LOOK_AGAIN_S)

    def _wait_for_faults(self) -> None:
        """Let the faults of rules that have fired be made: who mends meanwhile gets in their way."""
        give_up_s = time.monotonic() + _FAULTS_S
        while self._ask("busy", {}) and time.monotonic() < give_up_s:
            time.sleep(_LOOK_AGAIN_S)

    def witness(self, rules: list[dict[str, Any]]) -> None:
        """Write down what clients do from now on, and let these rules act."""
        self._ask("witness", {"rules": rules})

    def seen(self) -> dict[str, Any]:
        """Everything that is known about what happened."""
        return {**self._ask("witnessed", {}), "timeline": self._ask("timeline", {"since_ms": self._since_ms})}

    def _cluster(self) -> Backend:
        if self._backend is None:
            raise KitError("There is no cluster: start one.")
        return self._backend

    def _ask(self, command: str, arguments: Mapping[str, Any]) -> Any:
        return self._cluster().ask(command, arguments)

    def call(self, command: str, arguments: Mapping[str, Any]) -> Any:
        """Carry out a command of the starter."""
        if command in PASSED_ON:
            return self._ask(command, arguments)
        return getattr(self, command)(**arguments)


def main() -> int:
    """Serve an embedded cluster until stdin ends, in a network apart unless that was not wanted."""
    is_apart, why_not = (False, "it was not wanted") if "--plain" in sys.argv else moved_apart()
    return serve(Host(), {"pid": os.getpid(), "is_apart": is_apart, "why_not": why_not})


def serve(host: Host, known: Mapping[str, Any]) -> int:
    """Tell the starter what is known so far, and carry out its commands until stdin ends."""
    _say(known)
    try:
        for line in sys.stdin:
            message = json.loads(line)
            try:
                answer = {"result": host.call(message["command"], message["args"])}
            except (KitError, LinkError, OSError) as error:
                answer = {"error": f"{type(error).__name__}: {error}"}
            _say({"id": message["id"], **answer})
    finally:
        host.close()
    return 0


def _say(message: Mapping[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
