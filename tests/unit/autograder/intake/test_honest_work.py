"""Honest work is never flagged, whatever tools were used on it; hostile work never breaks the intake."""

from __future__ import annotations

import copy
import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograder.intake import Intake
from tests.support.submissions import (
    ANSWERS,
    NAME,
    Desk,
    Notebook,
    answered,
    assert_gradable,
    cell_of,
    id_of,
    own_cell,
    released,
)

FEW = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])

OUTPUTS: list[list[dict[str, Any]]] = [
    [],
    [{"output_type": "stream", "name": "stdout", "text": ["3\n"]}],
    [{"output_type": "error", "ename": "NameError", "evalue": "x", "traceback": ["\x1b[31mNameError\x1b[0m"]}],
    [{"output_type": "display_data", "data": {"text/html": "<b>" * 50_000}, "metadata": {}}],
    [{"output_type": "execute_result", "data": {"a/b+json": [float("nan")]}, "metadata": {}, "execution_count": 3}],
]
TOOLS_METADATA: list[dict[str, Any]] = [
    {},
    {"collapsed": True, "scrolled": "auto", "trusted": True},
    {"execution": {"iopub.status.busy": "2026-11-26T04:43:58.1Z"}, "jupyter": {"outputs_hidden": True}},
    {"vscode": {"languageId": "python"}, "slideshow": {"slide_type": "slide"}, "tags": ["mine"]},
    {"colab": {"base_uri": "https://localhost"}, "id": "xYz", "outputId": "1"},
]
CODE = st.sampled_from(
    ["print(1)", "%%time\ncount_by_key([])", "!ls", "%matplotlib inline", "x = ", "del count_by_key"]
)


@st.composite
def honest(draw: st.DrawFn) -> bytes:
    """A notebook as an honest student may hand it in, as bytes of a file."""
    notebook = released()
    for grade_id, right in ANSWERS.items():
        cell = cell_of(notebook, grade_id)
        cell["source"] = draw(st.sampled_from([cell["source"], right, right + "\n\n"]) | st.text(max_size=20))
    for cell in notebook["cells"]:
        cell["metadata"] |= draw(st.sampled_from(TOOLS_METADATA)) if "tags" not in cell["metadata"] else {}
        if cell["cell_type"] == "code":
            cell["outputs"] = draw(st.sampled_from(OUTPUTS))
            cell["execution_count"] = draw(st.none() | st.integers(1, 99))
    _free_cells(draw, notebook)
    _format(draw, notebook)
    text = json.dumps(notebook, ensure_ascii=draw(st.booleans()), indent=draw(st.none() | st.just(1)))
    bom = draw(st.sampled_from([b"", b"\xef\xbb\xbf"]))
    return bom + text.encode() + draw(st.sampled_from([b"", b"\n", b"\r\n"]))


def _free_cells(draw: st.DrawFn, notebook: Notebook) -> None:
    """Change, remove, add and move what nbgrader does not look after."""
    kept = [cell for cell in notebook["cells"] if id_of(cell) or draw(st.booleans())]
    for cell in kept:
        if not id_of(cell) and draw(st.booleans()):
            cell["source"] += "\nMy note."
    for source in draw(st.lists(CODE | st.text(max_size=20), max_size=4)):
        kind = draw(st.sampled_from(["code", "markdown", "raw"]))
        metadata = draw(st.sampled_from([*TOOLS_METADATA, {"tags": ["skip-execution"]}, {"nbgrader": {}}]))
        kept.insert(draw(st.integers(0, len(kept))), own_cell(source, kind, **metadata))
    notebook["cells"] = kept


def _format(draw: st.DrawFn, notebook: Notebook) -> None:
    """What JupyterLab, VS Code, Colab and editors change of the file itself."""
    notebook["nbformat_minor"] = minor = draw(st.sampled_from([2, 4, 5, 6]))
    new_ids = draw(st.booleans())
    line_end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    at_end = draw(st.sampled_from(["", "\n", "  "]))
    in_lines = draw(st.booleans())
    for number, cell in enumerate(notebook["cells"]):
        cell["id"] = f"new-{number}" if new_ids else cell.get("id", f"own-{number}")
        if minor < 5:
            del cell["id"]
        source = (cell["source"] + at_end).replace("\n", line_end)
        cell["source"] = source.splitlines(keepends=True) if in_lines else source
    notebook["metadata"] = draw(
        st.sampled_from(
            [
                notebook["metadata"],
                {},
                {"kernelspec": {"name": "conda-env", "display_name": "mine"}, "widgets": {"state": {"a": "b" * 9_000}}},
                {"language_info": {"name": "python", "version": "3.13.1"}, "colab": {"provenance": []}},
            ]
        )
    )


@FEW
@given(honest())
def test_honest_work_is_never_flagged(content: bytes) -> None:
    """No line about what students and their tools do, and every answer arrives as it was written."""
    intake = _examined(content)
    assert intake.lines() == []
    assert_gradable(intake.notebooks[NAME])
    submitted = json.loads(content)
    for grade_id in ANSWERS:
        written = "".join(cell_of(submitted, grade_id)["source"]).replace("\r\n", "\n").replace("\r", "\n")
        assert cell_of(dict(intake.notebooks[NAME]), grade_id)["source"].rstrip() == written.rstrip()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@st.composite
def mangled(draw: st.DrawFn) -> Notebook:
    """A notebook in which some places hold something else, are gone, or are there twice."""
    notebook = answered()
    for _ in range(draw(st.integers(1, 6))):
        place: Any = notebook
        while True:
            keys = list(range(len(place))) if isinstance(place, list) else list(place)
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            inner = place[key]
            if isinstance(inner, list | dict) and draw(st.integers(0, 4)):
                place = inner
                continue
            _mangle(draw, place, key)
            break
    return notebook


def _mangle(draw: st.DrawFn, place: Any, key: Any) -> None:
    what = draw(st.sampled_from(["replace", "remove", "repeat", "swap"]))
    if what == "replace":
        place[key] = draw(JSON)
    elif what == "remove":
        del place[key]
    elif isinstance(place, list):
        other = draw(st.integers(0, len(place) - 1))
        if what == "repeat":
            place.insert(other, copy.deepcopy(place[key]))
        else:
            place[key], place[other] = place[other], place[key]


@FEW
@given(mangled())
def test_mangled_work_breaks_nothing(notebook: Notebook) -> None:
    """Whatever was done to it: it is refused in a plain line, or comes out with each released cell as it should be."""
    intake = _examined(json.dumps(notebook).encode())
    assert NAME in intake.notebooks or intake.refused
    for line in intake.lines():
        assert line.isprintable()
    for made in intake.notebooks.values():
        assert_gradable(made)


def _examined(content: bytes) -> Intake:
    with tempfile.TemporaryDirectory() as folder:
        return Desk(Path(folder)).examine(content)
