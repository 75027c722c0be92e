"""Builds the image of the rung "docker", for systems that are not Linux: it needs no folder of this computer."""

from __future__ import annotations

import importlib.metadata
import platform
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from autograder.code_digest import PACKAGES, TOP, code_digest
from autograder.jail.errors import JailError

NAME = "autograder-kit:1"
LABEL = "autograder.code"
_BUILD_S, _PRUNE_S = 1800.0, 120.0
_ADVICE = re.compile("buildx|BuildKit|DEPRECATED")  # of an engine that would like to be newer
_NOT_COPIED = shutil.ignore_patterns("__pycache__", "*.pyc")


def default_base() -> str:
    """Python's own image, of the version that runs here."""
    return f"python:{'.'.join(platform.python_version_tuple()[:2])}-slim"


def build(base: str | None = None, wheels: Path | None = None) -> str:
    """Build the image.

    Args:
        base: an image with Python and pip; `default_base` when None.
        wheels: a folder with all packages, so that no package index is asked.

    Returns:
        Its name.

    Raises:
        JailError: there is no engine, or it could not be built; the last of what was said.
    """
    if shutil.which("docker") is None:
        raise JailError("the program docker is not installed")
    command = ["docker", "build", "--tag", NAME, "--label", f"{LABEL}={code_digest()}"]
    command += ["--build-arg", f"BASE={base or default_base()}"]
    command += ["--build-arg", "PIP_OPTIONS=--no-index"] if wheels else []
    with tempfile.TemporaryDirectory(prefix="autograder-image-") as folder:
        context = Path(folder)
        _fill(context, wheels)
        done = subprocess.run(
            [*command, str(context)], capture_output=True, text=True, timeout=_BUILD_S, check=False, errors="replace"
        )
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip() and not _ADVICE.search(line)]
        raise JailError(f"the image could not be built: {' '.join(' '.join(lines[-3:]).split())[-600:]}")
    older = ["docker", "image", "prune", "--force", "--filter", f"label={LABEL}"]  # of ours, without a name now
    subprocess.run(older, capture_output=True, timeout=_PRUNE_S, check=False)
    return NAME


def _fill(context: Path, wheels: Path | None) -> None:
    """What the Dockerfile copies: the code as it is here, what it requires, and wheels."""
    shutil.copy(Path(__file__).with_name("Dockerfile"), context)
    for package in PACKAGES:
        shutil.copytree(TOP / package, context / "code" / package, ignore=_NOT_COPIED)
    requirements = [each for each in importlib.metadata.requires("kafka-kit") or [] if "extra ==" not in each]
    (context / "requirements.txt").write_text("\n".join(requirements) + "\n", encoding="utf-8")
    (context / "constraints.txt").write_text("\n".join(_installed()) + "\n", encoding="utf-8")
    if wheels is None:
        (context / "wheels").mkdir()
    else:
        shutil.copytree(wheels, context / "wheels")


def _installed() -> list[str]:
    """The versions of this computer, so that a submission finds the same ones on every rung."""
    found = {each.name: each.version for each in importlib.metadata.distributions() if each.name}
    plain = re.compile(r"[0-9][0-9A-Za-z.!]*")  # what was built here has a version that no index knows
    return sorted(f"{name}=={version}" for name, version in found.items() if plain.fullmatch(version))
