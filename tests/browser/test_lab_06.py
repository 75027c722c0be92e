"""Lab 06 as a student uses it: predictions by mouse and keyboard, real runs, the cluster seen from outside."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from kit.lessons.failure_matrix import RESULTS_TOPIC
from tests.browser.axe import serious_violations
from tests.browser.jupyter import (
    TIMEOUT_MS,
    Complaints,
    beside_the_file_browser,
    cut_off_beside_the_file_browser,
    pose,
    retype,
    show_cell,
)
from tests.support.wait import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.labs, pytest.mark.slow, pytest.mark.timeout(300)]

NOTEBOOK = "06-replication-and-failover.ipynb"
KEPT, REFUSED, LOST = "taken and kept", "refused", "may be lost"

expect.set_options(timeout=TIMEOUT_MS)


@pytest.fixture
def matrix(page: Page) -> Locator:
    """Give the failure matrix."""
    return show_cell(page, "matrix").get_by_role("region", name="Failure matrix")


def addresses(page: Page) -> str:
    """The brokers, as the lab's first cell shows them."""
    return ",".join(re.findall(r"127\.0\.0\.1:\d+", show_cell(page, "start").text_content() or ""))


@contextlib.contextmanager
def counting(servers: str) -> Iterator[Callable[[], int]]:
    """Give what tells how many results runs have left in the cluster, asked from outside of the notebook."""
    from kafka import KafkaConsumer, TopicPartition

    place = TopicPartition(RESULTS_TOPIC, 0)
    consumer = KafkaConsumer(bootstrap_servers=servers)
    try:
        yield lambda: int(consumer.end_offsets([place])[place])
    finally:
        consumer.close()


def group(matrix: Locator, row: int) -> Locator:
    """The three choices of a row."""
    return matrix.get_by_role("radiogroup", name=re.compile(f"^Prediction for row {row}:"))


def test_rows_are_predicted_by_mouse(matrix: Locator) -> None:
    """A click sets a prediction; the row says at once whether it came out so."""
    group(matrix, 1).get_by_text(REFUSED).click()
    row = matrix.locator("tr[data-row='1']")

    expect(group(matrix, 1).get_by_role("radio", name=REFUSED)).to_be_checked()
    expect(row).to_contain_text("✘ not as you said")
    group(matrix, 1).get_by_text(KEPT).click()
    expect(row).to_contain_text("✔ as you said")
    group(matrix, 2).get_by_text(REFUSED).click()
    expect(matrix.get_by_text('1: "taken and kept",')).to_have_count(1)


def test_rows_are_predicted_by_keyboard(page: Page, matrix: Locator) -> None:
    """Tab goes from row to row, the arrows within one, and no key reaches the notebook."""
    cells = page.evaluate("() => window.jupyterapp.shell.currentWidget.content.widgets.length")
    group(matrix, 2).get_by_role("radio", name=REFUSED).focus()

    for row, downs in ((3, 1), (4, 1), (5, 0), (6, 0)):
        page.keyboard.press("Tab")
        if row == 4:  # the button of failure B stands between
            page.keyboard.press("Tab")
        page.keyboard.press("Space")
        for _ in range(downs):
            page.keyboard.press("ArrowDown")
        expect(group(matrix, row).get_by_role("radio").nth(downs)).to_be_checked()

    page.keyboard.type("abd")
    assert cells == page.evaluate("() => window.jupyterapp.shell.currentWidget.content.widgets.length")


def test_run_button_runs_the_rows_in_the_cluster(page: Page, matrix: Locator) -> None:
    """A failure is run again by a key press, and its results are in the cluster, with topics of their own."""
    with counting(addresses(page)) as num_results:
        before = num_results()
        show_cell(page, "matrix")
        run = matrix.get_by_role("button", name="Run A again")
        run.focus()
        page.keyboard.press("Enter")

        wait_until(lambda: num_results() == before + 3, "three more results in the cluster", timeout_s=60)
    expect(run).to_have_attribute("aria-disabled", "false")
    expect(matrix.locator("tr[data-row='2']")).to_contain_text("NOT_ENOUGH_REPLICAS")


def test_check_counts_the_rows_and_then_passes(page: Page, matrix: Locator) -> None:
    """The check says how many rows are right and which is not, and passes when all are."""
    for row, word in {7: LOST, 8: LOST, 9: LOST, 10: KEPT, 11: KEPT, 12: LOST}.items():
        group(matrix, row).get_by_text(word).click()
    source = 'kit.check("06.matrix", cluster, matrix.predictions)'
    check = retype(page, "matrix-run", source)
    expect(check.get_by_role("note")).to_contain_text("11 of 12 rows came out as you said, and not: row 9")

    show_cell(page, "matrix")
    group(matrix, 9).get_by_text(KEPT).click()
    expect(matrix.get_by_role("status")).to_contain_text("each came out as you said")
    check = retype(page, "matrix-run", source)
    expect(check.get_by_role("note")).to_contain_text("06.matrix: passed")


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_pictures_in_both_themes(page: Page, matrix: Locator, screenshots: Path, theme: str) -> None:
    """The matrix follows the theme and axe finds nothing serious; the pictures are for people to look at."""
    pose(page, theme)
    show_cell(page, "matrix")
    red = matrix.evaluate("node => getComputedStyle(node).color.match(/[0-9]+/)[0]")

    assert (int(red) < 128) == (theme == "Light")
    assert serious_violations(matrix) == []
    matrix.evaluate("node => node.scrollIntoView({block: 'start'})")
    page.screenshot(path=screenshots / f"lab-06-{theme.lower()}.png")


@pytest.mark.parametrize("cell_id", ["figure", "matrix", "four-run", "reads-run", "matrix-run"])
def test_nothing_is_cut_off_beside_the_file_browser(page: Page, screenshots: Path, cell_id: str) -> None:
    """In a window of 1280 pixels with the list of files open every button and outcome is there to be read."""
    assert cut_off_beside_the_file_browser(page, cell_id, screenshots / f"lab-06-beside-files-{cell_id}.png") == []


def test_run_stands_beside_its_title_and_the_outcome_below_the_choices(page: Page, matrix: Locator) -> None:
    """Beside the list of files a reader finds what came out under what was said, and Run where the failure begins."""

    def box(locator: Locator) -> dict[str, float]:
        return locator.evaluate("node => node.getBoundingClientRect().toJSON()")

    with beside_the_file_browser(page):
        show_cell(page, "matrix")
        row = matrix.locator("tr[data-row='2']")
        choices, came = box(row.get_by_role("radiogroup")), box(row.locator(".kit-came"))
        title = box(matrix.get_by_text("A. One follower is dead"))
        run = box(matrix.get_by_role("button", name="Run A again"))

    assert came["top"] >= choices["bottom"] - 1
    assert came["left"] <= choices["left"]
    assert run["top"] <= title["top"] <= title["bottom"] <= run["bottom"]


def test_session_was_quiet(page: Page, complaints: Complaints) -> None:
    """Nothing above left an error in the console or asked anything of another machine."""
    assert complaints == Complaints()
