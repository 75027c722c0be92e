"""A live embedded broker, and a witness that tells whether it is still in order."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator

import psutil
import pytest

import kit
from kit.wire import codec
from kit.wire import messages as m
from tests.support.processes import traces_of

API_VERSIONS = 18


class Target:
    """One broker under attack.

    Args:
        cluster: of one broker.
    """

    def __init__(self, cluster: kit.Cluster) -> None:
        self.address = (cluster.brokers[0].host, cluster.brokers[0].port)
        found = traces_of([self.address[1]], cluster.data_dir)
        self.process = psutil.Process(found.pid)
        self._log = (found.data_dir / "server.log").open("rb")
        self._witness = self.connect()
        self._ask(3, 4, m.MetadataRequest(topics=[m.MetadataRequestTopic(name="target")]))  # makes the topic

    def connect(self) -> socket.socket:
        """A new connection."""
        return socket.create_connection(self.address, timeout=20)

    def send(self, data: bytes) -> bytes:
        """Send bytes on a connection of their own; returns what came back before the broker closed it.

        The broker sees the end of the connection behind the bytes, so it closes even when a reply would come late.
        """
        received = bytearray()
        with self.connect() as client:
            try:
                client.sendall(data)
                client.shutdown(socket.SHUT_WR)
                while data := client.recv(65_536):
                    received += data
            except (ConnectionResetError, BrokenPipeError):
                pass  # it may close while bytes are still on their way
        return bytes(received)

    def check(self) -> None:
        """Another connection still gets answers, and nothing failed inside the broker since the last call."""
        correlation_id = self._ask(API_VERSIONS, 0, m.ApiVersionsRequest())
        failures = [line for line in self._log.read().decode().split("\n20") if " ERROR " in line]

        assert correlation_id == 7
        assert not failures, failures[0]

    def _ask(self, api_key: int, api_version: int, request: m.Message) -> int:
        self._witness.sendall(codec.encode_request(api_key, api_version, 7, "witness", request))
        with self._witness.makefile("rb") as replies:
            (size,) = struct.unpack(">i", replies.read(4))
            return codec.decode_response(api_key, api_version, memoryview(replies.read(size)))[0]

    def log(self) -> str:
        """What the broker logged since the last look."""
        return self._log.read().decode()

    def memory_bytes(self) -> int:
        """What the broker's process holds in memory."""
        return int(self.process.memory_info().rss)

    def close(self) -> None:
        """Let go of the broker."""
        self._witness.close()
        self._log.close()


@pytest.fixture
def target() -> Iterator[Target]:
    """A fresh broker with small limits on what a request may make it do."""
    with kit.start(brokers=1, config={"num.partitions": 2, "offsets.topic.num.partitions": 3}) as cluster:
        attacked = Target(cluster)
        yield attacked
        attacked.check()
        attacked.close()


def examples(number: int) -> int:
    """How many examples to try: ``KIT_FUZZ_FACTOR=20`` makes a long run of a short one."""
    return number * int(os.environ.get("KIT_FUZZ_FACTOR", "1"))
