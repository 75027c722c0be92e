"""What formgrader and feedback show is not alive, and tells no hidden test."""

from __future__ import annotations

import base64
import html
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbconvert.exporters import HTMLExporter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from nbgrader.server_extensions.formgrader.formgrader import FormgradeExtension
from traitlets.config import Config

from autograder.pipeline.feedback import HideTests
from autograder.pipeline.harmless import Harmless
from autograder.pipeline.page_templates import folders
from autograder.pipeline.rendering import Question, Shower, Trial
from tests.support import decks

COURSE = Path(__file__).parents[4] / "course"
_MARKS = {"grade": True, "solution": False, "locked": True, "points": 2, "schema_version": 3, "grade_id": "test-a"}
_TEST = "assert f(1) == 2\n### BEGIN HIDDEN TESTS\nassert f(48151623) == 42, 'forty-two'\n### END HIDDEN TESTS"
HARMLESS = Harmless()  # one process for all
_HIDDEN_LINE = "assert f(48151623) == 42, 'forty-two'"


def hidden(*outputs: Any, other: tuple[Any, ...] = ()) -> str:
    """A graded notebook as the feedback shows it, as text."""
    test = new_code_cell(_TEST, metadata={"nbgrader": _MARKS}, outputs=list(outputs))
    made = new_notebook(cells=[new_code_cell("f = abs", outputs=list(other)), test])
    shown, _ = HideTests().preprocess(made, {})
    return str(nbformat.writes(shown))


def trace(line: str, number: int) -> Any:
    """An error as IPython shows it, with the lines around it."""
    around = (
        f"\x1b[0;32m      1\x1b[0m assert f(1) == 2\n\x1b[0;32m----> {number}\x1b[0m {line}\n      5 {_HIDDEN_LINE}"
    )
    return new_output("error", ename="AssertionError", evalue="forty-two", traceback=[around])


def test_hide_takes_out_the_text_and_keeps_the_rest() -> None:
    """The visible test stays, and a note says that there was more."""
    shown = hidden()

    assert "assert f(1) == 2" in shown
    assert "A hidden test was here" in shown
    assert "48151623" not in shown


def test_hide_tells_of_a_hidden_test_only_that_it_failed() -> None:
    """Neither its line, nor its message, nor what the function printed while it ran."""
    shown = hidden(new_output("stream", name="stdout", text="f was called with 48151623\n"), trace(_HIDDEN_LINE, 3))

    assert "A hidden test of this cell did not pass" in shown
    assert "forty-two" not in shown
    assert "48151623" not in shown


def test_hide_shows_which_visible_test_failed() -> None:
    """Without the hidden lines that stand below it."""
    shown = hidden(trace("assert f(1) == 2", 1))

    assert "AssertionError" in shown
    assert "48151623" not in shown


def test_hide_scrubs_copies_in_other_cells() -> None:
    """A student's cell that printed the history has no hidden line in it."""
    shown = hidden(other=(new_output("stream", name="stdout", text=f"In[3]: {_HIDDEN_LINE}\n"),))

    assert "48151623" not in shown
    assert "[hidden]" in shown


def shown(made: Any) -> str:
    """A notebook as nbgrader's feedback shows it."""
    config = Config()
    static = Path(folders()[-1]).parent / "static" / "node_modules" / "bootstrap" / "dist" / "css"
    config.HTMLExporter.extra_template_basedirs = folders()
    config.HTMLExporter.extra_template_paths = [str(static)]
    config.HighlightMagicsPreprocessor.enabled = False
    about = {"notebook": "x", "score": 0, "max_score": 0, "late_penalty": 0}
    exporter = HTMLExporter(template_name="feedback", config=config)
    page, _ = exporter.from_notebook_node(made, resources={"nbgrader": about})
    return str(page)


def cleaned(page: str) -> str:
    """What is left of an HTML output."""
    output = new_output("display_data", data={"text/html": page, "text/plain": "plain", "application/javascript": "x"})
    made = new_notebook(cells=[new_code_cell("show()", outputs=[output])])
    HARMLESS.clean(made)
    data = made.cells[0].outputs[0].data
    assert set(data) == {"text/html", "text/plain"}
    return str(data["text/html"])


@pytest.mark.parametrize(
    "page",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "<svg><script>alert(1)</script></svg>",
        "<a href='javascript:alert(1)'>x</a>",
        "<div onclick='alert(1)'>x</div>",
        "<style>body{display:none}alert(1)</style>",
        "<form action='https://x'><input value='alert(1)'></form>",
        "<iframe srcdoc='alert(1)'></iframe>",
        "<script>alert(1)",
        "<textarea>alert(1)",
        "<title>alert(1)</title>",
        "<plaintext>alert(1)",
        "<!-- alert(1)",
        "<base href='https://x/alert(1)'><meta http-equiv=refresh content='0;alert(1)'>",
        "<a href='/hub/alert(1)'>x</a><a href='ja&#118;ascript:alert(1)'>x</a>",
        "<div id='alert(1)' class='alert(1) navbar-fixed-top' style='position:fixed;alert(1)'>x</div>",
        "<sCrIpT\n>alert(1)</SCRIPT\n>",
    ],
)
def test_clean_leaves_nothing_alive(page: str) -> None:
    """An instructor's browser shows these pages with the instructor's rights."""
    assert "alert" not in cleaned(page)


def test_clean_lets_no_picture_leave_its_attribute() -> None:
    """Nbconvert puts the text of a picture between quotes as it is."""
    evil, good = '" onerror="alert(1)', f"{base64.b64encode(decks.png(8, 8)).decode()}\n"
    outputs = [
        new_output("display_data", data={"image/png": each}, metadata={"image/png": {"width": evil}})
        for each in (evil, good)
    ]
    answer = new_markdown_cell("![](attachment:a.png)", attachments={"a.png": {"image/png": evil}})
    made = new_notebook(cells=[new_code_cell("show()", outputs=outputs), answer])
    HARMLESS.clean(made)

    assert "alert" not in str(nbformat.writes(made))
    assert made.cells[0].outputs[1].data == {"image/png": good}


def test_clean_drops_a_picture_that_fills_a_browser() -> None:
    """A hundred bytes that unfold to billions of pixels; and one that is not what it says."""
    bomb, other = (base64.b64encode(each).decode() for each in (decks.png(60_000, 60_000), b"GIF89a\x08\0\x08\0"))
    outputs = [new_output("display_data", data={"image/png": each}) for each in (bomb, other)]
    made = new_notebook(cells=[new_code_cell("show()", outputs=outputs)])
    HARMLESS.clean(made)

    assert [output.data for output in made.cells[0].outputs] == [{}, {}]


def test_clean_keeps_a_table() -> None:
    """What pandas puts out is for people to look at."""
    table = '<table><thead><tr><th colspan="2">a</th></tr></thead><tbody><tr><td>1</td></tr></tbody></table>'

    assert cleaned(f"<style scoped>x</style>{table}") == table


@pytest.mark.parametrize(
    "text",
    [
        "a < b && b > c", "<br>**bold**", "x = 'on' if y else 'off'", "R&D", "![](a.png)", "# Consumers\n\nLag: $a-b$.",
        "H<sub>2</sub>O", "See [the docs](https://kafka.apache.org/) and <https://e.example/a?b=c&d=e>.", "a\n\n---\nb",
        "| a | b |\n|---|---|\n| `<x>` | 2 |", "```html\n<script>\n```", "![x](data:image/png;base64,iVBORw0KGgo=)",
    ],
)  # fmt: skip
def test_clean_leaves_honest_answers_as_they_are(text: str) -> None:
    """Nbgrader knows by the checksum of its text an answer that was not given."""
    made = new_notebook(cells=[new_markdown_cell(text, metadata={"nbgrader": {"solution": True}})])
    HARMLESS.clean(made)

    assert made.cells[0].source == text


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](java&#115;cript:alert(1))",
        "[x](javascript&colon;alert(1))",
        "<b\n\nonclick=alert(1)>\n\n</pre><script>alert(1)</script>",
        "<textarea>",
        "</div></div>",
        "<b>and on",
        "<!-- a note",
        "<div style='position:fixed'>13 of 13</div>",
        "# test-a",
        "## statusmessage",
        "![](https://e.example/x.png)",
        "![](../../logout)",
        "[mine](/hub/logout)",
        "![](attachment:none.png)",
        "```mermaid\n<script>alert(1)</script>\n```",
        r"$\style{position:fixed}{x}$",
        "x " * 30_000,
    ],
)
def test_clean_shows_what_would_be_alive_in_an_answer_as_text(text: str) -> None:
    """Text cells are HTML, too; whoever grades by hand sees each character of them."""
    test = new_code_cell("", metadata={"nbgrader": _MARKS})
    made = new_notebook(cells=[new_markdown_cell(text, metadata={"nbgrader": {"solution": True}}), test])
    HARMLESS.clean(made)

    assert made.cells[0].source == f"<pre>{html.escape(text).replace('[', '&#91;')}</pre>"


@pytest.mark.parametrize(
    "piece",
    [
        "<div>",
        "<b><p>",
        "<table><b>",
        "<ul><li>",
        "&",
        "<",
        "<!--",
        "<a ",
        "<a href='",
        "<script",
        "</div>",
        "<li>x",
        "\0",
    ],
)
def test_clean_takes_no_longer_for_what_nobody_writes(piece: str) -> None:
    """One process records the marks of all students; parsers of HTML needed three minutes for 250 kB of `<div>`."""
    begun = time.process_time()
    cleaned(piece * (500_000 // len(piece)))

    assert time.process_time() - begun < 10


@pytest.mark.parametrize(
    "piece", ["[", "![](", "> ", "* a\n", "`", "$", "$$a", "**a ", "<b>", "|a|\n", "\\[", "# a\n", "&lt;"]
)
def test_clean_takes_no_longer_for_a_text_that_nobody_writes(piece: str) -> None:
    """The parser of Markdown is asked only about texts of a length that people write."""
    made = new_notebook(cells=[new_markdown_cell(piece * (50_000 // len(piece)))])
    begun = time.process_time()
    HARMLESS.clean(made)

    assert time.process_time() - begun < 10


@pytest.mark.parametrize(
    "text",
    ["![" * 25_000, "![" * 900_000, "[" * 60_000, "```perl\n" + "[" * 40_000, "a [" * 15_000],
    ids=lambda text: text[:9],
)
def test_pages_show_a_text_that_would_take_minutes_plainly(text: str) -> None:
    """All of it, in a second, and somebody is told; nbconvert looks through the line from each bracket."""
    made = new_notebook(cells=[new_markdown_cell(text, metadata={"nbgrader": {"solution": True}})])
    begun = time.process_time()
    lines = HARMLESS.clean(made)
    page = shown(made)

    assert time.process_time() - begun < 10
    assert len(lines) == 1
    assert "1 of its cells" in lines[0]
    assert text in html.unescape(page)


@pytest.mark.parametrize(
    "code", ["%%html\n" + "<a " * 300_000, "x.y." * 200_000, "1+" * 400_000, "x." * 45_000], ids=lambda code: code[:6]
)
def test_pages_show_code_that_would_take_minutes_without_colours(code: str) -> None:
    """Its text is the student's own and is recorded as it is."""
    made = new_notebook(cells=[new_code_cell(code, metadata={"magics_language": "perl"})])
    begun = time.process_time()
    lines = HARMLESS.clean(made)
    page = shown(made)

    assert time.process_time() - begun < 10
    assert len(lines) == 1
    assert made.cells[0].source == code
    assert html.escape(code.rsplit("\n", maxsplit=1)[-1][:1000]) in page


class Endless(Trial):
    """Never ends with a text that no rule knows."""

    def answers(self, questions: Sequence[Question]) -> list[bool]:
        """Whether each can be shown as it is; it may take any time."""
        while any("endless" in each.text for each in questions):
            pass
        return super().answers(questions)


def test_clean_ends_when_the_time_for_a_notebook_is_spent() -> None:
    """All of the notebook is plain then, and the next one is looked at again."""
    fence = "```python\nx\n```"
    made, other = (new_notebook(cells=[new_markdown_cell(f"{fence} {word}")]) for word in ("endless", "short"))
    harmless = Harmless(Shower(limit_s=0.5, make=Endless))

    assert "1 of its cells" in harmless.clean(made)[0]
    assert harmless.clean(other) == []
    assert made.cells[0].source == f"<pre>{fence} endless</pre>"
    assert other.cells[0].source == f"{fence} short"


def test_clean_leaves_an_honest_notebook_as_it_is() -> None:
    """50 kB of text with links and code in several cells."""
    text = "See [the docs](https://kafka.apache.org/) about `acks`.\n\n```python\nprint('lag')\n```\n\n" * 100
    made = new_notebook(
        cells=[*(new_markdown_cell(text) for _ in range(6)), new_code_cell("print(f'{lag:d}')\n" * 2000)]
    )
    before = nbformat.writes(made)

    assert HARMLESS.clean(made) == []
    assert nbformat.writes(made) == before


def test_clean_takes_colours_that_nobody_reads() -> None:
    """For each change of them nbconvert copies the rest of the text."""
    output = new_output("stream", name="stdout", text="\x1b[1ma" * 200_000)
    made = new_notebook(cells=[new_code_cell("show()", outputs=[output])])
    HARMLESS.clean(made)

    assert "\x1b" not in made.cells[0].outputs[0].text


def test_clean_keeps_no_class_that_moves_a_cell() -> None:
    """Nbconvert makes classes of tags, and the page's own style sheet has some that cover everything."""
    made = new_notebook(cells=[new_code_cell("x", metadata={"tags": ["mine", "a navbar-fixed-top"]})])
    HARMLESS.clean(made)

    assert made.cells[0].metadata.tags == ["mine"]


def test_formgrader_of_the_course_fetches_nothing(tmp_path: Path) -> None:
    """The course's configuration reaches formgrader: its pages have our policy, and nbgrader's own parts."""
    shutil.copy(COURSE / "nbgrader_config.py", tmp_path)
    extension = FormgradeExtension()
    extension.root_dir = str(tmp_path)
    extension.initialize([], root=str(tmp_path))
    about = dict.fromkeys(("base_url", "notebook_id", "submission_id", "assignment_id"), "x")
    exporter = HTMLExporter(config=extension.config)

    page, _ = exporter.from_notebook_node(new_notebook(), resources={"index": 0, "total": 1, **about})

    assert "Content-Security-Policy" in page
    assert "navbar" in page
    assert "cdnjs" not in page
    assert exporter.exclude_anchor_links
    assert not extension.config.HighlightMagicsPreprocessor.enabled
