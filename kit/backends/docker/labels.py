"""What is written on every container and network of ours, so that they are found again, and their owner with them."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Mapping

CLUSTER = "kafka-kit.cluster"
NODE = "kafka-kit.node"
OWNER = "kafka-kit.owner"


def of_cluster(name: str) -> dict[str, str]:
    """The labels of all that belongs to a cluster of this process."""
    return {CLUSTER: name, OWNER: json.dumps(this_process())}


def this_process() -> dict[str, object]:
    """This process, so that no other can be taken for it: process ids come again, on other computers too."""
    pid = os.getpid()
    return {"pid": pid, "started": _started(pid), "host": _host()}


def has_dead_owner(labels: Mapping[str, str]) -> bool:
    """Whether the process that made it surely is no more; of another computer's process nobody here knows."""
    try:
        owner = json.loads(labels[OWNER])
        pid, started, host = owner["pid"], owner["started"], owner["host"]
    except (KeyError, TypeError, ValueError):  # whoever writes such labels knows what they are for
        return False
    if host != _host() or started is None or not isinstance(pid, int):
        return False
    return bool(_started(pid) != started)


def _host() -> str:
    # The platform belongs to it: Windows and its Linux share a name and an engine, but no process ids.
    return f"{socket.gethostname()}/{sys.platform}"


def _started(pid: int) -> float | None:
    """When a process began, in seconds since 1970; 0 when there is none, None when nobody can tell."""
    try:
        import psutil  # comes with ipykernel
    except ImportError:
        return None
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return 0.0
        return round(process.create_time(), 1)
    except psutil.NoSuchProcess:
        return 0.0
    except psutil.Error:
        return None
