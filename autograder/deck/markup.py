"""A deck and its report as HTML for an instructor's browser, in which nothing of the student's is markup.

The fragments stand in Markdown cells too. So they have no empty lines, which would end the HTML there, and every sign
of a student's text is written by its number: to Markdown it is no sign at all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from autograder.deck.page import Page
from autograder.deck.report import DeckReport
from autograder.deck.rubric import DeckRubric

_PLAIN = frozenset(" .,:;")


def escaped(text: str) -> str:
    """A text in which only letters, digits and spaces stand for themselves."""
    return "".join(each if each.isalnum() or each in _PLAIN else f"&#{ord(each)};" for each in text if _is_shown(each))


def slide(page: Page, sources: Iterable[str]) -> str:
    """One slide: its title, its texts, and its pictures (addresses of ours, not of the student's)."""
    parts = []
    for line in page.lines:
        tag = "h3" if line.is_title else "p"
        parts.append(f"<{tag}>{escaped(line.text)}</{tag}>")
    parts.extend(f'<img src="{source}" alt="picture on the slide" style="max-width:45%"/>' for source in sources)
    return _joined(
        '<div class="deck-slide tex2jax_ignore mathjax_ignore">', parts or ["<p>(nothing on it)</p>"], "</div>"
    )


def report(found: DeckReport, rubric: DeckRubric, how: str) -> str:
    """The marks for the structure, the rubric for the person who grades, and what that person should know."""
    rows = [
        f"<tr><td>{escaped(each.name)}</td><td>{_points(each.points)} of {each.most_points:g}</td>"
        f"<td>{escaped(each.reason)}</td></tr>"
        for each in found.properties
    ]
    asked = [
        f"<tr><td>{escaped(each.name)}</td><td>of {each.points:g}</td><td>{escaped(each.question)}</td></tr>"
        for each in rubric.criteria
    ]
    notes = [f"<li>{escaped(str(note))}</li>" for note in found.notes]
    return _joined(
        '<div class="deck-report tex2jax_ignore mathjax_ignore">',
        [
            f"<p><b>{escaped(found.line)}</b></p>",
            *(["<ul>", *notes, "</ul>"] if notes else []),
            *_table("Structure, as checked", ("property", "points", "reason"), rows),
            *_table("Rubric: a person decides", ("criterion", "points", "question"), asked),
            f"<p>{escaped(how)}</p>",
        ],
        "</div>",
    )


def picture(name: str, number: int) -> str:
    """One page that is an attachment of the cell. In Markdown: nbconvert does not look for attachments in HTML."""
    return f"\n![page {number}](attachment:{name})\n"


def _table(title: str, columns: Sequence[str], rows: Sequence[str]) -> list[str]:
    if not rows:
        return []
    heads = "".join(f'<th scope="col">{column}</th>' for column in columns)
    return ["<table>", f"<caption>{title}</caption>", f"<tr>{heads}</tr>", *rows, "</table>"]


def _points(points: float | None) -> str:
    return "?" if points is None else f"{points:g}"


def _is_shown(letter: str) -> bool:
    return letter.isprintable()


def _joined(begin: str, parts: Iterable[str], end: str) -> str:
    return "\n".join((begin, *parts, end)) + "\n"
