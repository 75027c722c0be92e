"""Looks at this computer: other programs for Kafka, memory, disk, ports, and whose computer it is."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from kit.backends.ports import ReservedPort
from kit.diagnosis.advice import install
from kit.diagnosis.report import Finding
from kit.errors import StartError
from kit.service import running

TOOLS = "Other programs for Kafka (no lab needs them)"
SECTION = "This computer"
_MB = 1_000_000
_LOW_DISK_MB = 500
_LOW_MEMORY_MB = 300  # the embedded cluster, a kernel and JupyterLab
_KAFKA_PORT = 9092
_VERSION_TIMEOUT_S = 10.0


def look_at_tools() -> list[Finding]:
    """Programs that other people use with Kafka."""
    return [
        look_at_tool("kcat", ("kcat", "kafkacat"), "-V", "a Kafka client for shells"),
        look_at_tool("java", ("java",), "-version", "Apache Kafka's own command line tools, without containers"),
    ]


def look_at_tool(name: str, commands: tuple[str, ...], option: str, purpose: str) -> Finding:
    """A program, if it runs.

    Args:
        commands: its names, the usual one first.
        option: makes it say its version.
    """
    path = next(filter(None, map(shutil.which, commands)), None)
    if path is None:
        return Finding(TOOLS, name, "missing", "not installed", purpose, install(name))
    try:
        said = subprocess.run([path, option], capture_output=True, text=True, timeout=_VERSION_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding(TOOLS, name, "problem", f"{path} does not run: {error}", purpose, install(name))
    if said.returncode != 0:  # macOS has a java that only says how to get one
        return Finding(TOOLS, name, "missing", f"{path} is there, but does not run", purpose, install(name))
    lines = [line for line in (said.stdout + said.stderr).splitlines() if "version" in line.lower()]
    return Finding(TOOLS, name, "ok", lines[0].strip() if lines else path, purpose)


def look() -> list[Finding]:
    """Where we are, and how much room there is."""
    return [*look_at_place(os.environ), *_memory(), look_at_disk(), _port()]


def look_at_place(environment: Mapping[str, str]) -> list[Finding]:
    """Where notebooks run on somebody else's computer, and what that means."""
    is_binder = "BINDER_SERVICE_HOST" in environment or "BINDER_LAUNCH_HOST" in environment
    places = {
        "Binder": (is_binder, "everything here is gone when the session ends; there is no Docker"),
        "JupyterHub": (
            not is_binder and "JUPYTERHUB_API_TOKEN" in environment,
            "clusters run on the hub's computer: `kit up` works in its terminal, for notebooks of the same server",
        ),
        "Colab": ("COLAB_RELEASE_TAG" in environment, "everything here is gone when the session ends"),
        "Codespaces": (environment.get("CODESPACES") == "true", "clusters run in the codespace, not on your computer"),
        "WSL": ("microsoft" in platform.release().lower(), "programs of Windows reach these clusters at localhost"),
        "container": (Path("/.dockerenv").exists(), "this Python runs in a container: other computers cannot reach it"),
    }
    return [Finding(SECTION, name, "note", text) for name, (is_here, text) in places.items() if is_here]


def _memory() -> list[Finding]:
    free_mb = _free_memory_mb()
    if free_mb is None:
        return []
    is_low = free_mb < _LOW_MEMORY_MB
    text = f"{free_mb:,.0f} MB free" + ("; close some programs or stop other notebooks' kernels" if is_low else "")
    return [Finding(SECTION, "memory", "problem" if is_low else "ok", text, "clusters, kernels and JupyterLab")]


def _free_memory_mb() -> float | None:
    """What programs can still get, within the limit of a container; None where the system does not tell."""
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
        free = next(int(line.split()[1]) * 1_024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError):
        return None
    try:
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text("ascii"))
        used = int(Path("/sys/fs/cgroup/memory.current").read_text("ascii"))
    except (OSError, ValueError):  # no container, or "max"
        return free / _MB
    return min(free, max(limit - used, 0)) / _MB


def look_at_disk() -> Finding:
    """The room for temporary files."""
    place = tempfile.gettempdir()
    free_mb = shutil.disk_usage(place).free / _MB
    text = f"{free_mb:,.0f} MB free in {place}"
    if free_mb >= _LOW_DISK_MB:
        return Finding(SECTION, "disk", "ok", text, "the logs of temporary clusters")
    how = "set TEMP=D:\\temp" if os.name == "nt" else 'export TMPDIR="$HOME/tmp"'
    return Finding(SECTION, "disk", "problem", f"{text}: make room, or use another disk", command=how)


def _port() -> Finding:
    purpose = "`kit up` without --port"
    try:
        ReservedPort(_KAFKA_PORT).release()
    except StartError:
        ours = [each.name for each in running() if f":{_KAFKA_PORT}" in each.bootstrap_servers]
        who = f"the cluster {ours[0]}" if ours else "another program"
        return Finding(SECTION, f"port {_KAFKA_PORT}", "note", f"in use by {who}", purpose)
    return Finding(SECTION, f"port {_KAFKA_PORT}", "ok", "free", purpose)
