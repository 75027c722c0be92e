"""``python -m benchmarks.beside_apache LOOPBACK``: the same run with Apache Kafka started for it.

``LOOPBACK`` is a command that starts Apache Kafka on 127.0.0.1: ``LOOPBACK start FOLDER BROKERS FIRST_PORT`` prints
the bootstrap servers and leaves process ids in ``FOLDER/node-*/pid``; ``LOOPBACK stop FOLDER`` ends it. Further
arguments go to ``benchmarks.run``.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks import run

NAME = "Apache Kafka"


@contextmanager
def apache(loopback: str, folder: Path, brokers: int, first_port: int) -> Iterator[str]:
    """Start it; gives the ``--peer`` argument that names it."""
    command = [loopback, "start", str(folder), str(brokers), str(first_port)]
    started = subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)
    try:
        pids = ",".join(path.read_text().strip() for path in sorted(folder.glob("node-*/pid")))
        yield f"{NAME}={started.stdout.split()[-1]}@{pids}"
    finally:
        subprocess.run([loopback, "stop", str(folder)], check=True, timeout=120)


def main(arguments: list[str]) -> None:
    """Idle and start figures first, with three Apache brokers; then load, with one."""
    if not arguments:
        raise SystemExit(__doc__)
    loopback, rest = arguments[0], arguments[1:]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(dir=_disk(rest), prefix="apache-")))
        with apache(loopback, folder, 3, 29192) as three:
            run.main(["--only", "idle", "--only", "start", "--peer-of-three", three, *_other_file(rest, "idle")])
        with apache(loopback, folder, 1, 29092) as one:
            run.main(["--only", "latency", "--only", "throughput", "--peer", one, *rest])


def _disk(arguments: list[str]) -> str | None:
    """The folder that ``--folder`` names: both logs lie on the same disk."""
    return arguments[arguments.index("--folder") + 1] if "--folder" in arguments else None


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
