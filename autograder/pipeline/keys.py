"""What a mark depends on, as one short text: when it is the same, there is nothing to grade again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

from autograder.intake.flags import Flags
from autograder.intake.limits import Limits
from autograder.intake.release import read_release
from autograder.intake.taking import take

HARNESS = 1  # counted up when the same submission could be judged otherwise than before
_LEFT_BEHIND = frozenset({"__pycache__", ".ipynb_checkpoints"})


def of_assignment(folders: Iterable[Path], rung: str) -> str:
    """Of what the instructor wrote: release, source and judging; and the weakest rung that is good enough."""
    digest = hashlib.sha256(json.dumps([HARNESS, rung]).encode())
    for folder in folders:
        for path in sorted(each for each in folder.rglob("*") if each.is_file()):
            if _LEFT_BEHIND.isdisjoint(path.parts):
                _add(digest, path.relative_to(folder).as_posix(), path.read_bytes())
        _add(digest, "", b"")
    return digest.hexdigest()


def of_submission(
    submission: Path, release: Path, assignment_key: str, seed: int, earlier: Iterable[bytes] = ()
) -> str:
    """Of what one student handed in; nothing is followed that the intake would not follow.

    Args:
        earlier: what counts of earlier submissions.
    """
    limits = Limits()
    refused = Flags()
    files = take(submission, read_release(release, limits), limits, refused)
    digest = hashlib.sha256(json.dumps([assignment_key, seed]).encode())
    for path, content in sorted(files.items()):
        _add(digest, path, content)
    for flag in refused.all():
        _add(digest, "", str(flag).encode())
    for content in earlier:
        _add(digest, "earlier", content)
    return digest.hexdigest()


def _add(digest: hashlib._Hash, name: str, content: bytes) -> None:
    digest.update(hashlib.sha256(name.encode("utf-8", "surrogateescape")).digest())
    digest.update(hashlib.sha256(content).digest())
