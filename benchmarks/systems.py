"""The Kafkas that are compared, and what their processes cost."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

import kit

# The benchmark writes more than the kit's bounded disk would keep; every other setting is what a user gets.
UNBOUNDED = {"log.retention.bytes": -1, "kit.log.total.bytes": -1, "log.segment.bytes": 1 << 30}


@dataclass(frozen=True)
class System:
    """A running Kafka.

    Attributes:
        bootstrap_servers: one comma-separated string.
        pids: the processes of its brokers, for CPU and memory.
        replicas: of each topic that is made on it.
    """

    name: str
    bootstrap_servers: str
    pids: tuple[int, ...]
    replicas: int = 1

    def cpu_s(self) -> float:
        """CPU seconds (user and system) that its processes have used so far."""
        return sum(map(_cpu_s, self.pids))

    def memory_mb(self) -> float:
        """Resident memory of its processes, in MB (10**6 bytes)."""
        return sum(psutil.Process(pid).memory_info().rss for pid in self.pids) / 1e6


def _cpu_s(pid: int) -> float:
    """From the scheduler's nanoseconds where the kernel tells them: process times come in steps of 10 ms."""
    tasks = list(Path(f"/proc/{pid}/task").glob("*/schedstat"))
    if tasks:
        return sum(int(task.read_text().split()[0]) for task in tasks) / 1e9
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


def parse_peer(text: str) -> System:
    """Read ``NAME=HOST:PORT[,HOST:PORT...]@PID[,PID...]``; ``ValueError`` says what is missing."""
    name, equals, rest = text.partition("=")
    servers, at, pids = rest.partition("@")
    if not (equals and at and servers and pids):
        raise ValueError(f"{text!r} is not NAME=HOST:PORT@PID, for example 'Apache Kafka=127.0.0.1:29092@4711'")
    return System(name, servers, tuple(int(pid) for pid in pids.split(",")))


@contextmanager
def ours(backend: str, brokers: int, data_dir: Path) -> Iterator[System]:
    """This kit's cluster, its logs below ``data_dir`` (an ordinary disk, not tmpfs).

    Args:
        backend: of `kit.start`, "embedded" or "processes".
    """
    others = {child.pid for child in psutil.Process().children()}
    with kit.start(backend, brokers=brokers, data_dir=data_dir, config=UNBOUNDED) as cluster:
        pids = tuple(child.pid for child in psutil.Process().children() if child.pid not in others)
        yield System(backend, cluster.bootstrap_servers, pids)
