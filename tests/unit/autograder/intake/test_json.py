"""Bytes under a notebook's name: bombs are measured before they are parsed, and what is harmless is mended."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from autograder.intake import ReleaseError, examine
from autograder.intake.json_text import NotJsonError, parse
from autograder.intake.limits import Limits
from tests.support.submissions import ANSWERS, NAME, RELEASE, SOURCE, Desk, answered, cell_of, changed, own_cell


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"PK\x03\x04...", "is a ZIP archive (or a Word, PowerPoint or Excel file) under a notebook's name"),
        (b"<!doctype html>", "is a web page under a notebook's name"),
        (b'{"cells": [', "breaks off before its end"),
        (b'{"cells": "half', "breaks off before its end"),
        (b'{"cells":\n ]', "is no JSON from line 2, column 2 on"),
        (b'{\n<<<<<<< HEAD\n"a": 1\n', "has the marks of a git merge that was not finished"),
        (b"[" * 101 + b"]" * 101, "has more than 100 brackets within brackets"),
        (b"[" * 500_000, "has more than 100 brackets within brackets"),
        (b"[" + b"[]," * 600_000 + b"[]]", "has more than 1,000,000 values"),
        (b'"' * 5_000_000, "has more than 1,000,000 values"),
        (b"\xff\xfe\x00\xd8", "is not text"),
        (b"\x00\x01\x02\x03" * 9, "is no JSON from line 1, column 1 on"),
    ],
)
def test_hopeless_bytes_are_refused_in_a_sentence(content: bytes, sentence: str) -> None:
    """Said in words that an instructor can pass on."""
    with pytest.raises(NotJsonError, match="^" + sentence.replace("(", r"\(").replace(")", r"\)") + "$"):
        parse(content, Limits())


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[NaN, Infinity, -Infinity, 1e999, -1e999]", [None] * 5),
        ("9" * 1_000_000, None),
        ("[123456789012345678, -1.5, 1e3]", [123456789012345678, -1.5, 1000.0]),
        (r'["\ud800", "\ud83d\ude00", "\uDC00\uD800"]', ["\ufffd", "\U0001f600", "\ufffd\ufffd"]),
        (r'["[[[[\\", "\\\"]]]", {}]', ["[[[[\\", '\\"]]]', {}]),
    ],
)
def test_values_that_surprise_are_made_harmless(text: str, value: Any) -> None:
    """Numbers that no field needs are none, halves of characters are replaced, and strings hide no brackets."""
    assert parse(text.encode(), Limits(json_depth=4)).value == value


def test_brackets_in_texts_are_no_depth() -> None:
    """An output may show any number of them."""
    text = json.dumps({"source": '"[' * 50_000 + "\\"})
    assert parse(text.encode(), Limits(json_depth=1)).value == json.loads(text)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_other_encodings_of_editors_are_read(desk: Desk, encoding: str) -> None:
    """A notebook that was saved once more by a Windows editor is as good as before."""
    intake = desk.examine(json.dumps(changed("explain", source="Schlüssel"), ensure_ascii=False).encode(encoding))
    assert intake.lines() == []
    assert cell_of(dict(intake.notebooks[NAME]), "explain")["source"] == "Schlüssel"


def test_bytes_that_are_not_utf_8_are_replaced_and_told(desk: Desk) -> None:
    """The rest of the work is graded."""
    intake = desk.examine(json.dumps(changed("explain", source="Schlüssel"), ensure_ascii=False).encode("latin-1"))
    assert intake.lines() == ["count.ipynb: has bytes that are not UTF-8; each was replaced by \ufffd."]
    assert cell_of(dict(intake.notebooks[NAME]), "explain")["source"] == "Schl\ufffdssel"


def test_name_twice_counts_the_last_and_is_told(desk: Desk) -> None:
    """As JupyterLab shows it; two readers must not see two notebooks."""
    text = json.dumps(answered())
    intake = desk.examine(('{"cells": [], ' + text[1:]).encode())
    assert intake.lines() == [
        "count.ipynb: repeats names within one object (1 times); the last one counts, as in JupyterLab."
    ]
    assert cell_of(dict(intake.notebooks[NAME]), "by-key")["source"] == ANSWERS["by-key"]


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ([], "is no notebook: it has no cells"),
        ({}, "is no notebook: it does not say its format"),
        ({"nbformat": 4}, "is no notebook: it has no cells"),
        ({"nbformat": 4, "cells": {}}, "is no notebook: it has no cells"),
        ({"nbformat": "4", "cells": []}, "is no notebook: it does not say its format"),
        ({"nbformat": True, "cells": []}, "is no notebook: it does not say its format"),
        ({"nbformat": 2}, "has the notebook format 2, which cannot be read; save it again in JupyterLab"),
        ({"nbformat": 5}, "has the notebook format 5, which cannot be read; save it again in JupyterLab"),
        ({"nbformat": 3, "worksheets": 7}, "has the notebook format 3, and could not be converted"),
        ({"nbformat": 4, "cells": [{}] * 1_001}, "has 1,001 cells, and 1,000 are allowed"),
        ({"nbformat": 4, "cells": [own_cell("x" * 2_000_001)]}, "has 2.0 MB of text, and 2.0 MB are allowed"),
    ],
)
def test_json_that_is_no_notebook_is_refused(desk: Desk, value: Any, sentence: str) -> None:
    """One line, which says that it is not graded."""
    intake = desk.examine(json.dumps(value).encode())
    assert intake.notebooks == {}
    assert intake.lines() == [f"count.ipynb: it {sentence}; it cannot be graded."]
    assert intake.refused[0].needs_human


def test_format_3_is_converted_and_told(desk: Desk) -> None:
    """Stock nbgrader gives 0 points for it without a word."""
    cells = [
        {"cell_type": cell["cell_type"], "metadata": cell["metadata"]}
        | ({"input": cell["source"], "language": "python", "outputs": [], "collapsed": False, "prompt_number": 3}
           if cell["cell_type"] == "code" else {"source": cell["source"]})
        for cell in answered()["cells"]
    ]  # fmt: skip
    old = {"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": "x"}, "worksheets": [{"cells": cells}]}
    intake = desk.examine(json.dumps(old).encode())
    assert intake.lines() == [
        "count.ipynb: has the notebook format 3 of 2014, which nbgrader cannot grade; it was converted to format 4."
    ]
    assert cell_of(dict(intake.notebooks[NAME]), "by-key")["source"] == ANSWERS["by-key"]


def test_cells_that_are_none_are_told(desk: Desk) -> None:
    """The others are graded."""
    notebook = answered()
    notebook["cells"] += [None, {"cell_type": "heading", "source": "x"}, {"cell_type": "code", "source": 3}]
    assert desk.examine(notebook).lines() == [
        "count.ipynb: its cell 12 is none; it was left out.",
        "count.ipynb: its cell 13 has no text or no known type; it was kept as text.",
        "count.ipynb: its cell 14 has no text or no known type; it was kept as text.",
    ]


def test_pictures_that_are_too_large_are_told(desk: Desk) -> None:
    """They belong to an answer, so their loss is said."""
    notebook = answered()
    cell_of(notebook, "explain")["attachments"] = {"a.png": {"image/png": "x" * 2_000}}
    intake = desk.examine(notebook, attachment_bytes=1_000)
    assert intake.lines() == [
        "count.ipynb: the pictures pasted into its cell 8 are too large together with those before; they were left out."
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "has no notebook"),
        (b"{", "breaks off"),
        (SOURCE.read_bytes(), "not the release version"),
        (RELEASE.read_bytes().replace(b'"grade_id": "by-key"', b'"grade_id": "imports"'), "has an nbgrader id twice"),
    ],
)
def test_release_that_is_none_is_the_instructors_error(tmp_path: Path, content: bytes | None, words: str) -> None:
    """No student is blamed for it."""
    if content is not None:
        (tmp_path / NAME).write_bytes(content)
    with pytest.raises(ReleaseError, match=words):
        examine(tmp_path, tmp_path)
