"""What Moodle, Canvas and Blackboard let an instructor download, a folder or a zip file, read as files of students.

Nothing is unpacked onto the disk; links are not followed; what is refused is one line.
"""

from __future__ import annotations

import io
import os
import re
import stat
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from autograder.intake.flags import shown, size
from autograder.intake.limits import Limits
from autograder.intake.names import is_left_behind, wrong_with

_MOODLE = re.compile(r"(?P<name>.+?)_(?P<number>\d+)_assignsubmission_(file|onlinetext)_?(?P<file>.*)", re.DOTALL)
_CANVAS = re.compile(
    r"(?P<name>[^_]+)(?P<late>_late)?_(?P<number>\d+)_(?P<upload>\d+)_(?P<file>.+)", re.DOTALL | re.IGNORECASE
)
_BLACKBOARD = re.compile(
    r"(?:.*?_)?(?P<name>[^_]+)_attempt_(?P<at>\d{4}(?:-\d\d){5})(?:_(?P<file>.+)|\.txt)", re.DOTALL
)
_LMS = (_MOODLE, _CANVAS, _BLACKBOARD)
_AGAIN = re.compile(r"-\d+(?=\.[A-Za-z0-9]+$)")  # Canvas: "first-1.ipynb" is the second upload of first.ipynb
_ENCRYPTED = 0x1
_MOST_ENTRIES = 200_000


class DownloadError(Exception):
    """A download cannot be read at all. The text says why, in one line."""


@dataclass(frozen=True)
class Found:
    """A file of a student.

    Attributes:
        name, number: of the student, as the LMS says them; the number is empty where there is none.
        is_lasting: the number is the person's, the same in every assignment.
        path: within the student's work.
        upload: larger for later ones.
        at: when it was handed in, where the download says so, by this computer's clock.
        is_late: the LMS says that it was late, and not by how much.
        read: gives its content, of at most so many bytes.
    """

    name: str
    number: str
    path: tuple[str, ...]
    upload: int
    read: Callable[[int], bytes]
    at: datetime | None = None
    is_late: bool = False
    is_lasting: bool = True


@dataclass(frozen=True)
class _Entry:
    parts: tuple[str, ...]
    size_bytes: int
    wrong: str
    read: Callable[[int], bytes]


def read_download(path: Path, assignment: str, refuse: Callable[[str], object], limits: Limits) -> Iterator[Found]:
    """The files of all students in a download.

    Args:
        refuse: hears a line about each file that is left out.

    Raises:
        DownloadError: it is no folder and no zip file.
    """
    entries = [
        entry
        for entry in (_zipped(path) if path.is_file() else _in_folder(path))
        if not any(is_left_behind(part) for part in entry.parts)
    ]
    while entries and (wrapper := _wrapper(entries, assignment)):
        refuse(f"Everything lies in the folder {shown(wrapper)}: it was taken for the download's own, not a student's.")
        entries = [replace(entry, parts=entry.parts[1:]) for entry in entries]
    is_lms = any(kind.fullmatch(entry.parts[0]) for entry in entries for kind in _LMS)
    for entry in entries:
        where = shown("/".join(entry.parts))
        if _is_receipt(entry):
            continue
        if reason := entry.wrong or _wrong(entry, limits):
            refuse(f"{where}: {reason}; it was left out.")
            continue
        found = _recognized(_with_slash(entry) if is_lms else entry, assignment)
        if found is None:
            refuse(f"{where}: no student's name can be read from where it lies; it was left out.")
        else:
            yield found


def _wrapper(entries: Sequence[_Entry], assignment: str) -> str:
    """The one folder in which all students' files lie, as whoever zips a folder makes it; empty when there is none.

    A student's own folder has the work in it, or a folder of the assignment's name.
    """
    first = entries[0].parts[0]
    if _MOODLE.fullmatch(first) or any(len(entry.parts) < 2 or entry.parts[0] != first for entry in entries):
        return ""
    inside = {entry.parts[1] for entry in entries}
    files = {entry.parts[1] for entry in entries if len(entry.parts) == 2}
    if files:
        is_lms = all(any(kind.fullmatch(name) for kind in _LMS) for name in files)
        return first if is_lms else ""
    has_notebooks = any(len(entry.parts) > 2 and entry.parts[-1].endswith(".ipynb") for entry in entries)
    return first if assignment not in inside and (has_notebooks or any(map(_MOODLE.fullmatch, inside))) else ""


def _wrong(entry: _Entry, limits: Limits) -> str:
    for number in range(len(entry.parts)):
        if reason := wrong_with(entry.parts[number], "/".join(entry.parts[: number + 1]), limits):
            return reason
    most = limits.notebook_bytes if entry.parts[-1].endswith(".ipynb") else limits.file_bytes
    if entry.size_bytes > most:
        return f"it has {size(entry.size_bytes)}, and {size(most)} are allowed"
    return ""


def _recognized(entry: _Entry, assignment: str) -> Found | None:
    first, *rest = entry.parts
    if not rest:
        return _flat(first, entry.read)
    if match := _MOODLE.fullmatch(first):
        path = (match["file"], *rest) if match["file"] else tuple(rest)
        return Found(match["name"], match["number"], path, 0, entry.read, is_lasting=False)
    if rest[0] == assignment and len(rest) > 1:  # as nbgrader itself keeps submissions
        rest = rest[1:]
    return Found(first, "", tuple(rest), 0, entry.read)


def _with_slash(entry: _Entry) -> _Entry:
    """A file of an LMS's whose student has a slash in the name, which came out as a folder: the name is put together.

    Whoever hands something in cannot make such a folder: an LMS puts a name before whatever comes from a student.
    """
    for number in range(1, len(entry.parts) + 1):
        name = "/".join(entry.parts[:number])
        if any(kind.fullmatch(name) for kind in _LMS):
            return replace(entry, parts=(name, *entry.parts[number:]))
    return entry


def _flat(name: str, read: Callable[[int], bytes]) -> Found | None:
    """A file of a download without folders. What a student called it comes last, and may look like anything."""
    matches = {kind: match for kind in _LMS if (match := kind.fullmatch(name))}
    if not matches:
        return None
    kind, match = min(matches.items(), key=lambda each: each[1].start("file"))
    if not match["file"]:
        return None
    if kind is _MOODLE:
        return Found(match["name"], match["number"], (match["file"],), 0, read, is_lasting=False)
    if kind is _CANVAS:
        upload, is_late = int(match["upload"]), match["late"] is not None
        return Found(match["name"], match["number"], (match["file"],), upload, read, is_late=is_late)
    if (at := _time(match["at"])) is None:
        return None
    return Found(match["name"], "", (match["file"],), int(match["at"].replace("-", "")), read, at=at)


def _is_receipt(entry: _Entry) -> bool:
    """Whether it is the text that Blackboard puts beside each attempt."""
    match = _BLACKBOARD.fullmatch(entry.parts[0])
    return len(entry.parts) == 1 and match is not None and match["file"] is None


def _time(text: str) -> datetime | None:
    try:
        return datetime(*map(int, text.split("-"))).astimezone()  # type: ignore[arg-type]
    except (ValueError, OverflowError):
        return None


def as_released(name: str, released: frozenset[str]) -> str:
    """The name that a file had before Canvas counted its uploads, where that is the name of a released one."""
    plain = _AGAIN.sub("", name)
    return plain if name not in released and plain in released else name


def _in_folder(folder: Path, at: tuple[str, ...] = ()) -> Iterator[_Entry]:
    try:
        entries = sorted(os.scandir(folder), key=lambda each: each.name)
    except OSError as error:
        raise DownloadError(f"{folder} cannot be read ({error.strerror}).") from error
    for each in entries:
        parts = (*at, each.name)
        found = each.stat(follow_symlinks=False)
        if stat.S_ISDIR(found.st_mode):
            yield from _in_folder(Path(each.path), parts)
        else:
            wrong = "" if stat.S_ISREG(found.st_mode) else "it is a link or no ordinary file"
            yield _Entry(parts, found.st_size, wrong, _file_reader(Path(each.path)))


def _file_reader(path: Path) -> Callable[[int], bytes]:
    def read(most_bytes: int) -> bytes:
        # It could have been exchanged since it was looked at.
        file = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
        with os.fdopen(file, "rb") as opened:
            return opened.read(most_bytes)

    return read


def _zipped(path: Path) -> Iterator[_Entry]:
    try:
        archive = zipfile.ZipFile(io.BytesIO(path.read_bytes()))
    except (zipfile.BadZipFile, ValueError, OverflowError, NotImplementedError, EOFError, OSError) as error:
        raise DownloadError(f"{path} is no zip file that can be read.") from error
    entries = archive.infolist()
    if len(entries) > _MOST_ENTRIES:
        raise DownloadError(f"{path} has {len(entries):,} files in it, and {_MOST_ENTRIES:,} are allowed.")
    for entry in entries:
        name = entry.filename
        if entry.is_dir():
            continue
        mode = entry.external_attr >> 16
        wrong = ""
        if name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/"):
            wrong = "its name leads out of the archive"
        elif stat.S_IFMT(mode) not in {0, stat.S_IFREG}:
            wrong = "it is a link or no ordinary file"
        elif entry.flag_bits & _ENCRYPTED:
            wrong = "it is encrypted"
        parts = tuple(part for part in name.split("/") if part) or (name,)
        yield _Entry(parts, entry.file_size, wrong, _zip_reader(archive, entry))


def _zip_reader(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Callable[[int], bytes]:
    def read(most_bytes: int) -> bytes:
        try:
            with archive.open(entry) as part:
                return part.read(most_bytes)
        except (zipfile.BadZipFile, zlib.error, EOFError, ValueError, NotImplementedError, RuntimeError) as error:
            raise OSError(0, "it is damaged") from error

    return read
