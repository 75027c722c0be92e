"""Names of files: which are taken over, and which two are the same on some computer."""

from __future__ import annotations

import os
import unicodedata

from autograder.intake.limits import Limits

# Folders and files that computers and tools leave behind; nobody misses them in the copy.
_LEFT_BEHIND = frozenset({
    ".ipynb_checkpoints", ".virtual_documents", "__pycache__", ".git", ".venv", "venv", "node_modules", "__MACOSX",
    ".DS_Store", "Thumbs.db", "desktop.ini", ".idea", ".vscode", ".pytest_cache", ".mypy_cache", ".ruff_cache",
})  # fmt: skip

# They turn the order of the characters after them round, so that "gpj.exe" looks like another name.
_TURNS_AROUND = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_WINDOWS_FORBIDS = frozenset('<>:"|?*')
_WINDOWS_DEVICES = frozenset(
    {"con", "prn", "aux", "nul"} | {f"{port}{number}" for port in ("com", "lpt") for number in range(1, 10)}
)


def is_left_behind(name: str) -> bool:
    """Whether a computer put it there, not the student."""
    return name in _LEFT_BEHIND or name.startswith("._")


def wrong_with(name: str, path: str, limits: Limits) -> str:
    """Why a file of this name is not taken over, as the end of a sentence; empty when it is.

    No name is ever given to a shell, so a space, a quote or a dollar sign is as good as a letter.
    """
    if len(os.fsencode(name)) > limits.name_bytes or len(os.fsencode(path)) > limits.path_bytes:
        return "its name is too long"
    categories = {unicodedata.category(each) for each in name}
    if "Cs" in categories:
        return "its name is not UTF-8"
    if categories & {"Cc", "Zl", "Zp"}:
        return "its name has control characters"
    if not _TURNS_AROUND.isdisjoint(name):
        return "its name has characters that turn the reading direction round"
    if "\\" in name or "/" in name or name in {"", ".", ".."}:
        return "its name could lead out of the folder"
    if os.name == "nt" and _windows_cannot(name):
        return "Windows cannot have a file of that name"
    return ""


def _windows_cannot(name: str) -> bool:
    stem = name.split(".", maxsplit=1)[0].lower()
    return not _WINDOWS_FORBIDS.isdisjoint(name) or name[-1] in ". " or stem in _WINDOWS_DEVICES


def folded(path: str) -> str:
    """Two paths with the same result are one file on some computers (upper and lower case, composed accents)."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
