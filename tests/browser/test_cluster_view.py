"""The cluster view as a student uses it: its buttons by mouse and by keyboard, and a look at the cluster from outside.

``KIT_SCREENSHOTS=FOLDER`` makes this test write its pictures there.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Browser, Locator, Page, expect

import kit
from tests.browser.axe import serious_violations
from tests.browser.jupyter import (
    TIMEOUT_MS,
    Complaints,
    browser_page,
    jupyterlab,
    open_notebook,
    pose,
    retype,
    run_all_cells,
    show_cell,
)
from tests.support.wait import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.labs, pytest.mark.slow, pytest.mark.timeout(300)]

NOTEBOOK = "view.ipynb"
TOPIC = "music.listens"
CELLS = {
    "view": "import kit\n\ncluster = kit.start(brokers=4)\ncluster.view()",
    "topic": f"""from kafka import KafkaAdminClient, KafkaProducer

print(cluster.bootstrap_servers)
admin = KafkaAdminClient(**cluster.client_settings)
admin.create_topics({{"{TOPIC}": {{"num_partitions": 4, "replication_factor": 3}}}})
admin.close()""",
    "send": f"""import threading

goes_on = threading.Event()
ended = threading.Event()

def send():
    producer = KafkaProducer(**cluster.client_settings)
    while not ended.wait(0.02):
        if goes_on.is_set():
            producer.send("{TOPIC}", b"a song")
    producer.close()

threading.Thread(target=send, daemon=True).start()
goes_on.set()""",
    "more": "None",
}

expect.set_options(timeout=TIMEOUT_MS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of the notebook."""
    folder = tmp_path_factory.mktemp("view")
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [new_code_cell(source, id=cell_id) for cell_id, source in CELLS.items()]
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), folder / NOTEBOOK)
    return folder


@pytest.fixture(scope="module")
def page(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, browser: Browser, complaints: Complaints
) -> Iterator[Page]:
    """Give the notebook, opened in JupyterLab and run once."""
    with jupyterlab(folder, tmp_path_factory.mktemp("jupyter")) as address, browser_page(browser, complaints) as page:
        open_notebook(page, address, NOTEBOOK)
        run_all_cells(page)
        yield page


@pytest.fixture(scope="module")
def cluster(page: Page) -> Iterator[kit.Cluster]:
    """Give the notebook's cluster, as other programs reach it."""
    address = show_cell(page, "topic").locator(".jp-OutputArea-output").text_content() or ""
    with contextlib.closing(kit.connect(address.strip())) as cluster:
        yield cluster


@pytest.fixture
def view(page: Page, cluster: kit.Cluster) -> Locator:
    """Give the view of a cluster whose every broker lives."""
    view = show_cell(page, "view").get_by_role("region", name="Cluster view")
    for broker in range(1, 5):
        expect(rack(view, broker)).to_have_attribute("aria-label", re.compile("alive"))
    assert cluster is not None
    return view


@pytest.fixture(scope="module")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder for pictures: a temporary one unless ``KIT_SCREENSHOTS`` names another."""
    folder = os.environ.get("KIT_SCREENSHOTS")
    return Path(folder) if folder else tmp_path_factory.mktemp("screenshots")


def rack(view: Locator, broker: int) -> Locator:
    """One broker of the view."""
    return view.get_by_role("group", name=f"Broker {broker}, ")


def press(view: Locator, name: str) -> None:
    """Press a button with the keyboard alone, and see that it keeps the focus."""
    button = view.get_by_role("button", name=name, exact=True)
    button.focus()
    button.press("Enter")
    expect(button).to_be_focused()


def alive(cluster: kit.Cluster) -> list[int]:
    """The brokers that the cluster itself counts among the living."""
    return [broker.node_id for broker in cluster.brokers if broker.is_alive]


def row(view: Locator, partition: int = 0) -> Locator:
    """The line of one partition."""
    return view.get_by_role("row", name=f"{TOPIC}-{partition}")


def test_view_shows_who_leads_and_who_follows(view: Locator, cluster: kit.Cluster) -> None:
    """The words behind the letters are what the cluster says."""
    for partition in cluster.topics()[TOPIC].partitions:
        words = [cell.strip() for cell in row(view, partition.partition).locator(".kit-word").all_text_contents()]
        roles = ["leader" if broker == partition.leader else "in-sync follower" if broker in partition.isr else ""
                 for broker in range(1, 5)]  # fmt: skip
        assert words == roles
    expect(view.get_by_role("group", name=re.compile("active controller"))).to_have_count(1)


def test_what_flows_is_what_was_written(page: Page, view: Locator) -> None:
    """While records are sent their rate stands beside the partition and they are seen to move; then nothing does."""
    expect(row(view).locator(".kit-rate")).to_have_text(re.compile(r"^\+[\d.]+/s"))
    expect(row(view).locator(".kit-flow .in").first).to_be_attached()

    retype(page, "more", "goes_on.clear()")
    view = show_cell(page, "view").get_by_role("region", name="Cluster view")
    expect(view.locator(".kit-flow:not(.kit-flow-sample) i")).to_have_count(0)
    expect(row(view).locator(".kit-rate")).to_have_text("")


def test_killed_by_mouse_and_restarted_by_keyboard(view: Locator, cluster: kit.Cluster) -> None:
    """The broker is gone from the cluster, its replicas are offline; after the restart it is back in both."""
    view.get_by_role("button", name="Kill Broker 2", exact=True).click()

    wait_until(lambda: alive(cluster) == [1, 3, 4], "broker 2 to be dead")
    expect(rack(view, 2)).to_contain_text("✕ down")
    expect(view.get_by_text("Node 2 was killed.").first).to_be_visible()
    expect(view.locator(".kit-word", has_text="offline").first).to_be_attached()
    expect(view.get_by_role("status").filter(has_text="Done in")).to_be_visible()

    press(view, "Restart Broker 2")
    wait_until(lambda: alive(cluster) == [1, 2, 3, 4], "broker 2 to live again")
    expect(rack(view, 2)).to_contain_text("● alive")
    expect(view.locator(".kit-word", has_text="offline")).to_have_count(0)


def test_killed_by_keyboard(view: Locator, cluster: kit.Cluster) -> None:
    """No mouse is needed, and the notebook does not take the keys for its own."""
    press(view, "Kill Broker 3")
    wait_until(lambda: alive(cluster) == [1, 2, 4], "broker 3 to be dead")
    expect(view.get_by_role("button", name="Kill Broker 3", exact=True)).to_have_attribute("aria-disabled", "true")

    press(view, "Restart Broker 3")
    wait_until(lambda: alive(cluster) == [1, 2, 3, 4], "broker 3 to live again")


def test_cut_and_heal(view: Locator, cluster: kit.Cluster) -> None:
    """The brokers of the smaller side fall out of the cluster; healed, they come back."""
    view.get_by_text("Cut the network …").click()
    for broker, side in {1: "B", 2: "B", 3: "B", 4: "A"}.items():
        view.get_by_role("combobox", name=f"Broker {broker}").select_option(side)
    expect(view.get_by_text("cluster.cut({4}, {1, 2, 3})")).to_be_visible()
    press(view, "Cut the network")

    expect(rack(view, 4)).to_contain_text("⊘ cut off")
    expect(view.locator(".kit-faults")).to_contain_text("The network is cut: {4} from {1, 2, 3}.")
    expect(view.locator(".kit-cut")).to_have_count(3)
    wait_until(
        lambda: all(4 not in partition.isr for partition in cluster.topics()[TOPIC].partitions),
        "the others to go on without broker 4",
    )
    expect(view.locator(".kit-word", has_text="behind").first).to_be_attached()

    view.get_by_role("button", name="Heal the network").click()
    expect(rack(view, 4)).to_contain_text("● alive")
    expect(view.locator(".kit-cut")).to_have_count(0)
    view.get_by_text("Cut the network …").click()


def test_pause_and_go_back(page: Page, view: Locator, cluster: kit.Cluster) -> None:
    """What happens while one looks back is not drawn until one is back; the past can be walked with arrow keys."""
    press(view, "Pause Broker 1")
    expect(rack(view, 1)).to_contain_text("‖ paused")
    press(view, "Resume Broker 1")
    expect(rack(view, 1)).to_contain_text("● alive")
    view.get_by_role("button", name="Pause the view").click()

    view.get_by_role("listitem").filter(has_text="Node 1 was paused.").first.get_by_role("button").press("Enter")
    expect(rack(view, 1)).to_contain_text("‖ paused")
    expect(view.get_by_role("status").filter(has_text="This is how it was at")).to_be_visible()
    expect(view.get_by_role("button", name="Kill Broker 1", exact=True)).to_have_attribute("aria-disabled", "true")

    slider = view.get_by_role("slider", name="Go back in time")
    for _ in range(5):  # tenths of a second
        slider.press("ArrowLeft")
    expect(rack(view, 1)).to_contain_text("● alive")
    slider.press("Home")
    expect(row(view)).to_have_count(0)
    expect(view.get_by_text("No topics yet.").or_(view.get_by_text("Looking for topics"))).to_be_visible()
    view.get_by_role("button", name="Back to now").press("Enter")
    expect(row(view)).to_have_count(1)
    assert alive(cluster) == [1, 2, 3, 4]


def test_events_are_filtered_by_their_family(view: Locator) -> None:
    """Only faults are left when only faults are asked for."""
    view.get_by_role("combobox", name="Show").select_option("Faults")
    families = view.locator(".kit-events .kit-family")
    expect(families.first).to_be_visible()
    assert set(families.all_text_contents()) == {"Faults"}
    view.get_by_role("combobox", name="Show").select_option("")
    expect(families.filter(has_text="Leaders").first).to_be_attached()


def test_buttons_can_be_copied_as_python(page: Page, view: Locator, cluster: kit.Cluster) -> None:
    """While the switch is on, a button gives its code away and does nothing else."""
    switch = view.get_by_role("switch", name="Buttons copy Python")
    switch.press("Space")
    view.get_by_role("button", name="Copy as Python: Kill Broker 1").click()

    expect(view.get_by_role("status").filter(has_text="cluster.kill(1)")).to_be_visible()
    switch.press("Space")
    assert alive(cluster) == [1, 2, 3, 4]
    expect(view.get_by_role("button", name="Kill Broker 1", exact=True)).to_be_visible()


def test_filter_takes_every_text_as_text(page: Page, view: Locator) -> None:
    """HTML is shown as it was typed, and typing never reaches the notebook."""
    cells = page.evaluate("() => window.jupyterapp.shell.currentWidget.content.widgets.length")
    view.get_by_label("Topics", exact=True).click()
    page.keyboard.type("<img src=x>bb")

    expect(view.get_by_text("No topic has “<img src=x>bb” in its name.")).to_be_visible()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.press("Delete")
    expect(row(view)).to_have_count(1)
    assert cells == page.evaluate("() => window.jupyterapp.shell.currentWidget.content.widgets.length")


def test_words_replace_letters(view: Locator) -> None:
    """The table twin is one switch away."""
    switch = view.get_by_role("switch", name="Words for letters")
    switch.press("Space")
    expect(row(view).get_by_text("leader", exact=True)).to_be_visible()
    expect(row(view).locator(".kit-letter").first).to_be_hidden()
    switch.press("Space")
    expect(row(view).locator(".kit-letter").first).to_be_visible()


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_pictures_in_both_themes(page: Page, view: Locator, screenshots: Path, theme: str) -> None:
    """axe-core finds nothing serious with faults on screen; the pictures are for people to look at."""
    pose(page, theme)
    retype(page, "more", "goes_on.set()")
    view = show_cell(page, "view").get_by_role("region", name="Cluster view")
    press(view, "Kill Broker 2")
    press(view, "Isolate Broker 4")
    expect(view.locator(".kit-cut").first).to_be_attached()
    expect(view.locator(".kit-flow .in").first).to_be_attached()
    expect(view.locator(".kit-word", has_text="behind").first).to_be_attached()

    assert serious_violations(view) == []
    view.evaluate("node => node.scrollIntoView({block: 'start'})")
    page.screenshot(path=screenshots / f"cluster-view{'-dark' if theme == 'Dark' else ''}.png")
    view.get_by_role("button", name="Heal the network").click()
    press(view, "Restart Broker 2")
    expect(rack(view, 2)).to_contain_text("● alive")


def test_closed_cluster_is_told(page: Page, view: Locator, screenshots: Path) -> None:
    """The last picture stays, with a sentence; the buttons act on nothing."""
    retype(page, "more", "ended.set()\ncluster.close()")
    view = show_cell(page, "view").get_by_role("region", name="Cluster view")

    expect(view.get_by_role("status").filter(has_text="This cluster is closed")).to_be_visible()
    expect(view.get_by_role("button", name="Kill Broker 1", exact=True)).to_have_attribute("aria-disabled", "true")
    assert serious_violations(view) == []
    page.screenshot(path=screenshots / "cluster-view-closed.png")


def test_view_is_there_again_and_outlives_its_kernel(page: Page, folder: Path) -> None:
    """Run again, the cell has a new view; when the kernel goes, it says so. Nothing of it is saved."""
    cell = retype(page, "view", CELLS["view"])
    view = cell.get_by_role("region", name="Cluster view")
    expect(view).to_have_count(1)
    expect(view.get_by_text("No topics yet.")).to_be_visible()
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    saved = folder / NOTEBOOK
    wait_until(lambda: "widget-view" in saved.read_text() and saved.stat().st_size < 20_000, "a small notebook")

    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    expect(view.get_by_role("status").filter(has_text="No news for")).to_be_visible()
    expect(page.locator(".jp-OutputArea-output[data-mime-type*='error']")).to_have_count(0)


def test_session_was_quiet(page: Page, complaints: Complaints) -> None:
    """No error in the console and no request to another machine, in all of the above."""
    assert page.url.startswith("http://127.0.0.1:")
    assert complaints == Complaints()
