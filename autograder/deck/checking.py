"""`check`: one deck, read in a process of its own and compared with a rubric."""

from __future__ import annotations

from pathlib import Path

from autograder.deck import reader
from autograder.deck.limits import LIMITS, DeckLimits
from autograder.deck.refusal import RefusedError
from autograder.deck.report import DeckReport, judge, refused
from autograder.deck.rubric import LECTURE, DeckRubric


def check(path: Path, rubric: DeckRubric = LECTURE, limits: DeckLimits = LIMITS) -> DeckReport:
    """Check the deck in a file; whatever is wrong with it is in the report."""
    try:
        content = reader.take(path, limits)
    except RefusedError as refusal:
        return refused(_shown(path.name), refusal.kind, refusal.sentence, rubric)
    return check_bytes(content, path.name, rubric, limits)


def check_bytes(content: bytes, name: str, rubric: DeckRubric = LECTURE, limits: DeckLimits = LIMITS) -> DeckReport:
    """Check a deck that has been read into memory, as intake does."""
    where = _shown(name)
    kind = ""
    try:
        kind = reader.kind_of(content)
        contents = reader.contents_of(reader.ask("read", kind, content, limits))
    except RefusedError as refusal:
        return refused(where, refusal.kind, refusal.sentence, rubric, what=kind)
    return judge(where, kind, contents, rubric)


def _shown(name: str) -> str:
    from autograder.intake.flags import shown  # as in `reader.take`

    return shown(name)
