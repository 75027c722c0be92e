"""A notebook as a stranger wrote it, brought into the one shape that the rest works with."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from autograder.intake.flags import size
from autograder.intake.limits import Limits

CELL_TYPES = ("code", "markdown", "raw")
_MOST_TAGS, _LONGEST_TAG = 20, 100
_OLDEST_CONVERTED = 3  # nbformat's own converter; before 2014 nobody had nbgrader


class NotANotebookError(ValueError):
    """It is JSON, but no notebook that can be graded; the text is the end of a sentence that begins with the file."""


@dataclass(eq=False)
class Cell:
    """A cell of a submission, without what grading does not need: outputs, and how it was looked at.

    Attributes:
        number: its place in the submission, from 1.
        nbgrader: what its metadata say under that name, whatever the student made of it; None when there is nothing.
        tags: the only other metadata with a meaning: nbclient leaves a cell tagged ``skip-execution`` out.
    """

    number: int
    cell_type: str
    source: str
    cell_id: str | None = None
    nbgrader: dict[str, Any] | None = None
    tags: list[str] = field(default_factory=list)
    attachments: dict[str, Any] = field(default_factory=dict)


@dataclass
class Notebook:
    """The cells of a submission.

    Attributes:
        repairs: what had to be mended, each a sentence.
    """

    cells: list[Cell]
    repairs: list[str] = field(default_factory=list)


def read(value: Any, limits: Limits) -> Notebook:
    """Make a notebook of what was parsed.

    Raises:
        NotANotebookError: it cannot be one, or is too large.
    """
    if not isinstance(value, dict):
        raise NotANotebookError("is no notebook: it has no cells")
    repairs: list[str] = []
    value = _of_format_4(value, repairs)
    cells = value.get("cells")
    if not isinstance(cells, list):
        raise NotANotebookError("is no notebook: it has no cells")
    if len(cells) > limits.cells:
        raise NotANotebookError(f"has {len(cells):,} cells, and {limits.cells:,} are allowed")
    notebook = Notebook([], repairs)
    for number, cell in enumerate(cells, start=1):
        _add(notebook, number, cell)
    _check_sizes(notebook, limits)
    return notebook


def lf(source: str) -> str:
    """The text with the line ends of Linux, whatever computer it was written on."""
    return source.replace("\r\n", "\n").replace("\r", "\n")


def as_json(cell: Cell, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """The cell as nbformat 4.5 has it, with no outputs."""
    made: dict[str, Any] = {
        "cell_type": cell.cell_type,
        "id": cell.cell_id,
        "metadata": dict(metadata),
        "source": cell.source,
    }
    if cell.cell_type == "code":
        made |= {"execution_count": None, "outputs": []}
    elif cell.attachments:
        made["attachments"] = cell.attachments
    return made


def _of_format_4(value: dict[str, Any], repairs: list[str]) -> dict[str, Any]:
    major = value.get("nbformat", 4 if "cells" in value else None)
    if major == 4:
        return value
    if not isinstance(major, int) or isinstance(major, bool):
        raise NotANotebookError("is no notebook: it does not say its format")
    if major != _OLDEST_CONVERTED:
        raise NotANotebookError(f"has the notebook format {major}, which cannot be read; save it again in JupyterLab")
    import nbformat

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            converted = dict(nbformat.convert(nbformat.from_dict(value), to_version=4))  # type: ignore[no-untyped-call]
    except Exception:  # noqa: BLE001 - a converter that expects what it likes of a stranger's text
        raise NotANotebookError("has the notebook format 3, and could not be converted") from None
    repairs.append("has the notebook format 3 of 2014, which nbgrader cannot grade; it was converted to format 4.")
    return converted


def _add(notebook: Notebook, number: int, found: Any) -> None:
    if not isinstance(found, dict):
        notebook.repairs.append(f"its cell {number} is none; it was left out.")
        return
    source = _text(found.get("source", ""))
    cell_type = found.get("cell_type")
    if source is None or cell_type not in CELL_TYPES:
        notebook.repairs.append(f"its cell {number} has no text or no known type; it was kept as text.")
    metadata = found.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    nbgrader = metadata.get("nbgrader")
    cell_id = found.get("id")
    notebook.cells.append(
        Cell(
            number=number,
            cell_type=cell_type if cell_type in CELL_TYPES else "raw",
            source=lf(source or ""),
            cell_id=cell_id if isinstance(cell_id, str) else None,
            nbgrader=nbgrader if isinstance(nbgrader, dict) else None,
            tags=_tags(metadata.get("tags")),
            attachments=_attachments(found.get("attachments")),
        )
    )


def _text(value: Any) -> str | None:
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        return "".join(value)
    return value if isinstance(value, str) else None


def _tags(value: Any) -> list[str]:
    """A few short words; nobody has use for more."""
    if not isinstance(value, list):
        return []
    words = (each for each in value if isinstance(each, str) and len(each) <= _LONGEST_TAG and "," not in each)
    return list(islice(dict.fromkeys(words), _MOST_TAGS))


def _attachments(value: Any) -> dict[str, Any]:
    """Pictures by name, each by type; anything else is none."""
    if not isinstance(value, dict):
        return {}
    return {
        name: {kind: text for kind, content in picture.items() if (text := _text(content)) is not None}
        for name, picture in value.items()
        if isinstance(picture, dict)
    }


def _check_sizes(notebook: Notebook, limits: Limits) -> None:
    source_bytes = sum(len(cell.source.encode("utf-8", "replace")) for cell in notebook.cells)
    if source_bytes > limits.source_bytes:
        raise NotANotebookError(f"has {size(source_bytes)} of text, and {size(limits.source_bytes)} are allowed")
    left_bytes = limits.attachment_bytes
    for cell in notebook.cells:
        left_bytes -= sum(len(text) for picture in cell.attachments.values() for text in picture.values())
        if left_bytes < 0 and cell.attachments:
            cell.attachments = {}
            notebook.repairs.append(
                f"the pictures pasted into its cell {cell.number} are too large together with those before; "
                "they were left out."
            )
