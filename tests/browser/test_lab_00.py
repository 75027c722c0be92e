"""The welcome lab as a student uses it: the map's links, the first live view, and a check that changes the map."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.axe import serious_violations
from tests.browser.jupyter import TIMEOUT_MS, Complaints, pose, retype, show_cell
from tests.support.wait import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.labs, pytest.mark.slow, pytest.mark.timeout(300)]

NOTEBOOK = "00-welcome.ipynb"
TOPIC = "basketball.plays"

expect.set_options(timeout=TIMEOUT_MS)


@pytest.fixture
def lab_map(page: Page) -> Locator:
    """Give the map."""
    return show_cell(page, "map").get_by_role("region", name="Map of the labs")


def wait_for_notebook(page: Page, name: str) -> None:
    """Wait until JupyterLab shows a notebook, and its kernel has begun."""
    page.wait_for_function(
        """name => { const widget = window.jupyterapp.shell.currentWidget;
                     return widget?.context?.path === name && widget.sessionContext?.session?.kernel; }""",
        arg=name,
    )


def end_of_plays(page: Page) -> int:
    """How many plays are in the cluster, read from outside the notebook."""
    from kafka import KafkaConsumer, TopicPartition

    cell = show_cell(page, "restart")
    address = cell.locator("code", has_text=re.compile(r"^127\.0\.0\.1:\d+$")).first.text_content()
    with KafkaConsumer(bootstrap_servers=address) as consumer:
        partitions = [TopicPartition(TOPIC, number) for number in consumer.partitions_for_topic(TOPIC)]
        return sum(consumer.end_offsets(partitions).values())


def test_map_shows_every_lab_of_the_folder(lab_map: Locator, labs: tuple[str, Path]) -> None:
    """Each notebook has its stop, in order; the one that we are in is marked and has no link."""
    files = sorted(path.name for path in labs[1].glob("[0-9][0-9]-*.ipynb"))
    expect(lab_map.get_by_role("listitem")).to_have_count(len(files))

    links = lab_map.get_by_role("link").all_text_contents()
    assert [link[:2] for link in links] == [file[:2] for file in files if file != NOTEBOOK]
    expect(lab_map.get_by_role("listitem").first).to_contain_text("you are here")


def test_streams_flow_into_the_cluster(page: Page) -> None:
    """The plays grow, seen from outside, and the live view shows their topic."""
    before = end_of_plays(page)
    wait_until(lambda: end_of_plays(page) > before, "more plays", timeout_s=30)

    view = show_cell(page, "contact")
    expect(view.get_by_text(TOPIC).first).to_be_visible()


def test_right_guess_moves_the_map(page: Page) -> None:
    """A check that passes is on the map some seconds later, without running the map again."""
    retype(page, "guess", 'my_guess = "they go on"')
    check = retype(page, "check-crash", 'kit.check("00.crash", cluster, my_guess)')
    expect(check.get_by_role("note")).to_contain_text("00.crash: passed")

    here = show_cell(page, "map").get_by_role("listitem").first
    expect(here).to_contain_text("done, 1 of 1 check")


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_pictures_in_both_themes(page: Page, screenshots: Path, theme: str) -> None:
    """Map and live view follow the theme and keep nobody out; the pictures are for people to look at."""
    pose(page, theme)
    for cell_id in ("map", "contact"):
        cell = show_cell(page, cell_id)
        expect(cell.locator(".kit-widget").first).to_be_visible()
        page.screenshot(path=screenshots / f"lab-00-{cell_id}-{theme.lower()}.png")
        if cell_id == "map":
            assert serious_violations(cell.locator(".kit-map")) == []


def test_link_opens_the_notebook_beside_this_one(page: Page, lab_map: Locator) -> None:
    """A click opens the lab in a tab of JupyterLab; neither the page nor this notebook's kernel is left."""
    here = page.evaluate("() => window.jupyterapp.shell.currentWidget.id")
    for act in ("mouse", "keyboard"):
        link = lab_map.get_by_role("link", name="01 First records")
        if act == "mouse":
            link.click()
        else:
            link.focus()
            page.keyboard.press("Enter")
        wait_for_notebook(page, "01-first-records.ipynb")
        # It stays open: JupyterLab complains when a notebook is closed while it still greets its kernel.
        page.evaluate("id => window.jupyterapp.shell.activateById(id)", here)
        wait_for_notebook(page, NOTEBOOK)


def test_session_was_quiet(complaints: Complaints) -> None:
    """Nothing above left an error in the console or asked anything of another machine."""
    assert complaints == Complaints()
