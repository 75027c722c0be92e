"""``python -m benchmarks.beside_apache LOOPBACK``: the same run with Apache Kafka started for it.

``LOOPBACK`` is a command that starts Apache Kafka on 127.0.0.1: ``LOOPBACK start FOLDER BROKERS FIRST_PORT`` prints
the bootstrap servers and leaves process ids in ``FOLDER/node-*/pid``; ``LOOPBACK stop FOLDER`` ends it. Further
arguments go to ``benchmarks.run``.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks import load, run
from benchmarks.systems import System

NAME = "Apache Kafka"


@contextmanager
def apache(loopback: str, folder: Path, brokers: int, first_port: int) -> Iterator[System]:
    """Start it, and stop it in the end."""
    command = [loopback, "start", str(folder), str(brokers), str(first_port)]
    started = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    if started.returncode:
        raise SystemExit(f"{' '.join(command)} failed (are its ports in use?):\n{started.stderr}{started.stdout}")
    try:
        pids = [int(path.read_text()) for path in sorted(folder.glob("node-*/pid"))]
        yield System(NAME, started.stdout.split()[-1], tuple(pids))
    finally:
        subprocess.run([loopback, "stop", str(folder)], check=True, timeout=120)


def as_argument(system: System) -> str:
    """What ``--peer`` takes."""
    return f"{system.name}={system.bootstrap_servers}@{','.join(map(str, system.pids))}"


def main(arguments: list[str]) -> None:
    """Idle and start figures first, with three Apache brokers; then load, with one."""
    if not arguments:
        raise SystemExit(__doc__)
    loopback, rest = arguments[0], arguments[1:]
    with ExitStack() as stack:
        disk = rest[rest.index("--folder") + 1] if "--folder" in rest else None
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="apache-", dir=disk)))
        with apache(loopback, folder, 1, 29092):
            pass  # now its jars are unpacked, which the start below must not pay for
        started = time.perf_counter()
        with apache(loopback, folder, 3, 29192) as three:
            load.first_ack(three.bootstrap_servers)
            starts = {NAME: time.perf_counter() - started}
            parts = ["--only", "idle", "--only", "start", "--peer-of-three", as_argument(three)]
            run.main([*parts, *_other_file(rest, "idle")], starts)
        with apache(loopback, folder, 1, 29092) as one:
            run.main(["--only", "latency", "--only", "throughput", "--peer", as_argument(one), *rest])


def _other_file(arguments: list[str], part: str) -> list[str]:
    """The same arguments, with ``--json FILE`` naming a file of its own for this part."""
    changed = list(arguments)
    if "--json" in changed:
        at = changed.index("--json") + 1
        path = Path(changed[at])
        changed[at] = str(path.with_name(f"{path.stem}-{part}{path.suffix}"))
    return changed


if __name__ == "__main__":
    main(sys.argv[1:])
