"""Apache Kafka's own command line tools, unmodified, against any cluster."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.requirements import need

_TIMEOUT_S = 100  # far above what a tool needs: only a failure ever reaches it
_ENVIRONMENT = {"KAFKA_HEAP_OPTS": "-Xmx128m"}


class JavaTools:
    """The tools of a distribution, each of which is a Java process that takes a second or two to start.

    Args:
        bootstrap_servers: ``host:port,host:port``.
    """

    def __init__(self, bootstrap_servers: str) -> None:
        need("java")
        self._bin = Path(need("kafka-distribution")) / "bin"
        self._bootstrap_servers = bootstrap_servers

    def _command(self, tool: str, args: tuple[str | Path, ...]) -> list[str]:
        name, *sub_command = tool.split()
        return [
            str(self._bin / f"{name}.sh"), *sub_command, "--bootstrap-server", self._bootstrap_servers, *map(str, args),
        ]  # fmt: skip

    def run(self, tool: str, *args: str | Path, status: int = 0) -> str:
        """What a tool prints when it ends with this exit status.

        Args:
            tool: its name, with its sub-command if that comes first: "kafka-cluster list-endpoints".
        """
        done = subprocess.run(
            self._command(tool, args),
            env={**os.environ, **_ENVIRONMENT},
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
        )
        assert done.returncode == status, f"{tool} {args} ended with {done.returncode}: {done.stdout}{done.stderr}"
        return done.stdout

    @contextlib.contextmanager
    def events(self, tool: str, *args: str | Path) -> Iterator[Iterator[dict[str, Any]]]:
        """What a tool that prints a JSON object a line says, as it says it; it is told to end with the block."""
        with subprocess.Popen(
            self._command(tool, args),
            env={**os.environ, **_ENVIRONMENT},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as process:
            assert process.stdout is not None
            try:
                yield (json.loads(line) for line in process.stdout if line.startswith("{"))
            finally:
                process.terminate()


def partitions_in(printed: str) -> dict[str, dict[str, str]]:
    """The partitions that ``kafka-topics.sh --describe`` prints: "topic-partition" -> name of the field -> value."""
    found = {}
    for line in printed.splitlines():
        fields = dict(field.partition(":")[::2] for field in line.strip().split("\t"))
        if "Partition" in fields:
            stripped = {name: value.strip() for name, value in fields.items()}
            found[f"{stripped.pop('Topic')}-{stripped.pop('Partition')}"] = stripped
    return found
