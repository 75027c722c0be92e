"""Lab 03 as a student uses it: the wheel by mouse and keyboard, the charts, and the cluster seen from outside."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from playwright.sync_api import Locator, Page, expect

from kit.lessons.partition_choice import CRC32, partition_of
from tests.browser.axe import serious_violations
from tests.browser.jupyter import TIMEOUT_MS, Complaints, narrow_window, pose, retype, show_cell
from tests.support.wait import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.labs, pytest.mark.slow, pytest.mark.timeout(300)]

NOTEBOOK = "03-partitions-and-keys.ipynb"
TOPIC = "music.listens"

expect.set_options(timeout=TIMEOUT_MS)


@pytest.fixture(scope="module")
def servers(page: Page) -> str:
    """Give the addresses that the notebook's first cell shows."""
    text = show_cell(page, "start").locator(".jp-OutputArea-output").last.text_content() or ""
    return ",".join(re.findall(r"127\.0\.0\.1:\d+", text))


@pytest.fixture
def wheel(page: Page) -> Locator:
    """Give the hash wheel."""
    return show_cell(page, "wheel").get_by_role("region", name="Hash wheel")


def key_at(servers: str, partition: int, offset: int) -> bytes | None:
    """The key of one record of the topic, read by an ordinary consumer from outside the notebook."""
    consumer = KafkaConsumer(bootstrap_servers=servers, enable_auto_commit=False)
    try:
        place = TopicPartition(TOPIC, partition)
        consumer.assign([place])
        consumer.seek(place, offset)
        batches = wait_until(lambda: consumer.poll(timeout_ms=500), f"the record at {place}, {offset}", pause_s=0)
        return bytes(batches[place][0].key)
    finally:
        consumer.close()


def acknowledged(wheel: Locator) -> tuple[int, int]:
    """Partition and offset of the wheel's newest answer."""
    answer = wheel.locator(".kit-answer")
    expect(answer).to_contain_text("Acknowledged: partition")
    found = re.search(r"partition (\d+), offset (\d+)", answer.text_content() or "")
    assert found
    return int(found.group(1)), int(found.group(2))


def test_typed_key_gets_the_partition_that_the_broker_acknowledges(page: Page, wheel: Locator, servers: str) -> None:
    """Both clients: what the wheel says is where the record lies."""
    wheel.get_by_role("textbox", name="Key").click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("zoe-b")  # a b outside of a field would insert a cell
    expected = {"kafka-python": partition_of(b"zoe-b", 6), "librdkafka": partition_of(b"zoe-b", 6, CRC32)}
    assert len(set(expected.values())) == 2

    for client, partition in expected.items():
        wheel.get_by_role("button", name=f"Send it as {client} does").click()
        expect(wheel.locator(".kit-answer")).to_contain_text(f"The key 'zoe-b', as {client} sends it.")
        place = acknowledged(wheel)
        assert place[0] == partition
        assert key_at(servers, *place) == b"zoe-b"
    expect(wheel.locator(".kit-place")).to_have_text([str(each) for each in expected.values()])


def test_slider_shows_which_keys_move(page: Page, wheel: Locator) -> None:
    """By keyboard: six partitions become eight, and the same stands in the sentence and in the table."""
    slider = wheel.get_by_role("slider", name=re.compile("^Partitions"))
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")

    expect(wheel.locator(".kit-sentence")).to_contain_text("From 6 to 8 partitions, keys that move: 145 of 200")
    expect(wheel.locator(".kit-client-1 .kit-mover")).to_have_count(145)
    wheel.get_by_text("The same as a table").click()
    rows = wheel.get_by_role("row")
    expect(rows).to_have_count(9)
    expect(wheel.locator("tbody tr").filter(has_text="here")).not_to_have_count(0)
    wheel.get_by_text("The same as a table").click()
    for _ in range(2):
        slider.press("ArrowLeft")
    expect(wheel.locator(".kit-sentence")).to_contain_text("200 sample keys")


@pytest.mark.parametrize("key", ["<img src=x onerror=alert(1)>", "x" * 600, "🎷 ümlaut", ""])
def test_odd_keys_are_text(page: Page, wheel: Locator, key: str) -> None:
    """HTML, too much, other alphabets, nothing: each gets a clear picture."""
    field = wheel.get_by_role("textbox", name="Key")
    field.fill(key)
    if key:
        number = partition_of(key[:500].encode(), 6)
        expect(wheel.locator(".kit-client-1 .kit-code")).to_contain_text(f"= {number}")
    else:
        expect(wheel.locator(".kit-client-1")).to_contain_text("There is no key")
    assert wheel.locator("img").count() == 0
    field.fill("ana")
    expect(wheel.locator(".kit-client-1 .kit-place")).to_have_text("4")


def test_chart_follows_what_another_program_sends(page: Page, servers: str) -> None:
    """Records of another program make a bar grow, and the table beside it says how much."""
    chart = show_cell(page, "obvious").get_by_role("region", name="Records in each partition")
    zero = chart.locator("tbody tr").first
    expect(zero.locator("td").nth(1)).to_have_text("0")
    expect(chart).to_contain_text("3 of 6 partitions are empty")
    with KafkaProducer(bootstrap_servers=servers) as producer:
        for _ in range(400):
            producer.send("spread.obvious", b"more", partition=0)

    expect(zero.locator("td").nth(1)).to_have_text("400")
    expect(zero).to_have_class(re.compile("kit-full"))
    expect(chart).to_contain_text("700 records")


def test_check_changes_its_verdict_with_the_answer(page: Page) -> None:
    """The lecture's words get the log as an answer; what the log shows passes."""
    expect(show_cell(page, "unkeyed-answer").get_by_role("note")).to_contain_text("03.no-key: not yet")
    answer = 'habits = {"a": "sticky", "b": "round-robin", "c": "random"}\n\nkit.check("03.no-key", cluster, habits)'

    cell = retype(page, "unkeyed-answer", answer)

    expect(cell.get_by_role("note")).to_contain_text("03.no-key: passed")


@pytest.mark.parametrize("theme", ["Light", "Dark"])
@pytest.mark.parametrize(("cell_id", "picture"), [("wheel", ""), ("unkeyed", "-no-key"), ("balance", "-skew")])
def test_pictures_in_both_themes(page: Page, screenshots: Path, theme: str, cell_id: str, picture: str) -> None:
    """Widgets follow the theme and have no serious violation; the pictures are for people to look at."""
    pose(page, theme)
    cell = show_cell(page, cell_id)
    if cell_id == "wheel":
        cell.get_by_role("slider", name=re.compile("^Partitions")).fill("8")
        expect(cell.locator(".kit-sentence")).to_contain_text("From 6 to 8")
    widget = cell.locator(".kit-widget").first
    widget.scroll_into_view_if_needed()
    red = widget.evaluate("node => getComputedStyle(node).color.match(/[0-9]+/)[0]")

    assert (int(red) < 128) == (theme == "Light")
    assert serious_violations(widget) == []
    page.screenshot(path=screenshots / f"lab-03{picture}-{theme.lower()}.png")


def test_narrow_window_needs_no_sideways_scrolling(page: Page, wheel: Locator, screenshots: Path) -> None:
    """At 700 pixels the wheels stand below one another."""
    with narrow_window(page):
        expect(wheel).to_be_visible()
        assert wheel.evaluate("node => node.scrollWidth <= node.clientWidth + 1")
        page.screenshot(path=screenshots / "lab-03-narrow.png")


def test_closed_cluster_is_told(page: Page) -> None:
    """The wheel and the charts stay on the page and say what to do."""
    retype(page, "grow-read", "cluster.close()")
    expect(show_cell(page, "obvious").locator(".kit-status")).to_contain_text("The chart has stopped.")
    wheel = show_cell(page, "wheel")

    expect(wheel.locator(".kit-answer")).to_contain_text("Nothing can be sent any more.")
    wheel.get_by_role("button", name="Send it as librdkafka does").click()
    expect(wheel.locator(".kit-answer")).to_contain_text("The cluster is closed")
    wheel.get_by_role("textbox", name="Key").fill("still works")
    expect(wheel.locator(".kit-client-1 .kit-place")).to_have_text(str(partition_of(b"still works", 8)))


def test_silent_kernel_is_told(page: Page) -> None:
    """After a restart of the kernel nobody is there to answer."""
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    wheel = show_cell(page, "wheel").get_by_role("region", name="Hash wheel")
    wheel.get_by_role("button", name="as kafka-python").click()

    expect(wheel.get_by_role("alert")).to_contain_text("The kernel does not answer")


def test_session_was_quiet(page: Page, complaints: Complaints) -> None:
    """Nothing above left an error in the console or asked anything of another machine."""
    assert complaints == Complaints()
