"""The class page in Chromium: readable in light and dark, quiet, and nothing of it comes from elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from autograder.job import Score, Stop, Usage
from autograder.quizzes import Item
from autograder.report import StudentResult
from autograder.report import page as class_page
from tests.browser.axe import serious_violations
from tests.browser.jupyter import Complaints
from tests.support.wait import wait_until

NARROW = 400  # px: a phone

# Words of the tables' texts that do not fit into one line.
BROKEN_WORDS = """[...document.querySelectorAll("th, td")].filter(cell => {
    const text = cell.firstChild;
    if (!text || !cell.checkVisibility()) return false;
    return [...text.data.matchAll(/\\w+/g)].some(word => {
        const range = document.createRange();
        range.setStart(text, word.index);
        range.setEnd(text, word.index + word[0].length);
        return range.getClientRects().length > 1;
    });
}).map(cell => cell.textContent)"""


def results() -> list[StudentResult]:
    """Thirty students, some of whom were cut short."""
    return [
        StudentResult(
            f"student-{number}",
            [
                Score("test-a", name, float(number % (most + 1)), 2.0, "A reason.")
                for most, name in ((2, "a"), (1, "b"))
            ],
            flags=("streams.ipynb: a cell is missing; it was put back.",) if number % 7 == 0 else (),
            stops=(Stop("cell_time", "streams.ipynb, code cell 2", "It took longer than 30 s."),)
            if number % 9 == 0
            else (),
            usage=Usage(1 + number / 10, None, (60 + number) * 1024 * 1024),
            rung="namespaces",
        )
        for number in range(30)
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_class_page_is_readable(scheme: str, browser: Browser, tmp_path: Path, screenshots: Path) -> None:
    """Charts are drawn, every text has contrast, and a phone shows it without moving sideways."""
    file = tmp_path / "report.html"
    items = [Item("acknowledged", 30, 2, 0.6, 0.3, (("b", 18), ("a", 10)))]
    file.write_text(
        class_page("Streams", results(), judging="probes", quiz_items=items, similar=["a and b share code."]), "utf-8"
    )
    complaints = Complaints()
    context = browser.new_context(color_scheme=scheme, viewport={"width": 1200, "height": 900})  # type: ignore[arg-type]
    page = context.new_page()
    complaints.listen(page)
    try:
        page.goto(file.as_uri())
        page.locator(".js-plotly-plot .xtick text").nth(2).wait_for(state="attached")
        page.screenshot(path=screenshots / f"class-page-{scheme}.png", full_page=True)
        paint = "getComputedStyle(document.querySelector('.js-plotly-plot .xtick text')).fill"
        drawn, quiet = page.evaluate(paint), page.evaluate("getComputedStyle(document.querySelector('.quiet')).color")

        assert serious_violations(page.locator("main")) == []
        assert drawn == quiet
        page.set_viewport_size({"width": NARROW, "height": 900})
        wait_until(lambda: page.evaluate("document.documentElement.scrollWidth") <= NARROW, "a page as wide as a phone")
        assert page.evaluate(BROKEN_WORDS) == []
        assert (complaints.console_errors, complaints.outside_requests) == ([], [])
    finally:
        context.close()
