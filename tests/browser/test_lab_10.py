"""Lab 10 as a student uses it: the inspector by mouse and by keyboard, beside the files themselves."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from kit.lessons import log_files
from tests.browser.axe import serious_violations
from tests.browser.jupyter import TIMEOUT_MS, Complaints, pose, retype, show_cell

pytestmark = [pytest.mark.browser, pytest.mark.labs, pytest.mark.slow, pytest.mark.timeout(300)]

NOTEBOOK = "10-inside-the-log.ipynb"

expect.set_options(timeout=TIMEOUT_MS)


@pytest.fixture
def inspector(page: Page) -> Locator:
    """Give the inspector."""
    return show_cell(page, "inspector").get_by_role("region", name="Files of music.plays-0")


@pytest.fixture
def segments(page: Page) -> list[log_files.SegmentFiles]:
    """Give the files that the inspector shows, read from outside the notebook."""
    data_dir = (show_cell(page, "start").locator(".jp-OutputArea-output").text_content() or "").strip()
    return log_files.segments(log_files.folder_of(data_dir, "music.plays", broker_id=1))


def test_segments_and_batches_are_those_in_the_files(
    page: Page, inspector: Locator, segments: list[log_files.SegmentFiles]
) -> None:
    """A block for each file; choosing one by mouse lists its batches, and the next ones on request."""
    inspector = show_cell(page, "inspector").get_by_role("region", name="Files of music.plays-0")
    blocks = inspector.get_by_role("group", name="Segments").get_by_role("button")
    expect(blocks).to_have_count(len(segments))
    blocks.first.click()

    batches = list(log_files.batches(segments[0]))
    rows = inspector.get_by_role("region", name=f"Batches of {segments[0].path.name}").locator("tbody tr")
    expect(rows.first).to_contain_text(f"{batches[0].header.base_offset:,}")
    expect(rows.nth(1)).to_contain_text(f"{batches[1].position:,}")
    if len(batches) > 20:
        inspector.get_by_role("button", name="Next batches").click()
        expect(rows.first).to_contain_text(f"{batches[20].position:,}")


def test_index_is_seen_to_be_sparse(inspector: Locator, segments: list[log_files.SegmentFiles]) -> None:
    """Of the batches that are listed few have an entry, and those are the ones in the file."""
    inspector.get_by_role("group", name="Segments").get_by_role("button").first.click()
    rows = inspector.get_by_role("region", name=f"Batches of {segments[0].path.name}").locator("tbody tr")
    expect(rows).to_have_count(20)

    indexed = rows.filter(has_text="has an entry")
    first = log_files.offset_index(segments[0])[0]
    expect(indexed.first).to_contain_text(f"{first.position:,}")
    assert 0 < indexed.count() < 5


def test_chosen_batch_comes_into_view(page: Page, inspector: Locator) -> None:
    """By keyboard: the batch is on the screen, and the focus is still where it was."""
    inspector.get_by_role("group", name="Segments").get_by_role("button").first.click()
    choose = inspector.get_by_role("button", name="Open the batch at byte").nth(2)
    choose.focus()
    label = choose.get_attribute("aria-label")
    page.keyboard.press("Enter")

    expect(inspector.get_by_role("rowheader", name="batch_length")).to_be_in_viewport()
    assert page.evaluate("() => document.activeElement.getAttribute('aria-label')") == label


def test_offset_is_found_by_keyboard(page: Page, inspector: Locator) -> None:
    """Typing an offset and Enter tells the steps, opens the batch, and Tab walks through its parts."""
    field = inspector.get_by_role("textbox", name="Offset")
    field.focus()
    page.keyboard.type("2500")
    page.keyboard.press("Enter")

    expect(inspector.get_by_role("status")).to_contain_text("holds the offsets")
    part = inspector.get_by_role("rowheader", name="crc")
    part.focus()
    expect(inspector.locator(".kit-marked")).to_have_count(4)
    page.keyboard.press("Tab")
    expect(inspector.locator(".kit-marked")).to_have_count(2)


@pytest.mark.parametrize(("typed", "told"), [("soon", "whole number"), ("999999", "there is no offset 999,999 yet")])
def test_impossible_offset_is_answered(page: Page, inspector: Locator, typed: str, told: str) -> None:
    """No offset, and one beyond the end, get a sentence."""
    field = inspector.get_by_role("textbox", name="Offset")
    field.fill(typed)
    field.press("Enter")

    expect(inspector.get_by_role("status")).to_contain_text(told)


def test_other_replica_is_shown(inspector: Locator) -> None:
    """Another broker's files are as large."""
    inspector.get_by_role("combobox", name="Replica of broker").select_option("3")

    expect(inspector.get_by_role("combobox", name="Replica of broker")).to_have_value("3")
    expect(inspector.get_by_role("group", name="Segments").get_by_role("button").first).to_contain_text("MiB")


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_inspector_is_accessible_in_both_themes(page: Page, screenshots: Path, theme: str) -> None:
    """axe-core finds nothing serious; the pictures are for people to look at."""
    pose(page, theme)
    cell = show_cell(page, "inspector")
    inspector = cell.get_by_role("region", name="Files of music.plays-0")
    inspector.get_by_role("textbox", name="Offset").fill("2500")
    inspector.get_by_role("button", name="Find").click()
    expect(inspector.get_by_role("rowheader", name="crc")).to_be_visible()

    assert serious_violations(inspector) == []
    page.screenshot(path=screenshots / f"lab-10-{theme.lower()}.png")


def test_closed_cluster_is_told(page: Page, inspector: Locator) -> None:
    """The inspector of a closed cluster says so and keeps what it showed."""
    retype(page, "retention-guess", "cluster.close()")

    inspector = show_cell(page, "inspector").get_by_role("region", name="Files of music.plays-0")
    expect(inspector).to_contain_text("The inspector has stopped. The cluster is closed")
    inspector.get_by_role("textbox", name="Offset").fill("10")
    inspector.get_by_role("button", name="Find").click()
    expect(inspector.get_by_role("status")).to_contain_text("This file is not there any more")
    expect(inspector.get_by_role("rowheader", name="crc")).to_have_count(0)


def test_silent_kernel_is_told(page: Page) -> None:
    """After a restart of the kernel nobody is there to answer."""
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    inspector = show_cell(page, "inspector").get_by_role("region", name="Files of music.plays-0")
    inspector.get_by_role("button", name="Find").click()

    expect(inspector.get_by_role("alert")).to_contain_text("The kernel does not answer")


def test_session_was_quiet(page: Page, complaints: Complaints) -> None:
    """Nothing above left an error in the console or asked anything of another machine."""
    assert complaints == Complaints()
