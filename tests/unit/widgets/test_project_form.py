"""The form for a project plan: what it keeps, and what it does not overwrite."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kit.lessons.project_plan import EXAMPLE, EXAMPLE_TITLE, written
from kit.widgets import ProjectForm


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Give the file of a plan that is not there yet."""
    return tmp_path / "my-project.md"


def test_what_is_typed_is_in_the_file_and_in_the_next_form(path: Path) -> None:
    """A kernel that ends costs nothing."""
    form = ProjectForm(path)
    assert not path.exists()
    form.title = "Buses"
    form.texts = {"idea": "When does the bus come?"}

    assert path.read_text(encoding="utf-8") == form.text
    assert "Saved in my-project.md" in form.status
    again = ProjectForm(path)
    assert (again.title, again.texts["idea"]) == ("Buses", "When does the bus come?")
    assert "Loaded" in again.status


def answers(form: ProjectForm, *messages: object) -> list[Any]:
    """What the form answers to messages from a browser."""
    said: list[Any] = []
    form.send = said.append
    for message in messages:
        form._handle_custom_msg(message, [])  # noqa: SLF001 - ipywidgets has no other way in
    return said


def test_each_save_is_answered(path: Path) -> None:
    """The browser may say "saved" only when the kernel has said it, also when nothing had to be written."""
    message = {"type": "save", "number": 3, "title": "Buses", "texts": {"idea": "Late?"}}
    form = ProjectForm(path)
    before = form.version
    first, again = answers(form, message, {**message, "number": 4})

    assert (first["number"], first["is_saved"]) == (3, True)
    assert (again["number"], again["is_saved"]) == (4, True)
    assert path.read_text(encoding="utf-8") == form.text
    assert "Late?" in form.text
    assert form.version != before
    assert ProjectForm(path).version == form.version


def test_save_that_did_not_work_is_answered_too(path: Path) -> None:
    """A file that somebody else has changed stays, and the answer says why."""
    form = ProjectForm(path)
    path.write_text("# Of somebody else\n", encoding="utf-8")
    (answer,) = answers(form, {"type": "save", "number": 1, "title": "Buses", "texts": {}})

    assert not answer["is_saved"]
    assert "changed elsewhere" in answer["status"]
    assert path.read_text(encoding="utf-8") == "# Of somebody else\n"


@pytest.mark.parametrize(
    "message",
    [
        None,
        7,
        {},
        {"type": "save"},
        {"type": "save", "title": 7, "texts": {}},
        {"type": "save", "title": "", "texts": 7},
    ],
)
def test_message_that_is_none_is_not_answered(message: object, path: Path) -> None:
    """Whatever a page sends, nothing is raised and nothing is written."""
    assert answers(ProjectForm(path), message) == []
    assert not path.exists()


def test_items_follow_the_text(path: Path) -> None:
    """What is there is ticked off."""
    form = ProjectForm(path)
    assert not any(item["is_there"] for item in form.items)

    form.texts = EXAMPLE

    assert all(item["is_there"] for item in form.items)


def test_change_from_elsewhere_is_not_overwritten(path: Path) -> None:
    """Whoever edits the file by hand keeps that; the form says so, and loads it when it is made again."""
    form = ProjectForm(path)
    form.title = "Buses"
    path.write_text(written(EXAMPLE_TITLE, EXAMPLE), encoding="utf-8")
    form.title = "Trams"

    assert "changed elsewhere" in form.status
    assert EXAMPLE_TITLE in path.read_text(encoding="utf-8")
    assert ProjectForm(path).title == EXAMPLE_TITLE


def test_file_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """No folder, no file, and no exception."""
    form = ProjectForm(tmp_path / "nowhere" / "plan.md")
    form.title = "Buses"

    assert "NOT saved" in form.status


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"<script>alert(1)</script>", b"# x\n" * 50_000])
def test_any_file_opens(content: bytes, path: Path) -> None:
    """A file that is no plan is an empty form."""
    path.write_bytes(content)

    assert ProjectForm(path).texts["idea"] == ""
