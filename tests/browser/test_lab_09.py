"""Lab 09 in a browser, without Docker: what it says then, and the greeting that arrives at the department."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.axe import serious_violations
from tests.browser.jupyter import (
    TIMEOUT_MS,
    Complaints,
    browser_page,
    end_kernel,
    open_notebook,
    pose,
    retype,
    run_all_cells,
    show_cell,
)

pytestmark = [pytest.mark.browser, pytest.mark.labs, pytest.mark.slow, pytest.mark.timeout(300)]

NOTEBOOK = "09-real-kafka.ipynb"

expect.set_options(timeout=TIMEOUT_MS)


@pytest.fixture(scope="module")
def page(browser: Browser, labs: tuple[str, Path], complaints: Complaints) -> Iterator[Page]:
    """Give the lab after a run in a kernel that finds no Docker: containers are for tests/labs."""
    with browser_page(browser, complaints) as page:
        open_notebook(page, labs[0], NOTEBOOK)
        retype(page, "guess", 'import os\nos.environ["DOCKER_HOST"] = "tcp://127.0.0.1:1"\nmy_guess = {"offsets"}')
        run_all_cells(page)
        yield page
        end_kernel(page)


def test_table_says_what_was_recorded(page: Page) -> None:
    """Who has no Docker sees both columns, and which one was not made here."""
    expect(show_cell(page, "choose")).to_contain_text("Apache Kafka cannot be started here")
    compared = show_cell(page, "compare")

    expect(compared.get_by_role("columnheader", name="Apache Kafka, recorded").first).to_be_visible()
    expect(compared.get_by_role("row", name=re.compile("^offsets"))).to_contain_text("0 0 0 1 1 1")
    expect(compared.get_by_role("row", name=re.compile("^start time"))).to_contain_text("17.1 s")


def test_picture_of_the_cluster_has_the_crashed_broker_and_brings_it_back(page: Page) -> None:
    """The view shows who is down; its button restarts it."""
    view = show_cell(page, "timeline").locator(".kit-widget").first
    restart = view.locator('button[data-action="restart"][aria-disabled="false"]')
    restart.click()

    expect(restart).to_have_count(0)


def test_greeting_arrives_with_the_settings_of_the_file(page: Page) -> None:
    """The shipped cell is refused; the corrected one sends, and the check reads it."""
    expect(show_cell(page, "send").get_by_role("note")).to_contain_text("09.connected: not yet")
    send = 'KafkaProducer(**there.client_settings).send("class.greetings", b"hello").get(10)'
    sent = retype(page, "send", f'{send}\nkit.check("09.connected", there)')

    expect(sent.get_by_role("note")).to_contain_text("09.connected: passed")


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_pictures_in_both_themes(page: Page, screenshots: Path, theme: str) -> None:
    """The pictures are for people to look at."""
    pose(page, theme)
    cell = show_cell(page, "compare")
    expect(cell.get_by_role("table").first).to_be_visible()
    page.screenshot(path=screenshots / f"lab-09-{theme.lower()}.png")

    assert serious_violations(cell.locator(".jp-OutputArea-output").first) == []


def test_session_was_quiet(complaints: Complaints) -> None:
    """Nothing above left an error in the console or asked anything of another machine."""
    assert complaints == Complaints()
