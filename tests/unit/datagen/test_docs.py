"""The page about streams says what is so."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

from kit import datagen

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "datagen.md").read_text(encoding="utf-8")


def test_sample_prints_what_the_page_shows() -> None:
    """The first sample gives the lines below it, on every computer."""
    sample, lines = re.search(r"```python\n(.*?)```\n\n```\n(.*?)```", PAGE, re.DOTALL).groups()  # type: ignore[union-attr]
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(sample, {})

    assert printed.getvalue() == lines


@pytest.mark.parametrize("make", [datagen.listens, datagen.detections, datagen.plays], ids=lambda make: make.__name__)
def test_every_field_is_on_the_page(make: object) -> None:
    """The tables have the fields of the values, all of them and no others, in their order."""
    event = make().take(1)[0]  # type: ignore[operator]
    section = re.split(rf"^### {event.stream}: ", PAGE, flags=re.MULTILINE)[1].split("\n#")[0]
    first_cells = re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
    named = re.findall(r"`(\w+)`", " ".join(first_cells))

    assert ["id", "at_ms", *named] == list(event.fields())
