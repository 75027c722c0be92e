"""Lab 04 as a student uses it: the estimator by mouse and keyboard, and load tests seen in the cluster from outside."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from playwright.sync_api import Locator, Page, expect

from tests.browser.axe import serious_violations
from tests.browser.jupyter import TIMEOUT_MS, Complaints, narrow_window, pose, retype, show_cell

pytestmark = [pytest.mark.browser, pytest.mark.labs, pytest.mark.slow, pytest.mark.timeout(300)]

NOTEBOOK = "04-sizing.ipynb"

expect.set_options(timeout=TIMEOUT_MS)


@pytest.fixture(scope="module")
def servers(page: Page) -> str:
    """Give the addresses that the notebook's first cell shows."""
    text = show_cell(page, "start").locator(".jp-OutputArea-output").last.text_content() or ""
    return ",".join(re.findall(r"127\.0\.0\.1:\d+", text))


@pytest.fixture
def estimator(page: Page) -> Locator:
    """Give the estimator."""
    return show_cell(page, "estimator").get_by_role("region", name="Sizing estimator")


def written(servers: str, topic: str) -> list[int]:
    """The end offsets of a topic's partitions, asked from outside the notebook."""
    consumer = KafkaConsumer(bootstrap_servers=servers)
    try:
        assert topic in consumer.topics()
        places = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic)]
        return list(consumer.end_offsets(places).values())
    finally:
        consumer.close()


def committed(servers: str, topic: str) -> int:
    """What the load test's group has committed."""
    admin = KafkaAdminClient(bootstrap_servers=servers)
    try:
        group_id = f"{topic}-readers"
        return sum(each.offset for each in admin.list_group_offsets({group_id: None})[group_id].values())
    finally:
        admin.close()


def topic_of(estimator: Locator) -> str:
    """The topic of the load test that is shown."""
    found = re.search(r"topic (load\.[\w.-]+)", estimator.locator(".kit-test").text_content() or "")
    assert found
    return found.group(1)


def test_slides_four_fails_and_fourteen_pass(page: Page, estimator: Locator, servers: str) -> None:
    """By mouse and by keyboard; the cluster holds what the verdict says."""
    estimator.get_by_role("button", name="Load test with the slide's 4").click()
    verdict = estimator.locator(".kit-verdict")
    expect(verdict).to_contain_text("It falls behind: after 10 seconds 1,400 of 2,000 records wait")
    assert written(servers, topic_of(estimator)) == [150] * 4

    estimator.get_by_role("button", name="Load test with 14").focus()
    page.keyboard.press("Enter")
    expect(verdict).to_contain_text("It keeps up")
    expect(estimator.locator(".kit-test")).to_contain_text(
        "the busiest partition has 14.3 to take, below its limit of 15"
    )
    expect(estimator.locator(".kit-test svg rect")).to_have_count(3 * 14)
    topic = topic_of(estimator)
    assert len(written(servers, topic)) == 14
    assert sum(written(servers, topic)) == committed(servers, topic) == 2_000


def test_typed_rates_change_the_answer(page: Page, estimator: Locator) -> None:
    """A slow consumer decides alone; a faster producer does not help then; the slide's numbers come back."""
    reads = estimator.get_by_role("spinbutton", name=re.compile("A consumer reads"))
    figure = estimator.locator(".kit-big").first
    expect(figure).to_have_text("14")
    reads.click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("5")
    expect(figure).to_have_text("40")
    estimator.get_by_role("spinbutton", name=re.compile("A producer writes")).fill("50")
    expect(estimator.locator(".kit-answer")).to_contain_text("200 / 50 = 4 partitions, reading 200 / 5 = 40")
    expect(figure).to_have_text("40")
    estimator.get_by_role("button", name="The slide's numbers").click()
    expect(figure).to_have_text("14")
    expect(reads).to_have_value("20")


@pytest.mark.parametrize(
    ("field", "typed", "told"),
    [
        ("Target", "", "The target is missing"),
        ("Target", "-3", "more than 0"),
        ("Target", "1e99", "at most"),
        ("Replication factor", "2.5", "whole number"),
    ],
)
def test_senseless_numbers_are_answered_in_words(estimator: Locator, field: str, typed: str, told: str) -> None:
    """A sentence in the place of the figures, which come back with the next good number."""
    estimator.get_by_role("spinbutton", name=re.compile(f"^{field}")).fill(typed)
    expect(estimator.locator(".kit-answer")).to_contain_text(told)
    expect(estimator.get_by_role("button", name="Load test with").first).to_be_disabled()
    estimator.get_by_role("button", name="The slide's numbers").click()
    expect(estimator.locator(".kit-big").first).to_have_text("14")
    expect(estimator.get_by_role("button", name="Load test with").first).to_be_enabled()


def test_wrong_answer_is_explained(estimator: Locator) -> None:
    """The slide's 4, and what it really says."""
    estimator.get_by_text("Why not 4, as the slide would have it?").click()

    expect(estimator).to_contain_text("how many times too few clients there are")


def test_check_changes_its_verdict_with_the_load_test(page: Page) -> None:
    """The slide's 4 does not pass; 14, played in the same session, do."""
    expect(show_cell(page, "check-load").get_by_role("note")).to_contain_text("04.load: not yet")
    cell = retype(page, "load", "mine = load_test(cluster, partitions=14, producers=14, consumers=14)\nmine")
    expect(cell).to_contain_text("It keeps up")

    check = retype(page, "check-load", 'kit.check("04.load", cluster, mine)')

    expect(check.get_by_role("note")).to_contain_text("04.load: passed")


@pytest.mark.parametrize("theme", ["Light", "Dark"])
@pytest.mark.parametrize(("cell_id", "picture"), [("estimator", ""), ("ten", "-load-test")])
def test_pictures_in_both_themes(page: Page, screenshots: Path, theme: str, cell_id: str, picture: str) -> None:
    """Form and result follow the theme and have no serious violation; the pictures are for people to look at."""
    pose(page, theme)
    cell = show_cell(page, cell_id)
    part = cell.locator(".kit-widget, .jp-RenderedHTML").first
    part.scroll_into_view_if_needed()
    red = part.evaluate("node => getComputedStyle(node).color.match(/[0-9]+/)[0]")

    assert (int(red) < 128) == (theme == "Light")
    assert serious_violations(part) == []
    page.screenshot(path=screenshots / f"lab-04{picture}-{theme.lower()}.png")


def test_narrow_window_needs_no_sideways_scrolling(page: Page, estimator: Locator, screenshots: Path) -> None:
    """At 700 pixels form and answer stand below one another."""
    with narrow_window(page):
        expect(estimator).to_be_visible()
        assert estimator.evaluate("node => node.scrollWidth <= node.clientWidth + 1")
        page.screenshot(path=screenshots / "lab-04-narrow.png")


def test_closed_cluster_is_told(page: Page) -> None:
    """The form goes on computing, and the buttons say what to do."""
    retype(page, "limits", "cluster.close()")
    estimator = show_cell(page, "estimator")

    expect(estimator.locator(".kit-verdict")).to_contain_text("No load test can be played any more.")
    estimator.get_by_role("spinbutton", name=re.compile("^Target")).fill("400")
    expect(estimator.locator(".kit-big").first).to_have_text("27")


def test_silent_kernel_is_told(page: Page) -> None:
    """After a restart of the kernel nobody is there to answer."""
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    estimator = show_cell(page, "estimator").get_by_role("region", name="Sizing estimator")
    estimator.get_by_role("spinbutton", name=re.compile("^Target")).fill("300")

    expect(estimator.get_by_role("alert")).to_contain_text("The kernel does not answer")


def test_session_was_quiet(page: Page, complaints: Complaints) -> None:
    """Nothing above left an error in the console or asked anything of another machine."""
    assert complaints == Complaints()
