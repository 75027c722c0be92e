"""What a student is told about an answer that was marked, a line each."""

from __future__ import annotations

from collections.abc import Iterator

from kit.quizzes import Question
from kit.quizzes import marking as kit_marking
from kit.quizzes.model import Answer


def told(question: Question, answer: Answer | None, *, tells_right: bool) -> tuple[str, ...]:
    """The question, what was answered, and what would have been right.

    Args:
        answer: as it was understood; None when there was none.
        tells_right: False while there may be another attempt: then nothing is explained either, for most explanations
            tell what is right.
    """
    lines = _choice(question, answer, tells_right) if question.is_choice else _typed(question, answer, tells_right)
    return (question.text, *lines)


def _choice(question: Question, answer: Answer | None, tells_right: bool) -> Iterator[str]:
    chosen = {answer} if isinstance(answer, str) else set(answer or ())
    if not chosen and answer is not None:
        yield "Nothing was chosen."
    for option in question.options:
        is_chosen = option.id in chosen
        if not tells_right:
            if is_chosen:
                yield f"Chosen: {option.text}"
        elif is_chosen:
            yield _line("Chosen, and right" if option.is_right else "Chosen, but not right", option.text, option.why)
        elif option.is_right:
            yield _line("Right" if answer is None else "Not chosen, but right", option.text, option.why)


def _typed(question: Question, answer: Answer | None, tells_right: bool) -> Iterator[str]:
    if answer is None:
        notes = kit_marking.unanswered(question, tells_right=tells_right).notes
        labels = ["Right"]
    else:
        marked = kit_marking.mark(question, answer, tells_right=tells_right)
        notes = marked.notes
        labels = ["Answered, and right" if marked.is_right else "Answered", "Right"]
    for label, note in zip(labels, notes, strict=False):
        yield _line(label, note.about, note.text) if tells_right else f"Answered: {note.about}"


def _line(label: str, about: str, why: str) -> str:
    ended = about if about.endswith((".", "?", "!")) else f"{about}."
    return f"{label}: {ended} {why}".rstrip()
