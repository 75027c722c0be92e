"""Students' files put where nbgrader expects them: ``submitted/<student>/<assignment>/``."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from autograder.intake.flags import shown, size
from autograder.intake.limits import Limits
from autograder.intake.names import folded
from autograder.intake.times import TIMESTAMP, read_time, text_of
from autograder.pipeline.course import STATE, Course
from autograder.pipeline.downloads import Found, as_released, read_download
from autograder.pipeline.history import contents, keep
from autograder.pipeline.spelling import Spelling, visible
from autograder.pipeline.whose import Whose


@dataclass
class Collected:
    """What was done: students by what happened to their work, and a line for each thing that was left out."""

    new: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    same: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


@dataclass
class _Work:
    """One student's work.

    Attributes:
        files: path -> (number of the upload, content).
        at: when the last of them was handed in, where that is known.
    """

    files: dict[str, tuple[int, bytes]] = field(default_factory=dict)
    bytes: int = 0
    at: datetime | None = None
    is_late: bool = False


def collect(course: Course, assignment: str, download: Path, *, force: bool = False) -> Collected:
    """Take every student's files out of a download.

    Args:
        download: a folder or a zip file.
        force: let it take the place of other work that is there already.

    Raises:
        DownloadError: it cannot be read at all.
    """
    done = Collected()
    limits = Limits()
    release = course.folder("release", assignment)
    released = frozenset(path.name for path in release.iterdir()) if release.is_dir() else frozenset()
    founds = list(read_download(download, assignment, done.lines.append, limits))
    whose = Whose(course, assignment, founds)
    works: dict[str, _Work] = {}
    for found in founds:
        student = whose.student(found)
        if not student:
            done.lines.append(f"{shown(found.name)}: this cannot be a student's name; the file was left out.")
            continue
        path = (*found.path[:-1], as_released(found.path[-1], released))
        _add(works.setdefault(student, _Work()), replace(found, path=path), student, limits, done.lines.append)
    spelling = Spelling(course, assignment)
    for student, work in sorted(_without_twins(works, done.lines.append).items()):
        if other := spelling.other_of(student):
            done.lines.append(
                f"{visible(student)}: {visible(other)} is there, too. "
                "If it is the same student, rename one of the folders."
            )
        _put(course, assignment, spelling.of(student), work, force=force, done=done)
    done.lines += whose.lines()
    whose.remember()
    return done


def _add(work: _Work, found: Found, student: str, limits: Limits, refuse: Callable[[str], object]) -> None:
    path = "/".join(found.path)
    where = f"{shown(student)}: {shown(path)}"
    if folded(path) == TIMESTAMP:  # nbgrader would take it for the time of submission
        refuse(f"{where}: when it was handed in is not the student's to say; it was left out.")
        return
    earlier = work.files.get(path)
    if earlier and earlier[0] >= found.upload:
        if earlier[0] == found.upload:
            refuse(f"{where}: it is there twice; the second was left out.")
        return
    if len(work.files) >= limits.entries:
        refuse(f"{where}: there are more than {limits.entries:,} files; it was left out.")
        return
    try:
        content = found.read(min(limits.notebook_bytes, limits.total_bytes - work.bytes) + 1)
    except OSError as error:
        refuse(f"{where}: it cannot be read ({error.strerror}); it was left out.")
        return
    if len(content) + work.bytes > limits.total_bytes:
        refuse(f"{where}: with it there would be more than {size(limits.total_bytes)}; it was left out.")
        return
    work.bytes += len(content)
    work.files[path] = (found.upload, content)
    work.at = max(filter(None, (work.at, found.at)), default=None)
    work.is_late = work.is_late or found.is_late


def _without_twins(works: Mapping[str, _Work], refuse: Callable[[str], object]) -> dict[str, _Work]:
    """Students whose names are different folders on every computer."""
    kept: dict[str, str] = {}
    for student in sorted(works):
        twin = kept.setdefault(folded(student), student)
        if twin != student:
            refuse(f"{shown(student)}: on some computers this is the same name as {shown(twin)}; it was left out.")
    return {student: works[student] for student in kept.values()}


def _put(course: Course, assignment: str, student: str, work: _Work, *, force: bool, done: Collected) -> None:
    place = course.folder("submitted", assignment, student)
    new = course.root / STATE / "collect"
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True, mode=0o700)
    for path, (_, content) in work.files.items():
        target = new / path
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        except OSError as error:  # a file and a folder of one name
            done.lines.append(f"{shown(student)}: {shown(path)}: it cannot be written ({error.strerror}).")
    if work.is_late:
        done.lines.append(f"{shown(student)}: it came late, and the download does not say when.")
    if work.at is not None:
        (new / TIMESTAMP).write_text(f"{work.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC\n", encoding="utf-8")
    if not place.exists():
        done.new.append(student)
    elif contents(place) == contents(new):
        done.same.append(student)
        return
    elif not force:
        done.lines.append(f"{shown(student)}: there is other work of theirs already; --force would replace it.")
        return
    else:
        done.changed.append(student)
        _keep_time(place, new, lambda line: done.lines.append(f"{shown(student)}: {line}"))
        keep(course, assignment, student, place)
    place.parent.mkdir(parents=True, exist_ok=True)
    new.chmod(0o755)
    new.rename(place)


def _keep_time(old: Path, new: Path, say: Callable[[str], object]) -> None:
    """Let the time that is there be the new work's, too, where the download has none: there is no better one."""
    before = _time_in(old)
    if before and not (new / TIMESTAMP).exists():
        (new / TIMESTAMP).write_bytes(before)
        say(
            f"{TIMESTAMP} was kept, and says {shown(text_of(before))}; the download does not say when the new work "
            "came. Write it there if it was later."
        )
    elif before and read_time(before) != read_time(_time_in(new)):
        say(f"{TIMESTAMP} said {shown(text_of(before))}, and says {text_of(_time_in(new))} now, as the download does.")


def _time_in(folder: Path) -> bytes:
    path = folder / TIMESTAMP
    return path.read_bytes() if path.is_file() and not path.is_symlink() else b""
