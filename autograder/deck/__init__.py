"""Decks (PDF, PPTX) that students hand in: their structure is checked, their pages are drawn for the one who grades.

`check` gives points and a reason for each property of a rubric, `draw` the pages, and `notebook.graded` both as a
notebook with one cell that formgrader shows. A deck is read only in a process of its own that has limits; nothing in it
is run.
"""

from autograder.deck.checking import check, check_bytes
from autograder.deck.drawing import Rendering, draw, draw_bytes, render
from autograder.deck.limits import DeckLimits
from autograder.deck.naming import NAMES, decks
from autograder.deck.report import DeckReport, Note, Property
from autograder.deck.rubric import LECTURE, Criterion, DeckRubric, RubricError, Section

__all__ = [
    "LECTURE",
    "NAMES",
    "Criterion",
    "DeckLimits",
    "DeckReport",
    "DeckRubric",
    "Note",
    "Property",
    "Rendering",
    "RubricError",
    "Section",
    "check",
    "check_bytes",
    "decks",
    "draw",
    "draw_bytes",
    "render",
]
