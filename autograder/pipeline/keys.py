"""What a mark depends on, as one short text: when it is the same, there is nothing to grade again.

Three digests with dots between them: of the work, of what the instructor wrote, and of the autograder's own code. So it
is known why something is graded again.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from autograder.assignment import Assignment
from autograder.intake.flags import Flags
from autograder.intake.limits import Limits
from autograder.intake.release import read_release
from autograder.intake.taking import take

_LEFT_BEHIND = frozenset({"__pycache__", ".ipynb_checkpoints"})
_PACKAGES = Path(__file__).parents[2]  # where autograder and kit are
_ONLY_SHOWS = frozenset({"console", "doctor", "exports", "report", "similarity"})  # and can change no mark
_CLUSTER = ("kit/backends", "kit/broker", "kit/cluster", "kit/history", "kit/wire")
_DIGITS = 20
_OTHER_VERSION = "graded by another version of the autograder"


def joined(work: str, assignment: str, autograder: str) -> str:
    """The key of a result."""
    return f"{work}.{assignment}.{autograder}"


def difference(old: str | None, new: str) -> str:
    """Why something with the key ``new`` is to be graded that had ``old``; empty when there is no reason.

    Args:
        old: None when there is no result yet.
    """
    if old is None:
        return "new"
    if old == new:
        return ""
    before, after = old.split("."), new.split(".")
    if len(before) != len(after):
        return _OTHER_VERSION
    reasons = ("handed in again", "release, source or judging has changed", _OTHER_VERSION)
    return next(reason for reason, *pair in zip(reasons, before, after, strict=True) if pair[0] != pair[1])


def is_judged_by(key: str, assignment: str, autograder: str) -> bool:
    """Whether a result with this key comes from this judge, and this version of all else."""
    return key.split(".")[1:] == [assignment, autograder]


def of_assignment(folders: Iterable[Path], rung: str, cluster: str | None = None) -> str:
    """Of what the instructor wrote: release, source and judging; the weakest rung that is good enough; and the cluster.

    Args:
        cluster: the kind that Kafka work runs on; None for the usual one.
    """
    digest = hashlib.sha256(json.dumps(rung if cluster is None else [rung, cluster]).encode())
    for folder in folders:
        for path in sorted(each for each in folder.rglob("*") if each.is_file()):
            if _LEFT_BEHIND.isdisjoint(path.parts):
                _add(digest, path.relative_to(folder).as_posix(), path.read_bytes())
        _add(digest, "", b"")
    return digest.hexdigest()[:_DIGITS]


def of_autograder(assignment: Assignment) -> str:
    """Of the code that marks come from.

    That is this package but for what only shows, the kit's modules that ``judge.py`` imports, and for work with a
    cluster the embedded one, or what runs Apache's.
    """
    paths = set(_modules("autograder"))
    for folder in _CLUSTER if assignment.arena is not None else ():
        paths |= set(_modules(folder))
    for text in (assignment.script, *(["import kit.quizzes"] if assignment.quizzes else [])):
        _follow(text, paths)
    digest = hashlib.sha256()
    for path in sorted(paths):
        _add(digest, path.relative_to(_PACKAGES).as_posix(), _content(path))
    return digest.hexdigest()[:_DIGITS]


def of_submission(submission: Path, release: Path, seed: int, earlier: Iterable[bytes] = ()) -> str:
    """Of what one student handed in; nothing is followed that the intake would not follow.

    Args:
        earlier: what counts of earlier submissions.
    """
    limits = Limits()
    refused = Flags()
    files = take(submission, read_release(release, limits), limits, refused)
    digest = hashlib.sha256(json.dumps(seed).encode())
    for path, content in sorted(files.items()):
        _add(digest, path, content)
    for flag in refused.all():
        _add(digest, "", str(flag).encode())
    for content in earlier:
        _add(digest, "earlier", content)
    return digest.hexdigest()[:_DIGITS]


def _modules(folder: str) -> Iterator[Path]:
    for path in (_PACKAGES / folder).rglob("*.py"):
        if folder != "autograder" or path.relative_to(_PACKAGES).parts[1] not in _ONLY_SHOWS:
            yield path


def _follow(text: str, found: set[Path]) -> None:
    """Add the modules of the kit that a program imports, and those that they import."""
    for name in _imported(text):
        path = _module(name)
        if path is not None and path not in found:
            found.add(path)
            _follow(_content(path).decode(), found)


def _imported(text: str) -> Iterator[str]:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError):  # whoever runs it says so
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            inside = [name for each in node.names if _module(name := f"{node.module}.{each.name}")]
            yield from inside or [node.module]
        elif isinstance(node, ast.Import):
            yield from (each.name for each in node.names)


@functools.cache
def _module(name: str) -> Path | None:
    place = _PACKAGES.joinpath(*name.split("."))
    return next((path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file()), None)


@functools.cache
def _content(path: Path) -> bytes:
    return path.read_bytes()


def _add(digest: hashlib._Hash, name: str, content: bytes) -> None:
    digest.update(hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest())
    digest.update(hashlib.sha256(content).digest())
