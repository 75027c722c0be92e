"""Lab 05 as a student uses it: workers by mouse and by keyboard, their group seen from outside."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.axe import serious_violations
from tests.browser.jupyter import TIMEOUT_MS, Complaints, narrow_window, pose, retype, show_cell
from tests.support.wait import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.labs, pytest.mark.slow, pytest.mark.timeout(300)]

NOTEBOOK = "05-consumer-groups-and-lag.ipynb"
GROUP = "royalties"

expect.set_options(timeout=TIMEOUT_MS)


@pytest.fixture
def cell(page: Page) -> Locator:
    """Give the cell with the workers and the groups."""
    return show_cell(page, "workers")


@pytest.fixture
def workers(cell: Locator) -> Locator:
    """Give the panel of the workers."""
    return cell.get_by_role("region", name=f"Workers of group {GROUP} on music.listens")


@pytest.fixture
def groups(cell: Locator) -> Locator:
    """Give the view of the groups."""
    return cell.get_by_role("region", name="Consumer groups and lag")


@pytest.fixture
def members(page: Page) -> Callable[[], dict[str, Any]]:
    """Give a look at the group from outside the notebook: client id to the partitions held."""
    from kafka import KafkaAdminClient

    told = show_cell(page, "start").locator(".jp-OutputArea-output").first.text_content() or ""
    servers = ",".join(re.findall(r"127\.0\.0\.1:\d{4,5}", told))

    def look() -> dict[str, Any]:
        admin = KafkaAdminClient(bootstrap_servers=servers)
        try:
            found = admin.describe_groups([GROUP])[GROUP]["members"]
            return {
                each["client_id"]: [at["partitions"] for at in each["member_assignment"]["assigned_partitions"]]
                for each in found
                if each["member_assignment"]
            }
        finally:
            admin.close()

    return look


def test_worker_joins_by_mouse(members: Callable[[], dict[str, Any]], workers: Locator, groups: Locator) -> None:
    """A click lets a worker join; the cluster has it as the only member, and the view shows that it holds all four."""
    workers.get_by_role("button", name="Add a worker").click()

    wait_until(lambda: list(members().values()) == [[[0, 1, 2, 3]]], "one member with four partitions", pause_s=0.3)
    (name,) = members()
    row = groups.get_by_role("region", name="Members").get_by_role("row").filter(has_text=name)
    expect(row).to_contain_text("music.listens 0, 1, 2, 3")
    expect(workers.get_by_role("row").filter(has_text=name)).to_contain_text("working")


def test_workers_join_leave_and_crash_by_keyboard(
    page: Page, members: Callable[[], dict[str, Any]], workers: Locator, groups: Locator
) -> None:
    """Tab and Enter reach every button. Who leaves is gone at once; who crashes is a member until its time is over."""
    add = workers.get_by_role("button", name="Add a worker")
    add.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Space")
    wait_until(lambda: len(members()) == 3, "three members", pause_s=0.3)
    oldest, leaver, crasher = sorted(members(), key=lambda name: int(name.rpartition("-")[2]))

    leave = workers.get_by_role("button", name=f"Leave: {leaver}")
    leave.focus()
    page.keyboard.press("Tab")
    expect(workers.get_by_role("button", name=f"Crash: {leaver}")).to_be_focused()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    wait_until(lambda: set(members()) == {oldest, crasher}, "the leaver to be gone", pause_s=0.3)
    workers.get_by_role("button", name=f"Crash: {crasher}").press("Enter")
    expect(workers).to_contain_text(f"{crasher} crashed")
    expect(workers.get_by_role("status")).to_contain_text("gives it up after 3 s of silence")

    wait_until(lambda: set(members()) == {oldest}, "the session timeout", pause_s=0.3)
    row = groups.get_by_role("region", name="Members").get_by_role("row").filter(has_text=oldest)
    expect(row).to_contain_text("music.listens 0, 1, 2, 3")


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_widgets_are_accessible_in_both_themes(page: Page, screenshots: Path, theme: str) -> None:
    """axe-core finds nothing serious; the pictures are for people to look at."""
    pose(page, theme)
    cell = show_cell(page, "workers")
    groups = cell.get_by_role("region", name="Consumer groups and lag")
    expect(groups.get_by_role("img")).to_be_visible()
    page.set_viewport_size({"width": 1400, "height": 1700})  # both widgets fit

    assert serious_violations(groups) == []
    assert serious_violations(cell.get_by_role("region", name=f"Workers of group {GROUP} on music.listens")) == []
    page.screenshot(path=screenshots / f"lab-05-{theme.lower()}.png")
    page.set_viewport_size({"width": 1400, "height": 900})


def test_every_rebalance_is_wide_enough_to_be_seen(groups: Locator) -> None:
    """However fast it was: hatched marks in a lane of their own, and in the lane of each partition."""
    expect(groups.get_by_text("rebalance", exact=True).first).to_be_visible()
    marks = groups.locator('.kit-block[data-kind="rebalancing"]')
    expect(marks.first).to_be_attached()
    widths = marks.evaluate_all("nodes => nodes.map(node => node.getBoundingClientRect().width)")

    assert len(widths) > 10
    assert min(widths) >= 10


def test_lag_is_in_sight(page: Page, groups: Locator) -> None:
    """The partitions' table needs no sideways scrolling for its last column, also beside the file browser."""
    for width in (1400, 1280, 1000):
        page.set_viewport_size({"width": width, "height": 900})
        table = groups.get_by_role("region", name="Partitions", exact=True)
        assert table.evaluate("node => node.scrollWidth <= node.clientWidth + 1"), width
    page.set_viewport_size({"width": 1400, "height": 900})


def test_timeline_is_there_in_words(page: Page, groups: Locator) -> None:
    """The tables behind the picture have each assignment, and open by keyboard."""
    summary = groups.get_by_text("The same as tables")
    summary.focus()
    page.keyboard.press("Enter")

    table = groups.get_by_role("table", name="Rebalance timeline, newest first")
    expect(table.get_by_role("row").nth(1)).to_contain_text("0, 1, 2, 3")
    expect(groups.get_by_role("img")).to_have_attribute("aria-label", re.compile("Lag now"))
    summary.press("Enter")


def test_groups_are_filtered_sorted_and_chosen(page: Page, groups: Locator) -> None:
    """Typing filters without reaching the notebook; a group is chosen by keyboard and stays chosen."""
    cells = page.evaluate("() => window.jupyterapp.shell.currentWidget.content.widgets.length")
    listed = groups.get_by_role("region", name="Groups").get_by_role("button")
    assert listed.count() > 4
    groups.get_by_label("Filter").click()
    page.keyboard.type("bbzz")
    expect(groups.get_by_role("status")).to_contain_text("No group, member or topic holds this text.")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type("cashier.l")
    expect(listed).to_have_text(["cashier.last.1"])
    listed.first.press("Enter")
    expect(groups.get_by_role("heading", name="Group cashier.last.1")).to_be_visible()
    page.keyboard.press("Tab")
    groups.get_by_label("Filter").fill("")
    groups.get_by_label("Sort by").select_option("name")
    expect(listed.first).to_have_text("cashier.auto.1")
    expect(groups.get_by_role("heading", name="Group cashier.last.1")).to_be_visible()
    groups.get_by_role("button", name=GROUP, exact=True).click()
    expect(groups.get_by_role("heading", name=f"Group {GROUP}")).to_be_visible()
    assert cells == page.evaluate("() => window.jupyterapp.shell.currentWidget.content.widgets.length")


def test_rewound_group_lags_without_a_new_record(
    page: Page, members: Callable[[], dict[str, Any]], workers: Locator
) -> None:
    """The solved rewind passes its check, and the view shows the lag that a commit alone has made."""
    for name in members():
        leave = workers.get_by_role("button", name=f"Leave: {name}")
        leave.click()
        expect(leave).to_have_count(0)
    source = page.evaluate(
        """() => window.jupyterapp.shell.currentWidget.content.widgets
                   .find(cell => cell.model.id === 'rewind').model.sharedModel.getSource()"""
    )
    done = retype(page, "rewind", source.replace("clerk.position(place)", "clerk.seek(place, 10)"))
    expect(done.get_by_role("note")).to_contain_text("05.rewind: passed")

    groups = show_cell(page, "workers").get_by_role("region", name="Consumer groups and lag")
    row = groups.get_by_role("region", name="Partitions").get_by_role("row").filter(has_text="music.listens-2")
    expect(row.get_by_role("cell").nth(2)).to_have_text("10")
    expect(row.get_by_role("cell").last).not_to_have_text("0")


def test_narrow_window_needs_no_sideways_scrolling(page: Page, cell: Locator) -> None:
    """At 700 pixels the widgets stay inside the notebook's column."""
    with narrow_window(page):
        column = cell.locator(".jp-OutputArea-output").first
        expect(column).to_be_visible()
        assert column.evaluate("node => node.scrollWidth <= node.clientWidth + 1")


def test_closed_cluster_is_told(page: Page, workers: Locator) -> None:
    """The view of a closed cluster says so and keeps what it showed; workers end with it, and their buttons too."""
    add = workers.get_by_role("button", name="Add a worker")
    add.click()
    expect(workers.get_by_role("button", name=re.compile("^Leave"))).to_have_count(1)
    retype(page, "guess-fifth", "cluster.close()")

    expect(workers.get_by_role("status")).to_contain_text("The workers have stopped: the cluster is closed")
    expect(add).to_be_disabled()
    expect(workers.get_by_role("button", name=re.compile("^(Leave|Crash)"))).to_have_count(0)
    done = retype(page, "rewind", "workers.scale(0)")
    expect(done).to_contain_text("ClusterClosedError: The workers have stopped")
    expect(done).not_to_contain_text("Traceback")

    groups = show_cell(page, "workers").get_by_role("region", name="Consumer groups and lag")
    expect(groups.get_by_role("status")).to_contain_text("The view has stopped")
    expect(groups.get_by_role("heading", name=f"Group {GROUP}")).to_be_visible()


def test_session_was_quiet(page: Page, complaints: Complaints) -> None:
    """Nothing above left an error in the console or asked anything of another machine."""
    assert complaints == Complaints()
