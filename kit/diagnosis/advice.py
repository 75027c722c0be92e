"""The command that gets a program on this operating system."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

# Keyed by the package manager's command; what stands before the packages' names.
_MANAGERS = {
    "apt-get": "sudo apt-get install",
    "dnf": "sudo dnf install",
    "pacman": "sudo pacman -S",
    "zypper": "sudo zypper install",
    "apk": "sudo apk add",
    "brew": "brew install",
    "winget": "winget install",
}
_PACKAGES = {
    "kcat": {"": "kcat"},
    "java": {
        "apt-get": "default-jre-headless",
        "dnf": "java-latest-openjdk-headless",
        "pacman": "jre-openjdk-headless",
        "zypper": "java-21-openjdk-headless",
        "apk": "openjdk21-jre-headless",
        "brew": "openjdk",
        "winget": "EclipseAdoptium.Temurin.21.JRE",
    },
}
_NOT_IN = {("winget", "kcat"), ("dnf", "kcat")}


def install(program: str) -> str | None:
    """The command that installs a program; None where this computer's package manager has none.

    Args:
        program: "kcat" or "java".
    """
    manager = next((each for each in _MANAGERS if shutil.which(each)), None)
    if manager is None or (manager, program) in _NOT_IN:
        return None
    packages = _PACKAGES[program]
    before = _MANAGERS[manager]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        before = before.removeprefix("sudo ")
    return f"{before} {packages.get(manager, packages.get('', program))}"


def install_packages(names: list[str]) -> str:
    """The command that installs Python packages into the Python that runs now."""
    if (Path(sys.prefix) / "conda-meta").is_dir():
        return f"conda install -c conda-forge {' '.join(names)}"
    python = f'"{sys.executable}"' if " " in sys.executable else sys.executable
    return f"{python} -m pip install {' '.join(names)}"
