"""Assignment 3: the structure of the deck beside the notebook is marked; a person sees its pages and marks the rest."""

import functools
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from autograder import deck
from autograder.deck import notebook
from autograder.intake.flags import shown
from autograder.job import Outcome, Score
from autograder.judge import Look

OTHERS = (".odp", ".key", ".ppt", ".pps", ".ppsx", ".odg", ".doc", ".docx", ".odt", ".zip", ".png", ".jpg", ".jpeg")
NO_DECK = "No deck was handed in: deck.pdf or deck.pptx was to lie beside the notebook."


def judge(outcome: Outcome, seed: int, files: Mapping[str, bytes]) -> list[Score]:
    """One score for each property of the rubric; what could not be read is left to a person, and not marked down."""
    del outcome, seed
    names = deck.decks(files)
    if not names:
        rubric = deck.LECTURE
        others = other_files(files)
        asked = {"pages": rubric.pages_points, "order": rubric.order_points}
        asked |= {section.name: section.points for section in rubric.sections}
        return [
            Score(notebook.STRUCTURE_ID, name, 0.0, points, f"{NO_DECK}{others}", needs_human=bool(others))
            for name, points in asked.items()
        ]
    return [
        Score(
            grade_id=notebook.STRUCTURE_ID,
            name=each.name,
            points=each.points or 0.0,
            of=each.most_points,
            reason=each.reason,
            needs_human=each.points is None,
        )
        for each in report(names[0], files[names[0]]).properties
    ]


def pages(files: Mapping[str, bytes], seed: int) -> dict[str, Any]:
    """The pages, what was checked of them, and the rubric, for formgrader."""
    del seed
    names = deck.decks(files)
    if not names:
        return {}
    return {notebook.GRADE_ID: drawn(names[0], files[names[0]])[0]}


def flags(files: Mapping[str, bytes], seed: int) -> list[str]:
    """What the instructor should know about the deck."""
    del seed
    names = deck.decks(files)
    if not names:
        others = other_files(files)
        return [Look(f"{NO_DECK}{others}") if others else NO_DECK]
    others = [f"{shown(names[0])} was looked at, {', '.join(map(shown, names[1:]))} was not."] if names[1:] else []
    notes = report(names[0], files[names[0]]).notes
    unlike = drawn(names[0], files[names[0]])[1]
    others += [f"{shown(names[0])}: {unlike[0].lower()}{unlike[1:]}"] if unlike else []
    return [*(Look(note) if note.needs_human else str(note) for note in notes), *others]


def other_files(files: Mapping[str, bytes]) -> str:
    """What may be a deck of another kind, in words; empty when there is nothing."""
    names = sorted(name for name in files if name.casefold().endswith(OTHERS))
    return f" There is {', '.join(map(shown, names[:3]))}, which cannot be read here." if names else ""


@functools.lru_cache(maxsize=4)
def report(name: str, content: bytes) -> deck.DeckReport:
    """A deck is read once for points, pages and flags."""
    return deck.check_bytes(content, name)


@functools.lru_cache(maxsize=1)
def drawn(name: str, content: bytes) -> tuple[dict[str, Any], str]:
    """The cell with the pages, drawn once; and why they do not look as the student's do, empty when they do."""
    with tempfile.TemporaryDirectory() as folder:
        rendering = deck.draw_bytes(content, Path(folder))
        made = notebook.graded(report(name, content), rendering)
    cell = next(each for each in made["cells"] if each["id"] == notebook.GRADE_ID)
    is_text = any(page.suffix == ".html" for page in rendering.pages)
    return {
        "source": cell["source"],
        "attachments": cell.get("attachments", {}),
    }, rendering.how if is_text else ""
