"""`kit.check("A3.deck")`: the structure of a deck, as a student sees it before handing in."""

from __future__ import annotations

from pathlib import Path

import pytest

import kit
from tests.support import decks


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KIT_HOME", str(tmp_path / "home"))


def test_a_deck_with_everything_passes_in_either_format() -> None:
    """As PDF under the usual name, as PPTX under another one."""
    Path("deck.pdf").write_bytes(decks.pdf(decks.GOOD))
    Path("mine.pptx").write_bytes(decks.pptx(decks.GOOD))
    assert kit.check("A3.deck")
    assert kit.check("A3.deck", answer="mine.pptx")


def test_what_is_missing_is_said() -> None:
    """No file; a deck of one page; a thing that is no name."""
    assert "There is no deck.pdf or deck.pptx here." in str(kit.check("A3.deck"))
    Path("deck.pdf").write_bytes(decks.pdf(decks.GOOD[:1]))
    found = kit.check("A3.deck")
    assert not found
    assert "It has 1 page; 2 to 4 are asked for." in str(found)
    assert "No heading says 'producers'" in str(found)
    assert not kit.check("A3.deck", answer=3)


def test_a_deck_that_a_person_must_look_at_does_not_pass() -> None:
    """A picture of a deck."""
    Path("deck.pdf").write_bytes(b"%PDF-1.4 nothing more")
    assert "a person decides" in str(kit.check("A3.deck"))


@pytest.mark.parametrize("name", ["Deck.PDF", "My Deck.pdf"])
def test_a_deck_is_found_by_the_names_by_which_it_is_graded(name: str) -> None:
    """Also with capitals, and under another name where there is none of that name."""
    Path(name).write_bytes(decks.pdf(decks.GOOD))
    found = kit.check("A3.deck")
    assert found
    assert name in str(found)


def test_of_several_decks_it_is_said_which_was_looked_at() -> None:
    """The one that will be graded."""
    for name in ("a draft.pdf", "deck.pdf"):
        Path(name).write_bytes(decks.pdf(decks.GOOD))
    assert "deck.pdf was looked at, as it will be when you hand in; a draft.pdf was not." in str(kit.check("A3.deck"))
