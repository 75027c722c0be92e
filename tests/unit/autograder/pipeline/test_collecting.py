"""Downloads of Moodle and Canvas become submissions, and what could do harm is one line."""

from __future__ import annotations

import os
import stat
import time
import unicodedata
import zipfile
from pathlib import Path

import pytest

from autograder.pipeline.collecting import collect
from autograder.pipeline.course import Course, open_course
from autograder.pipeline.downloads import DownloadError
from tests.support import grading

_NAME = grading.ASSIGNMENT


@pytest.fixture
def opened(course: Path) -> Course:
    """A course whose gradebook knows two students."""
    made = open_course(course)
    with made.gradebook() as gradebook:
        gradebook.add_student("alovelace", first_name="Ada", last_name="Lovelace")
        gradebook.add_student("ghopper", first_name="Grace", last_name="Hopper", lms_user_id="4711")
    return made


def folder_of(tmp_path: Path, files: dict[str, str]) -> Path:
    """A folder with these files."""
    for name, text in files.items():
        path = tmp_path / "download" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "download"


def zip_of(tmp_path: Path, files: dict[str, str]) -> Path:
    """A zip file with these files."""
    with zipfile.ZipFile(tmp_path / "download.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return tmp_path / "download.zip"


def submitted(course: Course) -> dict[str, str]:
    """Every file that was handed in, and its text."""
    home = course.root / "submitted"
    return {path.relative_to(home).as_posix(): path.read_text() for path in home.rglob("*") if path.is_file()}


MOODLE = {
    "Ada Lovelace_101_assignsubmission_file/streams.ipynb": "a",
    "Ada Lovelace_101_assignsubmission_file/data/x.csv": "x",
    "José  Nuñez_102_assignsubmission_file_streams.ipynb": "j",
}
CANVAS = {
    "hoppergrace_4711_900_streams.ipynb": "old",
    "hoppergrace_4711_901_streams-1.ipynb": "new",
    "lovelaceada_LATE_17_902_streams.ipynb": "a",
    "doejohn_18_903_notes-2.txt": "n",
}


@pytest.mark.parametrize(
    "files",
    [
        {"submissions/alovelace/streams.ipynb": "a", "submissions/ghopper/streams.ipynb": "g"},
        {"CS-1/HW/alovelace/streams.ipynb": "a", "CS-1/HW/ghopper/sub/streams.ipynb": "g"},
        {f"all/{name}_101_assignsubmission_file/streams.ipynb": name for name in ("Ada Lovelace", "Grace Hopper")},
        {f"all/{name}_7_90_streams.ipynb": name for name in ("ada", "grace")},
    ],
)
def test_collect_sees_a_folder_around_all_of_them(opened: Course, tmp_path: Path, files: dict[str, str]) -> None:
    """Whoever zips a folder has it in the zip file; it is no student with everybody's work."""
    junk = {"__MACOSX/all/._x": "", f"{next(iter(files)).split('/')[0]}/.DS_Store": ""}
    done = collect(opened, _NAME, zip_of(tmp_path, files | junk))

    assert len(done.new) == 2, done
    assert done.lines[0].startswith("Everything lies in the folder ")


@pytest.mark.parametrize(
    "name", ["ada/streams.ipynb", f"ada/{_NAME}/streams.ipynb", f"ada/{_NAME}/sub/streams.ipynb", "ada/data/x.csv"]
)
def test_collect_takes_the_only_student_for_one(opened: Course, tmp_path: Path, name: str) -> None:
    """A download with one student has one folder, too."""
    done = collect(opened, _NAME, folder_of(tmp_path, {name: "x"}))
    assert (done.new, done.lines) == (["ada"], [])


@pytest.mark.parametrize("make", [folder_of, zip_of])
def test_collect_understands_moodle(opened: Course, tmp_path: Path, make: type[object]) -> None:
    """A folder for each student or a flat name; a name that the gradebook knows is that student."""
    done = collect(opened, _NAME, make(tmp_path, MOODLE))  # type: ignore[call-arg, arg-type]

    assert submitted(opened) == {
        f"alovelace/{_NAME}/streams.ipynb": "a",
        f"alovelace/{_NAME}/data/x.csv": "x",
        f"jose-nunez/{_NAME}/streams.ipynb": "j",
    }
    assert sorted(done.new) == ["alovelace", "jose-nunez"]
    assert [line.split(":")[1].split(".")[0] for line in done.lines] == [" jose-nunez"]


@pytest.mark.parametrize(
    ("name", "student"),
    [
        ("李 雷", "李-雷-106"),
        ("Zoë Müller-Weiß", "zoe-muller-weiss-106"),
        ("Søren Ø", "søren-ø-106"),
        ("Лев Толстой", "лев-толстой-106"),
        ("がく 한국", "がく-한국-106"),
        ("प्रिया", "प्रिया-106"),
        ("!!!", "student-106"),
        ("<b>bold</b>", "b-bold-b-106"),
        ("x" * 60, "x" * 60 + "-106"),
        ("㍿" * 20, "株式会社" * 12 + "株式-106"),  # one letter that stands for four
    ],
)
@pytest.mark.parametrize("rest", ["106_assignsubmission_file/streams.ipynb", "106_7_streams.ipynb"])
def test_collect_makes_a_name_of_any_letters(
    opened: Course, tmp_path: Path, name: str, student: str, rest: str
) -> None:
    """In any script; a number alone is nobody's name, and a slash is none that leads into a folder."""
    names = [f"{name}_{rest}", f"Ada_107_{rest.removeprefix('106_')}" if "assign" in rest else "Ada_107_8_a.ipynb"]
    collect(opened, _NAME, zip_of(tmp_path, dict.fromkeys(names, "x")))
    if "assign" in rest and " " in name:  # Moodle's number says nothing about anybody
        student = student.removesuffix("-106")
    assert {each.split("/")[0] for each in submitted(opened)} == {student, "ada-107"}


def test_collect_lets_no_folder_of_a_students_be_another_student(opened: Course, tmp_path: Path) -> None:
    """In a folder for each student, what one of them calls a folder is no name."""
    files = {
        "bob/Ada_101_assignsubmission_file/streams.ipynb": "b",
        "bob/streams.ipynb": "b",
        "eve/streams.ipynb": "e",
    }
    collect(opened, _NAME, zip_of(tmp_path, files))
    assert {each.split("/")[0] for each in submitted(opened)} == {"bob", "eve"}


def test_collect_understands_canvas(opened: Course, tmp_path: Path) -> None:
    """The last upload counts and has its own name again; a number that the gradebook knows is that student."""
    done = collect(opened, _NAME, zip_of(tmp_path, CANVAS))

    assert submitted(opened) == {
        f"ghopper/{_NAME}/streams.ipynb": "new",
        f"alovelace/{_NAME}/streams.ipynb": "a",
        f"doejohn-18/{_NAME}/notes-2.txt": "n",
    }
    assert done.lines[0] == "alovelace: it came late, and the download does not say when."
    assert "called by their names in the LMS: doejohn-18. " in done.lines[1]


BLACKBOARD = {
    "Homework 1_ada_attempt_2026-11-20-09-30-00.txt": "Name: Ada",
    "Homework 1_ada_attempt_2026-11-20-09-30-00_streams.ipynb": "old",
    "Homework 1_ada_attempt_2026-11-21-18-05-59_streams.ipynb": "new",
    "Homework 1_bob_attempt_2026-11-20-10-00-00_x_ada_attempt_2020-01-01-00-00-00_streams.ipynb": "b",
    "Homework 1_cyd_attempt_2026-11-20-10-00-00_x_7_assignsubmission_file_streams.ipynb": "c",
}


def test_collect_takes_the_time_that_a_download_has(
    opened: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Blackboard's names tell when; what a student called a file tells neither a time nor another student."""
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        done = collect(opened, _NAME, zip_of(tmp_path, BLACKBOARD))
    finally:
        monkeypatch.undo()
        time.tzset()

    assert submitted(opened) == {
        f"ada/{_NAME}/streams.ipynb": "new",
        f"ada/{_NAME}/timestamp.txt": "2026-11-21 17:05:59 UTC\n",
        f"bob/{_NAME}/x_ada_attempt_2020-01-01-00-00-00_streams.ipynb": "b",
        f"bob/{_NAME}/timestamp.txt": "2026-11-20 09:00:00 UTC\n",
        f"cyd/{_NAME}/x_7_assignsubmission_file_streams.ipynb": "c",
        f"cyd/{_NAME}/timestamp.txt": "2026-11-20 09:00:00 UTC\n",
    }
    assert done.lines == []


def test_collect_understands_a_folder_for_each_student(opened: Course, tmp_path: Path) -> None:
    """Any name that a folder can have; also as nbgrader itself keeps submissions."""
    odd = "$(touch x); `y` 'z' [a]*"
    collect(opened, _NAME, folder_of(tmp_path, {f"{odd}/streams.ipynb": "a", f"bob/{_NAME}/streams.ipynb": "b"}))

    assert submitted(opened) == {f"{odd}/{_NAME}/streams.ipynb": "a", f"bob/{_NAME}/streams.ipynb": "b"}


@pytest.mark.parametrize(
    "name",
    ["../evil/streams.ipynb", "bob/../../evil", "/etc/evil", "bob/..\\..\\evil", "bob/a\x1b[31m.txt", ".ssh/evil",
     "bob/\u202etxt.exe", "evil.ipynb", "-rf/evil"],
)  # fmt: skip
def test_collect_refuses_names_in_one_line(opened: Course, tmp_path: Path, name: str) -> None:
    """Nothing is written outside, and the others are collected."""
    done = collect(opened, _NAME, zip_of(tmp_path, {name: "x", "ada/streams.ipynb": "a"}))

    assert submitted(opened) == {f"ada/{_NAME}/streams.ipynb": "a"}
    assert len(done.lines) == 1
    assert done.lines[0].isprintable()
    assert not list(tmp_path.rglob("*evil*"))


def test_collect_follows_no_link(opened: Course, tmp_path: Path) -> None:
    """Neither one of a folder nor one of a zip file."""
    secret = tmp_path / "secret"
    secret.write_text("secret")
    folder = folder_of(tmp_path, {"ada/streams.ipynb": "a"})
    (folder / "ada" / "link.txt").symlink_to(secret)
    (folder / "bob").symlink_to(tmp_path)
    os.mkfifo(folder / "ada" / "pipe")
    done = collect(opened, _NAME, folder)
    link = zipfile.ZipInfo("cyd/link")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "links.zip", "w") as archive:
        archive.writestr(link, str(secret))
    more = collect(opened, _NAME, tmp_path / "links.zip")

    assert submitted(opened) == {f"ada/{_NAME}/streams.ipynb": "a"}
    assert len(done.lines) == 3
    assert len(more.lines) == 1


def test_collect_unpacks_no_bomb(opened: Course, tmp_path: Path) -> None:
    """A file that is small only in its archive is refused by the size that it says."""
    done = collect(opened, _NAME, zip_of(tmp_path, {"ada/bomb.txt": "0" * 30_000_000, "ada/streams.ipynb": "a"}))

    assert list(submitted(opened)) == [f"ada/{_NAME}/streams.ipynb"]
    assert "30.0 MB" in done.lines[0]


@pytest.mark.parametrize(
    "path",
    ["A B_1_assignsubmission_file/timestamp.txt", "A B_1_assignsubmission_file_timestamp.txt", "ab_1_2_timestamp.txt",
     "ada/timestamp.txt", f"ada/{_NAME}/timestamp.txt", "ada/Timestamp.TXT"],
)  # fmt: skip
def test_collect_believes_no_time_of_a_students(opened: Course, tmp_path: Path, path: str) -> None:
    """Nbgrader would take it for the time of submission; no download has one."""
    done = collect(opened, _NAME, zip_of(tmp_path, {path: "2020-01-01 00:00 UTC"}))

    assert submitted(opened) == {}
    assert "not the student's to say" in done.lines[0]


def test_collect_keeps_two_names_apart(opened: Course, tmp_path: Path) -> None:
    """Ada and ADA would be one folder on a Mac."""
    done = collect(opened, _NAME, zip_of(tmp_path, {"ada/a.txt": "a", "ADA/a.txt": "b"}))

    assert len(submitted(opened)) == 1
    assert "the same name" in done.lines[0]


@pytest.mark.parametrize(("first", "second"), [("NFD", "NFC"), ("NFC", "NFD"), ("NFD", "NFD")])
def test_collect_knows_a_name_again_however_its_accents_are_written(
    opened: Course, tmp_path: Path, first: str, second: str
) -> None:
    """A zip file of a Mac's and the LMS's own are of one student, with one row among the marks."""
    names = [unicodedata.normalize(form, "Zoë Müller") for form in (first, second)]
    collect(opened, "windows", zip_of(tmp_path, {f"{names[0]}/windows.ipynb": "w"}))
    collect(opened, _NAME, zip_of(tmp_path, {f"{names[0]}/streams.ipynb": "a"}))
    done = collect(opened, _NAME, zip_of(tmp_path, {f"{names[1]}/streams.ipynb": "a"}))

    assert (done.same, done.lines) == (["Zoë Müller"], [])
    assert submitted(opened).keys() == {"Zoë Müller/windows/windows.ipynb", f"Zoë Müller/{_NAME}/streams.ipynb"}


def test_collect_uses_the_name_that_the_gradebook_has(opened: Course, tmp_path: Path) -> None:
    """Somebody may have put decomposed accents there long ago; of both forms, each is its own."""
    with opened.gradebook() as gradebook:
        gradebook.add_student(unicodedata.normalize("NFD", "Zoë"))

    assert collect(opened, _NAME, zip_of(tmp_path, {"Zoë/a.txt": "a"})).new == [unicodedata.normalize("NFD", "Zoë")]


def test_collect_says_whose_name_differs_in_blanks_only(opened: Course, tmp_path: Path) -> None:
    """Nobody would see it in a list; also of two in one download. Who has such a name already keeps it."""
    zipped = zip_of(tmp_path, {" Ada/a.txt": "a", "ada/a.txt": "a", "Jan  Meier/a.txt": "b", "Jan Meier/a.txt": "b"})
    done = collect(opened, _NAME, zipped)
    again = collect(opened, _NAME, zipped)

    assert sorted(done.new) == sorted(again.same) == [" Ada", "Jan  Meier", "Jan Meier", "ada"]
    assert done.lines == [
        "Jan Meier: 'Jan  Meier' is there, too. If it is the same student, rename one of the folders.",
        "ada: ' Ada' is there, too. If it is the same student, rename one of the folders.",
    ]
    assert again.lines == []


def test_collect_says_whose_name_differs_in_case_only(opened: Course, tmp_path: Path) -> None:
    """Whether they are two is not for a computer to say."""
    collect(opened, _NAME, zip_of(tmp_path, {"ada/a.txt": "a"}))
    done = collect(opened, _NAME, zip_of(tmp_path, {"Ada/a.txt": "a"}))

    assert done.new == ["Ada"]
    assert done.lines == ["Ada: ada is there, too. If it is the same student, rename one of the folders."]


def test_collect_again_replaces_only_when_asked(opened: Course, tmp_path: Path) -> None:
    """A second download with the same work changes nothing; other work needs --force."""
    collect(opened, _NAME, zip_of(tmp_path, {"ada/streams.ipynb": "a"}))
    assert collect(opened, _NAME, zip_of(tmp_path, {"ada/streams.ipynb": "a"})).same == ["ada"]

    refused = collect(opened, _NAME, zip_of(tmp_path, {"ada/streams.ipynb": "b"}))
    assert "--force would replace it" in refused.lines[0]
    assert submitted(opened) == {f"ada/{_NAME}/streams.ipynb": "a"}

    assert collect(opened, _NAME, zip_of(tmp_path, {"ada/streams.ipynb": "b"}), force=True).changed == ["ada"]
    assert submitted(opened) == {f"ada/{_NAME}/streams.ipynb": "b"}


def test_collect_keeps_the_time_that_an_instructor_wrote(opened: Course, tmp_path: Path) -> None:
    """Where the download has none it stays, with a line; where it has one, a line tells which gave way."""
    place = opened.folder("submitted", _NAME, "ada")
    collect(opened, _NAME, zip_of(tmp_path, {"ada/streams.ipynb": "a"}))
    (place / "timestamp.txt").write_text("2026-11-22 10:00:00 UTC")
    kept = collect(opened, _NAME, zip_of(tmp_path, {"ada/streams.ipynb": "b"}), force=True)

    assert (place / "timestamp.txt").read_text() == "2026-11-22 10:00:00 UTC"
    assert "timestamp.txt was kept, and says 2026-11-22 10:00:00 UTC" in kept.lines[0]

    name = "Homework 1_ada_attempt_2026-11-21-18-05-59_streams.ipynb"
    told = collect(opened, _NAME, zip_of(tmp_path, {name: "c"}), force=True)
    assert (place / "timestamp.txt").read_text().startswith("2026-11-21 ")
    assert "timestamp.txt said 2026-11-22 10:00:00 UTC, and says 2026-11-21 " in told.lines[0]


def test_collect_refuses_what_is_no_download(opened: Course, tmp_path: Path) -> None:
    """Neither a folder nor a zip file."""
    (tmp_path / "text.zip").write_text("text")
    for path in (tmp_path / "text.zip", tmp_path / "nothing"):
        with pytest.raises(DownloadError, match=path.name):
            collect(opened, _NAME, path)
