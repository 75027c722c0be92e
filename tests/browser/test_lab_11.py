"""Lab 11 as a student uses it: a plan typed into the form, kept in a file, and seen by the check."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.axe import serious_violations
from tests.browser.jupyter import TIMEOUT_MS, Complaints, pose, retype, show_cell
from tests.support.plans import PLAN
from tests.support.wait import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.labs, pytest.mark.slow, pytest.mark.timeout(300)]

NOTEBOOK = "11-project-ideas.ipynb"

expect.set_options(timeout=TIMEOUT_MS)


@pytest.fixture
def form(page: Page) -> Locator:
    """Give the form."""
    return show_cell(page, "form").locator(".kit-project")


def plan(folder: Path) -> str:
    """What is in the file."""
    path = folder / "my-project.md"
    return path.read_text(encoding="utf-8") if path.exists() else ""


def test_typing_saves_and_ticks_off(page: Page, form: Locator, labs: tuple[str, Path]) -> None:
    """What is typed by keyboard is in the file soon, and the list follows; HTML stays text."""
    form.get_by_label("What is your project called?").click()
    page.keyboard.type("Late <b>buses</b>")
    idea = form.get_by_role("region", name="1. Project idea and goal")
    expect(idea.get_by_text("missing: a question")).to_have_count(1)

    page.keyboard.press("Tab")
    page.keyboard.type("Which bus is late?")

    expect(idea.get_by_text("there: a question")).to_have_count(1)
    wait_until(lambda: "# Late <b>buses</b>" in plan(labs[1]) and "Which bus is late?" in plan(labs[1]), "the file")
    expect(form.get_by_role("status")).to_contain_text("Saved in my-project.md")
    assert form.locator("b").count() == 0


def test_full_plan_passes_and_comes_alive(page: Page, form: Locator) -> None:
    """All four sections are filled by mouse and keyboard; then check, cluster and the second check agree."""
    for heading, text in zip(("1. Project", "2. Data", "3. Producers", "4. Consumers"), PLAN.values(), strict=True):
        field = form.get_by_role("region", name=heading).get_by_role("textbox")
        field.click()
        page.keyboard.press("ControlOrMeta+a")
        page.keyboard.insert_text(text)
    expect(form.get_by_role("status")).to_contain_text("10 of 10 there.")

    check = retype(page, "check-structure", 'kit.check("11.structure", answer=form.text)')
    expect(check.get_by_role("note")).to_contain_text("11.structure: passed")
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:run-all-below')")
    check = show_cell(page, "check-topics")
    expect(check.get_by_role("note")).to_contain_text("11.topics: passed")


def test_text_survives_a_kernel_that_was_restarted(page: Page, form: Locator, labs: tuple[str, Path]) -> None:
    """Nobody is told "saved" when nobody saved; the text is kept, and is back when the cell runs again."""
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.restartKernel()")
    idea = form.get_by_role("region", name="1. Project idea and goal").get_by_role("textbox")
    idea.click()
    page.keyboard.press("ControlOrMeta+End")
    page.keyboard.insert_text(" Typed while nobody listened.")

    status = form.get_by_role("status")
    expect(status).to_contain_text("NOT saved: the kernel does not answer.")
    expect(status).to_contain_text("stays in this browser")
    assert "nobody listened" not in plan(labs[1])
    source = "import kit\nfrom kit.widgets import ProjectForm\n\nform = ProjectForm('my-project.md')\nform"
    form = retype(page, "form", source).locator(".kit-project")

    idea = form.get_by_role("region", name="1. Project idea and goal").get_by_role("textbox")
    expect(idea).to_have_value(re.compile("Typed while nobody listened"))
    expect(form.get_by_role("status")).to_contain_text("Saved in my-project.md")
    assert "Typed while nobody listened." in plan(labs[1])


def test_text_that_was_not_saved_does_not_replace_a_newer_file(
    page: Page, form: Locator, labs: tuple[str, Path]
) -> None:
    """Whoever changed the file meanwhile keeps that, and may still choose the text that the browser has kept."""
    file = labs[1] / "my-project.md"
    file.write_text(plan(labs[1]).replace("Which bus", "Which tram"), encoding="utf-8")
    idea = form.get_by_role("region", name="1. Project idea and goal").get_by_role("textbox")
    idea.click()
    page.keyboard.press("ControlOrMeta+End")
    page.keyboard.insert_text(" Second thoughts.")
    expect(form.get_by_role("status")).to_contain_text("NOT saved: my-project.md was changed elsewhere.")
    source = "import kit\nfrom kit.widgets import ProjectForm\n\nform = ProjectForm('my-project.md')\nform"
    form = retype(page, "form", source).locator(".kit-project")

    idea = form.get_by_role("region", name="1. Project idea and goal").get_by_role("textbox")
    expect(idea).to_have_value(re.compile("^Which tram"))
    form.get_by_role("button", name="Show the kept text instead").press("Enter")
    expect(idea).to_have_value(re.compile("^Which bus.* Second thoughts.$", re.DOTALL))
    expect(form.get_by_role("group", name="Text that was not saved")).to_have_count(0)
    wait_until(lambda: "Second thoughts." in plan(labs[1]), "the file")


@pytest.mark.parametrize("theme", ["Light", "Dark"])
def test_pictures_in_both_themes(page: Page, screenshots: Path, theme: str) -> None:
    """The form follows the theme and keeps nobody out."""
    pose(page, theme)
    form = show_cell(page, "form").locator(".kit-project")
    expect(form).to_be_visible()
    page.screenshot(path=screenshots / f"lab-11-{theme.lower()}.png")

    assert serious_violations(form) == []


def test_session_was_quiet(complaints: Complaints) -> None:
    """Nothing above left an error in the console or asked anything of another machine."""
    assert complaints == Complaints()
