"""``python -m benchmarks.labs``: how soon a lab is alive, how fluent its picture is, and what it weighs when saved.

JupyterLab with the labs' own options in a real Chromium (`--chromium` names the program). Records come from this
process, so that the kernel's CPU is the view's alone. Medians of all rounds after a warm-up round.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import psutil
from kafka import KafkaAdminClient, KafkaProducer
from nbformat.v4 import new_code_cell, new_notebook
from playwright.sync_api import Page, WebSocket

from benchmarks.run import Results, report_of, say, table
from tests.browser.jupyter import (
    Complaints,
    browser_page,
    chromium_browser,
    end_kernel,
    jupyterlab,
    open_notebook,
    run_all_cells,
    show_cell,
)

LABS = Path(__file__).resolve().parents[1] / "labs"
NOTEBOOK = "view.ipynb"
CELLS = {
    "view": "import kit\n\ncluster = kit.start(brokers=4)\ncluster.view()",
    "facts": "import os\n\nprint(os.getpid(), cluster.bootstrap_servers)",
}
PARTITIONS = 50
RECORDS_PER_S = 200
SYSTEM = "embedded"


def prepare(folder: Path) -> None:
    """Write the notebook with a view, and copy the labs beside it."""
    cells = [new_code_cell(source, id=cell_id) for cell_id, source in CELLS.items()]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), folder / NOTEBOOK)
    for lab in LABS.glob("*.ipynb"):
        shutil.copy(lab, folder)


def first_view_s(page: Page) -> float:
    """From the start of a new kernel to the first racks on the screen, in seconds."""
    page.evaluate(
        """async () => { const app = window.jupyterapp;
                         await app.commands.execute('notebook:change-cell-to-code');
                         await app.commands.execute('editmenu:clear-all'); }"""
    )
    page.wait_for_selector(".kit-rack", state="detached")
    started_s = time.perf_counter()
    page.evaluate(
        """async () => { const app = window.jupyterapp;
                         await app.shell.currentWidget.sessionContext.restartKernel();
                         app.commands.execute('notebook:run-all-cells'); }"""
    )
    page.wait_for_selector(".kit-rack")
    return time.perf_counter() - started_s


def fluency(page: Page, frames: list[float], seconds: float) -> tuple[float, float]:
    """Updates per second of the view while records flow into 50 partitions, and the kernel's CPU, % of a core."""
    printed = show_cell(page, "facts").locator(".jp-OutputArea-output").text_content() or ""
    pid, servers = printed.split()
    admin = KafkaAdminClient(bootstrap_servers=servers)
    admin.create_topics({"music.listens": {"num_partitions": PARTITIONS, "replication_factor": 3}})
    admin.close()
    producer = KafkaProducer(bootstrap_servers=servers)
    kernel = psutil.Process(int(pid))
    _send(page, producer, 3)  # the view learns of the topic
    cpu_s, seen, started_s = sum(kernel.cpu_times()[:2]), len(frames), time.perf_counter()
    _send(page, producer, seconds)
    took_s = time.perf_counter() - started_s
    producer.close()
    return (len(frames) - seen) / took_s, 100 * (sum(kernel.cpu_times()[:2]) - cpu_s) / took_s


def _send(page: Page, producer: KafkaProducer, seconds: float) -> None:
    end_s = time.perf_counter() + seconds
    while time.perf_counter() < end_s:
        producer.send("music.listens", b"a song")
        page.wait_for_timeout(1000 / RECORDS_PER_S)  # Playwright tells of messages only while it is waited for
    producer.flush()


def watch_view(page: Page) -> list[float]:
    """Collect when a kernel's message to a widget arrives."""
    arrived: list[float] = []

    def received(payload: str | bytes) -> None:
        if b"comm_msg" in (payload.encode() if isinstance(payload, str) else payload):
            arrived.append(time.perf_counter())

    def opened(socket: WebSocket) -> None:
        socket.on("framereceived", received)

    page.on("websocket", opened)
    return arrived


def saved_kb(page: Page, path: Path) -> float:
    """What the open notebook weighs when JupyterLab saves it, in KB."""
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    page.wait_for_function("() => !window.jupyterapp.shell.currentWidget.context.model.dirty")
    return path.stat().st_size / 1000


def weigh_labs(page: Page, address: str, folder: Path, results: Results) -> None:
    """Run every lab as it is handed out, and see how long that takes and what it weighs when saved."""
    for lab in sorted(LABS.glob("*.ipynb")):
        open_notebook(page, address, lab.name)
        started_s = time.perf_counter()
        run_all_cells(page)
        results.add(f"{lab.stem}: run all cells, s", SYSTEM, time.perf_counter() - started_s)
        results.add(f"{lab.stem}: saved, KB", SYSTEM, saved_kb(page, folder / lab.name))
        say(f"  {lab.stem}")
        end_kernel(page)


def measure(page: Page, address: str, folder: Path, options: argparse.Namespace) -> Results:
    """All figures."""
    results, frames = Results(), watch_view(page)
    open_notebook(page, address, NOTEBOOK)
    run_all_cells(page)
    steps: list[tuple[str, Callable[[], float]]] = [("kernel start to the first view: s", lambda: first_view_s(page))]
    for number in range(options.rounds + 1):
        for figure, take in steps:
            value = take()
            say(f"  {figure} {value:.2f}{'' if number else ' (warm-up)'}")
            if number:
                results.add(figure, SYSTEM, value)
    page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.content.widgets.every(cell => cell.model.executionCount)"
    )
    updates, cpu = fluency(page, frames, options.seconds)
    results.add(f"view of {PARTITIONS} partitions: updates per second", SYSTEM, updates)
    results.add(f"view of {PARTITIONS} partitions: kernel's CPU, % of a core", SYSTEM, cpu)
    end_kernel(page)
    if not options.quick:
        weigh_labs(page, address, folder, results)
    return results


def main(arguments: list[str] | None = None) -> dict[str, Any]:
    """Run it; returns what ``--json`` writes."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.labs", description=__doc__)
    parser.add_argument("--chromium", default=shutil.which("chromium"), help="the browser's program")
    parser.add_argument("--rounds", type=int, default=5, help="measured starts, after one warm-up")
    parser.add_argument("--seconds", type=float, default=20, help="how long the view is watched")
    parser.add_argument("--quick", action="store_true", help="leave out running and weighing every lab")
    parser.add_argument("--json", type=Path, default=None)
    options = parser.parse_args(arguments)
    if not options.chromium:
        raise SystemExit("Name the browser: --chromium /path/to/chromium")
    with tempfile.TemporaryDirectory() as made:
        folder, state = Path(made, "labs"), Path(made, "jupyter")
        folder.mkdir()
        state.mkdir()
        prepare(folder)
        with (
            jupyterlab(folder, state) as address,
            chromium_browser(options.chromium) as browser,
            browser_page(browser, Complaints()) as page,
        ):
            results = measure(page, address, folder, options)
    print(table(results.medians()))
    report = report_of(results)
    if options.json:
        options.json.write_text(json.dumps(report, indent=1))
    return report


if __name__ == "__main__":
    main()
