"""What does its harm where it is looked at: pages in a browser, lines in a terminal, tables, decks that are opened."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from autograder.console.words import one_line
from autograder.deck import check_bytes
from autograder.doctor.verdict import Verdict
from autograder.exports.cells import text
from autograder.job import Score
from autograder.judge.writing import Notebook, write_scores
from autograder.pipeline.harmless import Harmless

_NOTHING = "nothing is left of it"
_ALIVE = ("<script", "onerror", "javascript:", "<iframe", "<svg", "<form", "\x1b", "\u202e")
_RED = "\x1b[2J\x1b[31mada: 13 of 13 points\x1b]0;title\x07"


@dataclass(frozen=True)
class Case:
    """Something to be shown.

    Attributes:
        name: what is tried.
        show: gives what a person, a browser or a table gets of it.
        never: none of these is in it.
        always: this is.
    """

    name: str
    show: Callable[[], str]
    never: tuple[str, ...] = _ALIVE
    always: str = ""


def _output(kind: str, content: str) -> Callable[[], str]:
    """What is kept of an output of a student's cell."""

    def show() -> str:
        output = {"output_type": "display_data", "metadata": {"a": '"><script>'}, "data": {kind: content}}
        cell = {"cell_type": "code", "metadata": {}, "source": "", "outputs": [output], "execution_count": 1}
        made: Notebook = {"cells": [cell], "metadata": {"widgets": {"state": "<script>"}}}
        Harmless().clean(made)
        kept = [f"{kind}: {text}" for kind, text in output["data"].items()]  # type: ignore[attr-defined]
        return " ".join([*kept, *(str(each) for each in (made["metadata"], output["metadata"]) if each)]) or _NOTHING

    return show


def _answer(source: str) -> Callable[[], str]:
    """What is kept of a text that a student wrote, as the answer that is called "why"."""

    def show() -> str:
        marks = {"solution": True, "grade_id": "why"}
        cell = {"cell_type": "markdown", "metadata": {"nbgrader": marks}, "source": source}
        made: Notebook = {"cells": [cell], "metadata": {}}
        Harmless().clean(made)
        return str(cell["source"])

    return show


def _tag() -> str:
    """What is kept of a cell's tags, which become classes of the page."""
    metadata = {"tags": ["mine", "x navbar-fixed-top"]}
    cell = {"cell_type": "code", "metadata": metadata, "source": "", "outputs": [], "execution_count": 1}
    Harmless().clean({"cells": [cell], "metadata": {}})
    return str(metadata["tags"])


def _reason() -> str:
    """The reasons that a judge's scores become, with a student's text in them."""
    marks = {"nbgrader": {"grade": True, "solution": False, "grade_id": "a", "points": 2}}
    cell = {"cell_type": "code", "metadata": marks, "source": "", "outputs": [], "execution_count": 1}
    made: Notebook = {"cells": [cell], "metadata": {}}
    score = Score("a", "<script>", 1, 2, f"it gave <img src=x onerror=alert(1)>{_RED}", ("<script>alert(1)</script>",))
    write_scores(made, [score], "Seed 7.")
    return str(made["cells"][0]["outputs"][0]["data"]["text/html"])


def _deck(content: Callable[[], bytes], name: str = "deck.pptx") -> Callable[[], str]:
    return lambda: " ".join(map(str, check_bytes(content(), name).notes))


def _zip(names: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in {"[Content_Types].xml": b"<Types/>", "ppt/presentation.xml": b"<p/>", **names}.items():
            archive.writestr(name, content)
    return made.getvalue()


def _white_pdf(how: str) -> bytes:
    """A page with a text that is to be seen, and one that is not."""
    content = (
        f"BT /F 20 Tf 50 700 Td (seen) Tj ET BT {how} /F 20 Tf 50 600 Td (these six words are not seen) Tj ET".encode()
    )
    objects = [
        b"<</Type/Catalog/Pages 2 0 R>>",
        b"<</Type/Pages/Kids[3 0 R]/Count 1>>",
        b"<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>",
        b"<</Length %d>>stream\n%s\nendstream" % (len(content), content),
        b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>",
    ]
    body = b"".join(b"%d 0 obj\n%s\nendobj\n" % each for each in enumerate(objects, 1))
    return b"%PDF-1.7\n" + body + b"trailer\n<</Size 6/Root 1 0 R>>\n%%EOF\n"


_COVER = "position:fixed;inset:0;background:white"
_FETCH = "x<img src=https://e.example/x><link rel=stylesheet href=https://e.example><style>@import 'https://e.example'</style>"
_LAUGHS = b'<!DOCTYPE a [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]><p>&b;</p>'
CASES = (
    Case("script-in-an-output", _output("text/html", "<b>x</b><script>alert(1)</script>"), always="<b>x</b>"),
    Case("title-of-the-terminal", _output("text/plain", _RED), ("\\x1b[2j", "\\x1b]", "\\x07")),
    Case("event-in-an-output", _output("text/html", "<img src=x onerror=alert(1)>")),
    Case("frame-in-an-output", _output("text/html", '<iframe src="https://x"></iframe><form action="https://x">')),
    Case("program-as-address", _output("text/html", '<a href="javascript:alert(1)">x</a>')),
    Case("javascript-output", _output("application/javascript", "alert('<script')"), ("alert",)),
    Case("svg-output", _output("image/svg+xml", "<svg onload=alert(1)>")),
    Case("picture-that-is-none", _output("image/png", '"><script>alert(1)</script>')),
    Case("markdown-output", _output("text/markdown", "<script>alert(1)</script>"), ("<script",)),
    Case("latex-output", _output("text/latex", r"$\href{javascript:alert(1)}{x}$")),
    Case("widget-output", _output("application/vnd.jupyter.widget-view+json", "<script>"), ("<script",)),
    Case("script-in-an-answer", _answer("<script>alert(1)</script>"), ("<script",), "&lt;script&gt;"),
    Case("address-in-an-answer", _answer("[x](javascript:alert(1))"), (), "<pre>"),
    Case(
        "cover-of-the-page",
        _output("text/html", f"<div style='{_COVER}' class='modal'>x</div>"),
        ("style", "class"),
        "x",
    ),
    Case(
        "page-that-is-swallowed", _output("text/html", "<b>x</b><textarea><plaintext><title>"), ("<t", "<p"), "<b>x</b>"
    ),
    Case("box-that-is-left", _output("text/html", "</div></div></td></table>x"), ("</",), "x"),
    Case("fetch-from-elsewhere", _output("text/html", _FETCH), ("e.example",), "x"),
    Case("html-of-many-levels", _output("text/html", "<div>" * 50_000 + "x"), ("<div>" * 51,), "x"),
    Case("picture-from-elsewhere", _answer("![x](https://e.example/x.png)"), (), "<pre>"),
    Case("page-of-the-server", _answer("[x](/hub/logout) ![x](../../logout)"), (), "<pre>"),
    Case("picture-that-is-missing", _answer("![x](attachment:none.png)"), (), "<pre>"),
    Case("heading-with-the-id-of-a-mark", _answer("# why"), (), "<pre>"),
    Case("program-in-a-drawing", _answer("```mermaid\n<script>alert(1)</script>\n```"), ("<script",), "<pre>"),
    Case("tag-that-is-a-class", _tag, ("navbar",), "mine"),
    Case("html-in-a-reason", _reason, ("<script", "<img", "\x1b"), "&lt;script&gt;"),
    Case("colours-in-a-line", lambda: one_line("ada", _RED), ("\x1b", "\x07")),
    Case("line-break-in-a-name", lambda: one_line("ada: 13 of 13 points.\nbob", "0"), ("\n",)),
    Case("turned-round-name", lambda: one_line("ada\u202etxt", "0"), ("\u202e",)),
    Case("formula-in-a-name", lambda: f"|{text('=HYPERLINK(1)')}", ("|=",)),
    Case("command-in-a-name", lambda: f"|{text('@SUM(1+9)*cmd')}", ("|@",)),
    Case("deck-that-is-a-zip-bomb", _deck(lambda: _zip({"ppt/media/a.bin": bytes(250_000_000)})), (), "unpack"),
    Case("deck-with-many-files", _deck(lambda: _zip({f"ppt/{n}": b"" for n in range(2_100)})), (), "2,000 are allowed"),
    Case("deck-with-names-that-lead-out", _deck(lambda: _zip({"../../source/evil.txt": b"x"})), (), "lead"),
    Case("deck-with-entities", _deck(lambda: _zip({"_rels/.rels": _LAUGHS})), (), "document type"),
    Case("deck-that-is-a-program", _deck(lambda: b"MZ" + bytes(1000)), (), "neither PDF nor PPTX"),
    Case("deck-with-white-words", _deck(lambda: _white_pdf("1 g"), "deck.pdf"), (), "6 words on page 1 cannot be seen"),
    Case("deck-with-words-without-ink", _deck(lambda: _white_pdf("3 Tr"), "deck.pdf"), (), "6 words on page 1 cannot"),
    Case("deck-that-breaks-off", _deck(lambda: b"%PDF-1.7\n1 0 obj", "deck.pdf"), (), "damaged"),
    Case("deck-of-a-deep-pdf", _deck(lambda: b"%PDF-1.7\n" + b"[" * 10**6, "deck.pdf"), (), "damaged"),
)


def wrong_with(case: Case, shown: str) -> str:
    """What did not hold, in one line; empty when all of it did."""
    alive = [each for each in case.never if each in shown.lower()]
    if alive:
        return f"{alive[0]!r} is still in it"
    if case.always not in shown:
        return f"it says {shown!r:.200}"
    return ""


def verdicts(rung: str) -> Iterator[Verdict]:
    """Show each; no notebook is run, so the rung does not matter."""
    del rung
    for case in CASES:
        shown = case.show()
        yield Verdict("showing", case.name, wrong_with(case, shown), shown.replace("\n", " "))
