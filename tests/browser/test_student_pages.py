"""Feedback and formgrader in Chromium: whatever a student writes, the marks can be seen, and nothing is fetched."""

from __future__ import annotations

import base64
import random
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from playwright.sync_api import Browser, Page

from autograder.pipeline.harmless import Harmless
from autograder.pipeline.plain_html import cleaned
from tests.browser.axe import serious_violations
from tests.browser.jupyter import Complaints
from tests.support import decks, formgrader

COVER = "position:fixed;inset:0;z-index:9999;background:white"
EVIL = (
    f'<div style="{COVER}">13 of 13</div>',
    f"<style>body{{display:none}} .panel{{{COVER}}}</style>",
    '<link rel="stylesheet" href="https://e.example/x.css"><style>@import url(https://e.example/y.css)</style>',
    '<img src="https://e.example/x.png"><img srcset="https://e.example/z.png 2x"><video poster="https://e.example/v">',
    "<textarea>", "<plaintext>", "<title>", "<svg><style>*{display:none}</style>", "<!--", "<xmp>", "<select>",
    '<base href="https://e.example/"><meta http-equiv="refresh" content="0;https://e.example/">',
    '<form id="toc" action="https://e.example/"><input name="body" autofocus></form>',
    '<div id="statusmessage" class="navbar-fixed-top modal-backdrop">x</div>',
    "<script>document.body.remove()</script>", "<img src=x onerror=document.body.remove()>",
    "<iframe srcdoc='<script>parent.document.body.remove()</script>'></iframe>",
    "</div></div></div></div></div></div>", "<table><tr><td>", "<ul><li><div><li>x", "<b><i><a href='https://e.example'>",
    "\u202e" + "a\u0300" * 2 + "\u0300" * 3000,
    "![x](https://e.example/m.png)", "# test-0", "[x](javascript:alert(1))",
    "```mermaid\n</div><script>alert(1)</script>\n```",
)  # fmt: skip
# The middle of each mark is where it can be clicked, when it is scrolled to.
COVERED = """() => [...document.querySelectorAll(SELECTOR)].filter(each => {
    each.scrollIntoView({block: 'center'});
    const box = each.getBoundingClientRect();
    const seen = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    return !seen || !(each.contains(seen) || seen.contains(each) && seen.closest('.panel-heading'));
}).map(each => each.outerHTML)"""
PIECES = """
<div> </div> <p> </p> <b> </b> <a/href='https://e.example'> </a> <table> </table> <tr> <td> </td> <th> <caption>
<thead> <ul> </ul> <ol> <li> </li> <pre> </pre> <h1> <h2> </h1> <blockquote> </blockquote> <code> <br> </br> <span>
</span> x <i> </i> <textarea> <!-- --> <svg> </svg> <title> <script> </script> <select> <body> </body> </html> < >
<form> </form> <template> &lt;div&gt; <tbody> </tbody> </tr> <![CDATA[ <?x
"""


@pytest.fixture
def shown(browser: Browser) -> Iterator[tuple[Page, Complaints]]:
    """Give a page, and what it complains about."""
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    page, complaints = context.new_page(), Complaints()
    complaints.listen(page)
    yield page, complaints
    context.close()


def notebook() -> nbformat.NotebookNode:
    """A graded notebook in which everything that a student can write is evil."""
    usual = {"schema_version": 3, "locked": False, "task": False, "score": 1, "points": 2}
    picture = base64.b64encode(decks.png(8, 8)).decode()
    cells = []
    for number, evil in enumerate(EVIL):
        answer = usual | {"grade": True, "solution": True, "grade_id": f"answer-{number}"}
        test = usual | {"grade": True, "solution": False, "locked": True, "grade_id": f"test-{number}"}
        bundle = {
            "text/html": evil,
            "text/markdown": evil,
            "image/svg+xml": evil,
            "text/plain": evil,
            "image/png": picture,
        }
        outputs = [
            new_output("display_data", data={kind: content, "text/plain": "x"}, metadata={kind: {"width": "9999px"}})
            for kind, content in bundle.items()
        ]
        outputs.append(new_output("stream", name="stdout", text=evil))
        cells += [
            new_markdown_cell(evil, metadata={"nbgrader": answer}),
            new_code_cell(f"'''{evil}'''", metadata={"tags": ["x navbar-fixed-top"]}, outputs=outputs),
            new_code_cell("assert True", metadata={"nbgrader": test}),
            nbformat.v4.new_raw_cell(evil),
        ]
    made = new_notebook(cells=cells)
    Harmless().clean(made)
    return made


@pytest.mark.parametrize(
    ("template", "marks"), [("feedback", ".panel-heading .pull-right, h4"), ("formgrade", "input.score")]
)
def test_marks_can_be_seen_whatever_a_student_writes(
    template: str, marks: str, shown: tuple[Page, Complaints], tmp_path: Path, screenshots: Path
) -> None:
    """Each is where it belongs with nothing over it, in its own cell; no program of the student's ran."""
    page, complaints = shown
    (tmp_path / "page.html").write_text(formgrader.page(notebook(), template), encoding="utf-8")

    page.goto((tmp_path / "page.html").as_uri())
    page.screenshot(path=screenshots / f"student-page-{template}.png")

    assert page.locator(marks).count() >= 2 * len(EVIL)
    assert page.evaluate(COVERED.replace("SELECTOR", f"'{marks}'")) == []
    assert page.locator("#notebook-container > .cell").count() == 3 * len(EVIL)
    assert complaints.outside_requests == []
    if template == "feedback":  # formgrader's own programs are not there without its server
        assert [each for each in complaints.console_errors if "glyphicons" not in each] == []


def test_pages_hold_what_was_not_cleaned(shown: tuple[Page, Complaints], tmp_path: Path) -> None:
    """The second wall alone: what covers stays in its box, what fetches is refused, what acts does not run."""
    page, complaints = shown
    failures: list[str | None] = []
    page.on("requestfailed", lambda request: failures.append(request.failure))
    made = new_notebook(cells=[new_markdown_cell(f'<div style="{COVER}">x</div>\n\n{EVIL[3]}\n\n{EVIL[14]}')])
    (tmp_path / "page.html").write_text(formgrader.page(made, "feedback"), encoding="utf-8")

    page.goto((tmp_path / "page.html").as_uri())

    assert page.evaluate(COVERED.replace("SELECTOR", "'h4'")) == []
    assert len(complaints.outside_requests) >= 3
    assert set(failures) == {"csp"}
    assert len(failures) >= len(complaints.outside_requests)


@pytest.mark.parametrize("width", [1200, 400])
def test_feedback_can_be_read_by_everybody(width: int, browser: Browser, tmp_path: Path) -> None:
    """It has a language and contrast, and whatever is too wide for a phone is moved with the keyboard."""
    (tmp_path / "page.html").write_text(formgrader.page(wide(), "feedback"), encoding="utf-8")
    context = browser.new_context(viewport={"width": width, "height": 900}, bypass_csp=True)  # for axe alone
    page = context.new_page()
    try:
        page.goto((tmp_path / "page.html").as_uri())
        assert page.locator("html[lang=en]").count() == 1
        assert serious_violations(page.locator("body")) == []
        room = page.locator(".rendered_html td").first.evaluate("e => parseFloat(getComputedStyle(e).paddingRight)")
        assert room > 4  # columns do not run into one another
        page.locator("pre", has_text="o o o").focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_function("document.activeElement.scrollLeft > 0")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    finally:
        context.close()


def wide() -> nbformat.NotebookNode:
    """A graded notebook with everything that a student usually has, and more of each than fits into a line."""
    marks = {"schema_version": 3, "locked": False, "task": False, "score": 1, "points": 2, "grade": True}
    answer = marks | {"solution": True, "grade_id": "why", "comment": "See [this](https://kafka.apache.org)."}
    test = marks | {"solution": False, "locked": True, "grade_id": "test-a"}
    code = "# why\n@property\ndef f(self):\n    return 1 in [2] or '\\x1b'\n" + "x = " + "value + " * 60 + "1"
    rows = "|" + "wide words|" * 40 + "\n|" + "--|" * 40
    text = f"A [link](https://kafka.apache.org) and `code`.\n\n```python\n{code}\n```\n\n{rows}\n"
    table = "<table><tr>" + "<td>wide words</td>" * 40 + "</tr></table>"
    outputs = [
        new_output("stream", name="stdout", text="o " * 300),
        new_output("stream", name="stderr", text="e " * 300),
        new_output("error", ename="E", evalue="v", traceback=["\x1b[31mE\x1b[0m: v " + "z " * 300]),
        *(
            new_output("display_data", data={kind: content})
            for kind, content in (("text/plain", "t " * 300), ("text/html", table), ("text/markdown", rows))
        ),
    ]
    cells = [
        new_markdown_cell(text, metadata={"nbgrader": answer}),
        new_markdown_cell(text),
        new_code_cell(code, metadata={"nbgrader": test}, outputs=outputs),
        new_code_cell(code),
    ]
    return new_notebook(cells=cells)


def test_cleaned_html_ends_where_it_ends(shown: tuple[Page, Complaints]) -> None:
    """Chromium's own parser finds what follows outside of it, for thousands of heaps of tags."""
    chance, pieces = random.Random(20), PIECES.split()
    heaps = [cleaned("".join(chance.choices(pieces, k=chance.randrange(2, 25)))) for _ in range(4_000)]
    left = """heaps => heaps.filter(heap => {
        const page = `<main><div id=in>${heap}</div><p id=after>x</p></main>`;
        const made = new DOMParser().parseFromString(page, 'text/html'), after = made.getElementById('after');
        return after.parentElement.localName !== 'main' || after.parentElement.parentElement !== made.body
            || after.previousElementSibling?.id !== 'in' || after.innerHTML !== 'x'
            || made.querySelector('script, style, textarea, svg, form, iframe, template, select, title');
    })"""
    page, _ = shown

    assert page.evaluate(left, heaps) == []
