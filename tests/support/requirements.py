"""Real parts that some tests need: a browser, Java, Apache Kafka's jars, ...

On a developer's machine a test without its part is skipped, with the reason in words. In CI every part is there, so
``KIT_REQUIRE_ALL=1`` turns the skip into a failure: a part that went missing must not pass for a green run.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest


def need(part: str) -> str:
    """Return where a real part is, or end the test here: skipped, or failed when ``KIT_REQUIRE_ALL=1``.

    Args:
        part: a key of `PARTS`.

    Returns:
        The path of the executable; for ``kafka-distribution`` the path of its folder.

    Raises:
        KeyError: no such part; a slip in the test.
    """
    look, advice = PARTS[part]
    found = look()
    if found is None:
        missing(part, advice)
    return found


def missing(part: str, advice: str) -> NoReturn:
    """End the test here because a part is missing: skipped, or failed when ``KIT_REQUIRE_ALL=1``."""
    reason = f"this test needs {part}, which is not here: {advice}"
    if os.environ.get("KIT_REQUIRE_ALL") == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def _executable(*names: str) -> Callable[[], str | None]:
    return lambda: next(filter(None, map(shutil.which, names)), None)


@functools.cache
def _docker() -> str | None:
    """The command, if an engine answers it: an installed client alone can start nothing."""
    docker = shutil.which("docker")
    if docker is None:
        return None
    try:
        answer = subprocess.run([docker, "info"], capture_output=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return docker if answer.returncode == 0 else None


def _kafka_distribution() -> str | None:
    folder = os.environ.get("KIT_KAFKA_DISTRIBUTION", "")
    return folder if folder and (Path(folder) / "bin" / "kafka-dump-log.sh").exists() else None


PARTS: dict[str, tuple[Callable[[], str | None], str]] = {
    "bubblewrap": (_executable("bwrap"), "install the package `bubblewrap`"),
    "chromium": (_executable("chromium", "chromium-browser", "google-chrome"), "install Chromium or Chrome"),
    "docker": (_docker, "install Docker and start its engine"),
    "java": (_executable("java"), "install a Java runtime, 17 or newer"),
    "kafka-distribution": (
        _kafka_distribution,
        "unpack Apache Kafka's binary download and set KIT_KAFKA_DISTRIBUTION to its folder",
    ),
    "kcat": (_executable("kcat", "kafkacat"), "install the package `kcat`"),
    "libreoffice": (_executable("soffice", "libreoffice"), "install the package `libreoffice-impress`"),
    "node": (_executable("node", "nodejs"), "install Node.js"),
}
