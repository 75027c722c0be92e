"""Nobody's work becomes another student's: names decide where a number is the assignment's."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.pipeline.collecting import Collected, collect
from autograder.pipeline.course import Course, open_course
from tests.support import grading


@pytest.fixture
def opened(course: Path) -> Course:
    """A course without anybody in its gradebook."""
    return open_course(course)


def moodle(
    course: Course,
    tmp_path: Path,
    *names: str,
    assignment: str = grading.ASSIGNMENT,
    text: str = "",
    force: bool = False,
) -> Collected:
    """Collect work of people with these names and numbers, as "Ada Lovelace_101"."""
    download = tmp_path / f"download-{len(list(tmp_path.glob('download-*')))}"
    for name in names:
        (download / f"{name}_assignsubmission_file").mkdir(parents=True)
        (download / f"{name}_assignsubmission_file" / grading.FILE).write_text(name + text)
    return collect(course, assignment, download, force=force)


def add(course: Course, **students: tuple[str, str, str]) -> None:
    """Let the gradebook know students: id -> first name, last name, number."""
    with course.gradebook() as gradebook:
        for student, (first, last, number) in students.items():
            gradebook.add_student(student, first_name=first, last_name=last, lms_user_id=number)


def test_moodles_number_is_nobodys_in_the_gradebook(opened: Course, tmp_path: Path) -> None:
    """It is counted anew in each assignment: work went to whoever had the same one by chance."""
    add(opened, ada=("Ada", "Lovelace", "1300"), bob=("Bob", "Bauer", "1234"))
    done = moodle(opened, tmp_path, "Ada Lovelace_1234", "Cyd Unknown_1300")

    assert sorted(done.new) == ["ada", "cyd-unknown"]
    assert len(done.lines) == 1
    assert done.lines[0].startswith("Not in the gradebook, so called by their names in the LMS: cyd-unknown. ")


def test_one_person_has_one_id_in_all_assignments(opened: Course, tmp_path: Path) -> None:
    """Without a list of students the name is the id; with Moodle's number, it was a new person each time."""
    assert moodle(opened, tmp_path, "Zoë Kaiser_1241").new == ["zoe-kaiser"]
    with opened.gradebook() as gradebook:
        gradebook.add_student("zoe-kaiser")  # as grading does
    again = moodle(opened, tmp_path, "Zoë Kaiser_1877", assignment="windows")
    assert (again.new, again.lines) == (["zoe-kaiser"], [])


def test_two_people_of_one_name_stay_two(opened: Course, tmp_path: Path) -> None:
    """Both are in one download, or the second comes later: nobody gets the other's work, and a line says so."""
    add(opened, anna=("Anna", "Schmidt", ""))
    both = moodle(opened, tmp_path, "Anna Schmidt_1", "Anna Schmidt_2", "Bob Bauer_3")
    later = moodle(opened, tmp_path, "Bob Bauer_4")
    again = moodle(opened, tmp_path, "Bob Bauer_3", "Bob Bauer_4")

    assert both.new == ["anna-schmidt-1", "anna-schmidt-2", "bob-bauer"]
    assert "another number in each assignment" in both.lines[-1]
    assert later.new == ["bob-bauer-4"]
    assert later.lines[0].startswith("Bob Bauer: this does not say which student it is")
    assert again.new == []


def test_who_renamed_a_folder_is_believed(opened: Course, tmp_path: Path) -> None:
    """As the line advises: work that comes again, also a newer one, goes to the id that somebody wrote."""
    names = ("Jan Meier_1250", "Jan Meier_1251")
    moodle(opened, tmp_path, *names)
    submitted = opened.root / "submitted"
    (submitted / "jan-meier-1250").rename(submitted / "jm1")
    again = moodle(opened, tmp_path, *names)
    newer = moodle(opened, tmp_path, *names, text="newer", force=True)
    last = moodle(opened, tmp_path, *names, text="newer")

    assert (again.new, sorted(again.same)) == ([], ["jan-meier-1251", "jm1"])
    assert sorted(newer.changed) == sorted(last.same) == ["jan-meier-1251", "jm1"]
    assert "jm1" not in " ".join(again.lines)


def test_a_name_that_two_in_the_gradebook_have_is_nobodys(opened: Course, tmp_path: Path) -> None:
    """Nor is an id that somebody with another name has."""
    add(opened, a1=("Anna", "Schmidt", ""), a2=("Schmidt", "Anna", ""), **{"bob-bauer": ("Robert", "Bauer", "")})
    done = moodle(opened, tmp_path, "Anna Schmidt_1", "Bob Bauer_2")
    assert done.new == ["anna-schmidt-1", "bob-bauer-2"]


def test_people_without_a_name_are_not_one(opened: Course, tmp_path: Path) -> None:
    """Moodle calls everybody alike where it hides names, and one alone could be another one next time."""
    with opened.gradebook() as gradebook:
        gradebook.add_student("nameless")
    done = moodle(opened, tmp_path, "Teilnehmerin_7", "!!!_8")
    assert done.new == ["student-8", "teilnehmerin-7"]
    assert all("Where Moodle hides names" in line for line in done.lines)


def test_a_group_before_every_name_is_no_part_of_them(opened: Course, tmp_path: Path) -> None:
    """Older Moodles put it there; hyphens of names stay."""
    add(opened, bob=("Bob", "Bauer", ""), eve=("Eve-Marie", "Roux", ""))
    done = moodle(opened, tmp_path, "Gruppe-A-Bob Bauer_1", "Gruppe-A-Eve-Marie Roux_2", "Gruppe-A-Cyd Neu_3")
    assert sorted(done.new) == ["bob", "cyd-neu", "eve"]
    assert done.lines[0].startswith("Gruppe-A- stands before every name")


@pytest.mark.parametrize("others", [(), ("Ada Lovelace_2",)])
def test_the_end_of_a_name_is_not_a_name(opened: Course, tmp_path: Path, others: tuple[str, ...]) -> None:
    """Jean-Luc Picard is not Luc Picard; a line asks whether "Jean" is a group."""
    add(opened, luc=("Luc", "Picard", ""), ada=("Ada", "Lovelace", ""))
    done = moodle(opened, tmp_path, "Jean-Luc Picard_1", *others)
    assert "jean-luc-picard" in done.new
    assert len(done.lines) == 1
    assert "If it is luc's, rename the folder" in done.lines[0]


def test_names_that_differ_in_vowels_are_two(opened: Course, tmp_path: Path) -> None:
    """Signs for vowels are no letters in Unicode; without them, many Indian names are one."""
    add(opened, rama=("रमा", "देवी", ""))
    assert moodle(opened, tmp_path, "राम देवी_1").new == ["राम-देवी"]


def test_work_collected_before_the_name_was_known_is_said(opened: Course, tmp_path: Path) -> None:
    """Else one person has two rows among the marks."""
    moodle(opened, tmp_path, "Zoë Kaiser_1")
    add(opened, zk=("Zoë", "Kaiser", ""))
    done = moodle(opened, tmp_path, "Zoë Kaiser_1")
    assert done.new == ["zk"]
    assert "submitted/ has work of zoe-kaiser, too" in done.lines[0]


def canvas(course: Course, tmp_path: Path, *names: str, assignment: str = grading.ASSIGNMENT) -> Collected:
    """Collect work of people with these names and numbers, as "lovelaceada_17"."""
    download = tmp_path / f"download-{len(list(tmp_path.glob('download-*')))}"
    download.mkdir()
    for name in names:
        (download / f"{name}_9_{grading.FILE}").write_text(name)
    return collect(course, assignment, download)


def numbers(course: Course) -> dict[str, str | None]:
    """The number of each student in the gradebook."""
    with course.gradebook() as gradebook:
        return {student.id: student.lms_user_id for student in gradebook.students}


def test_canvas_number_is_kept_for_the_way_back(opened: Course, tmp_path: Path) -> None:
    """Canvas knows nobody by an id that was made here; what the instructor wrote stays as it is."""
    add(opened, ada=("Ada", "Lovelace", ""), bob=("Bob", "Bauer", "B-22"))
    canvas(opened, tmp_path, "lovelaceada_17", "bauerbob_18", "hoppergrace_19")
    moodle(opened, tmp_path, "Cyd Neu_20")

    assert numbers(opened) == {"ada": "17", "bob": "B-22", "hoppergrace-19": "19"}


def test_id_that_was_made_is_the_same_next_time(opened: Course, tmp_path: Path) -> None:
    """Also of somebody who has another name since."""
    assert canvas(opened, tmp_path, "hoppergrace_19").new == ["hoppergrace-19"]
    assert canvas(opened, tmp_path, "murraygrace_19", assignment="windows").new == ["hoppergrace-19"]


def test_id_that_was_made_gives_way_to_the_persons_own(opened: Course, tmp_path: Path) -> None:
    """Whoever is added with a name later gets work and number; Canvas would take two rows for one person."""
    canvas(opened, tmp_path, "hoppergrace_19", "doejohn_1", "doejohn_2")
    add(opened, gh=("Grace", "Hopper", ""), jd=("John", "Doe", ""))
    done = canvas(opened, tmp_path, "hoppergrace_19", "doejohn_1", "doejohn_2")

    assert (done.new, done.same) == (["gh"], ["doejohn-1", "doejohn-2"])
    assert "submitted/ has work of hoppergrace-19, too" in done.lines[0]
    assert numbers(opened) == {"gh": "19", "hoppergrace-19": None, "jd": "", "doejohn-1": "1", "doejohn-2": "2"}


def test_canvas_number_and_name_of_two_people_are_said(opened: Course, tmp_path: Path) -> None:
    """Canvas's number is the person's and is believed; who gave it to another one learns of it."""
    add(opened, ada=("Ada", "Lovelace", "1300"), bob=("Bob", "Bauer", "1234"))
    download = tmp_path / "canvas"
    download.mkdir()
    (download / f"lovelaceada_1234_9_{grading.FILE}").write_text("a")
    done = collect(opened, grading.ASSIGNMENT, download)
    assert done.new == ["bob"]
    assert "the number 1234 is bob's and the name ada's" in done.lines[0]


def test_canvas_number_keeps_two_people_of_one_name_apart(opened: Course, tmp_path: Path) -> None:
    """The gradebook knows one of them by another number; one with leading zeros is the same."""
    add(opened, ada=("Ada", "Lovelace", "17"), bob=("Bob", "Bauer", "0018"))
    download = tmp_path / "canvas"
    download.mkdir()
    for name in ("lovelaceada_99", "bauerbob_18"):
        (download / f"{name}_9_{grading.FILE}").write_text("a")
    done = collect(opened, grading.ASSIGNMENT, download)
    assert sorted(done.new) == ["bob", "lovelaceada-99"]
    assert "ada of this name has the number 17 in the gradebook, and not 99" in done.lines[0]
