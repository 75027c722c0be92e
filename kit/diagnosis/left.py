"""Looks for what crashed clusters left, and removes it."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from kit.broker.process import data_dir
from kit.diagnosis.report import Finding
from kit.errors import KitError
from kit.service import channel, desks, folder, left_overs

SECTION = "Left by crashed clusters"
COMMAND = "kit doctor --clean"

# What was found, as sentences, and what removes it.
_Found = tuple[list[str], Callable[[], object]]


def look(*, clean: bool) -> list[Finding]:
    """What is left of clusters that were ended by force; what goes by itself is not counted.

    Args:
        clean: remove it.
    """
    findings = [
        finding
        for name, look_for in (
            ("services", _services),
            ("practice desks", _desks),
            ("temporary files", _folders),
            ("Docker", _containers),
        )
        for finding in findings_of(name, look_for(), clean=clean)
    ]
    return findings or [Finding(SECTION, "nothing", "ok", "nothing is left behind")]


def findings_of(name: str, found: _Found, *, clean: bool) -> list[Finding]:
    """One finding for each thing that is left, or that was removed.

    Args:
        found: sentences about what is left, and what removes all of it.
    """
    texts, remove = found
    if not texts:
        return []
    if not clean:
        return [Finding(SECTION, name, "problem", text, command=COMMAND) for text in texts]
    try:
        remove()
    except KitError as error:
        return [Finding(SECTION, name, "problem", str(error), command=COMMAND)]
    return [Finding(SECTION, name, "ok", f"removed: {text}") for text in texts]


def _services() -> _Found:
    return [f"the cluster {name} ended without cleaning up" for name in folder.crashed()], left_overs.clean


def _desks() -> _Found:
    texts = [
        f"the notebook with the practice desk in {desk} ended without tidying up; its clusters may go on running"
        for desk in desks.left()
    ]
    return texts, desks.clean


def _folders() -> _Found:
    found = data_dir.left_overs(Path(tempfile.gettempdir()), time.time()) + channel.left_overs()

    def remove() -> None:
        for path in found:
            shutil.rmtree(path, ignore_errors=True)

    return [str(path) for path in found], remove


def _containers() -> _Found:
    try:
        from kit.backends.docker import left_overs as docker_left_overs
    except ImportError:  # without the library there is nothing of ours
        return [], lambda: None
    return [each.text for each in docker_left_overs.left_overs()], docker_left_overs.remove_left_overs
