"""Quiz, poll and feedback as a class uses them: keyboard and mouse in a real browser, votes from other processes.

``KIT_SCREENSHOTS=FOLDER`` makes this test write its pictures there.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator
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
    run_all_cells,
    show_cell,
    use_theme,
)
from tests.support.wait import wait_until

pytestmark = [pytest.mark.browser, pytest.mark.labs, pytest.mark.slow, pytest.mark.timeout(300)]

NOTEBOOK = "class.ipynb"
CELLS = {
    "quiz": 'import kit\n\nkit.quiz("cap")',
    "exam": 'kit.quiz("partitions", feedback="at the end")',
    "cluster": "cluster = kit.start(brokers=1)\nprint(cluster.bootstrap_servers)",
    "poll": 'kit.poll(cluster, "cap")',
    "vote": 'kit.vote(cluster, "cap", student="me")',
    "wall": 'kit.feedback(cluster, "day2")',
    "words": 'kit.vote(cluster, "day2", student="me")',
}
MEAN = '<img src=x onerror="document.title=1"><b>bold</b>'
Picture = Callable[[str, str], None]
THEMES = ["JupyterLab Light", "JupyterLab Dark"]

expect.set_options(timeout=TIMEOUT_MS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of the notebook."""
    folder = tmp_path_factory.mktemp("class")
    cells = [new_code_cell(source, id=cell_id) for cell_id, source in CELLS.items()]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), folder / NOTEBOOK)
    return folder


@pytest.fixture(scope="module")
def opened(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, browser: Browser, complaints: Complaints
) -> Iterator[tuple[Page, str]]:
    """Give the notebook, opened in JupyterLab and run once, and its address."""
    with jupyterlab(folder, tmp_path_factory.mktemp("jupyter")) as address, browser_page(browser, complaints) as page:
        open_notebook(page, address, NOTEBOOK)
        run_all_cells(page)
        yield page, address


@pytest.fixture
def page(opened: tuple[Page, str]) -> Page:
    """Give the page."""
    return opened[0]


@pytest.fixture
def cluster(page: Page) -> Iterator[kit.Cluster]:
    """Give the notebook's cluster, as other computers reach it."""
    address = show_cell(page, "cluster").locator(".jp-OutputArea-output").text_content() or ""
    with contextlib.closing(kit.connect(address.strip())) as cluster:
        yield cluster


@pytest.fixture
def picture(page: Page, tmp_path: Path) -> Picture:
    """Give a function that takes a picture of a part, in light and dark, and looks at both with axe-core."""
    pictures = Path(os.environ.get("KIT_SCREENSHOTS") or tmp_path)

    def take(name: str, cell_id: str) -> None:
        for theme in THEMES:
            use_theme(page, theme)
            widget = show_cell(page, cell_id).locator(".kit-widget").first
            box = widget.bounding_box()
            assert box
            page.set_viewport_size({"width": 1400, "height": max(900, int(box["height"]) + 200)})  # to have all of it
            show_cell(page, cell_id)
            widget.screenshot(path=pictures / f"{name}-{theme.split()[-1].lower()}.png", animations="disabled")
            assert serious_violations(widget) == [], f"{name} in {theme}"
        use_theme(page, THEMES[0])
        page.set_viewport_size({"width": 1400, "height": 900})

    return take


def card(quiz: Locator, question: str) -> Locator:
    """One question of a quiz, with what was said to the answer."""
    return quiz.locator(f"div:has(> fieldset[data-question='{question}'])")


def test_quiz_is_answered_by_keyboard_alone(page: Page, folder: Path) -> None:
    """Arrows choose an option and Tab leads to the button; the notebook's own shortcuts stay out of it."""
    quiz = show_cell(page, "quiz").get_by_role("region", name="Quiz: CAP, honestly")
    first = quiz.get_by_role("group", name="Question 1 of 6")
    first.get_by_role("radio").first.focus()
    for key in ("Space", "ArrowDown", "Tab", "Enter"):
        page.keyboard.press(key)
    expect(card(quiz, "what-cap-says").get_by_role("status")).to_contain_text("Not right: 0 of 1 point.")
    page.keyboard.press("Shift+Tab")
    expect(first.get_by_role("radio", name="Of consistency")).to_be_focused()
    for key in ("ArrowDown", "Tab", "Space"):
        page.keyboard.press(key)

    expect(card(quiz, "what-cap-says").get_by_role("status")).to_contain_text("Right: 1 of 1 point.")
    expect(quiz.get_by_text("1 of 7 points so far, 1 of 6 checked.")).to_be_visible()
    kept = json.loads((folder / "answers" / "cap.json").read_text())
    assert kept["answers"]["what-cap-says"] == {"answer": "3", "checked": True, "tries": 2}


def test_several_options_are_chosen_quickly_and_none_is_lost(page: Page, picture: Picture) -> None:
    """Three clicks in a row arrive as three choices, although the kernel answers each."""
    quiz = show_cell(page, "quiz").get_by_role("region", name="Quiz: CAP, honestly")
    group = quiz.get_by_role("group", name="choose all that are right")
    for place in (0, 1, 3):
        group.get_by_role("checkbox").nth(place).check()
    group.get_by_role("button", name="Check question 4").click()

    mark = card(quiz, "toward-availability").get_by_role("status")
    expect(mark).to_contain_text("Not right: 0 of 2 points.")
    expect(mark).to_contain_text("The leader acknowledges alone.")
    expect(mark).to_contain_text("More replicas survive more failures.")
    picture("quiz", "quiz")


def test_quiz_at_the_end_tells_nothing_before(page: Page, picture: Picture) -> None:
    """Typed answers are kept while typing; the lecture's four gets its explanation when all is done."""
    quiz = show_cell(page, "exam").get_by_role("region", name="Quiz: Partitions and keys")
    field = quiz.get_by_role("group", name="Question 4 of 5").get_by_role("textbox", name="Your answer")
    field.focus()
    page.keyboard.type("4")
    expect(quiz.get_by_text("1 of 5 answered.")).to_be_visible()
    expect(card(quiz, "how-many").get_by_role("status")).to_be_empty()

    quiz.get_by_role("button", name="Finish and show what was right").press("Enter")

    expect(card(quiz, "how-many").get_by_role("status")).to_contain_text("60 MB/s, not 200")
    expect(field).to_be_disabled()
    expect(quiz.get_by_text("0 of 6 points.")).to_be_visible()
    picture("quiz-at-the-end", "exam")
    quiz.get_by_role("button", name="Try again").click()
    expect(field).to_be_enabled()


def test_answers_survive_a_reload(opened: tuple[Page, str]) -> None:
    """The page comes back as it was: choices, marks, score."""
    page, address = opened
    page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
    open_notebook(page, address, NOTEBOOK)

    quiz = show_cell(page, "quiz").get_by_role("region", name="Quiz: CAP, honestly")
    expect(quiz.get_by_role("radio", name="As long as the cut lasts")).to_be_checked()
    expect(card(quiz, "what-cap-says").get_by_role("status")).to_contain_text("Right: 1 of 1 point.")


def test_poll_starts_at_zero_and_fills_while_votes_arrive(page: Page, cluster: kit.Cluster, picture: Picture) -> None:
    """Bars and numbers follow the votes that others send; a vote with the keyboard is one of them."""
    poll = show_cell(page, "poll").get_by_role("region", name="Poll cap")
    share = poll.locator(".kit-share")
    expect(share).to_have_text(["0 % (0)"] * 4)
    expect(poll.get_by_text("Nobody has voted yet.")).to_be_visible()
    picture("poll-open", "poll")

    for student, choice in [("ana", "3"), ("ben", "2"), ("eve", "3")]:
        assert kit.vote(cluster, "cap", choice, student=student).counts
    expect(share).to_have_text(["0 % (0)", "33 % (1)", "67 % (2)", "0 % (0)"])
    ballot = show_cell(page, "vote").get_by_role("region", name="Vote in poll cap")
    ballot.get_by_role("radio").first.focus()
    for key in ("ArrowDown", "ArrowDown", "Tab", "Enter"):
        page.keyboard.press(key)

    expect(ballot.get_by_text("Your vote for 3 counts.")).to_be_visible()
    poll = show_cell(page, "poll").get_by_role("region", name="Poll cap")
    expect(poll.locator(".kit-share")).to_have_text(["0 % (0)", "25 % (1)", "75 % (3)", "0 % (0)"])
    picture("ballot", "vote")


def test_answer_is_revealed_on_command(page: Page, cluster: kit.Cluster, picture: Picture) -> None:
    """Closed, reopened, revealed by button: everybody sees it, and late votes do not count."""
    poll = show_cell(page, "poll").get_by_role("region", name="Poll cap")
    poll.get_by_role("button", name="Close voting").click()
    expect(poll.get_by_text("voting is closed")).to_be_visible()
    poll.get_by_role("button", name="Reopen voting").click()
    expect(poll.get_by_text("voting is open")).to_be_visible()
    poll.get_by_role("button", name="Reveal the answer").press("Enter")

    right = poll.get_by_role("listitem").filter(has_text="✔ right")
    expect(right).to_have_count(1)
    expect(right).to_contain_text("As long as the cut lasts")
    assert kit.vote(cluster, "cap", "3", student="zoe").text == "Your vote does not count. The poll 'cap' is closed."
    picture("poll-revealed", "poll")
    ballot = show_cell(page, "vote").get_by_role("region", name="Vote in poll cap")
    expect(ballot.get_by_text("your vote, ✔ right")).to_be_visible()


def test_feedback_shows_texts_as_text(page: Page, cluster: kit.Cluster, folder: Path, picture: Picture) -> None:
    """Empty at first; HTML is shown and not obeyed; long ones are cut; what is hidden is not in the export."""
    wall = show_cell(page, "wall").get_by_role("region", name="Feedback day2")
    expect(wall.get_by_text("No answers yet.")).to_be_visible()
    picture("feedback-empty", "wall")
    form = show_cell(page, "words").get_by_role("region", name="Vote in poll day2")
    form.get_by_role("textbox").focus()
    page.keyboard.type("More breaks, please.")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(form.get_by_text("Your vote in words counts.")).to_be_visible()
    for student, text in [("ana", MEAN), ("ben", "Long. " * 100), ("eve", "rude")]:
        assert kit.vote(cluster, "day2", text, student=student).counts

    wall = show_cell(page, "wall").get_by_role("region", name="Feedback day2")
    expect(wall.get_by_role("listitem")).to_have_count(4)
    expect(wall.get_by_text(MEAN)).to_be_visible()
    long = wall.get_by_role("listitem").filter(has_text="Long.")
    long.get_by_role("button", name="more").press("Enter")
    expect(long.get_by_role("button", name="less")).to_be_focused()
    rude = wall.get_by_role("listitem").filter(has_text="rude")
    rude.get_by_role("button", name="Hide").click()
    expect(wall.locator(".kit-count")).to_have_text("4 answers, 1 hidden.")
    expect(wall.get_by_text("rude")).to_have_count(0)
    wall.get_by_role("button", name="Save as CSV").click()
    exported = folder / "feedback-day2.csv"
    wait_until(exported.exists, "the export")
    expect(wall.get_by_text("Written to feedback-day2.csv")).to_be_visible()
    assert "rude" not in exported.read_text(encoding="utf-8")
    picture("feedback", "wall")


def test_answers_and_poll_survive_a_kernel_restart(page: Page) -> None:
    """A new kernel finds the answers in their file; the old widget says that nobody listens any more."""
    quiz = show_cell(page, "exam").get_by_role("region", name="Quiz: Partitions and keys")
    page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()")
    page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'idle'"
    )
    quiz.get_by_role("group", name="Question 1 of 5").get_by_role("radio").first.check()
    expect(quiz.get_by_text("Not saved yet: the kernel is busy, or it was stopped.")).to_be_visible()

    page.evaluate(
        """() => { const content = window.jupyterapp.shell.currentWidget.content;
                   content.activeCellIndex = 0;
                   return window.jupyterapp.commands.execute('notebook:run-cell'); }"""
    )

    quiz = show_cell(page, "quiz").get_by_role("region", name="Quiz: CAP, honestly")
    expect(quiz.get_by_role("radio", name="As long as the cut lasts")).to_be_checked()
    expect(quiz.get_by_text("1 of 7 points so far, 2 of 6 checked.")).to_be_visible()


def test_session_was_quiet(complaints: Complaints, page: Page) -> None:
    """Nothing was fetched from outside, and the console has no error."""
    assert complaints.outside_requests == []
    assert complaints.console_errors == []
    assert page.title() != "1"
