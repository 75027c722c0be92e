"""JupyterLab as a student gets it from ``make lab``, in a browser that keeps a record of what went wrong."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Error,
    Locator,
    Page,
    Request,
    ViewportSize,
    expect,
    sync_playwright,
)

from tests.support.ports import free_port
from tests.support.wait import wait_until
from tools.lab import jupyter_options

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_MS = 60_000
WINDOW: ViewportSize = {"width": 1400, "height": 900}


@dataclass
class Complaints:
    """What a quiet session has none of."""

    console_errors: list[str] = field(default_factory=list)
    outside_requests: list[str] = field(default_factory=list)

    def listen(self, page: Page) -> None:
        """Collect from ``page`` from now on."""
        page.on("console", self._console)
        page.on("pageerror", self._page_error)
        page.on("request", self._request)

    def _console(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.console_errors.append(message.text)

    def _page_error(self, error: Error) -> None:
        self.console_errors.append(str(error))

    def _request(self, request: Request) -> None:
        if request.url.startswith(("http", "ws")) and "//127.0.0.1:" not in request.url:
            self.outside_requests.append(request.url)


@contextlib.contextmanager
def jupyterlab(labs: Path, state: Path) -> Iterator[str]:
    """Serve the notebooks in ``labs`` with the project's own options; yields the address with its token.

    Args:
        labs: the folder that the student sees.
        state: an empty folder for settings and logs, so that the developer's own Jupyter is not touched.
    """
    port, token = free_port(), secrets.token_hex(16)
    # The folder is the one thing that differs from `make lab`, and Jupyter refuses an option that is given twice.
    options = [option for option in jupyter_options() if "root_dir" not in option]
    options += [f"--ServerApp.root_dir={labs}", "--no-browser", "--ip=127.0.0.1", f"--port={port}"]
    options += ["--ServerApp.port_retries=0", f"--IdentityProvider.token={token}"]
    options += ["--LabApp.expose_app_in_browser=True"]  # lets a test ask for the kernel's status
    command = [sys.executable, "-m", "jupyterlab", *options]
    log = state / "lab.log"
    with log.open("wb") as output:
        server = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output, env=_environment(state))
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: _answers(server, f"{address}/api/status?token={token}", log), "JupyterLab", timeout_s=60)
        yield f"{address}/lab/tree/{{}}?reset&token={token}"
    finally:
        server.terminate()
        server.wait(30)


@contextlib.contextmanager
def chromium_browser(chromium: str) -> Iterator[Browser]:
    """Start a headless Chromium; there is one for all tests, because Playwright drives one at a time.

    Args:
        chromium: the program.
    """
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            # Chromium refuses to run its sandbox as root, and a container's /dev/shm is too small for it.
            args=["--no-sandbox", "--disable-dev-shm-usage"],
        )
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def browser_page(browser: Browser, complaints: Complaints) -> Iterator[Page]:
    """Give a page of 1400 x 900, with cookies and storage of its own."""
    context = browser.new_context(viewport=WINDOW)
    page = context.new_page()
    page.set_default_timeout(TIMEOUT_MS)
    complaints.listen(page)
    try:
        yield page
    finally:
        context.close()


def open_notebook(page: Page, address: str, name: str) -> None:
    """Open a notebook and wait for its kernel: a cell that is run earlier would be dropped in silence."""
    page.goto(address.format(name))
    page.wait_for_function(
        """() => { const widget = window.jupyterapp?.shell.currentWidget;
                   return widget?.context?.isReady && widget.sessionContext?.session?.kernel?.status === 'idle'; }"""
    )


def run_all_cells(page: Page) -> None:
    """Run everything and wait until each code cell has its number.

    Raises:
        AssertionError: a cell raised, and those after it did not run.
    """
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-cells')")
    raised = page.wait_for_function(
        """() => { const code = window.jupyterapp.shell.currentWidget.content.widgets
                                  .filter(cell => cell.model.type === 'code');
                   const raised = code.flatMap(cell => cell.model.outputs.toJSON()
                       .filter(output => output.output_type === 'error')
                       .map(output => `${cell.model.id}: ${output.ename}: ${output.evalue}`));
                   return raised.length || code.every(cell => cell.model.executionCount) ? {raised} : null; }"""
    ).json_value()["raised"]
    assert raised == []


def end_kernel(page: Page) -> None:
    """End the notebook's kernel, and with it its cluster, before the next notebook starts one."""
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")


def show_cell(page: Page, cell_id: str) -> Locator:
    """Scroll to a cell, as a student would (JupyterLab draws only what is near the screen), and return it."""
    index = page.evaluate(
        """async id => { const content = window.jupyterapp.shell.currentWidget.content;
                         const index = content.widgets.findIndex(cell => cell.model.id === id);
                         content.activeCellIndex = index;
                         await content.scrollToItem(index, 'start');
                         return index; }""",
        cell_id,
    )
    assert index >= 0, f"the notebook has no cell {cell_id}"
    cell = page.locator(f".jp-Cell[data-windowed-list-index='{index}']")
    cell.wait_for()
    return cell


def retype(page: Page, cell_id: str, source: str) -> Locator:
    """Replace what a code cell says, by mouse and keyboard, run it, and return the cell when it has run."""
    cell = show_cell(page, cell_id)
    before = cell.locator(".jp-InputArea-prompt").text_content()
    cell.locator(".cm-content").click()
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text(source)
    page.keyboard.press("Control+Enter")
    number = re.compile(rf"^(?!{re.escape(before or '')}$)\[\d+\]:$")
    expect(cell.locator(".jp-InputArea-prompt")).to_have_text(number)
    return cell


def use_theme(page: Page, theme: str) -> None:
    """Switch to "JupyterLab Dark" or "JupyterLab Light" as the Settings menu does."""
    page.evaluate("theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme})", theme)
    light = str(theme.endswith("Light")).lower()
    page.wait_for_function("light => document.body.dataset.jpThemeLight === light", arg=light)


def pose(page: Page, theme: str) -> None:
    """Make ready for a picture in "Light" or "Dark": the theme, and the list of files folded away."""
    use_theme(page, f"JupyterLab {theme}")
    page.evaluate("() => window.jupyterapp.shell.collapseLeft()")


def use_light_again(page: Page) -> None:
    """Switch back to light where it is dark; a page that is no JupyterLab has no theme."""
    if page.evaluate("() => window.jupyterapp && document.body.dataset.jpThemeLight") == "false":
        use_theme(page, "JupyterLab Light")


@contextlib.contextmanager
def narrow_window(page: Page) -> Iterator[None]:
    """Make the window 700 pixels wide while the block runs."""
    page.set_viewport_size({**WINDOW, "width": 700})
    try:
        yield
    finally:
        page.set_viewport_size(WINDOW)


@contextlib.contextmanager
def beside_the_file_browser(page: Page) -> Iterator[None]:
    """Make the window 1280 pixels wide, with the list of files open, while the block runs."""
    page.set_viewport_size({**WINDOW, "width": 1280})
    page.evaluate("() => window.jupyterapp.shell.expandLeft()")
    try:
        yield
    finally:
        page.evaluate("() => window.jupyterapp.shell.collapseLeft()")
        page.set_viewport_size(WINDOW)


def cut_off_beside_the_file_browser(page: Page, cell_id: str, picture: Path) -> list[str]:
    """What of a cell's output is cut off in a window of 1280 pixels with the list of files open; a picture is kept."""
    with beside_the_file_browser(page):
        output = show_cell(page, cell_id).locator(".jp-OutputArea-output").last
        expect(output).to_be_visible()
        output.evaluate("node => node.scrollIntoView({block: 'start'})")
        page.screenshot(path=picture)
        return _cut_off(output)


def _cut_off(output: Locator) -> list[str]:
    """What of a cell's output lies outside of it, or has to be scrolled to sideways."""
    words: list[str] = output.evaluate(
        """area => { const edge = area.getBoundingClientRect().right + 1;
                     return [area, ...area.querySelectorAll('*')]
                       .filter(node => node.getClientRects().length && getComputedStyle(node).position !== 'absolute')
                       .filter(node => node.getBoundingClientRect().right > edge
                         || (getComputedStyle(node).overflowX !== 'visible' && node.scrollWidth > node.clientWidth + 1))
                       .map(node => `${node.tagName} ${node.className}: ${node.textContent.slice(0, 40)}`); }"""
    )
    return words


def _answers(server: subprocess.Popen[bytes], url: str, log: Path) -> bool:
    assert server.poll() is None, f"JupyterLab has stopped:\n{log.read_text(errors='replace')}"
    try:
        with urllib.request.urlopen(url, timeout=5):
            return True
    except (urllib.error.URLError, ConnectionError):
        return False


def _environment(state: Path) -> dict[str, str]:
    folders = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
    }
    return {
        **os.environ,
        **{name: str(state / folder) for name, folder in folders.items()},
        "JUPYTER_PLATFORM_DIRS": "1",
        "PYTHONPATH": str(ROOT),
    }
