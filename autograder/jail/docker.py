"""The jail of a Docker container, for machines that have no Linux of their own."""

from __future__ import annotations

import shutil


def missing() -> str | None:
    """Why there is no such jail here; None when there is one."""
    if shutil.which("docker") is None:
        return "the program docker is not installed"
    return "not built yet"
