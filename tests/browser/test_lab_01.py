"""Lab 01 as a student uses it: mouse and keyboard in a real browser, and a look into the cluster from outside.

``KIT_SCREENSHOTS=docs/images`` makes this test write its pictures there; the README shows one of them.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.jupyter import (
    TIMEOUT_MS,
    Complaints,
    narrow_window,
    pose,
    retype,
    show_cell,
)
from tests.support.wait import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.labs, pytest.mark.slow, pytest.mark.timeout(300)]

NOTEBOOK = "01-first-records.ipynb"
TOPIC = "music.listens"

expect.set_options(timeout=TIMEOUT_MS)


@pytest.fixture
def panel(page: Page) -> Locator:
    """Give the cell with the producer panel and the record view."""
    return show_cell(page, "panel")


def bootstrap_servers(panel: Locator) -> str:
    """The cluster's addresses as the panel tells them to a student who wants to go on in Python."""
    code = panel.get_by_label("The same in Python", exact=True)
    expect(code).to_contain_text("bootstrap_servers=")  # while headers are being typed, it says what is wrong with them
    found = re.search(r'bootstrap_servers="([^"]+)"', code.text_content() or "")
    assert found, f"no address in the panel's code: {code.text_content()!r}"
    return found.group(1)


def record_at(servers: str, partition: int, offset: int) -> Any:
    """Read one record of the topic with an ordinary consumer, from outside the notebook."""
    from kafka import KafkaConsumer, TopicPartition

    consumer = KafkaConsumer(bootstrap_servers=servers, enable_auto_commit=False)
    try:
        place = TopicPartition(TOPIC, partition)
        consumer.assign([place])
        consumer.seek(place, offset)
        batches = wait_until(
            lambda: consumer.poll(timeout_ms=500), f"the record at {place}, offset {offset}", pause_s=0
        )
        return batches[place][0]
    finally:
        consumer.close()


def acknowledged(panel: Locator) -> tuple[int, int]:
    """Partition and offset of the panel's newest answer, once it is an acknowledgement."""
    status = panel.get_by_role("region", name="Answers of the broker").get_by_role("status").first
    expect(status).to_contain_text("Acknowledged: partition")
    numbers = re.findall(r"\d+", status.text_content() or "")
    return int(numbers[0]), int(numbers[1])


def lag(cell: Locator) -> int:
    """The lag that the chart's twin tells in words."""
    text = cell.get_by_role("region", name="The chart in words").text_content() or ""
    found = re.search(r"lag ([\d,]+)\.", text)
    return int(found.group(1).replace(",", "")) if found else -1


def test_panel_sends_the_record_that_was_typed(page: Page, panel: Locator) -> None:
    """What is typed into the form and sent with the mouse lies in the cluster, where the acknowledgement says."""
    panel.get_by_role("textbox", name="Key").click()
    page.keyboard.type("zoe")
    page.keyboard.press("Tab")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("Blue Hour")
    page.keyboard.press("Tab")
    page.keyboard.type("source=browser")
    page.keyboard.press("Tab")
    panel.get_by_role("button", name="Send", exact=True).click()

    record = record_at(bootstrap_servers(panel), *acknowledged(panel))

    assert (record.key, record.value, list(record.headers)) == (b"zoe", b"Blue Hour", [("source", b"browser")])
    expect(panel.get_by_role("row").filter(has_text="zoe")).to_contain_text("source=browser")


def test_paused_view_misses_nothing(page: Page, panel: Locator) -> None:
    """A paused view shows nothing new, although the record is in the cluster; resumed, it catches up."""
    panel.get_by_role("button", name=f"Pause the view of {TOPIC}").focus()
    page.keyboard.press("Space")
    resume = panel.get_by_role("button", name=f"Resume the view of {TOPIC}")
    expect(resume).to_be_focused()
    value = panel.get_by_role("textbox", name="Value")
    value.fill("sent while paused")
    value.press("Tab")
    panel.get_by_role("button", name="Send", exact=True).click()
    view = panel.get_by_role("region", name=f"Live records of topic {TOPIC}")

    # The cluster has it before the view may show it: read from outside until it is there.
    servers = bootstrap_servers(panel)
    wait_until(lambda: record_at(servers, *acknowledged(panel)).value == b"sent while paused", "the record", pause_s=0)

    expect(view.get_by_role("row").filter(has_text="sent while paused")).to_have_count(0)
    resume.press("Enter")
    expect(view.get_by_role("row").filter(has_text="sent while paused")).to_have_count(1)


def test_filter_keeps_matching_records(page: Page, panel: Locator) -> None:
    """Typing into the filter leaves the rows that hold the text, and typing never reaches the notebook."""
    cells = page.evaluate("() => window.jupyterapp.shell.currentWidget.content.widgets.length")
    view = panel.get_by_role("region", name=f"Live records of topic {TOPIC}")
    panel.get_by_label("Filter").click()
    page.keyboard.type("bbaabb")

    expect(view.get_by_text("No record holds this text.")).to_be_visible()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("blue hour")
    expect(view.locator("tbody tr")).to_have_count(1)
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.press("Delete")
    assert cells == page.evaluate("() => window.jupyterapp.shell.currentWidget.content.widgets.length")


def test_illegal_topic_is_refused_in_words(page: Page, panel: Locator) -> None:
    """An illegal topic name gets a sentence with the reason, and the form stays usable."""
    topic = panel.get_by_role("textbox", name="Topic")
    topic.fill("my songs!")
    topic.press("Tab")
    panel.get_by_role("button", name="Send", exact=True).click()

    expect(panel.get_by_role("status").filter(has_text="Not acknowledged")).to_contain_text("my songs!")
    topic.fill(TOPIC)
    topic.press("Tab")
    panel.get_by_role("button", name="Send", exact=True).click()
    assert acknowledged(panel)


def test_view_shows_what_another_program_sends(panel: Locator) -> None:
    """Records that come from outside the notebook appear by themselves, the newest first."""
    from kafka import KafkaProducer

    songs = [("ana", "Night Bus Home"), ("ben", "Low Tide Radio"), ("chloe", "Seventh Wave"), ("ana", "Cold Brew")]
    producer = KafkaProducer(bootstrap_servers=bootstrap_servers(panel))
    try:
        for listener, song in songs:
            value = json.dumps({"listener": listener, "track": song}).encode()
            producer.send(TOPIC, key=listener.encode(), value=value, headers=[("source", b"phone")]).get(timeout=10)
    finally:
        producer.close()

    rows = panel.locator(".kit-records tbody tr")
    for row, (listener, song) in zip(range(len(songs)), reversed(songs), strict=True):
        expect(rows.nth(row)).to_contain_text(song)
        expect(rows.nth(row)).to_contain_text(listener)


def test_check_changes_its_verdict_with_the_answer(page: Page) -> None:
    """The shipped guess gets feedback and no error; the corrected guess passes."""
    check = show_cell(page, "check-kept")
    expect(check.get_by_role("note")).to_contain_text("01.retained: not yet")

    retype(page, "guess-kept", 'my_guess = "kept"')
    check = retype(page, "check-kept", 'kit.check("01.retained", cluster, my_guess)')

    expect(check.get_by_role("note")).to_contain_text("01.retained: passed")


def test_right_answer_is_still_right_when_its_cell_runs_again(page: Page) -> None:
    """The payments go on in their ledger: a second run reads nothing and takes nothing back."""
    source = """with KafkaConsumer(
    LISTENS,
    bootstrap_servers=cluster.bootstrap_servers,
    group_id="royalties",
    auto_offset_reset="earliest",
    enable_auto_commit=False,
) as royalties:
    paid += read_to_end(royalties)
    royalties.commit()
kit.check("01.royalties", cluster, {"royalties": paid})"""
    for _ in range(2):
        cell = retype(page, "royalties", source)
        expect(cell.get_by_role("note")).to_contain_text("01.royalties: passed")


def test_group_that_was_offline_catches_up_on_the_chart(page: Page) -> None:
    """The switches move the chart: lag grows while the consumer is off, and goes away when it is back."""
    cell = show_cell(page, "live")
    producer = cell.get_by_role("switch", name="Producer")
    consumer = cell.get_by_role("switch", name="Consumer")
    curve = cell.locator(".scatterlayer .js-line").last
    drawn = curve.get_attribute("d")

    producer.click()
    wait_until(lambda: lag(cell) > 100, "a lag of more than 100 records", timeout_s=60)
    assert curve.get_attribute("d") != drawn

    consumer.focus()
    page.keyboard.press("Space")
    wait_until(lambda: 0 <= lag(cell) < 50, "the group to catch up", timeout_s=60)
    expect(cell.get_by_role("status").filter(has_text="has caught up")).to_have_count(1)
    producer.click()
    consumer.click()
    expect(producer).to_have_attribute("aria-checked", "false")
    expect(consumer).to_have_attribute("aria-checked", "false")


@pytest.mark.parametrize("theme", ["Light", "Dark"])
@pytest.mark.parametrize(("cell_id", "picture"), [("panel", "first-records"), ("live", "first-records-chart")])
def test_pictures_in_both_themes(page: Page, screenshots: Path, theme: str, cell_id: str, picture: str) -> None:
    """Widgets and chart follow the theme; the pictures are for people to look at."""
    pose(page, theme)
    cell = show_cell(page, cell_id)
    cell.locator(".jp-Cell-outputArea").evaluate("node => node.scrollIntoView({block: 'end'})")
    red = cell.locator(".kit-widget").first.evaluate("node => getComputedStyle(node).color.match(/[0-9]+/)[0]")

    assert (int(red) < 128) == (theme == "Light")
    if cell_id == "live":
        ink = "rgb(33, 33, 33)" if theme == "Light" else "rgb(232, 232, 232)"
        expect(cell.locator(".ytitle").first).to_have_css("fill", ink)
    page.screenshot(path=screenshots / f"{picture}{'-dark' if theme == 'Dark' else ''}.png")


def test_narrow_window_needs_no_sideways_scrolling(page: Page, panel: Locator, screenshots: Path) -> None:
    """At 700 pixels the widgets stay inside the notebook's column."""
    with narrow_window(page):
        column = panel.locator(".jp-OutputArea-output").first
        expect(column).to_be_visible()
        assert column.evaluate("node => node.scrollWidth <= node.clientWidth + 1")
        page.screenshot(path=screenshots / "first-records-narrow.png")


def test_session_was_quiet(page: Page, complaints: Complaints) -> None:
    """Nothing above left an error in the console or asked anything of another machine."""
    assert complaints == Complaints()
