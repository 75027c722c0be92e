"""Files of a submission: what is no ordinary file, too much, or badly named stays outside, each with a line."""

from __future__ import annotations

import json
import os
import socket
import sys
from pathlib import Path

import pytest

from autograder.intake import Kind, examine
from autograder.intake.open_folder import OpenFolder
from tests.support.submissions import NAME, Desk, answered

pytestmark = pytest.mark.portable

on_posix = pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A file of the instructor that no student may get back."""
    path = tmp_path / "secret.txt"
    path.write_text("the solution")
    return path


def test_ordinary_files_are_taken(desk: Desk) -> None:
    """Whatever belongs to the work is in the copy, byte for byte, and honest names are no matter."""
    names = ["data.csv", "my notes (1).txt", "prix $5 & café.md", "картинка.png", "src/deep/er/a.py", "-rf", "👩‍💻.txt"]
    for number, name in enumerate(names):
        path = desk.submission / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bytes([number]))
    intake = desk.examine(answered())
    assert intake.lines() == []
    assert dict(intake.files) == {name: bytes([number]) for number, name in enumerate(names)}


def test_what_computers_leave_behind_is_dropped_silently(desk: Desk) -> None:
    """Checkpoints, caches and the desktop's own files are nobody's work."""
    for name in (".ipynb_checkpoints/count-checkpoint.ipynb", "__pycache__/a.pyc", ".git/HEAD", ".DS_Store", "._count"):
        path = desk.submission / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    intake = desk.examine(answered())
    assert (intake.lines(), intake.files) == ([], {})


@on_posix
def test_links_are_not_followed(desk: Desk, secret: Path) -> None:
    """A link to a file, to a folder, to nothing, or to itself gives no content away."""
    (desk.submission / "a.txt").symlink_to(secret)
    (desk.submission / "b").symlink_to(secret.parent, target_is_directory=True)
    (desk.submission / "c").symlink_to("nowhere")
    (desk.submission / "d").symlink_to("d")
    intake = desk.examine(answered())
    assert intake.files == {}
    assert intake.lines() == [f"{name}: it is a link, and links are not followed; it was left out." for name in
                              ("a.txt", "b", "c", "d")]  # fmt: skip


@on_posix
def test_notebook_that_is_a_link_is_not_graded(desk: Desk, tmp_path: Path) -> None:
    """A classmate's notebook earns no points by a link to it."""
    (tmp_path / "classmate.ipynb").write_text("{}")
    (desk.submission / NAME).symlink_to(tmp_path / "classmate.ipynb")
    intake = desk.examine()
    assert intake.notebooks == {}
    assert [flag.kind for flag in intake.refused] == [Kind.LINK, Kind.MISSING_NOTEBOOK]


@on_posix
def test_submission_that_is_a_link_is_refused(desk: Desk, tmp_path: Path) -> None:
    """Also the folder itself must be one."""
    (tmp_path / "link").symlink_to(desk.submission)
    desk.examine(answered())
    intake = examine(tmp_path / "link", desk.release)
    assert (intake.files, intake.notebooks) == ({}, {})
    assert intake.lines()[0] == "the submission: its folder cannot be opened (It is a link); nothing was taken."


@on_posix
def test_special_files_are_refused_without_waiting(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A named pipe would make a reader wait for ever."""
    os.mkfifo(desk.submission / "pipe")
    monkeypatch.chdir(desk.submission)  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        lines = desk.examine(answered()).lines()
    assert lines == ["pipe: it is a named pipe; it was left out.", "socket: it is a socket; it was left out."]


def test_hard_link_is_refused(desk: Desk, secret: Path) -> None:
    """The same file under another name may be somebody else's."""
    os.link(secret, desk.submission / "mine.txt")
    intake = desk.examine(answered())
    assert intake.files == {}
    assert [flag.kind for flag in intake.refused] == [Kind.HARD_LINK]


@on_posix
@pytest.mark.parametrize("trick", ["link", "pipe", "hard link", "other file", "folder"])
def test_file_exchanged_after_it_was_looked_at_is_refused(
    desk: Desk, secret: Path, monkeypatch: pytest.MonkeyPatch, trick: str
) -> None:
    """What is opened must be what was looked at."""
    path = desk.submission / "a.txt"
    path.write_text("harmless")
    look = OpenFolder.look

    def look_and_lose(folder: OpenFolder, name: str) -> os.stat_result:
        found = look(folder, name)
        if name == "a.txt":
            path.unlink()
            {
                "link": lambda: path.symlink_to(secret),
                "pipe": lambda: os.mkfifo(path),
                "hard link": lambda: os.link(secret, path),
                "other file": lambda: path.write_text("another"),
                "folder": path.mkdir,
            }[trick]()
        return found

    (desk.submission / "keeper").write_bytes(b"")  # so that the number of the file that went is not given again
    monkeypatch.setattr(OpenFolder, "look", look_and_lose)
    kept_open = path.open()
    try:
        intake = desk.examine(answered())
    finally:
        kept_open.close()
    assert "a.txt" not in intake.files
    assert [(flag.kind, flag.where) for flag in intake.refused] == [(Kind.UNREADABLE, "a.txt")]


@on_posix
def test_folder_exchanged_for_a_link_is_refused(desk: Desk, secret: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder is not left by a link that took its place."""
    folder = desk.submission / "data"
    folder.mkdir()
    look = OpenFolder.look

    def look_and_lose(self: OpenFolder, name: str) -> os.stat_result:
        found = look(self, name)
        if name == "data":
            folder.rmdir()
            folder.symlink_to(secret.parent)
        return found

    monkeypatch.setattr(OpenFolder, "look", look_and_lose)
    intake = desk.examine(answered())
    assert intake.files == {}
    assert [(flag.kind, flag.where) for flag in intake.refused] == [(Kind.UNREADABLE, "data")]


@on_posix
@pytest.mark.parametrize(
    ("name", "line"),
    [
        (b"a\x1b[2Jb", r"a\x1b[2Jb: its name has control characters; it was left out."),
        (b"a\nb: all fine", r"a\nb: all fine: its name has control characters; it was left out."),
        (
            "x\u202egpj.py".encode(),
            r"x\u202egpj.py: its name has characters that turn the reading direction round; it was left out.",
        ),
        (b"..\\..\\source\\a.py", r"..\..\source\a.py: its name could lead out of the folder; it was left out."),
        (b"caf\xe9.txt", r"caf\udce9.txt: its name is not UTF-8; it was left out."),
        (b"n" * 250, "n" * 57 + "...: its name is too long; it was left out."),
    ],
)  # fmt: skip
@pytest.mark.skipif(sys.platform == "darwin", reason="macOS has UTF-8 names only")
def test_odd_name_is_refused_and_shown_harmlessly(desk: Desk, name: bytes, line: str) -> None:
    """A name that could trick a terminal, a reader or another computer is not taken over."""
    with open(os.path.join(os.fsencode(desk.submission), name), "wb"):  # noqa: PTH118, PTH123 - bytes
        pass
    intake = desk.examine(answered())
    assert (intake.files, intake.lines()) == ({}, [line])


@on_posix
def test_names_that_are_one_on_some_computers_are_refused(desk: Desk) -> None:
    """On a Mac, the second would replace the notebook that was examined."""
    content = desk.examine(answered()).notebooks[NAME]
    (desk.submission / "COUNT.ipynb").write_text("{}")
    intake = desk.examine()
    if sys.platform == "linux":
        assert intake.lines() == [
            "COUNT.ipynb: on some computers its name is the same as 'count.ipynb'; it was left out."
        ]
    assert intake.notebooks[NAME] == content


def test_file_in_the_place_of_a_folder_is_refused(desk: Desk) -> None:
    """Nbgrader copies the assignment's own files over; these would make it fail."""
    (desk.release / "data").mkdir()
    (desk.release / "notes.txt").write_text("as given")
    (desk.submission / "data").write_text("a file")
    (desk.submission / "notes.txt").mkdir()
    (desk.submission / "notes.txt" / "x").write_text("x")
    intake = desk.examine(answered())
    assert intake.files == {}
    assert intake.lines() == [
        "data: it is a file where the assignment has a folder; it was left out.",
        "notes.txt: it is a folder where the assignment has a file; it was left out.",
    ]


def test_large_file_is_refused_unread(desk: Desk) -> None:
    """The size is looked at first: ten gigabytes of nothing take no time and no memory."""
    with (desk.submission / "big.bin").open("wb") as file:
        file.truncate(10_000_000_000)
    intake = desk.examine(answered())
    assert intake.lines() == ["big.bin: it has 10,000.0 MB, and 20.0 MB are allowed; it was left out."]


def test_notebook_of_50_mb_is_refused_unread(desk: Desk) -> None:
    """It is not parsed, and nobody gets points for it."""
    with (desk.submission / NAME).open("wb") as file:
        file.truncate(50_000_000)
    intake = desk.examine()
    assert intake.notebooks == {}
    assert intake.lines()[0] == "count.ipynb: it has 50.0 MB, and 40.0 MB are allowed; it was left out."


def test_files_together_are_bounded_and_the_notebook_comes_first(desk: Desk) -> None:
    """Files that are read before it by their names do not use up its room."""
    for name in "abc":
        (desk.submission / name).write_bytes(b"x" * 1_000)
    intake = desk.examine(answered(), total_bytes=len(json.dumps(answered())) + 2_500)
    assert NAME in intake.notebooks
    assert 0 < len(intake.files) < 3
    assert {flag.kind for flag in intake.refused} == {Kind.SIZE}


def test_number_of_files_is_bounded_and_the_notebook_comes_first(desk: Desk) -> None:
    """A million small files are one line."""
    for number in range(60):
        (desk.submission / f"a{number}").write_bytes(b"")
    intake = desk.examine(answered(), entries=20)
    assert NAME in intake.notebooks
    assert len(intake.files) <= 20
    assert intake.lines() == ["the submission: has more than 20 files and folders; the others were left out."]


def test_depth_is_bounded(desk: Desk) -> None:
    """A thousand folders within folders are not walked."""
    (desk.submission / "a/a/a/a/a/a/a/a/a/a/a").mkdir(parents=True)
    assert desk.examine(answered()).lines() == ["a/a/a/a/a/a/a/a/a: it lies too deep; it was left out."]


def test_unreadable_file_is_a_line(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the system refuses is told in its words."""

    def refuse(*_: object) -> bytes:
        raise PermissionError(13, "Permission denied")

    (desk.submission / "a.txt").write_text("x")
    monkeypatch.setattr(OpenFolder, "read", refuse)
    assert desk.examine().lines()[0] == "a.txt: it cannot be read (Permission denied); it was left out."


def test_missing_submission_is_a_line(desk: Desk, tmp_path: Path) -> None:
    """Nothing was handed in: said, not raised."""
    intake = examine(tmp_path / "nobody", desk.release)
    assert intake.lines() == [
        "the submission: its folder cannot be opened (No such file or directory); nothing was taken.",
        "count.ipynb: this notebook was not handed in, or was left out.",
    ]


@pytest.mark.parametrize(
    ("content", "taken"),
    [
        (b"2026-11-26 04:43:58.123456 UTC\n", True),
        (b"2026-11-26 04:43:58 +0100", True),
        (b"2026-11-26T04:43:58Z", True),
        (b"\xef\xbb\xbf2026-11-26 04:43:58 UTC", True),
        (b"2026-11-26 04:43:58 Europe/Berlin", True),
        (b"", True),
        (b"\xef\xbb\xbf", True),
        (b"yesterday", False),
        (b"03.12.2026 10:00", False),
        (b"\x00" * 5_000, False),
    ],
)
def test_time_of_submission_must_be_one(desk: Desk, content: bytes, taken: bool) -> None:
    """Nbgrader would stop at a time that it cannot read; somebody must look whether the work was late."""
    (desk.submission / "timestamp.txt").write_bytes(content)
    intake = desk.examine(answered())
    assert ("timestamp.txt" in intake.files) == taken
    assert any(flag.needs_human for flag in intake.refused) != taken
    assert not intake.files.get("timestamp.txt", b"").startswith(b"\xef")


def test_clean_copy_is_written_and_the_submission_untouched(desk: Desk, tmp_path: Path) -> None:
    """What is written is what was examined, and examined again there is nothing more to say."""
    (desk.submission / "src").mkdir()
    (desk.submission / "src" / "a.py").write_bytes(b"x = 1\r\n")
    before = desk.examine({"cells": [], "nbformat": 4, "nbformat_minor": 5, "metadata": {}})
    content = (desk.submission / NAME).read_bytes()
    before.write(tmp_path / "clean" / "copy")
    after = examine(tmp_path / "clean" / "copy", desk.release)
    assert after.lines() == []
    assert (after.files, after.notebooks) == (before.files, before.notebooks)
    assert (desk.submission / NAME).read_bytes() == content
    with pytest.raises(FileExistsError):
        before.write(tmp_path / "clean" / "copy")
