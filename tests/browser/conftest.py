"""What the browser tests of every notebook share: one Chromium, and one JupyterLab on all labs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.jupyter import (
    ROOT,
    Complaints,
    browser_page,
    chromium_browser,
    end_kernel,
    jupyterlab,
    open_notebook,
    run_all_cells,
    use_light_again,
)
from tests.support.requirements import need


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Give the browser of all tests."""
    with chromium_browser(need("chromium")) as browser:
        yield browser


@pytest.fixture(scope="module")
def complaints() -> Complaints:
    """Give what the pages of a module have complained about so far."""
    return Complaints()


@pytest.fixture(scope="package")
def labs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """Give the address of a JupyterLab on a student's copies of all labs, and their folder."""
    folder, state = tmp_path_factory.mktemp("labs"), tmp_path_factory.mktemp("jupyter")
    for lab in (ROOT / "labs").glob("*.ipynb"):
        shutil.copy(lab, folder)
    with jupyterlab(folder, state) as address:
        yield address, folder


@pytest.fixture(scope="module")
def page(
    request: pytest.FixtureRequest, browser: Browser, labs: tuple[str, Path], complaints: Complaints
) -> Iterator[Page]:
    """Give the lab that the test module calls ``NOTEBOOK``, opened and run from top to bottom once."""
    address, _ = labs
    with browser_page(browser, complaints) as page:
        open_notebook(page, address, request.module.NOTEBOOK)
        run_all_cells(page)
        yield page
        end_kernel(page)


@pytest.fixture(autouse=True)
def light_again(request: pytest.FixtureRequest) -> Iterator[None]:
    """Leave each page in light: JupyterLab keeps the theme, for the next test and for the next notebook."""
    yield
    for given in request.node.funcargs.values():
        if isinstance(given, Page) and not given.is_closed():
            use_light_again(given)


@pytest.fixture(scope="package")
def screenshots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder for pictures: a temporary one unless ``KIT_SCREENSHOTS`` names another."""
    folder = os.environ.get("KIT_SCREENSHOTS")
    made = Path(folder) if folder else tmp_path_factory.mktemp("screenshots")
    made.mkdir(parents=True, exist_ok=True)
    return made
