"""What was done to the cells of the assignment: each is put right in the copy, and said in one line."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from autograder.intake import Kind
from tests.support.submissions import (
    ANSWERS,
    NAME,
    Desk,
    Notebook,
    answered,
    assert_gradable,
    cell_of,
    changed,
    id_of,
    ids,
    own_cell,
    released,
)


def index_of(notebook: Notebook, grade_id: str) -> int:
    """The place of the cell in the notebook."""
    return [id_of(cell) for cell in notebook["cells"]].index(grade_id)


def graded(desk: Desk, notebook: Notebook) -> tuple[Notebook, list[str]]:
    """The repaired copy, and the lines about it."""
    intake = desk.examine(notebook)
    assert not intake.refused
    made = dict(intake.notebooks[NAME])
    assert_gradable(made)
    return made, intake.lines()


@pytest.mark.parametrize(
    ("notebook", "line"),
    [
        (
            changed("test-by-key", source="pass"),
            "count.ipynb, cell 5 (test-by-key): this test was edited; the released version was put back.",
        ),
        (
            changed("imports", source="from collections import Counter as C"),
            "count.ipynb, cell 2 (imports): this locked cell was edited; the released version was put back.",
        ),
        (
            changed("test-by-key", points=1000),
            "count.ipynb, cell 5 (test-by-key): its points were changed from 2 to 1000; they were changed back.",
        ),
        (
            changed("explain", points=float("nan")),
            "count.ipynb, cell 8 (explain): its points were changed from 4 to None; they were changed back.",
        ),
        (
            changed("test-by-key", grade=False, locked=False),
            (
                "count.ipynb, cell 5 (test-by-key): its nbgrader metadata were changed (grade, locked); "
                "the released ones were put back."
            ),
        ),
        (
            changed("explain", cell_type="code", outputs=[], execution_count=None),
            "count.ipynb, cell 8 (explain): was changed from markdown to code; it was changed back.",
        ),
        (
            changed("by-key", cell_type="markdown"),
            "count.ipynb, cell 4 (by-key): was changed from code to markdown; it was changed back.",
        ),
    ],
)
def test_change_of_released_cell_is_undone(desk: Desk, notebook: Notebook, line: str) -> None:
    """What students may not change is as released in the copy."""
    assert graded(desk, notebook)[1] == [line]


@pytest.mark.parametrize("tag", ["skip-execution", "raises-exception"])
def test_tag_that_keeps_a_test_from_running_is_removed(desk: Desk, tag: str) -> None:
    """Nbclient leaves such a cell out, and nbgrader gives full points to a test without an error."""
    notebook = answered()
    cell_of(notebook, "test-by-key")["metadata"]["tags"] = [tag, "mine"]
    made, lines = graded(desk, notebook)
    assert "tags" not in cell_of(made, "test-by-key")["metadata"]
    assert lines == [
        f"count.ipynb, cell 5 (test-by-key): it was tagged {tag}, which changes how it is run; the tag was removed."
    ]


@pytest.mark.parametrize(
    "source",
    [
        "assert partition_of('a', 10) == 7  # as given",
        'assert partition_of(\n    "a",\n    10,\n) == 7',
        'assert partition_of("a", 10) == 7   \n\n',
    ],
)
def test_layout_of_a_test_is_no_edit(desk: Desk, source: str) -> None:
    """A formatter that ran over the whole notebook did nothing wrong."""
    made, lines = graded(desk, changed("test-partition-of", source=source))
    assert lines == []
    assert cell_of(made, "test-partition-of")["source"] == 'assert partition_of("a", 10) == 7'


def test_unanswered_cell_stays_exactly_as_released(desk: Desk) -> None:
    """By its checksum nbgrader sees that there is no answer; blanks that an editor adds must not look like one."""
    made, lines = graded(desk, changed("explain", source="YOUR ANSWER HERE \r\n"))
    assert lines == []
    assert cell_of(made, "explain")["source"] == "YOUR ANSWER HERE"


def test_copied_answer_keeps_the_first_that_is_one(desk: Desk) -> None:
    """The stub that was copied is left out: after the answer it would undo it."""
    notebook = released()
    stub = cell_of(notebook, "by-key")
    right = copy.deepcopy(stub) | {"source": ANSWERS["by-key"]}
    place = notebook["cells"].index(stub)
    notebook["cells"][place : place + 1] = [copy.deepcopy(stub), right, copy.deepcopy(stub)]
    made, lines = graded(desk, notebook)
    assert cell_of(made, "by-key")["source"] == ANSWERS["by-key"]
    assert sum("count_by_key(records)" in cell["source"] for cell in made["cells"]) == 1
    assert lines == [
        "count.ipynb, cell 4 (by-key): is a copy of cell 5, as released; it was left out.",
        "count.ipynb, cell 6 (by-key): is a copy of cell 5, as released; it was left out.",
    ]


def test_second_answer_is_kept_without_metadata_for_a_human(desk: Desk) -> None:
    """The first answer is graded; the second still runs, as it did for the student."""
    notebook = answered()
    notebook["cells"].append(copy.deepcopy(cell_of(notebook, "explain")) | {"source": "Because of keys."})
    intake = desk.examine(notebook)
    assert [(flag.kind, flag.needs_human) for flag in intake.flags] == [(Kind.TWO_ANSWERS, True)]
    last = intake.notebooks[NAME]["cells"][-1]
    assert (last["source"], last["metadata"]) == ("Because of keys.", {})


def test_copied_test_that_was_edited_does_not_replace_the_test(desk: Desk) -> None:
    """Of two tests with one id, the one that is as released is the test."""
    notebook = answered()
    place = index_of(notebook, "test-by-key")
    notebook["cells"].insert(place, copy.deepcopy(notebook["cells"][place]) | {"source": "pass"})
    made, lines = graded(desk, notebook)
    assert index_of(made, "test-by-key") == place + 1
    assert lines == [
        "count.ipynb, cell 5 (test-by-key): is a copy of cell 6; it was kept as a cell of the student's own."
    ]


def test_missing_test_is_added_after_its_answer_and_what_follows_that(desk: Desk) -> None:
    """It tests what the student's own cells after the answer made of it, and comes before the next heading."""
    notebook = answered()
    place = index_of(notebook, "test-by-key")
    notebook["cells"][place] = own_cell("old = count_by_key")
    made, lines = graded(desk, notebook)
    assert index_of(made, "test-by-key") == place + 1
    assert lines == ["count.ipynb, cell test-by-key: this test is missing; it was added as released."]


def test_every_cell_missing_is_added_in_order(desk: Desk) -> None:
    """A notebook with nothing in it comes out as released, and each missing cell is said."""
    intake = desk.examine(released() | {"cells": []})
    assert ids(dict(intake.notebooks[NAME])) == ids(released())
    assert len(intake.flags) == len(ids(released()))


def test_missing_answer_comes_before_the_students_own_cells(desk: Desk) -> None:
    """The released stub must not undo an answer that was given in a new cell; a human looks at it."""
    notebook = answered()
    place = index_of(notebook, "by-key")
    notebook["cells"][place : place + 1] = [own_cell("import math"), own_cell("count_by_key = lambda records: {}")]
    made, lines = graded(desk, notebook)
    assert [id_of(cell) for cell in made["cells"][place : place + 4]] == ["by-key", "", "", "test-by-key"]
    assert lines == [
        (
            "count.ipynb, cell by-key: the cell for this answer is missing; it was added as released. "
            "See whether the answer is in a cell of the student's own."
        ),
    ]


def test_answer_in_a_new_cell_at_its_place_is_recognised(desk: Desk) -> None:
    """A cell that was deleted and written anew is the only new one between its neighbours."""
    notebook = answered()
    place = index_of(notebook, "explain")
    notebook["cells"][place] = own_cell("Only within a partition.", "markdown")
    made, lines = graded(desk, notebook)
    assert cell_of(made, "explain")["source"] == "Only within a partition."
    assert lines == [
        (
            "count.ipynb: 1 of its cells had lost their nbgrader id and were known again by cell id, text or place: "
            "cell 8 as explain."
        ),
    ]


@pytest.mark.parametrize("keep_cell_ids", [True, False])
def test_notebook_without_any_metadata_is_recognised(desk: Desk, keep_cell_ids: bool) -> None:
    """Some tools drop all metadata: every cell is known again, by cell id, by text, or by place."""
    notebook = answered()
    for cell in notebook["cells"]:
        cell["metadata"] = {}
        if not keep_cell_ids:
            del cell["id"]
    made, lines = graded(desk, notebook)
    assert [cell["source"] for cell in made["cells"]] == [cell["source"] for cell in answered()["cells"]]
    assert len(lines) == 1
    assert lines[0].startswith("count.ipynb: 8 of its cells had lost their nbgrader id")


def test_stripped_cell_that_could_be_two_is_left_to_a_human(desk: Desk) -> None:
    """Two cells with the lines of one answer: neither is taken for it."""
    notebook = answered()
    place = index_of(notebook, "by-key")
    notebook["cells"][place] = own_cell(ANSWERS["by-key"])
    notebook["cells"].insert(place, own_cell(ANSWERS["by-key"] + "  # faster?"))
    intake = desk.examine(notebook)
    assert [flag.kind for flag in intake.flags] == [Kind.MISSING_ANSWER]
    assert intake.flags[0].needs_human


def test_moved_test_is_put_back(desk: Desk) -> None:
    """A test before its answer cannot pass; as nobody answers in it, it is put back."""
    notebook = answered()
    notebook["cells"].insert(0, notebook["cells"].pop(index_of(notebook, "test-by-key")))
    made, lines = graded(desk, notebook)
    assert ids(made) == ids(released())
    assert lines == ["count.ipynb, cell 1 (test-by-key): was moved among the assignment's cells; it was put back."]


def test_answer_below_its_test_means_that_the_test_was_moved(desk: Desk) -> None:
    """Of two that changed places, the test is the one that can be put back."""
    notebook = answered()
    place = index_of(notebook, "by-key")
    notebook["cells"].insert(place, notebook["cells"].pop(place + 1))
    made, lines = graded(desk, notebook)
    assert ids(made) == ids(released())
    assert lines == ["count.ipynb, cell 4 (test-by-key): was moved among the assignment's cells; it was put back."]


def test_moved_answer_stays_where_it_is(desk: Desk) -> None:
    """Its author may have needed it there."""
    notebook = answered()
    notebook["cells"].insert(3, notebook["cells"].pop(index_of(notebook, "partition-of")))
    made, lines = graded(desk, notebook)
    assert ids(made)[:4] == ["imports", "partition-of", "by-key", "test-by-key"]
    assert lines == [
        "count.ipynb, cell 4 (partition-of): was moved among the assignment's cells; it stays where it is."
    ]


def test_cell_of_another_assignment_is_the_students_own(desk: Desk) -> None:
    """Nbgrader would stop at an id that it does not know."""
    notebook = answered()
    other = copy.deepcopy(cell_of(notebook, "test-by-key"))
    other["metadata"]["nbgrader"] |= {"grade_id": "bonus", "points": 100}
    notebook["cells"].append(other)
    made, lines = graded(desk, notebook)
    assert made["cells"][-1]["metadata"] == {}
    assert lines == [
        (
            "count.ipynb, cell 12 (bonus): has an nbgrader id that this assignment does not have "
            "(pasted from another one?); it counts as a cell of the student's own."
        ),
    ]


@pytest.mark.parametrize("grade_id", [None, 7, ["by-key"], {"by-key": 1}, "", "\x1b[2J\u202e" * 100])
def test_nonsense_for_an_id_is_shown_harmlessly(desk: Desk, grade_id: Any) -> None:
    """No terminal sequence and nothing that turns letters round reaches the instructor."""
    notebook = changed("test-by-key", grade_id=grade_id, source="pass")
    notebook["cells"][4]["id"] = "other"
    made, lines = graded(desk, notebook)
    assert len(lines) == 2
    assert all(line.isprintable() and len(line) < 300 for line in lines)
    assert made["cells"][4]["metadata"] == {}


def test_answer_under_another_id_is_recognised(desk: Desk) -> None:
    """An id that was changed loses nobody an answer."""
    made, lines = graded(desk, changed("by-key", grade_id="mine"))
    assert cell_of(made, "by-key")["source"] == ANSWERS["by-key"]
    assert len(lines) == 1


def test_many_alike_are_counted(desk: Desk) -> None:
    """A thousand lines of one kind are twenty, and one that counts the others."""
    notebook = answered()
    spam = copy.deepcopy(cell_of(notebook, "test-by-key"))
    spam["metadata"]["nbgrader"]["grade_id"] = "spam"
    notebook["cells"] += [copy.deepcopy(spam) for _ in range(500)]
    _, lines = graded(desk, notebook)
    assert len(lines) == 21
    assert lines[-1] == "count.ipynb: 480 more like the last line about 'unknown id'."


def test_outputs_and_widgets_are_dropped_silently(desk: Desk) -> None:
    """Nbgrader clears them before it runs the notebook; the submission itself keeps them."""
    notebook = answered()
    notebook["metadata"]["widgets"] = {"state": "x" * 1_000_000}
    cell_of(notebook, "by-key")["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "x" * 5_000_000}]
    made, lines = graded(desk, notebook)
    assert lines == []
    assert "widgets" not in made["metadata"]
    assert cell_of(made, "by-key")["outputs"] == []


def test_pictures_pasted_into_an_answer_are_kept(desk: Desk) -> None:
    """An answer in text may be a picture."""
    notebook = answered()
    picture = {"sketch.png": {"image/png": "iVBORw0KGgo="}}
    cell_of(notebook, "explain")["attachments"] = picture
    assert cell_of(graded(desk, notebook)[0], "explain")["attachments"] == picture


def test_kernel_of_the_student_is_replaced_by_the_released(desk: Desk) -> None:
    """A kernel of another name would not be started, or start something else."""
    notebook = answered()
    notebook["metadata"] = {"kernelspec": {"name": "../../evil", "display_name": "x"}}
    assert graded(desk, notebook)[0]["metadata"] == released()["metadata"]
