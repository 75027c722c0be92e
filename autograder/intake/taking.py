"""The files of a submission, read into memory; links, devices and what is too large stay outside."""

from __future__ import annotations

import os
import stat
from collections.abc import Collection
from itertools import islice
from pathlib import Path

from autograder.intake.flags import Flags, Kind, shown, size
from autograder.intake.limits import Limits
from autograder.intake.names import folded, is_left_behind, wrong_with
from autograder.intake.open_folder import OpenFolder, is_link
from autograder.intake.release import Release

_SPECIAL = {stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket", stat.S_IFBLK: "a device", stat.S_IFCHR: "a device"}


def take(submission: Path, release: Release, limits: Limits, refused: Flags) -> dict[str, bytes]:
    """Read what may be read of ``submission``: path with slashes -> content. Each thing left out is in ``refused``.

    The release's notebooks are looked for first, by their names, so that nothing else can use up their room.
    """
    taking = _Taking(release, limits, refused)
    try:
        with OpenFolder(submission) as folder:
            taking.take_named(folder, release.notebooks)
            taking.take_folder(folder, (), release.notebooks)
    except OSError as error:
        refused.add(
            Kind.UNREADABLE, "the submission", f"its folder cannot be opened ({_reason(error)}); nothing was taken."
        )
    return taking.files


class _Taking:
    def __init__(self, release: Release, limits: Limits, refused: Flags) -> None:
        self.files: dict[str, bytes] = {}
        self._release = release
        self._limits = limits
        self._refused = refused
        self._taken_bytes = 0
        self._entries = 0
        self._paths: dict[str, str] = {folded(path): path for path in (*release.files, *release.folders)}

    def take_named(self, folder: OpenFolder, names: Collection[str]) -> None:
        for name in names:
            try:
                folder.look(name)
            except OSError:
                continue  # a missing notebook is told once they are all known
            self._take_entry(folder, (name,))

    def take_folder(self, folder: OpenFolder, at: tuple[str, ...], done: Collection[str] = ()) -> None:
        """Everything in ``folder``, whose path is ``at``, in the order of names, but what is ``done`` already."""
        room = self._limits.entries - self._entries
        names = list(islice(folder.names(), room + 1))
        if len(names) > room:
            names = sorted(names)[:room]
            where = shown("/".join(at)) or "the submission"
            self._refused.add(
                Kind.NUMBER,
                where,
                f"has more than {self._limits.entries:,} files and folders; the others were left out.",
            )
        self._entries += len(names)
        for name in sorted(names):
            if name not in done and not is_left_behind(name):
                self._take_entry(folder, (*at, name))

    def _take_entry(self, folder: OpenFolder, at: tuple[str, ...]) -> None:
        path = "/".join(at)
        try:
            found = folder.look(at[-1])
            kind, reason = self._wrong_with(at, path, found)
            if reason:
                self._refuse(kind, path, reason)
            elif stat.S_ISDIR(found.st_mode):
                with folder.folder(at[-1]) as inner:
                    self.take_folder(inner, at)
            else:
                self._read(folder, at[-1], path, found)
        except OSError as error:
            self._refuse(Kind.UNREADABLE, path, f"it cannot be read ({_reason(error)})")

    def _read(self, folder: OpenFolder, name: str, path: str, found: os.stat_result) -> None:
        content = folder.read(name, found, found.st_size)
        if len(content) > found.st_size:
            self._refuse(Kind.UNREADABLE, path, "it grew while it was being read")
            return
        self.files[path] = content
        self._taken_bytes += len(content)

    def _wrong_with(self, at: tuple[str, ...], path: str, found: os.stat_result) -> tuple[Kind, str]:
        """Why it is not taken; an empty reason when it is."""
        is_folder = stat.S_ISDIR(found.st_mode)
        if reason := wrong_with(at[-1], path, self._limits):
            return Kind.NAME, reason
        if is_link(found):
            return Kind.LINK, "it is a link, and links are not followed"
        if reason := self._in_the_way(path, is_folder=is_folder):
            return Kind.IN_THE_WAY, reason
        if is_folder:
            return Kind.DEPTH, "it lies too deep" if len(at) > self._limits.depth else ""
        if not stat.S_ISREG(found.st_mode):
            return Kind.SPECIAL_FILE, f"it is {_SPECIAL.get(stat.S_IFMT(found.st_mode), 'not an ordinary file')}"
        if found.st_nlink > 1:
            return Kind.HARD_LINK, "it is a hard link: the same file has another name, perhaps somebody else's"
        return Kind.SIZE, self._too_large(path, found.st_size)

    def _in_the_way(self, path: str, *, is_folder: bool) -> str:
        release = self._release
        if path in release.folders and not is_folder:
            return "it is a file where the assignment has a folder"
        if path in release.files and is_folder:
            return "it is a folder where the assignment has a file"
        same = self._paths.setdefault(folded(path), path)
        if same != path:
            return f"on some computers its name is the same as '{shown(same)}'"
        return ""

    def _too_large(self, path: str, size_bytes: int) -> str:
        limits = self._limits
        most = limits.notebook_bytes if path.endswith(".ipynb") else limits.file_bytes
        if size_bytes > most:
            return f"it has {size(size_bytes)}, and {size(most)} are allowed"
        if self._taken_bytes + size_bytes > limits.total_bytes:
            return (
                f"it has {size(size_bytes)}, and with it the submission would have more than {size(limits.total_bytes)}"
            )
        return ""

    def _refuse(self, kind: Kind, path: str, reason: str) -> None:
        self._refused.add(kind, shown(path), f"{reason}; it was left out.")


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__
