"""The parent's side of reading a deck: its bytes, its type, and the process that looks inside."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO

from autograder.deck.limits import DeckLimits
from autograder.deck.office import NO_WALLS
from autograder.deck.page import Contents
from autograder.deck.refusal import RefusedError

_PACKAGE_ROOT = str(Path(__file__).parents[2])
_BOOT = "import sys; sys.path.append(sys.argv.pop(1)); from autograder.deck.child import main; sys.exit(main())"
_PASSED_ON = ("PATH", "SYSTEMROOT", "TEMP", "TMP", "LD_LIBRARY_PATH")
_PDF_WITHIN = 1024  # bytes: what stands before a PDF's header is passed over, as readers do
_OTHERS = {
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"GIF8": "a GIF picture",
    b"\x1f\x8b": "a gzip archive",
    b"7z\xbc\xaf": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"{\\rtf": "an RTF text",
    b"%!PS": "PostScript",
    b"version https://git-lfs": "a Git LFS pointer, not the file that it points to",
}
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # old Office files, and new ones with a password


def kind_of(content: bytes) -> str:
    """Return "pdf" or "pptx" by how the file begins, whatever its name says. A PPTX is not yet known to be one.

    Raises:
        RefusedError: it is neither.
    """
    if content.startswith(b"PK\x03\x04"):
        return "pptx"
    if b"%PDF-" in content[:_PDF_WITHIN]:
        return "pdf"
    if not content:
        raise RefusedError("empty", "is empty")
    if content.startswith(_OLE):
        if "EncryptedPackage".encode("utf-16-le") in content:
            raise RefusedError("encrypted", "opens only with a password")
        raise RefusedError("not a deck", "is a file of an old Office version; a PDF or a PPTX is asked for")
    what = next((name for beginning, name in _OTHERS.items() if content.startswith(beginning)), "neither PDF nor PPTX")
    raise RefusedError("not a deck", f"is {what}; a PDF or a PPTX is asked for")


def take(path: Path, limits: DeckLimits) -> bytes:
    """The bytes of an ordinary file; no link is followed, no pipe waited for.

    Raises:
        RefusedError: it is something else, too large, or cannot be read.
    """
    # Not above: the process that reads a deck imports this package, and not what intake needs.
    from autograder.intake.open_folder import OpenFolder, is_link

    try:
        with OpenFolder(path.parent) as folder:
            found = folder.look(path.name)
            if is_link(found):
                raise RefusedError("link", "is a link, and links are not followed")
            if not stat.S_ISREG(found.st_mode):
                raise RefusedError("special file", "is not an ordinary file")
            if found.st_nlink > 1:
                raise RefusedError("link", "is a hard link: the same file has another name, perhaps somebody else's")
            if found.st_size > limits.file_bytes:
                raise RefusedError(
                    "size", f"has {found.st_size / 1e6:,.1f} MB, and {limits.file_bytes / 1e6:,.0f} are allowed"
                )
            return folder.read(path.name, found, limits.file_bytes)[: limits.file_bytes]
    except OSError as error:
        raise RefusedError("unreadable", f"cannot be read ({error.strerror or type(error).__name__})") from error


def ask(do: str, kind: str, content: bytes, limits: DeckLimits, folder: Path | None = None) -> dict[str, Any]:
    """Let a process of its own do something with a deck (see `autograder.deck.child`), and return its answer.

    Raises:
        RefusedError: it refused, crashed, or took more than the limits.
    """
    task = {"do": do, "kind": kind, "limits": asdict(limits), "folder": str(folder or "")}
    with tempfile.TemporaryFile() as output:
        status = _run(task, content, limits, output)
        if status != 0:
            raise _failure(status, limits)
        output.seek(0)
        answer = output.read(limits.written_bytes)
    try:
        found = json.loads(answer)
        if "refused" in found:
            raise RefusedError(str(found["refused"][0]), str(found["refused"][1]))
    except (ValueError, TypeError, LookupError) as error:
        raise RefusedError("broken", "was read by a process that gave no answer") from error
    return dict(found)


def contents_of(answer: dict[str, Any]) -> Contents:
    """What was read of a deck, from the answer of the process that read it.

    Raises:
        RefusedError: the answer is none: something in the deck has taken that process over.
    """
    try:
        return Contents.from_json(answer)
    except (LookupError, TypeError, ValueError) as error:
        raise RefusedError("broken", "was read by a process that gave no answer") from error


def convert(office: str, content: bytes, limits: DeckLimits) -> bytes:
    """The slides of a PPTX as PDF, by the LibreOffice at ``office`` (see `autograder.deck.office`).

    Raises:
        RefusedError: it cannot be walled in here, it failed, or took more than the limits.
    """
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as output:
        (Path(folder) / "deck.pptx").write_bytes(content)
        task = {"do": "convert", "kind": office, "limits": asdict(limits), "folder": folder}
        status = _run(task, b"", limits, output)
        if status == NO_WALLS:
            raise RefusedError("walls", "it is used only in namespaces of its own, which this system refuses")
        if status != 0:
            raise _failure(status, limits)
        output.seek(0)
        return output.read(limits.written_bytes)


def _run(task: dict[str, Any], content: bytes, limits: DeckLimits, output: BinaryIO) -> int | None:
    """The status of the process; None when its time was up."""
    own_group: dict[str, Any] = {} if sys.platform == "win32" else {"start_new_session": True}
    process = subprocess.Popen(
        [sys.executable, "-I", "-c", _BOOT, _PACKAGE_ROOT, json.dumps(task)],
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=subprocess.DEVNULL,
        cwd=Path(_PACKAGE_ROOT).anchor,
        env={key: value for key, value in os.environ.items() if key in _PASSED_ON},
        **own_group,
    )
    try:
        process.communicate(content, timeout=limits.wall_s)
    except subprocess.TimeoutExpired:
        return None
    finally:
        _end(process)
    return process.returncode


def _end(process: subprocess.Popen[bytes]) -> None:
    """Whatever happened: nothing of it is left, its own children included."""
    if sys.platform == "win32":
        process.kill()
    else:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdin is not None:
        with contextlib.suppress(OSError):
            process.stdin.close()


def _failure(status: int | None, limits: DeckLimits) -> RefusedError:
    ended_by_limit = {-int(getattr(signal, name)) for name in ("SIGXCPU", "SIGKILL") if hasattr(signal, name)}
    if status is None or status in ended_by_limit:
        return RefusedError("time", f"took longer to read than {limits.wall_s:g} s, or {limits.cpu_s} s of computing")
    if status == 1:
        return RefusedError("broken", "could not be read: it breaks the rules of its format")
    return RefusedError("crash", f"made the process that read it crash (status {status}), perhaps for want of memory")
