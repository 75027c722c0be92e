"""The class page as HTML. Everything that a student could have written is escaped, and nothing is fetched."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from pathlib import Path

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from autograder.jail import described
from autograder.quizzes import Item
from autograder.report import figures
from autograder.report.facts import ClassFacts, PropertyFacts, StudentResult, class_facts

_CSS = Path(__file__).with_name("page.css")
_MIB = 1024 * 1024
# Plotly adds styles to the page as it runs; scripts are the page's own, and the network is closed.
_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:"


def page(
    assignment: str,
    results: Sequence[StudentResult],
    *,
    judging: str,
    quiz_items: Sequence[Item] = (),
    similar: Sequence[str] = (),
    warnings: Sequence[str] = (),
) -> str:
    """The page about one assignment.

    Args:
        assignment: its name.
        results: one for each submission.
        judging: as the assignment declares; "asserts" is said to be forgeable.
        quiz_items: statistics of quizzes in it.
        similar: the similarity report, a line for each pair.
        warnings: what else should be known of all figures, a line each.

    Returns:
        A whole HTML document of about 5 MB, nearly all of it plotly's script.
    """
    facts = class_facts(results)
    sections = [
        _tiles(facts),
        _forgeable(judging),
        _unfinished(facts),
        *(f'<p class="warning">{_text(each)}</p>' for each in warnings),
        _section("Marks", _chart(figures.distribution(facts)), _marks_table(results)),
        _section("What was hard", _chart(figures.difficulty(facts)), _property_table(facts.properties)),
        _section("Quiz questions", _items_table(quiz_items)) if quiz_items else "",
        _section(f"To be looked at: {len(facts.to_look_at)}", *_flag_tables(facts)),
        _section("Alike", _rows("Pairs of submissions that share code", ["pair"], [[each] for each in similar]))
        if similar
        else "",
        _section("Time and memory", _chart(figures.cost(results)), _cost_table(facts, results)),
    ]
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{_text(assignment)}</title>'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{_CSS.read_text("utf-8")}</style>'
        f"<script>{get_plotlyjs()}</script></head><body><main><h1>{_text(assignment)}</h1>"
        f'<p class="quiet">{facts.num_students} submissions, judged by {_text(judging)}.</p>'
        f"{''.join(sections)}</main></body></html>\n"
    )


def _tiles(facts: ClassFacts) -> str:
    tiles = [("submissions", f"{facts.num_students}")]
    if facts.median is not None and facts.mean is not None:
        tiles += [("median", f"{facts.median:g} of {facts.of:g}"), ("mean", f"{facts.mean:.1f}")]
    tiles += [("to be looked at", f"{len(facts.to_look_at)}"), ("to be graded by hand", f"{facts.num_unfinished}")]
    tiles += [(f"held by {described(rung)}", f"{number}") for rung, number in facts.rungs.items()]
    tiles += [(f"stopped: {kind.replace('_', ' ')}", f"{number}") for kind, number in facts.stop_kinds.items()]
    return (
        '<ul class="tiles">'
        + "".join(f"<li><b>{_text(value)}</b>{_text(name)}</li>" for name, value in tiles)
        + "</ul>"
    )


def _forgeable(judging: str) -> str:
    if judging != "asserts":
        return ""
    return (
        '<p class="warning"><strong>These marks are forgeable.</strong> They come from asserts that ran inside the '
        "student's own kernel. Judge by probes or evidence instead.</p>"
    )


def _unfinished(facts: ClassFacts) -> str:
    if not facts.num_unfinished:
        return ""
    return (
        f'<p class="warning"><strong>These marks are not finished.</strong> {facts.num_unfinished} of '
        f"{facts.num_students} submissions have points that a person gives in formgrader and has not given yet. "
        "The figures here are of the points that were given automatically.</p>"
    )


def _section(title: str, *parts: str) -> str:
    return f"<section><h2>{_text(title)}</h2>{''.join(parts)}</section>"


def _chart(figure: go.Figure) -> str:
    # The table after it says the same to those who cannot see it.
    drawn = figure.to_html(
        full_html=False, include_plotlyjs=False, config={"displayModeBar": False, "responsive": True}
    )
    return f'<div aria-hidden="true">{drawn}</div>'


def _marks_table(results: Sequence[StudentResult]) -> str:
    rows = [
        [
            each.student,
            "not graded" if each.failure else f"{each.points:g}",
            "yes" if each.is_unfinished else "",
            "yes" if each.needs_human else "",
        ]
        for each in sorted(results, key=lambda each: (-each.points, each.student))
    ]
    table = _rows("Points of each student", ["student", "points#", "to be graded by hand", "to be looked at"], rows)
    return f"<details><summary>Marks of all {len(rows)}</summary>{table}</details>"


def _property_table(properties: Sequence[PropertyFacts]) -> str:
    rows = [
        [
            each.grade_id,
            each.name,
            f"{each.num_full}",
            f"{each.num_part}",
            f"{each.num_none}",
            f"{each.num_open}",
            "" if each.mean_share is None else f"{each.mean_share:.0%}",
            "" if each.with_rest is None else f"{each.with_rest:+.2f}",
            f"{each.commonest_reason} ({each.num_commonest})" if each.commonest_reason else "",
        ]
        for each in properties
    ]
    heads = [
        "cell",
        "property",
        "all points#",
        "some#",
        "none#",
        "open#",
        "mean#",
        "with the rest#",
        "commonest reason",
    ]
    return _rows(
        "In the order of the notebook. All, some, none: students with so many of its points; open: a person decides. "
        "Mean: the share of the points that the class has. With the rest: correlation with the points for all else, of "
        "10 students or more; near 0 or below, look at the task's wording and at its tests. Commonest reason: for how "
        "many it is so; … stands for what differs among them",
        heads,
        rows,
    )


def _items_table(items: Sequence[Item]) -> str:
    rows = [
        [
            item.question,
            f"{item.num_students}",
            f"{item.num_unanswered}",
            "" if item.difficulty is None else f"{item.difficulty:.0%}",
            "" if item.discrimination is None else f"{item.discrimination:+.2f}",
            ", ".join(f"{answer} ({times})" for answer, times in item.chosen[:6]),
        ]
        for item in items
    ]
    heads = ["question", "students#", "left out#", "points#", "with the rest#", "answers"]
    return _rows(
        "Points: the share that the class has. With the rest: correlation with the other questions; near 0 or below, "
        "look at the question's wording and key",
        heads,
        rows,
    )


def _flag_tables(facts: ClassFacts) -> list[str]:
    tables = [
        ("Submissions that a person should look at, with all that was noted about them", facts.to_look_at),
        ("Also noted, about other submissions", facts.noted),
    ]
    return [
        _rows(caption, ["student", "what"], [[student, line] for student, lines in found.items() for line in lines])
        for caption, found in tables
        if found
    ] or ["<p>Nothing: no flag, nothing was cut short.</p>"]


def _cost_table(facts: ClassFacts, results: Sequence[StudentResult]) -> str:
    memory = {each.student: each.usage.memory_bytes for each in results}
    rows = [
        [student, f"{seconds:.2f}", "" if memory[student] is None else f"{(memory[student] or 0) / _MIB:.0f}"]
        for student, seconds in facts.slowest
    ]
    return _rows("The slowest", ["student", "seconds#", "MiB#"], rows)


def _rows(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; the heading of a column of numbers ends with "#"."""
    classes = [' class="number"' if head.endswith("#") else "" for head in heads]
    top = "".join(
        f'<th scope="col"{kind}>{_text(head.rstrip("#"))}</th>' for head, kind in zip(heads, classes, strict=True)
    )
    body = "".join(
        "<tr>" + "".join(f"<td{kind}>{_text(cell)}</td>" for cell, kind in zip(row, classes, strict=True)) + "</tr>"
        for row in rows
    )
    return (
        f'<div class="scroll" tabindex="0" role="region" aria-label="{_text(caption)}">'
        f"<table><caption>{_text(caption)}</caption><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _text(text: str) -> str:
    return html.escape("".join(character if character.isprintable() else "\ufffd" for character in text))
