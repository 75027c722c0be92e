"""The process that reads a deck: limited, and walled in where the system can do it, before it has seen a byte of it.

What it is to do comes as JSON in its argument, the deck through its input; what it found goes out as one JSON object.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from autograder.deck.limits import DeckLimits
from autograder.deck.refusal import RefusedError


def main() -> int:
    """Do what ``sys.argv[1]`` says; 0 when there is an answer, a refusal included."""
    task = json.loads(sys.argv[1])
    limits = DeckLimits(**task["limits"])
    _limit(limits)
    if task["do"] == "convert":
        from autograder.deck import office

        return office.convert(task["kind"], Path(task["folder"]), limits)
    wall_in(task["folder"])
    content = sys.stdin.buffer.read(limits.file_bytes + 1)
    try:
        answer = _TASKS[task["do"], task["kind"]](content, limits, Path(task["folder"]))
    except RefusedError as refusal:
        answer = {"refused": [refusal.kind, refusal.sentence]}
    except MemoryError:
        answer = {"refused": ["memory", f"needs more than {limits.memory_bytes / 1e6:,.0f} MB of memory to be read"]}
    sys.stdout.write(json.dumps(answer))
    sys.stdout.flush()
    return 0


def _read_pdf(content: bytes, limits: DeckLimits, _folder: Path) -> dict[str, Any]:
    from autograder.deck import pdf

    return pdf.read(content, limits).to_json()


def _draw_pdf(content: bytes, limits: DeckLimits, folder: Path) -> dict[str, Any]:
    from autograder.deck import pdf

    return {"drawn": pdf.draw(content, limits, folder)}


def _read_pptx(content: bytes, limits: DeckLimits, _folder: Path) -> dict[str, Any]:
    from autograder.deck import pptx

    return pptx.read(content, limits).to_json()


def _unpack_pptx(content: bytes, limits: DeckLimits, folder: Path) -> dict[str, Any]:
    from autograder.deck import pptx

    contents = pptx.read(content, limits, with_pictures=True)
    for slide, pictures in enumerate(contents.pictures, 1):
        for number, picture in enumerate(pictures, 1):
            (folder / f"picture-{slide}-{number}").write_bytes(picture)
    return contents.to_json()


_TASKS = {
    ("read", "pdf"): _read_pdf,
    ("read", "pptx"): _read_pptx,
    ("draw", "pdf"): _draw_pdf,
    ("unpack", "pptx"): _unpack_pptx,
}


def wall_in(folder: str) -> bool:
    """Refuse this process files, TCP, signals and most of the system: the jail ladder's rung "landlock".

    Args:
        folder: where it may write; empty for nowhere.

    Returns:
        Whether the system has what is needed. Where it has not, the limits are all there is.
    """
    if sys.platform != "linux":
        return False
    from autograder.jail import landlock, root_folder, seccomp, syscalls

    if not (landlock.version() and seccomp.is_known()):
        return False
    syscalls.prctl(syscalls.PR_SET_NO_NEW_PRIVS, 1)
    syscalls.drop_capabilities()
    readable = (*root_folder.system_places(), *root_folder.python_places())
    landlock.restrict(landlock.Rules(readable, (Path(folder),) if folder else ()))
    seccomp.install(shares_system=True)
    return True


def _limit(limits: DeckLimits) -> None:
    """Bound this process. Windows knows no such limits: there the parent's clock is all there is."""
    if sys.platform == "win32":
        return
    import resource

    for name, most in (
        ("RLIMIT_AS", limits.memory_bytes),
        ("RLIMIT_CPU", limits.cpu_s),
        ("RLIMIT_FSIZE", limits.written_bytes),
        ("RLIMIT_CORE", 0),
    ):
        _, hard = resource.getrlimit(getattr(resource, name))
        bounded = most if hard == resource.RLIM_INFINITY else min(most, hard)
        try:
            resource.setrlimit(getattr(resource, name), (bounded, bounded))
        except (OSError, ValueError):
            continue  # macOS refuses a bound on the address space
