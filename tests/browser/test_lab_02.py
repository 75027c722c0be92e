"""Lab 02 as a student uses it: linter, forms and browser by mouse and keyboard, and the cluster from outside."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from kafka import KafkaAdminClient
from playwright.sync_api import Locator, Page, expect

from tests.browser.axe import serious_violations
from tests.browser.jupyter import TIMEOUT_MS, Complaints, narrow_window, pose, retype, show_cell
from tests.support.wait import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.labs, pytest.mark.slow, pytest.mark.timeout(300)]

NOTEBOOK = "02-topics-and-names.ipynb"

expect.set_options(timeout=TIMEOUT_MS)


@pytest.fixture
def hands(page: Page) -> Locator:
    """Give the cell with the forms and the browser."""
    return show_cell(page, "hands")


def topic_names(hands: Locator) -> set[str]:
    """The cluster's topics, asked from outside the notebook."""
    code = hands.get_by_label("The same in Python", exact=True).first.text_content() or ""
    found = re.search(r'bootstrap_servers="([^"]+)"', code)
    assert found, f"no address in the form's code: {code!r}"
    admin = KafkaAdminClient(bootstrap_servers=found.group(1))
    try:
        return set(admin.list_topics())
    finally:
        admin.close()


def test_linter_judges_while_one_types(page: Page) -> None:
    """Findings appear without a key for it, Kafka's answer comes from the cluster, and a suggestion can be taken."""
    linter = show_cell(page, "linter").get_by_role("region", name="Name linter")
    expect(linter.get_by_text("INVALID_TOPIC_EXCEPTION", exact=False).first).to_be_visible()
    field = linter.get_by_role("textbox", name="Name of a topic")
    field.fill("")
    field.press_sequentially("music_plays")

    expect(linter.locator(".kit-verdict").first).to_contain_text("collides with existing topic: music.plays")
    expect(linter.get_by_role("status")).to_contain_text("The team minds")
    linter.get_by_role("button", name="Mend all of it: dev.music.plays.v1").press("Enter")
    expect(field).to_have_value("dev.music.plays.v1")
    expect(linter.locator(".kit-verdict").nth(1)).to_contain_text("has nothing against it")
    expect(linter.get_by_role("listitem")).to_have_count(0)


def test_illegal_topic_is_refused_with_kafkas_name(hands: Locator) -> None:
    """Kafka's error name and sentence are shown, and nothing is made."""
    form = hands.get_by_role("form", name="Create a topic")
    form.get_by_role("textbox", name="Name", exact=True).fill("my songs")
    form.get_by_role("button", name="Create", exact=True).click()

    expect(form.locator(".kit-answer")).to_contain_text("INVALID_TOPIC_EXCEPTION")
    expect(form.get_by_role("button", name="Create", exact=True)).to_be_enabled()


def test_topic_is_made_by_keyboard_and_appears_in_the_browser(page: Page, hands: Locator) -> None:
    """What the form says is what the cluster has; the browser shows the topic by itself."""
    form = hands.get_by_role("form", name="Create a topic")
    name = form.get_by_role("textbox", name="Name", exact=True)
    name.focus()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("dev.lab.bbaa.v1")
    page.keyboard.press("Tab")
    page.keyboard.type("3")
    page.keyboard.press("Enter")

    expect(form.locator(".kit-answer")).to_contain_text(
        "Kafka has made dev.lab.bbaa.v1: 3 partitions, replication factor 3"
    )
    assert "dev.lab.bbaa.v1" in topic_names(hands)
    expect(hands.get_by_role("button", name="dev.lab.bbaa.v1", exact=True)).to_be_visible()
    form.get_by_role("button", name="with Kafka's CLI", exact=True).press("Enter")
    expect(form.get_by_label("The same with Kafka's CLI")).to_contain_text("--topic dev.lab.bbaa.v1")
    form.get_by_role("button", name="with Kafka's CLI", exact=True).click()


def test_topic_is_deleted_only_after_its_name_was_typed_again(page: Page, hands: Locator) -> None:
    """A wrong second name leaves the button off, Escape keeps the topic, and only the right name deletes it."""
    form = hands.get_by_role("form", name="Delete a topic")
    topic = form.get_by_role("combobox", name="Topic")
    topic.fill("dev.lab.bbaa.v1")
    form.get_by_role("button", name="Delete …").click()
    topic.dispatch_event("focus")  # suggestions are asked for while the answer is on its way
    confirm = form.get_by_role("group", name="Confirm")
    expect(confirm).to_contain_text("dev.lab.bbaa.v1 has 3 partitions with 0 records")
    again = confirm.get_by_role("textbox", name="Type the name again")
    expect(again).to_be_focused()
    page.keyboard.type("dev.lab.bbaa")
    expect(confirm.get_by_role("button", name="Delete for ever")).to_be_disabled()
    page.keyboard.press("Enter")
    page.keyboard.press("Escape")
    expect(form.locator(".kit-answer")).to_contain_text("Nothing was deleted")
    assert "dev.lab.bbaa.v1" in topic_names(hands)

    topic.press("Enter")
    expect(again).to_be_focused()
    page.keyboard.type("dev.lab.bbaa.v1")
    page.keyboard.press("Enter")

    expect(form.locator(".kit-answer")).to_contain_text("Kafka has deleted dev.lab.bbaa.v1")
    wait_until(lambda: "dev.lab.bbaa.v1" not in topic_names(hands), "the topic to be gone")


def test_records_are_read_from_anywhere_and_opened_in_full(page: Page, hands: Locator) -> None:
    """From the beginning, the newest, filtered; one record as JSON, as bytes, and HTML as text; all by keyboard too."""
    browser = hands.get_by_role("region", name="Topic browser")
    browser.get_by_role("button", name="music.plays", exact=True).click()
    rows = browser.locator(".kit-rows tbody tr")
    expect(rows).to_have_count(42)
    expect(browser.get_by_role("status")).to_contain_text("42 records shown")

    browser.get_by_role("combobox", name="Read from").select_option("latest")
    filter_field = browser.get_by_role("searchbox", name="Filter").last
    filter_field.fill("<SCRIPT>")
    filter_field.press("Enter")
    expect(rows).to_have_count(1)
    expect(rows.first).to_contain_text("<b>not bold</b> <script>alert('hi')</script>")

    rows.first.get_by_role("button").press("Enter")
    record = browser.get_by_role("region", name=re.compile("^Record: Partition"))
    expect(record.get_by_role("heading", name=re.compile("Partition"))).to_be_focused()
    expect(record.get_by_label("Value as Text")).to_have_text("<b>not bold</b> <script>alert('hi')</script>")
    value = record.get_by_role("group", name="Value as")
    value.get_by_role("button", name="JSON").press("Enter")
    expect(record).to_contain_text("This is not JSON")
    value.get_by_role("button", name="Hex").click()
    expect(record.get_by_label("Value as Hex")).to_contain_text("000000  3c 62 3e 6e")
    record.get_by_role("button", name=re.compile("^Close the record")).press("Enter")
    expect(rows.first.get_by_role("button")).to_be_focused()


def test_offset_out_of_range_is_told(hands: Locator) -> None:
    """An offset behind the end is answered with what there is, and a word is no offset."""
    browser = hands.get_by_role("region", name="Topic browser")
    browser.get_by_role("searchbox", name="Filter").last.fill("")
    browser.get_by_role("combobox", name="Read from").select_option("offset")
    offset = browser.get_by_role("textbox", name="Offset")
    offset.fill("soon")
    offset.press("Enter")
    expect(browser.locator(".kit-note").first).to_contain_text("whole number")
    offset.fill("999")
    browser.get_by_role("combobox", name="Partition").select_option("2")
    browser.get_by_role("button", name="Read", exact=True).click()

    expect(browser.locator(".kit-notes")).to_contain_text("Partition 2 has no offset 999 yet: it holds 0 to")


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_widgets_are_accessible_in_both_themes(page: Page, screenshots: Path, theme: str) -> None:
    """axe-core finds nothing serious; the pictures are for people to look at."""
    pose(page, theme)
    linter = show_cell(page, "linter").get_by_role("region", name="Name linter")
    linter.get_by_role("textbox", name="Name of a topic").fill("Team_Music plays")
    expect(linter.locator(".kit-verdict").first).to_contain_text("'Team_Music plays'")
    assert serious_violations(linter) == []
    page.screenshot(path=screenshots / f"lab-02-linter-{theme.lower()}.png")

    hands = show_cell(page, "hands")
    browser = hands.get_by_role("region", name="Topic browser")
    browser.get_by_role("button", name="music.plays", exact=True).click()
    expect(browser.locator(".kit-rows tbody tr")).to_have_count(42)
    browser.locator(".kit-rows tbody tr").first.get_by_role("button").click()
    expect(browser.get_by_label("Value as JSON")).to_be_visible()
    assert serious_violations(hands.locator(".kit-forms")) == []
    assert serious_violations(browser) == []
    hands.locator(".jp-Cell-outputArea").evaluate("node => node.scrollIntoView({block: 'start'})")
    page.screenshot(path=screenshots / f"lab-02-forms-{theme.lower()}.png")
    browser.evaluate("node => node.scrollIntoView({block: 'start'})")
    page.screenshot(path=screenshots / f"lab-02-{theme.lower()}.png")


def test_narrow_window_needs_no_sideways_scrolling(page: Page, hands: Locator, screenshots: Path) -> None:
    """At 700 pixels the widgets stay inside the notebook's column."""
    with narrow_window(page):
        column = hands.locator(".jp-OutputArea-output").first
        expect(column).to_be_visible()
        assert column.evaluate("node => node.scrollWidth <= node.clientWidth + 1")
        page.screenshot(path=screenshots / "lab-02-narrow.png")


def test_closed_cluster_is_told_everywhere(page: Page, hands: Locator) -> None:
    """The widgets of a closed cluster say so, and their buttons are off."""
    retype(page, "some-records", "cluster.close()")

    hands = show_cell(page, "hands")
    browser = hands.get_by_role("region", name="Topic browser")
    expect(browser).to_contain_text("The topic browser has stopped. The cluster is closed")
    expect(browser.get_by_role("button", name="Read", exact=True)).to_be_disabled()
    expect(hands.get_by_text("These forms have stopped. The cluster is closed", exact=False)).to_be_visible()
    expect(hands.get_by_role("button", name="Create", exact=True)).to_be_disabled()


def test_linter_says_when_nobody_judges_any_more(page: Page) -> None:
    """After a restart of the kernel, what was said about an earlier name is marked as old while one types."""
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.restartKernel()")
    linter = show_cell(page, "linter").get_by_role("region", name="Name linter")
    linter.get_by_role("textbox", name="Name of a topic").fill("dev.data.v1")

    expect(linter.get_by_role("alert")).to_contain_text("The kernel does not answer: what stands below is about")
    expect(linter.locator(".kit-verdict").last).to_have_css("text-decoration-line", "line-through")


def test_session_was_quiet(page: Page, complaints: Complaints) -> None:
    """Nothing above left an error in the console or asked anything of another machine."""
    assert complaints == Complaints()
