"""What it costs to show a stranger's cell: Markdown and colours of code, which take minutes for what nobody writes."""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from autograder.pipeline.bounded import Bounded, SpentError
from autograder.pipeline.plain_markdown import is_harmless, is_too_long
from autograder.quick_imports import quick_imports

_MOST_CODE = 100_000  # characters
# From each of Markdown's brackets the whole line is looked through; IPython's lexer does so from each word and dot.
_MOST_BRACKETS = 2_000
_RUN = re.compile(r"[\w.]{2000}")
_FENCE = re.compile(r"(?:```|~~~)")
_QUICK = 10_000  # characters of a notebook that need no process of their own: even at the worst a second
_LIMIT_S = 20.0  # for a notebook
PLAIN = "text"  # the language of code that is shown without colours


class Verdict(Enum):
    """What can be done with a cell or an output."""

    FINE = "it can be shown as it is"
    HARMFUL = "there is something in it that is not shown"
    SLOW = "to show it takes too long"


@dataclass(frozen=True, slots=True)
class Question:
    """A cell or an output: can it be shown as it is?

    Attributes:
        names: of the cell's pictures.
        ids: of the page's own parts.
    """

    text: str
    is_code: bool = False
    names: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()

    def is_harmless(self) -> bool:
        """Whether there is nothing in it but text, code, formulas, pictures and links."""
        return self.is_code or is_harmless(self.text, self.names, self.ids)

    def is_costly(self) -> bool:
        """Whether a look at it is enough to say no."""
        if self.is_code:
            return len(self.text) > _MOST_CODE or _RUN.search(self.text) is not None
        return is_too_long(self.text) or self.text.count("[") > _MOST_BRACKETS

    def may_be_slow(self) -> bool:
        """Whether programs of other languages are coloured, by any of hundreds of lexers."""
        return self.text.lstrip().startswith("%%") if self.is_code else _FENCE.search(self.text) is not None


class Trial:
    """Shows cells as nbconvert will."""

    def answers(self, questions: Sequence[Question]) -> list[bool]:
        """Whether each can be shown as it is; it may take any time."""
        return [self._answer(each) for each in questions]

    def _answer(self, question: Question) -> bool:
        if question.is_code:
            _show_code(question.text)
            return True
        if not question.is_harmless():
            return False
        _show_text(question)
        return True


class Shower:
    """Answers questions about one notebook after the other.

    Args:
        limit_s: processor time for a notebook.
        make: makes what shows cells, in a process of its own.
    """

    def __init__(self, limit_s: float = _LIMIT_S, make: Callable[[], Trial] = Trial) -> None:
        self._apart = Bounded(limit_s, make)

    def verdicts(self, questions: Sequence[Question]) -> dict[Question, Verdict]:
        """For each what can be done with it; when the time is spent, all are slow."""
        found = dict.fromkeys(questions, Verdict.SLOW)
        asked = [each for each in found if not each.is_costly()]
        try:
            answers = self._answers(asked)
        except SpentError:
            return found
        return found | {
            each: Verdict.FINE if answer else Verdict.HARMFUL for each, answer in zip(asked, answers, strict=True)
        }

    def _answers(self, asked: list[Question]) -> list[bool]:
        is_quick = sum(len(each.text) for each in asked) <= _QUICK and not any(each.may_be_slow() for each in asked)
        return [each.is_harmless() for each in asked] if is_quick else self._apart.call("answers", asked)


def as_text(text: str) -> str:
    """Markdown that shows each character of a text as it is, and is quick: not even a bracket is looked at."""
    return f"<pre>{html.escape(text).replace('[', '&#91;')}</pre>"


def _show_code(text: str) -> None:
    with quick_imports():
        from nbconvert.filters.highlight import Highlight2HTML

    Highlight2HTML(pygments_lexer="ipython3")(text)  # type: ignore[no-untyped-call]


def _show_text(question: Question) -> None:
    with quick_imports():
        from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath
        from nbconvert.filters.strings import strip_files_prefix

    pictures = {name: {"image/png": ""} for name in question.names}
    renderer = IPythonRenderer(escape=False, exclude_anchor_links=True, attachments=pictures)
    strip_files_prefix(MarkdownWithMath(renderer=renderer).render(question.text))  # type: ignore[no-untyped-call]
