"""Lab 07 as a student uses it: the network cut and healed in the view, and both histories brought about."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.axe import serious_violations
from tests.browser.jupyter import (
    TIMEOUT_MS,
    Complaints,
    cut_off_beside_the_file_browser,
    pose,
    retype,
    show_cell,
)
from tests.support.wait import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.labs, pytest.mark.slow, pytest.mark.timeout(300)]

NOTEBOOK = "07-cap.ipynb"
TOPIC = "cap.lose"

expect.set_options(timeout=TIMEOUT_MS)


@pytest.fixture
def view(page: Page) -> Locator:
    """Give the picture of the cluster."""
    return show_cell(page, "view").get_by_role("region", name="Cluster view")


def addresses(page: Page) -> list[str]:
    """The brokers, as the lab's first cell shows them."""
    return re.findall(r"127\.0\.0\.1:\d+", show_cell(page, "start").text_content() or "")


def described(servers: list[str]) -> tuple[int, set[int]]:
    """Leader and in-sync replicas of the topic, as a client from outside is told by the brokers that it knows."""
    from kafka import KafkaAdminClient

    with contextlib.closing(KafkaAdminClient(bootstrap_servers=servers)) as admin:
        [partition] = admin.describe_topics([TOPIC])[0]["partitions"]
        return partition["leader_id"], set(partition["isr_nodes"])


def let_broker_1_lead(servers: list[str]) -> None:
    """Have the topic's preferred leader elected."""
    from kafka import KafkaAdminClient

    with contextlib.closing(KafkaAdminClient(bootstrap_servers=servers)) as admin:
        admin.elect_leaders(0, {TOPIC: [0]})
    wait_until(lambda: described(servers[1:]) == (1, {1, 2, 3}), "broker 1 to lead")


def source_of(page: Page, cell_id: str) -> str:
    """What a cell of the notebook says now."""
    source: str = page.evaluate(
        """id => window.jupyterapp.shell.currentWidget.content.widgets
                 .find(cell => cell.model.id === id).model.sharedModel.getSource()""",
        cell_id,
    )
    return source


def test_cut_by_mouse_and_healed_by_keyboard(page: Page, view: Locator, screenshots: Path) -> None:
    """The buttons cut the network: the majority elects a leader of its own. Healed, broker 1 is in sync again."""
    servers = addresses(page)
    let_broker_1_lead(servers)  # the lab has killed it meanwhile

    show_cell(page, "view")
    view.get_by_text("Cut the network …").click()
    expect(view.get_by_text("cluster.cut({1}, {2, 3})")).to_be_visible()
    view.get_by_role("button", name="Cut the network").click()
    wait_until(lambda: described(servers[1:])[0] in {2, 3}, "another leader on the majority's side", timeout_s=60)
    expect(view.locator(".kit-faults")).to_contain_text("The network is cut: {1} from {2, 3}.")
    page.screenshot(path=screenshots / "lab-07-cut.png")

    heal = view.get_by_role("button", name="Heal the network")
    heal.focus()
    page.keyboard.press("Enter")
    wait_until(lambda: described(servers[1:])[1] == {1, 2, 3}, "all replicas in sync", timeout_s=60)
    expect(view.locator(".kit-cut")).to_have_count(0)


def test_loss_is_brought_about_and_seen(page: Page) -> None:
    """With the missing line the table shows what was lost, and the check finds it in the cluster's timeline."""
    cut = 'cluster.cut({1}, {2, 3}, clients={"near": 0, "far": 1})'
    retype(page, "my-lose-cut", source_of(page, "my-lose-cut").replace("# TODO: one call is missing here", cut))
    cell = retype(page, "my-lose", source_of(page, "my-lose"))
    expect(cell.get_by_role("table")).to_contain_text("cap.lose: 2 kept, 3 lost")

    check = retype(page, "check-lose", source_of(page, "check-lose"))
    expect(check.get_by_role("note")).to_contain_text("07.lose: passed")
    expect(check.get_by_role("note")).to_contain_text("were cut off")


def test_loss_is_brought_about_with_the_buttons(page: Page, view: Locator) -> None:
    """The lab's other way: the cells as they are handed out, and between them a cut by mouse in the picture."""
    retype(page, "my-lose-cut", source_of(page, "my-lose-cut").replace("cluster.cut(", "# cluster.cut("))
    servers = addresses(page)
    show_cell(page, "view")
    if not view.get_by_role("button", name="Cut the network").is_visible():
        view.get_by_text("Cut the network …").click()
    view.get_by_role("button", name="Cut the network").click()
    wait_until(lambda: described(servers[1:])[0] in {2, 3}, "another leader on the majority's side", timeout_s=60)

    cell = retype(page, "my-lose", source_of(page, "my-lose"))
    expect(cell.get_by_role("table")).to_contain_text("cap.lose: 2 kept, 3 lost")
    check = retype(page, "check-lose", source_of(page, "check-lose"))
    expect(check.get_by_role("note")).to_contain_text("07.lose: passed")


def test_poll_of_the_lecture_is_answered_by_keyboard(page: Page) -> None:
    """The quiz takes an answer by keys alone, and tells why "only two" is wrong."""
    quiz = show_cell(page, "quiz")
    second = quiz.get_by_role("radio").nth(1)
    second.focus()
    page.keyboard.press("Space")

    expect(second).to_be_checked()


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_pictures_in_both_themes(page: Page, screenshots: Path, theme: str) -> None:
    """Table and picture follow the theme and axe finds nothing serious; the pictures are for people to look at."""
    pose(page, theme)
    for cell_id in ("view", "my-lose"):
        cell = show_cell(page, cell_id)
        output = cell.locator(".jp-OutputArea-output").last
        expect(output).to_be_visible()
        assert serious_violations(output) == []
        output.evaluate("node => node.scrollIntoView({block: 'center'})")
        page.screenshot(path=screenshots / f"lab-07-{cell_id}-{theme.lower()}.png")


@pytest.mark.parametrize("cell_id", ["view", "refuse-run", "lose-run", "my-refuse", "my-lose", "unclean-run", "quiz"])
def test_nothing_is_cut_off_beside_the_file_browser(page: Page, screenshots: Path, cell_id: str) -> None:
    """In a window of 1280 pixels with the list of files open every button and verdict is there to be read."""
    assert cut_off_beside_the_file_browser(page, cell_id, screenshots / f"lab-07-beside-files-{cell_id}.png") == []


def test_session_was_quiet(page: Page, complaints: Complaints) -> None:
    """Nothing above left an error in the console or asked anything of another machine."""
    assert complaints == Complaints()
