"""Looks at Python and the packages that the kit uses."""

from __future__ import annotations

import platform
import sys
from importlib import metadata

from kit.diagnosis.advice import install_packages
from kit.diagnosis.report import Finding

SECTION = "Python and its packages"
_NEEDED = (3, 11)
# What somebody who reads the report knows them as -> the packages, and what they are for.
_PACKAGES = {
    "Kafka client": (("kafka-python",), "what the labs teach"),
    "JupyterLab": (("jupyterlab",), "where the labs are opened"),
    "live views": (("ipywidgets", "anywidget", "plotly"), "what moves in notebooks"),
    "speed": (("crc32c", "lz4", "zstandard", "python-snappy"), "checksums and compression of records"),
    "assignments": (("nbgrader",), "released and collected by teachers"),
    "containers": (("testcontainers",), 'kit.start("docker")'),
}


def look() -> list[Finding]:
    """Python's version, and the packages' that are installed."""
    found = ".".join(map(str, sys.version_info[:3]))
    is_new_enough = sys.version_info >= _NEEDED
    python = Finding(
        SECTION,
        "Python",
        "ok" if is_new_enough else "problem",
        f"{found} on {platform.system()} {platform.machine()}, {sys.executable}",
        purpose=f"runs everything; {_NEEDED[0]}.{_NEEDED[1]} or newer",
    )
    kit = Finding(SECTION, "kit", "ok", _version("kafka-kit") or "from its source folder")
    return [python, kit, *(_packages(name, *what) for name, what in _PACKAGES.items())]


def _packages(name: str, packages: tuple[str, ...], purpose: str) -> Finding:
    versions = {package: _version(package) for package in packages}
    missing = [package for package, version in versions.items() if version is None]
    if missing:
        return Finding(
            SECTION, name, "missing", f"not installed: {', '.join(missing)}", purpose, install_packages(missing)
        )
    return Finding(SECTION, name, "ok", ", ".join(f"{each} {version}" for each, version in versions.items()), purpose)


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
