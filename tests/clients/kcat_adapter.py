"""kcat as Debian packages it: an old librdkafka (2.0.2) behind a command line.

It cannot create a topic except by auto-creation, cannot set a timestamp, and commits when it leaves a group.
"""

# ruff: noqa: D102 - the base classes say what each method does

from __future__ import annotations

import itertools
import json
import queue
import re
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import IO

from tests.clients.foreign_client import (
    HEARTBEAT_INTERVAL_MS,
    REQUEST_TIMEOUT_S,
    SESSION_TIMEOUT_MS,
    ForeignClient,
    Incoming,
    Member,
    Outgoing,
    Placed,
    Refused,
)

DELIVERED = re.compile(r"^% Message delivered to partition (\d+) \(offset (\d+)\)", re.MULTILINE)
DELIVERY_FAILED = re.compile(r"^% Delivery failed for message: (.*)$", re.MULTILINE)
REBALANCED = re.compile(r"rebalanced \(memberid [^)]*\): (assigned|revoked): (.*)$")
OWNED = re.compile(r" \[(\d+)\]")
FOUND = re.compile(r" \[(\d+)\] offset (-?\d+)")
KEY_DELIMITER = "\t"
ERROR_CODES = {"Broker: Message size too large": 10}  # librdkafka's sentences for Kafka's codes, as far as used here


def _incoming(line: str) -> Incoming:
    envelope = json.loads(line)
    names_and_values = envelope.get("headers", [])
    headers = tuple(zip(names_and_values[::2], [value.encode() for value in names_and_values[1::2]], strict=True))
    key, value = (None if text is None else text.encode() for text in (envelope["key"], envelope["payload"]))
    return Incoming(envelope["partition"], envelope["offset"], envelope["ts"], key, value, headers)


def _line(record: Outgoing) -> str:
    """Return what kcat reads as one record; with -Z an empty value stands for null."""
    key = "" if record.key is None else record.key.decode() + KEY_DELIMITER
    return f"{key}{(record.value or b'').decode()}\n"


class KcatMember(Member):
    """``kcat -G``: records come on stdout, rebalances on stderr."""

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8"
        )
        self._records: queue.Queue[Incoming] = queue.Queue()
        self._owned: frozenset[int] = frozenset()
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._readers = [
            threading.Thread(target=self._read_records, args=(self._process.stdout,), daemon=True),
            threading.Thread(target=self._read_rebalances, args=(self._process.stderr,), daemon=True),
        ]
        for reader in self._readers:
            reader.start()

    def _read_records(self, stdout: IO[str]) -> None:
        for line in stdout:
            self._records.put(_incoming(line))

    def _read_rebalances(self, stderr: IO[str]) -> None:
        for line in stderr:
            if found := REBALANCED.search(line):
                assigned = found[2] if found[1] == "assigned" else ""
                self._owned = frozenset(int(partition) for partition in OWNED.findall(assigned))

    def assignment(self) -> frozenset[int]:
        return self._owned

    def poll(self) -> list[Incoming]:
        try:
            read = [self._records.get(timeout=0.1)]
        except queue.Empty:
            return []
        while not self._records.empty():
            read.append(self._records.get_nowait())
        return read

    def commit(self) -> None:
        """Nothing to do: kcat commits what it has printed when it leaves."""

    def leave(self) -> None:
        self._end(self._process.terminate)

    def vanish(self) -> None:
        """Die without a word to the coordinator, as when power fails."""
        self._end(self._process.kill)

    def _end(self, stop: Callable[[], None]) -> None:
        if self._process.poll() is None:
            stop()
        self._process.wait(REQUEST_TIMEOUT_S)
        for reader in self._readers:
            reader.join()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()


class Kcat(ForeignClient):
    """The kcat command.

    Args:
        bootstrap_servers: ``host:port,host:port``.
        executable: where kcat is.
        session_timeout_ms: after which a member that has died is missed.
    """

    def __init__(
        self, bootstrap_servers: str, executable: str, *, session_timeout_ms: int = SESSION_TIMEOUT_MS
    ) -> None:
        super().__init__(bootstrap_servers)
        self._session_timeout_ms = session_timeout_ms
        self._kcat = [executable, "-b", bootstrap_servers]

    def run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run kcat to its end; a failure of its own (no broker, bad arguments) is an error here too."""
        done = subprocess.run(
            [*self._kcat, *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=2 * REQUEST_TIMEOUT_S,
            check=False,
        )
        assert done.returncode == 0 or DELIVERY_FAILED.search(done.stderr), done.stderr
        return done

    def _join(self, group_id: str, topic: str, client_id: str, instance_id: str | None) -> KcatMember:
        settings: dict[str, object] = {
            "client.id": client_id,
            "auto.offset.reset": "earliest",
            "heartbeat.interval.ms": HEARTBEAT_INTERVAL_MS,
            "session.timeout.ms": self._session_timeout_ms,
        }
        if instance_id is not None:
            settings["group.instance.id"] = instance_id
        options = itertools.chain.from_iterable(("-X", f"{name}={value}") for name, value in settings.items())
        return KcatMember([*self._kcat, *options, "-J", "-u", "-G", group_id, topic])

    def partitions(self, topic: str) -> set[int]:
        (view,) = json.loads(self.run("-L", "-J", "-t", topic).stdout)["topics"]
        return {partition["partition"] for partition in view["partitions"]}

    def produce(
        self, topic: str, records: Sequence[Outgoing], *, compression: str = "none", idempotent: bool = False
    ) -> list[Placed]:
        settings = ("-X", f"enable.idempotence={str(idempotent).lower()}", "-X", "topic.acks=all", "-z", compression)
        placed: list[Placed] = []
        # One run of kcat for neighbours that differ in key and value only: the rest is given on the command line.
        for (keyed, headers, partition), alike in itertools.groupby(
            records, lambda record: (record.key is not None, record.headers, record.partition)
        ):
            options = ["-P", "-vvv", "-t", topic, *settings, "-X", "topic.produce.offset.report=true", "-Z"]
            options += ["-K", KEY_DELIMITER] if keyed else []
            options += [] if partition is None else ["-p", str(partition)]
            for name, value in headers:
                options += ["-H", f"{name}={value.decode()}"]
            done = self.run(*options, stdin="".join(map(_line, alike)))
            if failed := DELIVERY_FAILED.search(done.stderr):
                raise Refused(ERROR_CODES.get(failed[1], -1), failed[1])
            placed += [Placed(int(at), int(offset)) for at, offset in DELIVERED.findall(done.stderr)]
        return placed

    def consume(self, topic: str, count: int, *, start: Mapping[int, int] | None = None) -> list[Incoming]:
        if start is None:
            outputs = [self.run("-C", "-q", "-J", "-e", "-t", topic, "-o", "beginning").stdout]
        else:
            outputs = [
                self.run("-C", "-q", "-J", "-e", "-t", topic, "-p", str(partition), "-o", str(offset)).stdout
                for partition, offset in start.items()
            ]
        read = [_incoming(line) for output in outputs for line in output.splitlines()]
        # kcat itself ends at each partition's high watermark, so a record that is missing now is missing.
        assert len(read) >= count, f"kcat read {len(read)} records of {count}"
        return read

    def offsets_at(self, topic: str, timestamp_ms: int) -> dict[int, int | None]:
        asked = [("-t", f"{topic}:{partition}:{timestamp_ms}") for partition in self.partitions(topic)]
        found = FOUND.findall(self.run("-Q", *itertools.chain.from_iterable(asked)).stdout)
        return {int(partition): int(offset) if int(offset) >= 0 else None for partition, offset in found}
