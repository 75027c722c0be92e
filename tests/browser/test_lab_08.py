"""Lab 08 as a student uses it: two terminals by mouse and by keyboard, and a look into the cluster from outside."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from kit.practice.desk import FOLDER
from kit.practice.processes import client_settings
from kit.practice.store import Store
from tests.browser.axe import serious_violations
from tests.browser.jupyter import TIMEOUT_MS, Complaints, pose, retype, show_cell
from tests.support.wait import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.labs, pytest.mark.slow, pytest.mark.timeout(300)]

NOTEBOOK = "08-confluent-cli.ipynb"

expect.set_options(timeout=TIMEOUT_MS)

# The lab ends with a clean desk, so the terminals get a new cluster.
NEW_DESK = """\
desk = Desk()
%confluent login
made = %confluent environment create day2 -o json
%confluent environment use {made["id"]}
made = %confluent kafka cluster create msds682 --cloud gcp --region us-west1 -o json
%confluent kafka cluster use {made["id"]}
made = %confluent api-key create --use --resource {made["id"]} -o json
%confluent kafka topic create orders"""


@pytest.fixture(scope="module")
def ready(page: Page) -> Page:
    """Give the page with a new cluster on the desk and the terminals below it."""
    retype(page, "login", NEW_DESK)
    retype(page, "terminals", 'panes = desk.terminals("producer", "consumer")\npanes')
    return page


def terminal(page: Page, name: str) -> Locator:
    """Give one of the terminals."""
    return show_cell(page, "terminals").get_by_role("region", name=f"Terminal: {name}")


def values(folder: Path) -> list[bytes]:
    """What is in the topic, read from outside with the key that the desk has made."""
    from kafka import KafkaConsumer

    state = Store(folder / FOLDER).read()
    (cluster,) = state.clusters.values()
    (key,) = state.api_keys.values()
    settings = client_settings(cluster.bootstrap_servers, key.key, key.secret)
    with KafkaConsumer("orders", auto_offset_reset="earliest", consumer_timeout_ms=1_000, **settings) as consumer:
        return [record.value for record in consumer]


def test_what_one_terminal_sends_the_other_one_prints(ready: Page, labs: tuple[str, Path]) -> None:
    """Commands and lines are typed by keyboard; the records are in the cluster, and on the other screen."""
    left, right = terminal(ready, "producer"), terminal(ready, "consumer")
    right.get_by_role("textbox").click()
    ready.keyboard.type("kafka topic consume orders -b --print-key")
    ready.keyboard.press("Enter")
    expect(right.get_by_role("log")).to_contain_text("Use Ctrl-C to exit.")

    left.get_by_role("textbox").click()
    ready.keyboard.type("kafka topic produce orders --parse-key")
    ready.keyboard.press("Enter")
    expect(left.get_by_role("log")).to_contain_text("Use Ctrl-C or Ctrl-D to exit.")
    ready.keyboard.type("ana:<b>2 tickets</b>")
    ready.keyboard.press("Enter")

    expect(right.get_by_role("log")).to_contain_text("<b>2 tickets</b>")
    assert right.locator("b").count() == 0
    wait_until(lambda: values(labs[1]) == [b"<b>2 tickets</b>"], "the record", pause_s=0)


def test_keys_end_what_runs(ready: Page) -> None:
    """Ctrl-D on the keyboard ends the producer, the button Ctrl-C the consumer; the arrow brings a command back."""
    left, right = terminal(ready, "producer"), terminal(ready, "consumer")
    left.get_by_role("textbox").click()
    ready.keyboard.press("Control+d")
    expect(left).to_contain_text("waits for a command")

    right.get_by_role("button", name="Ctrl-C").click()
    expect(right).to_contain_text("waits for a command")
    expect(right.get_by_role("log")).to_contain_text("Stopping Consumer.")
    right.get_by_role("textbox").press("ArrowUp")
    expect(right.get_by_role("textbox")).to_have_value("kafka topic consume orders -b --print-key")
    right.get_by_role("textbox").fill("")


def test_each_command_can_be_ended_not_only_the_first(ready: Page) -> None:
    """The 2nd and 3rd command of a terminal end by Ctrl-C on the keyboard as the first one did."""
    right = terminal(ready, "consumer")
    for _ in range(2):
        right.get_by_role("button", name="Clear").click()
        right.get_by_role("textbox").click()
        ready.keyboard.type("kafka topic consume orders")
        ready.keyboard.press("Enter")
        expect(right.get_by_role("log")).to_contain_text("Use Ctrl-C to exit.")
        ready.keyboard.press("Control+c")
        expect(right).to_contain_text("waits for a command")
    expect(right.get_by_role("log")).not_to_contain_text("Traceback")


def test_sentences_are_wrapped_and_tables_are_not(ready: Page) -> None:
    """A banner is read without scrolling; a row of a table stays one line, in the terminal and below a cell."""
    left = terminal(ready, "producer")
    left.get_by_role("textbox").fill("kafka topic list")
    left.get_by_role("textbox").press("Enter")
    row = left.locator(".kit-row", has_text="Partition Count")
    expect(row).to_have_css("white-space", "pre")
    expect(left.get_by_role("log")).to_have_css("white-space-collapse", "preserve")
    expect(left.get_by_role("log")).to_have_css("text-wrap-mode", "wrap")

    listed = retype(ready, "describe", "%confluent kafka cluster list")
    table = listed.get_by_role("region", name="A wide table")
    expect(table).to_contain_text("Deletion Protection |")
    assert table.evaluate("pre => pre.scrollWidth > pre.clientWidth")


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_pictures_in_both_themes(ready: Page, screenshots: Path, theme: str) -> None:
    """The terminals are readable in both themes and keep nobody out."""
    pose(ready, theme)
    cell = show_cell(ready, "terminals")
    expect(cell.locator(".kit-terminals")).to_be_visible()
    ready.screenshot(path=screenshots / f"lab-08-{theme.lower()}.png")

    assert serious_violations(cell.locator(".kit-terminals")) == []


def test_terminals_say_when_the_kernel_is_gone(ready: Page) -> None:
    """Whoever types into the page of an ended kernel is told, instead of waiting."""
    ready.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.restartKernel()")
    cell = show_cell(ready, "terminals")
    entry = cell.locator(".kit-entry input").first
    entry.fill("login")
    entry.press("Enter")

    expect(cell.get_by_role("status").filter(has_text="Python does not answer")).to_have_count(1)


def test_desk_ends_with_its_kernel(labs: tuple[str, Path]) -> None:
    """The restart has ended the cluster that was on the desk, and removed the folder."""
    wait_until(lambda: not (labs[1] / FOLDER).exists(), "the desk's end")


def test_session_was_quiet(complaints: Complaints) -> None:
    """Nothing above left an error in the console or asked anything of another machine."""
    assert complaints == Complaints()
